//! Outcomes as canonical texts.

use crate::packet::Ranges;
use crate::ruleset::{Decision, Outcome, Rewrite, Translation};
use std::fmt::Write;

/// `OLD > NEW`.
pub(super) fn pair(old: &Outcome, new: &Outcome) -> String {
    format!("{} > {}", text(old), text(new))
}

fn text(outcome: &Outcome) -> String {
    let mut out = outcome.decision.name().to_owned();
    if let Decision::Reject(kind) = &outcome.decision {
        let _ = write!(out, " {}", quoted(kind));
    }
    if let Some(translation) = &outcome.translation {
        translated(&mut out, translation);
    }
    out
}

fn translated(out: &mut String, translation: &Translation) {
    let parts = [
        ("src", &translation.src),
        ("dst", &translation.dst),
        ("sport", &translation.sport),
        ("dport", &translation.dport),
    ];
    for (name, rewrite) in parts {
        let _ = rewrite.as_ref().map(|rewrite| write!(out, " {name}={}", rewritten(rewrite)));
    }
    let mut options: Vec<&str> = translation.options.iter().map(|o| &**o).collect();
    options.sort_unstable();
    options.dedup();
    for option in options {
        let _ = write!(out, " {}", quoted(option));
    }
}

/// All numbers in hexadecimal digits; a prefix without host bits is the one value.
fn rewritten(rewrite: &Rewrite) -> String {
    match rewrite {
        Rewrite::To(to) => listed(to),
        Rewrite::Prefix { base, host: 0 } => listed(&Ranges::one(*base)),
        Rewrite::Prefix { base, host } => format!("{:x}/{host:x}", base & !host),
        Rewrite::Add(by) => format!("{by:+}"),
        Rewrite::Masked { keep, xor } => format!("&{keep:x}^{xor:x}"),
    }
}

fn listed(ranges: &Ranges) -> String {
    let one = |&(lo, hi): &(u128, u128)| if lo == hi { format!("{lo:x}") } else { format!("{lo:x}-{hi:x}") };
    ranges.as_slice().iter().map(one).collect::<Vec<_>>().join(",")
}

/// A name from a ruleset as a JSON text (RFC 8259), so that nothing in it can be taken for something else.
pub(super) fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}
