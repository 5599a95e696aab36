//! Conditions and steps of rules prepared for one space: interfaces are class numbers, opaque conditions are numbered.

use super::lookup::Tuples;
use super::model::*;
use crate::packet::{Cond, Field, Values};
use std::sync::Arc;

/// A condition prepared for one space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// True.
    Yes,
    /// False.
    No,
    /// The field has one of these values.
    In(Field, Values),
    /// The opaque condition holds.
    Cond(Cond),
    /// The connection's end has been translated.
    Translated(TranslatedSide),
    /// The first entry that matches decides.
    Lookup(Arc<Tuples>),
    /// All of them.
    All(Vec<Test>),
    /// At least one of them.
    Any(Vec<Test>),
    /// Not it.
    Not(Box<Test>),
}

/// A step prepared for one space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// Go on only where this holds.
    If(Test),
    /// Change something that later tests see.
    Set(Effect),
    /// Decide.
    Then(Ruling),
    /// Decide by the first entry that holds.
    Choose(Arc<[(Test, Ruling)]>),
}

/// A verdict prepared for one space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ruling {
    /// As the model says.
    Plain(Verdict),
    /// Accept where the condition holds, drop otherwise.
    Ask(Cond),
}

impl Move {
    /// Whether an opaque condition stands in it.
    pub(super) fn asks(&self) -> bool {
        let ruling = |r: &Ruling| matches!(r, Ruling::Ask(_));
        match self {
            Move::If(test) => test.asks(),
            Move::Choose(entries) => entries.iter().any(|(test, r)| test.asks() || ruling(r)),
            Move::Then(r) => ruling(r),
            Move::Set(_) => false,
        }
    }

    /// Whether it looks at the position of a fragment.
    pub(super) fn reads_fragment(&self) -> bool {
        match self {
            Move::If(test) => test.reads_fragment(),
            Move::Choose(entries) => entries.iter().any(|(test, _)| test.reads_fragment()),
            Move::Set(_) | Move::Then(_) => false,
        }
    }
}

impl Test {
    fn asks(&self) -> bool {
        match self {
            Test::Cond(_) => true,
            Test::All(inner) | Test::Any(inner) => inner.iter().any(Test::asks),
            Test::Not(inner) => inner.asks(),
            Test::Yes | Test::No | Test::In(..) | Test::Translated(_) | Test::Lookup(_) => false,
        }
    }

    fn reads_fragment(&self) -> bool {
        let mut fields = Vec::new();
        self.read_fields(&mut fields);
        fields.contains(&Field::Fragment)
    }

    /// Adds the fields that the test reads.
    pub fn read_fields(&self, found: &mut Vec<Field>) {
        match self {
            Test::In(field, _) => found.push(*field),
            Test::Lookup(tuples) => {
                found.extend(tuples.entries().iter().flat_map(|(fields, _)| fields).map(|(f, _)| *f));
            }
            Test::All(inner) | Test::Any(inner) => inner.iter().for_each(|t| t.read_fields(found)),
            Test::Not(inner) => inner.read_fields(found),
            Test::Yes | Test::No | Test::Cond(_) | Test::Translated(_) => {}
        }
    }
}

/// Whether a step names another chain.
pub(super) fn calls(step: &Move) -> bool {
    let names_chain = |r: &Ruling| matches!(r, Ruling::Plain(Verdict::Jump(_) | Verdict::Goto(_)));
    match step {
        Move::Then(ruling) => names_chain(ruling),
        Move::Choose(entries) => entries.iter().any(|(_, r)| names_chain(r)),
        Move::If(_) | Move::Set(_) => false,
    }
}

/// Whether packets can leave the chain by a step and go on with the caller.
pub(super) fn leaves_chain(step: &Move) -> bool {
    let leaves = |r: &Ruling| matches!(r, Ruling::Plain(Verdict::Return | Verdict::Goto(_)));
    match step {
        Move::Then(ruling) => leaves(ruling),
        Move::Choose(entries) => entries.iter().any(|(_, r)| leaves(r)),
        _ => false,
    }
}
