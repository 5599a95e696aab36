//! The dialect-neutral ruleset out of the tables that the commands left.

use super::hooks::{self, Place};
use super::known::Packets;
use super::rule::{self, Placed, ReadRule, Scope};
use super::sets;
use super::state::{ChainState, State, Table};
use crate::dialect::calls::{Call, Graph, bit};
use crate::dialect::nftables::syntax::{RuleSpec, TableFamily};
use crate::dialect::{Draft, Problem};
use crate::packet::{Family, IfacePattern, IfaceSide};
use crate::ruleset::{
    Base, BaseKind, Chain, ChainId, DeviceFacts, Families, Match, Negate, NfHook, Rule, Span, Step, Verdict,
};
use std::sync::Arc;

/// The most rules of one device.
const MAX_RULES: usize = 5_000_000;
/// The most calls in a row (`NFT_JUMP_STACK_SIZE`).
const DEEPEST: usize = 16;
/// Where the bits of nat chains begin among the bits of hooks.
const NAT: u32 = 20;

/// Adds all tables that are not dormant to the draft.
pub fn build(state: &State<'_>, draft: &mut Draft) {
    let facts = std::mem::take(&mut draft.ruleset.facts);
    let mut builder = Builder { facts: &facts, draft, calls: Vec::new(), placed: Vec::new(), bases: Vec::new() };
    let active: Vec<&Table<'_>> = state.tables.iter().filter(|t| !t.dormant).collect();
    let firsts: Vec<u32> = active.iter().map(|table| builder.declare(table)).collect();
    for (table, first) in active.iter().zip(&firsts) {
        builder.rules(table, *first);
    }
    builder.check();
    builder.register();
    draft.ruleset.facts = facts;
}

struct Builder<'b> {
    facts: &'b DeviceFacts,
    draft: &'b mut Draft,
    calls: Vec<Call>,
    placed: Vec<(ChainId, Placed)>,
    /// Base chains with their numbers in order of registration.
    bases: Vec<(usize, Base)>,
}

impl Builder<'_> {
    /// Adds the chains of a table, still without rules, and its base chains.
    fn declare(&mut self, table: &Table<'_>) -> u32 {
        let first = self.draft.ruleset.chains.len() as u32;
        let families = families(Packets::of(table.name.family));
        self.draft.ruleset.families = self.draft.ruleset.families.union(families);
        for (at, chain) in table.chains.iter().enumerate() {
            let name: Arc<str> = format!("{}/{}", table.name.name, chain.name).into();
            self.draft.ruleset.chains.push(Chain { name, rules: Vec::new(), span: chain.span });
            if let Err(problem) = self.base(table, chain, ChainId(first + at as u32)) {
                self.draft.refuse(problem);
            }
        }
        first
    }

    fn base(&mut self, table: &Table<'_>, chain: &ChainState<'_>, id: ChainId) -> Result<(), Problem> {
        let Some(spec) = &chain.base else { return Ok(()) };
        let place = hooks::place(spec, table.name.family)?;
        let policy = hooks::policy(spec)?;
        let needs_device = matches!(place.hook, NfHook::Ingress | NfHook::Egress);
        if needs_device && spec.devices.is_empty() {
            return Err(Problem::new(spec.hook.span, format!("chain `{}` has no device", chain.name))
                .help("chains of ingress and egress hang on devices: `device \"eth0\"`"));
        }
        if !needs_device && let Some(device) = spec.devices.first() {
            return Err(Problem::new(device.span, "only chains of ingress and egress have devices"));
        }
        let base = Base {
            chain: id,
            families: families(Packets::of(table.name.family)),
            hook: place.hook,
            priority: place.priority,
            kind: place.kind,
            policy,
            policy_span: spec.policy.as_ref().map_or(chain.span, |p| p.span),
            principal: is_principal(table, place),
        };
        if table.name.family == TableFamily::Netdev {
            let hook = if place.hook == NfHook::Ingress { NfHook::ArpIngress } else { NfHook::ArpEgress };
            let arp = Base { hook, families: Families::only(Family::V4), principal: false, ..base.clone() };
            self.bases.push((chain.registered, arp));
        }
        self.bases.push((chain.registered, base));
        if needs_device {
            self.guard_devices(spec.devices.iter().map(|d| d.text.as_str()), place, id, chain.span);
        }
        Ok(())
    }

    /// Packets of other devices never come to the chain.
    fn guard_devices<'d>(&mut self, devices: impl Iterator<Item = &'d str>, place: Place, id: ChainId, span: Span) {
        let side = if place.hook == NfHook::Ingress { IfaceSide::In } else { IfaceSide::Out };
        let own = Match::any(devices.map(|name| Match::Interface(side, IfacePattern::exact(name))));
        let steps = vec![Step::If(own.negated_if(Negate::Yes)), Step::Then(Verdict::Accept)];
        if let Some(chain) = self.draft.ruleset.chains.get_mut(id.0 as usize) {
            chain.rules.push(Rule { steps, span });
        }
    }

    fn rules<'s>(&mut self, table: &'s Table<'s>, first: u32) {
        let packets = Packets::of(table.name.family);
        let facts = self.facts.clone();
        let scope = Scope { table, facts: &facts, packets, first_chain: first };
        for (at, chain) in table.chains.iter().enumerate() {
            let id = ChainId(first + at as u32);
            let rules = chain.rules.iter().copied().zip(chain.spans.iter().copied());
            self.chain(id, rules, &scope);
        }
        // Sets that no rule looks into are understood or refused, too.
        for problem in table.sets.iter().filter_map(|set| sets::elements(set).err()) {
            self.draft.refuse(problem);
        }
    }

    fn chain<'s>(&mut self, id: ChainId, rules: impl Iterator<Item = (&'s RuleSpec, Span)>, scope: &Scope<'s>) {
        for (rule, span) in rules {
            let next_block = self.draft.ruleset.chains.len() as u32;
            match rule::read(rule, scope, next_block) {
                Ok(read) => self.add(id, read, span, scope),
                Err(problem) => self.draft.refuse(problem),
            }
        }
        let count = self.draft.ruleset.chains.get(id.0 as usize).map_or(0, |c| c.rules.len());
        if count > MAX_RULES {
            self.draft.refuse(Problem::new(Span::default(), format!("a chain has more than {MAX_RULES} rules")));
        }
    }

    fn add<'s>(&mut self, id: ChainId, read: ReadRule<'s>, span: Span, scope: &Scope<'s>) {
        let ruleset = &mut self.draft.ruleset;
        ruleset.conntrack |= read.tracks;
        ruleset.notes.extend(read.notes);
        self.calls.extend(read.calls.into_iter().map(|(to, span)| Call { from: id, to, span }));
        self.placed.extend(read.placed.into_iter().map(|placed| (id, placed)));
        if let Some(chain) = ruleset.chains.get_mut(id.0 as usize) {
            chain.rules.extend(read.rules.into_iter().map(|steps| Rule { steps, span }));
        }
        for (_, span) in &read.blocks {
            let name: Arc<str> = format!("{}/anonymous", scope.table.name.name).into();
            ruleset.chains.push(Chain { name, rules: Vec::new(), span: *span });
        }
        let first = (ruleset.chains.len() - read.blocks.len()) as u32;
        for (at, (rules, span)) in read.blocks.into_iter().enumerate() {
            self.chain(ChainId(first + at as u32), rules.iter().map(|r| (r, span)), scope);
        }
    }

    /// Refuses circles, calls that nest too deep, and statements that the kernel does not take where they stand.
    fn check(&mut self) {
        let chains = std::mem::take(&mut self.draft.ruleset.chains);
        let graph = Graph::new(chains.len(), 0, &self.calls);
        let starts = self.bases.iter().map(|(_, b)| b.chain.0 as usize);
        if graph.check_nesting(&chains, starts, DEEPEST, self.draft) {
            let roots: Vec<(ChainId, u64)> = self.bases.iter().map(|(_, b)| (b.chain, root_bit(b))).collect();
            let reached = graph.reached(&roots);
            for (chain, placed) in &self.placed {
                let from = reached.get(chain.0 as usize).copied().unwrap_or(0);
                if let Err(problem) = check_place(&chains, *chain, placed, from) {
                    self.draft.refuse(problem);
                }
            }
        }
        self.draft.ruleset.chains = chains;
    }

    /// Base chains stand in order of registration.
    fn register(&mut self) {
        self.bases.sort_by_key(|(registered, _)| *registered);
        self.draft.ruleset.bases.extend(std::mem::take(&mut self.bases).into_iter().map(|(_, base)| base));
    }
}

fn families(packets: Packets) -> Families {
    match packets {
        Packets::Of(family) => Families::only(family),
        Packets::Arp => Families::only(Family::V4),
        Packets::Both | Packets::Frames | Packets::Device => Families::both(),
    }
}

/// The chain that people mean by "the filter": a filter chain of a table of that name.
fn is_principal(table: &Table<'_>, place: Place) -> bool {
    let judges = matches!(place.hook, NfHook::Input | NfHook::Forward | NfHook::Output);
    judges && place.kind == BaseKind::Filter && table.name.name == "filter"
}

fn root_bit(base: &Base) -> u64 {
    match base.kind {
        BaseKind::Nat => bit(base.hook) << NAT,
        // The same chain hangs on the device for ARP, too; its place is judged once.
        _ if matches!(base.hook, NfHook::ArpIngress | NfHook::ArpEgress) => 0,
        _ => bit(base.hook),
    }
}

fn check_place(chains: &[Chain], chain: ChainId, placed: &Placed, from: u64) -> Result<(), Problem> {
    let hooks = placed.hooks.iter().fold(0, |bits, hook| bits | bit(*hook));
    let allowed = if placed.nat { hooks << NAT } else { hooks | hooks << NAT };
    if from & !allowed == 0 {
        return Ok(());
    }
    let mut names: Vec<&str> = placed.hooks.iter().map(|hook| hooks::name(*hook)).collect();
    names.dedup();
    let of = if placed.nat { "nat chains of " } else { "chains of " };
    let name = chains.get(chain.0 as usize).map_or("", |c| &c.name);
    let problem = Problem::new(placed.span, format!("`{}` cannot stand in `{name}`", placed.name));
    Err(problem.help(format!("the kernel takes it only in {of}{} and what only they call", names.join(", "))))
}
