//! What passes in full between two ends: one walk a filter and protocol, and every pair of ends is read off its cells.

use super::super::Device;
use super::super::address_space::private;
use super::ends::{internal, internal_name};
use super::{NamedEnd, Passing};
use crate::packet::{ByteSet, Cell, Family, Field, IfacePattern, IfaceSide, Ranges, Shape, State, TCP_SYN, Values};
use crate::query::{Fate, InterfaceChoice, Reach, ReachBounds, Selection, reach};
use crate::ruleset::{Hook, Ruleset};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When a filter is left out.
const BOUNDS: ReachBounds = ReachBounds { cells: 400_000, combinations: 4096 };
/// Most pieces of a list of ports that a person would still read.
const MOST_PORTS: usize = 24;

/// Every flow that passes in full, and the filters that could not be asked.
pub(super) fn all(devices: &[Device], ends: &[NamedEnd]) -> (Vec<Passing>, Vec<String>) {
    let (mut found, mut too_rich) = (Vec::new(), Vec::new());
    let mut known: Vec<(&Arc<Ruleset>, Vec<String>)> = Vec::new();
    for device in devices {
        match known.iter_mut().find(|(ruleset, _)| Arc::ptr_eq(ruleset, &device.ruleset)) {
            Some((_, names)) => names.push(device.name.clone()),
            None => known.push((&device.ruleset, vec![device.name.clone()])),
        }
    }
    for (ruleset, names) in known {
        for hook in Hook::ALL.into_iter().filter(|h| !ruleset.missing_hooks.contains(h)) {
            for family in Family::ALL.into_iter().filter(|f| ruleset.families.contains(*f)) {
                match Filter::ask(ruleset, hook, family) {
                    Some(filter) => found.extend(filter.passing(ends, &names)),
                    None => too_rich.push(format!("{} {hook} {family}", names.join(", "))),
                }
            }
        }
    }
    (found, too_rich)
}

/// The answers of one filter, by protocol.
struct Filter {
    hook: Hook,
    family: Family,
    tcp: Reach,
    udp: Reach,
    ping: Reach,
}

impl Filter {
    fn ask(ruleset: &Ruleset, hook: Hook, family: Family) -> Option<Filter> {
        let one = |protocol: u8| {
            let answer = reach(ruleset, hook, family, &first_packets(family, protocol), BOUNDS).ok()?;
            answer.complete.then_some(answer)
        };
        Some(Filter { hook, family, tcp: one(6)?, udp: one(17)?, ping: one(family.icmp())? })
    }

    /// A filter that lets everything pass has nothing that anybody decided.
    fn is_open(&self) -> bool {
        let open = |answer: &Reach| answer.groups.iter().all(|g| g.fate == Fate::Accepted);
        open(&self.tcp) && open(&self.udp) && open(&self.ping)
    }

    fn passing(&self, ends: &[NamedEnd], devices: &[String]) -> Vec<Passing> {
        if self.is_open() {
            return Vec::new();
        }
        let mut own: Vec<NamedEnd> = internal(ends, self.family).into_iter().collect();
        own.extend(ends.iter().filter(|e| e.family == self.family).cloned());
        // The widest first: what holds for them needs no second requirement for a part of them.
        own.sort_by_key(|e| std::cmp::Reverse(e.addresses.len()));
        let mut covered = Vec::new();
        let mut out = Vec::new();
        for (from, to) in own.iter().flat_map(|from| own.iter().map(move |to| (from, to))) {
            // What stays within one network passes no router.
            if from == to && self.hook == Hook::Forward && from.name != internal_name(self.family) {
                continue;
            }
            out.extend(self.between(from, to, devices, &mut covered));
        }
        out
    }

    /// What passes from one end to the other and is not part of what was found before.
    fn between(
        &self,
        from: &NamedEnd,
        to: &NamedEnd,
        devices: &[String],
        covered: &mut Vec<Covered>,
    ) -> Option<Passing> {
        let pair = Pair { from: &from.addresses, to: &to.addresses };
        let (ways, services) = self.ways().into_iter().find_map(|ways| {
            let services = self.services(&pair, &ways);
            (!services.is_empty()).then_some((ways, services))
        })?;
        let known: Vec<&Covered> = covered
            .iter()
            .filter(|c| c.ways == ways && pair.from.is_subset(&c.from) && pair.to.is_subset(&c.to))
            .collect();
        let new: BTreeMap<Kind, Ranges> = services
            .iter()
            .map(|(kind, ports)| (*kind, known.iter().fold(ports.clone(), |left, c| left.subtract(&c.ports(*kind)))))
            .filter(|(_, ports)| !ports.is_empty())
            .collect();
        if new.is_empty() || new.values().any(|ports| ports.as_slice().len() > MOST_PORTS) {
            return None;
        }
        covered.push(Covered { from: from.addresses.clone(), to: to.addresses.clone(), ways: ways.clone(), services });
        Some(Passing {
            hook: self.hook,
            family: self.family,
            inputs: ways.inputs.map(|w| w.0).unwrap_or_default(),
            outputs: ways.outputs.map(|w| w.0).unwrap_or_default(),
            from: vec![from.name.clone()],
            to: vec![to.name.clone()],
            services: texts(&new, self.family),
            devices: devices.to_vec(),
        })
    }

    /// The ports of each protocol all of whose packets pass from the one end to the other.
    fn services(&self, pair: &Pair<'_>, ways: &Ways) -> BTreeMap<Kind, Ranges> {
        let all = [(Kind::Tcp, &self.tcp), (Kind::Udp, &self.udp), (Kind::Ping, &self.ping)];
        all.into_iter()
            .map(|(kind, answer)| (kind, pair.open_ports(answer, kind, ways)))
            .filter(|(_, ports)| !ports.is_empty())
            .collect()
    }

    /// Every interface but `lo`; else those by which something passes.
    fn ways(&self) -> Vec<Ways> {
        let passing = |field: Field| {
            let cells = [&self.tcp, &self.udp, &self.ping].into_iter().flat_map(accepted);
            named_only(&self.tcp, cells.filter_map(|c| c.get(field).and_then(Values::as_ranges)))
        };
        let (inputs, outputs) = (passing(Field::Iif), passing(Field::Oif));
        let narrow = Ways { inputs, outputs };
        let wide = Ways::default();
        if narrow == wide { vec![wide] } else { vec![wide, narrow] }
    }
}

/// The names of the interfaces and their classes, where only named ones are among them.
fn named_only<'r>(answer: &Reach, classes: impl Iterator<Item = &'r Ranges>) -> Option<(Vec<String>, Ranges)> {
    let interfaces = &answer.space.interfaces;
    let own = interfaces.matching(&IfacePattern::exact("lo"));
    let seen = classes.fold(Ranges::empty(), |all, r| all.union(r)).subtract(&own);
    let numbers = seen.as_slice().iter().flat_map(|(lo, hi)| *lo..=*hi);
    let names: Option<Vec<String>> = numbers.map(|n| interfaces.pattern(n).map(|p| p.text())).collect();
    names.filter(|names| !names.is_empty() && names.len() <= 8).map(|names| (names, seen))
}

fn accepted(answer: &Reach) -> impl Iterator<Item = &Cell> {
    answer.groups.iter().filter(|g| g.fate == Fate::Accepted).flat_map(|g| &g.cells)
}

/// By which interfaces: names and classes; `None` is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ways {
    inputs: Option<(Vec<String>, Ranges)>,
    outputs: Option<(Vec<String>, Ranges)>,
}

/// What was found for wider ends.
struct Covered {
    from: Ranges,
    to: Ranges,
    ways: Ways,
    services: BTreeMap<Kind, Ranges>,
}

impl Covered {
    fn ports(&self, kind: Kind) -> Ranges {
        self.services.get(&kind).cloned().unwrap_or_else(Ranges::empty)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Tcp,
    Udp,
    Ping,
}

struct Pair<'e> {
    from: &'e Ranges,
    to: &'e Ranges,
}

impl Pair<'_> {
    fn open_ports(&self, answer: &Reach, kind: Kind, ways: &Ways) -> Ranges {
        let all = if kind == Kind::Ping { Ranges::one(0) } else { Ranges::range(0, 65_535) };
        let ports = |cell: &Cell| match kind {
            Kind::Ping => Ranges::one(0),
            Kind::Tcp | Kind::Udp => cell.get(Field::Dport).and_then(Values::as_ranges).unwrap_or(&all).clone(),
        };
        let cells = |wanted: bool| {
            let groups = answer.groups.iter().filter(move |g| (g.fate == Fate::Accepted) == wanted);
            groups.flat_map(|g| &g.cells).filter(|cell| self.meets(cell, ways))
        };
        let open = cells(true).fold(Ranges::empty(), |sum, cell| sum.union(&ports(cell)));
        if open.is_empty() {
            return open;
        }
        cells(false).fold(open, |left, cell| left.subtract(&ports(cell)))
    }

    fn meets(&self, cell: &Cell, ways: &Ways) -> bool {
        let holds = |field: Field, wanted: Option<&Ranges>| match (cell.get(field).and_then(Values::as_ranges), wanted)
        {
            (Some(own), Some(wanted)) => own.meets(wanted),
            _ => true,
        };
        holds(Field::Src, Some(self.from))
            && holds(Field::Dst, Some(self.to))
            && holds(Field::Iif, ways.inputs.as_ref().map(|w| &w.1))
            && holds(Field::Oif, ways.outputs.as_ref().map(|w| &w.1))
    }
}

/// The first packets of conversations between internal addresses, on every interface but `lo`.
fn first_packets(family: Family, protocol: u8) -> Selection {
    let one = |field, value| (field, Values::one(field, value));
    let inside = Values::Ranges(private(family));
    let mut fields = vec![
        (Field::Src, inside.clone()),
        (Field::Dst, inside),
        one(Field::Proto, u128::from(protocol)),
        one(Field::State, State::New.value()),
        one(Field::Fragment, 0),
        one(Field::Mark, 0),
    ];
    match Shape::of(family, protocol) {
        Shape::Icmp => {
            let request = if family == Family::V4 { 8 } else { 128 };
            fields.extend([one(Field::IcmpType, request), one(Field::IcmpCode, 0)]);
        }
        _ => fields.push((Field::Sport, Values::Ranges(Ranges::range(1024, 65_535)))),
    }
    if protocol == 6 {
        fields.push((Field::TcpFlags, Values::Flags(ByteSet::from_fn(|v| v == TCP_SYN))));
    }
    let not_lo = |side| InterfaceChoice { side, patterns: vec![IfacePattern::exact("lo")], excluded: true };
    Selection { fields, interfaces: [IfaceSide::In, IfaceSide::Out].map(not_lo).to_vec() }
}

fn texts(services: &BTreeMap<Kind, Ranges>, family: Family) -> Vec<String> {
    services.iter().flat_map(|(kind, ports)| text(*kind, ports, family)).collect()
}

fn text(kind: Kind, ports: &Ranges, family: Family) -> Vec<String> {
    let name = match kind {
        Kind::Tcp => "tcp",
        Kind::Udp => "udp",
        Kind::Ping => return vec![ping(family)],
    };
    if ports.is_full(65_535) {
        return vec![name.to_owned()];
    }
    let one = |&(lo, hi): &(u128, u128)| if lo == hi { format!("{name}/{lo}") } else { format!("{name}/{lo}-{hi}") };
    ports.as_slice().iter().map(one).collect()
}

fn ping(family: Family) -> String {
    match family {
        Family::V4 => "icmp/echo-request".to_owned(),
        Family::V6 => "icmpv6/echo-request".to_owned(),
    }
}
