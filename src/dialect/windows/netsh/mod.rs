//! The text of `netsh advfirewall firewall show rule name=all verbose` and of `netsh advfirewall show allprofiles`.
//!
//! Its words follow the language of the machine. English is read; another language is refused, because words that
//! look alike across languages would be guesses.

mod labels;
mod profiles;

pub use labels::LABELS;

use super::policy::Policy;
use crate::dialect::{Draft, Problem, Text};
use crate::ruleset::{SourceId, Span};
use labels::RuleText;
use profiles::ProfileText;

/// Whether a text has the shape of the listing, in any language: a heading with a colon above a line of dashes.
pub fn recognises(text: &str) -> bool {
    let head: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).take(20).collect();
    head.windows(2).any(|pair| matches!(pair, [heading, rule] if heading.contains(':') && is_ruler(rule)))
}

fn is_ruler(line: &str) -> bool {
    line.len() >= 50 && line.bytes().all(|b| b == b'-')
}

/// One line with its place.
#[derive(Clone, Copy, Debug)]
pub struct Line<'t> {
    /// The line, without blanks around it.
    pub text: &'t str,
    /// Its place.
    pub span: Span,
    /// Whether it begins with a blank: it continues the line above.
    pub continues: bool,
}

fn lines(text: &str, source: SourceId) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    let mut number = 0;
    text.split('\n').map(move |raw| {
        number += 1;
        let trimmed = raw.trim();
        let from = start + (raw.len() - raw.trim_start().len()) as u32;
        start += raw.len() as u32 + 1;
        let span = Span { source, line: number, start: from, end: from + trimmed.len() as u32 };
        Line { text: trimmed, span, continues: raw.starts_with([' ', '\t']) && !trimmed.is_empty() }
    })
}

/// Reads a listing of rules, of profiles, or of both.
pub fn read(text: &Text, policy: &mut Policy, draft: &mut Draft) {
    let lines: Vec<Line> = lines(&text.text, text.id).filter(|l| !l.text.is_empty() && !is_ruler(l.text)).collect();
    let starts = |line: &Line| labels::heading(line).is_some() || profiles::heading(line).is_some();
    let blocks: Vec<&[Line]> = lines.chunk_by(|_, next| !starts(next)).collect();
    for block in blocks {
        let Some((first, rest)) = block.split_first() else { continue };
        if let Some(name) = labels::heading(first) {
            RuleText { name, heading: first, lines: rest }.read(policy, draft);
        } else if let Some(profile) = profiles::heading(first) {
            ProfileText { profile, lines: rest }.read(policy, draft);
        } else if !is_end(first) {
            return draft.refuse(not_english(first));
        }
    }
}

/// What the command prints behind its answer.
fn is_end(line: &Line<'_>) -> bool {
    line.text.eq_ignore_ascii_case("ok.")
}

fn not_english(line: &Line<'_>) -> Problem {
    Problem::new(line.span, format!("`{}` is no heading of `netsh advfirewall` in English", line.text))
        .help("give the output of contrib/Export-FirewallRules.ps1, which no language changes")
}
