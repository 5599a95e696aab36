//! Windows Defender Firewall: registry exports, group policy files, PowerShell's objects as JSON, and the text of
//! `netsh advfirewall`.
//!
//! Each form has a folder with a table of its names; `form` is what all of them fill in, `rule` what a rule means,
//! `policy` how the stores of one machine merge, and `lower` the order in which Windows decides. `support` writes the
//! documentation out of the same tables.
//!
//! Sources: [MS-GPFAS] for rule strings and registry keys, [MS-FASP] for their meaning, [MS-GPREG] for the group
//! policy file, Microsoft Learn for the cmdlets.

mod form;
mod keywords;
mod lower;
mod mentions;
mod netsh;
mod policy;
mod powershell;
mod registry;
mod rule;
mod support;
mod values;

pub use mentions::mentions;
pub use registry::listing;
pub use support::support_table;

use super::{Dialect, Draft, Problem, ReadOptions, Text};
use crate::ruleset::Span;
use policy::Policy;

/// The registry line.
pub const DIALECT: Dialect = Dialect {
    name: "windows",
    also: &["wdf"],
    reads: "firewall keys out of .reg and registry.pol, contrib/Export-FirewallRules.ps1, netsh advfirewall",
    recognises: |text| registry::recognises(text) || powershell::recognises(text) || netsh::recognises(text),
    read,
};

fn read(texts: &[Text], _: &ReadOptions, draft: &mut Draft) {
    let policy = policy_of(texts, draft);
    if policy.is_empty() && draft.is_clean() {
        let start = texts.first().map_or_else(Span::default, Text::start);
        let help = "an empty policy would be Windows' own defaults; give the export that holds the machine's rules";
        draft.refuse(Problem::new(start, "no firewall rule and no profile setting was read").help(help));
    }
    lower::lower(&policy, draft);
}

/// What the texts of one machine say together.
fn policy_of(texts: &[Text], draft: &mut Draft) -> Policy {
    let mut policy = Policy::default();
    let mut objects = powershell::Objects::default();
    let mut registry = registry::Reading::default();
    for text in texts {
        if registry::recognises(&text.text) {
            registry.add(text, draft);
        } else if powershell::recognises(&text.text) {
            objects.add(text, draft);
        } else {
            netsh::read(text, &mut policy, draft);
        }
    }
    registry.finish(&mut policy, draft);
    objects.finish(&mut policy, draft);
    policy
}
