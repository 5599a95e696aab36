//! Which chains call each other: circles, calls that nest too deep, and the hooks from which a chain is reached
//! (`net/netfilter/x_tables.c`, `nf_tables_api.c`).

use super::{Draft, Problem};
use crate::ruleset::{Chain, ChainId, NfHook, Span};

/// One call of a chain by another.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The calling chain.
    pub from: ChainId,
    /// The called one.
    pub to: ChainId,
    /// The name of the called chain in the rule.
    pub span: Span,
}

/// Which chains call which.
#[derive(Debug)]
pub struct Graph<'c> {
    first: usize,
    out: Vec<Vec<&'c Call>>,
}

impl<'c> Graph<'c> {
    /// The graph of `count` chains from the one numbered `first` on.
    pub fn new(count: usize, first: usize, calls: &'c [Call]) -> Graph<'c> {
        let mut out = vec![Vec::new(); count];
        let mut seen = rustc_hash::FxHashSet::default();
        for call in calls {
            if seen.insert((call.from, call.to)) {
                out[call.from.0 as usize - first].push(call);
            }
        }
        Graph { first, out }
    }

    /// Walks the calls depth first from these chains, without recursion; each chain once. Whether no chain reaches
    /// itself, and none nests deeper than `deepest`.
    pub fn check_nesting(
        &self,
        chains: &[Chain],
        starts: impl Iterator<Item = usize>,
        deepest: usize,
        draft: &mut Draft,
    ) -> bool {
        let mut state = vec![Visit::New; self.out.len()];
        let mut depth = vec![1usize; self.out.len()];
        let mut sound = true;
        for start in starts {
            let mut stack = vec![(start, 0usize)];
            while let Some((at, next)) = stack.pop() {
                if next == 0 {
                    if state[at] != Visit::New {
                        continue;
                    }
                    state[at] = Visit::Open;
                }
                let Some(call) = self.out[at].get(next) else {
                    depth[at] = 1 + self.out[at].iter().map(|c| depth[c.to.0 as usize - self.first]).max().unwrap_or(0);
                    state[at] = Visit::Done;
                    continue;
                };
                stack.push((at, next + 1));
                let to = call.to.0 as usize - self.first;
                match state[to] {
                    Visit::New => stack.push((to, 0)),
                    Visit::Open => {
                        sound = false;
                        draft.refuse(circle(chains, call));
                    }
                    Visit::Done => {}
                }
            }
            if depth[start] > deepest {
                let name = &chains[self.first + start].name;
                let message = format!("calls from `{name}` nest deeper than {deepest}");
                draft.refuse(Problem::new(chains[self.first + start].span, message));
                return false;
            }
        }
        sound
    }

    /// For each chain the bits of the roots from which it is reached.
    pub fn reached(&self, roots: &[(ChainId, u64)]) -> Vec<u64> {
        let mut hooks = vec![0u64; self.out.len()];
        for &(chain, bit) in roots {
            let mut stack = vec![chain.0 as usize - self.first];
            while let Some(at) = stack.pop() {
                if hooks[at] & bit == 0 {
                    hooks[at] |= bit;
                    stack.extend(self.out[at].iter().map(|c| c.to.0 as usize - self.first));
                }
            }
        }
        hooks
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    Open,
    Done,
}

/// The bit of a hook.
pub fn bit(hook: NfHook) -> u64 {
    1 << hook as u64
}

fn circle(chains: &[Chain], call: &Call) -> Problem {
    let (from, to) = (&chains[call.from.0 as usize].name, &chains[call.to.0 as usize].name);
    Problem::new(call.span, format!("the call of `{to}` from `{from}` closes a circle"))
        .help("the kernel refuses tables in which a chain can reach itself")
}
