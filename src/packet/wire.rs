//! Packets in the machine formats: JSON in, JSON out.

use super::region::address;
use super::{
    Family, Field, Fragment, IfaceSide, Interface, Packet, Shape, State, protocol_by_name, protocol_name,
    tcp_flags_by_names, tcp_flags_text,
};
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// Why a JSON object is no packet.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct PacketError(pub String);

fn fail<T>(message: impl Into<String>) -> Result<T, PacketError> {
    Err(PacketError(message.into()))
}

const KNOWN: &[&str] = &[
    "id",
    "family",
    "src",
    "dst",
    "proto",
    "sport",
    "dport",
    "tcp_flags",
    "icmp_type",
    "icmp_code",
    "iif",
    "oif",
    "state",
    "fragment",
];

/// Reads a packet, filling in the defaults of the contract: source port 40000, ICMP echo-request, state new,
/// flags `syn` when the state is new and `ack` otherwise, TTL 64, mark 0, interfaces `other`.
///
/// # Errors
/// Unknown keys, values out of range, a missing `dport` of a protocol that has ports, mixed families.
pub fn packet_from_json(value: &Value) -> Result<Packet, PacketError> {
    let Value::Object(map) = value else { return fail("a packet is a JSON object") };
    for key in map.keys() {
        let extra = Field::by_name(key).is_some_and(|f| !matches!(f, Field::SrcBits | Field::DstBits));
        if !KNOWN.contains(&key.as_str()) && !extra {
            return fail(format!("unknown key `{key}` in a packet; the usual ones are {}", KNOWN.join(", ")));
        }
    }
    let src = address_of(map, "src")?;
    let dst = address_of(map, "dst")?;
    let family = match map.get("family").map(|f| f.as_u64()) {
        Some(Some(4)) => Family::V4,
        Some(Some(6)) => Family::V6,
        Some(_) => return fail("`family` is 4 or 6"),
        None => family_of(src),
    };
    if family_of(src) != family || family_of(dst) != family {
        return fail(format!("`src` and `dst` must be {family} addresses"));
    }
    let mut packet = Packet::new(family);
    packet.set(Field::Src, address_value(src));
    packet.set(Field::Dst, address_value(dst));
    let proto = match map.get("proto") {
        Some(Value::String(name)) => protocol_by_name(name),
        Some(Value::Number(n)) => n.as_u64().and_then(|n| u8::try_from(n).ok()),
        Some(_) => None,
        None => return fail("a packet needs `proto`"),
    };
    let Some(proto) = proto else { return fail("`proto` is a protocol name or a number from 0 to 255") };
    packet.set(Field::Proto, u128::from(proto));
    let state = match map.get("state") {
        None => State::New,
        Some(Value::String(name)) => match State::by_name(name) {
            Some(state) => state,
            None => return fail(format!("unknown state `{name}`: new, established, related, invalid or untracked")),
        },
        Some(_) => return fail("`state` is a name"),
    };
    packet = packet.with_state(state);
    packet.set(Field::TcpFlags, 0);
    fill_layer4(&mut packet, map, state)?;
    fill_interfaces(&mut packet, map)?;
    if let Some(value) = map.get("fragment") {
        let found = value.as_str().and_then(|n| Fragment::ALL.into_iter().find(|f| f.name() == n));
        let Some(fragment) = found else { return fail("`fragment` is none, first or later") };
        packet.set(Field::Fragment, fragment as u128);
    }
    for (key, value) in map {
        if KNOWN.contains(&key.as_str()) {
            continue;
        }
        if let Some(field) = Field::by_name(key).filter(|f| !f.is_interface()) {
            packet.set(field, further(field, family, value)?);
        }
    }
    Ok(packet)
}

fn fill_layer4(packet: &mut Packet, map: &Map<String, Value>, state: State) -> Result<(), PacketError> {
    let shape = packet.shape();
    if shape.has_ports() {
        let Some(dport) = number(map, "dport", 65_535)? else {
            return fail("a packet of a protocol with ports needs `dport`");
        };
        packet.set(Field::Dport, dport);
        packet.set(Field::Sport, number(map, "sport", 65_535)?.unwrap_or(40_000));
    }
    if shape == Shape::Tcp {
        let flags = match map.get("tcp_flags") {
            None if state == State::New => "syn",
            None => "ack",
            Some(Value::String(text)) => text,
            Some(_) => return fail("`tcp_flags` is a text of names joined by `|`"),
        };
        let Some(bits) = tcp_flags_by_names(flags) else {
            return fail(format!("unknown flag in `{flags}`: fin syn rst psh ack urg ece cwr, joined by `|`"));
        };
        packet.set(Field::TcpFlags, u128::from(bits));
    }
    if shape == Shape::Icmp {
        let echo = if packet.family == Family::V4 { 8 } else { 128 };
        packet.set(Field::IcmpType, number(map, "icmp_type", 255)?.unwrap_or(echo));
        packet.set(Field::IcmpCode, number(map, "icmp_code", 255)?.unwrap_or(0));
    }
    Ok(())
}

fn fill_interfaces(packet: &mut Packet, map: &Map<String, Value>) -> Result<(), PacketError> {
    let sides = [
        (IfaceSide::In, "iif"),
        (IfaceSide::Out, "oif"),
        (IfaceSide::PhysIn, "physdev_in"),
        (IfaceSide::PhysOut, "physdev_out"),
    ];
    for (side, key) in sides {
        match map.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(name)) => packet.set_interface(side, interface(name)),
            Some(_) => return fail(format!("`{key}` is an interface name")),
        }
    }
    Ok(())
}

fn interface(name: &str) -> Interface {
    match name {
        "none" => Interface::None,
        "other" => Interface::Other,
        _ => Interface::Named(name.to_owned()),
    }
}

fn further(field: Field, family: Family, value: &Value) -> Result<u128, PacketError> {
    let max = field.max(family);
    let named = |names: &[&str], text: &str| names.iter().position(|n| *n == text).map(|n| n as u128);
    let read = match value {
        Value::Number(n) => n.as_u64().map(u128::from),
        Value::Bool(b) => Some(u128::from(*b)),
        Value::String(text) => match field {
            Field::Mac | Field::MacDst => mac_by_text(text),
            Field::PktType => named(&["unicast", "broadcast", "multicast", "otherhost"], text),
            Field::Profile => named(&["domain", "private", "public"], text),
            _ => match text.strip_prefix("0x") {
                Some(hex) => u128::from_str_radix(hex, 16).ok(),
                None => text.parse().ok(),
            },
        },
        _ => None,
    };
    match read.filter(|v| *v <= max) {
        Some(value) => Ok(value),
        None => fail(format!("`{}` is out of range", field.name())),
    }
}

/// The 48-bit number of a MAC address: six bytes of two hexadecimal digits with colons between them.
pub fn mac_by_text(text: &str) -> Option<u128> {
    let bytes: Option<Vec<u8>> = text
        .split(':')
        .map(|b| (b.len() == 2 && !b.starts_with('+')).then(|| u8::from_str_radix(b, 16).ok()).flatten())
        .collect();
    bytes.filter(|b| b.len() == 6).map(|b| b.iter().fold(0u128, |n, v| n << 8 | u128::from(*v)))
}

fn address_of(map: &Map<String, Value>, key: &str) -> Result<IpAddr, PacketError> {
    match map.get(key) {
        Some(Value::String(text)) => match text.parse() {
            Ok(address) => Ok(address),
            Err(_) => fail(format!("`{key}`: `{text}` is no IP address")),
        },
        _ => fail(format!("a packet needs `{key}`, an IP address")),
    }
}

fn family_of(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}

fn address_value(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(a) => u128::from(u32::from(a)),
        IpAddr::V6(a) => u128::from(a),
    }
}

fn number(map: &Map<String, Value>, key: &str, max: u64) -> Result<Option<u128>, PacketError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|n| *n <= max) {
            Some(n) => Ok(Some(u128::from(n))),
            None => fail(format!("`{key}` is a number from 0 to {max}")),
        },
    }
}

/// The packet as the contract writes a witness: the fields its protocol has, and others where they are not at
/// their default.
pub fn packet_to_json(packet: &Packet) -> Value {
    let mut map = Map::new();
    map.insert("family".into(), json!(packet.family.number()));
    map.insert("src".into(), json!(address(packet.family, packet.get(Field::Src)).to_string()));
    map.insert("dst".into(), json!(address(packet.family, packet.get(Field::Dst)).to_string()));
    let proto = packet.proto();
    map.insert("proto".into(), protocol_name(proto).map_or_else(|| json!(proto), |name| json!(name)));
    let mut put = |field: Field| {
        map.insert(field.name().into(), json!(packet.get(field) as u64));
    };
    match packet.shape() {
        Shape::Tcp | Shape::Ports => {
            put(Field::Sport);
            put(Field::Dport);
        }
        Shape::Icmp => {
            put(Field::IcmpType);
            put(Field::IcmpCode);
        }
        Shape::Opaque => {}
    }
    if packet.shape() == Shape::Tcp {
        map.insert("tcp_flags".into(), json!(tcp_flags_text(packet.get(Field::TcpFlags) as u8)));
    }
    map.insert("state".into(), json!(packet.state().name()));
    for (side, key) in [
        (IfaceSide::In, "iif"),
        (IfaceSide::Out, "oif"),
        (IfaceSide::PhysIn, "physdev_in"),
        (IfaceSide::PhysOut, "physdev_out"),
    ] {
        if let Interface::Named(name) = packet.interface(side) {
            map.insert(key.into(), json!(name));
        }
    }
    let plain = Packet::new(packet.family);
    for field in Field::ALL {
        let shown = KNOWN.contains(&field.name()) && field != Field::Fragment;
        if shown || field.is_interface() || matches!(field, Field::SrcBits | Field::DstBits) {
            continue;
        }
        let value = packet.get(field);
        if value != plain.get(field) {
            map.insert(field.name().into(), further_text(field, value));
        }
    }
    Value::Object(map)
}

fn further_text(field: Field, value: u128) -> Value {
    match field {
        Field::Fragment => json!(Fragment::ALL.into_iter().find(|f| *f as u128 == value).map(Fragment::name)),
        Field::Mac | Field::MacDst => json!(mac_text(value)),
        Field::PktType => json!(["unicast", "broadcast", "multicast", "otherhost"].get(value as usize)),
        Field::Profile => json!(["domain", "private", "public"].get(value as usize)),
        _ => json!(value as u64),
    }
}

/// A MAC address of 48 bits as text.
pub fn mac_text(value: u128) -> String {
    let bytes: Vec<String> = (0..6).rev().map(|i| format!("{:02x}", value >> (8 * i) & 0xff)).collect();
    bytes.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_contract() {
        let p =
            packet_from_json(&json!({"src":"10.1.2.3","dst":"10.9.0.1","proto":"tcp","dport":443})).expect("packet");
        assert_eq!(p.get(Field::Sport), 40_000);
        assert_eq!(p.get(Field::TcpFlags), 2);
        assert_eq!(p.get(Field::Ttl), 64);
        assert_eq!(p.interface(IfaceSide::In), &Interface::Other);
        let p = packet_from_json(
            &json!({"src":"::1","dst":"::2","proto":"icmpv6","state":"established","tcp_flags":"bogus"}),
        );
        assert_eq!(p.expect("keys that the protocol lacks are ignored").get(Field::IcmpType), 128);
    }

    #[test]
    fn unknown_keys_and_missing_ports_are_errors() {
        let bad = |v| packet_from_json(&v).expect_err("refused").0;
        assert!(bad(json!({"src":"10.1.2.3","dst":"10.9.0.1","proto":"tcp"})).contains("dport"));
        assert!(bad(json!({"src":"10.1.2.3","dst":"10.9.0.1","proto":"gre","colour":1})).contains("colour"));
        assert!(bad(json!({"src":"10.1.2.3","dst":"::1","proto":"gre"})).contains("IPv4"));
    }

    #[test]
    fn a_packet_survives_the_round_trip() {
        let text = json!({"family":4,"src":"10.1.2.3","dst":"10.9.0.1","proto":"tcp","sport":1,"dport":443,
            "tcp_flags":"syn|ack","state":"established","iif":"eth0","fragment":"first","mark":7});
        let p = packet_from_json(&text).expect("packet");
        assert_eq!(packet_from_json(&packet_to_json(&p)).expect("again"), p);
    }
}
