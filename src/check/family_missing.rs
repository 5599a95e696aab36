//! FW207: a family that one side gives and the other does not, and devices that only one side has. Nothing of that
//! is ever taken for "accepts all" in silence.

use super::Check;
use super::report::CheckError;
use super::scene::{Presence, Scene};
use super::tally::Tally;
use super::view::View;
use crate::finding::{FAMILY_MISSING, Finding, Location, Severity};
use crate::packet::Family;
use crate::ruleset::{Ruleset, Side, SourceId, Span};

/// The registry line.
pub(super) const CHECK: Check = Check { codes: &[&FAMILY_MISSING], on_scene: run };

fn run(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    let scene = view.scene;
    match scene.presence {
        Presence::Both => Family::ALL.into_iter().for_each(|family| check(scene, family, tally)),
        Presence::Added => tally.report(scene.pairs.iter(), &added(scene)),
        Presence::Removed => tally.report(scene.pairs.iter(), &removed(scene)),
    }
    Ok(())
}

fn check(scene: &Scene<'_>, family: Family, tally: &mut Tally) {
    let gives = |side| scene.ruleset(side).families.contains(family);
    let (message, side) = match (gives(Side::Old), gives(Side::New)) {
        (true, false) => (format!("the proposal gives no ruleset for {family}, the baseline does"), Side::Old),
        (false, true) => (format!("the baseline gives no ruleset for {family}, the proposal does"), Side::New),
        _ => return,
    };
    let help = match side {
        Side::Old => format!("add the rules for {family}; to end their filtering, give a ruleset that says so"),
        Side::New => format!(
            "give the rules for {family} that are in force now to the baseline, so that the effect can be shown"
        ),
    };
    let mut finding = finding(scene.ruleset(side), message).helped_by(help);
    finding.family = Some(family);
    tally.report(scene.pairs.iter(), &finding);
}

fn added(scene: &Scene<'_>) -> Finding {
    let message = "the device is new, and is compared with one that filters nothing";
    let help = "where it filters today, give its present ruleset to the baseline";
    finding(scene.ruleset(Side::New), message.into()).weighing(Severity::Note).helped_by(help)
}

fn removed(scene: &Scene<'_>) -> Finding {
    let message = "the proposal gives no ruleset for the device, and it is compared with one that filters nothing";
    let help = "put its files back; where the device is gone for good, waive this";
    finding(scene.ruleset(Side::Old), message.into()).helped_by(help)
}

/// A finding about a whole file.
fn finding(ruleset: &Ruleset, message: String) -> Finding {
    let start = Span { source: SourceId(0), line: 1, start: 0, end: 0 };
    match ruleset.sources.iter().next() {
        Some(_) => Finding::at(&FAMILY_MISSING, Location::of(start, &ruleset.sources), message),
        None => Finding::without_place(&FAMILY_MISSING, message),
    }
}
