//! Where packets are judged: the hooks that users name, those of netfilter, and the families.

use super::Ruleset;
use crate::packet::{Family, IfaceSide};
use std::fmt;

/// Where a packet is judged, as users name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// To this host.
    Input,
    /// Through this host.
    Forward,
    /// From this host.
    Output,
    /// Out of a bridge to this host.
    BridgeInput,
    /// From one port of a bridge to another.
    BridgeForward,
    /// From this host into a bridge.
    BridgeOutput,
    /// ARP to this host; the addresses are those of ARP's sender and target.
    ArpInput,
    /// ARP from this host.
    ArpOutput,
}

impl Hook {
    /// The hooks of IP packets that every device has, in the order of reports.
    pub const ALL: [Hook; 3] = [Hook::Input, Hook::Forward, Hook::Output];

    /// The hooks below IP: they are spoken of only where a ruleset has chains there.
    pub const BELOW_IP: [Hook; 5] =
        [Hook::BridgeInput, Hook::BridgeForward, Hook::BridgeOutput, Hook::ArpInput, Hook::ArpOutput];

    /// The hook's name in arguments and reports: `input`, `bridge-input`, ...
    pub fn name(self) -> &'static str {
        match self {
            Hook::Input => "input",
            Hook::Forward => "forward",
            Hook::Output => "output",
            Hook::BridgeInput => "bridge-input",
            Hook::BridgeForward => "bridge-forward",
            Hook::BridgeOutput => "bridge-output",
            Hook::ArpInput => "arp-input",
            Hook::ArpOutput => "arp-output",
        }
    }

    /// The hook of this name.
    pub fn by_name(name: &str) -> Option<Hook> {
        Hook::ALL.into_iter().chain(Hook::BELOW_IP).find(|h| h.name() == name)
    }

    /// The hooks at which any of these rulesets can judge: those of IP packets, and those below IP that have a chain.
    pub fn of(rulesets: &[&Ruleset]) -> Vec<Hook> {
        let has_chain = |hook: &Hook| {
            let own = hook.netfilter();
            rulesets.iter().flat_map(|r| &r.bases).any(|b| b.hook.is_below_ip() && own.contains(&b.hook))
        };
        Hook::ALL.into_iter().chain(Hook::BELOW_IP.into_iter().filter(has_chain)).collect()
    }

    /// The Ethernet type of frames that hold packets of the hook; `None` in a bridge, where others pass, too.
    pub fn ether_type(self, family: Family) -> Option<u128> {
        match (self, family) {
            (Hook::ArpInput | Hook::ArpOutput, _) => Some(0x0806),
            (Hook::BridgeInput | Hook::BridgeForward | Hook::BridgeOutput, _) => None,
            (_, Family::V4) => Some(0x0800),
            (_, Family::V6) => Some(0x86dd),
        }
    }

    /// The interface that packets of the hook do not have.
    pub fn lacks(self) -> Option<IfaceSide> {
        match self {
            Hook::Input | Hook::BridgeInput | Hook::ArpInput => Some(IfaceSide::Out),
            Hook::Output | Hook::BridgeOutput | Hook::ArpOutput => Some(IfaceSide::In),
            Hook::Forward | Hook::BridgeForward => None,
        }
    }

    /// The hook at which the other direction of a conversation is judged.
    pub fn reverse(self) -> Hook {
        match self {
            Hook::Input => Hook::Output,
            Hook::Output => Hook::Input,
            Hook::Forward => Hook::Forward,
            Hook::BridgeInput => Hook::BridgeOutput,
            Hook::BridgeOutput => Hook::BridgeInput,
            Hook::BridgeForward => Hook::BridgeForward,
            Hook::ArpInput => Hook::ArpOutput,
            Hook::ArpOutput => Hook::ArpInput,
        }
    }

    /// The netfilter hooks on the way, in order.
    pub fn netfilter(self) -> &'static [NfHook] {
        match self {
            Hook::Input => &[NfHook::Ingress, NfHook::Prerouting, NfHook::Input],
            Hook::Forward => {
                &[NfHook::Ingress, NfHook::Prerouting, NfHook::Forward, NfHook::Postrouting, NfHook::Egress]
            }
            Hook::Output => &[NfHook::Output, NfHook::Postrouting, NfHook::Egress],
            Hook::BridgeInput => &[NfHook::BridgePrerouting, NfHook::BridgeInput],
            Hook::BridgeForward => &[NfHook::BridgePrerouting, NfHook::BridgeForward, NfHook::BridgePostrouting],
            Hook::BridgeOutput => &[NfHook::BridgeOutput, NfHook::BridgePostrouting],
            Hook::ArpInput => &[NfHook::ArpIngress, NfHook::ArpInput],
            Hook::ArpOutput => &[NfHook::ArpOutput, NfHook::ArpEgress],
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A netfilter hook (`include/uapi/linux/netfilter.h`, `netfilter_bridge.h`, `netfilter_arp.h`). IP packets and ARP
/// pass the hooks of devices apart from each other, so ingress and egress stand here once for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum NfHook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    Ingress,
    Egress,
    BridgePrerouting,
    BridgeInput,
    BridgeForward,
    BridgeOutput,
    BridgePostrouting,
    ArpInput,
    ArpOutput,
    ArpIngress,
    ArpEgress,
}

impl NfHook {
    /// Whether frames of a bridge or ARP come here, and no packets of the IP hooks.
    pub fn is_below_ip(self) -> bool {
        self >= NfHook::BridgePrerouting
    }
}

/// A set of address families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Families {
    /// Holds IPv4.
    pub v4: bool,
    /// Holds IPv6.
    pub v6: bool,
}

impl Families {
    /// Only this family.
    pub fn only(family: Family) -> Families {
        Families { v4: family == Family::V4, v6: family == Family::V6 }
    }

    /// Both families.
    pub fn both() -> Families {
        Families { v4: true, v6: true }
    }

    /// Whether `family` is in the set.
    pub fn contains(self, family: Family) -> bool {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }

    /// The families in either set.
    pub fn union(self, other: Families) -> Families {
        Families { v4: self.v4 || other.v4, v6: self.v6 || other.v6 }
    }
}
