//! Chains, their rules, and the conditions of rules.

use super::{Effect, TranslatedSide, Verdict};
use crate::packet::{Family, Field, IfacePattern, IfaceSide, Ranges, Values};
use crate::ruleset::mentioned::Mentioned;
use crate::ruleset::source::Span;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

/// The number of a chain within its ruleset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainId(pub u32);

/// A list of rules.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The name as reports show it: `table/chain`, for example `filter/INPUT`.
    pub name: Arc<str>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// Where it is declared.
    pub span: Span,
}

/// The chains of a ruleset. Copies share them until one of them is changed, so that a thousand devices that have the same
/// rules hold them once.
#[derive(Clone, Debug, Default)]
pub struct Chains(Arc<Held>);

/// Chains, and what is known of them once somebody asked.
#[derive(Clone, Debug, Default)]
struct Held {
    list: Vec<Chain>,
    mentioned: OnceLock<Mentioned>,
}

impl Chains {
    /// Whether both are one list, and not only lists that say the same.
    pub fn is_shared_with(&self, other: &Chains) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What the rules name. It is looked up once for all who share the chains.
    pub(in crate::ruleset) fn mentioned(&self) -> &Mentioned {
        self.0.mentioned.get_or_init(|| Mentioned::by(&self.0.list))
    }

    /// A number that chains have in common if and only if they are one list; it means nothing beyond this run.
    pub fn identity(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

impl Deref for Chains {
    type Target = Vec<Chain>;

    fn deref(&self) -> &Vec<Chain> {
        &self.0.list
    }
}

impl DerefMut for Chains {
    fn deref_mut(&mut self) -> &mut Vec<Chain> {
        let held = Arc::make_mut(&mut self.0);
        held.mentioned = OnceLock::new();
        &mut held.list
    }
}

impl FromIterator<Chain> for Chains {
    fn from_iter<I: IntoIterator<Item = Chain>>(chains: I) -> Chains {
        Chains(Arc::new(Held { list: chains.into_iter().collect(), mentioned: OnceLock::new() }))
    }
}

impl<'a> IntoIterator for &'a Chains {
    type Item = &'a Chain;
    type IntoIter = std::slice::Iter<'a, Chain>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.list.iter()
    }
}

/// One rule: steps taken in order. Where a step says no, the next rule is tried; where the steps end without a
/// verdict, too.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The steps.
    pub steps: Vec<Step>,
    /// Where it stands, without counters and handles.
    pub span: Span,
}

/// One step of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Go on only where this matches.
    If(Match),
    /// Change something that later matches see.
    Set(Effect),
    /// Decide.
    Then(Verdict),
    /// Decide by the first entry that matches; where none does, the rule ends without a verdict (verdict map).
    Choose(Arc<[(Match, Verdict)]>),
}

/// A condition on a packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Match {
    /// True.
    Always,
    /// False.
    Never,
    /// Packets of this family (`inet` tables).
    Family(Family),
    /// The field has one of these values. A layer-4 field stands only behind a test of `Proto` that leaves
    /// protocols which have it; `Match::layer4` builds that.
    Field(Field, Values),
    /// The interface matches the pattern.
    Interface(IfaceSide, IfacePattern),
    /// The packet has an interface on this side: its class is not `none`.
    Present(IfaceSide),
    /// The packet is in a set of tuples.
    Lookup(Arc<Lookup>),
    /// A condition that no header field can express.
    Opaque(Opaque),
    /// The connection's source (`SNAT`) or destination (`DNAT`) has been translated to something else than it was
    /// (`nf_nat_setup_info`).
    Translated(TranslatedSide),
    /// All of them.
    All(Vec<Match>),
    /// At least one of them.
    Any(Vec<Match>),
    /// Not it.
    Not(Box<Match>),
}

/// A condition that no header field can express: a free boolean.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Opaque {
    /// The canonical name: `module: key value ...`, defaults filled in, units normalised.
    pub name: Arc<str>,
    /// Whether each rule has its own boolean (state, clock, chance), or the name alone decides (a pure function
    /// of the packet).
    pub kind: OpaqueKind,
}

/// Whether two evaluations of a condition for one packet must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OpaqueKind {
    /// A pure function of the packet: one boolean per name.
    Pure,
    /// State, clock or chance: one boolean per rule occurrence.
    PerRule,
}

/// A set of tuples, as ordered entries: the first entry that matches decides, none means no member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lookup {
    /// The set's name, for words; it carries no meaning.
    pub name: Arc<str>,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// One entry of a `Lookup`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// A conjunction over fields; a layer-4 field stands behind `Proto`.
    pub fields: Vec<(Field, Values)>,
    /// Interfaces beside them.
    pub interfaces: Vec<(IfaceSide, IfacePattern)>,
    /// Whether a packet that the entry matches is a member (`nomatch` entries are not).
    pub member: bool,
}

impl Rule {
    /// The chains that the rule calls or goes to, in the order in which they stand.
    pub fn callees(&self) -> Vec<ChainId> {
        let target = |v: &Verdict| match v {
            Verdict::Jump(c) | Verdict::Goto(c) => Some(*c),
            _ => None,
        };
        let of_step = |s: &Step| match s {
            Step::Then(v) => target(v).into_iter().collect::<Vec<_>>(),
            Step::Choose(entries) => entries.iter().filter_map(|(_, v)| target(v)).collect(),
            Step::If(_) | Step::Set(_) => Vec::new(),
        };
        self.steps.iter().flat_map(of_step).collect()
    }
}

impl Match {
    /// All of them, flattened; `Always` where there are none.
    pub fn all(matches: impl IntoIterator<Item = Match>) -> Match {
        let mut out = Vec::new();
        for one in matches {
            match one {
                Match::Always => {}
                Match::Never => return Match::Never,
                Match::All(inner) => out.extend(inner),
                other => out.push(other),
            }
        }
        // Rulesets hold one list a rule: what growing left over would be most of a large one's memory.
        out.shrink_to_fit();
        match out.len() {
            0 => Match::Always,
            1 => out.remove(0),
            _ => Match::All(out),
        }
    }

    /// At least one of them, flattened; `Never` where there are none.
    pub fn any(matches: impl IntoIterator<Item = Match>) -> Match {
        let mut out = Vec::new();
        for one in matches {
            match one {
                Match::Never => {}
                Match::Always => return Match::Always,
                Match::Any(inner) => out.extend(inner),
                other => out.push(other),
            }
        }
        match out.len() {
            0 => Match::Never,
            1 => out.remove(0),
            _ => Match::Any(out),
        }
    }

    /// This, or its opposite.
    pub fn negated_if(self, negate: Negate) -> Match {
        match negate {
            Negate::No => self,
            Negate::Yes => match self {
                Match::Always => Match::Never,
                Match::Never => Match::Always,
                Match::Not(inner) => *inner,
                other => Match::Not(Box::new(other)),
            },
        }
    }

    /// The field has one of the values in these ranges.
    pub fn ranges(field: Field, ranges: Ranges) -> Match {
        Match::Field(field, Values::Ranges(ranges))
    }

    /// The protocol is one of these.
    pub fn protocols(protocols: impl IntoIterator<Item = u8>) -> Match {
        Match::ranges(Field::Proto, Ranges::from_values(protocols.into_iter().map(u128::from)))
    }

    /// The packet has a layer-4 header of one of these protocols (it is no later fragment), and `inner` holds of
    /// it.
    pub fn layer4(protocols: &[u8], inner: Match) -> Match {
        let whole = Match::ranges(Field::Fragment, Ranges::range(0, 1));
        Match::all([Match::protocols(protocols.iter().copied()), whole, inner])
    }

    /// Conntrack knows the packet's connection: state new, established or related. Matches on connection
    /// properties fail without it, negated or not.
    pub fn tracked() -> Match {
        Match::ranges(Field::State, Ranges::range(0, 2))
    }
}

/// Whether a condition is written with `!`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negate {
    /// As written.
    No,
    /// The opposite.
    Yes,
}
