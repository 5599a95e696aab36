//! FW403: base chains of several files that no priority puts in order, where the order decides about a packet.
//!
//! The proposal is compared with itself in the other order: whatever differs depends on which file is loaded last.

use super::Check;
use super::report::CheckError;
use super::scene::Presence;
use super::tally::Tally;
use super::view::View;
use crate::diff::{ComparedFilter, DevicePair, diff_device};
use crate::finding::{Finding, Location, ORDER_UNKNOWN};
use crate::ruleset::{Base, Ruleset, Side, Verdict};

/// The registry line.
pub(super) const CHECK: Check = Check { codes: &[&ORDER_UNKNOWN], on_scene: run };

fn run(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    let scene = view.scene;
    if scene.presence == Presence::Removed {
        return Ok(());
    }
    let ruleset = scene.ruleset(Side::New);
    for (first, second) in rivals(ruleset) {
        let mut turned = ruleset.clone();
        turned.bases.swap(first, second);
        let pair = DevicePair { name: "", old: Some(ruleset), new: Some(&turned) };
        let diff = diff_device(pair, &[], scene.input.bounds)?;
        let depends = |filter: &&ComparedFilter| !filter.diff.changes.is_empty() || !filter.diff.complete;
        if let Some(filter) = diff.filters.iter().find(depends) {
            tally.report(scene.pairs.iter(), &finding(ruleset, (first, second), filter));
        }
    }
    Ok(())
}

/// The places of base chains of different files that hang on one hook with one priority, and both do something.
fn rivals(ruleset: &Ruleset) -> Vec<(usize, usize)> {
    let bases: Vec<(usize, &Base)> =
        ruleset.bases.iter().enumerate().filter(|(_, b)| does_something(ruleset, b)).collect();
    let mut out = Vec::new();
    for (nth, (second, later)) in bases.iter().enumerate() {
        let earlier = bases.iter().take(nth).filter(|(_, earlier)| are_rivals(ruleset, earlier, later));
        out.extend(earlier.map(|(first, _)| (*first, *second)));
    }
    out
}

fn does_something(ruleset: &Ruleset, base: &Base) -> bool {
    base.policy != Verdict::Accept || !ruleset.chain(base.chain).rules.is_empty()
}

fn are_rivals(ruleset: &Ruleset, a: &Base, b: &Base) -> bool {
    let file = |base: &Base| ruleset.chain(base.chain).span.source;
    let families = (a.families.v4 && b.families.v4) || (a.families.v6 && b.families.v6);
    families && (a.hook, a.priority) == (b.hook, b.priority) && file(a) != file(b)
}

fn finding(ruleset: &Ruleset, (first, second): (usize, usize), filter: &ComparedFilter) -> Finding {
    let chain = |at: usize| ruleset.bases.get(at).map(|base| ruleset.chain(base.chain));
    let named =
        |at: usize| chain(at).map_or_else(String::new, |c| format!("`{}` of {}", c.name, ruleset.sources.name(c.span)));
    let message = format!(
        "{} and {} have equal priority, and what happens to a packet depends on which of the files is loaded last",
        named(first),
        named(second)
    );
    let found = match chain(second) {
        Some(chain) => Finding::at(&ORDER_UNKNOWN, Location::of(chain.span, &ruleset.sources).first_line(), message),
        None => Finding::without_place(&ORDER_UNKNOWN, message),
    };
    let found = found
        .in_filter(filter.hook, filter.family, filter.name.clone())
        .helped_by("give the chains different priorities, or put them into one file");
    match filter.diff.changes.first() {
        Some(change) => found.shown_by(change.witness.clone()),
        None => found,
    }
}
