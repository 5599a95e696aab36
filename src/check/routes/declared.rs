//! FW760: declared changes of routes that do not come about.

use super::RouteCheck;
use super::scene::{RouteScene, goes, way_range};
use crate::check::CheckInput;
use crate::check::report::CheckError;
use crate::check::tally::{Reached, Tally};
use crate::finding::{Finding, Location, REROUTE_NOT_MET};
use crate::packet::Family;
use crate::routes::{flow_words, outcome_words, survey};

/// The registry line.
pub(super) const CHECK: RouteCheck = RouteCheck { codes: &[&REROUTE_NOT_MET], on_device: run };

fn run(scene: &RouteScene<'_>, tally: &mut Tally) -> Result<(), CheckError> {
    let Some(request) = scene.input.change else { return Ok(()) };
    for (number, intent) in scene.intents() {
        for family in Family::ALL {
            let to = intent.to.of(family);
            let touches =
                |c: &crate::routes::RouteChange| c.family == family && c.regions.iter().any(|r| r.to.meets(to));
            if !scene.diff.changes.iter().any(touches) {
                continue;
            }
            tally.reached.insert(Reached::Reroute(number));
            let astray = survey(scene.new, family, to)?;
            let astray =
                astray.into_iter().find(|w| !goes(scene.new, &w.outcome, to, &intent.via, &intent.dev, family));
            if let Some(way) = astray {
                let is = outcome_words(scene.new, &way.outcome);
                let (range, flow) = (way_range(&way, family), flow_words(&way.witness(family)));
                let message = format!("{range} goes {is}, which is not where the change request says; such as {flow}");
                let place = Location::of(intent.span, &request.sources).first_line();
                let found = Finding::at(&REROUTE_NOT_MET, place, message).on_device(scene.pair.name);
                tally.findings.push(Finding { family: Some(family), ..found });
            }
        }
    }
    Ok(())
}

/// Judges, once every device was, which declarations no change belongs to.
pub(super) fn conclude(input: &CheckInput<'_>, tally: &mut Tally) {
    let Some(request) = input.change else { return };
    for (number, intent) in request.reroutes.iter().enumerate() {
        if !tally.reached.contains(&Reached::Reroute(number)) {
            let place = Location::of(intent.span, &request.sources).first_line();
            let message = "no route changes for the destinations of this [[reroute]]";
            let help = "correct `to` or `devices`, or take it out of the change request";
            tally.findings.push(Finding::at(&REROUTE_NOT_MET, place, message).helped_by(help));
        }
    }
}
