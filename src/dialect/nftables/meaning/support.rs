//! The support tables of the documentation, written out of the tables from which rules are read.

use super::select::{CT, META, OTHERS, PAYLOADS, Reading};
use super::statement::STATEMENTS;
use super::types::Type;

/// The tables of `docs/dialects/nftables.md` as Markdown.
pub fn support_table() -> String {
    let mut out = String::from("## What is read of a packet\n\n| expression | reading | remarks |\n|---|---|---|\n");
    for payload in PAYLOADS {
        out += &row(&format!("{} {}", payload.header, payload.field), reading(payload.reading()), "");
    }
    for (prefix, table) in [("meta ", META), ("ct ", CT), ("", OTHERS)] {
        for (name, how, says) in table {
            out += &row(&format!("{prefix}{name}"), reading(*how), says);
        }
    }
    out +=
        "\nEvery other expression is refused.\n\n## Statements\n\n| statement | reading | remarks |\n|---|---|---|\n";
    for (name, how, says) in STATEMENTS {
        out += &row(name, how, says);
    }
    out += "\nEvery other statement is refused.\n\n## Types of keys\n\n";
    let names: Vec<String> = Type::names().map(|name| format!("`{name}`")).collect();
    out + &names.join(", ") + "\n"
}

fn reading(how: Reading) -> &'static str {
    match how {
        Reading::Exact => "exact",
        Reading::Partly => "exact in part",
        Reading::Condition => "condition, the same for every rule",
        Reading::EachRule => "condition of each rule",
    }
}

fn row(name: &str, reading: &str, says: &str) -> String {
    format!("| `{name}` | {reading} | {says} |\n")
}
