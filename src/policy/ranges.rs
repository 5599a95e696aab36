//! Sets of addresses as policies write them: prefixes, addresses, `first-last`, `any`, and names of `[ranges]`.

use super::names::{Entry, Vocabulary};
use crate::document::Wrong;
use crate::names::Name;
use crate::packet::{Family, Ranges};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Addresses of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet {
    /// The IPv4 addresses.
    pub v4: Ranges,
    /// The IPv6 addresses.
    pub v6: Ranges,
    /// Hosts by name, whose addresses the zones say; none of them is in the above unless it was looked up.
    pub hosts: BTreeSet<Name>,
}

impl AddressSet {
    /// Every address of both families.
    pub fn any() -> AddressSet {
        let whole = |family: Family| Ranges::range(0, family.max_address());
        AddressSet { v4: whole(Family::V4), v6: whole(Family::V6), hosts: BTreeSet::new() }
    }

    /// The addresses of one family.
    pub fn of(&self, family: Family) -> &Ranges {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// Whether neither an address nor a host is in the set.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty() && self.hosts.is_empty()
    }

    /// The addresses in either set.
    pub fn union(&self, other: &AddressSet) -> AddressSet {
        AddressSet {
            v4: self.v4.union(&other.v4),
            v6: self.v6.union(&other.v6),
            hosts: self.hosts.union(&other.hosts).cloned().collect(),
        }
    }

    fn range(family: Family, lo: u128, hi: u128) -> AddressSet {
        match family {
            Family::V4 => AddressSet { v4: Ranges::range(lo, hi), ..AddressSet::default() },
            Family::V6 => AddressSet { v6: Ranges::range(lo, hi), ..AddressSet::default() },
        }
    }
}

/// The vocabulary of address sets.
pub(super) struct Addresses;

impl Vocabulary for Addresses {
    type Set = AddressSet;
    const KIND: &'static str = "range";
    const SECTION: &'static str = "[ranges]";

    fn read(text: &str) -> Entry<AddressSet> {
        if text == "any" {
            return Entry::Set(AddressSet::any());
        }
        if let Some(host) = text.strip_prefix(HOST) {
            return read_host(text, host);
        }
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.contains([':', '/']) {
            return Entry::Name;
        }
        match read_literal(text) {
            Ok(set) => Entry::Set(set),
            Err(wrong) => Entry::Wrong(wrong),
        }
    }

    fn unite(all: &[&AddressSet]) -> AddressSet {
        let ranges = |family| all.iter().flat_map(|s| s.of(family).as_slice().iter().copied()).collect();
        let hosts = all.iter().flat_map(|s| s.hosts.iter().cloned()).collect();
        AddressSet { v4: ranges(Family::V4), v6: ranges(Family::V6), hosts }
    }

    fn is_reserved(name: &str) -> Option<String> {
        (name == "any").then(|| "`any` means every address of both families".to_owned())
    }

    fn hint(_: &str) -> Option<String> {
        None
    }
}

/// What stands in front of the name of a host.
const HOST: &str = "dns:";

/// A host by its name, which is whole with or without a final dot.
fn read_host(text: &str, host: &str) -> Entry<AddressSet> {
    match Name::parse(&format!("{}.", host.trim_end_matches('.')), None) {
        Ok(name) if !name.is_root() => Entry::Set(AddressSet { hosts: [name].into(), ..AddressSet::default() }),
        Ok(_) => Entry::Wrong(Wrong::new(format!("`{text}` names no host"), "write `dns:portal.example.net`")),
        Err(why) => {
            Entry::Wrong(Wrong::new(format!("`{text}` names no host: {why}"), "write `dns:portal.example.net`"))
        }
    }
}

/// A prefix, an address, or `first-last`.
pub(super) fn read_literal(text: &str) -> Result<AddressSet, Wrong> {
    if let Some((address, length)) = text.split_once('/') {
        return read_prefix(text, address, length);
    }
    if let Some((first, last)) = text.split_once('-') {
        return read_span(text, first, last);
    }
    let (family, value) = read_address(text).ok_or_else(|| no_address(text))?;
    Ok(AddressSet::range(family, value, value))
}

fn read_prefix(text: &str, address: &str, length: &str) -> Result<AddressSet, Wrong> {
    let (family, value) = read_address(address).ok_or_else(|| no_address(text))?;
    let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    let length = length.parse::<u32>().ok().filter(|l| digits && *l <= family.bits());
    let Some(length) = length else {
        let help = format!("the length of an {family} prefix is a number from 0 to {}", family.bits());
        return Err(Wrong::new(format!("`{text}` has no such prefix length"), help));
    };
    let host = host_bits(family, length);
    if value & host != 0 {
        let base = write_address(family, value & !host);
        let help = format!("write `{base}/{length}` for the network, or `{address}` for the one address");
        return Err(Wrong::new(format!("`{text}` has bits set behind its prefix length"), help));
    }
    Ok(AddressSet::range(family, value, value | host))
}

fn read_span(text: &str, first: &str, last: &str) -> Result<AddressSet, Wrong> {
    let (from, to) = read_address(first).zip(read_address(last)).ok_or_else(|| no_address(text))?;
    if from.0 != to.0 {
        return Err(Wrong::new(format!("`{text}` begins in one family and ends in the other"), "write two entries"));
    }
    if from.1 > to.1 {
        return Err(Wrong::new(format!("`{text}` ends before it begins"), format!("write `{last}-{first}`")));
    }
    Ok(AddressSet::range(from.0, from.1, to.1))
}

fn read_address(text: &str) -> Option<(Family, u128)> {
    match text.trim().parse::<IpAddr>().ok()? {
        IpAddr::V4(v4) => Some((Family::V4, u128::from(u32::from(v4)))),
        IpAddr::V6(v6) => Some((Family::V6, u128::from(v6))),
    }
}

fn write_address(family: Family, value: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4((value as u32).into()),
        Family::V6 => IpAddr::V6(value.into()),
    }
}

/// The bits behind a prefix length.
fn host_bits(family: Family, length: u32) -> u128 {
    let width = family.bits() - length;
    if width == 128 { u128::MAX } else { (1 << width) - 1 }
}

fn no_address(text: &str) -> Wrong {
    let help = "write a prefix such as `10.0.0.0/8`, an address, `first-last`, `any`, or a name of [ranges]";
    Wrong::new(format!("`{text}` is no set of addresses"), help)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_all_forms_are_read() {
        assert_eq!(read_literal("10.0.0.0/8").unwrap().v4, Ranges::range(0x0a00_0000, 0x0aff_ffff));
        assert_eq!(read_literal("::/0").unwrap().v6, Ranges::range(0, u128::MAX));
        assert_eq!(read_literal("10.0.0.1-10.0.0.3").unwrap().v4, Ranges::range(0x0a00_0001, 0x0a00_0003));
        assert_eq!(read_literal("0.0.0.0/0").unwrap(), AddressSet { v6: Ranges::empty(), ..AddressSet::any() });
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in
            ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.3-10.0.0.1", "10.0.0.1-::1", "300.1.1.1", "", "/8"]
        {
            assert!(read_literal(text).is_err(), "{text}");
        }
    }
}
