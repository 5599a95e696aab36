//! What stood against a change at an instant that is over, as far as signed records and receipts tell it: for audits, which
//! have no trees and no neighbours any more.

use super::super::decision::Decision;
use super::super::quorum::{Bench, Counted, Parties};
use super::super::reason::Reason;
use super::super::terms::terms;
use super::{Dossier, Found, no_terms, staging, urgent};
use crate::policy::{ChangeClass, Policy};

/// What records came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The approvals that filled the quorum.
    pub counted: Vec<Counted>,
    /// What stood against it: open places, receipts that are missing, rejections and holds.
    pub reasons: Vec<Reason>,
    /// What was noticed.
    pub notes: Vec<String>,
}

/// Judges voices, staging and stops of a dossier by a policy and the class that the log names. Calendar, neighbours and the
/// effect itself are not judged again. The quorum is that of the class: what an effect adds to it needs the effect.
pub fn judge_past(case: &Dossier<'_>, policy: &Policy, class: ChangeClass, template: Option<&str>) -> Past {
    let template = template.and_then(|name| policy.templates.iter().find(|t| t.id.value == name));
    let Some(terms) = terms(policy, class, template) else {
        return Past { reasons: vec![no_terms(class)], ..Past::default() };
    };
    let parties = Parties::of(case, policy);
    let bench = Bench::new(case, policy, &terms, &parties);
    let mut found = Found { count: bench.count(), ..Found::default() };
    found.staging = staging::judge(&bench);
    if class == ChangeClass::Emergency {
        urgent::judge(&bench, &mut found);
    }
    found.stop(&bench);
    let Decision { reasons, notes, counted, .. } = super::state::conclude(&bench, found);
    Past { counted, reasons, notes }
}
