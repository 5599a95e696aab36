//! What only whole rules and whole rulesets can tell: layer-4 fields of packets that may lack them, translations
//! outside nat chains, whether conntrack is needed.

use super::chains::ReadChains;
use crate::document::Problems;
use crate::packet::{Field, Ranges, Values};
use crate::ruleset::{BaseKind, Effect, Lookup, Match, Rule, Step, Translation, Verdict};

/// Protocols with ports: TCP, UDP, DCCP, SCTP, UDP-Lite.
const PORTS: [u8; 5] = [6, 17, 33, 132, 136];

/// Reports every rule that tests a layer-4 field, or translates a port, of packets that may have none, and every
/// translation that another than a nat chain may come to.
pub fn check(read: &ReadChains, problems: &Problems) {
    let plain = reached_from_others(read);
    for ((chain, places), plain) in read.chains.iter().zip(&read.rules).zip(plain) {
        for (rule, place) in chain.rules.iter().zip(places) {
            if let Some(field) = unfounded(rule) {
                let help = "name the protocol before it, or write a `service` such as `tcp/443`";
                let message = format!("`{}` of packets whose protocol may not have it", field.name());
                problems.report(*place, message, help);
            }
            if plain && translates(rule) {
                let help = "translate in chains of the kind `nat`, and in those that only they call";
                problems.report(*place, "a translation that packets outside nat chains come to", help);
            }
        }
    }
}

/// Whether something looks at a connection: then conntrack runs.
pub fn needs_conntrack(read: &ReadChains) -> bool {
    let step = |s: &Step| match s {
        Step::If(m) => looks_at_connection(m),
        Step::Set(Effect::Untrack) => true,
        Step::Set(Effect::Mark { field, take, .. }) => *field == Field::ConnMark || *take != 0,
        Step::Set(Effect::Rewrite(field, _)) => *field == Field::ConnMark,
        Step::Then(_) => false,
        Step::Choose(entries) => entries.iter().any(|(m, _)| looks_at_connection(m)),
    };
    read.bases.iter().any(|b| b.kind == BaseKind::Nat)
        || read.chains.iter().flat_map(|c| &c.rules).flat_map(|r| &r.steps).any(step)
}

fn looks_at_connection(condition: &Match) -> bool {
    match condition {
        Match::Field(field, _) => matches!(field, Field::State | Field::ConnMark),
        Match::Translated(_) => true,
        Match::Lookup(l) => l.entries.iter().flat_map(|e| &e.fields).any(|(f, _)| *f == Field::State),
        Match::All(all) | Match::Any(all) => all.iter().any(looks_at_connection),
        Match::Not(inner) => looks_at_connection(inner),
        _ => false,
    }
}

/// For each chain, whether a base chain of another kind than nat leads to it.
fn reached_from_others(read: &ReadChains) -> Vec<bool> {
    let mut reached = vec![false; read.chains.len()];
    let mut open: Vec<usize> =
        read.bases.iter().filter(|b| b.kind != BaseKind::Nat).map(|b| b.chain.0 as usize - read.first).collect();
    while let Some(at) = open.pop() {
        if let Some(known) = reached.get_mut(at).filter(|known| !**known) {
            *known = true;
            let callees = read.chains.get(at).into_iter().flat_map(|c| &c.rules).flat_map(Rule::callees);
            open.extend(callees.map(|c| c.0 as usize - read.first));
        }
    }
    reached
}

fn verdicts(rule: &Rule) -> impl Iterator<Item = &Verdict> {
    rule.steps.iter().flat_map(|step| match step {
        Step::Then(verdict) => vec![verdict],
        Step::Choose(entries) => entries.iter().map(|(_, v)| v).collect(),
        _ => Vec::new(),
    })
}

fn translates(rule: &Rule) -> bool {
    verdicts(rule).any(|v| matches!(v, Verdict::Translate(_)))
}

/// A layer-4 field of the rule that stands behind no test of protocols that all have it.
fn unfounded(rule: &Rule) -> Option<Field> {
    let mut known = Protocols::all();
    for step in &rule.steps {
        let found = match step {
            Step::If(condition) => known.take(condition),
            Step::Set(_) => None,
            Step::Then(verdict) => known.lacks_of(verdict),
            Step::Choose(entries) => entries.iter().find_map(|(condition, verdict)| {
                let mut inner = known.clone();
                inner.take(condition).or_else(|| inner.lacks_of(verdict))
            }),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The protocols that packets can have at some point of a rule.
#[derive(Clone)]
struct Protocols(Ranges);

impl Protocols {
    fn all() -> Protocols {
        Protocols(Ranges::range(0, 255))
    }

    /// Goes on behind a condition; a field that it tests and packets may lack.
    fn take(&mut self, condition: &Match) -> Option<Field> {
        match condition {
            Match::Field(Field::Proto, Values::Ranges(protocols)) => {
                self.0 = self.0.intersect(protocols);
                None
            }
            Match::Field(field, _) => self.lacks(*field),
            Match::All(all) => all.iter().find_map(|m| self.take(m)),
            Match::Any(any) => {
                let mut left = Ranges::empty();
                let found = any.iter().find_map(|m| {
                    let mut branch = self.clone();
                    let found = branch.take(m);
                    left = left.union(&branch.0);
                    found
                });
                self.0 = left;
                found
            }
            Match::Not(inner) => self.clone().take(inner),
            Match::Lookup(lookup) => self.lacks_in(lookup),
            _ => None,
        }
    }

    fn lacks_in(&self, lookup: &Lookup) -> Option<Field> {
        lookup.entries.iter().find_map(|entry| {
            let mut known = self.clone();
            entry.fields.iter().find_map(|(field, values)| known.take(&Match::Field(*field, values.clone())))
        })
    }

    fn lacks_of(&self, verdict: &Verdict) -> Option<Field> {
        let Verdict::Translate(translation) = verdict else { return None };
        let Translation { sport, dport, .. } = &**translation;
        let set = [(Field::Sport, sport), (Field::Dport, dport)];
        set.into_iter().find_map(|(field, part)| part.as_ref().and_then(|_| self.lacks(field)))
    }

    /// The field, where a packet of these protocols may not have it.
    fn lacks(&self, field: Field) -> Option<Field> {
        let of = |protocols: &[u8]| Ranges::from_values(protocols.iter().map(|p| u128::from(*p)));
        let having = match field {
            Field::Sport | Field::Dport => of(&PORTS),
            Field::TcpFlags => of(&[6]),
            Field::IcmpType | Field::IcmpCode => of(&[1, 58]),
            _ => return None,
        };
        (!self.0.is_subset(&having)).then_some(field)
    }
}
