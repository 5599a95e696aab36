//! Which rules of the proposal are unchanged rules of the baseline: their stateful conditions are the same
//! booleans on both sides.

use crate::ruleset::{Base, BaseKind, ChainId, NfHook, Place, Rule, Ruleset, Step, Verdict};
use rustc_hash::{FxHashMap, FxHashSet};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::hash::{Hash, Hasher};

/// Rules of `new` that are unchanged rules of `old`, as a map from new to old places. Empty without looking
/// further where no rule has a stateful condition, because then nothing depends on it.
pub fn pair_rules(old: &Ruleset, new: &Ruleset) -> FxHashMap<Place, Place> {
    if !old.has_per_rule() || !new.has_per_rule() {
        return FxHashMap::default();
    }
    let mut pairing = Pairing { old, new, pairs: FxHashMap::default(), chains: Vec::new(), seen: FxHashSet::default() };
    for (a, b) in paired_bases(old, new) {
        pairing.pair(a, b);
    }
    pairing.drain();
    let (entries, earlier) = (entries(new), entries(old));
    for (at, chain) in new.chains.iter().enumerate() {
        let namesake = |from: &usize| old.chains[*from].name == chain.name && earlier[*from] == entries[at];
        if let Some(from) = (0..old.chains.len()).find(namesake) {
            pairing.pair(ChainId(from as u32), ChainId(at as u32));
        }
    }
    pairing.drain();
    pairing.pairs
}

/// Base chains that take the same place, one to one.
pub fn paired_bases(old: &Ruleset, new: &Ruleset) -> Vec<(ChainId, ChainId)> {
    let key = |b: &Base| -> (NfHook, i32, BaseKind, bool, bool) {
        (b.hook, b.priority, b.kind, b.families.v4, b.families.v6)
    };
    let mut left: Vec<&Base> = old.bases.iter().collect();
    let mut out = Vec::new();
    for base in &new.bases {
        if let Some(at) = left.iter().position(|b| key(b) == key(base)) {
            out.push((left.remove(at).chain, base.chain));
        }
    }
    out
}

/// For each chain, the families of the packets that can enter it. The dumps of both families have chains of the same
/// names, and a rule of the one is never an unchanged rule of the other.
fn entries(ruleset: &Ruleset) -> Vec<[bool; 2]> {
    let mut out = vec![[false; 2]; ruleset.chains.len()];
    let mut open: Vec<(ChainId, [bool; 2])> =
        ruleset.bases.iter().map(|b| (b.chain, [b.families.v4, b.families.v6])).collect();
    while let Some((chain, families)) = open.pop() {
        let known = &mut out[chain.0 as usize];
        let all = [known[0] || families[0], known[1] || families[1]];
        if all != *known {
            *known = all;
            open.extend(ruleset.chain(chain).rules.iter().flat_map(Rule::callees).map(|c| (c, all)));
        }
    }
    out
}

struct Pairing<'a> {
    old: &'a Ruleset,
    new: &'a Ruleset,
    pairs: FxHashMap<Place, Place>,
    chains: Vec<(ChainId, ChainId)>,
    seen: FxHashSet<ChainId>,
}

impl Pairing<'_> {
    fn pair(&mut self, old: ChainId, new: ChainId) {
        if self.seen.insert(new) {
            self.chains.push((old, new));
        }
    }

    fn drain(&mut self) {
        while let Some((old, new)) = self.chains.pop() {
            self.align(old, new);
        }
    }

    fn align(&mut self, old: ChainId, new: ChainId) {
        let (a, b) = (self.old.chain(old), self.new.chain(new));
        let keys = |ruleset: &Ruleset, rules: &[Rule]| -> Vec<u64> { rules.iter().map(|r| key(ruleset, r)).collect() };
        let (keys_a, keys_b) = (keys(self.old, &a.rules), keys(self.new, &b.rules));
        for op in capture_diff_slices(Algorithm::Patience, &keys_a, &keys_b) {
            if let DiffOp::Equal { old_index, new_index, len } = op {
                for i in 0..len {
                    let (from, to) = (old_index + i, new_index + i);
                    self.pairs.insert(Place::Rule(new, to as u32), Place::Rule(old, from as u32));
                    for (x, y) in a.rules[from].callees().into_iter().zip(b.rules[to].callees()) {
                        self.pair(x, y);
                    }
                }
            }
        }
    }
}

/// A rule's meaning as far as alignment needs it: calls count by the callee's own name.
fn key(ruleset: &Ruleset, rule: &Rule) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    for step in &rule.steps {
        match step {
            Step::Then(Verdict::Jump(c) | Verdict::Goto(c)) => {
                let name = &ruleset.chain(*c).name;
                name.rsplit('/').next().unwrap_or(name).hash(&mut hasher);
            }
            Step::Choose(entries) => entries.len().hash(&mut hasher),
            other => other.hash(&mut hasher),
        }
    }
    hasher.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::dialect::{InputFile, ReadOptions, read_device};

    /// A device with both families, whose chain `slow` is called by a rule that both sides write differently.
    fn device(v4: &str, v6: &str) -> Ruleset {
        let file = |name: &str, range: &str| InputFile {
            name: name.into(),
            bytes: format!(
                "*filter\n:INPUT DROP [0:0]\n:slow - [0:0]\n-A INPUT -s {range} -j slow\n\
                 -A slow -m limit --limit 5/sec -j ACCEPT\nCOMMIT\n"
            )
            .into_bytes()
            .into(),
        };
        read_device(&[file("rules.v4", v4), file("rules.v6", v6)], &ReadOptions::default()).unwrap()
    }

    #[test]
    fn chains_of_one_name_are_paired_within_their_family() {
        let old = device("10.0.0.0/8", "2001:db8:1::/48");
        let new = device("10.0.0.0/9", "2001:db8:2::/48");
        let pairs = pair_rules(&old, &new);
        let limits: Vec<_> = pairs.iter().filter(|(to, from)| to == from).collect();
        assert_eq!((pairs.len(), limits.len()), (2, 2), "{pairs:?}");
    }
}
