//! Everything that was read of one device: base chains, facts, chains.

use super::{Chain, ChainId, Chains, Families, Hook, NfHook, Verdict};
use crate::packet::{Family, Ranges};
use crate::ruleset::source::{Sources, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a base chain is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BaseKind {
    /// Judges every packet.
    Filter,
    /// Sees only packets that set up a connection.
    Nat,
    /// Judges locally made packets before rerouting (`type route`, mangle OUTPUT).
    Route,
}

/// A chain that hangs on a hook.
#[derive(Clone, Debug)]
pub struct Base {
    /// The chain.
    pub chain: ChainId,
    /// The families whose packets pass it.
    pub families: Families,
    /// Where it hangs.
    pub hook: NfHook,
    /// Its place among the base chains of the hook: ascending.
    pub priority: i32,
    /// What it is for.
    pub kind: BaseKind,
    /// Its verdict where no rule decides: `Accept` or `Drop`.
    pub policy: Verdict,
    /// Where the policy is declared.
    pub policy_span: Span,
    /// Whether this is the chain that people mean by "the filter" of its hook (table `filter` in iptables);
    /// accepted packets are attributed to it.
    pub principal: bool,
}

/// Facts about a device that decide what some matches mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Its own addresses with their prefix lengths; `None` where nobody said.
    pub addresses: Option<Vec<ipnet::IpNet>>,
    /// Its interfaces; `None` where nobody said.
    pub interfaces: Option<Vec<String>>,
    /// What keywords of its dialect stand for here (Windows: `LocalSubnet`, `DNS`, `RPC`), by the keyword in lower
    /// case.
    pub keywords: BTreeMap<String, KeywordFact>,
}

/// What a keyword stands for on one device: addresses, or ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeywordFact {
    /// IPv4 addresses.
    pub v4: Ranges,
    /// IPv6 addresses.
    pub v6: Ranges,
    /// Ports.
    pub ports: Ranges,
}

/// Everything that was read of one device.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    /// The files.
    pub sources: Sources,
    /// The families that the files give.
    pub families: Families,
    /// All chains.
    pub chains: Chains,
    /// The base chains, in order of appearance.
    pub bases: Vec<Base>,
    /// Whether something needs conntrack: a state match, a nat rule, a CT target. Then fragments are put
    /// together before any chain sees them.
    pub conntrack: bool,
    /// Hooks that the dialect does not have (Windows has no forward).
    pub missing_hooks: Vec<Hook>,
    /// Whether the order in which rules are written means nothing (Windows). Advice then speaks of no order.
    pub unordered: bool,
    /// Facts used while reading.
    pub facts: DeviceFacts,
    /// What was read and ignored on purpose, in words, with its place.
    pub notes: Vec<(String, Span)>,
}

impl Ruleset {
    /// The chain of an id.
    pub fn chain(&self, id: ChainId) -> &Chain {
        &self.chains[id.0 as usize]
    }

    /// The same rules out of files of other names, in the order of the sources; names that are not given stay.
    pub fn named(&self, names: &[Arc<str>]) -> Ruleset {
        Ruleset { sources: self.sources.named(names), ..self.clone() }
    }

    /// Whether both are the same rules out of the same texts with the same facts, held once: they differ in nothing but
    /// the names of their files.
    pub fn is_like(&self, other: &Ruleset) -> bool {
        self.chains.is_shared_with(&other.chains)
            && self.families == other.families
            && self.conntrack == other.conntrack
            && self.facts == other.facts
            && self.sources.iter().map(|s| &s.text).eq(other.sources.iter().map(|s| &s.text))
    }

    /// How many rules there are in all chains.
    pub fn rule_count(&self) -> usize {
        self.chains.iter().map(|c| c.rules.len()).sum()
    }

    /// The base chains that a packet of `family` judged at `hook` passes, in order: by netfilter hook, then
    /// priority; at equal priority the one registered later runs first (`nf_hook_entries_grow` inserts before
    /// entries of equal priority).
    pub fn path(&self, hook: Hook, family: Family) -> Vec<&Base> {
        let mut out = Vec::new();
        for nf in hook.netfilter() {
            let mut here: Vec<(i32, std::cmp::Reverse<usize>, &Base)> = self
                .bases
                .iter()
                .enumerate()
                .filter(|(_, b)| b.hook == *nf && b.families.contains(family))
                .map(|(at, b)| (b.priority, std::cmp::Reverse(at), b))
                .collect();
            here.sort_by_key(|(priority, at, _)| (*priority, *at));
            out.extend(here.into_iter().map(|(_, _, b)| b));
        }
        out
    }
}
