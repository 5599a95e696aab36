//! Resource records: types, and what the types that are understood say.

use super::name::Name;
use crate::ruleset::Span;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One record of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub owner: Name,
    /// How long answers may be kept, in seconds; the same for all records of a set (RFC 2181 section 5.2).
    pub ttl: u32,
    /// What it is.
    pub kind: RecordType,
    /// What it says.
    pub data: Data,
    /// Where it is written; of a record that `$GENERATE` makes, that directive.
    pub span: Span,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Data {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Ns(Name),
    Cname(Name),
    Dname(Name),
    Ptr(Name),
    Mx {
        preference: u16,
        exchange: Name,
    },
    Srv {
        priority: u16,
        weight: u16,
        port: u16,
        target: Name,
    },
    Soa(Box<Soa>),
    /// A type whose data are not looked into, word by word as they were written.
    Opaque(Vec<String>),
}

/// The beginning of a zone (RFC 1035 section 3.3.13). Times in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Soa {
    pub mname: Name,
    pub rname: Name,
    pub serial: u32,
    pub refresh: u32,
    pub retry: u32,
    pub expire: u32,
    pub minimum: u32,
}

impl Record {
    /// The address, where it is an address record.
    pub fn address(&self) -> Option<IpAddr> {
        match &self.data {
            Data::A(v4) => Some(IpAddr::V4(*v4)),
            Data::Aaaa(v6) => Some(IpAddr::V6(*v6)),
            _ => None,
        }
    }

    /// The host that it sends to, where it does. A lone dot says that there is none (RFC 7505, RFC 2782).
    pub fn target(&self) -> Option<&Name> {
        match &self.data {
            Data::Ns(host) | Data::Cname(host) | Data::Ptr(host) => Some(host),
            Data::Mx { exchange, .. } => Some(exchange).filter(|h| !h.is_root()),
            Data::Srv { target, .. } => Some(target).filter(|h| !h.is_root()),
            _ => None,
        }
    }
}

/// A type of records, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(
    /// The number.
    pub u16,
);

#[allow(missing_docs)]
impl RecordType {
    pub const A: RecordType = RecordType(1);
    pub const NS: RecordType = RecordType(2);
    pub const CNAME: RecordType = RecordType(5);
    pub const SOA: RecordType = RecordType(6);
    pub const PTR: RecordType = RecordType(12);
    pub const MX: RecordType = RecordType(15);
    pub const AAAA: RecordType = RecordType(28);
    pub const SRV: RecordType = RecordType(33);
    pub const DNAME: RecordType = RecordType(39);

    /// The type of this name: a mnemonic of the registry, or `TYPE65280` (RFC 3597 section 5).
    pub fn by_name(name: &str) -> Option<RecordType> {
        let known = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, number)| RecordType(*number)).or_else(|| numbered(name).map(RecordType))
    }

    /// Whether it may stand beside a CNAME of the same owner (RFC 4034, RFC 2181 section 10.1).
    pub(super) fn is_of_signatures(self) -> bool {
        matches!(self.0, 24 | 25 | 30 | 46 | 47)
    }
}

fn numbered(name: &str) -> Option<u16> {
    let digits = name.get(..4).filter(|head| head.eq_ignore_ascii_case("TYPE")).and_then(|_| name.get(4..))?;
    digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TYPES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

/// The registry of types (IANA, "Domain Name System (DNS) Parameters"), without those that no zone holds.
const TYPES: &[(&str, u16)] = &[
    ("A", 1),
    ("NS", 2),
    ("MD", 3),
    ("MF", 4),
    ("CNAME", 5),
    ("SOA", 6),
    ("MB", 7),
    ("MG", 8),
    ("MR", 9),
    ("NULL", 10),
    ("WKS", 11),
    ("PTR", 12),
    ("HINFO", 13),
    ("MINFO", 14),
    ("MX", 15),
    ("TXT", 16),
    ("RP", 17),
    ("AFSDB", 18),
    ("X25", 19),
    ("ISDN", 20),
    ("RT", 21),
    ("NSAP", 22),
    ("NSAP-PTR", 23),
    ("SIG", 24),
    ("KEY", 25),
    ("PX", 26),
    ("GPOS", 27),
    ("AAAA", 28),
    ("LOC", 29),
    ("NXT", 30),
    ("SRV", 33),
    ("NAPTR", 35),
    ("KX", 36),
    ("CERT", 37),
    ("A6", 38),
    ("DNAME", 39),
    ("SINK", 40),
    ("APL", 42),
    ("DS", 43),
    ("SSHFP", 44),
    ("IPSECKEY", 45),
    ("RRSIG", 46),
    ("NSEC", 47),
    ("DNSKEY", 48),
    ("DHCID", 49),
    ("NSEC3", 50),
    ("NSEC3PARAM", 51),
    ("TLSA", 52),
    ("SMIMEA", 53),
    ("HIP", 55),
    ("NINFO", 56),
    ("RKEY", 57),
    ("TALINK", 58),
    ("CDS", 59),
    ("CDNSKEY", 60),
    ("OPENPGPKEY", 61),
    ("CSYNC", 62),
    ("ZONEMD", 63),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("SPF", 99),
    ("NID", 104),
    ("L32", 105),
    ("L64", 106),
    ("LP", 107),
    ("EUI48", 108),
    ("EUI64", 109),
    ("URI", 256),
    ("CAA", 257),
    ("AVC", 258),
    ("DOA", 259),
    ("AMTRELAY", 260),
    ("TA", 32768),
    ("DLV", 32769),
];
