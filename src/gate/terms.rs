//! What one class of change needs, every gap of the policy filled: by `[class.normal]`, then by a default.

use super::matching::{Seat, seats};
use crate::policy::{ChangeClass, ClassRule, Policy, Quorum, Solo, Staging, Template};
use std::collections::BTreeSet;
use std::time::Duration;

const DAY: u64 = 86_400;
/// How long an approval counts where policy does not say.
const APPROVAL_LIFETIME: Duration = Duration::from_secs(14 * DAY);
/// How long a permit can be spent where policy does not say.
const PERMIT_LIFETIME: Duration = Duration::from_secs(7200);
/// When the review of an emergency is due where policy does not say.
const REVIEW_DUE: Duration = Duration::from_secs(3 * DAY);

/// What a class of change needs.
#[derive(Clone, Debug)]
pub struct ClassTerms<'a> {
    /// The class.
    pub class: ChangeClass,
    quorum: &'a [Quorum],
    rule: Option<&'a ClassRule>,
    /// How it is staged.
    pub staging: Staging,
    /// Shortest time between announcement and window.
    pub lead_time: Duration,
    /// How long an approval counts from its first witness.
    pub approval_lifetime: Duration,
    /// How long a permit can be spent.
    pub permit_lifetime: Duration,
    /// Whether approvals survive a rebase that keeps the meaning.
    pub carry_over: bool,
    /// When the review of an emergency is due after it was applied.
    pub review_due: Duration,
    /// What one person may do alone.
    pub solo: Option<&'a Solo>,
}

/// The terms of a class; `None` where the policy has none, so that no such change may go. `template` is that of a standard change.
pub fn terms<'a>(policy: &'a Policy, class: ChangeClass, template: Option<&'a Template>) -> Option<ClassTerms<'a>> {
    let of = |class| policy.classes.iter().find(|c| c.class == class);
    let own = of(class);
    let fallback = if class == ChangeClass::Emergency { None } else { of(ChangeClass::Normal) };
    let rule = own.or(fallback);
    let quorum = match class {
        ChangeClass::Standard => template?.quorum.as_slice(),
        _ => rule?.quorum.as_slice(),
    };
    let is_urgent = class == ChangeClass::Emergency;
    let given = |get: fn(&ClassRule) -> Option<Duration>| own.and_then(get).or(fallback.and_then(get));
    Some(ClassTerms {
        class,
        quorum,
        rule,
        staging: match is_urgent {
            true => Staging::None,
            false => own.and_then(|c| c.staging).or(fallback.and_then(|c| c.staging)).unwrap_or(Staging::Namespace),
        },
        lead_time: if is_urgent { Duration::ZERO } else { given(|c| c.lead_time).unwrap_or_default() },
        approval_lifetime: given(|c| c.approval_lifetime).unwrap_or(APPROVAL_LIFETIME),
        permit_lifetime: given(|c| c.permit_lifetime).unwrap_or(PERMIT_LIFETIME),
        carry_over: own.and_then(|c| c.carry_over).or(fallback.and_then(|c| c.carry_over)).unwrap_or(false),
        review_due: given(|c| c.review_due).unwrap_or(REVIEW_DUE),
        solo: own.and_then(|c| c.solo.as_ref()),
    })
}

impl<'a> ClassTerms<'a> {
    /// The quorums that an effect asks for: that of the class, and those under `also` that it meets. Codes are ids of
    /// findings, ranges named ranges that the effect touches.
    pub fn quorums(&self, codes: &BTreeSet<&str>, ranges: &BTreeSet<String>) -> Vec<&'a [Quorum]> {
        let also = self.rule.map(|r| r.also.as_slice()).unwrap_or_default();
        let meets = |a: &&'a crate::policy::AlsoQuorum| {
            a.when.is_some_and(|code| codes.contains(code.id)) || a.touches.iter().any(|r| ranges.contains(&r.value))
        };
        std::iter::once(self.quorum).chain(also.iter().filter(meets).map(|a| a.quorum.as_slice())).collect()
    }

    /// Every quorum that some effect can ask for, each with the class's own.
    pub fn all_quorums(&self) -> Vec<Vec<&'a [Quorum]>> {
        let also = self.rule.map(|r| r.also.as_slice()).unwrap_or_default();
        let every: Vec<&'a [Quorum]> =
            std::iter::once(self.quorum).chain(also.iter().map(|a| a.quorum.as_slice())).collect();
        vec![vec![self.quorum], every]
    }

    /// The seats of some quorums; one more, of any of their roles, where nothing is staged and policy says so in writing.
    pub fn seats(&self, quorums: &[&[Quorum]]) -> Vec<Seat> {
        let mut out = seats(quorums.iter().copied());
        let is_bare =
            self.staging == Staging::None && self.class != ChangeClass::Emergency && self.class != ChangeClass::Policy;
        let any: Seat = out.iter().flatten().cloned().collect();
        out.extend((is_bare && !any.is_empty()).then_some(any));
        out
    }

    /// Whether a vetting receipt is demanded.
    pub fn is_vetted(&self) -> bool {
        self.staging != Staging::None && self.class != ChangeClass::Policy
    }
}
