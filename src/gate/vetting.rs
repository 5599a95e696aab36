//! Which packets a vetting sends: for each requirement and prohibition of policy that selects the device, conversations
//! between hosts of every range that it names, on the interfaces on which it is judged.
//!
//! A sample beside the proof: the checks judge every packet of a flow by the text, the kernel judges some of them by what it
//! made of the text.

use crate::check::Device;
use crate::finding::Direction;
use crate::fleet::namespace::{Demand, Header, Talk, Way};
use crate::packet::{Family, Field, IfacePattern, Interface, Ranges, Values};
use crate::policy::{Flow, FlowRule, Policy, Service, default_source_ports};
use crate::routes::{Flow as RouteFlow, Outcome as RouteOutcome, RouteType, route_of};
use crate::ruleset::Hook;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is sent through the namespace of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VettingPlan {
    /// The conversations.
    pub talks: Vec<Talk>,
    /// The interfaces that the device has there.
    pub interfaces: Vec<String>,
    /// Its own addresses.
    pub addresses: Vec<IpAddr>,
    /// Requirements and prohibitions of which nothing can be sent, with the reason.
    pub unsent: Vec<String>,
}

/// Most conversations of one flow of one rule.
const PER_FLOW: usize = 24;
/// Most conversations of one device.
const PER_DEVICE: usize = 1_000;
/// Most interfaces that stand for one side of a flow.
const PER_SIDE: usize = 2;

/// Plans the vetting of a device.
pub fn plan(policy: &Policy, device: &Device) -> VettingPlan {
    let mut planning = Planning { device, names: names(policy, device), plan: VettingPlan::default(), port: 40_000 };
    for (rules, demand) in [(&policy.prohibitions, Demand::Blocked), (&policy.requirements, Demand::Pass)] {
        for rule in rules.iter().filter(|r| r.place.devices.selects(&device.name, &device.roles)) {
            planning.rule(rule, demand);
        }
    }
    let mut plan = planning.plan;
    plan.talks.truncate(PER_DEVICE);
    plan.interfaces = planning.names;
    plan.addresses = device.ruleset.facts.addresses.iter().flatten().map(|net| net.addr()).collect();
    plan
}

/// Names of interfaces that the device has or that somebody speaks of; at least two.
fn names(policy: &Policy, device: &Device) -> Vec<String> {
    let of_rules = policy.prohibitions.iter().chain(&policy.requirements);
    let selected = of_rules.filter(|r| r.place.devices.selects(&device.name, &device.roles));
    let of_policy = selected.flat_map(|r| r.place.inputs.iter().chain(&r.place.outputs).flatten());
    let patterns: Vec<&IfacePattern> = of_policy.chain(device.ruleset.interface_patterns()).collect();
    let mut out: BTreeSet<String> = device.interfaces.iter().flatten().map(|i| i.name.clone()).collect();
    out.extend(device.routing.routes.iter().flat_map(|r| &r.hops).filter_map(|hop| hop.dev.clone()));
    out.extend(device.ruleset.facts.interfaces.iter().flatten().cloned());
    out.extend(patterns.iter().filter(|p| !p.prefix).map(|p| p.name.clone()));
    for prefix in patterns.iter().filter(|p| p.prefix && !p.name.is_empty()) {
        if !out.iter().any(|name| prefix.matches(&Interface::Named(name.clone()))) {
            out.insert(format!("{}0", prefix.name));
        }
    }
    let spare = ["eth0", "eth1", "eth2"].map(str::to_owned);
    let missing = 2_usize.saturating_sub(out.iter().filter(|n| *n != "lo").count());
    let added: Vec<String> = spare.into_iter().filter(|s| !out.contains(s)).take(missing).collect();
    out.extend(added);
    out.into_iter().filter(|name| is_name(name)).collect()
}

/// What the kernel takes as the name of an interface (`net/core/dev.c`, `dev_valid_name`), and no option of a program.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_graphic() && !"/:\"'\\".contains(c);
    (1..=15).contains(&name.len()) && !name.starts_with(['-', '.']) && name.chars().all(fits)
}

struct Planning<'a> {
    device: &'a Device,
    names: Vec<String>,
    plan: VettingPlan,
    port: u16,
}

impl Planning<'_> {
    fn rule(&mut self, rule: &FlowRule, demand: Demand) {
        let before = self.plan.talks.len();
        for flow in rule.flows.iter().filter(|f| self.device.ruleset.families.contains(f.family)) {
            let talks = self.flow(rule, flow, demand);
            self.plan.talks.extend(talks);
        }
        if self.plan.talks.len() == before {
            self.plan.unsent.push(rule.id.clone());
        }
    }

    fn flow(&mut self, rule: &FlowRule, flow: &Flow, demand: Demand) -> Vec<Talk> {
        let mut out = Vec::new();
        let ends = pairs(flow);
        for service in &flow.services {
            for probe in probes(rule, flow, service) {
                for (src, dst) in &ends {
                    for way in self.ways(rule, *src, *dst) {
                        out.push(self.talk(rule, demand, (*src, *dst), probe, way));
                    }
                }
            }
        }
        spread(out, PER_FLOW)
    }

    fn talk(&mut self, rule: &FlowRule, demand: Demand, ends: (IpAddr, IpAddr), probe: Probe, way: Way) -> Talk {
        let ports = rule.source_ports.clone().unwrap_or_else(default_source_ports);
        self.port = if self.port >= 59_000 { 40_000 } else { self.port + 1 };
        let own = Some(u128::from(self.port)).filter(|p| ports.contains(*p));
        let sport = own.or(ports.first()).and_then(|p| u16::try_from(p).ok()).unwrap_or(self.port);
        let Probe { proto, dport, icmp, icmp_reply, has_reply } = probe;
        let first = Header { src: ends.0, dst: ends.1, proto, sport, dport, icmp };
        Talk { rule: rule.id.clone(), way, first, icmp_reply, has_reply, demand }
    }

    fn ways(&self, rule: &FlowRule, src: IpAddr, dst: IpAddr) -> Vec<Way> {
        let (place, hook) = (&rule.place, rule.place.hook);
        match hook {
            Hook::Input => self.side(place.inputs.as_deref(), src).into_iter().map(Way::Input).collect(),
            Hook::Output => self.side(place.outputs.as_deref(), dst).into_iter().map(Way::Output).collect(),
            Hook::Forward => {
                let outs = self.side(place.outputs.as_deref(), dst);
                let ins = self.side(place.inputs.as_deref(), src);
                let mut ways: Vec<Way> = Vec::new();
                for one in &ins {
                    let other =
                        outs.iter().find(|o| *o != one).or_else(|| self.names.iter().find(|n| *n != one && *n != "lo"));
                    ways.extend(other.map(|other| Way::Forward(one.clone(), other.clone())));
                }
                ways
            }
            // Policies name no hook below IP.
            Hook::BridgeInput | Hook::BridgeForward | Hook::BridgeOutput | Hook::ArpInput | Hook::ArpOutput => {
                Vec::new()
            }
        }
    }

    /// The interfaces of one side: those that the rule names, those to which routes lead or behind which the address is, or any.
    fn side(&self, named: Option<&[IfacePattern]>, address: IpAddr) -> Vec<String> {
        let is_named = |name: &&String| {
            named.is_none_or(|all| all.iter().any(|p| p.matches(&Interface::Named((*name).clone())))) && *name != "lo"
        };
        let holds = |name: &&String| {
            let known = self.device.interfaces.iter().flatten().find(|i| i.name == **name);
            known.and_then(|i| i.networks.as_ref()).is_some_and(|set| {
                let (family, value) = number(address);
                set.of(family).contains(value)
            })
        };
        let routed = self.routed(address);
        let leads = |name: &&String| routed.contains(*name);
        let mut behind: Vec<String> = self.names.iter().filter(is_named).filter(leads).cloned().collect();
        if behind.is_empty() {
            behind = self.names.iter().filter(is_named).filter(holds).cloned().collect();
        }
        let any = || self.names.iter().filter(is_named).cloned().collect::<Vec<_>>();
        let found = if behind.is_empty() { any() } else { behind };
        found.into_iter().take(PER_SIDE).collect()
    }
}

impl Planning<'_> {
    /// The interfaces by which the device's routes reach an address, as far as the address alone tells.
    fn routed(&self, address: IpAddr) -> Vec<String> {
        let (family, value) = number(address);
        let routing = &self.device.routing;
        match route_of(routing, &RouteFlow::to(family, value)) {
            RouteOutcome::Found { routes, .. } => {
                let routes = routes.iter().filter_map(|at| routing.routes.get(*at));
                let hops = routes.filter(|r| r.kind == RouteType::Unicast).flat_map(|r| &r.hops);
                hops.filter(|hop| !hop.is_dead).filter_map(|hop| hop.dev.clone()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What the first packet of a service is like.
#[derive(Clone, Copy)]
struct Probe {
    proto: u8,
    dport: u16,
    icmp: (u8, u8),
    icmp_reply: Option<u8>,
    has_reply: bool,
}

fn probes(rule: &FlowRule, flow: &Flow, service: &Service) -> Vec<Probe> {
    let plain = Probe { proto: 0, dport: 0, icmp: (0, 0), icmp_reply: None, has_reply: true };
    let with_ports = |proto: u8, ports: &Ranges| -> Vec<Probe> {
        let ends = ports.as_slice().iter().take(4).flat_map(|(lo, hi)| [*lo, *hi]);
        let ends: BTreeSet<u16> = ends.filter_map(|p| u16::try_from(p.max(1)).ok()).collect();
        let has_reply = proto != 132;
        ends.into_iter().map(|dport| Probe { proto, dport, has_reply, ..plain }).collect()
    };
    let (echo, echo_reply) = if flow.family == Family::V4 { (8, 0) } else { (128, 129) };
    let ping = Probe { proto: flow.family.icmp(), icmp: (echo, 0), icmp_reply: Some(echo_reply), ..plain };
    match service {
        Service::Tcp(ports) => with_ports(6, ports),
        Service::Udp(ports) => with_ports(17, ports),
        Service::Ports(proto @ (132 | 136), ports) => with_ports(*proto, ports),
        Service::Icmp { message: None, .. } => vec![ping],
        Service::Icmp { message: Some((kind, _)), .. } if *kind == echo => vec![ping],
        Service::Icmp { message: Some((kind, code)), .. } => {
            let icmp_reply = reply_type(rule, flow, service);
            let has_reply = icmp_reply.is_some();
            vec![Probe { icmp: (*kind, code.unwrap_or_default()), icmp_reply, has_reply, ..ping }]
        }
        // What the kernel takes apart before any chain sees it cannot be sent as it is.
        Service::Protocol(0 | 43 | 44 | 51 | 60) if flow.family == Family::V6 => Vec::new(),
        Service::Protocol(proto) => vec![Probe { proto: *proto, ..plain }],
        Service::Any => vec![Probe { proto: 6, dport: 443, ..plain }, Probe { proto: 17, dport: 53, ..plain }, ping],
        Service::Ports(..) => Vec::new(),
    }
}

/// The type of the answer to a query, as the conversation of the rule has it.
fn reply_type(rule: &FlowRule, flow: &Flow, service: &Service) -> Option<u8> {
    let cells = rule.conversation(flow);
    let reply = cells.iter().find(|c| c.service == *service && c.direction == Direction::Reply)?;
    let kinds = reply.cell.get(Field::IcmpType).and_then(Values::as_ranges)?;
    u8::try_from(kinds.first()?).ok()
}

/// Hosts of every range of both sides: the first of one side with the first of the other, and so on.
fn pairs(flow: &Flow) -> Vec<(IpAddr, IpAddr)> {
    let (src, dst) = (hosts(&flow.src, flow.family), hosts(&flow.dst, flow.family));
    let count = if src.is_empty() || dst.is_empty() { 0 } else { src.len().max(dst.len()) };
    let at = |list: &[IpAddr], n: usize| list.get(n % list.len().max(1)).copied();
    let pair = |n: usize| {
        let one = at(&src, n)?;
        let other = (0..dst.len()).filter_map(|shift| at(&dst, n + shift)).find(|other| *other != one)?;
        Some((one, other))
    };
    (0..count).filter_map(pair).collect()
}

/// An ordinary host near each end of every range, and one in the middle of nowhere where everything is meant.
fn hosts(ranges: &Ranges, family: Family) -> Vec<IpAddr> {
    let mut out = Vec::new();
    for (lo, hi) in ranges.as_slice() {
        let middle = if family == Family::V4 { 0xCB00_7109 } else { 0x2001_0db8_ffff_0000_0000_0000_0000_0009 };
        let inner = if hi - lo > 2 { [lo + 1, hi - 1] } else { [*lo, *hi] };
        let candidates = [middle, inner[0], inner[1]];
        let good = candidates.into_iter().filter(|v| (lo..=hi).contains(&v)).map(|v| address(family, v));
        out.extend(good.filter(is_ordinary));
    }
    let mut seen = BTreeSet::new();
    out.retain(|a| seen.insert(*a));
    spread(out, PER_FLOW)
}

fn is_ordinary(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, ..] = v4.octets();
            first != 0 && first != 127 && first < 224 && !v4.is_link_local() && !is_ours(v4)
        }
        IpAddr::V6(v6) => {
            let is_mapped = v6.to_ipv4_mapped().is_some() || v6.to_ipv4().is_some();
            !v6.is_multicast() && !v6.is_loopback() && !v6.is_unspecified() && !v6.is_unicast_link_local() && !is_mapped
        }
    }
}

/// The few addresses by which the namespace itself is built.
fn is_ours(v4: &Ipv4Addr) -> bool {
    matches!(v4.octets(), [198, 18, 0, 2] | [198, 18, 255, 254])
}

fn address(family: Family, value: u128) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from(value as u32).into(),
        Family::V6 => Ipv6Addr::from(value).into(),
    }
}

fn number(address: IpAddr) -> (Family, u128) {
    match address {
        IpAddr::V4(v4) => (Family::V4, u32::from(v4).into()),
        IpAddr::V6(v6) => (Family::V6, v6.into()),
    }
}

/// At most `most` of a list, evenly from all of it.
fn spread<T>(list: Vec<T>, most: usize) -> Vec<T> {
    let count = list.len();
    if count <= most {
        return list;
    }
    list.into_iter()
        .enumerate()
        .filter(|(n, _)| (n * most) / count != ((n + 1) * most) / count)
        .map(|(_, t)| t)
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_both_the_number_and_the_breadth() {
        let some = spread((0..1000).collect(), 10);
        assert_eq!(some.len(), 10);
        assert!(some[0] < 200 && some[9] > 800);
        assert_eq!(spread(vec![1, 2], 10), [1, 2]);
    }

    #[test]
    fn hosts_are_ordinary_and_of_every_range() {
        let any = hosts(&Ranges::range(0, u128::from(u32::MAX)), Family::V4);
        assert_eq!(any, ["203.0.113.9".parse::<IpAddr>().unwrap()]);
        let two = Ranges::from_unsorted(vec![(0x0a00_0000, 0x0a00_00ff), (0xc0a8_0001, 0xc0a8_0001)]);
        let texts: Vec<String> = hosts(&two, Family::V4).iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["10.0.0.1", "10.0.0.254", "192.168.0.1"]);
    }

    #[test]
    fn names_of_interfaces_are_no_options_and_no_paths() {
        for good in ["eth0", "eth0.100", "br-lan", "lo", "wg0"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a b", "a/b", "a:1", "sixteen-letters-", "..", "a\nb"] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
