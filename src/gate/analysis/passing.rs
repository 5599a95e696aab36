//! States between both ends of a range: whatever the end is, a commit on the way to it could be pushed or approved by itself,
//! so that each must be as safe as the end.

use super::{BesideDevices, Case, Library, checked, contradictions, devices, estates, refuse_missing};
use crate::check::{CheckInput, Estate};
use crate::finding::{Finding, INTENT_ALREADY_MET, INTENT_NOT_MET, Severity};
use crate::gate::evidence::DeviceBytes;
use crate::gate::reason::Reason;
use std::collections::BTreeSet;

/// A state of the devices between both ends of a range.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// The devices where the commit left the history that is not the author's.
    pub from: &'a [DeviceBytes],
    /// The devices at the commit.
    pub to: &'a [DeviceBytes],
    /// What stands beside them there and here.
    pub around: BesideDevices<'a>,
}

impl<'a> Passing<'a> {
    /// The beginning alone, as if nothing had been done.
    fn begun(self) -> Passing<'a> {
        let around = BesideDevices { proposal: self.around.baseline, ..self.around };
        Passing { from: self.from, to: self.from, around }
    }
}

/// What makes a state between both ends of a change's range unsafe, in words: what the checks refuse in it and do not refuse
/// where it began. An intent that is not reached yet is no fault of a state on the way. `None` where it is safe.
pub fn unsafe_passing(case: &Case<'_>, passing: Passing<'_>, library: &mut Library) -> Option<String> {
    let own = errors(case, passing, library);
    let origin = errors(case, passing.begun(), library).unwrap_or_default();
    match own {
        Err(words) => Some(words),
        Ok(own) => own.difference(&origin).next().cloned(),
    }
}

/// What the checks refuse, in words without witnesses, so that two states can be compared.
fn errors(case: &Case<'_>, passing: Passing<'_>, library: &mut Library) -> Result<BTreeSet<String>, String> {
    let unread = |reasons: Vec<Reason>| {
        let first = reasons.into_iter().next().map(|reason| reason.message);
        first.unwrap_or_else(|| "it cannot be judged".to_owned())
    };
    let (mut old, mut new) = estates(case.policy, &passing.around).map_err(unread)?;
    // A range may begin before there was an inventory; one that is taken away proves nothing.
    if old.inventory.is_some() {
        refuse_missing(case.policy, &new).map_err(unread)?;
    }
    let before = library.side(passing.from, old.inventory.as_ref()).map_err(unread)?;
    let after = library.side(passing.to, new.inventory.as_ref()).map_err(unread)?;
    (old.contradictions, new.contradictions) = (contradictions(&before), contradictions(&after));
    let (baseline, proposed) = (devices(&before), devices(&after));
    let is_same = passing.from == passing.to;
    let input = CheckInput {
        baseline: &baseline,
        proposed: &proposed,
        policy: case.policy,
        change: Some(case.request).filter(|_| !is_same),
        bounds: case.bounds,
        today: case.today,
        estate: Estate {
            baseline: old.known(),
            proposed: new.known(),
            now: passing.around.now,
            goes: passing.around.goes,
        },
    };
    let report = checked(&input).map_err(unread)?;
    Ok(report.findings.iter().filter(|f| counts(f)).map(words).collect())
}

/// Whether a finding is one of the state itself, and refuses.
fn counts(finding: &Finding) -> bool {
    let later = [INTENT_NOT_MET.id, INTENT_ALREADY_MET.id];
    finding.severity >= Severity::Error && !later.contains(&finding.code.id)
}

fn words(finding: &Finding) -> String {
    let mut out = format!("{} {}", finding.code.id, finding.code.name);
    if let Some(requirement) = &finding.requirement {
        out += &format!(" `{requirement}`");
    }
    let place = [finding.device.clone(), finding.hook.map(|h| h.name().to_owned()), finding.filter.clone()];
    let place: Vec<String> = place.into_iter().flatten().collect();
    if place.is_empty() { out } else { format!("{out} ({})", place.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{device, policy, request};
    use super::*;
    use crate::diff::Bounds;
    use crate::policy::Date;

    const INTENT: &str = "[[intent]]\neffect = \"opened\"\nfrom = [\"any\"]\nto = [\"10.1.0.0/24\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\n";
    const DECLARED: &str = "-A FORWARD -d 10.1.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n";
    const ALL: &str = "-A FORWARD -j ACCEPT\n";

    fn judged(from: &str, to: &str) -> Option<String> {
        let policy = policy("");
        let (request, canonical) = request(INTENT, &policy);
        let (from, to) = ([device("edge1", from)], [device("edge1", to)]);
        let case = Case {
            repository: "example/firewalls",
            baseline: &[],
            proposal: &[],
            base: &[],
            policy: &policy,
            request: &request,
            canonical_request: &canonical,
            bounds: Bounds::default(),
            today: Date { year: 2026, month: 12, day: 1 },
        };
        let around = BesideDevices::default();
        unsafe_passing(&case, Passing { from: &from, to: &to, around }, &mut Library::default())
    }

    #[test]
    fn a_state_on_the_way_is_judged_as_the_end_is() {
        assert_eq!(judged("", DECLARED), None, "what is declared");
        assert_eq!(judged("", "-A FORWARD -j LOG\n"), None, "nothing yet of what is declared");
        let words = judged("", &format!("{DECLARED}{ALL}")).unwrap_or_default();
        assert!(words.starts_with("FW201 effect-outside-intent"), "{words}");
        assert!(judged("", "-A FORWARD --frobnicate\n").is_some(), "what nobody can read is not safe");
        assert_eq!(judged(ALL, &format!("-A FORWARD -j LOG\n{ALL}")), None, "what was so before is not of the author");
    }
}
