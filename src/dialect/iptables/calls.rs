//! What only the whole table can tell: which chains call each other in circles or too deep, and which targets stand
//! where the kernel does not take them (`net/netfilter/x_tables.c`, `xt_check_target`).

pub use crate::dialect::calls::Call;
use crate::dialect::calls::{Graph, bit};
use crate::dialect::{Draft, Problem};
use crate::ruleset::{Chain, ChainId, NfHook, Span, Step, Translation, Verdict};
use std::sync::Arc;

/// The deepest nesting of calls that is read.
pub const MAX_DEPTH: usize = 512;

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
    let count = chains.len() - first;
    if !graph.check_nesting(chains, 0..count, MAX_DEPTH, draft) {
        return;
    }
    let roots: Vec<(ChainId, u64)> = roots.iter().map(|(chain, hook)| (*chain, bit(*hook))).collect();
    let hooks = graph.reached(&roots);
    for one in placed {
        let from = hooks[one.chain.0 as usize - first];
        let problem =
            if one.module.name == "NETMAP" { direct_netmap(chains, one, from) } else { check_place(chains, one, from) };
        if let Err(problem) = problem {
            draft.refuse(problem);
        }
    }
}

fn check_place(chains: &[Chain], one: &Placed, from: u64) -> Result<(), Problem> {
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
fn direct_netmap(chains: &mut [Chain], one: &Placed, from: u64) -> Result<(), Problem> {
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
