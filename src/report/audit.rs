//! `fwgate.audit/1`: an audit for machines, as a table for spreadsheets, and as pages for people.

use super::visible;
use crate::gate::audit::{Audit, AuditedChange, AuditedRecord, CONTROLS, controls_table};
use serde::Serialize;
use std::fmt::Write;

/// The name of the format.
pub const AUDIT_SCHEMA: &str = "fwgate.audit/1";

/// Which changes of all were taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sampled {
    /// How many were asked for.
    pub n: usize,
    /// What decided which.
    pub seed: String,
    /// Of how many.
    pub of: usize,
}

#[derive(Serialize)]
struct WrittenControl {
    catalogue: &'static str,
    id: &'static str,
    asks: &'static str,
    shown_by: &'static [&'static str],
}

/// The whole document.
#[derive(Serialize)]
pub struct AuditDocument<'a> {
    schema: &'static str,
    verdict: &'static str,
    sample: Option<&'a Sampled>,
    #[serde(flatten)]
    audit: &'a Audit,
    controls: Vec<WrittenControl>,
}

impl<'a> AuditDocument<'a> {
    /// An audit, or a sample of one.
    pub fn of(audit: &'a Audit, sample: Option<&'a Sampled>) -> AuditDocument<'a> {
        let control = |c: &crate::gate::audit::Control| WrittenControl {
            catalogue: c.catalogue,
            id: c.id,
            asks: c.asks,
            shown_by: c.shown_by,
        };
        AuditDocument {
            schema: AUDIT_SCHEMA,
            verdict: verdict(audit),
            sample,
            audit,
            controls: CONTROLS.iter().map(control).collect(),
        }
    }
}

fn verdict(audit: &Audit) -> &'static str {
    if audit.is_sound { "sound" } else { "unsound" }
}

const COLUMNS: [&str; 24] = [
    "change",
    "outcome",
    "class",
    "right",
    "closed",
    "judged",
    "policy",
    "authors",
    "contributors",
    "says",
    "devices",
    "content",
    "meaning",
    "approvals",
    "vetting",
    "window",
    "permit",
    "holder",
    "results",
    "emergency",
    "reviews",
    "rejections",
    "overrides",
    "faults",
];

/// One row a change (RFC 4180); lists in a cell are separated by `; `.
pub fn audit_csv(audit: &Audit) -> String {
    let mut out = row(&COLUMNS.map(str::to_owned));
    audit.changes.iter().for_each(|change| out += &row(&cells(change)));
    out
}

fn cells(c: &AuditedChange) -> [String; 24] {
    let kind = |kind: &str| list(c.records.iter().filter(|r| r.kind == kind).map(signed));
    let window = c.permit.as_ref().and_then(|p| p.window.as_ref()).map(|[from, to]| format!("{from}/{to}"));
    let vetting = c.receipts.iter().filter(|r| r.kind == "vetting").map(|r| r.receipt.clone());
    let results = c
        .results
        .iter()
        .map(|r| format!("{} {} {} {}", r.device, r.result, r.at, r.receipt.as_deref().unwrap_or("without receipt")));
    [
        c.change.clone(),
        c.outcome.clone(),
        c.class.clone(),
        if c.is_right { "yes" } else { "no" }.to_owned(),
        c.closed.clone().unwrap_or_default(),
        c.judged.clone(),
        c.policy.map(|v| v.to_string()).unwrap_or_default(),
        list(c.authors.iter().cloned()),
        list(c.contributors.iter().cloned()),
        c.says.clone().unwrap_or_default(),
        list(c.devices.iter().cloned()),
        c.content.clone().unwrap_or_default(),
        c.meaning.clone().unwrap_or_default(),
        kind("approve"),
        list(vetting),
        window.unwrap_or_default(),
        c.permit.as_ref().map(|p| p.permit.clone()).unwrap_or_default(),
        c.permit.as_ref().map(|p| p.holder.clone()).unwrap_or_default(),
        list(results),
        kind("emergency"),
        kind("review"),
        kind("reject"),
        kind("override-reject"),
        list(c.faults.iter().map(|f| format!("{}: {}", f.code, f.message))),
    ]
}

/// `network: bob (SHA256:...) at 2026-12-01T10:00:00Z`.
fn signed(r: &AuditedRecord) -> String {
    let role = r.role.as_ref().map(|role| format!("{role}: ")).unwrap_or_default();
    let at = r.witnessed.as_ref().unwrap_or(&r.dated);
    let counted = if r.kind == "approve" && !r.counted { ", not counted" } else { "" };
    format!("{role}{} ({}) at {at}{counted}", r.person, r.key)
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join("; ")
}

fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|c| cell(c)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let text = visible(text);
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.into_owned() };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// Pages for people.
pub fn audit_markdown(audit: &Audit, sample: Option<&Sampled>) -> String {
    let mut out = format!("# Audit of {}\n\n", plain(&audit.repository));
    let _ = writeln!(out, "At {}: **{}**. {}", audit.at, verdict(audit), counts(audit));
    if let Some(s) = sample {
        let _ = writeln!(out, "A sample of {} of {} changes, by the seed `{}`.", s.n.min(s.of), s.of, plain(&s.seed));
    }
    section(&mut out, "What is broken", audit.broken.iter().map(|f| format!("{}: {}", f.code, f.message)));
    let policies = audit.policies.iter().map(|p| {
        let voices: Vec<String> = p.voices.iter().map(|v| format!("{} as {}", v.person, v.role)).collect();
        let by = if voices.is_empty() { "named by the root".to_owned() } else { voices.join(", ") };
        format!("version {}, {}: {by}", p.version, p.digest)
    });
    section(&mut out, "Policy", policies);
    let tainted = audit.tainted.iter().map(|t| {
        let owner = t.owner.as_deref().unwrap_or("nobody of the roster");
        let of = t.change.as_ref().map(|c| format!(" of {c}")).unwrap_or_default();
        let weight = if t.decides { ", which something rests on" } else { "" };
        format!("{} ({owner}) since {}: {}{of} at {}{weight}", t.key, t.since, t.what, t.at)
    });
    section(&mut out, "Tainted", tainted);
    section(&mut out, "Notes", audit.notes.iter().cloned());
    audit.changes.iter().for_each(|c| change_page(c, &mut out));
    out += "\n## Controls\n\n";
    out + &controls_table()
}

fn counts(audit: &Audit) -> String {
    let right = audit.changes.iter().filter(|c| c.is_right).count();
    let merges = if audit.merges == 1 { "1 merge".to_owned() } else { format!("{} merges", audit.merges) };
    let (entries, changes) = (audit.entries, audit.changes.len());
    format!("{merges}, {entries} entries of the ledger; {right} of {changes} changes right then.")
}

/// How many conversations a receipt is about, where it is about any.
fn flows(flows: u64) -> String {
    if flows == 0 { String::new() } else { format!(", {flows} flows") }
}

fn change_page(c: &AuditedChange, out: &mut String) {
    let right = if c.is_right { "right then" } else { "**not right then**" };
    let _ = writeln!(out, "\n## {}: {} ({right})\n", c.change, c.outcome);
    let mut line = |key: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(out, "- {key}: {}", plain(value));
        }
    };
    line("class", &c.class);
    line("effect", c.says.as_deref().unwrap_or_default());
    line("devices", &c.devices.join(", "));
    line("judged", &format!("at {}, by version {} of the policy", c.judged, c.policy.unwrap_or_default()));
    line("closed", c.closed.as_deref().unwrap_or_default());
    line("authors", &c.authors.join(", "));
    line("contributors", &c.contributors.join(", "));
    line("content", c.content.as_deref().unwrap_or_default());
    line("meaning", c.meaning.as_deref().unwrap_or_default());
    if let Some(p) = &c.permit {
        let machine = p.machine.as_deref().unwrap_or("a machine that the log does not show");
        line("permit", &format!("{} by {machine}, spent by {} at {}", p.permit, p.holder, p.claimed));
        line("window", &p.window.as_ref().map(|[a, b]| format!("{a} to {b}")).unwrap_or_default());
    }
    for r in &c.records {
        let says = r.says.as_deref().unwrap_or_default();
        line(&r.kind, &format!("{}{}{says}", signed(r), if says.is_empty() { "" } else { ": " }));
    }
    for r in &c.receipts {
        line(
            &format!("receipt {}", r.kind),
            &format!("{} by {} at {} on {}{}", r.receipt, r.machine, r.at, r.on, flows(r.flows)),
        );
    }
    for r in &c.results {
        line(&format!("device {}", r.device), &format!("{} at {}, bytes {}", r.result, r.at, r.bytes));
    }
    for f in &c.faults {
        line("fault", &format!("{}: {}", f.code, f.message));
    }
    for n in &c.notes {
        line("note", n);
    }
}

fn section(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|l| format!("- {}\n", plain(&l))).collect();
    if !lines.is_empty() {
        let _ = write!(out, "\n## {title}\n\n{}", lines.concat());
    }
}

/// Text that Markdown shows as it is.
fn plain(text: &str) -> String {
    let escaped = |c: char| match c {
        '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' => format!("\\{c}"),
        other => other.to_string(),
    };
    visible(text).chars().map(escaped).collect()
}
