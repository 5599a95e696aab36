//! The effect of a change on one device: every hook and family that both sides give, and what else became of its
//! containers.
//!
//! A device that stands on one side only is compared with what it does without a ruleset, which is to accept; so is
//! a hook that only one side has a chain at. A family that only one side gives is not compared, because nobody
//! said what the device would do: it is listed, and the sides are not equivalent.

use super::effect::{Bounds, FilterDiff, ReplayMismatch, diff_filter};
use super::structure::{Container, Fate, StructureChange, containers};
use crate::packet::{Family, IfacePattern};
use crate::ruleset::{BaseKind, Families, Hook, Ruleset, judged_at};

/// One device before and after. At least one side is given.
#[derive(Clone, Copy, Debug)]
pub struct DevicePair<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it had, where it was there.
    pub old: Option<&'a Ruleset>,
    /// What it will have, where it stays.
    pub new: Option<&'a Ruleset>,
}

/// What a change does to one device.
#[derive(Debug)]
pub struct DeviceDiff {
    /// Its name.
    pub device: String,
    /// Its filters that were compared, in order of hook and family.
    pub filters: Vec<ComparedFilter>,
    /// What became of its containers, and what could not be compared.
    pub structure: Vec<StructureChange>,
}

/// One filter that was compared.
#[derive(Debug)]
pub struct ComparedFilter {
    /// Where packets are judged.
    pub hook: Hook,
    /// Their family.
    pub family: Family,
    /// The name that people have for the filter: `filter/FORWARD`.
    pub name: String,
    /// The effect.
    pub diff: FilterDiff,
}

impl DeviceDiff {
    /// Whether every packet of every family ends as before.
    pub fn is_equivalent(&self) -> bool {
        let same = |f: &ComparedFilter| f.diff.changes.is_empty() && f.diff.complete;
        self.filters.iter().all(same) && self.structure.iter().all(|s| s.fate != Fate::NotCompared)
    }

    /// Whether every packet was compared and every region is listed.
    pub fn is_complete(&self) -> bool {
        self.filters.iter().all(|f| f.diff.complete)
    }
}

/// Compares the two sides of one device. `interfaces` are names that the caller will ask about beside those of
/// the rules.
///
/// # Errors
/// Only where the engine contradicts the interpreter.
pub fn diff_device(
    pair: DevicePair<'_>,
    interfaces: &[IfacePattern],
    bounds: Bounds,
) -> Result<DeviceDiff, ReplayMismatch> {
    let absent = Ruleset::default();
    let (old, new) = (pair.old.unwrap_or(&absent), pair.new.unwrap_or(&absent));
    let mut out = DeviceDiff { device: pair.name.to_owned(), filters: Vec::new(), structure: Vec::new() };
    match (pair.old, pair.new) {
        (Some(_), Some(_)) => {
            out.structure.extend(families_of_one_side(old.families, new.families));
            out.structure.extend(hooks_of_one_side(old, new));
            out.structure.extend(containers(old, new));
        }
        (None, _) => out.structure.push(StructureChange::of(Fate::Added, Container::Device, pair.name)),
        (_, None) => out.structure.push(StructureChange::of(Fate::Removed, Container::Device, pair.name)),
    }
    for (hook, family) in compared(pair, old, new) {
        let diff = diff_filter(old, new, hook, family, interfaces, bounds)?;
        out.filters.push(ComparedFilter { hook, family, name: filter_name(old, new, hook, family), diff });
    }
    Ok(out)
}

/// The filters that are compared: families that both sides give, or that the only side gives, and hooks at which
/// some side has a chain.
fn compared(pair: DevicePair<'_>, old: &Ruleset, new: &Ruleset) -> Vec<(Hook, Family)> {
    let given = |side: Option<&Ruleset>, family| side.is_none_or(|r| r.families.contains(family));
    let judges = |hook, family| !old.path(hook, family).is_empty() || !new.path(hook, family).is_empty();
    let mut out = Vec::new();
    for hook in Hook::of(&[old, new]) {
        for family in Family::ALL {
            let both = given(pair.old, family) && given(pair.new, family);
            if both && judges(hook, family) && !lacks(old, hook) && !lacks(new, hook) {
                out.push((hook, family));
            }
        }
    }
    out
}

fn lacks(ruleset: &Ruleset, hook: Hook) -> bool {
    ruleset.missing_hooks.contains(&hook)
}

fn families_of_one_side(old: Families, new: Families) -> Vec<StructureChange> {
    let of_one_side = |family: &Family| old.contains(*family) != new.contains(*family);
    let told = |family: Family| {
        let (given, lacking) = if old.contains(family) { ("old", "new") } else { ("new", "old") };
        StructureChange::not_compared(
            Container::Family,
            &family.to_string(),
            format!(
                "only the {given} side gives a ruleset for {family}; the {lacking} side says nothing about it, so it is not compared"
            ),
        )
    };
    Family::ALL.into_iter().filter(of_one_side).map(told).collect()
}

/// Hooks that one side's dialect does not have and at which the other side judges.
fn hooks_of_one_side(old: &Ruleset, new: &Ruleset) -> Vec<StructureChange> {
    let judges = |ruleset: &Ruleset, hook| Family::ALL.into_iter().any(|f| !ruleset.path(hook, f).is_empty());
    let one_sided =
        |hook: &Hook| (lacks(old, *hook) && judges(new, *hook)) || (lacks(new, *hook) && judges(old, *hook));
    let told = |hook: Hook| {
        let message = format!("one side's dialect has no {hook} filter, so {hook} is not compared");
        StructureChange::not_compared(Container::Hook, hook.name(), message)
    };
    Hook::ALL.into_iter().filter(one_sided).map(told).collect()
}

/// The name that people have for a filter: its principal chain's on the new side, else on the old one.
pub fn filter_name(old: &Ruleset, new: &Ruleset, hook: Hook, family: Family) -> String {
    [new, old]
        .into_iter()
        .find_map(|ruleset| principal_chain(ruleset, hook, family))
        .unwrap_or_else(|| hook.to_string())
}

/// The name of the chain that people mean by "the filter" of a hook: the principal one, else the last filter chain
/// at the hook itself, else the last chain on the way.
pub fn principal_chain(ruleset: &Ruleset, hook: Hook, family: Family) -> Option<String> {
    let own = judged_at(hook);
    let path = ruleset.path(hook, family);
    let ranked = path.iter().enumerate().max_by_key(|(at, b)| {
        (b.principal && b.hook == own, b.hook == own && b.kind == BaseKind::Filter, b.hook == own, *at)
    });
    ranked.map(|(_, base)| ruleset.chain(base.chain).name.to_string())
}
