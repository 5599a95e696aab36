//! One packet in words, as people write it: `tcp 10.1.2.3:40000 -> 10.9.0.1:443 (syn, new)`.

use crate::packet::{Packet, packet_to_json};
use crate::report::visible;
use serde_json::{Map, Value};

/// The packet in one line.
pub fn packet_words(packet: &Packet) -> String {
    let Value::Object(map) = packet_to_json(packet) else { return String::new() };
    packet_line(&map)
}

/// The packet in one line, from its fields in the machine format.
fn packet_line(fields: &Map<String, Value>) -> String {
    let text = |key: &str| fields.get(key).map(plain);
    let end = |address: &str, port: &str| {
        let address = text(address).unwrap_or_default();
        match text(port) {
            Some(port) if address.contains(':') => format!("[{address}]:{port}"),
            Some(port) => format!("{address}:{port}"),
            None => address,
        }
    };
    let proto = text("proto").unwrap_or_default();
    let proto = if proto.bytes().all(|b| b.is_ascii_digit()) { format!("protocol {proto}") } else { proto };
    let mut facts: Vec<String> = Vec::new();
    if let (Some(kind), Some(code)) = (text("icmp_type"), text("icmp_code")) {
        facts.push(format!("type {kind} code {code}"));
    }
    facts.extend(text("tcp_flags").map(|f| if f.is_empty() { "no flags".to_owned() } else { f }));
    facts.extend(text("state"));
    facts.extend(text("iif").map(|i| format!("in by {i}")));
    facts.extend(text("oif").map(|i| format!("out by {i}")));
    const SAID: [&str; 13] = [
        "family",
        "src",
        "dst",
        "proto",
        "sport",
        "dport",
        "icmp_type",
        "icmp_code",
        "tcp_flags",
        "state",
        "iif",
        "oif",
        "id",
    ];
    facts.extend(fields.iter().filter(|(k, _)| !SAID.contains(&k.as_str())).map(|(k, v)| format!("{k} {}", plain(v))));
    let line = format!("{proto} {} -> {} ({})", end("src", "sport"), end("dst", "dport"), facts.join(", "));
    visible(&line).into_owned()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
