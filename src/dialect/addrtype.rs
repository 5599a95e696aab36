//! Types of addresses (`addrtype`, `fib ... type`): exact where the device's addresses are known
//! (`net/ipv4/fib_frontend.c`, `net/ipv6/route.c`).

use super::conditions::condition;
use crate::packet::{Family, Field, Ranges};
use crate::ruleset::{DeviceFacts, Match, OpaqueKind};
use std::net::IpAddr;

/// One address of packets whose type is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AddressTypes<'a> {
    /// `Src` or `Dst`.
    pub field: Field,
    /// The family of the address.
    pub family: Family,
    /// `limit-iface-in` or `limit-iface-out`, where only addresses of that interface count.
    pub limit: Option<&'static str>,
    /// Facts about the device.
    pub facts: &'a DeviceFacts,
}

/// The names of the types, by their numbers (`RTN_UNSPEC`, ...).
pub const ADDRESS_TYPES: [&str; 12] = [
    "UNSPEC",
    "UNICAST",
    "LOCAL",
    "BROADCAST",
    "ANYCAST",
    "MULTICAST",
    "BLACKHOLE",
    "UNREACHABLE",
    "PROHIBIT",
    "THROW",
    "NAT",
    "XRESOLVE",
];

impl AddressTypes<'_> {
    /// The packets whose address is of the type of this name, one of `ADDRESS_TYPES`.
    pub fn of(&self, name: &str) -> Match {
        match self.family {
            Family::V4 => self.v4(name),
            Family::V6 => self.v6(name),
        }
    }

    fn v4(&self, name: &str) -> Match {
        let multicast = Ranges::range(0xe000_0000, 0xefff_ffff);
        let limited = Ranges::range(0, 0x00ff_ffff).union(&Ranges::one(0xffff_ffff));
        match (name, self.local(), self.broadcasts()) {
            ("MULTICAST", ..) => self.within(multicast),
            ("LOCAL", Some(local), _) => self.within(local),
            ("BROADCAST", _, Some(subnets)) => self.within(limited.union(&subnets)),
            ("UNICAST", Some(local), Some(subnets)) => {
                let others = multicast.union(&limited).union(&local).union(&subnets);
                self.within(others.complement(Family::V4.max_address()))
            }
            ("BROADCAST", ..) => {
                let elsewhere = self.within(multicast.complement(Family::V4.max_address()));
                Match::any([self.within(limited), Match::all([elsewhere, self.opaque(name)])])
            }
            ("UNICAST", ..) => {
                let possible = multicast.union(&limited).complement(Family::V4.max_address());
                Match::all([
                    self.within(possible),
                    Match::Not(Box::new(self.opaque("LOCAL"))),
                    Match::Not(Box::new(self.opaque("BROADCAST"))),
                ])
            }
            _ => {
                let possible = multicast.union(&limited).complement(Family::V4.max_address());
                Match::all([self.within(possible), self.opaque(name)])
            }
        }
    }

    fn v6(&self, name: &str) -> Match {
        let multicast = Ranges::range(0xff << 120, u128::MAX);
        match (name, self.local()) {
            ("MULTICAST", _) => self.within(multicast),
            ("UNICAST", _) => {
                let mapped = Ranges::range(0xffff_0000_0000, 0xffff_ffff_ffff);
                self.within(multicast.union(&mapped).union(&Ranges::one(0)).complement(u128::MAX))
            }
            ("UNSPEC", _) => self.within(Ranges::one(0)),
            ("LOCAL", Some(local)) => self.within(local),
            _ => self.opaque(name),
        }
    }

    fn within(&self, ranges: Ranges) -> Match {
        Match::ranges(self.field, ranges)
    }

    fn opaque(&self, name: &str) -> Match {
        let side = if self.field == Field::Src { "src-type" } else { "dst-type" };
        let limit = self.limit.map(|l| format!(" {l}")).unwrap_or_default();
        condition(format!("addrtype: {side} {name}{limit}"), OpaqueKind::Pure)
    }

    /// The device's own addresses with the loopback range; unknown where nobody gave them, or where only those of
    /// one interface count.
    fn local(&self) -> Option<Ranges> {
        let own = self.own()?.map(|net| (address(net.addr()), address(net.addr())));
        let loopback = match self.family {
            Family::V4 => (0x7f00_0000, 0x7fff_fffe),
            Family::V6 => (1, 1),
        };
        Some(own.chain([loopback]).collect())
    }

    /// The last addresses of the device's subnets: `fib_add_ifaddr` makes them broadcast below /31.
    fn broadcasts(&self) -> Option<Ranges> {
        let own = self.own()?.filter(|net| net.prefix_len() < 31).map(|net| address(net.broadcast()));
        Some(Ranges::from_values(own.chain([0x7fff_ffff])))
    }

    fn own(&self) -> Option<impl Iterator<Item = &ipnet::IpNet>> {
        let family = self.family;
        let nets = self.facts.addresses.as_ref().filter(|_| self.limit.is_none())?;
        Some(nets.iter().filter(move |n| n.addr().is_ipv4() == (family == Family::V4)))
    }
}

/// Where a redirect can send packets: the addresses of the device, any address where nobody gave them
/// (`nf_nat_redirect.c`).
pub fn redirect_targets(facts: &DeviceFacts, family: Family) -> Ranges {
    let own = facts.addresses.as_ref().map(|nets| {
        let of_family = nets.iter().map(ipnet::IpNet::addr).filter(|a| a.is_ipv4() == (family == Family::V4));
        let loopback = if family == Family::V4 { 0x7f00_0001 } else { 1 };
        Ranges::from_values(of_family.map(address).chain([loopback]))
    });
    own.unwrap_or_else(|| Ranges::range(0, family.max_address()))
}

fn address(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(a) => u32::from(a).into(),
        IpAddr::V6(a) => a.into(),
    }
}
