//! Reports for people: the answer in the first line, signs that colour only repeats, rules quoted with their place.

mod change;
mod check;
mod count;
mod diff;
mod finding;
mod inventory;
mod lint;
mod packet;
mod paint;
mod plan;
mod policy;
mod query;
mod region;
mod routes;
mod trace;

pub use change::{change_human, intent_words, reasons_human, record_words};
pub use check::{check_human, footing, headline_of_check, out_of_contact};
pub use count::{flows, least_flows};
pub use diff::{Most, change_words, diff_human, effect_word, end_words, filter_human, headline_of_diff, sign};
pub use finding::{finding_human, place_of, severities};
pub use inventory::inventory_human;
pub use lint::{conditions_human, headline_of_lint, lint_human, open_rules};
pub use packet::packet_words;
pub use plan::renumbering_human;
pub use policy::{PolicyView, policy_human};
pub use query::query_human;
pub use region::{region_rows, region_words};
pub use routes::{RouteLine, RouteView, route_lines};
pub use trace::trace_human;

use super::format::Format;
use super::rule::QuotedRule;
use super::visible::visible;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "human",
    about: "For people at a terminal",
    is_commands: false,
    check: |view| Ok(check_human(view)),
    diff: |view| Ok(diff_human(view)),
    lint: |view| Ok(lint_human(view)),
    change: Some(|view| Ok(change_human(view))),
};

/// The sign in front of something that a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Opened,
    Closed,
    Altered,
    Equal,
}

impl Sign {
    /// The sign itself; colour only repeats it.
    pub fn mark(self) -> char {
        match self {
            Sign::Opened => '+',
            Sign::Closed => '-',
            Sign::Altered => '~',
            Sign::Equal => '=',
        }
    }
}

/// `1 change`, `3 changes`.
pub(in crate::report) fn counted(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// The place of a rule: `rules.v4:41`, or nothing where no text declares it.
pub(super) fn place_words(rule: &QuotedRule) -> String {
    match (&*rule.file, rule.line) {
        ("", _) => String::new(),
        (file, 0) => visible(file).into_owned(),
        (file, line) => format!("{}:{line}", visible(file)),
    }
}

/// The text of a rule on one line.
pub(super) fn rule_words(rule: &QuotedRule) -> String {
    let one_line = rule.text.split_whitespace().collect::<Vec<_>>().join(" ");
    visible(&crate::finding::excerpt(&one_line)).into_owned()
}
