//! The packets of a conversation: what a requirement demands.
//!
//! A requirement means a whole conversation: the packets that two ordinary hosts really exchange, both ways, and
//! no others. So a ruleset that drops null packets breaks nothing, and one that has lost the rule for
//! established connections breaks everything.

use super::cells::{FlowCell, ends, put, restrict};
use super::coverage::prohibited;
use super::flow::{Flow, FlowRule};
use super::icmp::{self, Exchange};
use super::service::Service;
use crate::finding::Direction;
use crate::packet::{
    ByteSet, Cell, Family, Field, Fragment, Ranges, State, TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_PSH, TCP_RST,
    TCP_SYN, TCP_URG, Values,
};

/// The client's source ports where the policy says nothing: the unprivileged ones.
pub fn default_source_ports() -> Ranges {
    Ranges::range(1024, 65_535)
}

impl FlowRule {
    /// The packets that must be allowed for `flow` of this requirement to work.
    pub fn conversation(&self, flow: &Flow) -> Vec<FlowCell> {
        let ports = self.source_ports.clone().unwrap_or_else(default_source_ports);
        conversation(flow, &ports).into_iter().map(|c| self.in_profiles(c, flow.family)).collect()
    }

    /// The packets that must not be allowed where this is a prohibition.
    pub fn prohibited(&self, flow: &Flow) -> Vec<FlowCell> {
        prohibited(flow, self.source_ports.as_ref()).into_iter().map(|c| self.in_profiles(c, flow.family)).collect()
    }

    fn in_profiles(&self, mut cell: FlowCell, family: Family) -> FlowCell {
        if let Some(profiles) = &self.place.profiles {
            cell.cell = restrict(cell.cell, Field::Profile, profiles.clone(), family);
        }
        cell
    }
}

/// The packets of whole conversations of `flow`, the client using `source_ports`: the first packet is new, every
/// other one established, in both directions. Cells of one direction and state are disjoint for each service.
pub fn conversation(flow: &Flow, source_ports: &Ranges) -> Vec<FlowCell> {
    flow.services.iter().flat_map(|s| Talk { flow, source_ports, service: s }.cells()).collect()
}

/// The flags of a packet in the middle of a TCP connection: ACK alone, with PSH, FIN or both, each with URG or
/// one of ECE, CWR.
fn data_flags(flags: u8) -> bool {
    let core = flags & !(TCP_URG | TCP_ECE | TCP_CWR);
    let beside = flags & (TCP_URG | TCP_ECE | TCP_CWR);
    core & !(TCP_PSH | TCP_FIN) == TCP_ACK && beside.count_ones() <= 1
}

fn syn_flags(flags: u8) -> bool {
    flags & !(TCP_ECE | TCP_CWR) == TCP_SYN
}

fn syn_ack_flags(flags: u8) -> bool {
    flags & !TCP_ECE == TCP_SYN | TCP_ACK
}

fn reset_flags(flags: u8) -> bool {
    flags & !TCP_ACK == TCP_RST
}

/// Protocol numbers that are never the upper layer of an IPv6 packet: extension headers
/// (`net/ipv6/exthdrs_core.c`, `ipv6_ext_hdr`, but for "no next header").
const IPV6_EXTENSIONS: [u8; 5] = [0, 43, 44, 51, 60];

/// The conversations of one service of a flow.
struct Talk<'a> {
    flow: &'a Flow,
    source_ports: &'a Ranges,
    service: &'a Service,
}

impl Talk<'_> {
    fn cells(&self) -> Vec<FlowCell> {
        let all_ports = Ranges::range(0, 65_535);
        match self.service {
            Service::Tcp(ports) => self.tcp(ports),
            Service::Udp(ports) => self.udp(ports),
            Service::Ports(protocol, ports) => self.each_way(&Ranges::one((*protocol).into()), Some(ports)),
            Service::Protocol(number) => self.each_way(&Ranges::one((*number).into()), None),
            Service::Icmp { message, .. } => {
                let echo = icmp::echo_request(self.flow.family);
                let (kind, code) = message.unwrap_or((echo, None));
                self.icmp(kind, code)
            }
            Service::Any => {
                let mut cells = self.tcp(&all_ports);
                cells.extend(self.udp(&all_ports));
                cells.extend(self.icmp(icmp::echo_request(self.flow.family), None));
                cells.extend(self.each_way(&Ranges::from_values([33, 132, 136]), Some(&all_ports)));
                cells.extend(self.each_way(&self.portless_protocols(), None));
                cells
            }
        }
    }

    fn tcp(&self, ports: &Ranges) -> Vec<FlowCell> {
        let tcp = Ranges::one(6);
        let with = |direction, state, name, flags: fn(u8) -> bool| {
            let cell = self.with_ports(self.packet(direction, state, &tcp), direction, ports);
            let flags = Values::Flags(ByteSet::from_fn(flags));
            self.label(direction, name, put(cell, Field::TcpFlags, flags, self.flow.family))
        };
        vec![
            with(Direction::Request, State::New, "SYN", syn_flags),
            with(Direction::Reply, State::Established, "SYN+ACK", syn_ack_flags),
            with(Direction::Request, State::Established, "data", data_flags),
            with(Direction::Reply, State::Established, "data", data_flags),
            with(Direction::Reply, State::Established, "RST", reset_flags),
        ]
    }

    fn udp(&self, ports: &Ranges) -> Vec<FlowCell> {
        let udp = Ranges::one(17);
        let with = |direction, state, name| {
            let cell = self.with_ports(self.packet(direction, state, &udp), direction, ports);
            self.label(direction, name, cell)
        };
        vec![
            with(Direction::Request, State::New, "first datagram"),
            with(Direction::Request, State::Established, "datagram"),
            with(Direction::Reply, State::Established, "datagram"),
        ]
    }

    fn icmp(&self, kind: u8, code: Option<u8>) -> Vec<FlowCell> {
        let with = |direction, state, name, kind: u8, codes: Ranges| {
            let protocol = Ranges::one(self.flow.family.icmp().into());
            let cell = self.packet(direction, state, &protocol);
            let cell = restrict(cell, Field::IcmpType, Ranges::one(kind.into()), self.flow.family);
            self.label(direction, name, restrict(cell, Field::IcmpCode, codes, self.flow.family))
        };
        let family = self.flow.family;
        let codes = code.map_or_else(|| icmp::codes(family, kind), |code| Ranges::one(code.into()));
        match icmp::exchange(family, kind) {
            Exchange::Query { reply } => vec![
                with(Direction::Request, State::New, "request", kind, codes.clone()),
                with(Direction::Request, State::Established, "further request", kind, codes),
                with(Direction::Reply, State::Established, "reply", reply, Ranges::one(0)),
            ],
            Exchange::OneWay(state) => vec![with(Direction::Request, state, "message", kind, codes)],
        }
    }

    /// One packet each way.
    fn each_way(&self, protocols: &Ranges, ports: Option<&Ranges>) -> Vec<FlowCell> {
        let with = |direction, state, name| {
            let cell = self.packet(direction, state, protocols);
            let cell = match ports {
                Some(ports) => self.with_ports(cell, direction, ports),
                None => cell,
            };
            self.label(direction, name, cell)
        };
        vec![with(Direction::Request, State::New, "first packet"), with(Direction::Reply, State::Established, "answer")]
    }

    /// The protocols of `any` that have neither ports nor an exchange of their own.
    fn portless_protocols(&self) -> Ranges {
        let family = self.flow.family;
        let named = [6, 17, 33, 132, 136, family.icmp()];
        let extensions: &[u8] = if family == Family::V6 { &IPV6_EXTENSIONS } else { &[] };
        let is_other = |p: &u8| !named.contains(p) && !extensions.contains(p);
        Ranges::from_values((0..=255u8).filter(is_other).map(u128::from))
    }

    fn with_ports(&self, cell: Cell, direction: Direction, server: &Ranges) -> Cell {
        let family = self.flow.family;
        let (sport, dport) = match direction {
            Direction::Request => (self.source_ports, server),
            Direction::Reply => (server, self.source_ports),
        };
        let cell = restrict(cell, Field::Sport, sport.clone(), family);
        restrict(cell, Field::Dport, dport.clone(), family)
    }

    /// A whole unmarked packet of an ordinary host, in its network-layer fields.
    fn packet(&self, direction: Direction, state: State, protocols: &Ranges) -> Cell {
        let family = self.flow.family;
        let mut cell = restrict(ends(self.flow, direction), Field::Proto, protocols.clone(), family);
        let fixed =
            [(Field::Fragment, Fragment::None as u128), (Field::Mark, 0), (Field::Ttl, 64), (Field::PktType, 0)];
        for (field, value) in fixed {
            cell = cell.with(field, Values::one(field, value));
        }
        if state == State::New {
            cell = cell.with(Field::ConnMark, Values::one(Field::ConnMark, 0));
        }
        if family == Family::V6 {
            cell = without_extensions(cell);
        }
        cell.with(Field::State, Values::one(Field::State, state.value()))
    }

    fn label(&self, direction: Direction, name: &'static str, cell: Cell) -> FlowCell {
        FlowCell { direction, name, service: self.service.clone(), cell }
    }
}

fn without_extensions(cell: Cell) -> Cell {
    let headers = [
        Field::ExtHop,
        Field::ExtDst,
        Field::ExtRouting,
        Field::ExtFragment,
        Field::ExtAuth,
        Field::ExtEsp,
        Field::ExtMobility,
    ];
    let cell = cell.with(Field::NextHeader, Values::one(Field::NextHeader, 256));
    headers.into_iter().fold(cell, |cell, header| cell.with(header, Values::one(header, 0)))
}
