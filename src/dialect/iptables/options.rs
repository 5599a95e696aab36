//! What a match or target takes: option tables as data, and the options that one rule gives.

use super::words::Word;
use crate::dialect::Problem;
use crate::packet::Family;
use crate::ruleset::{Negate, Span};

/// What reading anything gives.
pub type Parsed<T> = Result<T, Problem>;

/// How an opaque option's value is brought into its one canonical spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// As written.
    Text,
    /// A number in any base, written in decimal.
    Number,
    /// A number with an optional mask, written in hexadecimal.
    Masked,
    /// Packets per time, as the kernel rounds them.
    Rate,
    /// A probability, as the kernel rounds it.
    Chance,
    /// A list of names separated by commas, where order means nothing.
    List,
}

/// One option of a match or target.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// Its long name without dashes.
    pub name: &'static str,
    /// Other long names.
    pub also: &'static [&'static str],
    /// How many values follow.
    pub takes: u8,
    /// Whether the values may be left out.
    pub optional: bool,
    /// Whether `!` may stand before it.
    pub negatable: bool,
    /// What holds where it is not given; only for canonical names.
    pub default: Option<&'static str>,
    /// The spelling of its value in canonical names.
    pub unit: Unit,
}

/// An option without value.
pub const fn flag(name: &'static str) -> OptionSpec {
    OptionSpec { name, also: &[], takes: 0, optional: false, negatable: false, default: None, unit: Unit::Text }
}

/// An option with one value.
pub const fn value(name: &'static str) -> OptionSpec {
    OptionSpec { takes: 1, ..flag(name) }
}

/// An option with two values.
pub const fn pair(name: &'static str) -> OptionSpec {
    OptionSpec { takes: 2, ..flag(name) }
}

impl OptionSpec {
    /// Another name of the same option.
    pub const fn or(self, also: &'static [&'static str]) -> OptionSpec {
        OptionSpec { also, ..self }
    }

    /// `!` may stand before it.
    pub const fn not(self) -> OptionSpec {
        OptionSpec { negatable: true, ..self }
    }

    /// Its values may be left out.
    pub const fn maybe(self) -> OptionSpec {
        OptionSpec { optional: true, ..self }
    }

    /// What holds where it is not given.
    pub const fn default(self, default: &'static str) -> OptionSpec {
        OptionSpec { default: Some(default), ..self }
    }

    /// How its value is spelled in canonical names.
    pub const fn unit(self, unit: Unit) -> OptionSpec {
        OptionSpec { unit, ..self }
    }

    /// Whether `name` is one of its names.
    pub fn is(&self, name: &str) -> bool {
        self.name == name || self.also.contains(&name)
    }

    /// All its names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.also.iter().copied())
    }
}

/// One option as a rule gives it.
#[derive(Clone, Copy, Debug)]
pub struct Given<'r> {
    /// The option.
    pub spec: &'static OptionSpec,
    /// Whether it is written with `!`.
    pub negate: Negate,
    /// Its values.
    pub values: &'r [Word<'r>],
    /// The place of the option word.
    pub span: Span,
}

impl<'r> Given<'r> {
    /// The text of its first value; empty where it has none.
    pub fn text(&self) -> &'r str {
        self.values.first().map_or("", |w| &w.text)
    }

    /// The place of its first value, or of the option itself.
    pub fn value_span(&self) -> Span {
        self.values.first().map_or(self.span, |w| w.span)
    }

    /// A problem with its first value.
    pub fn wrong(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.value_span(), message)
    }

    /// A place inside its first value: the part `inner`, which must be a slice of the value's text.
    pub fn part(&self, inner: &str) -> Span {
        let whole = self.value_span();
        let quoted = self.values.first().is_some_and(|w| w.quoted);
        let offset = (inner.as_ptr() as usize).wrapping_sub(self.text().as_ptr() as usize);
        if quoted || offset > self.text().len() || offset + inner.len() > (whole.end - whole.start) as usize {
            return whole;
        }
        let start = whole.start + offset as u32;
        Span { start, end: start + inner.len() as u32, ..whole }
    }
}

/// The layer-4 protocol that a rule asks for with `-p`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Its number; 0 stands for any.
    pub number: u8,
    /// Whether it is written with `!`.
    pub negate: Negate,
}

/// One match or target of a rule with everything that its reader needs.
#[derive(Debug)]
pub struct Use<'r> {
    /// Its options, in the order in which they are given.
    pub given: Vec<Given<'r>>,
    /// The place of its name.
    pub span: Span,
    /// The family of the dump.
    pub family: Family,
    /// What `-p` says.
    pub protocol: Option<Protocol>,
}

impl<'r> Use<'r> {
    /// The option of this name, where it is given.
    pub fn get(&self, name: &str) -> Option<&Given<'r>> {
        self.given.iter().find(|g| g.spec.name == name)
    }

    /// Whether the option of this name is given.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The one protocol that `-p` leaves, without `!`.
    pub fn only_protocol(&self) -> Option<u8> {
        self.protocol.filter(|p| p.negate == Negate::No && p.number != 0).map(|p| p.number)
    }

    /// A problem with the whole match or target.
    pub fn wrong(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.span, message)
    }
}
