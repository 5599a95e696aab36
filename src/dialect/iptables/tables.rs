//! The tables of iptables with their built-in chains: where each hangs and what it is for
//! (`include/uapi/linux/netfilter_ipv4.h`, `enum nf_ip_hook_priorities`; `iptable_*.c`).

use crate::ruleset::{BaseKind, NfHook};

/// One built-in chain.
#[derive(Debug)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// Where it hangs.
    pub hook: NfHook,
    /// Its priority there.
    pub priority: i32,
    /// What it is for.
    pub kind: BaseKind,
}

/// One table.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its built-in chains.
    pub chains: &'static [BuiltIn],
}

impl Table {
    /// The table of this name.
    pub fn by_name(name: &str) -> Option<&'static Table> {
        TABLES.iter().find(|t| t.name == name)
    }

    /// The built-in chain of this name.
    pub fn built_in(&self, name: &str) -> Option<&'static BuiltIn> {
        self.chains.iter().find(|c| c.name == name)
    }
}

/// Every table of both families.
pub static TABLES: [Table; 5] = [
    Table { name: "raw", chains: &[base("PREROUTING", -300), base("OUTPUT", -300)] },
    Table {
        name: "mangle",
        chains: &[
            base("PREROUTING", -150),
            base("INPUT", -150),
            base("FORWARD", -150),
            of_kind("OUTPUT", -150, BaseKind::Route),
            base("POSTROUTING", -150),
        ],
    },
    Table {
        name: "nat",
        chains: &[
            of_kind("PREROUTING", -100, BaseKind::Nat),
            of_kind("INPUT", 100, BaseKind::Nat),
            of_kind("OUTPUT", -100, BaseKind::Nat),
            of_kind("POSTROUTING", 100, BaseKind::Nat),
        ],
    },
    Table { name: "filter", chains: &[base("INPUT", 0), base("FORWARD", 0), base("OUTPUT", 0)] },
    Table { name: "security", chains: &[base("INPUT", 50), base("FORWARD", 50), base("OUTPUT", 50)] },
];

const fn base(name: &'static str, priority: i32) -> BuiltIn {
    of_kind(name, priority, BaseKind::Filter)
}

const fn of_kind(name: &'static str, priority: i32, kind: BaseKind) -> BuiltIn {
    BuiltIn { name, hook: hook(name), priority, kind }
}

const fn hook(name: &str) -> NfHook {
    match name.as_bytes() {
        b"PREROUTING" => NfHook::Prerouting,
        b"INPUT" => NfHook::Input,
        b"FORWARD" => NfHook::Forward,
        b"OUTPUT" => NfHook::Output,
        _ => NfHook::Postrouting,
    }
}
