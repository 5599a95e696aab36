//! FW101, FW102, FW103 and FW105: every packet of every required conversation, request and reply, on every device
//! that a requirement selects.

use super::conversation::{Demand, demands};
use super::interfaces::proposal;
use super::question::{Assume, Ending, Seek, ask};
use super::report::{CheckError, Standing};
use super::scene::{Filter, Pair};
use super::tally::Tally;
use super::verdict::{Shown, Verdict, judge};
use super::view::View;
use super::words::{condition_names, culprit, fate, packet_text, remedy, shown_packet};
use super::{Check, selected};
use crate::finding::{
    Direction, Finding, JUDGED_BEFORE_TRANSLATION, REQUIRED_FLOW_DEPENDS, REQUIRED_FLOW_LOST, REQUIRED_FLOW_MISSING,
    Severity,
};
use crate::policy::{Flow, Requirement};
use crate::ruleset::Side;

/// The registry line.
pub(super) const CHECK: Check = Check {
    codes: &[&REQUIRED_FLOW_LOST, &REQUIRED_FLOW_MISSING, &REQUIRED_FLOW_DEPENDS, &JUDGED_BEFORE_TRANSLATION],
    on_scene: run,
};

fn run(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    for requirement in &view.scene.input.policy.requirements {
        let pairs: Vec<&Pair<'_>> = selected(view.scene, &requirement.place.devices);
        for flow in &requirement.flows {
            let has_filter = view.scene.has_filter(Side::New, requirement.place.hook, flow.family);
            if has_filter && !pairs.is_empty() {
                Required { view, requirement, flow, pairs: &pairs }.check(tally)?;
            }
        }
    }
    Ok(())
}

/// One flow of one requirement on the devices of one scene.
struct Required<'r, 'v> {
    view: &'r View<'r, 'v>,
    requirement: &'r Requirement,
    flow: &'r Flow,
    pairs: &'r [&'r Pair<'r>],
}

impl Required<'_, '_> {
    fn check(&self, tally: &mut Tally) -> Result<(), CheckError> {
        let demands = demands(self.view, self.requirement, self.flow, Side::New);
        tally.is_bounded |= demands.is_bounded;
        tally.stands(&self.requirement.id, Standing::Held);
        for direction in [Direction::Request, Direction::Reply] {
            let own: Vec<&Demand> = demands.list.iter().filter(|d| d.direction == direction).collect();
            if let Some((demand, verdict)) = self.worst(&own, tally) {
                let verdict = self.against_baseline(direction, verdict, tally);
                let finding = self.finding(demand, &verdict)?;
                tally.stands(&self.requirement.id, standing(&verdict));
                finding.iter().for_each(|f| tally.report(self.pairs.iter().copied(), f));
            }
        }
        if let Some(why) = demands.inexact {
            tally.report(self.pairs.iter().copied(), &self.judged_before(&why));
        }
        Ok(())
    }

    /// The worst verdict about demands of one direction, the first of the worst where there are several.
    fn worst<'d>(&self, demands: &[&'d Demand], tally: &mut Tally) -> Option<(&'d Demand, Verdict)> {
        let mut worst: Option<(&Demand, Verdict)> = None;
        for demand in demands {
            let filter = self.view.filter(demand.hook, self.flow.family);
            let judged = judge(self.view.scene, filter, demand);
            tally.assume(self.view.scene, filter, &judged.assumed);
            tally.is_bounded |= judged.is_bounded;
            let rank = judged.verdict.rank();
            if rank > worst.as_ref().map_or(0, |(_, v)| v.rank()) {
                worst = Some((demand, judged.verdict));
            }
            if matches!(worst, Some((_, Verdict::Lost(_)))) {
                break;
            }
        }
        worst
    }

    /// Where rules change connections, later packets of the two sides are not the same packets: what the baseline
    /// did with its own decides whether the flow was lost.
    fn against_baseline(&self, direction: Direction, verdict: Verdict, tally: &mut Tally) -> Verdict {
        let filter = self.view.filter(self.requirement.place.hook, self.flow.family);
        let changes_connections = [Side::Old, Side::New].into_iter().any(|side| filter.changes_connections(side));
        match verdict {
            Verdict::Missing(shown)
                if changes_connections && !self.view.scene.is_unchanged && self.held_before(direction, tally) =>
            {
                Verdict::Lost(Shown { before: None, ..shown })
            }
            other => other,
        }
    }

    fn held_before(&self, direction: Direction, tally: &mut Tally) -> bool {
        let before = demands(self.view, self.requirement, self.flow, Side::Old);
        tally.is_bounded |= before.is_bounded;
        before.list.iter().filter(|d| d.direction == direction).all(|demand| {
            let filter = self.view.filter(demand.hook, self.flow.family);
            let found = ask(self.view.scene, filter, Side::Old, &demand.cell, Seek::Refused, Assume::AsWritten);
            tally.is_bounded |= found.is_bounded;
            found.refused.is_empty()
        })
    }

    fn finding(&self, demand: &Demand, verdict: &Verdict) -> Result<Option<Finding>, CheckError> {
        let filter = self.view.filter(demand.hook, self.flow.family);
        let (shown, code, result) = match verdict {
            Verdict::Lost(shown) => (shown, &REQUIRED_FLOW_LOST, "is lost"),
            Verdict::Missing(shown) => (shown, &REQUIRED_FLOW_MISSING, "is still missing"),
            Verdict::Depends { shown, .. } => (shown, &REQUIRED_FLOW_DEPENDS, "depends on conditions"),
            Verdict::Held => return Ok(None),
        };
        let mut ends = vec![(Side::New, &shown.now)];
        ends.extend(shown.before.iter().map(|leaf| (Side::Old, leaf)));
        let packet = shown_packet(filter, &shown.cell, &ends)?;
        let id = &self.requirement.id;
        let decision = fate(&shown.now.outcome.decision);
        let mut message = format!(
            "the required flow `{id}` {result}: the {} of its {}, {}, {decision}",
            demand.name,
            demand.direction,
            packet_text(&packet)
        );
        let conditions = condition_names(filter, &shown.depends);
        if !conditions.is_empty() {
            message += &format!(" where {}", listed(&conditions));
        }
        let mut finding = Finding::without_place(code, message);
        finding.location = filter.location(Side::New, shown.now.place);
        if matches!(verdict, Verdict::Depends { did_before: true, .. }) {
            finding = finding.weighing(Severity::Warning);
        }
        let finding = finding
            .in_filter(demand.hook, self.flow.family, filter.name())
            .of_requirement(id)
            .shown_by(packet)
            .in_direction(demand.direction)
            .under(conditions);
        Ok(Some(finding.helped_by(self.help(filter, demand, verdict, shown))))
    }

    fn help(&self, filter: &Filter<'_>, demand: &Demand, verdict: &Verdict, shown: &Shown) -> String {
        let now = culprit(filter, Side::New, shown.now.place);
        let remedy = remedy(filter, shown.now.place);
        let before = shown.before.as_ref().map(|leaf| culprit(filter, Side::Old, leaf.place));
        let mut help = match (verdict, before) {
            (Verdict::Lost(_), Some(before)) => format!("the baseline let it pass by {before}: keep that, or {remedy}"),
            (Verdict::Lost(_), None) => {
                format!("the baseline let the flow pass with other packets of its connection: {remedy}")
            }
            (Verdict::Depends { .. }, _) => format!(
                "take the condition out of the way of the flow at {now}, or write under [[assume]] what may be taken as known"
            ),
            _ => format!("{remedy}, or correct the requirement"),
        };
        if let Some(more) = self.interfaces_help(filter, demand) {
            help += "; ";
            help += &more;
        }
        help
    }

    /// What to write where nobody said which interfaces the flow takes, and some would do.
    fn interfaces_help(&self, filter: &Filter<'_>, demand: &Demand) -> Option<String> {
        let place = &self.requirement.place;
        if place.inputs.is_some() || place.outputs.is_some() || self.view.scene.interfaces.is_some() {
            return None;
        }
        let free = "no interfaces are given, so that every one but `lo` was judged";
        if demand.direction == Direction::Reply {
            return None;
        }
        let all = ask(self.view.scene, filter, Side::New, &demand.cell, Seek::Passing, Assume::AsWritten);
        let cells: Vec<_> = all.passing.iter().map(|e: &Ending| &e.cell).collect();
        let names = proposal(filter, &cells)?;
        Some(format!("{free}; where the flow takes only those that the rules let pass, write {names}"))
    }

    fn judged_before(&self, why: &str) -> Finding {
        let id = &self.requirement.id;
        let message = format!("replies of the required flow `{id}` were judged by their addresses before translation");
        let hook = self.requirement.place.hook;
        let filter = self.view.filter(hook, self.flow.family);
        let finding = Finding::without_place(&JUDGED_BEFORE_TRANSLATION, message);
        finding
            .in_filter(hook, self.flow.family, filter.name())
            .of_requirement(id)
            .helped_by(format!("{why}; check by hand that replies pass"))
    }
}

fn standing(verdict: &Verdict) -> Standing {
    match verdict {
        Verdict::Held => Standing::Held,
        Verdict::Depends { .. } => Standing::Depends,
        Verdict::Missing(_) => Standing::Missing,
        Verdict::Lost(_) => Standing::Lost,
    }
}

/// Conditions in a sentence.
fn listed(conditions: &[String]) -> String {
    let text = |name: &String| match name.strip_prefix('!') {
        Some(name) => format!("`{name}` does not hold"),
        None => format!("`{name}` holds"),
    };
    conditions.iter().map(text).collect::<Vec<_>>().join(" and ")
}
