//! The packets of conversations against an independent statement of the same rules, over every flag byte and
//! state.

use super::accepted::policy;
use fwgate::finding::Direction;
use fwgate::packet::*;
use fwgate::policy::*;

/// A policy with one requirement for `service` between two networks of both families.
fn requirement(service: &str, more: &str) -> FlowRule {
    let text = format!(
        "version = 1\n[[require]]\nid = \"a\"\nreason = \"b\"\nfrom = [\"10.1.0.0/16\", \"fd01::/16\"]\n\
         to = [\"10.2.0.0/16\", \"fd02::/16\"]\nservice = [\"{service}\"]\nhook = \"forward\"\n{more}\n"
    );
    policy(&text).requirements[0].clone()
}

/// Whether any cell of this direction holds the packet.
fn demanded(cells: &[FlowCell], direction: Direction, packet: &Packet) -> usize {
    let holds = |cell: &Cell| cell.fields().iter().all(|(field, values)| values.contains(packet.get(*field)));
    cells.iter().filter(|c| c.direction == direction && holds(&c.cell)).count()
}

fn addresses(family: Family) -> (u128, u128) {
    match family {
        Family::V4 => (0x0a01_0003, 0x0a02_0004),
        Family::V6 => (0xfd01 << 112 | 3, 0xfd02 << 112 | 4),
    }
}

/// A packet of the conversation's addresses in this direction.
fn packet(family: Family, direction: Direction, proto: u8, client_port: u128, server_port: u128) -> Packet {
    let (client, server) = addresses(family);
    let mut packet = Packet::new(family);
    let (src, dst, sport, dport) = match direction {
        Direction::Request => (client, server, client_port, server_port),
        Direction::Reply => (server, client, server_port, client_port),
    };
    for (field, value) in [
        (Field::Src, src),
        (Field::Dst, dst),
        (Field::Proto, proto.into()),
        (Field::Sport, sport),
        (Field::Dport, dport),
    ] {
        packet.set(field, value);
    }
    packet
}

/// What a TCP connection consists of, flag by flag, written without masks.
fn tcp_demanded(direction: Direction, state: State, flags: u8) -> bool {
    let has = |flag: u8| flags & flag != 0;
    let (syn, ack, rst, fin) = (has(TCP_SYN), has(TCP_ACK), has(TCP_RST), has(TCP_FIN));
    let (psh, urg, ece, cwr) = (has(TCP_PSH), has(TCP_URG), has(TCP_ECE), has(TCP_CWR));
    let beside = [urg, ece, cwr].into_iter().filter(|f| *f).count();
    let first = syn && !ack && !rst && !fin && !psh && !urg;
    let answer = syn && ack && !rst && !fin && !psh && !urg && !cwr;
    let data = ack && !syn && !rst && beside <= 1;
    let reset = rst && !syn && !fin && !psh && beside == 0;
    match (direction, state) {
        (Direction::Request, State::New) => first,
        (Direction::Request, State::Established) => data,
        (Direction::Reply, State::Established) => answer || data || reset,
        _ => false,
    }
}

#[test]
fn tcp_demands_exactly_the_flags_of_a_connection() {
    let rule = requirement("tcp/443", "");
    for flow in &rule.flows {
        let cells = rule.conversation(flow);
        for direction in [Direction::Request, Direction::Reply] {
            for state in State::ALL {
                for flags in 0..=255u8 {
                    let mut packet = packet(flow.family, direction, 6, 50_000, 443);
                    packet.set(Field::State, state.value());
                    packet.set(Field::TcpFlags, flags.into());
                    let wanted = usize::from(tcp_demanded(direction, state, flags));
                    assert_eq!(demanded(&cells, direction, &packet), wanted, "{direction} {state:?} {flags:#04x}");
                }
            }
        }
    }
}

#[test]
fn udp_is_demanded_new_once_and_established_both_ways() {
    let rule = requirement("udp/53", "");
    for flow in &rule.flows {
        let cells = rule.conversation(flow);
        for (direction, state, wanted) in [
            (Direction::Request, State::New, 1),
            (Direction::Request, State::Established, 1),
            (Direction::Reply, State::Established, 1),
            (Direction::Reply, State::New, 0),
            (Direction::Request, State::Related, 0),
        ] {
            let mut packet = packet(flow.family, direction, 17, 50_000, 53);
            packet.set(Field::State, state.value());
            assert_eq!(demanded(&cells, direction, &packet), wanted, "{direction} {state:?}");
        }
    }
}

#[test]
fn only_ordinary_packets_are_demanded() {
    let rule = requirement("tcp/443", "");
    for flow in &rule.flows {
        let cells = rule.conversation(flow);
        let mut good = packet(flow.family, Direction::Request, 6, 50_000, 443);
        good.set(Field::TcpFlags, TCP_SYN.into());
        assert_eq!(demanded(&cells, Direction::Request, &good), 1);
        let mut others = vec![
            (Field::Sport, 1023),
            (Field::Dport, 444),
            (Field::Mark, 1),
            (Field::ConnMark, 1),
            (Field::Ttl, 1),
            (Field::Fragment, 1),
            (Field::Fragment, 2),
            (Field::PktType, 1),
            (Field::Src, 5),
            (Field::Dst, 5),
            (Field::Proto, 17),
        ];
        if flow.family == Family::V6 {
            others.extend([(Field::ExtHop, 1), (Field::ExtFragment, 1), (Field::ExtAuth, 1), (Field::NextHeader, 0)]);
        }
        for (field, value) in others {
            let mut other = good.clone();
            other.set(field, value);
            assert_eq!(demanded(&cells, Direction::Request, &other), 0, "{field:?}");
        }
        for (field, value) in
            [(Field::Length, 1500), (Field::Dscp, 46), (Field::Ecn, 1), (Field::Mac, 7), (Field::Sport, 1024)]
        {
            let mut other = good.clone();
            other.set(field, value);
            assert_eq!(demanded(&cells, Direction::Request, &other), 1, "{field:?}");
        }
    }
}

#[test]
fn echo_is_demanded_with_its_reply() {
    for (service, kind, reply) in [("icmp/echo-request", 8u128, 0u128), ("icmpv6/echo-request", 128, 129)] {
        let rule = requirement(service, "");
        let [flow] = rule.flows.as_slice() else { panic!("one family") };
        let cells = rule.conversation(flow);
        let with = |direction, state: State, kind: u128, code: u128| {
            let mut packet = packet(flow.family, direction, flow.family.icmp(), 0, 0);
            packet.set(Field::State, state.value());
            packet.set(Field::IcmpType, kind);
            packet.set(Field::IcmpCode, code);
            demanded(&cells, direction, &packet)
        };
        assert_eq!(with(Direction::Request, State::New, kind, 0), 1);
        assert_eq!(with(Direction::Reply, State::Established, reply, 0), 1);
        assert_eq!(with(Direction::Reply, State::New, reply, 0), 0);
        assert_eq!(with(Direction::Request, State::New, kind, 1), 0);
        assert_eq!(with(Direction::Request, State::New, reply, 0), 0);
    }
}

#[test]
fn any_is_everything_that_hosts_say_to_each_other() {
    let rule = requirement("any", "");
    for flow in &rule.flows {
        let cells = rule.conversation(flow);
        let impossible: &[u8] = if flow.family == Family::V6 { &[0, 43, 44, 51, 60] } else { &[] };
        for proto in 0..=255u8 {
            let mut request = packet(flow.family, Direction::Request, proto, 40_000, 7);
            let mut reply = packet(flow.family, Direction::Reply, proto, 40_000, 7);
            reply.set(Field::State, State::Established.value());
            if proto == 6 {
                request.set(Field::TcpFlags, TCP_SYN.into());
                reply.set(Field::TcpFlags, TCP_ACK.into());
            }
            if proto == flow.family.icmp() {
                let (kind, answer) = if flow.family == Family::V4 { (8, 0) } else { (128, 129) };
                request.set(Field::IcmpType, kind);
                reply.set(Field::IcmpType, answer);
            }
            let wanted = usize::from(!impossible.contains(&proto));
            assert_eq!(demanded(&cells, Direction::Request, &request), wanted, "{proto}");
            assert_eq!(demanded(&cells, Direction::Reply, &reply), wanted, "{proto}");
        }
    }
}

#[test]
fn the_requirement_can_name_source_ports_and_profiles() {
    let rule = requirement("udp/53", "source_port = \"53\"\nprofile = [\"domain\"]");
    let flow = &rule.flows[0];
    let cells = rule.conversation(flow);
    assert_eq!(demanded(&cells, Direction::Request, &packet(Family::V4, Direction::Request, 17, 53, 53)), 1);
    assert_eq!(demanded(&cells, Direction::Request, &packet(Family::V4, Direction::Request, 17, 5353, 53)), 0);
    assert!(cells.iter().all(|c| c.cell.get(Field::Profile).is_some()));
}

#[test]
fn a_prohibition_means_every_new_packet_of_the_flow() {
    let rule = requirement("tcp/23", "");
    let flow = &rule.flows[0];
    let cells = prohibited(flow, None);
    for state in State::ALL {
        for flags in 0..=255u8 {
            for sport in [1, 23, 50_000] {
                let mut packet = packet(Family::V4, Direction::Request, 6, sport, 23);
                packet.set(Field::State, state.value());
                packet.set(Field::TcpFlags, flags.into());
                packet.set(Field::Mark, 9);
                packet.set(Field::Ttl, 3);
                assert_eq!(demanded(&cells, Direction::Request, &packet), usize::from(state == State::New));
            }
        }
    }
    assert_eq!(
        demanded(
            &prohibited(flow, Some(&Ranges::one(5))),
            Direction::Request,
            &packet(Family::V4, Direction::Request, 6, 6, 23)
        ),
        0
    );
}

#[test]
fn an_intent_covers_the_flow_and_its_reply_whatever_else_they_are() {
    let rule = requirement("tcp/443", "");
    let cells = intended(&rule.flows[0]);
    for direction in [Direction::Request, Direction::Reply] {
        let mut good = packet(Family::V4, direction, 6, 7, 443);
        good.set(Field::State, State::Invalid.value());
        good.set(Field::TcpFlags, 0xff);
        assert_eq!(demanded(&cells, direction, &good), 1);
        good.set(Field::Proto, 17);
        assert_eq!(demanded(&cells, direction, &good), 0);
    }
    let backwards = packet(Family::V4, Direction::Request, 6, 443, 7);
    assert_eq!(demanded(&cells, Direction::Request, &backwards), 0);
}

#[test]
fn layer_4_fields_stand_behind_their_protocol() {
    let services = ["any", "tcp/443", "udp/1-9", "sctp/5", "icmp/3/1", "icmpv6/1", "esp", "proto/99", "tcp"];
    for service in services {
        let rule = requirement(service, "");
        for flow in &rule.flows {
            let all = rule.conversation(flow).into_iter().chain(prohibited(flow, None)).chain(intended(flow));
            for cell in all {
                let layer4 = cell.cell.fields().iter().any(|(f, _)| f.is_layer4());
                let protocols = cell.cell.get(Field::Proto).and_then(Values::as_ranges);
                assert!(
                    !layer4 || protocols.is_some_and(|p| p.as_slice().iter().all(|(lo, hi)| lo == hi)),
                    "{service}"
                );
                assert!(cell.cell.fields().iter().all(|(_, values)| !values.is_empty()), "{service}");
            }
        }
    }
}
