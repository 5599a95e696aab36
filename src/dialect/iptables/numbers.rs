//! Numbers, ranges, marks and ports as iptables writes them.

use super::options::{Given, Parsed, Use};
use crate::dialect::numbers::service_names;
pub use crate::dialect::numbers::{parse_number, service_port};
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
    let near = nearest(text, service_names()).map(|n| format!("did you mean `{n}`? "));
    Err(Problem::new(given.part(text), format!("`{text}` is no port"))
        .help(format!("{}ports are numbers from 0 to 65535 or names of well-known services", near.unwrap_or_default())))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_outside_its_mask_never_matches() {
        assert_eq!(Masked { value: 0xff, mask: 0xf }.to_match(Field::Mark), Match::Never);
    }
}
