//! What a policy concedes about findings: severities that differ, and waivers until their last day. A waived
//! finding is not hidden; it stays listed as a note that says who tolerates it and until when. A waiver that is over, or
//! that has nothing to tolerate, is a finding itself.

use super::CheckInput;
use super::report::{WaiverState, WaiverUse};
use super::scene::Pair;
use crate::finding::{Code, Finding, Location, Severity, WAIVER_EXPIRED, WAIVER_UNUSED, Waived};
use crate::policy::{Policy, Waiver};

/// The codes of findings about waivers.
pub(super) const CODES: &[&Code] = &[&WAIVER_EXPIRED, &WAIVER_UNUSED];

/// Gives every finding the weight that the policy says.
pub(super) fn weigh(policy: &Policy, findings: &mut [Finding]) {
    for finding in findings {
        let said = policy.severity_of(finding.code);
        // A finding that a check has made milder than its kind stays so.
        finding.severity = if finding.severity == finding.code.severity { said } else { said.min(finding.severity) };
    }
}

/// Marks the findings that waivers tolerate today, and says what became of each waiver.
pub(super) fn waive(input: &CheckInput<'_>, pairs: &[Pair<'_>], findings: &mut Vec<Finding>) -> Vec<WaiverUse> {
    let uses = input.policy.waivers.iter().map(|waiver| {
        let is_over = waiver.expires < input.today;
        let mut count = 0;
        for finding in findings.iter_mut().filter(|f| covers(waiver, f, pairs)) {
            count += 1;
            if !is_over && finding.waived.is_none() {
                tolerate(finding, waiver);
            }
        }
        let state = match (count, is_over) {
            (0, _) => WaiverState::Unused,
            (count, true) => WaiverState::Expired(count),
            (count, false) => WaiverState::Used(count),
        };
        WaiverUse { location: Location::of(waiver.span, &input.policy.sources).first_line(), state }
    });
    let uses: Vec<WaiverUse> = uses.collect();
    findings.extend(input.policy.waivers.iter().zip(&uses).filter_map(|(w, used)| stale(input, w, used)));
    uses
}

/// The finding about a waiver that is over or has nothing to tolerate.
fn stale(input: &CheckInput<'_>, waiver: &Waiver, used: &WaiverUse) -> Option<Finding> {
    let (code, owner) = (waiver.code.name, &waiver.owner);
    let over = waiver.expires < input.today;
    let (kind, message, help) = match used.state {
        WaiverState::Used(_) => return None,
        WaiverState::Unused if !over && waiver.code.is_about_one_change() => return None,
        WaiverState::Unused if !over => (
            &WAIVER_UNUSED,
            format!("the waiver of `{code}` has nothing left to tolerate"),
            format!("take it out, or correct its selectors; `{owner}` answers for it"),
        ),
        WaiverState::Unused => (
            &WAIVER_EXPIRED,
            format!("the last day of the waiver of `{code}` was {}, and nothing needs it", waiver.expires),
            format!("take it out; `{owner}` answers for it"),
        ),
        WaiverState::Expired(n) => {
            let findings = if n == 1 { "1 finding weighs".to_owned() } else { format!("{n} findings weigh") };
            let message = format!("the last day of the waiver of `{code}` was {}: {findings} again", waiver.expires);
            let help = format!("mend what it tolerated, or have a new last day approved; `{owner}` answers for it");
            (&WAIVER_EXPIRED, message, help)
        }
    };
    let finding = Finding::at(kind, used.location.clone(), message).helped_by(help);
    Some(Finding { severity: input.policy.severity_of(kind), ..finding })
}

fn covers(waiver: &Waiver, finding: &Finding, pairs: &[Pair<'_>]) -> bool {
    let device = finding.device.as_deref().map(|name| {
        let roles = pairs.iter().find(|p| p.name == name).map_or(&[][..], |p| &p.roles);
        (name, roles)
    });
    finding.code.is_excusable() && waiver.covers(finding.code, finding.requirement.as_deref(), device)
}

fn tolerate(finding: &mut Finding, waiver: &Waiver) {
    finding.waived = Some(Waived {
        severity: finding.severity,
        reason: waiver.reason.clone(),
        owner: waiver.owner.clone(),
        expires: waiver.expires.to_string(),
    });
    finding.severity = Severity::Note;
}
