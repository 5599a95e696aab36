//! The keywords of the language: headers with their fields, keys of selectors, and what no name may be.
//!
//! From the scanner and the grammar of nftables (`scanner.l`, `parser_bison.y`) and `nft(8)`, PAYLOAD EXPRESSIONS.

/// Headers that a payload expression reads, with their fields.
pub const HEADERS: &[(&str, &[&str])] = &[
    ("ether", &["saddr", "daddr", "type"]),
    ("vlan", &["id", "cfi", "dei", "pcp", "type"]),
    ("arp", &["htype", "ptype", "hlen", "plen", "operation", "saddr ether", "daddr ether", "saddr ip", "daddr ip"]),
    (
        "ip",
        &[
            "version",
            "hdrlength",
            "dscp",
            "ecn",
            "length",
            "id",
            "frag-off",
            "ttl",
            "protocol",
            "checksum",
            "saddr",
            "daddr",
        ],
    ),
    ("icmp", &["type", "code", "checksum", "id", "sequence", "gateway", "mtu"]),
    ("igmp", &["type", "checksum", "mrt", "group"]),
    ("ip6", &["version", "dscp", "ecn", "flowlabel", "length", "nexthdr", "hoplimit", "saddr", "daddr"]),
    (
        "icmpv6",
        &[
            "type",
            "code",
            "checksum",
            "parameter-problem",
            "param-problem",
            "mtu",
            "id",
            "sequence",
            "max-delay",
            "taddr",
            "daddr",
        ],
    ),
    ("ah", &["nexthdr", "hdrlength", "reserved", "spi", "sequence"]),
    ("esp", &["spi", "sequence"]),
    ("comp", &["nexthdr", "flags", "cpi"]),
    ("udp", &["sport", "dport", "length", "checksum"]),
    ("udplite", &["sport", "dport", "csumcov", "checksum"]),
    ("tcp", &["sport", "dport", "sequence", "ackseq", "doff", "reserved", "flags", "window", "checksum", "urgptr"]),
    ("dccp", &["sport", "dport", "type"]),
    ("sctp", &["sport", "dport", "vtag", "checksum"]),
    ("th", &["sport", "dport"]),
    ("vxlan", &["vni", "flags"]),
    ("geneve", &["vni", "type"]),
    ("gre", &["version", "flags", "protocol"]),
    ("gretap", &[]),
];

/// Headers behind which another header may stand: what they carry.
pub const TUNNELS: &[&str] = &["vxlan", "geneve", "gre", "gretap"];

/// IPv6 extension headers with their fields.
pub const EXTENSION_HEADERS: &[(&str, &[&str])] = &[
    ("hbh", &["nexthdr", "hdrlength"]),
    ("rt", &["nexthdr", "hdrlength", "type", "seg-left"]),
    ("rt0", &["addr"]),
    ("rt2", &["addr"]),
    ("srh", &["last-entry", "flags", "tag", "sid"]),
    ("frag", &["nexthdr", "reserved", "frag-off", "reserved2", "more-fragments", "id"]),
    ("dst", &["nexthdr", "hdrlength"]),
    ("mh", &["nexthdr", "hdrlength", "type", "reserved", "checksum"]),
];

/// TCP options with their fields besides `length`.
pub const TCP_OPTIONS: &[(&str, &[&str])] = &[
    ("echo", &[]),
    ("eol", &[]),
    ("fastopen", &[]),
    ("md5sig", &[]),
    ("mptcp", &["subtype"]),
    ("maxseg", &["size"]),
    ("nop", &[]),
    ("sack-perm", &[]),
    ("timestamp", &["tsval", "tsecr"]),
    ("window", &["count"]),
    ("sack", &["left", "right"]),
    ("sack0", &["left", "right"]),
    ("sack1", &["left", "right"]),
    ("sack2", &["left", "right"]),
    ("sack3", &["left", "right"]),
];

/// Options of IPv4 with their fields.
pub const IP_OPTIONS: &[(&str, &[&str])] = &[
    ("lsrr", &["type", "length", "ptr", "addr"]),
    ("rr", &["type", "length", "ptr", "addr"]),
    ("ssrr", &["type", "length", "ptr", "addr"]),
    ("ra", &["type", "length", "value"]),
];

/// Chunks of SCTP with their fields besides `type`, `flags` and `length`.
pub const SCTP_CHUNKS: &[(&str, &[&str])] = &[
    ("data", &["tsn", "stream", "ssn", "ppid"]),
    ("init", SCTP_INIT),
    ("init-ack", SCTP_INIT),
    ("sack", &["cum-tsn-ack", "a-rwnd", "num-gap-ack-blocks", "num-dup-tsns"]),
    ("heartbeat", &[]),
    ("heartbeat-ack", &[]),
    ("abort", &[]),
    ("shutdown", &["cum-tsn-ack"]),
    ("shutdown-ack", &[]),
    ("error", &[]),
    ("cookie-echo", &[]),
    ("cookie-ack", &[]),
    ("ecne", &["lowest-tsn"]),
    ("cwr", &["lowest-tsn"]),
    ("shutdown-complete", &[]),
    ("asconf-ack", &["seqno"]),
    ("forward-tsn", &["new-cum-tsn"]),
    ("asconf", &["seqno"]),
];

const SCTP_INIT: &[&str] = &["init-tag", "a-rwnd", "num-outbound-streams", "num-inbound-streams", "initial-tsn"];

/// Keys of `meta` that may stand without the word `meta`.
pub const META_BARE: &[&str] = &[
    "mark",
    "iif",
    "iifname",
    "iiftype",
    "oif",
    "oifname",
    "oiftype",
    "skuid",
    "skgid",
    "nftrace",
    "rtclassid",
    "ibriport",
    "ibrname",
    "obriport",
    "obrname",
    "pkttype",
    "cpu",
    "iifgroup",
    "oifgroup",
    "cgroup",
    "time",
    "day",
    "hour",
];

/// Keys of `meta` that need the word `meta`.
pub const META_QUALIFIED: &[&str] = &[
    "length",
    "protocol",
    "priority",
    "random",
    "secmark",
    "nfproto",
    "l4proto",
    "iifkind",
    "oifkind",
    "ibrpvid",
    "ibrvproto",
    "sdif",
    "sdifname",
    "broute",
    "ibrhwaddr",
    "ipsec",
    "secpath",
];

/// Keys of `ct`.
pub const CT_KEYS: &[&str] = &[
    "l3proto",
    "protocol",
    "mark",
    "state",
    "direction",
    "status",
    "expiration",
    "helper",
    "saddr",
    "daddr",
    "proto-src",
    "proto-dst",
    "label",
    "event",
    "secmark",
    "id",
    "bytes",
    "packets",
    "avgpkt",
    "zone",
];

/// Keys of `ct` that a direction may stand before.
pub const CT_DIRECTED: &[&str] =
    &["saddr", "daddr", "l3proto", "protocol", "proto-src", "proto-dst", "bytes", "packets", "avgpkt", "zone"];

/// Words that no name may be (`scanner.l`: keywords of every state).
pub const RESERVED: &[&str] = &[
    "accept",
    "add",
    "ah",
    "all",
    "and",
    "arp",
    "auto-merge",
    "bridge",
    "cgroup",
    "chain",
    "comment",
    "comp",
    "constant",
    "continue",
    "counter",
    "cpu",
    "create",
    "ct",
    "day",
    "dccp",
    "define",
    "delete",
    "describe",
    "destroy",
    "device",
    "devices",
    "dnat",
    "drop",
    "dst",
    "dup",
    "dynamic",
    "ecn",
    "element",
    "elements",
    "eq",
    "esp",
    "ether",
    "exists",
    "expires",
    "export",
    "exthdr",
    "fib",
    "flags",
    "flow",
    "flowtable",
    "flush",
    "frag",
    "fwd",
    "gc-interval",
    "ge",
    "geneve",
    "get",
    "goto",
    "gre",
    "gretap",
    "gt",
    "handle",
    "hbh",
    "hook",
    "hour",
    "ibriport",
    "ibrname",
    "icmp",
    "icmpv6",
    "igmp",
    "iif",
    "iifgroup",
    "iifname",
    "iiftype",
    "import",
    "include",
    "index",
    "inet",
    "insert",
    "interval",
    "ip",
    "ip6",
    "ipsec",
    "jhash",
    "jump",
    "le",
    "limit",
    "list",
    "log",
    "lshift",
    "lt",
    "map",
    "mark",
    "masquerade",
    "meta",
    "meter",
    "mh",
    "missing",
    "monitor",
    "ne",
    "netdev",
    "nftrace",
    "not",
    "notrack",
    "numgen",
    "obriport",
    "obrname",
    "offload",
    "oif",
    "oifgroup",
    "oifname",
    "oiftype",
    "or",
    "osf",
    "pkttype",
    "policy",
    "position",
    "priority",
    "queue",
    "quota",
    "random",
    "redefine",
    "redirect",
    "reject",
    "rename",
    "replace",
    "reset",
    "return",
    "rshift",
    "rt",
    "rt0",
    "rt2",
    "rtclassid",
    "rule",
    "ruleset",
    "sctp",
    "secmark",
    "set",
    "size",
    "skgid",
    "skuid",
    "snat",
    "socket",
    "srh",
    "symhash",
    "synproxy",
    "table",
    "tcp",
    "th",
    "time",
    "timeout",
    "tproxy",
    "tunnel",
    "type",
    "typeof",
    "udp",
    "udplite",
    "undefine",
    "update",
    "vlan",
    "vmap",
    "vxlan",
    "xor",
    "xt",
];

/// Reserved words that may stand as values (`keyword_expr` and `primary_rhs_expr` of the grammar).
pub const VALUE_WORDS: &[&str] = &[
    "ether", "ip", "ip6", "vlan", "arp", "dnat", "snat", "ecn", "reset", "destroy", "original", "reply", "label",
    "last", "exists", "missing", "tcp", "udp", "udplite", "esp", "ah", "icmp", "igmp", "icmpv6", "gre", "comp", "dccp",
    "sctp", "redirect",
];

/// The fields of a header in one of the tables above.
pub fn fields_of(
    table: &'static [(&'static str, &'static [&'static str])],
    name: &str,
) -> Option<&'static [&'static str]> {
    table.iter().find(|(header, _)| *header == name).map(|(_, fields)| *fields)
}

/// Whether a word is reserved.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word).is_ok()
}

/// The name by which a key of `meta` is known, of its old and new names.
pub fn meta_key(word: &str) -> &str {
    match word {
        "ibriport" => "ibrname",
        "obriport" => "obrname",
        "secpath" => "ipsec",
        other => other,
    }
}

/// The name by which a TCP option is known.
pub fn tcp_option(word: &str) -> &str {
    match word {
        "mss" => "maxseg",
        "noop" => "nop",
        "sack-permitted" => "sack-perm",
        "sack0" => "sack",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_in_order_so_that_they_are_found() {
        assert!(RESERVED.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(is_reserved("xt") && is_reserved("accept") && !is_reserved("input"));
    }
}
