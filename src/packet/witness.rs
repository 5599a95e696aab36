//! One realistic packet out of a cell: traffic that somebody would send, where the cell has any.

use super::{
    Cell, Family, Field, Fragment, IfaceSide, Interface, InterfaceClasses, Packet, Ranges, Shape, State, TCP_ACK,
    TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, Values,
};

/// Destination ports that a reader knows, best first.
const KNOWN_PORTS: &[u128] =
    &[443, 80, 22, 53, 445, 389, 3389, 25, 123, 88, 636, 3306, 5432, 8080, 8443, 1433, 993, 143, 110, 161, 514];

/// One packet of the cell, as ordinary as the cell allows: TCP before UDP before ICMP before the rest, a SYN
/// for new connections, a known destination port, an ephemeral source port, host addresses that are neither
/// the network's nor special. `interfaces` names the interface classes of the cell.
pub fn witness(cell: &Cell, family: Family, interfaces: &InterfaceClasses) -> Packet {
    let mut packet = Packet::new(family);
    packet.set(Field::Proto, pick(cell, Field::Proto, family, &[6, 17, u128::from(family.icmp()), 47, 50]));
    packet.set(Field::Src, address(cell, Field::Src, family));
    packet.set(Field::Dst, address(cell, Field::Dst, family));
    let state = pick(cell, Field::State, family, &[0, 1, 2, 3, 4]);
    packet.set(Field::State, state);
    let shape = packet.shape();
    if shape.has_ports() {
        packet.set(Field::Sport, port(cell, Field::Sport, family, &[49_152, 40_000, 50_000, 1024, 60_000]));
        packet.set(Field::Dport, port(cell, Field::Dport, family, KNOWN_PORTS));
    }
    if shape == Shape::Tcp {
        packet.set(Field::TcpFlags, flags(cell, state));
    }
    if shape == Shape::Icmp {
        let (request, reply) = if family == Family::V4 { (8, 0) } else { (128, 129) };
        let usual = if state == State::New.value() { [request, reply] } else { [reply, request] };
        packet.set(Field::IcmpType, pick(cell, Field::IcmpType, family, &usual));
        packet.set(Field::IcmpCode, pick(cell, Field::IcmpCode, family, &[0]));
    }
    packet.set(Field::Fragment, pick(cell, Field::Fragment, family, &[Fragment::None as u128]));
    for (field, values) in cell.fields() {
        if *field < Field::Mark || field.is_interface() || matches!(field, Field::SrcBits | Field::DstBits) {
            continue;
        }
        let usual = packet.get(*field);
        if !values.contains(usual) {
            packet.set(*field, any(values));
        }
    }
    for side in [IfaceSide::In, IfaceSide::Out, IfaceSide::PhysIn, IfaceSide::PhysOut] {
        if let Some(values) = cell.get(side.field()).and_then(Values::as_ranges) {
            packet.set_interface(side, interface(values, interfaces));
        }
    }
    packet
}

/// A named interface reads best in a witness unless every unnamed one would do; loopback reads worst.
fn interface(values: &Ranges, interfaces: &InterfaceClasses) -> Interface {
    if values.contains(InterfaceClasses::OTHER) {
        return Interface::Other;
    }
    let examples = || values.as_slice().iter().flat_map(|&(lo, hi)| lo..=hi).map(|n| interfaces.example(n));
    let ordinary = examples().find(|i| !matches!(i, Interface::None) && *i != Interface::Named("lo".into()));
    ordinary.or_else(|| examples().next()).unwrap_or(Interface::Other)
}

fn any(values: &Values) -> u128 {
    match values {
        Values::Ranges(r) => r.first().unwrap_or(0),
        Values::Flags(f) => f.iter().next().map_or(0, u128::from),
        Values::Cube(c) => c.value,
    }
}

fn pick(cell: &Cell, field: Field, family: Family, usual: &[u128]) -> u128 {
    let values = cell.get(field).cloned().unwrap_or_else(|| Values::full(field, family));
    usual.iter().copied().find(|v| values.contains(*v)).unwrap_or_else(|| any(&values))
}

/// A usual port, else one that a program can have: one that needs no privilege at the source, and port 0 where there is no other.
fn port(cell: &Cell, field: Field, family: Family, usual: &[u128]) -> u128 {
    let usual = pick(cell, field, family, usual);
    let Some(ports) = cell.get(field).and_then(Values::as_ranges).filter(|_| usual < 1024) else { return usual };
    let least = |from: u128| ports.as_slice().iter().find(|(_, hi)| *hi >= from).map(|(lo, _)| from.max(*lo));
    match field {
        Field::Sport => least(1024).or_else(|| ports.as_slice().last().map(|(_, hi)| *hi)).unwrap_or(usual),
        _ if usual == 0 => least(1).unwrap_or(usual),
        _ => usual,
    }
}

fn flags(cell: &Cell, state: u128) -> u128 {
    let (new, later) = ([TCP_SYN, TCP_ACK, TCP_SYN | TCP_ACK], [TCP_ACK, TCP_SYN | TCP_ACK, TCP_PSH | TCP_ACK]);
    let usual = if state == State::New.value() { new } else { later };
    let more = [TCP_FIN | TCP_ACK, TCP_RST | TCP_ACK, TCP_RST, TCP_SYN, TCP_ACK];
    let list: Vec<u128> = usual.into_iter().chain(more).map(u128::from).collect();
    pick(cell, Field::TcpFlags, Family::V4, &list)
}

/// A host address of the cell: the first usable one of its first ordinary range.
fn address(cell: &Cell, field: Field, family: Family) -> u128 {
    let full = Ranges::range(0, family.max_address());
    let ranges = cell.get(field).and_then(Values::as_ranges).unwrap_or(&full);
    for preferred in preferred(family) {
        let inside = ranges.intersect(&preferred);
        if let Some(found) = inside.as_slice().iter().find_map(|&(lo, hi)| host(cell, field, lo, hi, family)) {
            return found;
        }
    }
    let first = ranges.as_slice().iter().find_map(|&(lo, hi)| host(cell, field, lo, hi, family));
    first.or_else(|| cell.address_from(field, 0, family)).unwrap_or(0)
}

fn host(cell: &Cell, field: Field, lo: u128, hi: u128, family: Family) -> Option<u128> {
    let within = |from| cell.address_from(field, from, family).filter(|a| *a <= hi);
    // Skip what looks like a network address where there is room.
    let start = if hi - lo >= 2 && lo & 3 == 0 { lo + 1 } else { lo };
    within(start).or_else(|| within(lo))
}

/// Where ordinary hosts live, best first.
fn preferred(family: Family) -> Vec<Ranges> {
    match family {
        Family::V4 => vec![
            Ranges::range(0x0a00_0000, 0x0aff_ffff),
            Ranges::range(0xac10_0000, 0xac1f_ffff),
            Ranges::range(0xc0a8_0000, 0xc0a8_ffff),
            // Global unicast, without this-network, loopback, link-local and class D and E.
            Ranges::from_unsorted(vec![
                (0x0100_0000, 0x09ff_ffff),
                (0x0b00_0000, 0x7eff_ffff),
                (0x8000_0000, 0xa9fd_ffff),
                (0xa9ff_0000, 0xdfff_ffff),
            ]),
        ],
        Family::V6 => vec![
            Ranges::range(0x2001_0db8 << 96, (0x2001_0db9 << 96) - 1),
            Ranges::range(0xfd << 120, (0xfe << 120) - 1),
            Ranges::range(0x2000 << 112, (0x4000 << 112) - 1),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ports of the witness where the source, and the destination, may only be these.
    fn ports(source: &[(u128, u128)], destination: &[(u128, u128)]) -> (u128, u128) {
        let within = |ranges: &[(u128, u128)]| Values::Ranges(Ranges::from_unsorted(ranges.to_vec()));
        let cell = Cell::whole().with(Field::Proto, within(&[(6, 6)]));
        let cell = cell.with(Field::Sport, within(source)).with(Field::Dport, within(destination));
        let packet = witness(&cell, Family::V4, &InterfaceClasses::new([]));
        (packet.get(Field::Sport), packet.get(Field::Dport))
    }

    #[test]
    fn ports_are_those_of_programs_wherever_there_are_any() {
        assert_eq!(ports(&[(0, 65_535)], &[(0, 65_535)]), (49_152, 443));
        assert_eq!(ports(&[(0, 1023)], &[(0, 21)]), (1023, 1), "what is left where the others are cut away");
        assert_eq!(ports(&[(0, 52), (5_000, 5_010)], &[(7, 9)]), (5_000, 7));
        assert_eq!(ports(&[(0, 0)], &[(0, 0)]), (0, 0), "there is no other");
    }
}
