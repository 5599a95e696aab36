//! Private and public address space, and the named ranges of a policy: the groups between which range checks ask
//! whether anything can still talk.

use super::CheckInput;
use crate::packet::{Family, Ranges};

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

/// Every peer class of a family that has addresses: named ranges, the inventory's, private space, public space.
pub(super) fn peer_classes(input: &CheckInput<'_>, family: Family) -> Vec<PeerClass> {
    let named = input
        .policy
        .names
        .ranges()
        .iter()
        .map(|(name, set)| PeerClass { name: format!("`{name}`"), addresses: set.of(family).clone() });
    let listed = PeerClass { name: "the inventory".to_owned(), addresses: input.estate.addresses(family) };
    let space = [("private space", private(family)), ("public space", public(family))];
    let space = space.map(|(name, addresses)| PeerClass { name: name.to_owned(), addresses });
    named.chain([listed]).chain(space).filter(|class| !class.addresses.is_empty()).collect()
}

/// The ranges about which a range check speaks: blocks of private space, and those of named ranges and of the inventory.
pub(super) struct OwnSpace {
    blocks: Vec<(u128, u128)>,
    all: Ranges,
}

impl OwnSpace {
    /// The own space of a family under a policy.
    pub fn of(input: &CheckInput<'_>, family: Family) -> OwnSpace {
        let named = input.policy.names.ranges().values().flat_map(|set| set.of(family).as_slice().to_vec());
        let listed = input.estate.prefixes(family).flat_map(|p| p.ranges().as_slice().to_vec());
        OwnSpace::of_blocks(named.chain(listed), family)
    }

    fn of_blocks(named: impl Iterator<Item = (u128, u128)>, family: Family) -> OwnSpace {
        let mut blocks: Vec<(u128, u128)> = named.chain(private(family).as_slice().iter().copied()).collect();
        blocks.sort_unstable();
        blocks.dedup();
        OwnSpace { all: blocks.iter().copied().collect(), blocks }
    }

    /// All of it.
    pub fn addresses(&self) -> &Ranges {
        &self.all
    }

    /// Whether addresses touch own space at all.
    pub fn is_touched(&self, addresses: &Ranges) -> bool {
        addresses.meets(&self.all)
    }

    /// The whole blocks inside ranges that are not about own space in particular.
    pub fn whole(&self, addresses: &Ranges) -> Ranges {
        let wide = addresses.as_slice().iter().filter(|(lo, hi)| !Ranges::range(*lo, *hi).is_subset(&self.all));
        wide.flat_map(|(lo, hi)| self.blocks.iter().filter(move |(first, last)| lo <= first && last <= hi))
            .copied()
            .collect()
    }

    /// The parts of addresses that are about own space in particular: ranges inside it, and the parts of wider
    /// ranges that take a piece out of a block. A range that holds whole blocks and more is about everybody.
    pub fn particular(&self, addresses: &Ranges) -> Ranges {
        let of_range = |&(lo, hi): &(u128, u128)| -> Vec<(u128, u128)> {
            if Ranges::range(lo, hi).is_subset(&self.all) {
                return vec![(lo, hi)];
            }
            let pieces = self.blocks.iter().filter(|(first, last)| !(lo <= *first && *last <= hi));
            pieces.map(|(first, last)| (lo.max(*first), hi.min(*last))).filter(|(l, h)| l <= h).collect()
        };
        addresses.as_slice().iter().flat_map(of_range).collect()
    }
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

    #[test]
    fn what_is_about_everybody_is_not_about_own_space_in_particular() {
        let own = OwnSpace::of_blocks(std::iter::empty(), Family::V4);
        let particular = |lo, hi| own.particular(&Ranges::range(lo, hi));
        assert!(particular(0, 0xffff_ffff).is_empty());
        assert!(particular(0xac00_0000, 0xacff_ffff).is_empty());
        assert_eq!(particular(0x0a04_0000, 0x0a04_ffff), Ranges::range(0x0a04_0000, 0x0a04_ffff));
        assert_eq!(particular(0x0a08_0000, 0xffff_ffff), Ranges::range(0x0a08_0000, 0x0aff_ffff));
        assert_eq!(own.whole(&Ranges::range(0, 0xffff_ffff)), private(Family::V4));
        assert!(own.whole(&Ranges::range(0x0a00_0000, 0x0aff_ffff)).is_empty());
        assert!(own.is_touched(&Ranges::range(0, u128::from(u32::MAX))) && !own.is_touched(&Ranges::one(1)));
    }
}
