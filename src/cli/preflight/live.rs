//! What the devices themselves say: their transports, what they run, whether probes reach what they should.

use super::rehearsal::rehearse;
use crate::cli::failure::Failure;
use crate::cli::gate::{DeviceFiles, Gathered};
use crate::cli::permit::{nonce, targets};
use crate::cli::push::port::{Line, Way, Ways};
use crate::fleet::transport::find_program;
use crate::gate::push::Trouble;
use crate::gate::push::route::{ProductionTransport, Target};
use crate::gate::{Check, Item, Reason, ReasonCode, Tick};
use crate::inventory::Inventory;
use crate::policy::{Argument, Command, Policy, Transport};
use crate::ruleset::Side;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The checks of this file where nobody may ask the devices.
pub(super) fn not_made() -> Vec<Item> {
    let checks = [Check::Transports, Check::Baseline, Check::Rollback, Check::Probes];
    let says = || vec!["not made: `--offline`".to_owned()];
    checks.into_iter().map(|check| Item { check, tick: Tick::Unknown, says: says(), reasons: Vec::new() }).collect()
}

/// Looks at every device of the change.
///
/// # Errors
/// There are no random bytes.
pub(super) fn checks(gathered: &Gathered) -> Result<Vec<Item>, Failure> {
    let mut found = Found::default();
    let inventories = gathered.inventories();
    match gathered.policy() {
        Some(policy) if !gathered.targets.is_empty() => {
            for target in targets(&gathered.targets) {
                One { gathered, policy, target: &target, inventories: &inventories }.look(&mut found)?;
            }
        }
        _ => found.nothing = true,
    }
    Ok(found.items())
}

/// What was found, by check.
#[derive(Default)]
struct Found {
    says: BTreeMap<Check, Vec<String>>,
    reasons: BTreeMap<Check, Vec<Reason>>,
    /// There is no device, or no policy: nothing was looked at.
    nothing: bool,
}

impl Found {
    fn say(&mut self, check: Check, words: String) {
        self.says.entry(check).or_default().push(words);
    }

    fn object(&mut self, check: Check, reason: Reason) {
        self.reasons.entry(check).or_default().push(reason);
    }

    fn items(mut self) -> Vec<Item> {
        let item = |check| {
            let mut item = Item::of(
                check,
                self.says.remove(&check).unwrap_or_default(),
                self.reasons.remove(&check).unwrap_or_default(),
            );
            if self.nothing {
                item.tick = Tick::Unknown;
                item.says.push("not made: the change touches no device that is known".to_owned());
            }
            item
        };
        [Check::Transports, Check::Baseline, Check::Rollback, Check::Probes].map(item).into_iter().collect()
    }
}

/// One device.
struct One<'a> {
    gathered: &'a Gathered,
    policy: &'a Policy,
    target: &'a Target,
    /// Of the protected branch, and of the proposal.
    inventories: &'a [Option<Inventory>; 2],
}

impl One<'_> {
    fn look(&self, found: &mut Found) -> Result<(), Failure> {
        let name = &self.target.name;
        let (baseline, proposal) = (self.side(Side::Old), self.side(Side::New));
        let live = match ProductionTransport::of(self.policy, self.target) {
            Ok(transport) => {
                self.programs(transport.policy(), found);
                self.probe(transport.policy(), baseline.as_ref(), found);
                self.read(transport, found)?
            }
            Err(reasons) => {
                reasons.into_iter().for_each(|reason| found.object(Check::Transports, reason));
                for check in [Check::Baseline, Check::Probes] {
                    found.object(check, unreached(name));
                }
                false
            }
        };
        let sides = (baseline.as_ref(), proposal.as_ref());
        let tried = rehearse(self.gathered, self.policy, self.target, sides)?;
        match tried {
            Ok(words) if live => {
                found.say(Check::Rollback, format!("{name}: {words}; what it runs is what it would go back to"))
            }
            Ok(words) => found.say(Check::Rollback, format!("{name}: {words}")),
            Err(reasons) => reasons.into_iter().for_each(|reason| found.object(Check::Rollback, reason)),
        }
        Ok(())
    }

    fn side(&self, side: Side) -> Option<DeviceFiles> {
        let trees = self.gathered.trees.as_ref()?;
        let [old, new] = self.inventories;
        let (all, inventory) = match side {
            Side::Old => (&trees.baseline, old),
            Side::New => (&trees.proposal, new),
        };
        let bytes = all.iter().find(|b| b.device == self.target.name)?;
        DeviceFiles::of(bytes, inventory.as_ref()).ok()
    }

    /// Every program that the transport names is where transports look for programs.
    fn programs(&self, transport: &Transport, found: &mut Found) {
        let commands = [
            &transport.read,
            &transport.apply,
            &transport.confirm,
            &transport.probe,
            &transport.rollback,
            &transport.identity,
        ];
        let programs: BTreeSet<&str> = commands.into_iter().flatten().filter_map(program).collect();
        let missing: Vec<&str> = programs.iter().copied().filter(|p| find_program(p).is_none()).collect();
        for program in &missing {
            let message = format!("`{program}`, which reaches `{}`, is not installed here", self.target.name);
            let fix = format!(
                "install `{program}`, or correct the transport `{}` in a change of the policy",
                transport.id.value
            );
            found.object(Check::Transports, Reason::new(ReasonCode::TransportUnsafe, message, fix).detail("program"));
        }
        if missing.is_empty() {
            let names: Vec<&str> = programs.into_iter().collect();
            found
                .say(Check::Transports, format!("{}: {} ({})", self.target.name, transport.id.value, names.join(", ")));
        }
    }

    /// Reads the device and compares; whether it runs its baseline.
    fn read(&self, transport: ProductionTransport<'_>, found: &mut Found) -> Result<bool, Failure> {
        let name = &self.target.name;
        let (Some(baseline), Some(proposal)) = (self.side(Side::Old), self.side(Side::New)) else {
            let message = format!("`{name}` has no bytes on one side, so there is nothing to compare it with");
            let fix = format!("make what it runs its baseline first: fwgate adopt {name}");
            found.object(Check::Baseline, Reason::new(ReasonCode::NoRollback, message, fix));
            return Ok(false);
        };
        let way = Way { transport, roles: self.target.roles.clone(), proposal, baseline, instead: None };
        let ways = BTreeMap::from([(name.clone(), way)]);
        let port = Ways { policy: self.policy, ways };
        match port.read(name, &nonce()?) {
            Ok(seen) if seen.is_baseline => {
                found.say(Check::Baseline, format!("{name}: read back from {}, equal by meaning", seen.identity));
                return Ok(true);
            }
            Ok(seen) if seen.is_proposal => {
                let message = format!("`{name}` runs the proposal already, and no receipt says so");
                let fix = format!("find out who applied it, then fwgate rollback {name}");
                found.object(Check::Baseline, Reason::new(ReasonCode::Drift, message, fix));
            }
            Ok(seen) => {
                let message = format!("`{name}` does not run its baseline: {}", seen.differs);
                let fix = format!(
                    "look at it, then make what it runs the baseline (fwgate adopt {name}) or restore it (fwgate rollback {name})"
                );
                found.object(Check::Baseline, Reason::new(ReasonCode::Drift, message, fix));
            }
            Err(reason) => found.object(Check::Baseline, reason),
        }
        Ok(false)
    }

    fn probe(&self, transport: &Transport, baseline: Option<&DeviceFiles>, found: &mut Found) {
        let name = &self.target.name;
        let (Some(_), Some(files)) = (&transport.probe, baseline) else {
            return found.say(Check::Probes, format!("{name}: its transport names no probe"));
        };
        let line = Line { device: name, transport };
        match line.step(transport.probe.as_ref(), files, Duration::ZERO) {
            Ok(()) => found.say(Check::Probes, format!("{name}: reached as it should be")),
            Err(Trouble(why)) => {
                let message = format!("the probe of `{name}` fails before anything was changed: {why}");
                let fix = "mend what it looks at, or the probe: a push would be rolled back by it";
                found.object(Check::Probes, Reason::new(ReasonCode::NotConverged, message, fix));
            }
        }
    }
}

fn program(command: &Command) -> Option<&str> {
    match command.arguments.first()? {
        Argument::Literal(program) => Some(program),
        Argument::Placeholder(_) => None,
    }
}

fn unreached(name: &str) -> Reason {
    let message = format!("`{name}` was not asked: no safe transport reaches it");
    Reason::new(ReasonCode::TransportUnsafe, message, "mend the transport first")
}
