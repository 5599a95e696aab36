//! A screen in front of the plain interpreter: which rules cannot match a packet because of its addresses.
//!
//! Judging one packet against a hundred thousand rules is mostly waiting for memory. The screen keeps the
//! bounds of the addresses that each rule asks for side by side, so that a rule that the packet misses costs
//! two comparisons. It knows nothing of cells or programs: it is read off the model.

use super::model::{ChainId, Match, Rule, Ruleset, Step};
use crate::packet::{Family, Field, Packet};

/// The address bounds of every rule, chain by chain.
#[derive(Debug)]
pub struct Screen {
    family: Family,
    chains: Vec<Vec<Bounds>>,
}

/// Inclusive bounds of the upper 64 bits of both addresses; IPv4 addresses count as they are.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    src: (u64, u64),
    dst: (u64, u64),
}

impl Screen {
    /// Reads the bounds of every rule for packets of `family`.
    pub fn new(ruleset: &Ruleset, family: Family) -> Screen {
        let chains = ruleset.chains.iter().map(|c| c.rules.iter().map(|r| bounds(r, family)).collect()).collect();
        Screen { family, chains }
    }

    /// The first rule of `chain` from `at` on that the addresses of `packet` do not rule out.
    pub(super) fn next(&self, chain: ChainId, at: u32, packet: &Packet) -> u32 {
        let Some(rules) = self.chains.get(chain.0 as usize) else { return at };
        let src = word(packet.get(Field::Src), self.family);
        let dst = word(packet.get(Field::Dst), self.family);
        let within = |(lo, hi): (u64, u64), value: u64| value.wrapping_sub(lo) <= hi - lo;
        let ahead = rules.get(at as usize..).unwrap_or_default();
        let skipped = ahead.iter().position(|b| within(b.dst, dst) & within(b.src, src));
        at + skipped.unwrap_or(ahead.len()) as u32
    }
}

fn word(address: u128, family: Family) -> u64 {
    if family == Family::V4 { address as u64 } else { (address >> 64) as u64 }
}

/// Only what the leading conditions plainly ask for; everything else leaves the bounds open.
fn bounds(rule: &Rule, family: Family) -> Bounds {
    let mut out = Bounds { src: (0, u64::MAX), dst: (0, u64::MAX) };
    for step in &rule.steps {
        match step {
            Step::If(condition) => narrow(&mut out, condition, family),
            _ => break,
        }
    }
    out
}

fn narrow(bounds: &mut Bounds, condition: &Match, family: Family) {
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
