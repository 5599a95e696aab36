//! Names of protocols, TCP flags and ICMP types, as IANA and the netfilter tools write them.

use super::field::Family;

/// Protocol numbers with the names of `/etc/protocols` (IANA protocol numbers registry).
const PROTOCOLS: &[(u8, &str)] = &[
    (0, "hopopt"),
    (1, "icmp"),
    (2, "igmp"),
    (3, "ggp"),
    (4, "ipencap"),
    (5, "st"),
    (6, "tcp"),
    (8, "egp"),
    (9, "igp"),
    (12, "pup"),
    (17, "udp"),
    (20, "hmp"),
    (22, "xns-idp"),
    (27, "rdp"),
    (29, "iso-tp4"),
    (33, "dccp"),
    (36, "xtp"),
    (37, "ddp"),
    (38, "idpr-cmtp"),
    (41, "ipv6"),
    (43, "ipv6-route"),
    (44, "ipv6-frag"),
    (45, "idrp"),
    (46, "rsvp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (57, "skip"),
    (58, "icmpv6"),
    (59, "ipv6-nonxt"),
    (60, "ipv6-opts"),
    (73, "rspf"),
    (81, "vmtp"),
    (88, "eigrp"),
    (89, "ospf"),
    (93, "ax.25"),
    (94, "ipip"),
    (97, "etherip"),
    (98, "encap"),
    (103, "pim"),
    (108, "ipcomp"),
    (112, "vrrp"),
    (115, "l2tp"),
    (124, "isis"),
    (132, "sctp"),
    (133, "fc"),
    (135, "mobility-header"),
    (136, "udplite"),
    (137, "mpls-in-ip"),
    (138, "manet"),
    (139, "hip"),
    (140, "shim6"),
    (141, "wesp"),
    (142, "rohc"),
];

/// Other spellings that tools and people use.
const PROTOCOL_ALIASES: &[(&str, u8)] = &[
    ("ipv6-icmp", 58),
    ("icmp6", 58),
    ("ipv6-mh", 135),
    ("mh", 135),
    ("ospfigp", 89),
    ("udp-lite", 136),
    ("ipcomp4", 108),
    ("ip-encap", 4),
    ("carp", 112),
    ("comp", 108),
];

/// The protocol of this name, in any case; numbers 0 to 255 count as names.
pub fn protocol_by_name(name: &str) -> Option<u8> {
    if let Ok(number) = name.parse::<u8>() {
        return Some(number);
    }
    let lower = name.to_ascii_lowercase();
    let listed = PROTOCOLS.iter().find(|(_, n)| *n == lower).map(|(p, _)| *p);
    listed.or_else(|| PROTOCOL_ALIASES.iter().find(|(n, _)| *n == lower).map(|(_, p)| *p))
}

/// The usual name of a protocol, where it has one.
pub fn protocol_name(number: u8) -> Option<&'static str> {
    PROTOCOLS.iter().find(|(p, _)| *p == number).map(|(_, n)| *n)
}

/// TCP FIN (RFC 9293 section 3.1).
pub const TCP_FIN: u8 = 0x01;
/// TCP SYN.
pub const TCP_SYN: u8 = 0x02;
/// TCP RST.
pub const TCP_RST: u8 = 0x04;
/// TCP PSH.
pub const TCP_PSH: u8 = 0x08;
/// TCP ACK.
pub const TCP_ACK: u8 = 0x10;
/// TCP URG.
pub const TCP_URG: u8 = 0x20;
/// TCP ECE (RFC 3168).
pub const TCP_ECE: u8 = 0x40;
/// TCP CWR (RFC 3168).
pub const TCP_CWR: u8 = 0x80;

const FLAGS: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];

/// The flag byte of names joined by `|`, in any case; the empty text is no flag.
pub fn tcp_flags_by_names(text: &str) -> Option<u8> {
    if text.is_empty() {
        return Some(0);
    }
    text.split('|').try_fold(0u8, |bits, name| {
        let at = FLAGS.iter().position(|f| f.eq_ignore_ascii_case(name.trim()))?;
        Some(bits | 1 << at)
    })
}

/// The flags' names joined by `|`, in the order fin syn rst psh ack urg ece cwr.
pub fn tcp_flags_text(bits: u8) -> String {
    let names: Vec<&str> = FLAGS.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, f)| *f).collect();
    names.join("|")
}

/// ICMP types of RFC 792 and successors with the code where the name implies one.
const ICMP4: &[(&str, u8, Option<u8>)] = &[
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("source-route-failed", 3, Some(5)),
    ("network-unknown", 3, Some(6)),
    ("host-unknown", 3, Some(7)),
    ("network-prohibited", 3, Some(9)),
    ("host-prohibited", 3, Some(10)),
    ("TOS-network-unreachable", 3, Some(11)),
    ("TOS-host-unreachable", 3, Some(12)),
    ("communication-prohibited", 3, Some(13)),
    ("host-precedence-violation", 3, Some(14)),
    ("precedence-cutoff", 3, Some(15)),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("network-redirect", 5, Some(0)),
    ("host-redirect", 5, Some(1)),
    ("TOS-network-redirect", 5, Some(2)),
    ("TOS-host-redirect", 5, Some(3)),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-transit", 11, Some(0)),
    ("ttl-zero-during-reassembly", 11, Some(1)),
    ("parameter-problem", 12, None),
    ("ip-header-bad", 12, Some(0)),
    ("required-option-missing", 12, Some(1)),
    ("timestamp-request", 13, None),
    ("timestamp-reply", 14, None),
    ("info-request", 15, None),
    ("info-reply", 16, None),
    ("address-mask-request", 17, None),
    ("address-mask-reply", 18, None),
];

/// ICMPv6 types of RFC 4443, 4861, 2710 and 3810.
const ICMP6: &[(&str, u8, Option<u8>)] = &[
    ("destination-unreachable", 1, None),
    ("no-route", 1, Some(0)),
    ("communication-prohibited", 1, Some(1)),
    ("beyond-scope", 1, Some(2)),
    ("address-unreachable", 1, Some(3)),
    ("port-unreachable", 1, Some(4)),
    ("failed-policy", 1, Some(5)),
    ("reject-route", 1, Some(6)),
    ("packet-too-big", 2, None),
    ("time-exceeded", 3, None),
    ("ttl-exceeded", 3, None),
    ("ttl-zero-during-transit", 3, Some(0)),
    ("ttl-zero-during-reassembly", 3, Some(1)),
    ("parameter-problem", 4, None),
    ("bad-header", 4, Some(0)),
    ("unknown-header-type", 4, Some(1)),
    ("unknown-option", 4, Some(2)),
    ("echo-request", 128, None),
    ("ping", 128, None),
    ("echo-reply", 129, None),
    ("pong", 129, None),
    ("mld-listener-query", 130, None),
    ("mld-listener-report", 131, None),
    ("mld-listener-done", 132, None),
    ("mld-listener-reduction", 132, None),
    ("router-solicitation", 133, None),
    ("nd-router-solicit", 133, None),
    ("router-advertisement", 134, None),
    ("nd-router-advert", 134, None),
    ("neighbour-solicitation", 135, None),
    ("neighbor-solicitation", 135, None),
    ("nd-neighbor-solicit", 135, None),
    ("neighbour-advertisement", 136, None),
    ("neighbor-advertisement", 136, None),
    ("nd-neighbor-advert", 136, None),
    ("redirect", 137, None),
    ("nd-redirect", 137, None),
    ("router-renumbering", 138, None),
    ("ind-neighbor-solicit", 141, None),
    ("ind-neighbor-advert", 142, None),
    ("mld2-listener-report", 143, None),
];

/// Type and, where the name implies one, code of a named ICMP message of the family.
pub fn icmp_type_by_name(family: Family, name: &str) -> Option<(u8, Option<u8>)> {
    let table = match family {
        Family::V4 => ICMP4,
        Family::V6 => ICMP6,
    };
    table.iter().find(|(n, _, _)| n.eq_ignore_ascii_case(name)).map(|(_, t, c)| (*t, *c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_names_and_bits_are_inverse() {
        for bits in 0..=255u8 {
            assert_eq!(tcp_flags_by_names(&tcp_flags_text(bits)), Some(bits));
        }
        assert_eq!(tcp_flags_by_names("syn|bogus"), None);
    }

    #[test]
    fn protocols_are_known_by_name_alias_and_number() {
        assert_eq!(protocol_by_name("TCP"), Some(6));
        assert_eq!(protocol_by_name("ipv6-icmp"), Some(58));
        assert_eq!(protocol_by_name("253"), Some(253));
        assert_eq!(protocol_by_name("256"), None);
    }
}
