//! A scene: one pair of rulesets with every device that has exactly this pair, and its filters, each compiled
//! once for all checks.

use super::CheckInput;
use super::device::{Device, is_same};
use super::marks::Marks;
use crate::diff::{Bounds, Change, FilterDiff, ReplayMismatch, diff_programs, pair_rules};
use crate::finding::{Finding, Location};
use crate::packet::{Family, Field, IfacePattern};
use crate::policy::{Assumption, DeviceInterface, DeviceSelection, Place as PolicyPlace};
use crate::ruleset::{
    Base, BaseKind, Families, Hook, Identities, Place, Program, Ruleset, Screen, Side, Space, judged_at,
};
use std::cell::OnceCell;
use std::sync::Arc;

/// A device on both sides of the change, by its name.
#[derive(Clone, Debug)]
pub(super) struct Pair<'a> {
    pub name: &'a str,
    /// The roles of both sides: a proposal does not leave the reach of a policy by changing its role.
    pub roles: Vec<String>,
    pub old: Option<&'a Device>,
    pub new: Option<&'a Device>,
    /// What stands for the names of its files while devices with other names of the same files are judged with it.
    pub marks: Option<Arc<Marks>>,
}

impl Pair<'_> {
    /// A finding about the rulesets of a scene, as one about this device of it.
    pub fn told(&self, finding: &Finding) -> Finding {
        let finding = finding.clone().on_device(self.name);
        let [old, new] = [self.old, self.new].map(|device| device.map(|d| &d.ruleset.sources));
        match &self.marks {
            Some(marks) => marks.read_as(finding, old, new),
            None => finding,
        }
    }

    /// Whether a part of the policy speaks about the device.
    pub fn is_selected(&self, by: &DeviceSelection) -> bool {
        by.selects(self.name, &self.roles)
    }
}

/// Devices with the same rulesets on both sides.
pub(super) struct Scene<'a> {
    pub input: &'a CheckInput<'a>,
    /// Never empty; by name.
    pub pairs: Vec<Pair<'a>>,
    before: Arc<Ruleset>,
    after: Arc<Ruleset>,
    pub presence: Presence,
    /// Whether both sides are the same bytes.
    pub is_unchanged: bool,
    pub interfaces: Option<&'a [DeviceInterface]>,
}

/// Which sides have the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Both,
    Added,
    Removed,
}

impl<'a> Scene<'a> {
    /// The scene of a pair. A side that lacks the device filters nothing: every packet passes.
    pub fn new(input: &'a CheckInput<'a>, pair: Pair<'a>) -> Scene<'a> {
        let nothing = || Arc::new(Ruleset::default());
        let (before, after, presence) = match (pair.old, pair.new) {
            (Some(old), Some(new)) => (old.ruleset.clone(), new.ruleset.clone(), Presence::Both),
            (Some(old), None) => (old.ruleset.clone(), nothing(), Presence::Removed),
            (None, Some(new)) => (nothing(), new.ruleset.clone(), Presence::Added),
            (None, None) => (nothing(), nothing(), Presence::Both),
        };
        let is_unchanged = presence == Presence::Both && is_same(&before, &after);
        let interfaces = pair.new.or(pair.old).and_then(|d| d.interfaces.as_deref());
        Scene { input, pairs: vec![pair], before, after, presence, is_unchanged, interfaces }
    }

    /// Where devices have the same rulesets under other names of files, marks take the place of the names: everything is
    /// judged once, and each finding read with the names of each device.
    pub fn mark(&mut self) {
        let has_own_names = |own: &Arc<Ruleset>, device: Option<&Device>| {
            device.is_none_or(|d| Arc::ptr_eq(&d.ruleset, own) || d.ruleset.sources.same_names(&own.sources))
        };
        let is_named = |p: &Pair<'_>| has_own_names(&self.before, p.old) && has_own_names(&self.after, p.new);
        if self.pairs.iter().all(is_named) {
            return;
        }
        let marks = Arc::new(Marks::between(&self.before.sources, &self.after.sources));
        self.before = Arc::new(self.before.named(&marks.old));
        self.after = Arc::new(self.after.named(&marks.new));
        self.pairs.iter_mut().for_each(|pair| pair.marks = Some(marks.clone()));
    }

    /// Whether a pair belongs here: the same rulesets, facts and assumptions.
    pub fn admits(&self, pair: &Pair<'a>) -> bool {
        let Some(own) = self.pairs.first() else { return false };
        let same = |a: Option<&Device>, b: Option<&Device>| match (a, b) {
            (Some(a), Some(b)) => {
                (Arc::ptr_eq(&a.ruleset, &b.ruleset) || a.ruleset.is_like(&b.ruleset)) && a.interfaces == b.interfaces
            }
            (None, None) => true,
            _ => false,
        };
        let assumed = |p: &Pair<'_>| -> Vec<bool> {
            self.input.policy.assumptions.iter().map(|a| p.is_selected(&a.devices)).collect()
        };
        same(own.old, pair.old) && same(own.new, pair.new) && assumed(own) == assumed(pair)
    }

    /// The ruleset of a side.
    pub fn ruleset(&self, side: Side) -> &Ruleset {
        match side {
            Side::Old => &self.before,
            Side::New => &self.after,
        }
    }

    /// The families that a side gives; what a side lacks altogether, it gives as the other one does.
    pub fn families(&self, side: Side) -> Families {
        match (self.presence, side) {
            (Presence::Added, _) => self.after.families,
            (Presence::Removed, _) => self.before.families,
            (Presence::Both, side) => self.ruleset(side).families,
        }
    }

    /// Whether both sides can be compared in a family.
    pub fn is_compared(&self, family: Family) -> bool {
        self.families(Side::Old).contains(family) && self.families(Side::New).contains(family)
    }

    /// The hooks at which either side can judge.
    pub fn hooks(&self) -> Vec<Hook> {
        Hook::of(&[self.ruleset(Side::Old), self.ruleset(Side::New)])
    }

    /// Whether a side has a filter at a hook: a chain that judges packets there.
    pub fn has_filter(&self, side: Side, hook: Hook, family: Family) -> bool {
        let ruleset = self.ruleset(side);
        ruleset.families.contains(family)
            && !ruleset.missing_hooks.contains(&hook)
            && ruleset.path(hook, family).iter().any(|b| b.hook == judged_at(hook) && b.kind != BaseKind::Nat)
    }

    /// What the policy assumes of a condition here.
    pub fn assumption(&self, condition: &str) -> Option<&'a Assumption> {
        let pair = self.pairs.first()?;
        self.input.policy.assumption_about(condition, pair.name, &pair.roles)
    }
}

/// The filters of a scene, compiled where they are needed.
pub(super) struct Filters<'s> {
    cells: [OnceCell<Filter<'s>>; 16],
}

impl<'s> Filters<'s> {
    /// Compares every filter that both sides can have.
    ///
    /// # Errors
    /// Only where the engine contradicts the interpreter.
    pub fn compare(scene: &'s Scene<'_>, patterns: &[IfacePattern], bounds: Bounds) -> Result<Self, ReplayMismatch> {
        let filters = Filters { cells: std::array::from_fn(|_| OnceCell::new()) };
        if scene.is_unchanged {
            return Ok(filters);
        }
        for (slot, (hook, family)) in filters.cells.iter().zip(slots()) {
            let missing = |side| scene.ruleset(side).missing_hooks.contains(&hook);
            let has_hook = scene.hooks().contains(&hook);
            if has_hook && scene.is_compared(family) && !(missing(Side::Old) && missing(Side::New)) {
                let mut filter = Filter::compile(scene, hook, family, patterns);
                filter.compare(bounds)?;
                let _ = slot.set(filter);
            }
        }
        Ok(filters)
    }

    /// One filter.
    pub fn get(&self, scene: &'s Scene<'_>, patterns: &[IfacePattern], hook: Hook, family: Family) -> &Filter<'s> {
        let at = slots().position(|s| s == (hook, family)).unwrap_or(0);
        self.cells[at].get_or_init(|| Filter::compile(scene, hook, family, patterns))
    }

    /// The filters that were compared.
    pub fn compared(&self) -> impl Iterator<Item = &Filter<'s>> {
        self.cells.iter().filter_map(OnceCell::get).filter(|f| f.is_compared)
    }

    /// The effects, where there are any.
    pub fn into_effects(self) -> impl Iterator<Item = (String, FilterDiff)> {
        let filters = self.cells.into_iter().filter_map(OnceCell::into_inner);
        filters
            .filter(|f| f.is_compared && (!f.changes.is_empty() || !f.is_complete))
            .map(|f| (f.name(), FilterDiff { changes: f.changes, complete: f.is_complete, space: f.space }))
    }
}

fn slots() -> impl Iterator<Item = (Hook, Family)> {
    Hook::ALL.into_iter().chain(Hook::BELOW_IP).flat_map(|hook| Family::ALL.map(|family| (hook, family)))
}

/// One filter, compiled for both sides in one space.
pub(super) struct Filter<'s> {
    pub space: Space,
    before: Program<'s>,
    /// `None` where it is the same as before.
    after: Option<Program<'s>>,
    pub changes: Vec<Change>,
    pub is_complete: bool,
    is_compared: bool,
    /// For the interpreter, of the baseline and of the proposal.
    screens: [OnceCell<Screen>; 2],
}

impl<'s> Filter<'s> {
    fn compile(scene: &'s Scene<'_>, hook: Hook, family: Family, patterns: &[IfacePattern]) -> Filter<'s> {
        let (old, new): (&'s Ruleset, &'s Ruleset) = (&scene.before, &scene.after);
        let mut ids = Identities::default();
        let paired = if scene.is_unchanged { Default::default() } else { pair_rules(old, new) };
        let mut more = patterns.to_vec();
        more.extend(scene.interfaces.into_iter().flatten().map(|i| IfacePattern::exact(i.name.as_str())));
        let space = Space::new(hook, family, &[old, new], &more, paired);
        let before = Program::new(old, Side::Old, &space, &mut ids);
        let after = (!scene.is_unchanged).then(|| Program::like(&before, new, Side::New, &space, &mut ids));
        Filter {
            space,
            before,
            after,
            changes: Vec::new(),
            is_complete: true,
            is_compared: false,
            screens: Default::default(),
        }
    }

    fn compare(&mut self, bounds: Bounds) -> Result<(), ReplayMismatch> {
        if let Some(after) = &self.after {
            let diff = diff_programs(&self.space, &self.before, after, bounds)?;
            self.changes = diff.changes;
            self.is_complete = diff.complete;
            self.is_compared = true;
        }
        Ok(())
    }

    /// The program of a side.
    pub fn program(&self, side: Side) -> &Program<'s> {
        match (side, &self.after) {
            (Side::New, Some(after)) => after,
            _ => &self.before,
        }
    }

    /// What lets the interpreter pass over rules of a side in haste.
    pub fn screen(&self, side: Side) -> &Screen {
        let at = usize::from(side == Side::New && self.after.is_some());
        self.screens[at].get_or_init(|| Screen::new(self.program(side).ruleset, self.space.family))
    }

    /// Whether some rule of a side translates connections or exempts packets from conntrack, so that later packets
    /// of a connection are not those that the policy speaks of.
    pub fn changes_connections(&self, side: Side) -> bool {
        let program = self.program(side);
        let addresses = [Field::Src, Field::Dst, Field::Sport, Field::Dport];
        let masquerades =
            program.stages.iter().any(|s| s.kind == BaseKind::Nat && !program.block(s.chain).lines.is_empty());
        program.untracks || masquerades || addresses.iter().any(|f| program.rewritten.contains(f))
    }

    /// The name that people know the filter by, on the proposal where it has one.
    pub fn name(&self) -> String {
        let name = |side| filter_name(self.program(side).ruleset, self.space.hook, self.space.family);
        name(Side::New).or_else(|| name(Side::Old)).unwrap_or_else(|| format!("no chain at {}", self.space.hook))
    }

    /// Where what decided on a side is written.
    pub fn location(&self, side: Side, place: Place) -> Option<Location> {
        let ruleset = self.program(side).ruleset;
        let span = match place {
            Place::Rule(chain, at) => ruleset.chain(chain).rules.get(at as usize)?.span,
            Place::Policy(base) => ruleset.bases.get(base as usize)?.policy_span,
            Place::NoChain => return None,
        };
        Some(Location::of(span, &ruleset.sources).first_line())
    }
}

/// The name of the chain that people mean by "the filter" at a hook.
fn filter_name(ruleset: &Ruleset, hook: Hook, family: Family) -> Option<String> {
    let path = ruleset.path(hook, family);
    let rank = |b: &&Base| (b.hook == judged_at(hook), b.principal, b.kind == BaseKind::Filter);
    let best = path.into_iter().filter(|b| b.hook == judged_at(hook)).max_by_key(rank)?;
    Some(ruleset.chain(best.chain).name.to_string())
}

/// Every interface pattern that flows of a policy or a change request name.
pub(super) fn named_interfaces<'p>(places: impl Iterator<Item = &'p PolicyPlace>) -> Vec<IfacePattern> {
    let mut out: Vec<IfacePattern> =
        places.flat_map(|p| p.inputs.iter().chain(&p.outputs).flatten().cloned()).collect();
    out.sort();
    out.dedup();
    out
}
