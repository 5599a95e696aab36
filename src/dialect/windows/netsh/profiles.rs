//! Settings of a profile in the text of `netsh advfirewall show allprofiles`.

use super::{Line, is_end};
use crate::dialect::windows::policy::{Policy, Store, Switch};
use crate::dialect::windows::rule::PROFILES;
use crate::dialect::{Draft, Problem, nearest};

/// The profile whose settings a line begins, as a value of `Field::Profile`.
pub fn heading(line: &Line<'_>) -> Option<usize> {
    let name = line.text.strip_suffix("Profile Settings:")?.trim();
    PROFILES.iter().position(|p| p.eq_ignore_ascii_case(name))
}

/// The lines of one profile.
pub struct ProfileText<'t> {
    /// The profile.
    pub profile: usize,
    /// The lines below its heading.
    pub lines: &'t [Line<'t>],
}

/// Lines that say nothing about packets.
const SILENT: &[&str] = &[
    "LocalConSecRules",
    "InboundUserNotification",
    "RemoteManagement",
    "UnicastResponseToMulticast",
    "Logging:",
    "LogAllowedConnections",
    "LogDroppedConnections",
    "FileName",
    "MaxFileSize",
];

const KNOWN: &[&str] = &["State", "Firewall Policy", "LocalFirewallRules"];

impl ProfileText<'_> {
    /// Reads the settings.
    pub fn read(&self, policy: &mut Policy, draft: &mut Draft) {
        for line in self.lines.iter().filter(|l| !is_end(l)) {
            let (name, value) = line.text.split_once("  ").map_or((line.text, ""), |(n, v)| (n.trim(), v.trim()));
            let switches = match name {
                "State" => state(value),
                "Firewall Policy" => defaults(value),
                "LocalFirewallRules" => local_rules(value),
                _ if SILENT.contains(&name) => Some(Vec::new()),
                _ => {
                    let near = nearest(name, KNOWN.iter().copied()).map(|n| format!("did you mean `{n}`?"));
                    draft.refuse(Problem::new(line.span, format!("unknown line `{name}` of a profile")).help_if(near));
                    continue;
                }
            };
            match switches {
                Some(switches) => switches.into_iter().for_each(|(store, switch, on)| {
                    policy.set(store, self.profile, switch, on, line.span, draft);
                }),
                None => draft.refuse(Problem::new(line.span, format!("`{value}` is no value of `{name}`"))),
            }
        }
    }
}

type Switches = Vec<(Store, Switch, bool)>;

fn state(value: &str) -> Option<Switches> {
    match value {
        "ON" => Some(vec![(Store::Local, Switch::Enabled, true)]),
        "OFF" => Some(vec![(Store::Local, Switch::Enabled, false)]),
        "NotConfigured" => Some(Vec::new()),
        _ => None,
    }
}

/// `BlockInbound,AllowOutbound`; `BlockInboundAlways` ignores the rules.
fn defaults(value: &str) -> Option<Switches> {
    let (inbound, outbound) = value.split_once(',')?;
    let mut out = Vec::new();
    match inbound.trim() {
        "BlockInbound" => out.push((Store::Local, Switch::InboundBlocks, true)),
        "BlockInboundAlways" => out.push((Store::Local, Switch::Shielded, true)),
        "AllowInbound" => out.push((Store::Local, Switch::InboundBlocks, false)),
        "NotConfigured" => {}
        _ => return None,
    }
    match outbound.trim() {
        "BlockOutbound" => out.push((Store::Local, Switch::OutboundBlocks, true)),
        "AllowOutbound" => out.push((Store::Local, Switch::OutboundBlocks, false)),
        "NotConfigured" => {}
        _ => return None,
    }
    Some(out)
}

/// The answer is group policy's; the local store has none.
fn local_rules(value: &str) -> Option<Switches> {
    match value {
        "Enable" => Some(vec![(Store::Group, Switch::LocalRules, true)]),
        "Disable" => Some(vec![(Store::Group, Switch::LocalRules, false)]),
        _ if value.starts_with("N/A") || value == "NotConfigured" => Some(Vec::new()),
        _ => None,
    }
}
