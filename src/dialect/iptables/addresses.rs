//! Addresses, masks and ranges of addresses as iptables writes them.

use super::options::{Given, Parsed};
use crate::dialect::Problem;
use crate::packet::{Cube, Family, Field, Ranges, Values};
use crate::ruleset::Match;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The message part by which a wrong family is recognised, so that a whole file of the other family is told once.
pub const OTHER_FAMILY: &str = "in a ruleset of the other family";

/// An address under a mask; host bits are cleared, as iptables does (`xtables_parse_val_mask`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The address, without bits outside the mask.
    pub value: u128,
    /// The mask, of the family's width.
    pub mask: u128,
}

impl Network {
    /// The one range of addresses, where the mask is a prefix.
    pub fn range(self, family: Family) -> Option<(u128, u128)> {
        let host = family.max_address() & !self.mask;
        (host & host.wrapping_add(1) == 0).then_some((self.value, self.value | host))
    }

    /// The packets whose source or destination (`field`) is in the network.
    pub fn to_match(self, field: Field, family: Family) -> Match {
        match self.range(family) {
            Some((0, last)) if last == family.max_address() => Match::Always,
            Some((first, last)) => Match::ranges(field, Ranges::range(first, last)),
            None => {
                let bits = if field == Field::Src { Field::SrcBits } else { Field::DstBits };
                Match::Field(bits, Values::Cube(Cube::new(self.value, self.mask)))
            }
        }
    }
}

/// Reads an address of the family.
pub fn address(given: &Given<'_>, text: &str, family: Family) -> Parsed<u128> {
    parse(text, family).ok_or_else(|| no_address(given, text, family))
}

/// Reads `ADDRESS`, `ADDRESS/PREFIX` or `ADDRESS/MASK`.
pub fn network(given: &Given<'_>, text: &str, family: Family) -> Parsed<Network> {
    let Some((base, mask)) = text.split_once('/') else {
        return Ok(Network { value: address(given, text, family)?, mask: family.max_address() });
    };
    let mask_bits = parse_mask(mask, family).ok_or_else(|| {
        Problem::new(given.part(mask), format!("`{mask}` is no {family} mask"))
            .help(format!("a mask is a prefix length from 0 to {} or an address", family.bits()))
    })?;
    let padded = parse(base, family).or_else(|| parse_short(base, family));
    let value = padded.ok_or_else(|| no_address(given, base, family))?;
    Ok(Network { value: value & mask_bits, mask: mask_bits })
}

/// Reads `FIRST-LAST` or one address, in any order.
pub fn ends(given: &Given<'_>, text: &str, family: Family) -> Parsed<(u128, u128)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ok((address(given, first, family)?, address(given, last, family)?))
}

/// Reads `FIRST-LAST` or one address.
pub fn span(given: &Given<'_>, text: &str, family: Family) -> Parsed<(u128, u128)> {
    let range = ends(given, text, family)?;
    if range.0 > range.1 {
        return Err(Problem::new(given.part(text), format!("the range `{text}` ends before it begins")));
    }
    Ok(range)
}

/// An address of the family as a number.
pub fn parse(text: &str, family: Family) -> Option<u128> {
    match family {
        Family::V4 => text.parse::<Ipv4Addr>().ok().map(|a| u128::from(u32::from(a))),
        Family::V6 => text.parse::<Ipv6Addr>().ok().map(u128::from),
    }
}

/// A prefix length or a mask written as an address.
pub fn parse_mask(text: &str, family: Family) -> Option<u128> {
    match text.parse::<u32>() {
        Ok(length) => (length <= family.bits()).then(|| prefix_mask(length, family)),
        Err(_) => parse(text, family),
    }
}

/// The mask of a prefix length, which is at most the family's width.
pub fn prefix_mask(length: u32, family: Family) -> u128 {
    let host = family.bits().saturating_sub(length);
    family.max_address() & u128::MAX.checked_shl(host).unwrap_or(0)
}

/// `10/8` and `192.168/16`: missing octets are zero where a mask follows (`parse_ipmask` in xtables).
fn parse_short(text: &str, family: Family) -> Option<u128> {
    if family == Family::V6 || text.is_empty() {
        return None;
    }
    let octets: Option<Vec<u8>> = text.split('.').map(|o| o.parse().ok()).collect();
    let octets = octets.filter(|o| o.len() <= 4)?;
    Some(octets.iter().chain(&[0; 4]).take(4).fold(0, |n, o| n << 8 | u128::from(*o)))
}

fn no_address(given: &Given<'_>, text: &str, family: Family) -> Problem {
    let span = given.part(text);
    let other = if family == Family::V4 { Family::V6 } else { Family::V4 };
    if parse(text, other).is_some() {
        return Problem::new(span, format!("`{text}` is an {other} address {OTHER_FAMILY}"));
    }
    let problem = Problem::new(span, format!("`{text}` is no {family} address"));
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.contains(':') {
        return problem.help("a host name means what the loading machine resolves it to; write its addresses");
    }
    problem
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_lengths_or_addresses() {
        assert_eq!(parse_mask("8", Family::V4), Some(0xff00_0000));
        assert_eq!(parse_mask("0", Family::V6), Some(0));
        assert_eq!(parse_mask("255.0.255.0", Family::V4), Some(0xff00_ff00));
        assert_eq!(parse_mask("33", Family::V4), None);
        assert_eq!(prefix_mask(128, Family::V6), u128::MAX);
    }

    #[test]
    fn only_prefix_masks_are_ranges() {
        let net = Network { value: 0x0a00_0000, mask: 0xff00_0000 };
        assert_eq!(net.range(Family::V4), Some((0x0a00_0000, 0x0aff_ffff)));
        assert_eq!(Network { value: 0, mask: 0xff00_ff00 }.range(Family::V4), None);
        assert_eq!(parse_short("192.168", Family::V4), Some(0xc0a8_0000));
    }
}
