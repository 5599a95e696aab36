//! The words of the format: hooks, kinds, families, the names of small numbers, and which form the values of a field
//! take. Reader and writer share them.

use crate::packet::{Family, Field, Fragment, IfaceSide, State, protocol_by_name, protocol_name};
use crate::ruleset::{BaseKind, Families, Hook, NfHook, OpaqueKind, TranslatedSide};

/// The schema that is read and written.
pub const SCHEMA: &str = "fwgate.ruleset/1";

/// Families of addresses.
pub const FAMILIES: [(&str, Family); 2] = [("ipv4", Family::V4), ("ipv6", Family::V6)];

/// What base chains are for.
pub const KINDS: [(&str, BaseKind); 3] =
    [("filter", BaseKind::Filter), ("nat", BaseKind::Nat), ("route", BaseKind::Route)];

/// Where chains hang.
pub const HOOKS: [(&str, NfHook); 16] = [
    ("prerouting", NfHook::Prerouting),
    ("input", NfHook::Input),
    ("forward", NfHook::Forward),
    ("output", NfHook::Output),
    ("postrouting", NfHook::Postrouting),
    ("ingress", NfHook::Ingress),
    ("egress", NfHook::Egress),
    ("bridge-prerouting", NfHook::BridgePrerouting),
    ("bridge-input", NfHook::BridgeInput),
    ("bridge-forward", NfHook::BridgeForward),
    ("bridge-output", NfHook::BridgeOutput),
    ("bridge-postrouting", NfHook::BridgePostrouting),
    ("arp-input", NfHook::ArpInput),
    ("arp-output", NfHook::ArpOutput),
    ("arp-ingress", NfHook::ArpIngress),
    ("arp-egress", NfHook::ArpEgress),
];

/// Priorities by the names that nft gives them (`include/uapi/linux/netfilter_ipv4.h`, `enum nf_ip_hook_priorities`).
pub const PRIORITIES: [(&str, i32); 6] =
    [("raw", -300), ("mangle", -150), ("dstnat", -100), ("filter", 0), ("security", 50), ("srcnat", 100)];

/// Where packets are judged.
pub const JUDGED: [(&str, Hook); 8] = [
    ("input", Hook::Input),
    ("forward", Hook::Forward),
    ("output", Hook::Output),
    ("bridge-input", Hook::BridgeInput),
    ("bridge-forward", Hook::BridgeForward),
    ("bridge-output", Hook::BridgeOutput),
    ("arp-input", Hook::ArpInput),
    ("arp-output", Hook::ArpOutput),
];

/// Sides of a packet that have an interface.
pub const SIDES: [(&str, IfaceSide); 4] = [
    ("iif", IfaceSide::In),
    ("oif", IfaceSide::Out),
    ("physdev_in", IfaceSide::PhysIn),
    ("physdev_out", IfaceSide::PhysOut),
];

/// Ends of a connection.
pub const ENDS: [(&str, TranslatedSide); 2] =
    [("source", TranslatedSide::Source), ("destination", TranslatedSide::Destination)];

/// Kinds of opaque conditions.
pub const OPAQUE: [(&str, OpaqueKind); 2] = [("pure", OpaqueKind::Pure), ("per-rule", OpaqueKind::PerRule)];

/// The word of a value; the tables above are complete, as their test says.
pub fn word<T: Copy + PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    table.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

/// The only family of the set, where there is one.
pub fn sole(families: Families) -> Option<Family> {
    match (families.v4, families.v6) {
        (true, false) => Some(Family::V4),
        (false, true) => Some(Family::V6),
        _ => None,
    }
}

/// The form that the values of a field take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Addresses: prefixes and ranges.
    Address,
    /// Addresses under a mask.
    AddressBits,
    /// Numbers under a mask.
    Bits,
    /// TCP flags under a mask.
    Flags,
    /// Interface names.
    Interface,
    /// MAC addresses and ranges of them.
    Mac,
    /// Numbers and ranges of them, some with names.
    Number,
}

impl Form {
    /// The form of a field's values.
    pub fn of(field: Field) -> Form {
        match field {
            Field::Src | Field::Dst => Form::Address,
            Field::SrcBits | Field::DstBits => Form::AddressBits,
            Field::Mark | Field::ConnMark => Form::Bits,
            Field::TcpFlags => Form::Flags,
            Field::Mac | Field::MacDst => Form::Mac,
            _ if field.is_interface() => Form::Interface,
            _ => Form::Number,
        }
    }
}

/// The name of one value of a field, where it has one.
pub fn name_of(field: Field, value: u128) -> Option<&'static str> {
    let listed = |names: &[&'static str]| usize::try_from(value).ok().and_then(|n| names.get(n)).copied();
    match field {
        Field::Proto => u8::try_from(value).ok().and_then(protocol_name),
        Field::State => State::from_value(value).map(State::name),
        Field::Fragment => Fragment::ALL.into_iter().find(|f| *f as u128 == value).map(Fragment::name),
        Field::PktType => listed(&PACKET_TYPES),
        Field::Profile => listed(&PROFILES),
        _ => None,
    }
}

/// The value of a field with this name.
pub fn value_of(field: Field, name: &str) -> Option<u128> {
    let listed = |names: &[&str]| names.iter().position(|n| *n == name).map(|n| n as u128);
    match field {
        Field::Proto => protocol_by_name(name).map(u128::from),
        Field::State => State::by_name(name).map(State::value),
        Field::Fragment => Fragment::ALL.into_iter().find(|f| f.name() == name).map(|f| f as u128),
        Field::PktType => listed(&PACKET_TYPES),
        Field::Profile => listed(&PROFILES),
        _ => None,
    }
}

const PACKET_TYPES: [&str; 4] = ["unicast", "broadcast", "multicast", "otherhost"];
const PROFILES: [&str; 3] = ["domain", "private", "public"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_value_reads_back() {
        for field in Field::ALL.into_iter().filter(|f| Form::of(*f) == Form::Number) {
            for value in 0..=255 {
                let Some(name) = name_of(field, value) else { continue };
                assert_eq!(value_of(field, name), Some(value), "{field:?} {name}");
            }
        }
        for hook in Hook::ALL.into_iter().chain(Hook::BELOW_IP) {
            assert_eq!(word(&JUDGED, hook), hook.name());
            assert!(hook.netfilter().iter().all(|h| !word(&HOOKS, *h).is_empty()));
        }
    }
}
