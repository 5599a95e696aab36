//! The textual diff beside the semantic one: what was edited, file by file.

use crate::ruleset::{Source, Sources};
use similar::TextDiff;
use std::fmt::Write;

/// The unified diff of a device's files: paired by name, or the only one with the only one. Empty where no text
/// differs.
pub fn text_diff(old: &Sources, new: &Sources) -> String {
    let mut out = String::new();
    for (before, after) in pairs(old, new) {
        let text = |source: Option<&Source>| source.map_or("", |s| &s.text).to_owned();
        let (a, b) = (text(before), text(after));
        if a == b {
            continue;
        }
        let name = |source: Option<&Source>| source.map_or("/dev/null", |s| &s.name).to_owned();
        let diff = TextDiff::from_lines(&a, &b);
        let mut unified = diff.unified_diff();
        let _ = write!(out, "{}", unified.context_radius(3).header(&name(before), &name(after)));
    }
    out
}

fn pairs<'a>(old: &'a Sources, new: &'a Sources) -> Vec<(Option<&'a Source>, Option<&'a Source>)> {
    let (before, after): (Vec<&Source>, Vec<&Source>) = (old.iter().collect(), new.iter().collect());
    if let ([a], [b]) = (before.as_slice(), after.as_slice()) {
        return vec![(Some(a), Some(b))];
    }
    let named = |all: &[&'a Source], name: &str| all.iter().copied().find(|s| &*s.name == name);
    let mut out: Vec<_> = before.iter().map(|a| (Some(*a), named(&after, &a.name))).collect();
    out.extend(after.iter().filter(|b| named(&before, &b.name).is_none()).map(|b| (None, Some(*b))));
    out
}
