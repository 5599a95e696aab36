//! The data types of nftables (`nft describe`): how wide a value is, its symbolic constants, and whether it is a set
//! of bits.

use crate::packet::{Family, icmp_type_by_name, protocol_by_name};

/// A data type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
// Named as the fields are: `ether type`, `icmp type`, `fib ... type`.
#[allow(missing_docs, clippy::enum_variant_names)]
pub enum Type {
    /// A number of so many bits without constants.
    Integer(u32),
    Ipv4,
    Ipv6,
    Ether,
    EtherType,
    Protocol,
    Service,
    Mark,
    InterfaceIndex,
    InterfaceName,
    InterfaceType,
    IcmpType,
    Icmpv6Type,
    IcmpCode,
    Icmpv6Code,
    IcmpxCode,
    CtState,
    CtStatus,
    CtDirection,
    CtLabel,
    CtEvent,
    TcpFlag,
    Dscp,
    Ecn,
    PacketType,
    AddressType,
    Realm,
    User,
    Group,
    NfProtocol,
    DeviceGroup,
    ArpOperation,
    MobilityType,
    DccpType,
    IgmpType,
    Boolean,
    Time,
    Hour,
    Day,
    ClassId,
    Cgroup,
    Text,
    Verdict,
}

/// A type's name, width in bits and constants.
struct Row {
    kind: Type,
    name: &'static str,
    bits: u32,
    symbols: &'static [(&'static str, u32)],
}

const fn row(kind: Type, name: &'static str, bits: u32, symbols: &'static [(&'static str, u32)]) -> Row {
    Row { kind, name, bits, symbols }
}

/// Constants as `nft describe` of nftables 1.0.6 lists them, and those of later versions.
static ROWS: &[Row] = &[
    row(Type::Ipv4, "ipv4_addr", 32, &[]),
    row(Type::Ipv6, "ipv6_addr", 128, &[]),
    row(Type::Ether, "ether_addr", 48, &[]),
    row(
        Type::EtherType,
        "ether_type",
        16,
        &[("ip", 0x0800), ("arp", 0x0806), ("ip6", 0x86dd), ("8021q", 0x8100), ("8021ad", 0x88a8), ("vlan", 0x8100)],
    ),
    row(Type::Protocol, "inet_proto", 8, &[("ip", 0), ("ethernet", 143), ("icmpv6", 58)]),
    row(Type::Service, "inet_service", 16, &[]),
    row(Type::Mark, "mark", 32, &[]),
    row(Type::InterfaceIndex, "iface_index", 32, &[]),
    row(Type::InterfaceName, "ifname", 128, &[]),
    row(
        Type::InterfaceType,
        "iface_type",
        16,
        &[("ether", 1), ("ppp", 512), ("ipip", 768), ("ipip6", 769), ("loopback", 772), ("sit", 776), ("ipgre", 778)],
    ),
    row(Type::IcmpType, "icmp_type", 8, &[]),
    row(Type::Icmpv6Type, "icmpv6_type", 8, &[]),
    row(
        Type::IcmpCode,
        "icmp_code",
        8,
        &[
            ("net-unreachable", 0),
            ("host-unreachable", 1),
            ("prot-unreachable", 2),
            ("port-unreachable", 3),
            ("frag-needed", 4),
            ("net-prohibited", 9),
            ("host-prohibited", 10),
            ("admin-prohibited", 13),
        ],
    ),
    row(
        Type::Icmpv6Code,
        "icmpv6_code",
        8,
        &[
            ("no-route", 0),
            ("admin-prohibited", 1),
            ("addr-unreachable", 3),
            ("port-unreachable", 4),
            ("policy-fail", 5),
            ("reject-route", 6),
        ],
    ),
    row(
        Type::IcmpxCode,
        "icmpx_code",
        8,
        &[("no-route", 0), ("port-unreachable", 1), ("host-unreachable", 2), ("admin-prohibited", 3)],
    ),
    row(
        Type::CtState,
        "ct_state",
        32,
        &[("invalid", 1), ("established", 2), ("related", 4), ("new", 8), ("untracked", 64)],
    ),
    row(
        Type::CtStatus,
        "ct_status",
        32,
        &[
            ("expected", 1),
            ("seen-reply", 2),
            ("assured", 4),
            ("confirmed", 8),
            ("snat", 16),
            ("dnat", 32),
            ("dying", 512),
        ],
    ),
    row(Type::CtDirection, "ct_dir", 8, &[("original", 0), ("reply", 1)]),
    row(Type::CtLabel, "ct_label", 128, &[]),
    row(
        Type::CtEvent,
        "ct_event",
        32,
        &[
            ("new", 1),
            ("related", 2),
            ("destroy", 4),
            ("reply", 8),
            ("assured", 16),
            ("protoinfo", 32),
            ("helper", 64),
            ("mark", 128),
            ("label", 1024),
        ],
    ),
    row(
        Type::TcpFlag,
        "tcp_flag",
        8,
        &[
            ("fin", 1),
            ("syn", 2),
            ("rst", 4),
            ("psh", 8),
            ("ack", 16),
            ("urg", 32),
            ("ecn", 64),
            ("ece", 64),
            ("cwr", 128),
        ],
    ),
    row(
        Type::Dscp,
        "dscp",
        6,
        &[
            ("cs0", 0),
            ("cs1", 8),
            ("cs2", 16),
            ("cs3", 24),
            ("cs4", 32),
            ("cs5", 40),
            ("cs6", 48),
            ("cs7", 56),
            ("df", 0),
            ("be", 0),
            ("lephb", 1),
            ("af11", 10),
            ("af12", 12),
            ("af13", 14),
            ("af21", 18),
            ("af22", 20),
            ("af23", 22),
            ("af31", 26),
            ("af32", 28),
            ("af33", 30),
            ("af41", 34),
            ("af42", 36),
            ("af43", 38),
            ("va", 44),
            ("ef", 46),
        ],
    ),
    row(Type::Ecn, "ecn", 2, &[("not-ect", 0), ("ect1", 1), ("ect0", 2), ("ce", 3)]),
    row(
        Type::PacketType,
        "pkt_type",
        8,
        &[("host", 0), ("unicast", 0), ("broadcast", 1), ("multicast", 2), ("other", 3)],
    ),
    row(
        Type::AddressType,
        "fib_addrtype",
        32,
        &[
            ("unspec", 0),
            ("unicast", 1),
            ("local", 2),
            ("broadcast", 3),
            ("anycast", 4),
            ("multicast", 5),
            ("blackhole", 6),
            ("unreachable", 7),
            ("prohibit", 8),
        ],
    ),
    row(Type::Realm, "realm", 32, &[]),
    row(Type::User, "uid", 32, &[("root", 0)]),
    row(Type::Group, "gid", 32, &[("root", 0)]),
    row(Type::NfProtocol, "nf_proto", 8, &[("ipv4", 2), ("ipv6", 10)]),
    row(Type::DeviceGroup, "devgroup", 32, &[("default", 0)]),
    row(
        Type::ArpOperation,
        "arp_op",
        16,
        &[("request", 1), ("reply", 2), ("rrequest", 3), ("rreply", 4), ("inrequest", 8), ("inreply", 9), ("nak", 10)],
    ),
    row(
        Type::MobilityType,
        "mh_type",
        8,
        &[
            ("binding-refresh-request", 0),
            ("home-test-init", 1),
            ("careof-test-init", 2),
            ("home-test", 3),
            ("careof-test", 4),
            ("binding-update", 5),
            ("binding-acknowledgement", 6),
            ("binding-error", 7),
            ("fast-binding-update", 8),
            ("fast-binding-acknowledgement", 9),
            ("fast-binding-advertisement", 10),
            ("experimental-mobility-header", 11),
            ("home-agent-switch-message", 12),
        ],
    ),
    row(
        Type::DccpType,
        "dccp_pkttype",
        4,
        &[
            ("request", 0),
            ("response", 1),
            ("data", 2),
            ("ack", 3),
            ("dataack", 4),
            ("closereq", 5),
            ("close", 6),
            ("reset", 7),
            ("sync", 8),
            ("syncack", 9),
        ],
    ),
    row(
        Type::IgmpType,
        "igmp_type",
        8,
        &[
            ("membership-query", 17),
            ("membership-report-v1", 18),
            ("membership-report-v2", 22),
            ("leave-group", 23),
            ("membership-report-v3", 34),
        ],
    ),
    row(Type::Boolean, "boolean", 8, &[("exists", 1), ("missing", 0), ("true", 1), ("false", 0)]),
    row(Type::Time, "time", 64, &[]),
    row(Type::Hour, "hour", 32, &[]),
    row(
        Type::Day,
        "day",
        8,
        &[
            ("sunday", 0),
            ("monday", 1),
            ("tuesday", 2),
            ("wednesday", 3),
            ("thursday", 4),
            ("friday", 5),
            ("saturday", 6),
        ],
    ),
    row(Type::ClassId, "classid", 32, &[]),
    row(Type::Cgroup, "cgroupsv2", 64, &[]),
    row(Type::Text, "string", 128, &[]),
    row(Type::Verdict, "verdict", 0, &[]),
];

impl Type {
    /// The type of this name in `type` declarations.
    pub fn by_name(name: &str) -> Option<Type> {
        ROWS.iter().find(|r| r.name == name).map(|r| r.kind)
    }

    /// Every name that a declaration can use.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ROWS.iter().map(|r| r.name)
    }

    /// The name that declarations use; `integer` for plain numbers.
    pub fn name(self) -> &'static str {
        self.row().map_or("integer", |r| r.name)
    }

    /// How many bits a value has.
    pub fn bits(self) -> u32 {
        match self {
            Type::Integer(bits) => bits,
            _ => self.row().map_or(128, |r| r.bits),
        }
    }

    /// The largest value.
    pub fn max(self) -> u128 {
        match self.bits() {
            128.. => u128::MAX,
            bits => (1u128 << bits) - 1,
        }
    }

    /// Whether comparison without an operator tests bits.
    pub fn is_bits(self) -> bool {
        matches!(self, Type::CtState | Type::CtStatus | Type::CtLabel | Type::CtEvent | Type::TcpFlag)
    }

    /// The value of a symbolic constant.
    pub fn symbol(self, name: &str) -> Option<u128> {
        let listed = self.row()?.symbols.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        let named = listed.map(|(_, value)| u128::from(*value));
        let icmp = |family| icmp_type_by_name(family, name).filter(|(_, code)| code.is_none()).map(|(t, _)| t.into());
        named.or_else(|| match self {
            Type::Protocol => protocol_by_name(name).map(u128::from),
            Type::IcmpType => icmp(Family::V4),
            Type::Icmpv6Type => icmp(Family::V6),
            Type::Service => crate::dialect::numbers::service_port(name).map(u128::from),
            _ => None,
        })
    }

    /// The constants' names, for advice.
    pub fn symbols(self) -> impl Iterator<Item = &'static str> {
        self.row().map_or(&[][..], |r| r.symbols).iter().map(|(name, _)| *name)
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|r| r.kind == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name_and_its_constants_fit() {
        for row in ROWS {
            assert_eq!(Type::by_name(row.name), Some(row.kind));
            for (name, value) in row.symbols {
                assert!(u128::from(*value) <= row.kind.max(), "{} {name}", row.name);
                assert_eq!(row.kind.symbol(name), Some(u128::from(*value)));
            }
        }
    }
}
