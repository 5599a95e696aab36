//! What becomes of one packet, by which rule, and on which opaque conditions that depends.
//!
//! The ends are found by the exact walk with branches for conditions, so a thousand `limit` matches in front of
//! rules that only log cost nothing; then the plain interpreter judges the packet in one world of every end, and
//! has to agree.

use super::guards::Guards;
use super::ways::{Part, TooManyConditions, Ways};
use crate::packet::{Cell, Cond, Family, Field, IfaceSide, Packet, Values, packet_to_json};
use crate::ruleset::{
    Decision, Hook, Identities, Judgement, Opaque, Place, Program, Ruleset, Screen, Side, Space, Translation, Walker,
    interpret_screened,
};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Most combinations of opaque conditions that the trace of one packet follows.
const COMBINATIONS: usize = 65_536;

/// What is said of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceVerdict {
    /// This, in every world.
    Decided(Decision),
    /// It depends on opaque conditions.
    Depends,
}

impl TraceVerdict {
    /// `accept`, `drop`, `reject` or `depends`.
    pub fn name(&self) -> &'static str {
        match self {
            TraceVerdict::Decided(decision) => decision.name(),
            TraceVerdict::Depends => "depends",
        }
    }
}

/// What one base chain on the way said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceStep {
    /// Index in `Ruleset::bases`.
    pub base: usize,
    /// What it decided; `Depends` only in the last step.
    pub verdict: TraceVerdict,
    /// By which rule or policy.
    pub place: Place,
}

/// The way of one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What becomes of it.
    pub verdict: TraceVerdict,
    /// What dropped or rejected it; for accepted packets, what accepted it in the principal filter chain; where it
    /// depends, the first rule whose condition matters. Where conditions change the rule and not the verdict: the
    /// rule in the world in which no condition holds.
    pub place: Place,
    /// The canonical names of the conditions that matter: flipping one changes the verdict in some world.
    pub depends_on: Vec<Arc<str>>,
    /// How the packet's connection is translated where it passes, in the world of `path`.
    pub translation: Option<Arc<Translation>>,
    /// The conditions that change the translation of a packet that passes.
    pub translation_depends_on: Vec<Arc<str>>,
    /// Every base chain on the way, in the world in which no condition holds, up to the first whose verdict depends.
    pub path: Vec<TraceStep>,
}

/// Why a packet has no trace.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TraceError {
    /// The bound was reached.
    #[error(transparent)]
    TooManyConditions(#[from] TooManyConditions),
    /// The engine contradicts the interpreter: an error of fwgate.
    #[error("internal error: the interpreter contradicts the analysis (this is a bug in fwgate): {0}")]
    Contradiction(String),
}

/// Traces one packet. For many packets of one ruleset keep a `Tracers`.
///
/// # Errors
/// More combinations of conditions than the bound.
pub fn trace(ruleset: &Ruleset, hook: Hook, packet: &Packet) -> Result<Trace, TraceError> {
    Tracer::new(ruleset, hook, packet.family).trace(packet)
}

/// The tracers of both families at one hook, made when they are needed.
pub struct Tracers<'a> {
    ruleset: &'a Ruleset,
    hook: Hook,
    made: [Option<Tracer<'a>>; 2],
}

impl<'a> Tracers<'a> {
    /// Tracers of packets judged at `hook`.
    pub fn new(ruleset: &'a Ruleset, hook: Hook) -> Tracers<'a> {
        Tracers { ruleset, hook, made: [None, None] }
    }

    /// Traces a packet of either family.
    ///
    /// # Errors
    /// More combinations of conditions than the bound.
    pub fn trace(&mut self, packet: &Packet) -> Result<Trace, TraceError> {
        let slot = &mut self.made[usize::from(packet.family == Family::V6)];
        slot.get_or_insert_with(|| Tracer::new(self.ruleset, self.hook, packet.family)).trace(packet)
    }
}

/// A ruleset prepared for tracing packets of one family at one hook.
pub struct Tracer<'a> {
    ruleset: &'a Ruleset,
    space: Space,
    program: Program<'a>,
    /// Fields that some rule reads; a packet's other fields cannot matter.
    fields: Vec<Field>,
    screen: Screen,
}

impl<'a> Tracer<'a> {
    /// Prepares a ruleset.
    pub fn new(ruleset: &'a Ruleset, hook: Hook, family: Family) -> Tracer<'a> {
        let space = Space::new(hook, family, &[ruleset], &[], Default::default());
        let program = Program::new(ruleset, Side::Old, &space, &mut Identities::default());
        let mut fields = program.read_fields();
        fields.extend([Field::Src, Field::Dst, Field::Proto, Field::Sport, Field::Dport, Field::State]);
        fields.extend([Field::Mark, Field::ConnMark]);
        fields.retain(|f| !f.is_interface() && !matches!(f, Field::SrcBits | Field::DstBits));
        fields.sort_unstable();
        fields.dedup();
        Tracer { ruleset, space, program, fields, screen: Screen::new(ruleset, family) }
    }

    /// The space in which conditions have their names.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Traces a packet of the tracer's family.
    ///
    /// # Errors
    /// More combinations of conditions than the bound.
    pub fn trace(&self, packet: &Packet) -> Result<Trace, TraceError> {
        let walker = Walker::new(&self.space, &self.program);
        let mut ways = Ways::new(&walker, COMBINATIONS);
        let mut found = None;
        ways.run(self.point(packet), 1, |_, part| {
            found = Some(part.clone());
            ControlFlow::Break(())
        })?;
        let Some(part) = found else {
            return Err(TraceError::Contradiction(format!("one packet was cut in two: {}", packet_to_json(packet))));
        };
        self.replay_others(&ways.guards, &part, packet)?;
        self.told(&mut ways.guards, &part, packet)
    }

    /// The cell of this one packet.
    fn point(&self, packet: &Packet) -> Cell {
        let mut cell = Cell::whole();
        for field in &self.fields {
            cell = cell.with(*field, Values::one(*field, packet.get(*field)));
        }
        for side in [IfaceSide::In, IfaceSide::Out, IfaceSide::PhysIn, IfaceSide::PhysOut] {
            let class = self.space.interfaces.class_of(packet.interface(side));
            cell = cell.with(side.field(), Values::one(side.field(), class));
        }
        cell
    }

    /// Judges the packet in the world in which exactly these conditions hold.
    fn interpreted(&self, packet: &Packet, world: &BTreeSet<Cond>) -> Judgement {
        let mut ask = |opaque: &Opaque, place: Place| {
            !world.is_empty() && world.contains(&self.space.cond(Side::Old, place, opaque))
        };
        interpret_screened(self.ruleset, Some(&self.screen), self.space.hook, packet, &mut ask)
    }

    /// Every end but the plain one, which is replayed for its path anyway.
    fn replay_others(&self, guards: &Guards, part: &Part, packet: &Packet) -> Result<(), TraceError> {
        for way in part.ways.iter().filter(|w| !guards.holds(w.guard, |_| false)) {
            let judged = self.interpreted(packet, &guards.world(way.guard));
            if judged.outcome != way.leaf.outcome {
                return Err(contradiction(packet, &way.leaf.outcome, &judged.outcome));
            }
        }
        Ok(())
    }

    fn told(&self, guards: &mut Guards, part: &Part, packet: &Packet) -> Result<Trace, TraceError> {
        let judged = self.interpreted(packet, &BTreeSet::new());
        match part.plain_end(guards) {
            Some(end) if end.outcome == judged.outcome => {}
            other => return Err(contradiction(packet, &other, &judged.outcome)),
        }
        let names = |conds: &BTreeSet<Cond>| conds.iter().map(|c| self.space.cond_name(*c)).collect();
        let matter = part.depends_on(guards, |leaf| leaf.outcome.decision.clone());
        let all = part.depends_on(guards, |leaf| leaf.outcome.clone());
        let decided = |d: &Decision| TraceVerdict::Decided(d.clone());
        let mut path: Vec<TraceStep> = judged
            .path
            .iter()
            .map(|s| TraceStep { base: s.base, verdict: decided(&s.decision), place: s.place })
            .collect();
        let mut trace = Trace {
            verdict: decided(&judged.outcome.decision),
            place: judged.place,
            depends_on: names(&matter),
            translation: judged.outcome.translation.clone(),
            translation_depends_on: if matter == all { Vec::new() } else { names(&all) },
            path: Vec::new(),
        };
        if let Some(first) = part.first_asking(guards, &matter) {
            let base = self.program.stages.get(first.stage).map_or(0, |s| s.base as usize);
            let before = path.iter().position(|s| s.base == base).unwrap_or(path.len());
            path.truncate(before);
            path.push(TraceStep { base, verdict: TraceVerdict::Depends, place: first.place });
            trace.verdict = TraceVerdict::Depends;
            trace.place = first.place;
        }
        trace.path = path;
        Ok(trace)
    }
}

fn contradiction(packet: &Packet, expected: &impl std::fmt::Debug, found: &impl std::fmt::Debug) -> TraceError {
    TraceError::Contradiction(format!("{}: {expected:?} and {found:?}", packet_to_json(packet)))
}
