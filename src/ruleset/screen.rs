//! A screen in front of the plain interpreter: which rules cannot match a packet because of its addresses.
//!
//! Judging one packet against a hundred thousand rules is mostly waiting for memory. The screen keeps the
//! bounds of the addresses that each rule asks for side by side, so that a rule that the packet misses costs
//! two comparisons. It knows nothing of cells or programs: it is read off the model.

use super::model::{ChainId, Match, Rule, Ruleset, Step};
use super::nearby::{AddressBox, LateIndex, Near};
use crate::packet::{Family, Field, Packet};

/// The address bounds of every rule, chain by chain.
#[derive(Debug)]
pub struct Screen {
    family: Family,
    chains: Vec<Screened>,
}

/// The rules of one chain.
#[derive(Debug)]
struct Screened {
    bounds: Vec<AddressBox>,
    index: LateIndex,
}

impl Screen {
    /// Reads the bounds of every rule for packets of `family`.
    pub fn new(ruleset: &Ruleset, family: Family) -> Screen {
        let screened = |rules: &[Rule]| Screened {
            bounds: rules.iter().map(|r| bounds(r, family)).collect(),
            index: LateIndex::default(),
        };
        Screen { family, chains: ruleset.chains.iter().map(|c| screened(&c.rules)).collect() }
    }

    /// The screen for the addresses that a packet has now.
    pub(super) fn before(&self, packet: &Packet) -> Sieve<'_> {
        let word = |field| word(packet.get(field), self.family);
        Sieve { screen: self, src: word(Field::Src), dst: word(Field::Dst), near: None }
    }
}

/// A screen in front of one packet.
pub(super) struct Sieve<'s> {
    screen: &'s Screen,
    src: u64,
    dst: u64,
    /// The chain that was asked last, with the rules that an index leaves.
    near: Option<(ChainId, Option<Near>)>,
}

impl Sieve<'_> {
    /// The first rule of `chain` from `at` on that the addresses of the packet do not rule out.
    pub fn next(&mut self, chain: ChainId, at: u32) -> u32 {
        let Some(rules) = self.screen.chains.get(chain.0 as usize) else { return at };
        let within = |(lo, hi): (u64, u64), value: u64| value.wrapping_sub(lo) <= hi - lo;
        let fits = |b: &AddressBox| within(b.dst, self.dst) & within(b.src, self.src);
        if self.near.as_ref().is_none_or(|(of, _)| *of != chain) {
            let own = AddressBox { src: (self.src, self.src), dst: (self.dst, self.dst) };
            let bounds = |at: usize| rules.bounds[at];
            self.near = Some((chain, rules.index.near(rules.bounds.len(), bounds, own)));
        }
        match &self.near {
            Some((_, Some(near))) => {
                let ahead = &near[near.partition_point(|rule| *rule < at)..];
                let next = ahead.iter().find(|rule| rules.bounds.get(**rule as usize).is_some_and(fits));
                next.copied().unwrap_or(rules.bounds.len() as u32)
            }
            _ => {
                let ahead = rules.bounds.get(at as usize..).unwrap_or_default();
                at + ahead.iter().position(fits).unwrap_or(ahead.len()) as u32
            }
        }
    }
}

fn word(address: u128, family: Family) -> u64 {
    if family == Family::V4 { address as u64 } else { (address >> 64) as u64 }
}

/// Only what the leading conditions plainly ask for; everything else leaves the bounds open.
fn bounds(rule: &Rule, family: Family) -> AddressBox {
    let mut out = AddressBox { src: (0, u64::MAX), dst: (0, u64::MAX) };
    for step in &rule.steps {
        match step {
            Step::If(condition) => narrow(&mut out, condition, family),
            _ => break,
        }
    }
    out
}

fn narrow(bounds: &mut AddressBox, condition: &Match, family: Family) {
    let slot = match condition {
        Match::All(all) => return all.iter().for_each(|m| narrow(bounds, m, family)),
        Match::Field(Field::Src, _) => &mut bounds.src,
        Match::Field(Field::Dst, _) => &mut bounds.dst,
        _ => return,
    };
    let Match::Field(_, values) = condition else { return };
    if let Some((lo, hi)) = values.as_ranges().and_then(|r| r.hull()) {
        let (lo, hi) = (slot.0.max(word(lo, family)), slot.1.min(word(hi, family)));
        // Contradicting bounds match nothing; the interpreter will see that for itself.
        if lo <= hi {
            *slot = (lo, hi);
        }
    }
}
