//! Rules of running the gate: who may stop a change or move it, which keys are revoked, what stands in for a device
//! in staging.

use super::class::check_role;
use super::instant::{ZonedTime, read_zoned};
use super::roster::check_key;
use crate::document::{Fields, Spanned, Value};
use crate::ruleset::Span;
use std::collections::BTreeMap;

/// The roles that may do what needs no quorum. `None` where the policy does not say; see the methods of
/// [`Rights`] for what holds then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    reject: Option<Vec<Spanned<String>>>,
    hold: Option<Vec<Spanned<String>>>,
    schedule: Option<Vec<Spanned<String>>>,
    operate: Option<Vec<Spanned<String>>>,
}

/// One thing that needs a right and no quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// To reject a change: every role, unless the policy names some.
    Reject,
    /// To hold a change, or all: `operator` and `scheduler`, unless the policy names others.
    Hold,
    /// To move the window of a change: `scheduler`, unless the policy names others.
    Schedule,
    /// To roll back and to quarantine a device: `operator`, unless the policy names others.
    Operate,
}

impl Rights {
    /// Whether a person with these roles has a right.
    pub fn has<'a>(&self, right: Right, roles: impl IntoIterator<Item = &'a str>) -> bool {
        let named = self.named(right).map(|list| list.iter().map(|r| r.value.as_str()).collect::<Vec<_>>());
        let default: &[&str] = match right {
            Right::Reject => &[],
            Right::Hold => &["operator", "scheduler"],
            Right::Schedule => &["scheduler"],
            Right::Operate => &["operator"],
        };
        let is_any = named.is_none() && right == Right::Reject;
        let allowed = named.as_deref().unwrap_or(default);
        roles.into_iter().any(|role| is_any || allowed.contains(&role))
    }

    /// The roles that the policy names for a right.
    pub fn named(&self, right: Right) -> Option<&[Spanned<String>]> {
        let list = match right {
            Right::Reject => &self.reject,
            Right::Hold => &self.hold,
            Right::Schedule => &self.schedule,
            Right::Operate => &self.operate,
        };
        list.as_deref()
    }
}

/// Reads `[rights]`.
pub(super) fn read_rights(mut fields: Fields<'_>) -> Rights {
    let problems = fields.problems();
    let list = |fields: &mut Fields<'_>, key| {
        let roles = fields.texts(key)?;
        Some(roles.into_iter().filter(|r| check_role(r, problems)).collect())
    };
    let rights = Rights {
        reject: list(&mut fields, "reject"),
        hold: list(&mut fields, "hold"),
        schedule: list(&mut fields, "schedule"),
        operate: list(&mut fields, "operate"),
    };
    fields.finish();
    rights
}

/// A key that counts no more, whoever has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The key in the form of `authorized_keys`, or its fingerprint (`SHA256:` and 43 characters of base64).
    pub key: Spanned<String>,
    /// Since when; audits list what it signed from then on.
    pub since: ZonedTime,
    /// Whether somebody else may have had it since then.
    pub compromised: bool,
    /// Why.
    pub reason: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// Reads one `[[revoked]]`.
pub(super) fn read_revoked(mut fields: Fields<'_>) -> Option<Revoked> {
    let span = fields.span;
    let problems = fields.problems();
    let key = fields.need_text("key").filter(|k| is_fingerprint(&k.value) || check_key(k, problems));
    fields.need("since");
    let since = fields.parsed("since", read_zoned);
    let compromised = fields.boolean("compromised").unwrap_or(false);
    let reason = fields.text("reason").map(|r| r.value);
    fields.finish();
    Some(Revoked { key: key?, since: since?.value, compromised, reason, span })
}

/// Whether a text has the form of an OpenSSH SHA-256 fingerprint, or of an OpenPGP key's.
fn is_fingerprint(text: &str) -> bool {
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    text.strip_prefix("SHA256:").is_some_and(|hash| hash.len() == 43 && hash.bytes().all(base64))
        || is_openpgp_fingerprint(text)
}

/// Whether a text is `OPENPGP:` and the fingerprint of a key of version 4 or 6 in upper-case hexadecimal digits.
pub fn is_openpgp_fingerprint(text: &str) -> bool {
    let is_hex = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
    text.strip_prefix("OPENPGP:").is_some_and(|hex| matches!(hex.len(), 40 | 64) && hex.bytes().all(is_hex))
}

/// A staging device that stands for one of production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandsFor {
    /// The staging device.
    pub staging: Spanned<String>,
    /// The device of production.
    pub device: Spanned<String>,
    /// What its interfaces are called there.
    pub interfaces: BTreeMap<String, String>,
    /// What its addresses are there.
    pub addresses: BTreeMap<String, String>,
    /// Where it is written.
    pub span: Span,
}

/// Reads one `[[stands_for]]`.
pub(super) fn read_stands_for(mut fields: Fields<'_>) -> Option<StandsFor> {
    let span = fields.span;
    let (device, staging) = (fields.need_text("device"), fields.need_text("staging"));
    let interfaces = read_renames(&mut fields, "interfaces", "`interfaces` of [[stands_for]]");
    let addresses = read_renames(&mut fields, "addresses", "`addresses` of [[stands_for]]");
    fields.finish();
    Some(StandsFor { staging: staging?, device: device?, interfaces, addresses, span })
}

fn read_renames(fields: &mut Fields<'_>, key: &'static str, what: &'static str) -> BTreeMap<String, String> {
    let Some(table) = fields.table(key, what) else { return BTreeMap::new() };
    let mut out = BTreeMap::new();
    for (name, node) in table.entries() {
        match &node.value {
            Value::Text(text) if !text.is_empty() => {
                out.insert(name.value.clone(), text.clone());
            }
            other => {
                let message = format!("`{}` is {} instead of a text that says something", name.value, other.kind());
                table.problems().note(node.span, message, None);
            }
        }
    }
    out
}
