//! What becomes of each ICMP message: which are queries with a reply, and which state conntrack gives the rest.

use crate::packet::{Family, Ranges, State};

/// How a message is exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    /// A query, and the type of its reply.
    Query { reply: u8 },
    /// One message without an answer, which conntrack gives this state.
    OneWay(State),
}

/// The type of an echo request: 8 (RFC 792) or 128 (RFC 4443).
pub(super) fn echo_request(family: Family) -> u8 {
    match family {
        Family::V4 => 8,
        Family::V6 => 128,
    }
}

/// How messages of this type are exchanged (`net/netfilter/nf_conntrack_proto_icmp.c`, `invmap` and `valid_new`;
/// `nf_conntrack_proto_icmpv6.c`, the same and `noct_valid_new`).
pub(super) fn exchange(family: Family, kind: u8) -> Exchange {
    match (family, kind) {
        (Family::V4, 8) => Exchange::Query { reply: 0 },
        (Family::V4, 13 | 15 | 17) | (Family::V6, 128 | 139) => Exchange::Query { reply: kind + 1 },
        (Family::V4, 3 | 4 | 5 | 11 | 12) | (Family::V6, 0..=127) => Exchange::OneWay(State::Related),
        (Family::V6, 130..=136 | 143) => Exchange::OneWay(State::Untracked),
        _ => Exchange::OneWay(State::Invalid),
    }
}

/// The query that a message answers, where it is a reply.
pub(super) fn query_of(family: Family, kind: u8) -> Option<u8> {
    (0..=255u8).find(|query| exchange(family, *query) == Exchange::Query { reply: kind })
}

/// The codes that a sender can use with a type (RFC 792, 1122, 1812; RFC 4443).
pub(super) fn codes(family: Family, kind: u8) -> Ranges {
    let last = match (family, kind) {
        (Family::V4, 3) => 15,
        (Family::V4, 5) => 3,
        (Family::V4, 11) | (Family::V6, 3) => 1,
        (Family::V4, 12) | (Family::V6, 4) => 2,
        (Family::V6, 1) => 6,
        _ => 0,
    };
    Ranges::range(0, last)
}
