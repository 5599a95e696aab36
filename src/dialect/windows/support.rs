//! The support tables of the documentation, written out of the tables from which rules are read.

use super::keywords::{ADDRESSES, Keyword, PORTS};
use super::netsh::LABELS;
use super::powershell::{PROFILE_PROPERTIES, PROPERTIES};
use super::registry::{GLOBAL, KEYS, PROFILE};

/// How a name of one of the forms is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Exactly.
    Exact,
    /// As a condition that is the same for every rule.
    Condition,
    /// It decides about no packet.
    Silent,
}

impl Reading {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Reading::Exact => "exact",
            Reading::Condition => "condition, the same for every rule",
            Reading::Silent => "no effect on packets",
        }
    }
}

/// The tables of `docs/dialects/windows.md` as Markdown.
pub fn support_table() -> String {
    let mut out = table("Rule strings", "key", KEYS.iter().map(|k| (k.name, k.reading.text(), k.says)));
    out += "\nEvery other key is refused.\n\n";
    let setting = |s: &super::registry::Setting| (s.name, s.effect(), s.says);
    out += &table("Values of profiles", "value", PROFILE.iter().map(setting));
    out += &table("\nValues of the machine", "value", GLOBAL.iter().map(setting));
    out += "\nEvery other value is refused.\n\n";
    out += &table(
        "Properties of rules and filters",
        "property",
        PROPERTIES.iter().map(|p| (p.name, p.reading.text(), p.says)),
    );
    let profile = |p: &super::powershell::ProfileProperty| (p.name, p.effect(), p.says);
    out += &table("\nProperties of profiles", "property", PROFILE_PROPERTIES.iter().map(profile));
    out += "\nEvery other property is refused.\n\n";
    out += &table("Lines of `netsh`", "line", LABELS.iter().map(|l| (l.name, l.reading.text(), l.says)));
    out += "\nEvery other line is refused.\n\n";
    out += &keywords("Keywords for addresses", ADDRESSES);
    out += "\n";
    out += &keywords("Keywords for ports", PORTS);
    out
}

fn table<'r>(title: &str, column: &str, rows: impl Iterator<Item = (&'r str, &'r str, &'r str)>) -> String {
    let (before, title) = title.strip_prefix('\n').map_or(("", title), |t| ("\n", t));
    let mut out = format!("{before}## {title}\n\n| {column} | reading | remarks |\n|---|---|---|\n");
    for (name, reading, says) in rows {
        out += &format!("| `{name}` | {reading} | {says} |\n");
    }
    out
}

fn keywords(title: &str, all: &[Keyword]) -> String {
    let mut out = format!("## {title}\n\n| keyword | also | stands for |\n|---|---|---|\n");
    for keyword in all {
        let also: Vec<String> = keyword.also.iter().map(|a| format!("`{a}`")).collect();
        out += &format!("| `{}` | {} | {} |\n", keyword.name, also.join(", "), keyword.says);
    }
    out
}
