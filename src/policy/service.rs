//! Services as policies write them: `tcp/443`, `udp/1024-65535`, `icmp/echo-request`, `esp`, `proto/99`, `any`,
//! and names of `[services]`.

use super::names::{Entry, Vocabulary};
use crate::document::{Wrong, did_you_mean};
use crate::packet::{Family, Ranges, icmp_type_by_name, protocol_by_name, protocol_name};

/// What a flow carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Everything.
    Any,
    /// TCP to these ports.
    Tcp(Ranges),
    /// UDP to these ports.
    Udp(Ranges),
    /// Another protocol with ports (SCTP 132, DCCP 33, UDP-Lite 136) to these ports.
    Ports(u8, Ranges),
    /// The family's ICMP.
    Icmp {
        /// The family.
        family: Family,
        /// Type and, where it was named, code; `None` for every message.
        message: Option<(u8, Option<u8>)>,
    },
    /// A protocol without ports, by its number.
    Protocol(u8),
}

impl Service {
    /// Whether packets of `family` can carry it.
    pub fn exists_in(&self, family: Family) -> bool {
        !matches!(self, Service::Icmp { family: own, .. } if *own != family)
    }

    /// As policies write it.
    pub fn text(&self) -> String {
        match self {
            Service::Any => "any".into(),
            Service::Tcp(ports) => with_ports("tcp", ports),
            Service::Udp(ports) => with_ports("udp", ports),
            Service::Ports(protocol, ports) => with_ports(protocol_name(*protocol).unwrap_or("proto"), ports),
            Service::Icmp { family, message } => icmp_text(*family, *message),
            Service::Protocol(number) => match protocol_name(*number) {
                Some(name) if BARE.contains(&name) => name.into(),
                _ => format!("proto/{number}"),
            },
        }
    }
}

fn with_ports(protocol: &str, ports: &Ranges) -> String {
    if ports.is_full(65_535) {
        return protocol.into();
    }
    let one = |&(lo, hi): &(u128, u128)| if lo == hi { lo.to_string() } else { format!("{lo}-{hi}") };
    let list: Vec<String> = ports.as_slice().iter().map(one).collect();
    format!("{protocol}/{}", list.join(","))
}

fn icmp_text(family: Family, message: Option<(u8, Option<u8>)>) -> String {
    let protocol = if family == Family::V4 { "icmp" } else { "icmpv6" };
    match message {
        None => protocol.into(),
        Some((kind, None)) => format!("{protocol}/{kind}"),
        Some((kind, Some(code))) => format!("{protocol}/{kind}/{code}"),
    }
}

/// Protocols with ports.
const WITH_PORTS: [&str; 5] = ["tcp", "udp", "sctp", "dccp", "udplite"];
/// Names of the families' ICMP.
const ICMP: [(&str, Family); 4] =
    [("icmp", Family::V4), ("icmpv6", Family::V6), ("ipv6-icmp", Family::V6), ("icmp6", Family::V6)];
/// Protocols without ports that can be written by their bare name. The list is short on purpose: `rdp` and
/// others in the registry of protocols are better known as something else.
const BARE: [&str; 11] = ["esp", "ah", "gre", "igmp", "ospf", "vrrp", "pim", "eigrp", "ipip", "ipv6", "etherip"];

/// The vocabulary of services.
pub(super) struct Services;

impl Vocabulary for Services {
    type Set = Vec<Service>;
    const KIND: &'static str = "service";
    const SECTION: &'static str = "[services]";

    fn read(text: &str) -> Entry<Vec<Service>> {
        let read = match text.split_once('/') {
            Some((protocol, selector)) => read_selected(text, protocol, selector),
            None => match read_bare(text) {
                Some(service) => Ok(service),
                None if text.starts_with(|c: char| c.is_ascii_alphabetic()) => return Entry::Name,
                None => Err(no_service(text)),
            },
        };
        match read {
            Ok(service) => Entry::Set(vec![service]),
            Err(wrong) => Entry::Wrong(wrong),
        }
    }

    fn unite(all: &[&Vec<Service>]) -> Vec<Service> {
        let mut out: Vec<Service> = all.iter().flat_map(|s| s.iter().cloned()).collect();
        out.sort();
        out.dedup();
        out
    }

    fn is_reserved(name: &str) -> Option<String> {
        read_bare(name).map(|_| format!("`{name}` already means the protocol"))
    }

    fn hint(name: &str) -> Option<String> {
        protocol_by_name(name).map(|number| format!("for the IP protocol of this name write `proto/{number}`"))
    }
}

fn read_bare(text: &str) -> Option<Service> {
    if text == "any" {
        return Some(Service::Any);
    }
    if let Some((_, family)) = ICMP.iter().find(|(name, _)| *name == text) {
        return Some(Service::Icmp { family: *family, message: None });
    }
    let number = protocol_by_name(text)?;
    if WITH_PORTS.contains(&text) {
        return Some(of_ports(number, Ranges::range(0, 65_535)));
    }
    BARE.contains(&text).then_some(Service::Protocol(number))
}

fn read_selected(text: &str, protocol: &str, selector: &str) -> Result<Service, Wrong> {
    if WITH_PORTS.contains(&protocol) {
        let number = protocol_by_name(protocol).ok_or_else(|| no_service(text))?;
        return Ok(of_ports(number, read_ports(selector)?));
    }
    if let Some((_, family)) = ICMP.iter().find(|(name, _)| *name == protocol) {
        return read_icmp(*family, protocol, selector);
    }
    if protocol == "proto" {
        return read_protocol(selector);
    }
    if BARE.contains(&protocol) {
        return Err(Wrong::new(format!("`{protocol}` has no ports"), format!("write `{protocol}`")));
    }
    let known = WITH_PORTS.into_iter().chain(["icmp", "icmpv6", "proto"]);
    let help = did_you_mean(protocol, known).unwrap_or_else(|| {
        "write `tcp/443`, `udp/53`, `icmp/echo-request`, `proto/NUMBER` or a name of [services]".into()
    });
    Err(Wrong::new(format!("unknown protocol `{protocol}`"), help))
}

fn of_ports(protocol: u8, ports: Ranges) -> Service {
    match protocol {
        6 => Service::Tcp(ports),
        17 => Service::Udp(ports),
        other => Service::Ports(other, ports),
    }
}

/// A list of ports and port ranges: `80,443,8000-8080`.
pub(super) fn read_ports(text: &str) -> Result<Ranges, Wrong> {
    text.split(',').map(|part| read_port_range(part.trim())).collect()
}

fn read_port_range(text: &str) -> Result<(u128, u128), Wrong> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (lo, hi) = (read_port(first)?, read_port(last)?);
    if lo > hi {
        return Err(Wrong::new(format!("the port range `{text}` ends before it begins"), format!("write `{hi}-{lo}`")));
    }
    Ok((u128::from(lo), u128::from(hi)))
}

fn read_port(text: &str) -> Result<u16, Wrong> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let port = text.parse::<u16>().ok().filter(|_| digits);
    port.ok_or_else(|| Wrong::new(format!("`{text}` is no port"), "a port is a number from 0 to 65535"))
}

fn read_icmp(family: Family, protocol: &str, selector: &str) -> Result<Service, Wrong> {
    let (kind, code) = match selector.split_once('/') {
        Some((kind, code)) => (kind, Some(code)),
        None => (selector, None),
    };
    let unknown = || {
        let help = "write a name such as `echo-request`, a type from 0 to 255, or `type/code`";
        Wrong::new(format!("unknown message `{selector}` of {protocol}"), help)
    };
    let named = kind.parse::<u8>().ok().map(|number| (number, None)).or_else(|| icmp_type_by_name(family, kind));
    let (kind, implied) = named.ok_or_else(unknown)?;
    let code = match code {
        Some(code) => Some(code.parse::<u8>().map_err(|_| unknown())?),
        None => implied,
    };
    Ok(Service::Icmp { family, message: Some((kind, code)) })
}

fn read_protocol(selector: &str) -> Result<Service, Wrong> {
    let Some(number) = protocol_by_name(selector) else {
        let help = "write a number from 0 to 255 or a name of the IANA registry";
        return Err(Wrong::new(format!("unknown protocol `{selector}`"), help));
    };
    Ok(match number {
        6 | 17 | 33 | 132 | 136 => of_ports(number, Ranges::range(0, 65_535)),
        1 => Service::Icmp { family: Family::V4, message: None },
        58 => Service::Icmp { family: Family::V6, message: None },
        other => Service::Protocol(other),
    })
}

fn no_service(text: &str) -> Wrong {
    let help = "write `tcp/443`, `udp/1024-65535`, `icmp/echo-request`, `proto/50`, `any`, or a name of [services]";
    Wrong::new(format!("`{text}` is no service"), help)
}
