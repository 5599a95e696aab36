//! What a policy concedes about findings: severities that differ, and waivers until their last day. A waived
//! finding is not hidden; it stays listed as a note that says who tolerates it and until when.

use super::CheckInput;
use super::report::{WaiverState, WaiverUse};
use super::scene::Pair;
use crate::finding::{Finding, Location, Severity, Standing, Waived};
use crate::policy::{Policy, Waiver};

/// Gives every finding the weight that the policy says.
pub(super) fn weigh(policy: &Policy, findings: &mut [Finding]) {
    for finding in findings {
        let said = policy.severity_of(finding.code);
        // A finding that a check has made milder than its kind stays so.
        finding.severity = if finding.severity == finding.code.severity { said } else { said.min(finding.severity) };
    }
}

/// Marks the findings that waivers tolerate today, and says what became of each waiver.
pub(super) fn waive(input: &CheckInput<'_>, pairs: &[Pair<'_>], findings: &mut [Finding]) -> Vec<WaiverUse> {
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
    uses.collect()
}

fn covers(waiver: &Waiver, finding: &Finding, pairs: &[Pair<'_>]) -> bool {
    let device = finding.device.as_deref().map(|name| {
        let roles = pairs.iter().find(|p| p.name == name).map_or(&[][..], |p| &p.roles);
        (name, roles)
    });
    finding.code.standing == Standing::Adjustable && waiver.covers(finding.code, finding.requirement.as_deref(), device)
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
