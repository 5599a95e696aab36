//! What rules decide and change: verdicts, translations, effects on fields.

use super::Reader;
use super::values::{Read, items, number_in};
use crate::dialect::native::words::Form;
use crate::document::{Node, Value};
use crate::packet::{Field, Values};
use crate::ruleset::{Effect, Families, Rewrite, Translation, Verdict};
use std::sync::Arc;

/// Verdicts that are one word.
const WORDS: [(&str, Verdict); 4] = [
    ("accept", Verdict::Accept),
    ("drop", Verdict::Drop),
    ("return", Verdict::Return),
    ("continue", Verdict::Continue),
];
/// Keys of verdicts that are objects.
const KEYS: [&str; 5] = ["reject", "jump", "goto", "translate", "ask"];

impl Reader<'_> {
    /// A verdict: a word, or an object with one key.
    pub fn verdict(&self, node: &Node, scope: Families) -> Option<Verdict> {
        let table = match &node.value {
            Value::Text(text) => return self.verdict_word(node, text),
            Value::Table(table) => table,
            other => return self.wrong(node, format!("a verdict is a word or an object, not {}", other.kind()), ""),
        };
        let [entry] = table.entries.as_slice() else {
            return self.wrong(node, "a verdict has one key", "write for example `{\"jump\": \"web\"}`");
        };
        let inner = &entry.node;
        match &*entry.key.value {
            "reject" => self.text_of(inner, "a kind of reject").map(|kind| Verdict::Reject(kind.into())),
            "jump" => self.target(inner, scope).map(Verdict::Jump),
            "goto" => self.target(inner, scope).map(Verdict::Goto),
            "translate" => self.translation(inner, scope).map(|t| Verdict::Translate(Arc::new(t))),
            "ask" => self.opaque(inner).map(Verdict::Ask),
            key => self.unknown_key(key, entry.key.span, "a verdict", KEYS),
        }
    }

    fn verdict_word(&self, node: &Node, text: &str) -> Option<Verdict> {
        if let Some((_, verdict)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Some(verdict.clone());
        }
        let help = match text {
            "reject" => "say how: `{\"reject\": \"icmp-port-unreachable\"}`, `{\"reject\": \"tcp-reset\"}`".to_owned(),
            _ => crate::document::did_you_mean(text, WORDS.iter().map(|(w, _)| *w))
                .unwrap_or_else(|| format!("a chain is called by `{{\"jump\": \"{text}\"}}`")),
        };
        self.wrong(node, format!("`{text}` is no verdict"), help)
    }

    fn translation(&self, node: &Node, scope: Families) -> Option<Translation> {
        let mut fields = self.fields(node, "a translation")?;
        let parts = [Field::Src, Field::Dst, Field::Sport, Field::Dport]
            .map(|field| fields.get(field.name()).map(|n| self.rewrite(field, n, scope)));
        let options = fields.texts("options").unwrap_or_default();
        fields.finish();
        let mut options: Vec<Arc<str>> = options.into_iter().map(|o| o.value.into()).collect();
        options.sort();
        let [src, dst, sport, dport] = parts;
        if [&src, &dst, &sport, &dport].iter().all(|p| p.is_none()) && options.is_empty() {
            return self.wrong(node, "this translates nothing", "write `dst`, `dport`, `src`, `sport` or `options`");
        }
        Some(Translation { src: known(src)?, dst: known(dst)?, sport: known(sport)?, dport: known(dport)?, options })
    }

    /// `"untrack"`, or an object with a key for each field that takes a new value.
    pub fn effects(&self, node: &Node, scope: Families) -> Option<Vec<Effect>> {
        let table = match &node.value {
            Value::Text(word) if word == "untrack" => return Some(vec![Effect::Untrack]),
            Value::Table(table) => table,
            _ => {
                return self.wrong(node, "an effect is an object or `\"untrack\"`", "write `{\"mark\": \"0x1/0xff\"}`");
            }
        };
        let one = |entry: &crate::document::Entry| match Field::by_name(&entry.key.value) {
            Some(field) => self.effect(field, &entry.node, scope),
            None => {
                let known = Field::ALL.into_iter().map(Field::name);
                self.unknown_key(&entry.key.value, entry.key.span, "an effect", known)
            }
        };
        table.entries.iter().map(one).collect()
    }

    fn effect(&self, field: Field, node: &Node, scope: Families) -> Option<Effect> {
        if !matches!(field, Field::Mark | Field::ConnMark) {
            return self.rewrite(field, node, scope).map(|r| Effect::Rewrite(field, r));
        }
        let Value::Table(table) = &node.value else {
            let cube = self.bits(node, u128::from(u32::MAX))?;
            return Some(Effect::Mark { field, keep: !(cube.mask as u32), take: 0, xor: cube.value as u32 });
        };
        if !table.entries.iter().any(|e| e.key.value == "take") {
            return self.rewrite(field, node, scope).map(|r| Effect::Rewrite(field, r));
        }
        let mut fields = self.fields(node, "a change of a mark")?;
        let [keep, take, xor] = ["keep", "take", "xor"].map(|key| {
            fields.need(key);
            fields.get(key).and_then(|n| self.number(n, u128::from(u32::MAX))).map(|n| n as u32)
        });
        fields.finish();
        Some(Effect::Mark { field, keep: keep?, take: take?, xor: xor? })
    }

    /// How a field's new value follows from its old one: values, or an object with one of `to`, `add`, `prefix`,
    /// `base` and `host`, `keep` and `xor`.
    fn rewrite(&self, field: Field, node: &Node, scope: Families) -> Option<Rewrite> {
        let Value::Table(table) = &node.value else { return self.new_values(field, node, scope).map(Rewrite::To) };
        if table.entries.iter().any(|e| e.key.value == "numbers") {
            return self.new_values(field, node, scope).map(Rewrite::To);
        }
        let mut fields = self.fields(node, "a new value")?;
        let to = fields.get("to");
        let add = fields.integer("add");
        let prefix = fields.text("prefix");
        let [base, host, keep, xor] =
            ["base", "host", "keep", "xor"].map(|key| fields.get(key).and_then(|n| self.number(n, u128::MAX)));
        fields.finish();
        match (to, add, prefix, base.zip(host), keep.zip(xor)) {
            (Some(to), None, None, None, None) => self.new_values(field, to, scope).map(Rewrite::To),
            (None, Some(add), None, None, None) => match i16::try_from(add.value) {
                Ok(number) => Some(Rewrite::Add(number)),
                Err(_) => self.wrong(node, "`add` is a number from -32768 to 32767", ""),
            },
            (None, None, Some(_), None, None) => self.prefix(field, node, scope),
            (None, None, None, Some((base, host)), None) => Some(Rewrite::Prefix { base, host }),
            (None, None, None, None, Some((keep, xor))) => Some(Rewrite::Masked { keep, xor }),
            _ => {
                let help = "one of `to`, `add`, `prefix`, `base` with `host`, `keep` with `xor`";
                self.wrong(node, format!("no new value for `{}`", field.name()), help)
            }
        }
    }

    /// `{"prefix": "192.0.2.0/24"}`: the network part is replaced.
    fn prefix(&self, field: Field, node: &Node, scope: Families) -> Option<Rewrite> {
        let Value::Table(table) = &node.value else { return None };
        let text = &table.entries.first()?.node;
        let Read::Addresses(all) = (match Form::of(field) {
            Form::Address => self.values(field, text)?,
            _ => return self.wrong(node, format!("`{}` is no address", field.name()), ""),
        }) else {
            return None;
        };
        let Values::Ranges(ranges) = self.only_of(text, all, scope)? else { return None };
        match ranges.hull() {
            Some((lo, hi)) if (hi - lo).wrapping_add(1) & (hi - lo) == 0 && lo & (hi - lo) == 0 => {
                Some(Rewrite::Prefix { base: lo, host: hi - lo })
            }
            _ => self.wrong(text, "this is no prefix", "write `192.0.2.0/24`"),
        }
    }

    fn new_values(&self, field: Field, node: &Node, scope: Families) -> Option<crate::packet::Ranges> {
        if matches!(field, Field::Mark | Field::ConnMark | Field::SrcBits | Field::DstBits) {
            let all: Option<Vec<_>> = items(node).iter().map(|i| self.number_range(i, u128::MAX)).collect();
            return Some(crate::packet::Ranges::from_unsorted(all?));
        }
        let values = match self.values(field, node)? {
            Read::Plain(mut values) => values.pop()?,
            Read::Addresses(all) => self.only_of(node, all, scope)?,
        };
        match values {
            Values::Ranges(ranges) => Some(ranges),
            _ => self.wrong(node, format!("no new value for `{}`", field.name()), "write `keep` and `xor`"),
        }
    }
}

/// What was not given is `None`; what was given and not understood ends the reading.
fn known(part: Option<Option<Rewrite>>) -> Option<Option<Rewrite>> {
    match part {
        Some(None) => None,
        Some(Some(rewrite)) => Some(Some(rewrite)),
        None => Some(None),
    }
}

/// A priority: a number, or the name of one with an offset, as nft writes it: `filter - 10`.
pub fn priority_in(text: &str) -> Option<i32> {
    use crate::dialect::native::words::PRIORITIES;
    let at = text.find(['+', '-']).unwrap_or(text.len());
    let (name, offset) = text.split_at(at);
    let (_, base) = PRIORITIES.iter().find(|(word, _)| *word == name.trim())?;
    if offset.is_empty() {
        return Some(*base);
    }
    let number = i32::try_from(number_in(offset.get(1..)?.trim())?).ok()?;
    base.checked_add(if offset.starts_with('-') { -number } else { number })
}
