//! What a flow covers: every packet that a prohibition rules out, and every packet that an intent declares.

use super::cells::{FlowCell, ends, put, restrict};
use super::flow::Flow;
use super::icmp::{self, Exchange};
use super::service::Service;
use crate::finding::Direction;
use crate::packet::{Cell, Family, Field, Fragment, Ranges, State, Values};

/// Every packet of `flow` in state new, whose connection has no mark yet.
pub fn prohibited(flow: &Flow, source_ports: Option<&Ranges>) -> Vec<FlowCell> {
    let cell = |service: &Service| {
        let cell = bare(flow, Direction::Request, service);
        let cell = restrict(cell, Field::State, Ranges::one(State::New.value()), flow.family);
        let cell = cell.with(Field::ConnMark, Values::one(Field::ConnMark, 0));
        let cell = match source_ports {
            Some(ports) if has_ports(service) && !ports.is_full(65_535) => {
                with_layer4(cell, Field::Sport, Values::Ranges(ports.clone()), flow.family)
            }
            _ => cell,
        };
        FlowCell { direction: Direction::Request, name: "new packet", service: service.clone(), cell }
    };
    flow.services.iter().map(cell).collect()
}

/// Every packet that an intent for `flow` covers: source, destination and service match, or those of the reply
/// do; every other field is free.
pub fn intended(flow: &Flow) -> Vec<FlowCell> {
    let both = |service: &Service| {
        let request = Some(bare(flow, Direction::Request, service));
        let reply = reply_exists(service).then(|| bare(flow, Direction::Reply, service));
        let cell =
            |direction, cell| FlowCell { direction, name: direction_name(direction), service: service.clone(), cell };
        [request.map(|c| cell(Direction::Request, c)), reply.map(|c| cell(Direction::Reply, c))]
    };
    flow.services.iter().flat_map(both).flatten().collect()
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => "request",
        Direction::Reply => "reply",
    }
}

fn has_ports(service: &Service) -> bool {
    matches!(service, Service::Tcp(_) | Service::Udp(_) | Service::Ports(..))
}

fn reply_exists(service: &Service) -> bool {
    match service {
        Service::Icmp { family, message: Some((kind, _)) } => {
            matches!(icmp::exchange(*family, *kind), Exchange::Query { .. })
        }
        _ => true,
    }
}

/// Source, destination and service of the flow or of its reply, and nothing else.
fn bare(flow: &Flow, direction: Direction, service: &Service) -> Cell {
    let family = flow.family;
    let cell = ends(flow, direction);
    match service {
        Service::Any => cell,
        Service::Tcp(ports) => server_ports(of_protocol(cell, 6, family), direction, ports, family),
        Service::Udp(ports) => server_ports(of_protocol(cell, 17, family), direction, ports, family),
        Service::Ports(protocol, ports) => server_ports(of_protocol(cell, *protocol, family), direction, ports, family),
        Service::Protocol(protocol) => of_protocol(cell, *protocol, family),
        Service::Icmp { message, .. } => {
            bare_icmp(of_protocol(cell, family.icmp(), family), direction, *message, family)
        }
    }
}

fn bare_icmp(cell: Cell, direction: Direction, message: Option<(u8, Option<u8>)>, family: Family) -> Cell {
    let Some((kind, code)) = message else { return cell };
    let (kind, code) = match (direction, icmp::exchange(family, kind)) {
        (Direction::Reply, Exchange::Query { reply }) => (reply, None),
        _ => (kind, code),
    };
    let cell = with_layer4(cell, Field::IcmpType, Values::Ranges(Ranges::one(kind.into())), family);
    match code {
        Some(code) => restrict(cell, Field::IcmpCode, Ranges::one(code.into()), family),
        None => cell,
    }
}

fn of_protocol(cell: Cell, protocol: u8, family: Family) -> Cell {
    restrict(cell, Field::Proto, Ranges::one(protocol.into()), family)
}

/// The server's ports: destination of a request, source of a reply.
fn server_ports(cell: Cell, direction: Direction, ports: &Ranges, family: Family) -> Cell {
    let field = if direction == Direction::Request { Field::Dport } else { Field::Sport };
    if ports.is_full(65_535) {
        return cell;
    }
    with_layer4(cell, field, Values::Ranges(ports.clone()), family)
}

/// Restricts a layer-4 field, and so the packet to those that have a layer-4 header.
fn with_layer4(cell: Cell, field: Field, values: Values, family: Family) -> Cell {
    let has_header = Ranges::range(Fragment::None as u128, Fragment::First as u128);
    let cell =
        if cell.get(Field::Fragment).is_some() { cell } else { restrict(cell, Field::Fragment, has_header, family) };
    put(cell, field, values, family)
}
