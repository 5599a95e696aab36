//! Every match module, in one table: its options, how it is read, and the words that the documentation shows.

mod address;
mod conntrack;
mod extension;
mod header;
pub use header::{dscp_class, tos_value};
mod icmp;
mod link;
pub use link::parse_mac;
mod marks;
mod membership;
pub use membership::directions;
mod opaque;
mod ports;
mod stateful;

use super::ipset::Sets;
use super::options::{OptionSpec, Parsed, Use};
use crate::packet::Family;
use crate::ruleset::{DeviceFacts, Match, NfHook, OpaqueKind};

/// What readers know beyond the rule itself.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The family of the dump.
    pub family: Family,
    /// Facts about the device.
    pub facts: &'a DeviceFacts,
    /// The sets of the device.
    pub sets: &'a Sets,
}

/// One match module.
pub struct MatchSpec {
    /// Its name behind `-m`.
    pub name: &'static str,
    /// Other names of the same module.
    pub also: &'static [&'static str],
    /// The one family that has it; `None` where both do.
    pub family: Option<Family>,
    /// Its options.
    pub options: &'static [OptionSpec],
    /// How it is read.
    pub reader: Reader,
    /// The hooks from which the kernel takes it, directly or through calls; empty where from all.
    pub hooks: &'static [NfHook],
    /// Whether it makes the kernel track connections.
    pub tracks: bool,
    /// What users should know, in one line.
    pub says: &'static str,
}

/// How a match is read.
pub enum Reader {
    /// To header fields.
    Exact(fn(&Use<'_>, &Scope<'_>) -> Parsed<Match>),
    /// To header fields, with opaque conditions for some options.
    Partly(fn(&Use<'_>, &Scope<'_>) -> Parsed<Match>),
    /// To one opaque condition that holds all its options; `!` before (or presence of) `inverts` negates it.
    Whole(OpaqueKind, &'static str),
    /// To one opaque condition per option.
    Split(OpaqueKind),
}

impl MatchSpec {
    /// A module of both families that needs no connection tracking.
    const fn new(name: &'static str, options: &'static [OptionSpec], reader: Reader, says: &'static str) -> MatchSpec {
        MatchSpec { name, also: &[], family: None, options, reader, hooks: &[], tracks: false, says }
    }

    /// Only this family has it.
    const fn only(self, family: Family) -> MatchSpec {
        MatchSpec { family: Some(family), ..self }
    }

    /// The kernel takes it only from these hooks.
    const fn at_hooks(self, hooks: &'static [NfHook]) -> MatchSpec {
        MatchSpec { hooks, ..self }
    }

    /// Another name.
    const fn or(self, also: &'static [&'static str]) -> MatchSpec {
        MatchSpec { also, ..self }
    }

    /// It makes the kernel track connections.
    const fn tracking(self) -> MatchSpec {
        MatchSpec { tracks: true, ..self }
    }

    /// Whether dumps of `family` can have it.
    pub fn fits(&self, family: Family) -> bool {
        self.family.is_none_or(|f| f == family)
    }

    /// Reads one use of it.
    ///
    /// # Errors
    /// Values that the module refuses.
    pub fn read(&self, used: &Use<'_>, scope: &Scope<'_>) -> Parsed<Match> {
        match &self.reader {
            Reader::Exact(read) | Reader::Partly(read) => read(used, scope),
            Reader::Whole(kind, inverts) => opaque::whole(self, used, *kind, inverts),
            Reader::Split(kind) => opaque::split(self, used, *kind),
        }
    }
}

/// Every match module, in the order of the documentation.
pub fn registry() -> impl Iterator<Item = &'static MatchSpec> {
    TABLES.iter().flat_map(|t| t.iter())
}

const TABLES: [&[MatchSpec]; 11] = [
    ports::MATCHES,
    icmp::MATCHES,
    address::MATCHES,
    conntrack::MATCHES,
    marks::MATCHES,
    header::MATCHES,
    link::MATCHES,
    extension::MATCHES,
    membership::MATCHES,
    stateful::MATCHES,
    opaque::MATCHES,
];

/// The module of this name in dumps of `family`.
pub fn by_name(name: &str, family: Family) -> Option<&'static MatchSpec> {
    registry().find(|m| (m.name == name || m.also.contains(&name)) && m.fits(family))
}

/// The module that `-p` brings in without `-m` when one of its options is used.
pub fn implied_by(protocol: u8, family: Family) -> Option<&'static MatchSpec> {
    let name = match protocol {
        6 => "tcp",
        17 => "udp",
        136 => "udplite",
        132 => "sctp",
        33 => "dccp",
        1 if family == Family::V4 => "icmp",
        58 if family == Family::V6 => "icmp6",
        50 => "esp",
        51 if family == Family::V4 => "ah",
        135 if family == Family::V6 => "mh",
        _ => return None,
    };
    by_name(name, family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_options_are_unambiguous() {
        for family in Family::ALL {
            let mut seen = std::collections::BTreeSet::new();
            for spec in registry().filter(|m| m.fits(family)) {
                assert!(seen.insert(spec.name), "{} twice", spec.name);
                let mut options = std::collections::BTreeSet::new();
                for name in spec.options.iter().flat_map(|o| o.names()) {
                    assert!(options.insert(name), "{} --{name} twice", spec.name);
                }
            }
        }
    }
}
