//! A route while it is being read: what the words or keys of one entry gave so far.

use super::number::{address, decimal, interface, number, type_of_service};
use crate::packet::Family;
use crate::routes::model::{NextHop, Route, RouteType, Table};
use crate::routes::prefix::Prefix;
use crate::ruleset::Span;
use std::collections::BTreeMap;

/// What is wrong with a word, and what to do about it.
pub(super) type Wrong = (String, &'static str);

/// What to do about a word that no reader knows.
pub(super) const UNKNOWN: &str = "give what `ip route show table all` or `ip -j route show table all` prints, unedited; where this is it, please report the line";

/// A route, not yet whole.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub span: Span,
    pub kind: RouteType,
    /// `None` for `default`, which every family has.
    pub to: Option<Prefix>,
    pub from: Option<Prefix>,
    pub table: Table,
    pub tos: u8,
    pub metric: Option<u32>,
    pub source: Option<(Family, u128)>,
    pub options: BTreeMap<String, String>,
    /// What the route itself says about its way; multipath routes say nothing here.
    pub hop: NextHop,
    pub hops: Vec<NextHop>,
    pub nexthop_object: Option<u32>,
    /// Whether it has a router preference, which every IPv6 route and no other has.
    pub has_preference: bool,
    pub has_scope: bool,
}

impl Draft {
    pub fn new(span: Span) -> Draft {
        Draft {
            span,
            kind: RouteType::Unicast,
            to: None,
            from: None,
            table: Table::main(),
            tos: 0,
            metric: None,
            source: None,
            options: BTreeMap::new(),
            hop: NextHop::default(),
            hops: Vec::new(),
            nexthop_object: None,
            has_preference: false,
            has_scope: false,
        }
    }

    /// The family, where something tells it.
    pub fn family(&self) -> Option<Family> {
        let prefixes = self.to.iter().chain(&self.from).map(|p| p.family);
        // `via inet6` is written where the gateway is of another family than the route.
        let marks = [(self.has_preference, Family::V6), (self.has_scope, Family::V4)];
        let marks = marks.into_iter().filter(|(is_set, _)| *is_set).map(|(_, family)| family);
        prefixes.chain(self.source.map(|s| s.0)).chain(marks).chain(self.by_gateway()).next()
    }

    pub fn is_marked_v6(&self) -> bool {
        self.has_preference
    }

    fn by_gateway(&self) -> Option<Family> {
        let hops = self.hops.iter().chain([&self.hop]);
        hops.filter_map(|hop| hop.via).map(|(family, _)| family).next()
    }

    /// What makes two routes of two files the same entry of a table.
    pub fn key(&self, family: Family) -> String {
        let to = self.to.unwrap_or(Prefix::any(family));
        format!("{family} {} {to:?} {:?} {} {:?}", self.table, self.from, self.tos, self.metric)
    }

    /// The whole route.
    ///
    /// # Errors
    /// What does not go together.
    pub fn settle(self, family: Family) -> Result<Route, (Span, String, &'static str)> {
        let span = self.span;
        let wrong = |message: &str, help| Err((span, message.to_owned(), help));
        let to = self.to.unwrap_or(Prefix::any(family));
        let hops = match (self.hops.is_empty(), self.hop == NextHop::default()) {
            (true, true) => Vec::new(),
            (true, false) => vec![self.hop.clone()],
            (false, _) => self.hops.clone(),
        };
        let one_family = to.family == family && self.from.is_none_or(|f| f.family == family);
        if !one_family || self.source.is_some_and(|(f, _)| f != family) {
            return wrong(
                "the addresses of this route are of both families",
                "only a gateway can be, after `via inet6`",
            );
        }
        if hops.iter().filter_map(|h| h.via).any(|(f, _)| f != family && family == Family::V6) {
            return wrong("an IPv6 route has an IPv4 gateway", "write the gateway in IPv6");
        }
        let needs_hop = !self.kind.discards() && self.kind != RouteType::Throw && self.kind != RouteType::Local;
        if needs_hop && hops.is_empty() {
            let help = match self.nexthop_object {
                Some(_) => {
                    "with `net.ipv4.nexthop_compat_mode=1` the kernel writes the next hops of the object with the route"
                }
                None => "a route of this type needs `via`, `dev` or `nexthop`",
            };
            return wrong("the next hop of this route is not given", help);
        }
        // ip6_route_info_create: user routes get 1024 (`IP6_RT_PRIO_USER`) where nobody gives a metric.
        let metric = self.metric.unwrap_or(if family == Family::V6 { 1024 } else { 0 });
        Ok(Route {
            table: self.table,
            to,
            from: self.from.filter(|f| f.length > 0),
            kind: self.kind,
            tos: self.tos,
            metric,
            hops,
            source: self.source.map(|(_, value)| value),
            options: self.options,
            span,
        })
    }

    /// Sets what a word with one value gives.
    ///
    /// # Errors
    /// A word that is not known, a value that is none.
    pub fn set(&mut self, word: &str, value: &str) -> Result<(), Wrong> {
        let bad = || (format!("`{value}` is no value of `{word}`"), UNKNOWN);
        match word {
            "from" => self.from = Some(Prefix::read(value).map_err(|m| (m, UNKNOWN))?),
            "table" => self.table = table(value).ok_or_else(bad)?,
            "metric" => self.metric = Some(decimal(value).ok_or_else(bad)?),
            "src" => self.source = Some(address(value).ok_or_else(bad)?),
            "nhid" => self.nexthop_object = Some(decimal(value).ok_or_else(bad)?),
            "scope" => self.has_scope = true,
            "tos" => {
                let help = "names of `rt_dsfield` differ from host to host; `ip -N` writes numbers";
                self.tos = type_of_service(value).ok_or((bad().0, help))?;
            }
            "pref" => {
                let known = ["low", "medium", "high"].contains(&value);
                self.has_preference = true;
                // Between routes of equal metric the preference decides; `medium` is what goes without saying.
                match (known, value) {
                    (false, _) => return Err(bad()),
                    (true, "medium") => {}
                    (true, other) => drop(self.options.insert("pref".to_owned(), other.to_owned())),
                }
            }
            "realm" | "realms" => drop(self.options.insert("realms".to_owned(), plain(value).ok_or_else(bad)?)),
            "ttl-propogate" | "ttl-propagate" => {
                drop(self.options.insert("ttl-propagate".to_owned(), plain(value).ok_or_else(bad)?));
            }
            // Who made the route, how long it lives, and what it has done: nothing of that decides where packets go.
            "proto" => drop(plain(value).ok_or_else(bad)?),
            "expires" | "age" | "tsage" => drop(decimal(value.trim_end_matches("sec")).ok_or_else(bad)?),
            "error" => drop(decimal(value.strip_prefix('-').unwrap_or(value)).ok_or_else(bad)?),
            "users" | "used" | "ipid" | "ts" => drop(number(value).ok_or_else(bad)?),
            "uid" | "mark" | "iif" => {
                let help = "give the tables: `ip route show table all`";
                return Err(("this is the answer of `ip route get`".to_owned(), help));
            }
            _ => return Err((format!("unknown word `{word}` in a route"), UNKNOWN)),
        }
        Ok(())
    }
}

/// Sets what a word with one value gives a next hop; `false` where the word is none of a next hop's.
///
/// # Errors
/// A value that is none.
pub(super) fn set_hop(hop: &mut NextHop, word: &str, value: &str) -> Result<bool, Wrong> {
    let bad = || (format!("`{value}` is no value of `{word}`"), UNKNOWN);
    match word {
        "via" => hop.via = Some(address(value).ok_or_else(bad)?),
        "dev" => {
            let help = "an interface without a name (`if7`) was gone when this was printed; print it again";
            hop.dev = Some(interface(value).ok_or((bad().0, help))?);
        }
        "weight" => hop.weight = decimal(value).filter(|w| (1..=65536).contains(w)).ok_or_else(bad)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Sets a flag (`print_rt_flags`); `false` where the word is none.
pub(super) fn set_flag(hop: &mut NextHop, word: &str) -> bool {
    match word {
        "onlink" => hop.onlink = true,
        "dead" => hop.is_dead = true,
        // The link is down, and the kernel uses the route all the same (`ignore_routes_with_linkdown` is 0 unless set).
        "linkdown" => {}
        // Where the hardware stands, and what the kernel made of it.
        "offload" | "trap" | "rt_offload" | "rt_trap" | "rt_offload_failed" | "offload_failed" | "pervasive"
        | "notify" | "unresolved" => {}
        _ => return false,
    }
    true
}

/// A table's name or number.
pub(super) fn table(text: &str) -> Option<Table> {
    plain(text).map(|text| Table::named(&text))
}

/// A word of letters, digits and a few signs.
pub(super) fn plain(text: &str) -> Option<String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/');
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(fits)).then(|| text.to_owned())
}
