//! FW201: with a change request, every effect lies inside an intent of the same kind, or is the effect on its
//! replies. Everything else must stay as it was, on every device.

use super::Check;
use super::interfaces::on_named;
use super::report::CheckError;
use super::scene::{Filter, Pair, Presence};
use super::tally::Tally;
use super::view::View;
use super::words::{condition_names, culprit, fate, packet_text, shown_packet};
use crate::diff::{Change, EffectKind};
use crate::finding::{Direction, EFFECT_OUTSIDE_INTENT, Finding};
use crate::packet::{Cell, Field};
use crate::policy::{ChangeRequest, FlowCell, Intent, IntentEffect, Place, intended};
use crate::ruleset::Side;

/// The registry line.
pub(super) const CHECK: Check = Check { codes: &[&EFFECT_OUTSIDE_INTENT], on_scene: run };

fn run(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    let Some(change) = view.scene.input.change else { return Ok(()) };
    for pair in &view.scene.pairs {
        for filter in view.filters.compared() {
            Effects { view, change, pair, filter }.check(tally)?;
        }
    }
    Ok(())
}

/// The effects on one filter of one device.
struct Effects<'e, 'v> {
    view: &'e View<'e, 'v>,
    change: &'e ChangeRequest,
    pair: &'e Pair<'e>,
    filter: &'e Filter<'e>,
}

impl Effects<'_, '_> {
    fn check(&self, tally: &mut Tally) -> Result<(), CheckError> {
        let is_named = self.pair.is_selected(&self.change.devices);
        if is_named && self.view.scene.presence == Presence::Added {
            // Against nothing, every filter closes; that is what adding a device means, and FW207 says so.
            return Ok(());
        }
        let intents = if is_named { self.intents() } else { Vec::new() };
        for change in &self.filter.changes {
            if let Some(rest) = self.outside(change, &intents) {
                let finding = self.finding(change, &rest, is_named)?;
                tally.findings.push(self.pair.told(&finding));
            }
        }
        Ok(())
    }

    /// The cells of every intent, with the kinds of effect that they cover.
    fn intents(&self) -> Vec<(IntentEffect, Cell)> {
        let own = self.change.intents.iter().filter(|i| self.pair.is_selected(&i.place.devices));
        own.flat_map(|i| intent_cells(i, self.filter).into_iter().map(|c| (i.effect, c))).collect()
    }

    /// The first packets of a change that no intent covers.
    fn outside(&self, change: &Change, intents: &[(IntentEffect, Cell)]) -> Option<Cell> {
        let family = self.filter.space.family;
        change.cells.iter().find_map(|cell| {
            let depends = !cell.conds().is_empty();
            let covering = intents.iter().filter(|(effect, _)| covers(*effect, change.effect, depends));
            let mut rest = vec![cell.clone()];
            for (_, intent) in covering {
                rest = rest.iter().flat_map(|c| c.subtract(intent, family)).collect();
            }
            rest.into_iter().next()
        })
    }

    fn finding(&self, change: &Change, rest: &Cell, is_named: bool) -> Result<Finding, CheckError> {
        let filter = self.filter;
        let packet = shown_packet(filter, rest, &[(Side::Old, &change.old), (Side::New, &change.new)])?;
        let before = fate(&change.old.outcome.decision);
        let what = packet_text(&packet);
        let id = &self.change.id;
        let effect = change.effect.name();
        let message = match is_named {
            true => format!("no intent of `{id}` declares that {what} is {effect}"),
            false => format!("`{id}` is not about this device, yet {what} is {effect}"),
        };
        let old = culprit(filter, Side::Old, change.old.place);
        let new = culprit(filter, Side::New, change.new.place);
        let mut finding = Finding::without_place(&EFFECT_OUTSIDE_INTENT, message);
        finding.location = filter.location(Side::New, change.new.place);
        Ok(finding
            .in_filter(filter.space.hook, filter.space.family, filter.name())
            .shown_by(packet)
            .under(condition_names(filter, rest.conds()))
            .helped_by(format!(
                "it {before} in the baseline by {old} and {} in the proposal by {new}: take the edit out, or declare it",
                fate(&change.new.outcome.decision)
            )))
    }
}

/// Whether an intent of one kind covers a change of another. What depends on conditions opens and closes, so an
/// intent of either kind covers it.
fn covers(intent: IntentEffect, effect: EffectKind, depends: bool) -> bool {
    match (intent, effect) {
        (IntentEffect::Opened, EffectKind::Opened) | (IntentEffect::Closed, EffectKind::Closed) => true,
        (IntentEffect::Opened, EffectKind::Closed) | (IntentEffect::Closed, EffectKind::Opened) => depends,
        (IntentEffect::Refusal, EffectKind::Refusal) | (IntentEffect::Translated, EffectKind::Translated) => true,
        _ => false,
    }
}

/// The packets that an intent covers in a filter: requests at its hook, replies at the reverse one with the
/// interfaces exchanged.
pub(super) fn intent_cells(intent: &Intent, filter: &Filter<'_>) -> Vec<Cell> {
    let space = &filter.space;
    let flows = intent.flows.iter().filter(|f| f.family == space.family);
    let here = |cell: &FlowCell| match cell.direction {
        Direction::Request => intent.place.hook == space.hook,
        Direction::Reply => intent.place.hook.reverse() == space.hook,
    };
    let cells = flows.flat_map(intended).filter(here).filter_map(|c| on_named_interfaces(intent, filter, c));
    // Where fragments are put together before any rule, every one of them has the ports of its datagram.
    let reassembles = [Side::Old, Side::New].iter().any(|side| filter.program(*side).ruleset.conntrack);
    cells.map(|c| if reassembles { c.free(Field::Fragment) } else { c }).collect()
}

fn on_named_interfaces(intent: &Intent, filter: &Filter<'_>, of: FlowCell) -> Option<Cell> {
    match of.direction {
        Direction::Request => on_named(&intent.place, filter, of.cell),
        Direction::Reply => {
            let (inputs, outputs) = (intent.place.outputs.clone(), intent.place.inputs.clone());
            on_named(&Place { inputs, outputs, ..intent.place.clone() }, filter, of.cell)
        }
    }
}
