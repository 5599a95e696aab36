//! Prefixes of addresses, as routes and rules write them.

use crate::packet::{Family, Ranges};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address and how many of its leading bits count; the bits behind them are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    /// The family of the address.
    pub family: Family,
    /// The network's first address, `0..=Family::max_address`.
    pub address: u128,
    /// How many bits count, `0..=Family::bits`.
    pub length: u32,
}

impl Prefix {
    /// Every address of a family.
    pub fn any(family: Family) -> Prefix {
        Prefix { family, address: 0, length: 0 }
    }

    /// The first and the last address.
    pub fn bounds(&self) -> (u128, u128) {
        (self.address, self.address | host_bits(self.family, self.length))
    }

    /// The addresses.
    pub fn ranges(&self) -> Ranges {
        let (first, last) = self.bounds();
        Ranges::range(first, last)
    }

    /// Whether an address is among them.
    pub fn contains(&self, address: u128) -> bool {
        let (first, last) = self.bounds();
        (first..=last).contains(&address)
    }

    /// An address, or `ADDRESS/LENGTH`.
    ///
    /// # Errors
    /// A text that is no address, a length beyond the family's, bits behind the length.
    pub fn read(text: &str) -> Result<Prefix, String> {
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let (family, address) = read_address(address).ok_or_else(|| format!("`{text}` is no prefix of addresses"))?;
        let length = match length {
            None => family.bits(),
            Some(digits) => read_length(digits, family).ok_or_else(|| format!("`{text}` has no such prefix length"))?,
        };
        if address & host_bits(family, length) != 0 {
            return Err(format!("`{text}` has bits set behind its prefix length"));
        }
        Ok(Prefix { family, address, length })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length {
            0 => write!(f, "default"),
            length if length == self.family.bits() => write!(f, "{}", address(self.family, self.address)),
            length => write!(f, "{}/{length}", address(self.family, self.address)),
        }
    }
}

fn read_length(digits: &str, family: Family) -> Option<u32> {
    let plain = !digits.is_empty() && digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|length| plain && *length <= family.bits())
}

/// An address with its family.
pub(super) fn read_address(text: &str) -> Option<(Family, u128)> {
    match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(v4) => Some((Family::V4, u128::from(u32::from(v4)))),
        IpAddr::V6(v6) => Some((Family::V6, u128::from(v6))),
    }
}

/// The address of a number; numbers beyond the family's are cut.
pub(super) fn address(family: Family, value: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from(value as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(value)),
    }
}

/// The bits behind a length.
fn host_bits(family: Family, length: u32) -> u128 {
    match family.bits().saturating_sub(length) {
        128 => u128::MAX,
        width => (1 << width) - 1,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_and_written_as_the_tools_do() {
        for text in ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1"] {
            assert_eq!(Prefix::read(text).unwrap().to_string(), text);
        }
        assert_eq!(Prefix::read("0.0.0.0/0").unwrap().to_string(), "default");
        assert_eq!(Prefix::any(Family::V6).bounds(), (0, u128::MAX));
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for text in
            ["10.0.0.1/8", "10.0.0.0/33", "::/129", "10/8", "10.0.0.0/+8", "10.0.0.0/", "", "/8", "fe80::1%eth0"]
        {
            assert!(Prefix::read(text).is_err(), "{text}");
        }
    }
}
