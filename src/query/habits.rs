//! What careful people keep out of a ruleset: filters that let everything else in, stateful filters that forget
//! the answers, and conditions that nobody can name.

use crate::packet::{Cell, Family, Field, IfacePattern, Ranges, State, Values};
use crate::ruleset::{
    BaseKind, Decision, Explored, Hook, Identities, Leaf, NfHook, OpaqueKind, Place, Program, Ruleset, Side, Space,
    Verdict, Walker, explore,
};
use rustc_hash::FxHashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Most cells visited for one question.
const CELLS: u64 = 200_000;

/// A base chain that accepts what no rule decides, and is reached by such packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenPolicy {
    /// Index in `Ruleset::bases`.
    pub base: u32,
    /// The hook: input or forward.
    pub hook: Hook,
    /// The first family whose packets come to the policy.
    pub family: Family,
}

/// The filters of input and forward whose policy lets packets pass that no rule has decided. Only the filter that
/// people mean by the hook's name is asked for: mangle and raw accept by design.
pub fn open_policies(ruleset: &Ruleset) -> Vec<OpenPolicy> {
    let mut out: Vec<OpenPolicy> = Vec::new();
    for (hook, nf) in [(Hook::Input, NfHook::Input), (Hook::Forward, NfHook::Forward)] {
        for family in families(ruleset) {
            let path = ruleset.path(hook, family);
            let filters = || path.iter().filter(|b| b.hook == nf && b.kind == BaseKind::Filter);
            let named = filters().any(|b| b.principal);
            let judged: Vec<u32> = filters()
                .filter(|b| (b.principal || !named) && b.policy == Verdict::Accept)
                .filter_map(|b| ruleset.bases.iter().position(|own| std::ptr::eq(own, *b)))
                .map(|at| at as u32)
                .collect();
            for base in judged {
                if !out.iter().any(|o| o.base == base) && comes_to_policy(ruleset, hook, family, base) {
                    out.push(OpenPolicy { base, hook, family });
                }
            }
        }
    }
    out
}

/// Whether some packet of ordinary interfaces passes the base chain undecided. Where the bound is reached: yes,
/// because then the policy is not what closes the filter.
fn comes_to_policy(ruleset: &Ruleset, hook: Hook, family: Family, base: u32) -> bool {
    asking(ruleset, hook, family, |space, program| {
        let stages = program.stages.iter().filter(|s| s.base == base).map(Some).collect();
        let walker = Walker { space, program, stages };
        let undecided = |leaf: &Leaf| leaf.place == Place::Policy(base);
        ordinary(space).is_some_and(|cell| !matches!(first(&walker, cell, undecided), First::None))
    })
}

/// A filter that lets conversations begin and never lets their later packets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgottenReplies {
    /// Where the first packet passes.
    pub hook: Hook,
    /// Of which family.
    pub family: Family,
    /// The rule or policy that accepts it.
    pub begins: Place,
    /// Where no packet of an established connection passes.
    pub blocked_at: Hook,
}

/// Hooks at which new connections are accepted and whose own or reverse direction accepts no established one,
/// apart from the loopback interface.
pub fn forgotten_replies(ruleset: &Ruleset) -> Vec<ForgottenReplies> {
    let mut out = Vec::new();
    for family in families(ruleset) {
        let never: Vec<Hook> = hooks(ruleset)
            .filter(|hook| matches!(accepted(ruleset, *hook, family, State::Established), First::None))
            .collect();
        for hook in hooks(ruleset).filter(|_| !never.is_empty()) {
            let Some(blocked_at) = [hook, hook.reverse()].into_iter().find(|h| never.contains(h)) else { continue };
            if let First::At(begins) = accepted(ruleset, hook, family, State::New) {
                out.push(ForgottenReplies { hook, family, begins, blocked_at });
            }
        }
    }
    out
}

/// What accepts some packet of this state, on other interfaces than the loopback.
fn accepted(ruleset: &Ruleset, hook: Hook, family: Family, state: State) -> First {
    asking(ruleset, hook, family, |space, program| {
        let states = Values::Ranges(Ranges::one(state.value()));
        let cell = ordinary(space).and_then(|c| c.meet(Field::State, &states, family));
        let passes = |leaf: &Leaf| leaf.outcome.decision == Decision::Accept;
        cell.map_or(First::None, |cell| first(&Walker::new(space, program), cell, passes))
    })
}

enum First {
    At(Place),
    None,
    Bounded,
}

/// The place of the first end that is wanted.
fn first(walker: &Walker<'_>, cell: Cell, wanted: impl Fn(&Leaf) -> bool) -> First {
    let mut found = First::None;
    let explored = explore(walker, cell, CELLS, |_, leaf| {
        if wanted(leaf) {
            found = First::At(leaf.place);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    if explored == Explored::Bounded { First::Bounded } else { found }
}

fn asking<R>(ruleset: &Ruleset, hook: Hook, family: Family, ask: impl FnOnce(&Space, &Program<'_>) -> R) -> R {
    let space = Space::new(hook, family, &[ruleset], &[], FxHashMap::default());
    let program = Program::new(ruleset, Side::Old, &space, &mut Identities::default());
    ask(&space, &program)
}

/// Every packet on other interfaces than the loopback.
fn ordinary(space: &Space) -> Option<Cell> {
    let loopback = space.interfaces.matching(&IfacePattern::exact("lo"));
    let others = Values::Ranges(space.interfaces.all().subtract(&loopback));
    let cell = space.possible().meet(Field::Iif, &others, space.family)?;
    cell.meet(Field::Oif, &others, space.family)
}

fn families(ruleset: &Ruleset) -> impl Iterator<Item = Family> {
    let given = ruleset.families;
    Family::ALL.into_iter().filter(move |f| given.contains(*f))
}

fn hooks(ruleset: &Ruleset) -> impl Iterator<Item = Hook> {
    Hook::of(&[ruleset]).into_iter().filter(|h| !ruleset.missing_hooks.contains(h))
}

/// An opaque condition and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionUse {
    /// The canonical name, with its number where each rule has its own.
    pub name: Arc<str>,
    /// Whether each rule has its own.
    pub kind: OpaqueKind,
    /// The rules that ask it, in order.
    pub places: Vec<Place>,
}

/// Every opaque condition of the ruleset, in the order in which they first stand, by the names that traces and
/// comparisons use.
pub fn conditions(ruleset: &Ruleset) -> Vec<ConditionUse> {
    let space = Space::new(Hook::Forward, Family::V4, &[ruleset], &[], FxHashMap::default());
    let mut out: Vec<ConditionUse> = Vec::new();
    let mut known: FxHashMap<Arc<str>, usize> = FxHashMap::default();
    for (place, rule) in ruleset.rules() {
        for opaque in rule.opaques() {
            let name = space.cond_name(space.cond(Side::Old, place, opaque));
            let at = *known.entry(name.clone()).or_insert_with(|| {
                out.push(ConditionUse { name, kind: opaque.kind, places: Vec::new() });
                out.len() - 1
            });
            if let Some(listed) = out.get_mut(at)
                && listed.places.last() != Some(&place)
            {
                listed.places.push(place);
            }
        }
    }
    out
}
