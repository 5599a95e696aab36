//! Routes of a read-back: every destination, by longest prefix, in the tables that the device should have.
//!
//! What is not expected is not one's own: tables that no file gives, and routes of a family of which no file gives any. Rules are
//! different. A device whose files give routes and no rules should have the rules that a host starts with; where it has others,
//! the tables that those ask decide as well.

use super::ReadbackError;
use crate::dialect::InputFile;
use crate::packet::Family;
use crate::routes::{Action, RouteChange, Routing, Table, diff_routing, outcome_words, read_routing, region_words};
use std::collections::BTreeSet;

/// What a read-back says about routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RoutesRead {
    /// None are expected.
    #[default]
    Unasked,
    /// This was expected, and nothing of it was read back: nothing is proved about it.
    Unread(String),
    /// In the tables that are expected every destination goes where it should.
    Equal,
    /// Some destinations do not.
    Differ(Vec<RouteDifference>),
}

impl RoutesRead {
    /// Whether every route that is expected was seen, and leads where it should.
    pub fn is_equal(&self) -> bool {
        matches!(self, RoutesRead::Unasked | RoutesRead::Equal)
    }

    /// Why they are not equal, in one clause.
    pub fn words(&self) -> Option<String> {
        match self {
            RoutesRead::Unasked | RoutesRead::Equal => None,
            RoutesRead::Unread(what) => Some(format!("{what} were not read back")),
            RoutesRead::Differ(all) => {
                let more = all.len().saturating_sub(1);
                let more = if more > 0 { format!(", and {more} more differences") } else { String::new() };
                all.first().map(|d| d.to_string() + &more)
            }
        }
    }
}

/// Destinations that go another way than they should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteDifference {
    /// Their family.
    pub family: Family,
    /// The table, where no rule asks it.
    pub table: Option<String>,
    /// `lost`, `blackholed`, `captured`, `rerouted`, `restored`, `gained`, `altered`.
    pub kind: &'static str,
    /// The destinations, and what else packets must be.
    pub to: String,
    /// Where they should go.
    pub expected: String,
    /// Where they go.
    pub seen: String,
}

impl std::fmt::Display for RouteDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let table = self.table.as_ref().map(|t| format!(" in table {t}")).unwrap_or_default();
        let RouteDifference { to, expected, seen, .. } = self;
        write!(f, "{to}{table} goes {seen}, and should go {expected}")
    }
}

/// Most differences that are kept of one device.
const MOST: usize = 100;

/// Compares routes in the tables, and rules of the families, that are expected.
///
/// # Errors
/// Files of either side that are not understood; a comparison without a result.
pub(super) fn compare_routes(expected: &[InputFile], seen: &[InputFile]) -> Result<RoutesRead, ReadbackError> {
    if expected.is_empty() {
        return Ok(RoutesRead::Unasked);
    }
    let own = read_routing(expected).map_err(ReadbackError::Expected)?;
    let mut runs = read_routing(seen).map_err(ReadbackError::Seen)?;
    if let Some(unread) = unread(&own, &runs) {
        return Ok(RoutesRead::Unread(unread));
    }
    keep_expected(&own, &mut runs);
    let diff = diff_routing(&own, &runs)?;
    let all: Vec<RouteDifference> =
        diff.changes.iter().take(MOST).map(|change| difference(&own, &runs, change)).collect();
    Ok(if all.is_empty() { RoutesRead::Equal } else { RoutesRead::Differ(all) })
}

/// What the files give and the read-back does not hold. A family without any route is printed as nothing, so that only a
/// read-back without routes of either family says nothing about them.
fn unread(own: &Routing, runs: &Routing) -> Option<String> {
    if !own.families.is_empty() && runs.families.is_empty() {
        return Some("routes".to_owned());
    }
    let rules = own.ruled.iter().find(|family| !runs.ruled.contains(family));
    rules.map(|family| format!("policy rules for {family}"))
}

fn keep_expected(own: &Routing, runs: &mut Routing) {
    let mut expected: BTreeSet<(Family, Table)> = own.routes.iter().map(|r| (r.family(), r.table.clone())).collect();
    runs.rules.retain(|family, _| own.gives(*family) || own.ruled.contains(family));
    for (family, rules) in &runs.rules {
        let asked = rules.iter().filter_map(|rule| match &rule.action {
            Action::Lookup { table, .. } => Some((*family, table.clone())),
            _ => None,
        });
        // The tables that every host has are asked by every host; what is in them counts where a file gives them.
        expected.extend(asked.filter(|(_, table)| !table.is_standing()));
    }
    runs.routes.retain(|r| expected.contains(&(r.family(), r.table.clone())));
    // A family of which the device has no route any more goes nowhere, which is something to compare.
    runs.families = own.families.clone();
}

fn difference(own: &Routing, runs: &Routing, change: &RouteChange) -> RouteDifference {
    let regions: Vec<String> = change.regions.iter().map(|r| region_words(r, change.family)).collect();
    RouteDifference {
        family: change.family,
        table: change.table.as_ref().map(ToString::to_string),
        kind: change.kind.name(),
        to: regions.join(" and "),
        expected: outcome_words(own, &change.old),
        seen: outcome_words(runs, &change.new),
    }
}
