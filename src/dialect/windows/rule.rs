//! One firewall rule of Windows, apart from how it is written, and the packets that it matches.

use super::form::{Addresses, Ports};
use super::keywords::{self, address_match, port_match, pure};
use super::values::{Read, word};
use crate::packet::{Family, Field, IfacePattern, IfaceSide, Ranges};
use crate::ruleset::{DeviceFacts, Match};
use std::collections::{BTreeMap, BTreeSet};

/// What a rule does with traffic that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    Allow,
    Block,
}

/// Which way the traffic goes, seen from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Direction {
    In,
    Out,
}

/// A set of network profiles; the empty set means all of them ([MS-GPFAS] 2.2.2.19, `Profile=`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profiles(u8);

/// The profiles by their values of `Field::Profile`.
pub const PROFILES: [&str; 3] = ["Domain", "Private", "Public"];

impl Profiles {
    /// Adds a profile by name, or what the bits of a number say (`NET_FW_PROFILE_TYPE2`).
    pub fn add(&mut self, text: &str) -> Read<()> {
        let named = [("Domain", 1), ("Private", 2), ("Public", 4), ("Any", 7), ("All", 7)];
        self.0 |= match text.parse::<u32>() {
            Ok(0 | 0x7fff_ffff) => 7,
            Ok(bits @ 1..=7) => bits as u8,
            _ => word(text, "profile", &named)?,
        };
        Ok(())
    }

    /// Whether a profile, as a value of `Field::Profile`, is among them.
    pub fn contains(self, profile: usize) -> bool {
        self.0 == 0 || self.0 >> profile & 1 == 1
    }
}

/// What IPsec must have done to traffic ([MS-FASP] 2.2.35), the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// Authenticated (`FW_RULE_FLAGS_AUTHENTICATE`).
    Authenticated,
    /// Authenticated once, not protected (`FW_RULE_FLAGS_AUTH_WITH_NO_ENCAPSULATION`).
    Unencapsulated,
    /// Authenticated and encrypted (`FW_RULE_FLAGS_AUTHENTICATE_WITH_ENCRYPTION`).
    Encrypted,
    /// Authenticated, encryption being negotiated (`FW_RULE_FLAGS_AUTH_WITH_ENC_NEGOTIATE`).
    Negotiated,
}

impl Protection {
    fn name(self) -> &'static str {
        match self {
            Protection::Authenticated => "authenticated",
            Protection::Unencapsulated => "without encapsulation",
            Protection::Encrypted => "encrypted",
            Protection::Negotiated => "encryption negotiated",
        }
    }
}

/// Whom authenticated traffic must come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Remote {
    Machine,
    User,
}

/// A rule that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Rule {
    pub action: Action,
    pub direction: Direction,
    pub active: bool,
    pub profiles: Profiles,
    pub protocol: Option<u8>,
    pub local_ports: Ports,
    pub remote_ports: Ports,
    pub local: Addresses,
    pub remote: Addresses,
    pub messages: Vec<(u8, Option<u8>)>,
    pub interfaces: Vec<IfacePattern>,
    pub conditions: BTreeMap<&'static str, BTreeSet<String>>,
    pub protection: Option<Protection>,
    pub machine: Option<String>,
    pub user: Option<String>,
    pub overrides_blocks: bool,
    pub local_only: bool,
    pub crosses_edge: bool,
}

impl Rule {
    /// The packets that the rule matches, but for its profiles and what IPsec must have done.
    pub fn packets(&self, facts: &DeviceFacts) -> Match {
        let [local, remote] = self.direction.fields();
        let conditions =
            self.conditions.iter().map(|(module, values)| Match::any(values.iter().map(|v| pure(module, v))));
        let interfaces = self.interfaces.iter().map(|i| Match::Interface(self.direction.side(), i.clone()));
        let on_interface = if self.interfaces.is_empty() { Match::Always } else { Match::any(interfaces) };
        // Remote conditions are ignored on rules that allow with this flag ([MS-FASP] 2.2.35).
        let ignores_remote = self.local_only && self.action == Action::Allow;
        let remote_end = if ignores_remote { Match::Always } else { ends(&self.remote, remote.0, facts) };
        let ports =
            self.transport([(&self.local_ports, local.1), (&self.remote_ports, remote.1)], ignores_remote, facts);
        Match::all([ends(&self.local, local.0, facts), remote_end, ports, on_interface].into_iter().chain(conditions))
    }

    /// What IPsec must have done, as one condition that only the packet decides.
    pub fn security(&self) -> Option<Match> {
        let mut value = self.protection?.name().to_owned();
        for (who, list) in [("machine", &self.machine), ("user", &self.user)] {
            if let Some(list) = list {
                value += &format!(" {who} {list}");
            }
        }
        Some(pure("ipsec authenticated", &value))
    }

    fn transport(&self, ends: [(&Ports, Field); 2], ignores_remote: bool, facts: &DeviceFacts) -> Match {
        let Some(protocol) = self.protocol else { return Match::Always };
        let used = ends.into_iter().take(if ignores_remote { 1 } else { 2 });
        let ports = Match::all(used.filter(|(p, _)| !p.is_any()).map(|(p, field)| port_set(p, field, facts)));
        match (self.messages.is_empty(), ports) {
            (false, _) => self.message_set(protocol),
            (true, Match::Always) => Match::protocols([protocol]),
            (true, ports) => Match::layer4(&[protocol], ports),
        }
    }

    fn message_set(&self, protocol: u8) -> Match {
        let family = if protocol == Family::V4.icmp() { Family::V4 } else { Family::V6 };
        let one = |(kind, code): &(u8, Option<u8>)| {
            let kind = Match::ranges(Field::IcmpType, Ranges::one((*kind).into()));
            Match::all([kind, code.map_or(Match::Always, |c| Match::ranges(Field::IcmpCode, Ranges::one(c.into())))])
        };
        let messages = Match::any(self.messages.iter().map(one));
        Match::all([Match::Family(family), Match::layer4(&[protocol], messages)])
    }
}

impl Direction {
    /// Address and port of the local end, then of the remote end.
    fn fields(self) -> [(Field, Field); 2] {
        let (src, dst) = ((Field::Src, Field::Sport), (Field::Dst, Field::Dport));
        match self {
            Direction::In => [dst, src],
            Direction::Out => [src, dst],
        }
    }

    /// The side of the interface that the packet crosses.
    pub fn side(self) -> IfaceSide {
        match self {
            Direction::In => IfaceSide::In,
            Direction::Out => IfaceSide::Out,
        }
    }
}

/// Addresses of one end. A list that names addresses of one family only never matches the other one.
fn ends(addresses: &Addresses, field: Field, facts: &DeviceFacts) -> Match {
    if addresses.is_any() {
        return Match::Always;
    }
    Match::any(Family::ALL.map(|family| {
        let listed = match family {
            Family::V4 => &addresses.v4,
            Family::V6 => &addresses.v6,
        };
        let words = addresses.keywords.iter().filter(|(f, _)| *f == family);
        let words = words.filter_map(|(_, name)| keywords::find(keywords::ADDRESSES, name).ok());
        let ranges = Ranges::from_unsorted(listed.clone());
        let fixed = if ranges.is_empty() { Match::Never } else { Match::ranges(field, ranges) };
        let own = Match::any([fixed].into_iter().chain(words.map(|k| address_match(k, family, field, facts))));
        if own == Match::Never { Match::Never } else { Match::all([Match::Family(family), own]) }
    }))
}

fn port_set(ports: &Ports, field: Field, facts: &DeviceFacts) -> Match {
    let ranges = Ranges::from_unsorted(ports.ranges.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect());
    let fixed = if ranges.is_empty() { Match::Never } else { Match::ranges(field, ranges) };
    let words = ports.keywords.iter().filter_map(|name| keywords::find(keywords::PORTS, name).ok());
    Match::any([fixed].into_iter().chain(words.map(|k| port_match(k, field, facts))))
}
