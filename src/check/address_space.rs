//! Private and public address space, and the named ranges of a policy: the groups between which range checks ask
//! whether anything can still talk.

use crate::packet::{Family, Ranges};
use crate::policy::Names;

/// A group of addresses to which a range may lose its way.
#[derive(Clone, Debug)]
pub(super) struct PeerClass {
    /// As sentences write it: `` `dallas` ``, `private space`.
    pub name: String,
    pub addresses: Ranges,
}

/// Addresses that are private: RFC 1918, RFC 6598 (shared space of carriers), RFC 4193 (fc00::/7).
pub(super) fn private(family: Family) -> Ranges {
    match family {
        Family::V4 => Ranges::from_unsorted(vec![
            (0x0a00_0000, 0x0aff_ffff),
            (0x6440_0000, 0x647f_ffff),
            (0xac10_0000, 0xac1f_ffff),
            (0xc0a8_0000, 0xc0a8_ffff),
        ]),
        Family::V6 => Ranges::range(0xfc << 120, (0xfe << 120) - 1),
    }
}

/// Everything else.
pub(super) fn public(family: Family) -> Ranges {
    private(family).complement(family.max_address())
}

/// The part of public space from which ordinary hosts send: without this-network, loopback, link-local, protocol,
/// documentation, benchmark, multicast and reserved blocks (RFC 6890); for IPv6, 2000::/3 without documentation.
pub(super) fn ordinary_public(family: Family) -> Ranges {
    match family {
        Family::V4 => {
            let special = Ranges::from_unsorted(vec![
                (0x0000_0000, 0x00ff_ffff),
                (0x7f00_0000, 0x7fff_ffff),
                (0xa9fe_0000, 0xa9fe_ffff),
                (0xc000_0000, 0xc000_02ff),
                (0xc058_6300, 0xc058_63ff),
                (0xc612_0000, 0xc613_ffff),
                (0xc633_6400, 0xc633_64ff),
                (0xcb00_7100, 0xcb00_71ff),
                (0xe000_0000, 0xffff_ffff),
            ]);
            public(family).subtract(&special)
        }
        Family::V6 => {
            let documentation = Ranges::range(0x2001_0db8 << 96, (0x2001_0db9 << 96) - 1);
            Ranges::range(0x2000 << 112, (0x4000 << 112) - 1).subtract(&documentation)
        }
    }
}

/// Every peer class of a family that has addresses: named ranges, private space, public space.
pub(super) fn peer_classes(names: &Names, family: Family) -> Vec<PeerClass> {
    let named = names
        .ranges()
        .iter()
        .map(|(name, set)| PeerClass { name: format!("`{name}`"), addresses: set.of(family).clone() });
    let space = [("private space", private(family)), ("public space", public(family))];
    let space = space.map(|(name, addresses)| PeerClass { name: name.to_owned(), addresses });
    named.chain(space).filter(|class| !class.addresses.is_empty()).collect()
}

/// Addresses about which a range check speaks: private ones and those of named ranges.
pub(super) fn own_space(names: &Names, family: Family) -> Ranges {
    let named = names.ranges().values().flat_map(|set| set.of(family).as_slice().iter().copied());
    named.chain(private(family).as_slice().iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_public_make_up_the_family() {
        for family in Family::ALL {
            assert!(!private(family).meets(&public(family)));
            assert!(private(family).union(&public(family)).is_full(family.max_address()));
            assert!(ordinary_public(family).is_subset(&public(family)));
        }
        assert!(private(Family::V4).contains(0x6440_0001) && private(Family::V6).contains(0xfd << 120));
        assert!(!ordinary_public(Family::V4).contains(0xcb00_7101));
    }
}
