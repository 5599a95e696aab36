//! Every target, in one table: where it may stand, its options, and what it does to a packet.

mod marks;
mod nat;
mod rewrite;
mod silent;
mod verdict;

use super::matches::Scope;
use super::options::{OptionSpec, Parsed, Use};
use crate::packet::Family;
use crate::ruleset::{NfHook, Step};

/// What a target is to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It decides.
    Verdict,
    /// It decides by asking something outside.
    Asks,
    /// It translates the connection or the packet's address.
    Translation,
    /// It changes a field that later rules see.
    Effect,
    /// It changes nothing that rules see.
    Silent,
}

/// What one use of a target does.
#[derive(Debug, Default)]
pub struct Action {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What was ignored on purpose.
    pub note: Option<String>,
}

impl Action {
    fn of(steps: Vec<Step>) -> Action {
        Action { steps, note: None }
    }
}

/// One target.
pub struct TargetSpec {
    /// Its name behind `-j`.
    pub name: &'static str,
    /// The one family that has it; `None` where both do.
    pub family: Option<Family>,
    /// The tables in which the kernel takes it; empty where in all.
    pub tables: &'static [&'static str],
    /// The hooks from which the kernel takes it, directly or through calls; empty where from all.
    pub hooks: &'static [NfHook],
    /// Its options.
    pub options: &'static [OptionSpec],
    /// What it is to a packet.
    pub kind: Kind,
    /// How it is read.
    pub read: fn(&Use<'_>, &Scope<'_>) -> Parsed<Action>,
    /// Whether it makes the kernel track connections.
    pub tracks: bool,
    /// What users should know, in one line.
    pub says: &'static str,
}

impl TargetSpec {
    const fn new(
        name: &'static str,
        kind: Kind,
        options: &'static [OptionSpec],
        read: fn(&Use<'_>, &Scope<'_>) -> Parsed<Action>,
        says: &'static str,
    ) -> TargetSpec {
        TargetSpec { name, family: None, tables: &[], hooks: &[], options, kind, read, tracks: false, says }
    }

    const fn only(self, family: Family) -> TargetSpec {
        TargetSpec { family: Some(family), ..self }
    }

    const fn in_tables(self, tables: &'static [&'static str]) -> TargetSpec {
        TargetSpec { tables, ..self }
    }

    const fn at_hooks(self, hooks: &'static [NfHook]) -> TargetSpec {
        TargetSpec { hooks, ..self }
    }

    const fn tracking(self) -> TargetSpec {
        TargetSpec { tracks: true, ..self }
    }

    /// Whether dumps of `family` can have it.
    pub fn fits(&self, family: Family) -> bool {
        self.family.is_none_or(|f| f == family)
    }
}

const TABLES: [&[TargetSpec]; 5] = [verdict::TARGETS, nat::TARGETS, marks::TARGETS, rewrite::TARGETS, silent::TARGETS];

/// Every target, in the order of the documentation.
pub fn registry() -> impl Iterator<Item = &'static TargetSpec> {
    TABLES.iter().flat_map(|t| t.iter())
}

/// The target of this name in dumps of `family`.
pub fn by_name(name: &str, family: Family) -> Option<&'static TargetSpec> {
    registry().find(|t| t.name == name && t.fits(family))
}
