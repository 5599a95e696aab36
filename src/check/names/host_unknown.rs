//! FW706: hosts of the policy that the zones do not know.

use crate::check::CheckInput;
use crate::check::estate::EstateCheck;
use crate::finding::{Finding, HOST_UNKNOWN, Location};
use crate::names::Name;

/// The registry line.
pub(super) const CHECK: EstateCheck = EstateCheck { codes: &[&HOST_UNKNOWN], run };

fn run(input: &CheckInput<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    for rule in input.policy.requirements.iter().chain(&input.policy.prohibitions) {
        for host in rule.hosts() {
            let Some(why) = complaint(input, host) else { continue };
            let location = Location::of(rule.span, &input.policy.sources).first_line();
            let message = format!("`{}` names the host `{host}`, which has no address in the proposal: {why}", rule.id);
            let help = "correct the name, or its zone; aliases are followed through all zones at hand";
            out.push(Finding::at(&HOST_UNKNOWN, location, message).of_requirement(&rule.id).helped_by(help));
        }
    }
    out
}

fn complaint(input: &CheckInput<'_>, host: &Name) -> Option<String> {
    match input.estate.proposed.zones.filter(|z| !z.is_empty()) {
        None => Some("there are no zones".to_owned()),
        Some(zones) => zones.addresses(host).complaint(),
    }
}
