//! What is certain of a packet while a rule is read, and what else a header field asks for before it can be read
//! (`nft(8)`, PAYLOAD EXPRESSIONS: dependencies).

use super::Parsed;
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::TableFamily;
use crate::packet::{Family, Field, IfacePattern, IfaceSide, protocol_name};
use crate::ruleset::{Match, Negate, Span};

/// Which packets a chain sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packets {
    /// IP packets of one family (`ip`, `ip6`).
    Of(Family),
    /// IP packets of both families (`inet`).
    Both,
    /// Frames in a bridge.
    Frames,
    /// Frames of a device, with IP packets or ARP (`netdev`).
    Device,
    /// ARP.
    Arp,
}

impl Packets {
    /// What a table's chains see.
    pub fn of(family: TableFamily) -> Packets {
        match family {
            TableFamily::Ip => Packets::Of(Family::V4),
            TableFamily::Ip6 => Packets::Of(Family::V6),
            TableFamily::Inet => Packets::Both,
            TableFamily::Bridge => Packets::Frames,
            TableFamily::Netdev => Packets::Device,
            TableFamily::Arp => Packets::Arp,
        }
    }

    /// Whether the packets are ARP, which has neither IP addresses nor a layer 4.
    pub fn is_arp(self) -> bool {
        self == Packets::Arp
    }

    /// The condition that a packet is an IP packet of this family.
    pub fn of_family(self, family: Family) -> Match {
        let ether_type = if family == Family::V4 { ETHER_IPV4 } else { ETHER_IPV6 };
        match self {
            Packets::Device => Match::all([Match::Family(family), ether_type_is(&[ether_type])]),
            _ => Match::Family(family),
        }
    }

    /// The condition that a packet is an IP packet at all.
    pub fn are_ip(self) -> Match {
        match self {
            Packets::Device => ether_type_is(&[ETHER_IPV4, ETHER_IPV6]),
            Packets::Arp => Match::Never,
            _ => Match::Always,
        }
    }

    /// The family of every packet, where there is only one.
    pub fn family(self) -> Option<Family> {
        match self {
            Packets::Of(family) => Some(family),
            _ => None,
        }
    }
}

/// The Ethernet type of IPv4 (`ETH_P_IP`).
pub const ETHER_IPV4: u128 = 0x0800;
/// The Ethernet type of IPv6.
pub const ETHER_IPV6: u128 = 0x86dd;
/// The Ethernet type of ARP.
pub const ETHER_ARP: u128 = 0x0806;

/// The condition that a frame is of one of these Ethernet types.
pub fn ether_type_is(types: &[u128]) -> Match {
    Match::ranges(Field::EtherType, crate::packet::Ranges::from_values(types.iter().copied()))
}

/// What the conditions so far leave of a rule's packets.
#[derive(Clone, Debug)]
pub struct Known {
    /// Which packets the chain sees.
    pub packets: Packets,
    /// The family, where it is certain.
    pub family: Option<Family>,
    /// The protocols that are left, where they are certain.
    pub protocols: Option<Vec<u8>>,
    /// Whether the packet has its layer-4 header: it is no later fragment.
    pub has_layer4: bool,
    /// Whether the frame is certain to be an Ethernet frame.
    pub is_ethernet: bool,
}

impl Known {
    /// Nothing but what the chain says.
    pub fn new(packets: Packets) -> Known {
        let is_ethernet = packets == Packets::Frames;
        Known { packets, family: packets.family(), protocols: None, has_layer4: false, is_ethernet }
    }

    /// The condition that a packet is of a family, as far as it is not certain yet.
    ///
    /// # Errors
    /// Where it is certain that it is of the other one.
    pub fn need_family(&mut self, family: Family, span: Span) -> Parsed<Match> {
        match (self.packets, self.family) {
            (Packets::Arp, _) => Err(conflict(span, "ARP packets have no IP header")),
            (_, Some(known)) if known == family => Ok(Match::Always),
            (_, Some(known)) => Err(conflict(span, &format!("the rule is of {known} only, and this is of {family}"))),
            (_, None) => {
                self.family = Some(family);
                Ok(self.packets.of_family(family))
            }
        }
    }

    /// The condition that a packet has a header of one of these protocols.
    ///
    /// # Errors
    /// Where it is certain that it has none.
    pub fn need_protocols(&mut self, protocols: &[u8], span: Span) -> Parsed<Match> {
        if self.packets.is_arp() {
            return Ok(Match::Never);
        }
        let header = Match::all([self.packets.are_ip(), Match::layer4(protocols, Match::Always)]);
        let whole = if self.has_layer4 { Match::Always } else { header.clone() };
        self.has_layer4 = true;
        match &self.protocols {
            Some(known) if known.iter().all(|p| protocols.contains(p)) => Ok(whole),
            Some(known) if known.len() == 1 && !known.iter().any(|p| protocols.contains(p)) => {
                let names: Vec<String> = protocols.iter().chain(known).map(|p| protocol_text(*p)).collect();
                Err(conflict(span, &format!("the rule asks for both {}", names.join(" and "))))
            }
            known => {
                let left = |p: &u8| known.as_ref().is_none_or(|k| k.contains(p));
                self.protocols = Some(protocols.iter().copied().filter(left).collect());
                Ok(header)
            }
        }
    }

    /// The condition that a packet came in as an Ethernet frame; those of `lo` did not.
    pub fn need_ethernet(&mut self) -> Match {
        if std::mem::replace(&mut self.is_ethernet, true) {
            return Match::Always;
        }
        let loopback = Match::Interface(IfaceSide::In, IfacePattern::exact("lo"));
        Match::all([Match::Present(IfaceSide::In), loopback.negated_if(Negate::Yes)])
    }

    /// Takes in that every packet is of this family; contradictions match nothing.
    pub fn learn_family(&mut self, family: Family) {
        if !self.packets.is_arp() {
            self.family = self.family.or(Some(family));
        }
    }

    /// Takes in that only these protocols are left.
    pub fn learn_protocols(&mut self, protocols: Vec<u8>) {
        let left = |p: &u8| self.protocols.as_ref().is_none_or(|known| known.contains(p));
        self.protocols = Some(protocols.into_iter().filter(left).collect());
    }
}

/// The packet is no later fragment.
pub fn whole() -> Match {
    Match::ranges(Field::Fragment, crate::packet::Ranges::range(0, 1))
}

/// A protocol's name, or its number.
pub fn protocol_text(number: u8) -> String {
    protocol_name(number).map_or_else(|| number.to_string(), str::to_owned)
}

fn conflict(span: Span, why: &str) -> Problem {
    Problem::new(span, format!("conflicting protocols: {why}")).help("nft refuses the rule")
}
