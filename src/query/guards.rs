//! Boolean functions of opaque conditions: when, among all worlds, something happens to a packet.
//!
//! They are kept as reduced ordered decision diagrams, so equal functions are equal numbers and a function
//! mentions a condition exactly when flipping it can change the answer.

use crate::packet::Cond;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// A boolean function of conditions, by its number in `Guards`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guard(u32);

impl Guard {
    /// True in no world.
    pub const NEVER: Guard = Guard(0);
    /// True in every world.
    pub const ALWAYS: Guard = Guard(1);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Node {
    cond: Cond,
    low: Guard,
    high: Guard,
}

/// The functions in use.
#[derive(Debug, Default)]
pub struct Guards {
    nodes: Vec<Node>,
    unique: FxHashMap<Node, Guard>,
    chosen: FxHashMap<(Guard, Guard, Guard), Guard>,
}

impl Guards {
    /// The function that is true where the condition has this value.
    pub fn literal(&mut self, cond: Cond, value: bool) -> Guard {
        let (low, high) = if value { (Guard::NEVER, Guard::ALWAYS) } else { (Guard::ALWAYS, Guard::NEVER) };
        self.node(cond, low, high)
    }

    /// True where both are.
    pub fn and(&mut self, a: Guard, b: Guard) -> Guard {
        self.choose(a, b, Guard::NEVER)
    }

    /// True where either is.
    pub fn or(&mut self, a: Guard, b: Guard) -> Guard {
        self.choose(a, Guard::ALWAYS, b)
    }

    /// How many nodes are in use: a measure of memory.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// The conditions on which the function depends, ascending.
    pub fn support(&self, guard: Guard) -> BTreeSet<Cond> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut work = vec![guard];
        while let Some(at) = work.pop() {
            if let Some(node) = self.get(at)
                && seen.insert(at)
            {
                found.insert(node.cond);
                work.extend([node.low, node.high]);
            }
        }
        found
    }

    /// The function's value in a world.
    pub fn holds(&self, guard: Guard, world: impl Fn(Cond) -> bool) -> bool {
        let mut at = guard;
        while let Some(node) = self.get(at) {
            at = if world(node.cond) { node.high } else { node.low };
        }
        at == Guard::ALWAYS
    }

    /// A world in which the function is true, as the conditions that hold in it; false ones are preferred.
    pub fn world(&self, guard: Guard) -> BTreeSet<Cond> {
        let mut true_ones = BTreeSet::new();
        let mut at = guard;
        while let Some(node) = self.get(at) {
            if node.low == Guard::NEVER {
                true_ones.insert(node.cond);
                at = node.high;
            } else {
                at = node.low;
            }
        }
        true_ones
    }

    fn get(&self, guard: Guard) -> Option<Node> {
        self.nodes.get((guard.0 as usize).checked_sub(2)?).copied()
    }

    fn node(&mut self, cond: Cond, low: Guard, high: Guard) -> Guard {
        if low == high {
            return low;
        }
        let node = Node { cond, low, high };
        if let Some(known) = self.unique.get(&node) {
            return *known;
        }
        self.nodes.push(node);
        let number = Guard(self.nodes.len() as u32 + 1);
        self.unique.insert(node, number);
        number
    }

    /// `yes` where `test` is true, `no` elsewhere. The depth is at most the number of conditions.
    fn choose(&mut self, test: Guard, yes: Guard, no: Guard) -> Guard {
        if test == Guard::ALWAYS || yes == no {
            return yes;
        }
        if test == Guard::NEVER {
            return no;
        }
        if let Some(known) = self.chosen.get(&(test, yes, no)) {
            return *known;
        }
        let nodes = [test, yes, no].map(|g| self.get(g));
        let Some(cond) = nodes.iter().flatten().map(|n| n.cond).min() else { return no };
        let half = |high: bool| {
            let pick = |(guard, node): (Guard, Option<Node>)| match node {
                Some(n) if n.cond == cond => {
                    if high {
                        n.high
                    } else {
                        n.low
                    }
                }
                _ => guard,
            };
            [pick((test, nodes[0])), pick((yes, nodes[1])), pick((no, nodes[2]))]
        };
        let ([a, b, c], [x, y, z]) = (half(false), half(true));
        let low = self.choose(a, b, c);
        let high = self.choose(x, y, z);
        let found = self.node(cond, low, high);
        self.chosen.insert((test, yes, no), found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_functions_are_one_number_and_mention_only_what_matters() {
        let mut guards = Guards::default();
        let (a, b) = (guards.literal(Cond(0), true), guards.literal(Cond(1), true));
        let not_a = guards.literal(Cond(0), false);
        let (with, without) = (guards.and(b, a), guards.and(not_a, b));
        let joined = guards.or(with, without);
        assert_eq!(joined, b);
        assert_eq!(guards.support(joined), BTreeSet::from([Cond(1)]));
        assert!(guards.holds(with, |_| true));
        assert!(!guards.holds(with, |c| c == Cond(0)));
        assert_eq!(guards.world(without), BTreeSet::from([Cond(1)]));
        assert_eq!(guards.and(a, not_a), Guard::NEVER);
    }
}
