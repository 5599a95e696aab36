//! FW104 and FW105: no packet that would begin a forbidden flow passes, on any interface, whatever the opaque
//! conditions. Assumptions do not count: they are written to keep flows working, not to hide holes.

use super::interfaces::on_named;
use super::question::{Assume, Ending, Seek, ask};
use super::report::CheckError;
use super::scene::{Filter, Pair};
use super::tally::Tally;
use super::view::View;
use super::words::{condition_names, culprit, packet_text, shown_packet};
use super::{Check, selected};
use crate::finding::{FORBIDDEN_FLOW_ALLOWED, Finding, JUDGED_BEFORE_TRANSLATION, Location};
use crate::packet::{Cell, Family, Field, Ranges, Values};
use crate::policy::{Flow, Prohibition};
use crate::ruleset::{ChainId, Move, Place, Rewrite, Ruling, Side, Verdict};

/// The registry line.
pub(super) const CHECK: Check = Check { codes: &[&FORBIDDEN_FLOW_ALLOWED, &JUDGED_BEFORE_TRANSLATION], on_scene: run };

fn run(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    for prohibition in &view.scene.input.policy.prohibitions {
        let pairs: Vec<&Pair<'_>> = selected(view.scene, &prohibition.place.devices);
        for flow in &prohibition.flows {
            let has_filter = view.scene.has_filter(Side::New, prohibition.place.hook, flow.family);
            if has_filter && !pairs.is_empty() {
                Forbidden { view, prohibition, flow, pairs: &pairs }.check(tally)?;
            }
        }
    }
    Ok(())
}

/// The packets of a cell that are not from a loopback address: no network has those (RFC 1122 section 3.2.1.3, RFC 4291
/// section 2.5.3), and a device may talk with itself.
fn on_a_network(cell: &Cell, family: Family) -> Vec<Cell> {
    let loopback = Values::Ranges(match family {
        Family::V4 => Ranges::range(0x7f00_0000, 0x7fff_ffff),
        Family::V6 => Ranges::one(1),
    });
    cell.minus(Field::Src, &loopback, family)
}

/// One flow of one prohibition on the devices of one scene.
struct Forbidden<'r, 'v> {
    view: &'r View<'r, 'v>,
    prohibition: &'r Prohibition,
    flow: &'r Flow,
    pairs: &'r [&'r Pair<'r>],
}

impl Forbidden<'_, '_> {
    fn check(&self, tally: &mut Tally) -> Result<(), CheckError> {
        let filter = self.view.filter(self.prohibition.place.hook, self.flow.family);
        let prohibited = self.prohibition.prohibited(self.flow);
        // Interfaces narrow a prohibition only where it names some.
        let named = prohibited.into_iter().filter_map(|c| on_named(&self.prohibition.place, filter, c.cell));
        for cell in named.flat_map(|cell| on_a_network(&cell, self.flow.family)) {
            let found = ask(self.view.scene, filter, Side::New, &cell, Seek::Passing, Assume::Nothing);
            tally.is_bounded |= found.is_bounded;
            if let Some(passing) = found.passing.first() {
                let finding = self.allowed(filter, passing)?;
                tally.report(self.pairs.iter().copied(), &finding);
                break;
            }
        }
        if let Some(location) = self.translated_into(filter) {
            tally.report(self.pairs.iter().copied(), &self.judged_before(filter, location));
        }
        Ok(())
    }

    fn allowed(&self, filter: &Filter<'_>, passing: &Ending) -> Result<Finding, CheckError> {
        let packet = shown_packet(filter, &passing.cell, &[(Side::New, &passing.leaf)])?;
        let id = &self.prohibition.id;
        let message = format!("the forbidden flow `{id}` is allowed: {} passes", packet_text(&packet));
        let before = ask(self.view.scene, filter, Side::Old, &passing.cell, Seek::Passing, Assume::Nothing);
        let since = if before.passing.is_empty() { "the baseline blocks it" } else { "the baseline allows it, too" };
        let place = culprit(filter, Side::New, passing.leaf.place);
        let mut finding = Finding::without_place(&FORBIDDEN_FLOW_ALLOWED, message);
        finding.location = filter.location(Side::New, passing.leaf.place);
        Ok(finding
            .in_filter(filter.space.hook, filter.space.family, filter.name())
            .of_requirement(id)
            .shown_by(packet)
            .under(condition_names(filter, &passing.depends))
            .helped_by(format!("{}; {since}", self.remedy(filter, &place))))
    }

    fn remedy(&self, filter: &Filter<'_>, place: &str) -> String {
        match filter.program(Side::New).ruleset.unordered {
            false => format!("block it in front of {place}"),
            true => format!("block it by a rule, or take it out of {place}"),
        }
    }

    /// The first rule on the way that translates some destination to one of the flow.
    fn translated_into(&self, filter: &Filter<'_>) -> Option<Location> {
        let program = filter.program(Side::New);
        let into_flow = |ruling: &Ruling| match ruling {
            Ruling::Plain(Verdict::Translate(t)) => match &t.dst {
                Some(Rewrite::To(to)) => to.meets(&self.flow.dst) && !to.is_full(filter.space.family.max_address()),
                Some(Rewrite::Prefix { base, host }) => Ranges::range(*base, base | host).meets(&self.flow.dst),
                _ => false,
            },
            _ => false,
        };
        let translates = |step: &Move| match step {
            Move::Then(ruling) => into_flow(ruling),
            Move::Choose(entries) => entries.iter().any(|(_, r)| into_flow(r)),
            _ => false,
        };
        let blocks = program.blocks.iter().enumerate();
        let lines = blocks.flat_map(|(chain, b)| b.lines.iter().map(move |l| (ChainId(chain as u32), l)));
        let (chain, line) = lines.into_iter().find(|(_, l)| l.moves.iter().any(translates))?;
        filter.location(Side::New, Place::Rule(chain, line.origin))
    }

    fn judged_before(&self, filter: &Filter<'_>, location: Location) -> Finding {
        let id = &self.prohibition.id;
        let message = format!("the forbidden flow `{id}` was judged before a translation to some of its destinations");
        Finding::at(&JUDGED_BEFORE_TRANSLATION, location, message)
            .in_filter(filter.space.hook, filter.space.family, filter.name())
            .of_requirement(id)
            .helped_by("add the addresses with which such packets arrive to the prohibition")
    }
}
