//! The set types with their dimensions (ipset(8), SET TYPES).

use crate::dialect::nftables;
use crate::packet::Family;

/// What one dimension of a set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// A single address.
    Ip,
    /// A network.
    Net,
    /// A protocol with a port.
    Port,
    /// A MAC address.
    Mac,
    /// A packet mark.
    Mark,
    /// An interface.
    Iface,
    /// Another set.
    Set,
}

/// Which family a set type is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeFamily {
    /// What `family` says; IPv4 where it is not given.
    Given,
    /// Always this one.
    Fixed(Family),
    /// None: it matches packets of either.
    None,
}

/// One set type.
#[derive(Debug)]
pub struct SetType {
    /// Its name.
    pub name: &'static str,
    /// Its dimensions.
    pub dimensions: &'static [Dimension],
    /// Its family.
    pub family: TypeFamily,
}

impl SetType {
    /// The type of this name.
    pub fn by_name(name: &str) -> Option<&'static SetType> {
        TYPES.iter().find(|t| t.name == name)
    }

    /// Whether its ports have no protocol (`bitmap:port`).
    pub fn is_bitmap(&self) -> bool {
        self.name.starts_with("bitmap:")
    }

    /// Whether a set takes the address 0.
    pub fn takes_address_zero(&self) -> bool {
        !matches!(self.name, "hash:ip" | "hash:ip,port")
    }

    /// Whether a set takes the network of all addresses.
    pub fn takes_prefix_zero(&self) -> bool {
        !matches!(self.name, "hash:net" | "hash:net,port" | "hash:ip,port,net")
    }

    /// Whether a set takes the MAC address 0.
    pub fn takes_mac_zero(&self) -> bool {
        self.is_bitmap()
    }

    /// Whether elements can be marked `nomatch`.
    pub fn has_nomatch(&self) -> bool {
        self.dimensions.contains(&Dimension::Net)
    }
}

use Dimension::{Iface, Ip, Mac, Mark, Net, Port, Set};
use TypeFamily::{Fixed, Given, None as Neither};

/// Every set type.
pub static TYPES: [SetType; 16] = [
    SetType { name: "bitmap:ip", dimensions: &[Ip], family: Fixed(Family::V4) },
    SetType { name: "bitmap:ip,mac", dimensions: &[Ip, Mac], family: Fixed(Family::V4) },
    SetType { name: "bitmap:port", dimensions: &[Port], family: Neither },
    SetType { name: "hash:ip", dimensions: &[Ip], family: Given },
    SetType { name: "hash:mac", dimensions: &[Mac], family: Neither },
    SetType { name: "hash:ip,mac", dimensions: &[Ip, Mac], family: Given },
    SetType { name: "hash:net", dimensions: &[Net], family: Given },
    SetType { name: "hash:net,net", dimensions: &[Net, Net], family: Given },
    SetType { name: "hash:ip,port", dimensions: &[Ip, Port], family: Given },
    SetType { name: "hash:net,port", dimensions: &[Net, Port], family: Given },
    SetType { name: "hash:ip,port,ip", dimensions: &[Ip, Port, Ip], family: Given },
    SetType { name: "hash:ip,port,net", dimensions: &[Ip, Port, Net], family: Given },
    SetType { name: "hash:ip,mark", dimensions: &[Ip, Mark], family: Given },
    SetType { name: "hash:net,port,net", dimensions: &[Net, Port, Net], family: Given },
    SetType { name: "hash:net,iface", dimensions: &[Net, Iface], family: Given },
    SetType { name: "list:set", dimensions: &[Set], family: Neither },
];

/// Whether a text looks like the output of `ipset save`: its first line that says anything creates a set or adds to
/// one.
pub fn recognises(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#')).unwrap_or("");
    let mut words = first.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("create"), Some(_), Some(kind)) => kind.contains(':'),
        (Some("add"), Some(_), Some(_)) => !nftables::text::recognises(first),
        _ => false,
    }
}
