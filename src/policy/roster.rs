//! Who may do what: persons and machines with their keys, as they are written. Whether a key is good is decided
//! where signatures are verified.

use super::class::check_role;
use super::flow::check_id;
use super::instant::{Date, read_date};
use crate::document::{Fields, Problems, Spanned, Value, Wrong};
use crate::ruleset::Span;
use std::collections::BTreeMap;

/// Somebody who can approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The ASCII id that records name.
    pub id: Spanned<String>,
    /// The name for people to read.
    pub name: Option<String>,
    /// The roles.
    pub roles: Vec<Spanned<String>>,
    /// The keys.
    pub keys: Vec<Key>,
    /// Addresses under which the person commits without a signature.
    pub emails: Vec<Spanned<String>>,
    /// Where it is written.
    pub span: Span,
}

/// A public key and when it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key in the form of `authorized_keys`: algorithm, base64, comment.
    pub text: Spanned<String>,
    /// First day on which it counts.
    pub from: Option<Date>,
    /// Last day on which it counts.
    pub until: Option<Date>,
    /// Whether each signature must prove that the user was verified (`sk` keys).
    pub verify: bool,
}

/// The one thing that a machine's key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Signs permits.
    Permit,
    /// Appends to the ledger.
    Ledger,
    /// Signs receipts of staging devices.
    ReceiptStaging,
    /// Signs receipts of production devices.
    ReceiptProduction,
    /// Signs bundles for spare hardware.
    Bundle,
}

const PURPOSES: [(&str, Purpose); 5] = [
    ("permit", Purpose::Permit),
    ("ledger", Purpose::Ledger),
    ("receipt-staging", Purpose::ReceiptStaging),
    ("receipt-production", Purpose::ReceiptProduction),
    ("bundle", Purpose::Bundle),
];

impl Purpose {
    /// The name as files write it.
    pub fn name(self) -> &'static str {
        PURPOSES.iter().find(|(_, p)| *p == self).map_or("", |(n, _)| *n)
    }

    /// The signature namespace: `fwgate-permit@v1`.
    pub fn namespace(self) -> String {
        format!("fwgate-{}@v1", self.name())
    }
}

/// Something that signs by itself and never counts to a quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The ASCII id that records name. One machine may have several entries, one for each purpose.
    pub id: Spanned<String>,
    /// What its key is for.
    pub purpose: Purpose,
    /// The key.
    pub key: Key,
    /// Where it is written.
    pub span: Span,
}

/// Reads one `[[person]]`.
pub(super) fn read_person(mut fields: Fields<'_>) -> Option<Person> {
    let span = fields.span;
    let problems = fields.problems();
    let id = fields.need_text("id").filter(|id| check_id(id, &fields));
    let name = fields.text("name").map(|n| n.value);
    let roles = fields.need_texts("roles").into_iter().filter(|r| check_role(r, problems)).collect();
    fields.need("keys");
    let keys = read_keys(&mut fields);
    let emails = fields.texts("emails").unwrap_or_default();
    fields.finish();
    Some(Person { id: id?, name, roles, keys, emails, span })
}

/// Reads one `[[machine]]`.
pub(super) fn read_machine(mut fields: Fields<'_>) -> Option<Machine> {
    let span = fields.span;
    let id = fields.need_text("id").filter(|id| check_id(id, &fields));
    fields.need("purpose");
    let purpose = fields.one_of("purpose", &PURPOSES);
    let text = fields.need_text("key").filter(|k| check_key(k, fields.problems()));
    let (from, until) = read_validity(&mut fields);
    fields.finish();
    let key = Key { text: text?, from, until, verify: false };
    Some(Machine { id: id?, purpose: purpose?.value, key, span })
}

fn read_keys(fields: &mut Fields<'_>) -> Vec<Key> {
    let problems = fields.problems();
    let Some(node) = fields.get("keys") else { return Vec::new() };
    let Value::Array(items) = &node.value else {
        problems.note(node.span, format!("`keys` is {} instead of a list", node.value.kind()), None);
        return Vec::new();
    };
    let read = |item: &crate::document::Node| match &item.value {
        Value::Text(text) => plain_key(Spanned::new(text.clone(), item.span), problems),
        _ => Fields::of(item, "an entry of `keys`", problems).and_then(read_dated_key),
    };
    items.iter().filter_map(read).collect()
}

fn plain_key(text: Spanned<String>, problems: &Problems) -> Option<Key> {
    check_key(&text, problems).then_some(Key { text, from: None, until: None, verify: false })
}

fn read_dated_key(mut fields: Fields<'_>) -> Option<Key> {
    let problems = fields.problems();
    let text = fields.need_text("key").filter(|k| check_key(k, problems));
    let (from, until) = read_validity(&mut fields);
    let verify = fields.boolean("verify").unwrap_or(false);
    fields.finish();
    Some(Key { text: text?, from, until, verify })
}

fn read_validity(fields: &mut Fields<'_>) -> (Option<Date>, Option<Date>) {
    (read_date_key(fields, "from"), read_date_key(fields, "until"))
}

/// A date, written as a text or as a TOML date.
pub(super) fn read_date_key(fields: &mut Fields<'_>, key: &'static str) -> Option<Date> {
    let problems = fields.problems();
    let node = fields.get(key)?;
    let text = match &node.value {
        Value::Text(text) | Value::Date(text) => Spanned::new(text.clone(), node.span),
        other => {
            problems.note(node.span, format!("`{key}` is {} instead of a date", other.kind()), None);
            return None;
        }
    };
    crate::document::parsed_text(&text, read_date, problems).map(|d| d.value)
}

/// The advice where a certificate or an authority stands for a key.
pub(super) const KEY_KIND_HELP: &str = "name the key itself, not a certificate or an authority that vouches for it";

/// Whether a key has the form `algorithm base64 [comment]` in ASCII; reports it otherwise.
pub(super) fn check_key(key: &Spanned<String>, problems: &Problems) -> bool {
    let read = key_body(&key.value);
    if let Err(wrong) = &read {
        problems.note(key.span, wrong.message.clone(), wrong.help.clone());
    }
    read.is_ok()
}

/// The part of a key that tells it from others: algorithm and base64.
fn key_body(text: &str) -> Result<(&str, &str), Wrong> {
    let help = "write it as in `id_ed25519.pub`: algorithm, base64, comment";
    if let Some(body) = text.trim().strip_prefix("-----BEGIN PGP PUBLIC KEY BLOCK-----").filter(|_| text.is_ascii()) {
        return Ok(("openpgp", body));
    }
    let mut words = text.split_ascii_whitespace();
    let (algorithm, body) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    if text.is_ascii() && (algorithm.contains("cert") || algorithm.starts_with(['@', '*'])) {
        return Err(Wrong::new(format!("keys of kind `{algorithm}` are not accepted"), KEY_KIND_HELP));
    }
    if !text.is_ascii() || body.is_empty() || !body.bytes().all(base64) || text.contains(['\n', '\r']) {
        return Err(Wrong::new("this is no public key", help));
    }
    Ok((algorithm, body))
}

/// Reports ids that are given twice, and keys that stand for two identities.
pub(super) fn check_identities(persons: &[Person], machines: &[Machine], problems: &Problems) {
    let mut ids: BTreeMap<&str, Option<Vec<Purpose>>> = BTreeMap::new();
    for person in persons {
        if ids.insert(&person.id.value, None).is_some() {
            problems.note(person.id.span, format!("the id `{}` is given twice", person.id.value), None);
        }
    }
    for machine in machines {
        let purposes = ids.entry(&machine.id.value).or_insert_with(|| Some(Vec::new()));
        match purposes {
            Some(known) if !known.contains(&machine.purpose) => known.push(machine.purpose),
            _ => problems.note(machine.id.span, format!("the id `{}` is given twice", machine.id.value), None),
        }
    }
    let mut keys: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let of_persons = persons.iter().flat_map(|p| p.keys.iter().map(|k| (&p.id.value, k)));
    let of_machines = machines.iter().map(|m| (&m.id.value, &m.key));
    for (owner, key) in of_persons.chain(of_machines) {
        let Ok(body) = key_body(&key.text.value) else { continue };
        if let Some(other) = keys.insert(body, owner) {
            let message = format!("`{owner}` has a key that `{other}` has already");
            problems.report(key.text.span, message, "each key stands for one identity and one purpose");
        }
    }
}
