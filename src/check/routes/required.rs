//! FW751, FW752 and FW753: destinations that must keep their way, or have a certain one.

use super::RouteCheck;
use super::scene::{RouteScene, goes, is_carried, place_of, way_range};
use crate::check::CheckInput;
use crate::check::report::{CheckError, Standing};
use crate::check::scene::Pair;
use crate::check::tally::{Reached, Tally};
use crate::finding::{Finding, Location, REQUIRED_ROUTE_LOST, REQUIRED_ROUTE_MISSING, ROUTE_UNMATCHED};
use crate::packet::{Family, Ranges};
use crate::policy::{DeviceSelector, RouteRequirement};
use crate::routes::{Outcome, RouteType, Routing, Way, flow_words, outcome_words, survey};

/// The registry line.
pub(super) const CHECK: RouteCheck =
    RouteCheck { codes: &[&REQUIRED_ROUTE_LOST, &REQUIRED_ROUTE_MISSING, &ROUTE_UNMATCHED], on_device: run };

/// Most findings of one requirement on one device.
const MOST: usize = 20;

fn run(scene: &RouteScene<'_>, tally: &mut Tally) -> Result<(), CheckError> {
    let selected = scene.input.policy.routes.iter().filter(|r| scene.pair.is_selected(&r.devices));
    for requirement in selected.filter(|_| scene.pair.new.is_some()) {
        for family in Family::ALL {
            let to = requirement.to.of(family);
            if scene.new.gives(family) && !to.is_empty() {
                tally.reached.insert(Reached::Proposal(requirement.id.clone()));
                tally.stands(&requirement.id, Standing::Held);
                Judging { scene, requirement, family, to }.judge(tally)?;
            }
        }
    }
    Ok(())
}

/// One requirement for one family on one device.
struct Judging<'a> {
    scene: &'a RouteScene<'a>,
    requirement: &'a RouteRequirement,
    family: Family,
    to: &'a Ranges,
}

impl Judging<'_> {
    fn judge(&self, tally: &mut Tally) -> Result<(), CheckError> {
        let has_old = self.scene.old.gives(self.family);
        let before = match has_old {
            true => survey(self.scene.old, self.family, self.to)?,
            false => Vec::new(),
        };
        let mut count = 0;
        for way in survey(self.scene.new, self.family, self.to)? {
            for (part, was) in self.failing(&way, &before) {
                count += 1;
                let held = was.is_some_and(|was| self.held(was));
                tally.stands(&self.requirement.id, if held { Standing::Lost } else { Standing::Missing });
                if count <= MOST {
                    tally.findings.push(self.finding(&part, was, held));
                }
            }
        }
        Ok(())
    }

    /// The parts of a way that are not as demanded, each with what the baseline does there, where it says anything.
    fn failing<'b>(&self, way: &Way, before: &'b [Way]) -> Vec<(Way, Option<&'b Outcome>)> {
        let leads = |routing, outcome: &Outcome| {
            goes(routing, outcome, self.to, &self.requirement.via, &self.requirement.dev, self.family)
        };
        let carried = is_carried(self.scene.new, &way.outcome);
        if before.is_empty() {
            let is_good = carried && leads(self.scene.new, &way.outcome);
            return if is_good { Vec::new() } else { vec![(way.clone(), None)] };
        }
        let mut out = Vec::new();
        for old in before {
            let (to, zone) = (way.to.intersect(&old.to), way.zone.meet(&old.zone));
            let Some(zone) = zone.filter(|_| !to.is_empty()) else { continue };
            let stays = same_way(self.scene, &old.outcome, &way.outcome);
            // What is the device's own stays its own: a demand for next hops is about what goes on.
            let is_good = match self.requirement.names_a_way() {
                true => {
                    (carried && leads(self.scene.new, &way.outcome)) || (stays && is_own(self.scene.new, &way.outcome))
                }
                false => carried && stays,
            };
            if !is_good {
                out.push((Way { to, zone, outcome: way.outcome.clone() }, Some(&old.outcome)));
            }
        }
        out
    }

    /// Whether the baseline had what is demanded.
    fn held(&self, was: &Outcome) -> bool {
        let RouteRequirement { via, dev, .. } = self.requirement;
        is_carried(self.scene.old, was) && goes(self.scene.old, was, self.to, via, dev, self.family)
    }

    fn finding(&self, way: &Way, was: Option<&Outcome>, held: bool) -> Finding {
        let id = &self.requirement.id;
        let is = outcome_words(self.scene.new, &way.outcome);
        let old = was.map(|was| outcome_words(self.scene.old, was));
        let place = place_of(self.scene.new, &way.outcome, self.family)
            .or_else(|| was.and_then(|was| place_of(self.scene.old, was, self.family)));
        let (range, flow) = (way_range(way, self.family), flow_words(&way.witness(self.family)));
        let (code, message) = match (held, old) {
            (true, Some(old)) => (
                &REQUIRED_ROUTE_LOST,
                format!("the required route `{id}` is lost: {range} goes {is}, and went {old}; such as {flow}"),
            ),
            (_, old) => {
                let before = old.filter(|old| *old != is).map(|old| format!(", and went {old}")).unwrap_or_default();
                let what = format!("the required route `{id}` is not there");
                (&REQUIRED_ROUTE_MISSING, format!("{what}: {range} goes {is}{before}; such as {flow}"))
            }
        };
        let found = match place {
            Some(place) => Finding::at(code, place, message),
            None => Finding::without_place(code, message),
        };
        let found = found.on_device(self.scene.pair.name).of_requirement(id).helped_by(self.help());
        Finding { family: Some(self.family), ..found }.about_range(range)
    }

    fn help(&self) -> String {
        let RouteRequirement { reason, via, dev, .. } = self.requirement;
        let via: Vec<String> = via.iter().map(|(family, value)| gateway(*family, *value)).collect();
        match (via.is_empty(), dev.is_empty()) {
            (true, true) => format!("it must keep its next hop: {reason}"),
            (false, true) => format!("it must go via {}: {reason}", via.join(" or ")),
            (true, false) => format!("it must go by {}: {reason}", dev.join(" or ")),
            (false, false) => format!("it must go via {} by {}: {reason}", via.join(" or "), dev.join(" or ")),
        }
    }
}

fn gateway(family: Family, value: u128) -> String {
    crate::packet::address_texts(&Ranges::one(value), family)
        .into_iter()
        .map(|text| text.split('/').next().unwrap_or_default().to_owned())
        .collect()
}

fn is_own(routing: &Routing, outcome: &Outcome) -> bool {
    let own = [RouteType::Local, RouteType::Broadcast, RouteType::Anycast, RouteType::Multicast];
    match outcome {
        Outcome::Found { routes, .. } => {
            routes.iter().filter_map(|at| routing.routes.get(*at)).all(|r| own.contains(&r.kind))
        }
        _ => false,
    }
}

/// Whether both sides do the same with packets.
fn same_way(scene: &RouteScene<'_>, was: &Outcome, is: &Outcome) -> bool {
    use crate::routes::canonical_direction;
    canonical_direction(scene.old, was) == canonical_direction(scene.new, is)
}

/// Judges, once every device was, what was judged nowhere.
pub(super) fn conclude(input: &CheckInput<'_>, pairs: &[Pair<'_>], tally: &mut Tally) {
    for requirement in &input.policy.routes {
        let id = &requirement.id;
        let location = || Location::of(requirement.span, &input.policy.sources).first_line();
        let unmatched = |message: String, help: &str| {
            Finding::at(&ROUTE_UNMATCHED, location(), message).of_requirement(id).helped_by(help)
        };
        let found = match () {
            () if requirement.to.is_empty() => Some(unmatched(format!("`{id}` names no destination"), "correct `to`")),
            () if !tally.reached.contains(&Reached::Proposal(id.clone())) => Some(unmatched(
                format!("no device of the proposal that `{id}` selects has routes for its destinations"),
                "correct `devices`, or add what `ip route show table all` prints to the device's files",
            )),
            () => None,
        };
        if let Some(found) = found {
            tally.stands(id, Standing::Unmatched);
            tally.findings.push(found);
            continue;
        }
        for pair in pairs.iter().filter(|p| names(requirement, p.name) && lacks(requirement, p)) {
            let message = format!("`{id}` names the device `{}`, which has no routes for it", pair.name);
            let help = "add what `ip route show table all` prints to the device's files";
            tally.findings.push(unmatched(message, help).on_device(pair.name));
        }
    }
}

/// Whether a requirement names the device itself, without a glob.
fn names(requirement: &RouteRequirement, device: &str) -> bool {
    let entries = requirement.devices.entries.iter().flatten();
    entries.into_iter().any(|e| matches!(&e.value, DeviceSelector::Name(name) if name == device))
}

fn lacks(requirement: &RouteRequirement, pair: &Pair<'_>) -> bool {
    let has = |d: &crate::check::Device| {
        Family::ALL.into_iter().any(|f| !requirement.to.of(f).is_empty() && d.routing.gives(f))
    };
    pair.new.is_some_and(|d| !has(d))
}
