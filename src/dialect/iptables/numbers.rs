//! Numbers, ranges, marks and ports as iptables writes them.

use super::options::{Given, Parsed, Use};
use crate::dialect::{Problem, nearest};
use crate::packet::{Cube, Field, Ranges, Values};
use crate::ruleset::Match;

/// A number under a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masked {
    /// The value, as written; bits outside the mask are kept.
    pub value: u32,
    /// The mask.
    pub mask: u32,
}

impl Masked {
    /// The packets with `field & mask == value`; none where the value has bits that the mask lacks, because the
    /// kernel masks only the packet's side (`xt_mark.c`).
    pub fn to_match(self, field: Field) -> Match {
        if self.value & !self.mask != 0 {
            return Match::Never;
        }
        Match::Field(field, Values::Cube(Cube::new(self.value.into(), self.mask.into())))
    }
}

/// A number in decimal, hexadecimal (`0x`) or octal (`0`), as `strtoul` with base 0 reads it.
pub fn parse_number(text: &str) -> Option<u64> {
    let digits = |text: &str, radix| {
        let proper = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        proper.then(|| u64::from_str_radix(text, radix).ok()).flatten()
    };
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return digits(hex, 16);
    }
    if text.len() > 1 && text.starts_with('0') {
        return digits(&text[1..], 8);
    }
    digits(text, 10)
}

/// Reads a number up to `max`.
pub fn number(given: &Given<'_>, text: &str, max: u64) -> Parsed<u64> {
    parse_number(text)
        .filter(|n| *n <= max)
        .ok_or_else(|| Problem::new(given.part(text), format!("`{text}` is no number from 0 to {max}")))
}

/// Reads `N`, `A:B`, `:B` or `A:`, where A is at most B.
pub fn range(given: &Given<'_>, text: &str, max: u64) -> Parsed<(u64, u64)> {
    ordered(given, text, range_ends(given, text, max)?)
}

/// Reads `N`, `A:B`, `:B` or `A:` in any order.
pub fn range_ends(given: &Given<'_>, text: &str, max: u64) -> Parsed<(u64, u64)> {
    let one = |part: &str, empty: u64| if part.is_empty() { Ok(empty) } else { number(given, part, max) };
    match text.split_once(':') {
        None => number(given, text, max).map(|n| (n, n)),
        Some((first, last)) => Ok((one(first, 0)?, one(last, max)?)),
    }
}

/// The packets whose `field` is in the option's range.
pub fn range_match(given: &Given<'_>, field: Field, max: u64) -> Parsed<Match> {
    let (first, last) = range(given, given.text(), max)?;
    Ok(Match::ranges(field, Ranges::range(first.into(), last.into())).negated_if(given.negate))
}

/// Reads `VALUE` or `VALUE/MASK`; the mask is all ones where it is not given.
pub fn masked(given: &Given<'_>) -> Parsed<Masked> {
    let (value, mask) = given.text().split_once('/').map_or((given.text(), None), |(v, m)| (v, Some(m)));
    let max = u64::from(u32::MAX);
    let mask = mask.map_or(Ok(max), |m| number(given, m, max))?;
    Ok(Masked { value: number(given, value, max)? as u32, mask: mask as u32 })
}

/// Reads one port by number or by the name of its service.
pub fn port(given: &Given<'_>, text: &str) -> Parsed<u64> {
    if let Some(number) = parse_number(text).filter(|n| *n <= 65_535) {
        return Ok(number);
    }
    if let Some(port) = service_port(text) {
        return Ok(u64::from(port));
    }
    let near = nearest(text, SERVICES.iter().map(|(name, _)| *name)).map(|n| format!("did you mean `{n}`? "));
    Err(Problem::new(given.part(text), format!("`{text}` is no port"))
        .help(format!("{}ports are numbers from 0 to 65535 or names of well-known services", near.unwrap_or_default())))
}

/// The port of a well-known service.
pub fn service_port(name: &str) -> Option<u16> {
    SERVICES.iter().find(|(known, _)| *known == name).map(|(_, port)| *port)
}

/// Reads `PORT`, `A:B`, `:B` or `A:`.
pub fn port_range(given: &Given<'_>, text: &str) -> Parsed<(u64, u64)> {
    let one = |part: &str, empty: u64| if part.is_empty() { Ok(empty) } else { port(given, part) };
    match text.split_once(':') {
        None => port(given, text).map(|p| (p, p)),
        Some((first, last)) => ordered(given, text, (one(first, 0)?, one(last, 65_535)?)),
    }
}

fn ordered(given: &Given<'_>, text: &str, range: (u64, u64)) -> Parsed<(u64, u64)> {
    if range.0 > range.1 {
        return Err(Problem::new(given.part(text), format!("the range `{text}` ends before it begins"))
            .help("write the smaller number first"));
    }
    Ok(range)
}

/// Refuses a match or target that the kernel ties to some protocols where `-p` does not ask for one of them.
pub fn need_protocol(used: &Use<'_>, name: &str, protocols: &[u8]) -> Parsed<u8> {
    used.only_protocol().filter(|p| protocols.contains(p)).ok_or_else(|| {
        let names: Vec<String> = protocols.iter().map(|p| format!("`-p {}`", protocol_text(*p))).collect();
        used.wrong(format!("`{name}` needs its protocol in the same rule"))
            .help(format!("the kernel wants {} in the same rule", names.join(" or ")))
    })
}

/// A protocol's name, or its number.
pub fn protocol_text(number: u8) -> String {
    crate::packet::protocol_name(number).map_or_else(|| number.to_string(), str::to_owned)
}

/// Services that hand-written rules name (IANA service name registry); save commands write numbers.
const SERVICES: &[(&str, u16)] = &[
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("time", 37),
    ("whois", 43),
    ("tacacs", 49),
    ("domain", 53),
    ("bootps", 67),
    ("bootpc", 68),
    ("tftp", 69),
    ("gopher", 70),
    ("finger", 79),
    ("http", 80),
    ("www", 80),
    ("kerberos", 88),
    ("pop3", 110),
    ("sunrpc", 111),
    ("auth", 113),
    ("nntp", 119),
    ("ntp", 123),
    ("netbios-ns", 137),
    ("netbios-dgm", 138),
    ("netbios-ssn", 139),
    ("imap2", 143),
    ("imap", 143),
    ("snmp", 161),
    ("snmp-trap", 162),
    ("snmptrap", 162),
    ("bgp", 179),
    ("irc", 194),
    ("ldap", 389),
    ("https", 443),
    ("microsoft-ds", 445),
    ("kpasswd", 464),
    ("submissions", 465),
    ("isakmp", 500),
    ("exec", 512),
    ("login", 513),
    ("shell", 514),
    ("syslog", 514),
    ("printer", 515),
    ("route", 520),
    ("nfs", 2049),
    ("ipp", 631),
    ("submission", 587),
    ("ldaps", 636),
    ("domain-s", 853),
    ("rsync", 873),
    ("ftps", 990),
    ("imaps", 993),
    ("pop3s", 995),
    ("socks", 1080),
    ("openvpn", 1194),
    ("ms-sql-s", 1433),
    ("ms-sql-m", 1434),
    ("radius", 1812),
    ("radius-acct", 1813),
    ("mysql", 3306),
    ("ms-wbt-server", 3389),
    ("ipsec-nat-t", 4500),
    ("sip", 5060),
    ("sip-tls", 5061),
    ("mdns", 5353),
    ("postgresql", 5432),
    ("x11", 6000),
    ("http-alt", 8080),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_bases() {
        assert_eq!(parse_number("0x1F"), Some(31));
        assert_eq!(parse_number("017"), Some(15));
        assert_eq!(parse_number("17"), Some(17));
        assert_eq!(parse_number("0"), Some(0));
        assert_eq!(parse_number("+1"), None);
        assert_eq!(parse_number("08"), None);
        assert_eq!(parse_number(""), None);
    }

    #[test]
    fn a_value_outside_its_mask_never_matches() {
        assert_eq!(Masked { value: 0xff, mask: 0xf }.to_match(Field::Mark), Match::Never);
    }
}
