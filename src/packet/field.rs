//! The dimensions of the packet space and their domains.

use std::fmt;

/// Address family of a filter: packets of the two families never share a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4 (RFC 791).
    V4,
    /// IPv6 (RFC 8200).
    V6,
}

impl Family {
    /// Both families, in the order of reports.
    pub const ALL: [Family; 2] = [Family::V4, Family::V6];

    /// Width of an address in bits: 32 or 128.
    pub fn bits(self) -> u32 {
        match self {
            Family::V4 => 32,
            Family::V6 => 128,
        }
    }

    /// The largest address as a number.
    pub fn max_address(self) -> u128 {
        match self {
            Family::V4 => u32::MAX as u128,
            Family::V6 => u128::MAX,
        }
    }

    /// 4 or 6, as in the machine formats.
    pub fn number(self) -> u8 {
        match self {
            Family::V4 => 4,
            Family::V6 => 6,
        }
    }

    /// The protocol number of this family's ICMP: 1 (RFC 792) or 58 (RFC 4443).
    pub fn icmp(self) -> u8 {
        match self {
            Family::V4 => 1,
            Family::V6 => 58,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IPv{}", self.number())
    }
}

/// Which of a packet's interfaces a match looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IfaceSide {
    /// The interface that the packet came in by.
    In,
    /// The interface that the packet goes out by.
    Out,
    /// The bridge port that the packet came in by (`physdev`).
    PhysIn,
    /// The bridge port that the packet goes out by (`physdev`).
    PhysOut,
}

impl IfaceSide {
    /// The field that holds this side's interface class.
    pub fn field(self) -> Field {
        match self {
            IfaceSide::In => Field::Iif,
            IfaceSide::Out => Field::Oif,
            IfaceSide::PhysIn => Field::PhysIn,
            IfaceSide::PhysOut => Field::PhysOut,
        }
    }
}

/// One dimension of the packet space.
///
/// The order is the order in which reports show restrictions and in which cells keep them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Field {
    /// Source address, `0..=Family::max_address`.
    Src,
    /// Destination address.
    Dst,
    /// Upper-layer protocol number after extension headers, 0..=255.
    Proto,
    /// Source port, 0..=65535, of the protocols that have ports.
    Sport,
    /// Destination port.
    Dport,
    /// ICMP type of the family's ICMP, 0..=255.
    IcmpType,
    /// ICMP code, 0..=255.
    IcmpCode,
    /// TCP flags, a byte: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 (RFC 9293).
    TcpFlags,
    /// Incoming interface, as a class number of `InterfaceClasses`.
    Iif,
    /// Outgoing interface, as a class number.
    Oif,
    /// Conntrack state, see `State`, 0..=4.
    State,
    /// Fragment position, see `Fragment`, 0..=2.
    Fragment,
    /// Netfilter mark on arrival, 32 bits.
    Mark,
    /// Connection mark on arrival, 32 bits; 0 for packets that set up a connection.
    ConnMark,
    /// Length of the layer-3 packet in bytes, 0..=65575.
    Length,
    /// IPv4 time to live or IPv6 hop limit, 0..=255.
    Ttl,
    /// Differentiated services code point, 0..=63 (RFC 2474).
    Dscp,
    /// Explicit congestion notification bits, 0..=3 (RFC 3168).
    Ecn,
    /// Source MAC address, 48 bits.
    Mac,
    /// Destination MAC address, 48 bits.
    MacDst,
    /// Link-layer packet type: 0 unicast (to this host), 1 broadcast, 2 multicast, 3 to another host.
    PktType,
    /// Incoming bridge port, as an interface class.
    PhysIn,
    /// Outgoing bridge port, as an interface class.
    PhysOut,
    /// Windows firewall profile: 0 domain, 1 private, 2 public.
    Profile,
    /// The first IPv6 next-header value where it is an extension header; 256 where there is none.
    NextHeader,
    /// Presence of a hop-by-hop options header, 0 or 1.
    ExtHop,
    /// Presence of a destination options header.
    ExtDst,
    /// Presence of a routing header.
    ExtRouting,
    /// Presence of a fragment header.
    ExtFragment,
    /// Presence of an authentication header before the upper layer.
    ExtAuth,
    /// Presence of an ESP header.
    ExtEsp,
    /// Presence of a mobility header.
    ExtMobility,
    /// Type of the routing header, 0..=255.
    RoutingType,
    /// Segments left of the routing header, 0..=255.
    SegmentsLeft,
    /// Type of the mobility header, 0..=255.
    MobilityType,
    /// SPI of an AH packet, 32 bits.
    AhSpi,
    /// SPI of an ESP packet, 32 bits.
    EspSpi,
    /// IPv6 flow label, 20 bits.
    FlowLabel,
    /// IPv4 identification, 16 bits.
    IpId,
    /// Ethernet type, 16 bits (bridge and netdev families).
    EtherType,
    /// VLAN id, 12 bits.
    VlanId,
    /// Source address tested under a mask that is no prefix; correlated with `Src`.
    SrcBits,
    /// Destination address tested under a mask that is no prefix; correlated with `Dst`.
    DstBits,
}

/// The shape of the layer-4 header that a protocol has: it decides which layer-4 fields exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// Ports and flags: TCP.
    Tcp,
    /// Ports: UDP, UDP-Lite, SCTP, DCCP.
    Ports,
    /// Type and code: the family's own ICMP.
    Icmp,
    /// Nothing that a rule can name.
    Opaque,
}

impl Shape {
    /// The shape of `proto`'s header in packets of `family`.
    pub fn of(family: Family, proto: u8) -> Shape {
        match proto {
            6 => Shape::Tcp,
            17 | 33 | 132 | 136 => Shape::Ports,
            p if p == family.icmp() => Shape::Icmp,
            _ => Shape::Opaque,
        }
    }

    /// Whether headers of this shape carry ports.
    pub fn has_ports(self) -> bool {
        matches!(self, Shape::Tcp | Shape::Ports)
    }
}

impl Field {
    /// Every field, in order.
    pub const ALL: [Field; Field::COUNT] = [
        Field::Src,
        Field::Dst,
        Field::Proto,
        Field::Sport,
        Field::Dport,
        Field::IcmpType,
        Field::IcmpCode,
        Field::TcpFlags,
        Field::Iif,
        Field::Oif,
        Field::State,
        Field::Fragment,
        Field::Mark,
        Field::ConnMark,
        Field::Length,
        Field::Ttl,
        Field::Dscp,
        Field::Ecn,
        Field::Mac,
        Field::MacDst,
        Field::PktType,
        Field::PhysIn,
        Field::PhysOut,
        Field::Profile,
        Field::NextHeader,
        Field::ExtHop,
        Field::ExtDst,
        Field::ExtRouting,
        Field::ExtFragment,
        Field::ExtAuth,
        Field::ExtEsp,
        Field::ExtMobility,
        Field::RoutingType,
        Field::SegmentsLeft,
        Field::MobilityType,
        Field::AhSpi,
        Field::EspSpi,
        Field::FlowLabel,
        Field::IpId,
        Field::EtherType,
        Field::VlanId,
        Field::SrcBits,
        Field::DstBits,
    ];

    /// How many fields there are.
    pub const COUNT: usize = Field::DstBits as usize + 1;

    /// The largest value of the field in packets of `family`; interface classes report `u16::MAX`.
    pub fn max(self, family: Family) -> u128 {
        match self {
            Field::Src | Field::Dst | Field::SrcBits | Field::DstBits => family.max_address(),
            Field::Proto
            | Field::IcmpType
            | Field::IcmpCode
            | Field::TcpFlags
            | Field::Ttl
            | Field::RoutingType
            | Field::SegmentsLeft
            | Field::MobilityType => 255,
            Field::Sport
            | Field::Dport
            | Field::Iif
            | Field::Oif
            | Field::PhysIn
            | Field::PhysOut
            | Field::IpId
            | Field::EtherType => 65_535,
            Field::State => 4,
            Field::Fragment | Field::Profile => 2,
            Field::Mark | Field::ConnMark | Field::AhSpi | Field::EspSpi => u32::MAX as u128,
            Field::Length => 65_575,
            Field::Dscp => 63,
            Field::Ecn | Field::PktType => 3,
            Field::Mac | Field::MacDst => 0xffff_ffff_ffff,
            Field::NextHeader => 256,
            Field::ExtHop
            | Field::ExtDst
            | Field::ExtRouting
            | Field::ExtFragment
            | Field::ExtAuth
            | Field::ExtEsp
            | Field::ExtMobility => 1,
            Field::FlowLabel => 0xf_ffff,
            Field::VlanId => 4095,
        }
    }

    /// The field's name in the machine formats and in words.
    pub fn name(self) -> &'static str {
        match self {
            Field::Src => "src",
            Field::Dst => "dst",
            Field::Proto => "proto",
            Field::Sport => "sport",
            Field::Dport => "dport",
            Field::IcmpType => "icmp_type",
            Field::IcmpCode => "icmp_code",
            Field::TcpFlags => "tcp_flags",
            Field::Iif => "iif",
            Field::Oif => "oif",
            Field::State => "state",
            Field::Fragment => "fragment",
            Field::Mark => "mark",
            Field::ConnMark => "connmark",
            Field::Length => "length",
            Field::Ttl => "ttl",
            Field::Dscp => "dscp",
            Field::Ecn => "ecn",
            Field::Mac => "mac",
            Field::MacDst => "mac_dst",
            Field::PktType => "pkttype",
            Field::PhysIn => "physdev_in",
            Field::PhysOut => "physdev_out",
            Field::Profile => "profile",
            Field::NextHeader => "next_header",
            Field::ExtHop => "ext_hop",
            Field::ExtDst => "ext_dst",
            Field::ExtRouting => "ext_routing",
            Field::ExtFragment => "ext_fragment",
            Field::ExtAuth => "ext_auth",
            Field::ExtEsp => "ext_esp",
            Field::ExtMobility => "ext_mobility",
            Field::RoutingType => "routing_type",
            Field::SegmentsLeft => "segments_left",
            Field::MobilityType => "mobility_type",
            Field::AhSpi => "ah_spi",
            Field::EspSpi => "esp_spi",
            Field::FlowLabel => "flow_label",
            Field::IpId => "ip_id",
            Field::EtherType => "ether_type",
            Field::VlanId => "vlan_id",
            Field::SrcBits => "src_bits",
            Field::DstBits => "dst_bits",
        }
    }

    /// The field with this name in the machine formats.
    pub fn by_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|f| f.name() == name)
    }

    /// Whether the field is a layer-4 header field, which later fragments and other shapes lack.
    pub fn is_layer4(self) -> bool {
        matches!(self, Field::Sport | Field::Dport | Field::IcmpType | Field::IcmpCode | Field::TcpFlags)
    }

    /// Whether the field holds an interface class.
    pub fn is_interface(self) -> bool {
        matches!(self, Field::Iif | Field::Oif | Field::PhysIn | Field::PhysOut)
    }
}
