//! FW202 and FW203: what a change request declares is so after the change, and was not so before.

use super::conversation::demands;
use super::interfaces::on_named;
use super::outside_intent::intent_cells;
use super::question::{Assume, Ending, Found, Seek, ask};
use super::report::CheckError;
use super::scene::{Filter, Pair};
use super::tally::{Reached, Tally};
use super::view::View;
use super::words::{condition_names, culprit, fate, packet_text, shown_packet};
use super::{Check, CheckInput};
use crate::diff::EffectKind;
use crate::finding::{Finding, INTENT_ALREADY_MET, INTENT_NOT_MET, Location};
use crate::packet::Cell;
use crate::policy::{ChangeRequest, Flow, FlowRule, Intent, IntentEffect, prohibited};
use crate::ruleset::{Hook, Side};

/// The registry line.
pub(super) const CHECK: Check = Check { codes: &[&INTENT_NOT_MET, &INTENT_ALREADY_MET], on_scene: run };

fn run(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    let Some(change) = view.scene.input.change else { return Ok(()) };
    for (number, intent) in change.intents.iter().enumerate() {
        let is_meant = |p: &&Pair<'_>| p.is_selected(&change.devices) && p.is_selected(&intent.place.devices);
        let pairs: Vec<&Pair<'_>> = view.scene.pairs.iter().filter(|p| p.new.is_some()).filter(is_meant).collect();
        if !pairs.is_empty() {
            Declared { view, change, intent, number, pairs: &pairs }.check(tally)?;
        }
    }
    Ok(())
}

/// One intent on the devices of one scene.
struct Declared<'d, 'v> {
    view: &'d View<'d, 'v>,
    change: &'d ChangeRequest,
    intent: &'d Intent,
    number: usize,
    pairs: &'d [&'d Pair<'d>],
}

/// Packets that go against an intent.
struct Against {
    hook: Hook,
    ending: Ending,
}

impl Declared<'_, '_> {
    fn check(&self, tally: &mut Tally) -> Result<(), CheckError> {
        let hook = self.intent.place.hook;
        let flows = self.intent.flows.iter().filter(|f| self.view.scene.has_filter(Side::New, hook, f.family));
        for flow in flows {
            tally.reached.insert(Reached::Intent(self.number));
            if let Some(against) = self.against(flow, Side::New, tally) {
                let finding = self.not_met(flow, &against)?;
                tally.report(self.pairs.iter().copied(), &finding);
                tally.reached.insert(Reached::IntentIsNews(self.number));
            } else if self.was_news(flow, tally) {
                tally.reached.insert(Reached::IntentIsNews(self.number));
            }
        }
        Ok(())
    }

    /// The first packets of a flow that a side does not treat as the intent says. What is refused or translated
    /// in another way is as the proposal does it.
    fn against(&self, flow: &Flow, side: Side, tally: &mut Tally) -> Option<Against> {
        match self.intent.effect {
            IntentEffect::Opened => self.refused(flow, side, tally),
            IntentEffect::Closed => self.passing(flow, side, tally),
            IntentEffect::Refusal | IntentEffect::Translated => None,
        }
    }

    /// Whether the baseline did not fulfil it yet.
    fn was_news(&self, flow: &Flow, tally: &mut Tally) -> bool {
        match self.intent.effect {
            IntentEffect::Opened | IntentEffect::Closed => self.against(flow, Side::Old, tally).is_some(),
            IntentEffect::Refusal => self.has_effect(flow, EffectKind::Refusal),
            IntentEffect::Translated => self.has_effect(flow, EffectKind::Translated),
        }
    }

    fn has_effect(&self, flow: &Flow, kind: EffectKind) -> bool {
        self.view.filters.compared().filter(|f| f.space.family == flow.family).any(|filter| {
            let cells = intent_cells(self.intent, filter);
            let mut changed = filter.changes.iter().filter(|c| c.effect == kind).flat_map(|c| &c.cells);
            changed.any(|c| cells.iter().any(|i| c.intersect(i, flow.family).is_some()))
        })
    }

    fn refused(&self, flow: &Flow, side: Side, tally: &mut Tally) -> Option<Against> {
        let rule = self.as_requirement();
        let demands = demands(self.view, &rule, flow, side);
        tally.is_bounded |= demands.is_bounded;
        demands.list.iter().find_map(|demand| {
            let found = self.ask(self.view.filter(demand.hook, flow.family), &demand.cell, side, Seek::Refused, tally);
            found.refused.into_iter().next().map(|ending| Against { hook: demand.hook, ending })
        })
    }

    fn passing(&self, flow: &Flow, side: Side, tally: &mut Tally) -> Option<Against> {
        let hook = self.intent.place.hook;
        let cells: Vec<Cell> = prohibited(flow, None).into_iter().map(|c| c.cell).collect();
        cells.iter().find_map(|cell| {
            let filter = self.view.filter(hook, flow.family);
            let cell = on_named(&self.intent.place, filter, cell.clone())?;
            let found = self.ask(filter, &cell, side, Seek::Passing, tally);
            found.passing.into_iter().next().map(|ending| Against { hook, ending })
        })
    }

    fn ask(&self, filter: &Filter<'_>, cell: &Cell, side: Side, seek: Seek, tally: &mut Tally) -> Found {
        let assume = if seek == Seek::Refused { Assume::AsWritten } else { Assume::Nothing };
        let found = ask(self.view.scene, filter, side, cell, seek, assume);
        tally.is_bounded |= found.is_bounded;
        tally.assume(self.view.scene, filter, &found.assumed);
        found
    }

    /// The intent in the form of a requirement, for its conversations.
    fn as_requirement(&self) -> FlowRule {
        FlowRule {
            id: self.change.id.clone(),
            reason: self.change.reason.clone(),
            owner: None,
            flows: Vec::new(),
            named_ends: None,
            source_ports: None,
            place: self.intent.place.clone(),
            span: self.intent.span,
        }
    }

    fn not_met(&self, flow: &Flow, against: &Against) -> Result<Finding, CheckError> {
        let filter: &Filter<'_> = self.view.filter(against.hook, flow.family);
        let ending = &against.ending;
        let packet = shown_packet(filter, &ending.cell, &[(Side::New, &ending.leaf)])?;
        let decision = fate(&ending.leaf.outcome.decision);
        let message = format!(
            "the intent of `{}` that this is {} is not met: {} {decision}",
            self.change.id,
            self.intent.effect.name(),
            packet_text(&packet)
        );
        let place = culprit(filter, Side::New, ending.leaf.place);
        let mut finding = Finding::without_place(&INTENT_NOT_MET, message);
        finding.location = filter.location(Side::New, ending.leaf.place);
        Ok(finding
            .in_filter(against.hook, flow.family, filter.name())
            .shown_by(packet)
            .under(condition_names(filter, &ending.depends))
            .helped_by(format!("{place} decides so: change that, or narrow the intent")))
    }
}

/// Judges, once every scene was seen, what was declared in vain.
pub(super) fn conclude(input: &CheckInput<'_>, tally: &mut Tally) {
    let Some(change) = input.change else { return };
    for (number, intent) in change.intents.iter().enumerate() {
        let location = Location::of(intent.span, &change.sources).first_line();
        let (id, effect) = (&change.id, intent.effect.name());
        if !tally.reached.contains(&Reached::Intent(number)) {
            let message = format!("an intent of `{id}` ({effect}) selects no packet of any filter");
            let help = "correct its devices, its hook, or its ends";
            tally.findings.push(Finding::at(&INTENT_NOT_MET, location, message).helped_by(help));
        } else if !tally.reached.contains(&Reached::IntentIsNews(number)) {
            let message = format!("an intent of `{id}` ({effect}) was in force before the change");
            let help = "withdraw it, or correct what it names";
            tally.findings.push(Finding::at(&INTENT_ALREADY_MET, location, message).helped_by(help));
        }
    }
}
