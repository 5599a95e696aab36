//! FW757: a default route that changes without anybody having said so.

use super::RouteCheck;
use super::scene::RouteScene;
use crate::check::report::CheckError;
use crate::check::tally::Tally;
use crate::finding::{DEFAULT_ROUTE_CHANGED, Finding};
use crate::packet::Ranges;
use crate::routes::{Outcome, RouteChange, RouteChangeKind, Routing, flow_words, outcome_words};

/// The registry line.
pub(super) const CHECK: RouteCheck = RouteCheck { codes: &[&DEFAULT_ROUTE_CHANGED], on_device: run };

fn run(scene: &RouteScene<'_>, tally: &mut Tally) -> Result<(), CheckError> {
    let findings = scene.diff.changes.iter().filter_map(|change| judge(scene, change));
    tally.findings.extend(findings);
    Ok(())
}

/// Whether a change is that of a default route: the destinations that only a route of length 0 decided, or decides now, and
/// that no more specific route takes over.
pub(super) fn is_about_default(scene: &RouteScene<'_>, change: &RouteChange) -> bool {
    let is_default = |routing: &Routing, outcome: &Outcome| match outcome {
        Outcome::Found { routes, .. } => {
            routes.iter().filter_map(|at| routing.routes.get(*at)).any(|r| r.to.length == 0)
        }
        _ => false,
    };
    let is_nothing = |outcome: &Outcome| matches!(outcome, Outcome::Nowhere);
    let (was, is) = (is_default(scene.old, &change.old), is_default(scene.new, &change.new));
    (was && (is || is_nothing(&change.new))) || (is_nothing(&change.old) && is)
}

/// The finding about a change, where it is one about the default route that nobody declared.
pub(super) fn judge(scene: &RouteScene<'_>, change: &RouteChange) -> Option<Finding> {
    if !is_about_default(scene, change) || change.kind == RouteChangeKind::Altered {
        return None;
    }
    let regions = scene.undeclared(change);
    let to = regions.iter().fold(Ranges::empty(), |all, r| all.union(&r.to));
    if to.is_empty() {
        return None;
    }
    let (was, is) = (outcome_words(scene.old, &change.old), outcome_words(scene.new, &change.new));
    let table = change.table.as_ref().map(|t| format!(" of table `{t}`")).unwrap_or_default();
    let names = scene.names(&to, change.family);
    let among = if names.is_empty() { String::new() } else { format!("; {names} among what it decides about") };
    let flow = flow_words(&change.witness);
    let message =
        format!("the default route{table} for {} goes {is}, and went {was}{among}; such as {flow}", change.family);
    let help = "put it back, or declare a [[reroute]] with `to = [\"any\"]` in the change request";
    Some(scene.finding(&DEFAULT_ROUTE_CHANGED, change, message).helped_by(help))
}
