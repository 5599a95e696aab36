//! What a device's routing is: tables of routes, and rules that say which table is asked.

use super::prefix::Prefix;
use super::zone::Zone;
use crate::packet::Family;
use crate::ruleset::{Sources, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Everything that the files of a device say about its routing.
#[derive(Clone, Debug, Default)]
pub struct Routing {
    /// The files, for quoting.
    pub sources: Sources,
    /// Every route, in order of appearance; within one prefix and metric the kernel's order is that of its output.
    pub routes: Vec<Route>,
    /// The rules of a family in the order in which the kernel asks them; those that it makes itself where no file gives any.
    pub rules: BTreeMap<Family, Vec<Rule>>,
    /// The families of which some file gives routes.
    pub families: BTreeSet<Family>,
    /// The families of which some file gives rules.
    pub ruled: BTreeSet<Family>,
}

impl Routing {
    /// Whether no file gave any.
    pub fn is_empty(&self) -> bool {
        self.families.is_empty() && self.ruled.is_empty()
    }

    /// Whether something is said about a family.
    pub fn gives(&self, family: Family) -> bool {
        self.families.contains(&family)
    }

    /// The rules of a family.
    pub fn rules_of(&self, family: Family) -> Vec<Rule> {
        self.rules.get(&family).cloned().unwrap_or_else(|| Rule::defaults(family))
    }

    /// The routes of a view, by their places in `routes`.
    pub fn routes_in(&self, view: &View) -> Vec<usize> {
        let is_in = |route: &Route| route.family() == view.family && view.tables.contains(&route.table);
        (0..self.routes.len()).filter(|at| is_in(&self.routes[*at])).collect()
    }
}

/// Tables that are asked together.
///
/// As long as an IPv4 host never had other rules than those it starts with, its tables `local` and `main` are one trie: the
/// longest prefix of both wins (`fib_unmerge` in `net/ipv4/fib_frontend.c` parts them).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct View {
    /// The family.
    pub family: Family,
    /// The tables; of equal prefixes the first table's counts.
    pub tables: Vec<Table>,
}

/// The name of a table, as `ip` writes it: the names of 253, 254 and 255, other names as `rt_tables` gives them, or a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub String);

impl Table {
    /// The table of this name or number.
    pub fn named(text: &str) -> Table {
        let name = match text {
            "253" => "default",
            "254" => "main",
            "255" => "local",
            other => other,
        };
        Table(name.to_owned())
    }

    /// The table `main`.
    pub fn main() -> Table {
        Table("main".to_owned())
    }

    /// The table `local`.
    pub fn local() -> Table {
        Table("local".to_owned())
    }

    /// Whether every host has it: `local`, `main` or `default`.
    pub fn is_standing(&self) -> bool {
        matches!(self.0.as_str(), "local" | "main" | "default")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The table that it is in.
    pub table: Table,
    /// The destinations.
    pub to: Prefix,
    /// The sources, where it is for some only (IPv6).
    pub from: Option<Prefix>,
    /// What becomes of packets.
    pub kind: RouteType,
    /// The type of service that it is for; 0 for every one (IPv4).
    pub tos: u8,
    /// The metric; of equal prefixes the lowest counts.
    pub metric: u32,
    /// Where packets go; empty where the type needs none.
    pub hops: Vec<NextHop>,
    /// The source address that packets of this host get.
    pub source: Option<u128>,
    /// Whatever else decides how packets travel, by its name: `mtu`, `advmss`, `realms`.
    pub options: BTreeMap<String, String>,
    /// Where it is written.
    pub span: Span,
}

impl Route {
    /// The family.
    pub fn family(&self) -> Family {
        self.to.family
    }

    /// Whether lookups pass it by: the kernel says that every next hop is dead.
    pub fn is_dead(&self) -> bool {
        !self.hops.is_empty() && self.hops.iter().all(|hop| hop.is_dead)
    }
}

/// What becomes of packets to a destination (ip-route(8), `TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteType {
    /// They go to a next hop.
    Unicast,
    /// They are for this host.
    Local,
    /// They go out as broadcasts.
    Broadcast,
    /// They are for this host, which is one of several (IPv6).
    Anycast,
    /// They go to a group.
    Multicast,
    /// They vanish.
    Blackhole,
    /// They are refused: host unreachable.
    Unreachable,
    /// They are refused: administratively prohibited.
    Prohibit,
    /// The lookup goes on with the next rule.
    Throw,
}

impl RouteType {
    /// Every type.
    pub const ALL: [RouteType; 9] = [
        RouteType::Unicast,
        RouteType::Local,
        RouteType::Broadcast,
        RouteType::Anycast,
        RouteType::Multicast,
        RouteType::Blackhole,
        RouteType::Unreachable,
        RouteType::Prohibit,
        RouteType::Throw,
    ];

    /// The name in `ip route`.
    pub fn name(self) -> &'static str {
        match self {
            RouteType::Unicast => "unicast",
            RouteType::Local => "local",
            RouteType::Broadcast => "broadcast",
            RouteType::Anycast => "anycast",
            RouteType::Multicast => "multicast",
            RouteType::Blackhole => "blackhole",
            RouteType::Unreachable => "unreachable",
            RouteType::Prohibit => "prohibit",
            RouteType::Throw => "throw",
        }
    }

    /// The type of this name.
    pub fn by_name(name: &str) -> Option<RouteType> {
        RouteType::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether packets end here.
    pub fn discards(self) -> bool {
        matches!(self, RouteType::Blackhole | RouteType::Unreachable | RouteType::Prohibit)
    }
}

/// One way on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NextHop {
    /// The gateway, which can be of the other family (`via inet6`).
    pub via: Option<(Family, u128)>,
    /// The interface.
    pub dev: Option<String>,
    /// The share of flows, 1..=256 (65536 for groups of next-hop objects).
    pub weight: u32,
    /// Whether the gateway is taken to be on the link.
    pub onlink: bool,
    /// What packets are wrapped in, as it is written.
    pub encap: Option<String>,
    /// Whether the kernel says that it is dead, so that lookups pass it by.
    pub is_dead: bool,
}

impl Default for NextHop {
    fn default() -> NextHop {
        NextHop { via: None, dev: None, weight: 1, onlink: false, encap: None, is_dead: false }
    }
}

/// One policy rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its priority; lower ones are asked first, equal ones in order of appearance.
    pub priority: u32,
    /// Whether it is for the packets outside its zone (`not`).
    pub inverted: bool,
    /// The packets.
    pub zone: Zone,
    /// What it does.
    pub action: Action,
    /// Where it is written; line 0 for those that the kernel makes itself.
    pub span: Span,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Asks a table. Routes whose prefix is no longer than `at_most` do not count, where it is given.
    Lookup {
        /// The table.
        table: Table,
        /// `suppress_prefixlength`.
        at_most: Option<u32>,
        /// Realms that packets get.
        realms: Option<String>,
    },
    /// Goes on with the first rule of this priority; with the next one where there is none.
    Goto(u32),
    /// Does nothing.
    Nop,
    /// Ends: blackhole, unreachable or prohibit.
    End(RouteType),
    /// Asks the table of the packet's virtual routing domain, which no file names: packets of such domains are judged by
    /// table, not through the rules.
    Domain,
}

impl Rule {
    /// The rules that a host starts with.
    pub fn defaults(family: Family) -> Vec<Rule> {
        let rule = |priority, table: &str| Rule {
            priority,
            inverted: false,
            zone: Zone::whole(),
            action: Action::Lookup { table: Table::named(table), at_most: None, realms: None },
            span: Span::default(),
        };
        let mut rules = vec![rule(0, "local"), rule(32766, "main")];
        if family == Family::V4 {
            rules.push(rule(32767, "default"));
        }
        rules
    }

    /// Whether rules are those that a host starts with.
    pub fn are_defaults(rules: &[Rule], family: Family) -> bool {
        let plain = |r: &Rule| (r.priority, r.inverted, r.zone.clone(), r.action.clone());
        rules.iter().map(plain).eq(Rule::defaults(family).iter().map(plain))
    }
}
