//! FW758: routes of a family that one side gives and the other does not.

use super::RouteCheck;
use super::scene::RouteScene;
use crate::check::report::CheckError;
use crate::check::tally::Tally;
use crate::finding::{Finding, Location, ROUTES_MISSING};
use crate::routes::Routing;
use crate::ruleset::{SourceId, Span};

/// The registry line.
pub(super) const CHECK: RouteCheck = RouteCheck { codes: &[&ROUTES_MISSING], on_device: run };

fn run(scene: &RouteScene<'_>, tally: &mut Tally) -> Result<(), CheckError> {
    // What became of a device that only one side has is said elsewhere.
    if scene.pair.old.is_none() || scene.pair.new.is_none() {
        return Ok(());
    }
    for (family, is_new) in &scene.diff.one_sided {
        let (side, other, routing) = match is_new {
            true => ("baseline", "proposal", scene.new),
            false => ("proposal", "baseline", scene.old),
        };
        let message = format!("the {side} gives no routes for {family}, the {other} does, and so none are compared");
        let help = match is_new {
            true => "give the routes that are in force now to the baseline, so that the change can be shown",
            false => "add the routes: `ip route show table all`; where they are to be gone, give tables that say so",
        };
        let found = finding(routing, message).on_device(scene.pair.name).helped_by(help);
        tally.findings.push(Finding { family: Some(*family), ..found });
    }
    Ok(())
}

/// A finding about a whole file.
fn finding(routing: &Routing, message: String) -> Finding {
    let start = Span { source: SourceId(0), line: 1, start: 0, end: 0 };
    match routing.sources.iter().next() {
        Some(_) => Finding::at(&ROUTES_MISSING, Location::of(start, &routing.sources), message),
        None => Finding::without_place(&ROUTES_MISSING, message),
    }
}
