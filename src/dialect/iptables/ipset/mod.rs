//! IP sets: the output of `ipset save`, and what it means that a packet is in a set
//! (`net/netfilter/ipset/`, ipset(8)).

mod elements;
mod membership;
mod twice;
mod types;
mod unknown;

pub use elements::read;
pub use types::{TYPES, recognises};
pub use unknown::forget_members;

use crate::packet::Family;
use crate::ruleset::{Match, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;
use std::sync::Arc;
use types::SetType;

/// Which end of a packet one dimension of a set looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// `src`.
    Source,
    /// `dst`.
    Destination,
}

/// The direction flags of a set match, in the order of the set's dimensions.
pub type Directions = Vec<Side>;

/// What entries marked `nomatch` do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nomatch {
    /// They take their packets out of the set.
    Excluded,
    /// Only their packets match (`--return-nomatch`).
    Returned,
}

/// All sets of one device.
#[derive(Debug, Default)]
pub struct Sets {
    sets: Vec<Set>,
    index: FxHashMap<Arc<str>, usize>,
    filled: FxHashSet<String>,
    known: RefCell<FxHashMap<Question, Result<Match, String>>>,
}

type Question = (Arc<str>, Family, Directions, Nomatch);

/// One set.
#[derive(Debug)]
pub struct Set {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is created.
    pub span: Span,
    kind: &'static SetType,
    /// The family of its addresses; `None` where it has none.
    family: Option<Family>,
    /// Whether elements come and go by time.
    timeouts: bool,
    /// Whether a line says that its element may be there already (`-exist`).
    lenient: bool,
    /// Bits of addresses that are compared.
    address_mask: u128,
    /// Bits of marks that are compared.
    mark_mask: u32,
    elements: Elements,
}

/// The elements of a set.
#[derive(Debug)]
enum Elements {
    /// Of one dimension: the values that are in, and those of `nomatch` entries.
    Line { yes: Vec<(u128, u128)>, no: Vec<(u128, u128)> },
    /// Of several.
    Tuples(Vec<Tuple>),
    /// Names of other sets.
    Names(Vec<String>),
}

/// One element of several dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tuple {
    parts: Vec<Part>,
    nomatch: bool,
}

/// What an element says about one dimension.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// An address or a network.
    Addresses(u128, u128),
    /// A protocol with ports, or with ICMP type and code as one number.
    Ports { protocol: u8, first: u16, last: u16 },
    /// A MAC address; `None` is filled in by the first packet.
    Mac(Option<u128>),
    /// A mark.
    Mark(u32),
    /// An interface name; a prefix of names where it is a wildcard.
    Interface { name: String, wildcard: bool },
}

impl Sets {
    /// The set of this name.
    pub fn get(&self, name: &str) -> Option<&Set> {
        self.index.get(name).and_then(|at| self.sets.get(*at))
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sets.iter().map(|s| &*s.name)
    }

    /// Says that rules add or delete elements of this set, so that what is listed is not all.
    pub fn filled_by_rules(&mut self, name: &str) {
        self.filled.insert(name.to_owned());
    }

    /// The packets of `family` that are in the set.
    ///
    /// # Errors
    /// A sentence, where the kernel refuses such a match.
    pub fn membership(
        &self,
        set: &Set,
        family: Family,
        directions: &Directions,
        nomatch: Nomatch,
    ) -> Result<Match, String> {
        let question = (set.name.clone(), family, directions.clone(), nomatch);
        if let Some(answer) = self.known.borrow().get(&question) {
            return answer.clone();
        }
        let answer = membership::of(self, set, family, directions, nomatch);
        self.known.borrow_mut().insert(question, answer.clone());
        answer
    }

    fn changes(&self, set: &Set) -> bool {
        set.timeouts || self.filled.contains(&*set.name)
    }

    fn add(&mut self, set: Set) -> usize {
        self.index.insert(set.name.clone(), self.sets.len());
        self.sets.push(set);
        self.sets.len() - 1
    }
}
