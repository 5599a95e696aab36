//! The plain one-packet interpreter: the oracle that everything else is checked against.
//!
//! It follows one packet through the chains as the kernel does, rule by rule, with no sets and no shortcuts.
//! Opaque conditions are asked of the caller.

use super::env::image;
use super::environment::{ROUTED_TTL, is_rerouted_away, stage_view, translated_condition};
use super::model::*;
use super::screen::{Screen, Sieve};
use crate::packet::{Field, Fragment, IfaceSide, Interface, Packet, Ranges, State, Values};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Decision {
    /// It passes.
    Accept,
    /// It vanishes.
    Drop,
    /// It is refused with an answer of this kind.
    Reject(Arc<str>),
}

impl Decision {
    /// `accept`, `drop` or `reject`.
    pub fn name(&self) -> &'static str {
        match self {
            Decision::Accept => "accept",
            Decision::Drop => "drop",
            Decision::Reject(_) => "reject",
        }
    }
}

/// What becomes of a packet, with the translation of its connection where it passes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Outcome {
    /// Whether it passes.
    pub decision: Decision,
    /// What is translated; `None` for packets that do not pass or set up no connection.
    pub translation: Option<Arc<Translation>>,
}

/// The rule or policy that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// A rule of a chain, by index.
    Rule(ChainId, u32),
    /// The policy of the base chain with this index in `Ruleset::bases`.
    Policy(u32),
    /// No chain stands at the hook.
    NoChain,
}

/// What one base chain on the way said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStep {
    /// Index in `Ruleset::bases`.
    pub base: usize,
    /// What it decided.
    pub decision: Decision,
    /// By which rule or policy.
    pub place: Place,
}

/// The result of interpreting one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What becomes of it.
    pub outcome: Outcome,
    /// What dropped or rejected it; for accepted packets, what accepted it in the principal filter chain.
    pub place: Place,
    /// Every base chain on the way.
    pub path: Vec<PathStep>,
}

/// Asked for every opaque condition that is met: the condition and the rule in which it stands.
pub type Ask<'a> = &'a mut dyn FnMut(&Opaque, Place) -> bool;

/// Judges one packet at a hook.
pub fn interpret(ruleset: &Ruleset, hook: Hook, packet: &Packet, ask: Ask<'_>) -> Judgement {
    interpret_screened(ruleset, None, hook, packet, ask)
}

/// As `interpret`, but passes over rules that the screen rules out. The screen must be of the same ruleset and
/// the packet's family.
pub fn interpret_screened(
    ruleset: &Ruleset,
    screen: Option<&Screen>,
    hook: Hook,
    packet: &Packet,
    ask: Ask<'_>,
) -> Judgement {
    let mut walk = Walk {
        ruleset,
        screen: screen.map(|s| s.before(packet)),
        hook,
        arrived: packet,
        packet: packet.clone(),
        unknown: BTreeMap::new(),
        untracked: false,
        before: None,
        translation: Translation::default(),
        ask,
        base: None,
        place: Place::NoChain,
    };
    if packet.state() == State::New {
        walk.packet.set(Field::ConnMark, 0);
    }
    let mut path = Vec::new();
    let mut one_hop_on = false;
    for base in ruleset.path(hook, packet.family) {
        if stage_view(hook, base).one_hop_on && !one_hop_on {
            one_hop_on = true;
            walk.rewrite(Field::Ttl, &ROUTED_TTL);
        }
        let Some(index) = ruleset.bases.iter().position(|b| std::ptr::eq(b, base)) else { continue };
        if base.kind == BaseKind::Nat && !walk.passes_nat(base) {
            walk.before = None;
            continue;
        }
        let (decision, place) = walk.base_chain(base, index);
        walk.undo_replay();
        path.push(PathStep { base: index, decision: decision.clone(), place });
        if decision != Decision::Accept {
            return Judgement { outcome: Outcome { decision, translation: None }, place, path };
        }
    }
    let translated = walk.translation != Translation::default();
    let translation = translated.then(|| Arc::new(walk.translation.clone()));
    let place = accepted_by(ruleset, hook, &path);
    Judgement { outcome: Outcome { decision: Decision::Accept, translation }, place, path }
}

/// The place that an accepted packet is attributed to: the principal filter chain of the path, else the last
/// filter chain at the judged hook, else the last chain.
pub fn accepted_by(ruleset: &Ruleset, hook: Hook, path: &[PathStep]) -> Place {
    let own = judged_at(hook);
    let rank = |step: &PathStep| {
        let base = &ruleset.bases[step.base];
        (base.principal, base.hook == own && base.kind == BaseKind::Filter, base.hook == own)
    };
    path.iter().enumerate().max_by_key(|(at, step)| (rank(step), *at)).map_or(Place::NoChain, |(_, step)| step.place)
}

/// The netfilter hook that gives a hook its name.
pub fn judged_at(hook: Hook) -> NfHook {
    match hook {
        Hook::Input => NfHook::Input,
        Hook::Forward => NfHook::Forward,
        Hook::Output => NfHook::Output,
        Hook::BridgeInput => NfHook::BridgeInput,
        Hook::BridgeForward => NfHook::BridgeForward,
        Hook::BridgeOutput => NfHook::BridgeOutput,
        Hook::ArpInput => NfHook::ArpInput,
        Hook::ArpOutput => NfHook::ArpOutput,
    }
}

struct Walk<'a> {
    ruleset: &'a Ruleset,
    /// Dropped as soon as an address is rewritten.
    screen: Option<Sieve<'a>>,
    hook: Hook,
    /// The packet as it came.
    arrived: &'a Packet,
    /// The packet as it is now.
    packet: Packet,
    /// Fields whose value after a translation is one of several.
    unknown: BTreeMap<Field, Ranges>,
    untracked: bool,
    /// In a nat chain with a packet of a connection that may have been translated when it was set up: the packet as
    /// it will be behind the chain, which only the first packet has passed.
    before: Option<Box<Before>>,
    translation: Translation,
    ask: Ask<'a>,
    base: Option<&'a Base>,
    place: Place,
}

/// What a rule may have changed, before it did.
struct Before {
    packet: Packet,
    unknown: BTreeMap<Field, Ranges>,
    untracked: bool,
}

/// What a rule says in the end.
enum Said {
    Nothing,
    Verdict(Verdict),
}

impl<'a> Walk<'a> {
    /// Whether a nat chain sees the packet: it sets up a connection, or it belongs to one that may have been
    /// translated when it was set up.
    fn passes_nat(&mut self, base: &'a Base) -> bool {
        self.base = Some(base);
        let (packet, unknown, untracked) = (&self.packet, &self.unknown, self.untracked);
        self.before = (self.state() == State::Established)
            .then(|| Box::new(Before { packet: packet.clone(), unknown: unknown.clone(), untracked }));
        match self.state() {
            State::New => true,
            State::Related => self.packet.proto() != self.packet.family.icmp(),
            State::Established => is_destination_hook(base.hook),
            State::Invalid | State::Untracked => false,
        }
    }

    /// Takes back what the rules of a replayed nat chain have changed.
    fn undo_replay(&mut self) {
        if let Some(before) = self.before.take() {
            (self.packet, self.unknown, self.untracked) = (before.packet, before.unknown, before.untracked);
        }
    }

    /// A decision against the packet; a connection that exists has passed its nat chains before.
    fn against(&self, decision: Decision) -> Decision {
        if self.before.is_some() { Decision::Accept } else { decision }
    }

    fn base_chain(&mut self, base: &'a Base, index: usize) -> (Decision, Place) {
        self.base = Some(base);
        let mut stack: Vec<(ChainId, u32)> = vec![(base.chain, 0)];
        while let Some((chain, at)) = stack.pop() {
            let at = self.screen.as_mut().map_or(at, |s| s.next(chain, at));
            let Some(rule) = self.ruleset.chain(chain).rules.get(at as usize) else { continue };
            self.place = Place::Rule(chain, at);
            let verdict = match self.rule(rule) {
                Said::Nothing => Verdict::Continue,
                Said::Verdict(verdict) => verdict,
            };
            match verdict {
                Verdict::Continue => stack.push((chain, at + 1)),
                Verdict::Accept => return (Decision::Accept, self.place),
                Verdict::Drop => return (self.against(Decision::Drop), self.place),
                Verdict::Reject(kind) => return (self.against(Decision::Reject(kind)), self.place),
                Verdict::Jump(to) => {
                    stack.push((chain, at + 1));
                    stack.push((to, 0));
                }
                Verdict::Goto(to) => stack.push((to, 0)),
                Verdict::Return => {}
                Verdict::Ask(opaque) => {
                    let passes = self.before.is_some() || (self.ask)(&opaque, self.place);
                    return (if passes { Decision::Accept } else { Decision::Drop }, self.place);
                }
                Verdict::Translate(translation) => return (self.translate(base, &translation), self.place),
            }
        }
        let policy = match base.policy {
            Verdict::Drop => self.against(Decision::Drop),
            _ => Decision::Accept,
        };
        (policy, Place::Policy(index as u32))
    }

    fn rule(&mut self, rule: &Rule) -> Said {
        for step in &rule.steps {
            match step {
                Step::If(condition) => {
                    if !self.holds(condition) {
                        return Said::Nothing;
                    }
                }
                Step::Set(effect) => self.apply(effect),
                Step::Then(verdict) => return Said::Verdict(verdict.clone()),
                Step::Choose(entries) => {
                    for (condition, verdict) in entries.iter() {
                        if self.holds(condition) {
                            return Said::Verdict(verdict.clone());
                        }
                    }
                    return Said::Nothing;
                }
            }
        }
        Said::Nothing
    }

    /// The conntrack state that a rule sees here.
    fn state(&self) -> State {
        let before = self.base.is_some_and(|b| stage_view(self.hook, b).before_conntrack);
        if self.untracked {
            State::Untracked
        } else if before {
            State::Invalid
        } else {
            self.packet.state()
        }
    }

    /// Whether conntrack has put fragments together where a rule stands.
    fn reassembled(&self) -> bool {
        let before = self.base.is_some_and(|b| stage_view(self.hook, b).before_defrag);
        self.ruleset.conntrack && !before
    }

    fn holds(&mut self, condition: &Match) -> bool {
        match condition {
            Match::Always => true,
            Match::Never => false,
            Match::Family(family) => *family == self.packet.family,
            Match::Field(field, values) => self.field(*field, values),
            Match::Interface(side, pattern) => pattern.matches(self.interface(*side)),
            Match::Present(side) => *self.interface(*side) != Interface::None,
            Match::Lookup(lookup) => {
                let lookup = lookup.clone();
                let hit = lookup.entries.iter().find(|entry| self.entry(entry));
                hit.is_some_and(|entry| entry.member)
            }
            Match::Opaque(opaque) => (self.ask)(opaque, self.place),
            Match::Translated(side) => self.translated(*side),
            Match::All(all) => all.iter().all(|m| self.holds(m)),
            Match::Any(any) => any.iter().any(|m| self.holds(m)),
            Match::Not(inner) => !self.holds(inner),
        }
    }

    fn entry(&mut self, entry: &Entry) -> bool {
        entry.fields.iter().all(|(f, v)| self.field(*f, v))
            && entry.interfaces.iter().all(|(side, pattern)| pattern.matches(self.interface(*side)))
    }

    fn interface(&self, side: IfaceSide) -> &Interface {
        let view = self.base.map(|b| stage_view(self.hook, b));
        let hidden = match side {
            IfaceSide::In => view.is_some_and(|v| !v.sees_in),
            IfaceSide::Out => view.is_some_and(|v| !v.sees_out),
            _ => false,
        };
        if hidden { &Interface::None } else { self.packet.interface(side) }
    }

    fn field(&mut self, field: Field, values: &Values) -> bool {
        if field == Field::State {
            return values.contains(self.state().value());
        }
        if field == Field::Fragment && self.reassembled() {
            return values.contains(Fragment::None as u128);
        }
        let plain = match field {
            Field::SrcBits => Field::Src,
            Field::DstBits => Field::Dst,
            other => other,
        };
        let Some(possible) = self.unknown.get(&plain) else { return values.contains(self.packet.get(field)) };
        let hits = |r: &Ranges| values.as_ranges().is_some_and(|v| r.is_subset(v));
        let misses = |r: &Ranges| values.as_ranges().is_some_and(|v| !r.meets(v));
        if hits(possible) {
            return true;
        }
        if misses(possible) {
            return false;
        }
        let opaque = translated_condition(field, possible, values, self.packet.family);
        (self.ask)(&opaque, self.place)
    }

    fn translated(&mut self, side: TranslatedSide) -> bool {
        if self.state() == State::New {
            return self.changes_end(side);
        }
        if !matches!(self.state(), State::Established | State::Related) {
            return false;
        }
        (self.ask)(&translated_connection(side), self.place)
    }

    /// Whether the translation so far makes an end of the connection another one. Where it leaves a choice among
    /// which the old one is, nobody knows.
    fn changes_end(&mut self, side: TranslatedSide) -> bool {
        let mut unsure = self.translation.leaves_open(side);
        for (field, rewrite) in self.translation.parts(side) {
            let old = self.arrived.get(field);
            let stays = match rewrite {
                Rewrite::To(to) if !to.contains(old) => false,
                Rewrite::To(to) => {
                    unsure |= to.as_slice().iter().any(|&(lo, hi)| (lo, hi) != (old, old));
                    true
                }
                Rewrite::Prefix { base, host } => old & !host == *base & !host,
                Rewrite::Add(_) | Rewrite::Masked { .. } => {
                    unsure = true;
                    true
                }
            };
            if !stays {
                return true;
            }
        }
        unsure && (self.ask)(&translated_connection(side), self.place)
    }

    fn apply(&mut self, effect: &Effect) {
        match effect {
            // A packet that has a connection keeps it (`nft_notrack_eval`, `notrack_tg`).
            Effect::Untrack => self.untracked |= !self.has_connection(),
            Effect::Mark { field, keep, take, xor } => {
                // CONNMARK leaves packets without a connection alone (net/netfilter/xt_connmark.c).
                if (*field == Field::ConnMark || *take != 0) && !self.has_connection() {
                    return;
                }
                let other = if *field == Field::Mark { Field::ConnMark } else { Field::Mark };
                let kept = self.packet.get(*field) & u128::from(*keep);
                let taken = self.packet.get(other) & u128::from(*take);
                self.packet.set(*field, kept ^ taken ^ u128::from(*xor));
                if *keep == 0 && *take == 0 {
                    self.unknown.remove(field);
                }
            }
            Effect::Rewrite(field, rewrite) => self.rewrite(*field, rewrite),
        }
    }

    fn has_connection(&self) -> bool {
        matches!(self.state(), State::New | State::Established | State::Related)
    }

    fn rewrite(&mut self, field: Field, rewrite: &Rewrite) {
        self.screen.take_if(|_| matches!(field, Field::Src | Field::Dst));
        let old = self.packet.get(field);
        let new = match rewrite {
            Rewrite::To(values) => {
                if let [(lo, hi)] = values.as_slice()
                    && lo == hi
                {
                    *lo
                } else {
                    self.unknown.insert(field, values.clone());
                    return;
                }
            }
            Rewrite::Add(by) => {
                let moved = |v: u128| (v as i128 + i128::from(*by)).clamp(0, 255) as u128;
                if let Some(possible) = self.unknown.get_mut(&field) {
                    *possible = possible.as_slice().iter().map(|&(lo, hi)| (moved(lo), moved(hi))).collect();
                    return;
                }
                moved(old)
            }
            change if self.unknown.contains_key(&field) => {
                let possible = self.unknown.get(&field).map_or_else(Ranges::empty, |p| image(p, change));
                return self.rewrite(field, &Rewrite::To(possible));
            }
            Rewrite::Prefix { base, host } => base | (old & host),
            Rewrite::Masked { keep, xor } => (old & keep) ^ xor,
        };
        self.unknown.remove(&field);
        self.packet.set(field, new);
    }

    fn translate(&mut self, base: &Base, translation: &Arc<Translation>) -> Decision {
        let setting_up = self.before.is_none();
        self.undo_replay();
        if !setting_up && !(self.ask)(&translated_connection(TranslatedSide::Destination), self.place) {
            return Decision::Accept;
        }
        if setting_up && is_settled(&self.translation, base.hook) {
            return Decision::Accept;
        }
        let parts = [
            (Field::Src, &translation.src),
            (Field::Dst, &translation.dst),
            (Field::Sport, &translation.sport),
            (Field::Dport, &translation.dport),
        ];
        for (field, rewrite) in parts {
            if let Some(rewrite) = rewrite {
                self.rewrite(field, rewrite);
            }
        }
        if setting_up {
            merge_translation(&mut self.translation, translation);
        }
        if is_rerouted_away(self.ruleset, self.hook, base, translation)
            && !(self.ask)(&routing_after_dnat(), self.place)
        {
            return Decision::Drop;
        }
        Decision::Accept
    }
}

/// Whether nat chains at the hook translate destinations.
pub fn is_destination_hook(hook: NfHook) -> bool {
    matches!(hook, NfHook::Prerouting | NfHook::Output)
}

/// Whether a nat chain before has translated the end that those at the hook translate: only the first one has its way
/// (`nf_nat_inet_fn`).
pub fn is_settled(translation: &Translation, hook: NfHook) -> bool {
    if is_destination_hook(hook) { translation.is_destination() } else { translation.is_source() }
}

/// Adds what `more` translates to `into`.
pub fn merge_translation(into: &mut Translation, more: &Translation) {
    let put = |slot: &mut Option<Rewrite>, value: &Option<Rewrite>| {
        if value.is_some() {
            slot.clone_from(value);
        }
    };
    put(&mut into.src, &more.src);
    put(&mut into.dst, &more.dst);
    put(&mut into.sport, &more.sport);
    put(&mut into.dport, &more.dport);
    into.options.extend(more.options.iter().cloned());
    into.options.sort();
    into.options.dedup();
}

/// The condition that a packet's connection was translated when it was set up.
pub fn translated_connection(side: TranslatedSide) -> Opaque {
    let name = match side {
        TranslatedSide::Source => "ct status: snat",
        TranslatedSide::Destination => "ct status: dnat",
    };
    Opaque { name: name.into(), kind: OpaqueKind::Pure }
}

/// The condition that routing sends a packet to the judged hook although its translation speaks against it.
pub fn routing_after_dnat() -> Opaque {
    Opaque { name: "routing after DNAT".into(), kind: OpaqueKind::Pure }
}
