//! What only the whole table can tell: which chains call each other in circles or too deep, and which targets stand
//! where the kernel does not take them (`net/netfilter/x_tables.c`, `xt_check_target`).

use crate::dialect::{Draft, Problem};
use crate::ruleset::{Chain, ChainId, NfHook, Span, Step, Translation, Verdict};
use std::sync::Arc;

/// The deepest nesting of calls that is read.
pub const MAX_DEPTH: usize = 512;

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

/// A match or target that the kernel takes only from some hooks.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Its name.
    pub name: &'static str,
    /// The hooks; empty where all will do.
    pub hooks: &'static [NfHook],
}

/// One use of a module whose place matters.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// The chain.
    pub chain: ChainId,
    /// The rule's number in it.
    pub rule: usize,
    /// The module.
    pub module: Module,
    /// Its name in the rule.
    pub span: Span,
}

/// Checks one table whose chains are `first..chains.len()`; `roots` are its built-in chains.
pub fn check(
    chains: &mut [Chain],
    first: usize,
    roots: &[(ChainId, NfHook)],
    calls: &[Call],
    placed: &[Placed],
    draft: &mut Draft,
) {
    let graph = Graph::new(chains.len() - first, first, calls);
    if !graph.check_nesting(chains, draft) {
        return;
    }
    let hooks = graph.hooks(roots);
    for one in placed {
        let from = hooks[one.chain.0 as usize - first];
        let problem =
            if one.module.name == "NETMAP" { direct_netmap(chains, one, from) } else { check_place(chains, one, from) };
        if let Err(problem) = problem {
            draft.refuse(problem);
        }
    }
}

struct Graph<'c> {
    first: usize,
    out: Vec<Vec<&'c Call>>,
}

impl<'c> Graph<'c> {
    fn new(count: usize, first: usize, calls: &'c [Call]) -> Graph<'c> {
        let mut out = vec![Vec::new(); count];
        let mut seen = rustc_hash::FxHashSet::default();
        for call in calls {
            if seen.insert((call.from, call.to)) {
                out[call.from.0 as usize - first].push(call);
            }
        }
        Graph { first, out }
    }

    /// Walks the calls depth first, without recursion; each chain once.
    fn check_nesting(&self, chains: &[Chain], draft: &mut Draft) -> bool {
        let mut state = vec![Visit::New; self.out.len()];
        let mut depth = vec![1usize; self.out.len()];
        let mut sound = true;
        for start in 0..self.out.len() {
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
            if depth[start] > MAX_DEPTH {
                let name = &chains[self.first + start].name;
                let message = format!("calls from `{name}` nest deeper than {MAX_DEPTH}");
                draft.refuse(Problem::new(chains[self.first + start].span, message));
                return false;
            }
        }
        sound
    }

    /// For each chain the hooks from which it is reached, as bits.
    fn hooks(&self, roots: &[(ChainId, NfHook)]) -> Vec<u8> {
        let mut hooks = vec![0u8; self.out.len()];
        for (chain, hook) in roots {
            let bit = bit(*hook);
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

fn bit(hook: NfHook) -> u8 {
    1 << hook as u8
}

fn circle(chains: &[Chain], call: &Call) -> Problem {
    let (from, to) = (&chains[call.from.0 as usize].name, &chains[call.to.0 as usize].name);
    Problem::new(call.span, format!("the call of `{to}` from `{from}` closes a circle"))
        .help("the kernel refuses tables in which a chain can reach itself")
}

fn check_place(chains: &[Chain], one: &Placed, from: u8) -> Result<(), Problem> {
    let allowed = one.module.hooks.iter().fold(0, |bits, h| bits | bit(*h));
    if one.module.hooks.is_empty() || from & !allowed == 0 {
        return Ok(());
    }
    let names: Vec<&str> = one.module.hooks.iter().map(|h| hook_name(*h)).collect();
    let chain = &chains[one.chain.0 as usize].name;
    let problem = Problem::new(one.span, format!("`{}` cannot stand in `{chain}`", one.module.name));
    Err(problem.help(format!("the kernel takes it only in {} and chains that only they call", names.join(", "))))
}

fn hook_name(hook: NfHook) -> &'static str {
    match hook {
        NfHook::Prerouting => "PREROUTING",
        NfHook::Input => "INPUT",
        NfHook::Forward => "FORWARD",
        NfHook::Output => "OUTPUT",
        NfHook::Postrouting => "POSTROUTING",
        _ => "a hook that iptables does not have",
    }
}

/// NETMAP translates the source where packets leave and the destination where they come in.
fn direct_netmap(chains: &mut [Chain], one: &Placed, from: u8) -> Result<(), Problem> {
    let outgoing = bit(NfHook::Postrouting) | bit(NfHook::Input);
    if from & outgoing == 0 {
        return Ok(());
    }
    if from & !outgoing != 0 {
        return Err(Problem::new(one.span, "`NETMAP` stands in a chain that both incoming and outgoing hooks call")
            .help("give each direction a chain of its own"));
    }
    let steps = chains.get_mut(one.chain.0 as usize).and_then(|c| c.rules.get_mut(one.rule)).map(|r| &mut r.steps);
    if let Some(Step::Then(Verdict::Translate(translation))) = steps.and_then(|s| s.last_mut()) {
        let src = translation.dst.clone();
        *translation = Arc::new(Translation { src, dst: None, ..(**translation).clone() });
    }
    Ok(())
}
