//! Words of commands that both spellings share: verbs, families, flags, kinds of objects.

use super::syntax::{NamedKind, TableFamily, Verb};

/// Families by their words (`nft(8)`, ADDRESS FAMILIES).
pub const FAMILIES: &[(&str, TableFamily)] = &[
    ("ip", TableFamily::Ip),
    ("ip6", TableFamily::Ip6),
    ("inet", TableFamily::Inet),
    ("arp", TableFamily::Arp),
    ("bridge", TableFamily::Bridge),
    ("netdev", TableFamily::Netdev),
];

/// Verbs by their words.
pub const VERBS: &[(&str, Verb)] = &[
    ("add", Verb::Add),
    ("create", Verb::Create),
    ("insert", Verb::Insert),
    ("replace", Verb::Replace),
    ("delete", Verb::Delete),
    ("destroy", Verb::Destroy),
    ("flush", Verb::Flush),
    ("rename", Verb::Rename),
    ("reset", Verb::Reset),
    ("list", Verb::List),
];

/// Objects that rules name, by their words.
pub const NAMED_KINDS: &[(&str, NamedKind)] = &[
    ("counter", NamedKind::Counter),
    ("quota", NamedKind::Quota),
    ("limit", NamedKind::Limit),
    ("ct helper", NamedKind::CtHelper),
    ("ct timeout", NamedKind::CtTimeout),
    ("ct expectation", NamedKind::CtExpectation),
    ("secmark", NamedKind::Secmark),
    ("synproxy", NamedKind::Synproxy),
    ("flowtable", NamedKind::Flowtable),
    ("tunnel", NamedKind::Tunnel),
];

/// Flags of sets (`nft(8)`, SETS).
pub const SET_FLAGS: &[&str] = &["constant", "interval", "timeout", "dynamic"];

/// The family of a word.
pub fn family(word: &str) -> Option<TableFamily> {
    FAMILIES.iter().find(|(name, _)| *name == word).map(|(_, family)| *family)
}

/// The verb of a word.
pub fn verb(word: &str) -> Option<Verb> {
    VERBS.iter().find(|(name, _)| *name == word).map(|(_, verb)| *verb)
}

/// The kind of objects of a word.
pub fn named_kind(word: &str) -> Option<NamedKind> {
    NAMED_KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
}
