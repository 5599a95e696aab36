//! One rule to steps: what the words behind `-A CHAIN` mean once `sort` has found each option's owner.

use super::addresses;
use super::calls::Module;
use super::interfaces::pattern;
use super::matches::Scope;
use super::options::{Given, Parsed, Protocol, Use};
use super::sort::{CallKind, Sorted, What, sort};
use super::tables::Table;
use super::targets::TargetSpec;
use super::words::Word;
use crate::dialect::Problem;
use crate::packet::{Family, Field, IfaceSide, Ranges, protocol_by_name};
use crate::ruleset::{ChainId, Match, Negate, Span, Step, Verdict};
use smallvec::{SmallVec, smallvec};

/// What surrounds a rule.
pub struct Place<'a> {
    /// The table.
    pub table: &'static Table,
    /// The chain.
    pub chain: &'a str,
    /// Finds a chain of the table by name.
    pub find_chain: &'a dyn Fn(&str) -> Option<(ChainId, Span)>,
    /// All chains of the table.
    pub chain_names: &'a dyn Fn() -> Vec<String>,
    /// Everything that matches ask for.
    pub scope: &'a Scope<'a>,
}

/// What one rule became.
#[derive(Default)]
pub struct ReadRule {
    /// The same rule for every combination of its addresses: usually one.
    pub rules: Vec<Vec<Step>>,
    /// Whether something in it needs connection tracking.
    pub tracks: bool,
    /// What was ignored on purpose, with its place.
    pub note: Option<(String, Span)>,
    /// Matches and a target that the kernel takes only from some hooks.
    pub placed: Vec<(Module, Span)>,
    /// The chain that it calls or goes to.
    pub calls: Option<(ChainId, Span)>,
}

/// Reads the words of one rule. `None` where the rule is for the other family (`-4`, `-6`).
///
/// # Errors
/// The first thing in it that is not understood.
pub fn read(words: &[Word<'_>], place: &Place<'_>) -> Parsed<Option<ReadRule>> {
    let reader = sort(words, place)?;
    let other = if place.scope.family == Family::V4 { "ipv6" } else { "ipv4" };
    if reader.general.iter().any(|g| g.spec.name == other) {
        return Ok(None);
    }
    reader.finish().map(Some)
}

impl<'r> Sorted<'r, '_> {
    fn finish(mut self) -> Parsed<ReadRule> {
        let mut out = ReadRule::default();
        let protocol = self.protocol()?;
        let mut conditions = self.general_matches(protocol)?;
        let mut steps = Vec::new();
        for loaded in std::mem::take(&mut self.loaded) {
            let used = Use { given: loaded.given, span: loaded.span, family: self.place.scope.family, protocol };
            match loaded.what {
                What::Match(spec) => {
                    out.tracks |= spec.tracks;
                    if !spec.hooks.is_empty() {
                        out.placed.push((Module { name: spec.name, hooks: spec.hooks }, loaded.span));
                    }
                    conditions.push(spec.read(&used, self.place.scope)?);
                }
                What::Target(spec) => {
                    self.check_table(spec, loaded.span)?;
                    out.tracks |= spec.tracks;
                    if !spec.hooks.is_empty() || spec.name == "NETMAP" {
                        out.placed.push((Module { name: spec.name, hooks: spec.hooks }, loaded.span));
                    }
                    let action = (spec.read)(&used, self.place.scope)?;
                    out.note = action.note.map(|text| (text, loaded.span));
                    steps = action.steps;
                }
                What::Call(id, kind) => {
                    out.calls = Some((id, loaded.span));
                    steps.push(Step::Then(match kind {
                        CallKind::Goto => Verdict::Goto(id),
                        CallKind::Jump => Verdict::Jump(id),
                    }));
                }
            }
        }
        let conditions = conjuncts(conditions);
        let mut addresses = self.addresses()?;
        out.rules = match (addresses.len(), addresses.pop()) {
            (1, Some(only)) => vec![assemble(only, conditions.into_iter(), steps.into_iter())],
            (_, last) => {
                let every = addresses.into_iter().chain(last);
                every.map(|one| assemble(one, conditions.iter().cloned(), steps.iter().cloned())).collect()
            }
        };
        Ok(out)
    }

    fn check_table(&self, spec: &TargetSpec, span: Span) -> Parsed<()> {
        let table = self.place.table.name;
        if spec.tables.is_empty() || spec.tables.contains(&table) {
            return Ok(());
        }
        Err(Problem::new(span, format!("`{}` cannot stand in table `{table}`", spec.name))
            .help(format!("the kernel takes it only in {}", spec.tables.join(", "))))
    }

    fn get(&self, name: &str) -> Option<&Given<'r>> {
        self.general.iter().find(|g| g.spec.name == name)
    }

    fn protocol(&self) -> Parsed<Option<Protocol>> {
        let Some(given) = self.get("protocol") else {
            return Ok(None);
        };
        let text = given.text();
        let number = if text.eq_ignore_ascii_case("all") { Some(0) } else { protocol_by_name(text) };
        let number = number.ok_or_else(|| given.wrong(format!("there is no protocol `{text}`")))?;
        if number == 0 && given.negate == Negate::Yes {
            return Err(given.wrong("a rule for no protocol at all never matches").help("iptables refuses it"));
        }
        Ok(Some(Protocol { number, negate: given.negate }))
    }

    /// Protocol, interfaces and fragments; addresses come apart because there can be several.
    fn general_matches(&self, protocol: Option<Protocol>) -> Parsed<Vec<Match>> {
        let mut out = Vec::new();
        if let Some(protocol) = protocol.filter(|p| p.number != 0) {
            out.push(Match::protocols([protocol.number]).negated_if(protocol.negate));
        }
        for (name, side, never) in [
            ("in-interface", IfaceSide::In, ["OUTPUT", "POSTROUTING"]),
            ("out-interface", IfaceSide::Out, ["INPUT", "PREROUTING"]),
        ] {
            if let Some(given) = self.get(name) {
                if never.contains(&self.place.chain) {
                    let message = format!("packets of `{}` have no such interface", self.place.chain);
                    return Err(Problem::new(given.span, message).help("iptables refuses the rule"));
                }
                out.push(Match::Interface(side, pattern(given)?).negated_if(given.negate));
            }
        }
        if let Some(given) = self.get("fragment") {
            if self.place.scope.family == Family::V6 {
                return Err(Problem::new(given.span, "ip6tables has no `-f`").help("use `-m frag`"));
            }
            out.push(Match::ranges(Field::Fragment, Ranges::one(2)).negated_if(given.negate));
        }
        Ok(out)
    }

    /// Every combination of a source and a destination: `-s a,b` makes two rules.
    fn addresses(&self) -> Parsed<Vec<[Match; 2]>> {
        let sources = self.networks("source", Field::Src)?;
        let destinations = self.networks("destination", Field::Dst)?;
        if sources.len().saturating_mul(destinations.len()) > MAX_COMBINATIONS {
            let span = self.get("source").map_or_else(Span::default, |g| g.span);
            return Err(Problem::new(span, format!("the lists of addresses make more than {MAX_COMBINATIONS} rules")));
        }
        let pair = |s| destinations.iter().map(move |d: &Match| [Match::clone(s), d.clone()]);
        Ok(sources.iter().flat_map(pair).collect())
    }

    fn networks(&self, name: &str, field: Field) -> Parsed<SmallVec<[Match; 1]>> {
        let Some(given) = self.get(name) else {
            return Ok(smallvec![Match::Always]);
        };
        let family = self.place.scope.family;
        let list = given.text();
        if list.contains(',') && given.negate == Negate::Yes {
            return Err(given.wrong("a list of addresses cannot be negated").help("each would be a rule of its own"));
        }
        let one =
            |text| addresses::network(given, text, family).map(|n| n.to_match(field, family).negated_if(given.negate));
        list.split(',').map(one).collect()
    }
}

/// The most rules that one line's lists of addresses may make.
const MAX_COMBINATIONS: usize = 10_000;

/// The parts of a conjunction, each once, in order.
fn conjuncts(matches: Vec<Match>) -> Vec<Match> {
    let mut out: Vec<Match> = Vec::with_capacity(matches.len());
    let mut add = |one: Match| {
        if !out.contains(&one) {
            out.push(one);
        }
    };
    for one in matches {
        match one {
            Match::Always => {}
            Match::All(parts) => parts.into_iter().for_each(&mut add),
            other => add(other),
        }
    }
    out
}

fn assemble(
    addresses: [Match; 2],
    conditions: impl ExactSizeIterator<Item = Match>,
    action: impl ExactSizeIterator<Item = Step>,
) -> Vec<Step> {
    let is_said = |m: &Match| *m != Match::Always;
    let said = addresses.iter().filter(|m| is_said(m)).count();
    let mut steps = Vec::with_capacity(said + conditions.len() + action.len());
    steps.extend(addresses.into_iter().filter(is_said).chain(conditions).map(Step::If));
    steps.extend(action);
    steps
}
