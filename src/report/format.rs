//! The formats of reports about a change or a ruleset: one file a format, one line here. `--format` and `--report` derive from it.

use super::check_json::CheckFrame;
use super::diff_json::FilterView;
use super::human::{RouteLine, RouteView, route_lines};
use super::{Colour, concise, github, html, human, json, jsonl, junit, markdown, sarif};
use crate::check::CheckReport;
use crate::diff::{DeviceDiff, DevicePair};
use crate::finding::{Finding, Location, Severity};
use crate::gate::{Analysis, Change, Decision, Instant, Testimony};
use crate::policy::{ChangeRequest, Policy};

/// A way to write a report.
#[derive(Debug)]
pub struct Format {
    /// What it is called on the command line: `sarif`.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// Whether the answer is commands to the runner of a job.
    pub is_commands: bool,
    /// The verdict of a check.
    pub check: fn(&CheckView<'_>) -> serde_json::Result<String>,
    /// The effect of a change, without a verdict.
    pub diff: fn(&DiffView<'_>) -> serde_json::Result<String>,
    /// What rulesets show by themselves.
    pub lint: fn(&LintView<'_>) -> serde_json::Result<String>,
    /// The page about a change request, where the format has one.
    pub change: Option<fn(&ChangePage<'_>) -> serde_json::Result<String>>,
}

/// Every format.
pub const FORMATS: &[Format] = &[
    human::FORMAT,
    concise::FORMAT,
    json::FORMAT,
    jsonl::FORMAT,
    sarif::FORMAT,
    junit::FORMAT,
    markdown::FORMAT,
    github::FORMAT,
    html::FORMAT,
];

/// Everything that a report about a check tells.
#[derive(Clone, Copy, Debug)]
pub struct CheckView<'a> {
    /// What was found.
    pub report: &'a CheckReport,
    /// What was judged, by which policy.
    pub frame: &'a CheckFrame,
    /// The filters on which the change has an effect, in order.
    pub effects: &'a [FilterView<'a>],
    /// Every device of both sides, in order of name.
    pub pairs: &'a [DevicePair<'a>],
    /// The policy.
    pub policy: &'a Policy,
    /// Most regions of a change that are shown to people.
    pub most_regions: usize,
    /// Whether people see colours.
    pub colour: Colour,
}

/// Everything that a report about an effect tells.
#[derive(Clone, Debug)]
pub struct DiffView<'a> {
    /// The devices.
    pub pairs: &'a [DevicePair<'a>],
    /// What the change does to each of them.
    pub diffs: &'a [DeviceDiff],
    /// The textual diff of each of them; empty where nobody asked.
    pub texts: Vec<String>,
    /// What the change does to the routes of each of them.
    pub routes: &'a [RouteView<'a>],
    /// Most regions of a change that are shown to people.
    pub most_regions: usize,
    /// Whether people see colours.
    pub colour: Colour,
}

impl<'a> DiffView<'a> {
    /// How many regions of a change are shown where nobody asks for more.
    pub const REGIONS: usize = 4;

    /// The filters of all devices, in order.
    pub fn filters(&self) -> impl Iterator<Item = FilterView<'a>> {
        self.pairs.iter().zip(self.diffs).flat_map(|(pair, diff)| FilterView::of_device(*pair, diff))
    }

    /// The changes of routes of all devices, in order, each in one line.
    pub fn route_lines(&self) -> impl Iterator<Item = RouteLine> {
        self.routes.iter().flat_map(route_lines)
    }

    /// Whether every packet of every device ends, and goes its way, as before.
    pub fn is_equivalent(&self) -> bool {
        self.diffs.iter().all(DeviceDiff::is_equivalent) && self.routes.iter().all(|r| r.diff.is_equivalent())
    }

    /// Whether every packet was compared.
    pub fn is_complete(&self) -> bool {
        self.diffs.iter().all(DeviceDiff::is_complete)
    }
}

/// Everything that a report about rulesets by themselves tells.
#[derive(Clone, Copy, Debug)]
pub struct LintView<'a> {
    /// The devices, each as what it has now: nothing is compared.
    pub pairs: &'a [DevicePair<'a>],
    /// The findings about them, in order.
    pub findings: &'a [Finding],
    /// The rules for which the bounds left open whether they matter.
    pub open: &'a [Location],
    /// The mildest severity that fails; `None` where nothing does.
    pub fail_on: Option<Severity>,
    /// Whether people see colours.
    pub colour: Colour,
}

impl LintView<'_> {
    /// How many rules were looked at.
    pub fn rules(&self) -> usize {
        self.pairs.iter().filter_map(|p| p.new).map(crate::ruleset::Ruleset::rule_count).sum()
    }

    /// Whether some finding fails.
    pub fn fails(&self) -> bool {
        self.fail_on.is_some_and(|least| self.findings.iter().any(|f| f.severity >= least))
    }
}

/// Everything that the page about a change tells.
#[derive(Clone, Copy, Debug)]
pub struct ChangePage<'a> {
    /// The id of the change.
    pub id: &'a str,
    /// The instant for which it holds.
    pub now: Instant,
    /// What the gate says.
    pub decision: &'a Decision,
    /// The announcement that counts.
    pub announced: Option<&'a Change>,
    /// The change file.
    pub request: Option<&'a ChangeRequest>,
    /// What the change does.
    pub analysis: Option<&'a Analysis>,
    /// What stands on its branch.
    pub testimony: &'a Testimony,
    /// Devices for which the protected branch stood in for what is in force.
    pub assumed: &'a [String],
    /// The effect by filter, with the rulesets that rules are quoted from.
    pub effects: &'a [FilterView<'a>],
    /// Every device of both sides, in order of name.
    pub pairs: &'a [DevicePair<'a>],
    /// The policy in force, where there is one.
    pub policy: Option<&'a Policy>,
    /// Whether people see colours.
    pub colour: Colour,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_and_no_two_are_alike() {
        for format in FORMATS {
            assert!(format.name.bytes().all(|b| b.is_ascii_lowercase()), "{}", format.name);
            assert_eq!(FORMATS.iter().filter(|f| f.name == format.name).count(), 1, "{}", format.name);
            assert!(format.about.len() > 5, "{}", format.name);
        }
    }
}
