//! The support table of the documentation, written out of the registries from which rules are read.

use super::ipset::TYPES;
use super::matches::{self, Reader};
use super::targets::{self, Kind};
use crate::packet::Family;
use crate::ruleset::OpaqueKind;

/// The tables of `docs/dialects/iptables.md` as Markdown.
pub fn support_table() -> String {
    let mut out = String::from("## Matches\n\n| match | family | reading | remarks |\n|---|---|---|---|\n");
    for spec in matches::registry() {
        let reading = match spec.reader {
            Reader::Exact(_) => "exact",
            Reader::Partly(_) => "exact in part",
            Reader::Whole(OpaqueKind::Pure, _) | Reader::Split(OpaqueKind::Pure) => {
                "condition, the same for every rule"
            }
            Reader::Whole(OpaqueKind::PerRule, _) | Reader::Split(OpaqueKind::PerRule) => "condition of each rule",
        };
        out += &row(spec.name, spec.family, reading, spec.says);
    }
    out +=
        "\nEvery other match is refused.\n\n## Targets\n\n| target | family | reading | remarks |\n|---|---|---|---|\n";
    for spec in targets::registry() {
        let reading = match spec.kind {
            Kind::Verdict => "verdict",
            Kind::Asks => "verdict by condition",
            Kind::Translation => "translation",
            Kind::Effect => "changes what later rules see",
            Kind::Silent => "no effect on packets",
        };
        out += &row(spec.name, spec.family, reading, spec.says);
    }
    out += "\nEvery other target is refused.\n\n## Set types\n\n";
    let names: Vec<String> = TYPES.iter().map(|t| format!("`{}`", t.name)).collect();
    out + &names.join(", ") + "\n"
}

fn row(name: &str, family: Option<Family>, reading: &str, says: &str) -> String {
    let family = family.map_or("both".to_owned(), |f| f.to_string());
    format!("| `{name}` | {family} | {reading} | {says} |\n")
}
