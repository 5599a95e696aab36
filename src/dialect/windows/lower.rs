//! Stores to chains: one base chain for each direction, in the order in which Windows decides.
//!
//! What a packet meets, each with its source:
//!
//! 1. Packets of connections that were let through pass both ways, and loopback traffic is not filtered
//!    ("Windows Firewall rules", Microsoft Learn; Windows Filtering Platform, "Stateful ALE").
//! 2. A profile whose firewall is off blocks nothing; one that is shielded blocks everything that comes in
//!    ([MS-FASP] 2.2.38).
//! 3. Authenticated bypass rules win over block rules, block rules over allow rules ([MS-FASP] 2.2.34). Which of two
//!    allow rules stands first makes no difference.
//! 4. Traffic that matches an allow rule with a demand on IPsec, and does not meet it, is blocked unless another
//!    rule allows it ([MS-FASP] 2.2.35, `FW_RULE_FLAGS_AUTHENTICATE`).
//! 5. The profile's default decides the rest: unset, incoming traffic is blocked and outgoing traffic allowed
//!    ([MS-FASP] 2.2.38; "Windows Firewall overview", Microsoft Learn).

use super::policy::{Policy, StoredRule, Switch};
use super::rule::{Action, Direction, PROFILES};
use crate::dialect::Draft;
use crate::packet::{Family, Field, Ranges, State};
use crate::ruleset::{
    Base, BaseKind, Chain, ChainId, DeviceFacts, Families, Hook, Match, NfHook, Rule, Span, Step, Verdict,
};

/// Sentences for what no line of any file says, in the order of `BuiltIn`.
const BUILT_IN: [&str; 4] = [
    "packets of established connections pass",
    "loopback traffic is not filtered",
    "incoming traffic is blocked: no line sets DefaultInboundAction",
    "outgoing traffic is allowed: no line sets DefaultOutboundAction",
];

/// Adds the chains of both directions.
pub fn lower(policy: &Policy, draft: &mut Draft) {
    let facts = draft.ruleset.facts.clone();
    let built_in = built_in(draft);
    draft.ruleset.families = Families::both();
    draft.ruleset.missing_hooks = vec![Hook::Forward];
    draft.ruleset.conntrack = true;
    draft.ruleset.unordered = true;
    let declared =
        draft.ruleset.sources.iter().next().map_or_else(Span::default, |_| Span { line: 1, ..Span::default() });
    for direction in [Direction::In, Direction::Out] {
        let defaults = defaults(policy, direction);
        let defaults = chain(format!("{}/defaults", name(direction)), defaults, built_in[0], draft);
        let mut lowering = Lowering { policy, facts: &facts, direction, built_in, rules: Vec::new() };
        lowering.rules();
        lowering.rules.push(Rule { steps: vec![Step::Then(Verdict::Jump(defaults))], span: built_in[0] });
        let id = chain(name(direction).to_owned(), lowering.rules, declared, draft);
        add(direction, id, built_in, draft);
    }
    note_what_has_no_effect(policy, draft);
}

/// The places of the sentences: a source of their own, and no line.
fn built_in(draft: &mut Draft) -> [Span; 4] {
    let source = draft.ruleset.sources.add("Windows", BUILT_IN.join("\n"));
    let mut start = 0;
    BUILT_IN.map(|sentence| {
        let span = Span { source, line: 0, start, end: start + sentence.len() as u32 };
        start = span.end + 1;
        span
    })
}

fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "windows/inbound",
        Direction::Out => "windows/outbound",
    }
}

fn chain(name: String, rules: Vec<Rule>, span: Span, draft: &mut Draft) -> ChainId {
    draft.ruleset.chains.push(Chain { name: name.into(), rules, span });
    ChainId(draft.ruleset.chains.len() as u32 - 1)
}

fn add(direction: Direction, chain: ChainId, built_in: [Span; 4], draft: &mut Draft) {
    let [_, _, inbound, outbound] = built_in;
    let (hook, policy, policy_span) = match direction {
        Direction::In => (NfHook::Input, Verdict::Drop, inbound),
        Direction::Out => (NfHook::Output, Verdict::Accept, outbound),
    };
    draft.ruleset.bases.push(Base {
        chain,
        families: Families::both(),
        hook,
        priority: 0,
        kind: BaseKind::Filter,
        policy,
        policy_span,
        principal: true,
    });
}

/// What decides where no rule does, in the profiles that say it. A chain of its own, which no line declares: a default
/// is no rule that could be taken out.
fn defaults(policy: &Policy, direction: Direction) -> Vec<Rule> {
    let switch = match direction {
        Direction::In => Switch::InboundBlocks,
        Direction::Out => Switch::OutboundBlocks,
    };
    let set = |profile| {
        let (blocks, span) = policy.switch(profile, switch)?;
        let verdict = if blocks { Verdict::Drop } else { Verdict::Accept };
        Some(Rule { steps: vec![Step::If(in_profiles(&[profile])), Step::Then(verdict)], span })
    };
    (0..PROFILES.len()).filter_map(set).collect()
}

struct Lowering<'a> {
    policy: &'a Policy,
    facts: &'a DeviceFacts,
    direction: Direction,
    built_in: [Span; 4],
    rules: Vec<Rule>,
}

impl Lowering<'_> {
    fn rules(&mut self) {
        let [established, loopback, ..] = self.built_in;
        self.push(state(State::Established), Verdict::Accept, established);
        self.push(loopback_traffic(), Verdict::Accept, loopback);
        self.profiles_that_decide();
        self.firewall_rules();
    }

    fn push(&mut self, condition: Match, verdict: Verdict, span: Span) {
        self.rules.push(Rule { steps: vec![Step::If(condition), Step::Then(verdict)], span });
    }

    fn profiles_that_decide(&mut self) {
        for profile in 0..PROFILES.len() {
            if let Some((false, span)) = self.policy.switch(profile, Switch::Enabled) {
                self.push(in_profiles(&[profile]), Verdict::Accept, span);
            }
            for (interface, span) in self.policy.open_interfaces(profile) {
                let interface = Match::Interface(self.direction.side(), interface.clone());
                self.push(Match::all([in_profiles(&[profile]), interface]), Verdict::Accept, *span);
            }
            if let (Direction::In, Some((true, span))) = (self.direction, self.policy.switch(profile, Switch::Shielded))
            {
                self.push(in_profiles(&[profile]), Verdict::Drop, span);
            }
        }
    }

    fn firewall_rules(&mut self) {
        let policy = self.policy;
        let own = || policy.rules.iter().filter(|s| s.rule.direction == self.direction);
        let allows = |s: &&StoredRule| s.rule.action == Action::Allow && !s.rule.overrides_blocks;
        let groups: [Vec<&StoredRule>; 4] = [
            own().filter(|s| s.rule.overrides_blocks).collect(),
            own().filter(|s| s.rule.action == Action::Block).collect(),
            own().filter(allows).collect(),
            own().filter(allows).filter(|s| s.rule.protection.is_some()).collect(),
        ];
        let [bypass, block, allow, insecure] = groups;
        bypass.into_iter().chain(block).chain(allow).for_each(|stored| self.firewall_rule(stored));
        insecure.into_iter().for_each(|stored| self.unmet_demand(stored));
    }

    fn firewall_rule(&mut self, stored: &StoredRule) {
        let verdict = match stored.rule.action {
            Action::Allow => Verdict::Accept,
            Action::Block => Verdict::Drop,
        };
        if let Some(packets) = self.packets(stored) {
            let secured = stored.rule.security().unwrap_or(Match::Always);
            self.push(Match::all([packets, secured]), verdict, stored.span);
        }
    }

    /// The packets of an allow rule that do not meet its demand.
    fn unmet_demand(&mut self, stored: &StoredRule) {
        if let Some(packets) = self.packets(stored) {
            self.push(packets, Verdict::Drop, stored.span);
        }
    }

    fn packets(&self, stored: &StoredRule) -> Option<Match> {
        let profiles = self.policy.in_force(stored);
        (!profiles.is_empty()).then(|| Match::all([in_profiles(&profiles), stored.rule.packets(self.facts)]))
    }
}

fn state(state: State) -> Match {
    Match::ranges(Field::State, Ranges::one(state.value()))
}

/// From a loopback address: no other machine can send such a packet (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3).
fn loopback_traffic() -> Match {
    let from = |family, ranges| Match::all([Match::Family(family), Match::ranges(Field::Src, ranges)]);
    Match::any([from(Family::V4, Ranges::range(0x7f00_0000, 0x7fff_ffff)), from(Family::V6, Ranges::one(1))])
}

fn in_profiles(profiles: &[usize]) -> Match {
    if profiles.len() == PROFILES.len() {
        return Match::Always;
    }
    Match::ranges(Field::Profile, Ranges::from_values(profiles.iter().map(|p| *p as u128)))
}

/// Says once what rules hold that no packet of this model can show.
fn note_what_has_no_effect(policy: &Policy, draft: &mut Draft) {
    if let Some(first) = policy.rules.iter().find(|s| s.rule.active && s.rule.crosses_edge) {
        let note =
            "edge traversal is not judged: traffic that arrives through a NAT traversal tunnel is taken as any other";
        draft.ruleset.notes.push((note.to_owned(), first.span));
    }
}
