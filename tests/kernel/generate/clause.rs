//! Conditions as written, with packets at both sides of their boundaries.

use fwgate::packet::Field;

/// One thing to set in a packet.
#[derive(Clone, Debug)]
pub(super) enum Put {
    Field(Field, u128),
    Iif(String),
    Oif(String),
}

/// A condition as written, with packets inside and just outside of it.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub(super) text: String,
    pub(super) inside: Vec<Vec<Put>>,
    pub(super) outside: Vec<Vec<Put>>,
}

impl Clause {
    pub(super) fn new(text: impl Into<String>) -> Clause {
        Clause { text: text.into(), inside: Vec::new(), outside: Vec::new() }
    }

    pub(super) fn yes(mut self, field: Field, values: impl IntoIterator<Item = u128>) -> Clause {
        self.inside.extend(values.into_iter().map(|v| vec![Put::Field(field, v)]));
        self
    }

    pub(super) fn no(mut self, field: Field, values: impl IntoIterator<Item = u128>) -> Clause {
        self.outside.extend(values.into_iter().map(|v| vec![Put::Field(field, v)]));
        self
    }

    /// The edges of a range, and their neighbours.
    pub(super) fn range(self, field: Field, low: u128, high: u128, max: u128) -> Clause {
        let below = (low > 0).then(|| low - 1);
        let above = (high < max).then(|| high + 1);
        self.yes(field, [low, high, low + (high - low) / 2]).no(field, below.into_iter().chain(above))
    }
}

/// A rule, as far as packets need it.
pub(super) struct Known {
    pub(super) chain: String,
    pub(super) hooks: u8,
    pub(super) calls: Option<String>,
    pub(super) clauses: Vec<Clause>,
}
