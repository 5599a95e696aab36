//! FW759: changes of routes that no change request mentions, and that no other check has spoken of.

use super::scene::RouteScene;
use super::{RouteCheck, default_route, range};
use crate::check::report::CheckError;
use crate::check::tally::Tally;
use crate::finding::{ROUTE_CHANGE_UNDECLARED, Severity};
use crate::routes::{flow_words, outcome_words, region_words};

/// The registry line.
pub(super) const CHECK: RouteCheck = RouteCheck { codes: &[&ROUTE_CHANGE_UNDECLARED], on_device: run };

fn run(scene: &RouteScene<'_>, tally: &mut Tally) -> Result<(), CheckError> {
    for change in &scene.diff.changes {
        let regions = scene.undeclared(change);
        let is_said = range::judge(scene, change).is_some() || default_route::judge(scene, change).is_some();
        let Some(first) = regions.first().filter(|_| !is_said) else { continue };
        let (was, is) = (outcome_words(scene.old, &change.old), outcome_words(scene.new, &change.new));
        let table = change.table.as_ref().map(|t| format!(" in table `{t}`")).unwrap_or_default();
        let message = format!(
            "{}{table} goes {is}, and went {was}; such as {}",
            region_words(first, change.family),
            flow_words(&change.witness)
        );
        let finding = scene.finding(&ROUTE_CHANGE_UNDECLARED, change, message);
        let finding = match scene.input.change {
            Some(_) => finding.helped_by("declare it with a [[reroute]] in the change request, or take it out"),
            None => finding.weighing(Severity::Note),
        };
        tally.findings.push(finding);
    }
    Ok(())
}
