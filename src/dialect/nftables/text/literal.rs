//! Words that begin as numbers do: addresses, times and classes, by the patterns of nft's scanner (`scanner.l`).

use std::net::Ipv6Addr;

/// The longest run of characters of an address that is looked at.
const LONGEST: usize = 48;

/// The length of the longest address at the start: IPv4, IPv6, `[IPv6]`, Ethernet, or a class `1:2` that is followed by a
/// separator; 0 where there is none.
pub fn address(rest: &[u8]) -> usize {
    if let Some(inner) = rest.strip_prefix(b"[") {
        let length = ip6(inner, run(inner));
        return if length > 0 && inner.get(length) == Some(&b']') { length + 2 } else { 0 };
    }
    let v4 = ip4(rest);
    let goes_on = rest.get(v4).is_some_and(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
    if v4 > 0 && !goes_on {
        return v4;
    }
    let run = run(rest);
    let colons = rest[..run].iter().filter(|b| **b == b':').count();
    match colons {
        0 => v4,
        1 => v4.max(class(rest)),
        _ => v4.max(ethernet(rest)).max(ip6(rest, run)).max(class(rest)),
    }
}

/// The length of a time at the start (`1d2h3m4s5ms`); 0 where there is none.
pub fn time(rest: &[u8]) -> usize {
    let mut at = 0;
    for unit in [b"d".as_slice(), b"h", b"m", b"s", b"ms"] {
        let digits = rest[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let is_unit = digits > 0 && rest[at + digits..].starts_with(unit);
        let millis = unit == b"m" && rest[at + digits..].starts_with(b"ms");
        if is_unit && !millis {
            at += digits + unit.len();
        }
    }
    at
}

/// How many characters of addresses stand at the start, within bounds.
fn run(rest: &[u8]) -> usize {
    rest.iter().take(LONGEST).take_while(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')).count()
}

fn ip4(rest: &[u8]) -> usize {
    let mut at = 0;
    for part in 0..4 {
        let digits = rest[at..].iter().take(3).take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return 0;
        }
        at += digits;
        if part < 3 {
            if rest.get(at) != Some(&b'.') {
                return 0;
            }
            at += 1;
        }
    }
    at
}

/// The longest prefix of the run that is an address.
fn ip6(rest: &[u8], run: usize) -> usize {
    let lengths = (2..=run).rev();
    let is_address = |length: &usize| {
        std::str::from_utf8(&rest[..*length]).is_ok_and(|text| text.contains(':') && text.parse::<Ipv6Addr>().is_ok())
    };
    lengths.into_iter().find(is_address).unwrap_or(0)
}

fn ethernet(rest: &[u8]) -> usize {
    let mut at = 0;
    for part in 0..6 {
        let digits = rest[at..].iter().take(2).take_while(|b| b.is_ascii_hexdigit()).count();
        if digits == 0 || (part < 5 && rest.get(at + digits) != Some(&b':')) {
            return 0;
        }
        at += digits + usize::from(part < 5);
    }
    at
}

fn class(rest: &[u8]) -> usize {
    let hex = |from: usize| rest[from..].iter().take(5).take_while(|b| b.is_ascii_hexdigit()).count();
    let major = hex(0);
    if !(1..=4).contains(&major) || rest.get(major) != Some(&b':') {
        return 0;
    }
    let minor = hex(major + 1);
    let end = major + 1 + minor;
    let separated = rest.get(end).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b':' | b'-' | b'}' | b','));
    if (1..=4).contains(&minor) && separated { end } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_times_have_their_length() {
        for (text, length) in [
            ("10.0.0.1", 8),
            ("10.0.0", 0),
            ("10.0.0.1234", 10),
            ("::", 2),
            ("::1:", 3),
            ("fe80::1%", 7),
            ("1:2:3:4:5:6:7:8:9", 15),
            ("::ffff:10.0.0.1/96", 15),
            ("[::1]:80", 5),
            ("[::1", 0),
            ("a:b:c:d:e:f ", 11),
            ("1:2 ", 3),
            ("1:2x", 0),
        ] {
            assert_eq!(address(text.as_bytes()), length, "{text}");
        }
        for (text, length) in [("1d2h", 4), ("5ms", 3), ("5m3ms", 5), ("10", 0), ("1h2d", 2)] {
            assert_eq!(time(text.as_bytes()), length, "{text}");
        }
    }
}
