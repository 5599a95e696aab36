//! Services: `tcp/443`, `udp/53,123`, `icmp/8`, or an object with protocol and layer-4 fields. All mean a packet that
//! has the header: no later fragment.

use super::Reader;
use super::values::{Read, items};
use crate::dialect::native::words::sole;
use crate::document::{Node, Value, did_you_mean};
use crate::packet::{Family, Field, Ranges, Shape, Values, icmp_type_by_name, protocol_by_name};
use crate::ruleset::{Families, Match};

/// The fields of layer-4 headers.
pub const LAYER4: [Field; 5] = [Field::Sport, Field::Dport, Field::IcmpType, Field::IcmpCode, Field::TcpFlags];

/// Positions of a packet in a datagram that have the layer-4 header.
pub fn with_header() -> Match {
    Match::ranges(Field::Fragment, Ranges::range(0, 1))
}

impl Reader<'_> {
    /// A service or a list of them.
    pub fn service(&self, node: &Node, scope: Families) -> Option<Match> {
        let one = |item: &Node| match &item.value {
            Value::Text(text) => self.service_text(item, text, scope),
            _ => self.service_object(item, scope),
        };
        let mut all: Vec<Match> = items(node).into_iter().map(one).collect::<Option<_>>()?;
        Some(if all.len() == 1 { all.remove(0) } else { Match::Any(all) })
    }

    fn service_text(&self, node: &Node, text: &str, scope: Families) -> Option<Match> {
        let Some((name, selector)) = text.split_once('/') else {
            let help = format!("write `tcp/443`, or `\"proto\": \"{text}\"` for every packet of a protocol");
            return self.wrong(node, format!("`{text}` is no service"), help);
        };
        let shape = protocol_by_name(name).map(|p| (p, Shape::of(if p == 58 { Family::V6 } else { Family::V4 }, p)));
        match shape {
            Some((proto, Shape::Tcp | Shape::Ports)) => self.ports(node, selector).map(|ports| {
                Match::All(vec![Match::protocols([proto]), with_header(), Match::ranges(Field::Dport, ports)])
            }),
            Some((proto, Shape::Icmp)) => self.icmp(node, proto, selector, scope),
            Some(_) => self.wrong(node, format!("`{name}` has no ports"), format!("write `\"proto\": \"{name}\"`")),
            None => {
                let known = ["tcp", "udp", "sctp", "dccp", "udplite", "icmp", "icmpv6"];
                let help = did_you_mean(name, known).unwrap_or_else(|| format!("it is one of {}", known.join(", ")));
                self.wrong(node, format!("unknown protocol `{name}`"), help)
            }
        }
    }

    fn ports(&self, node: &Node, selector: &str) -> Option<Ranges> {
        let number = |text: &str| text.parse::<u16>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        let one = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let ends = (number(first)?, number(last)?);
            (ends.0 <= ends.1).then(|| (u128::from(ends.0), u128::from(ends.1)))
        };
        let all: Option<Vec<_>> = selector.split(',').map(one).collect();
        let help = "write ports and ranges: `tcp/80,443,1024-65535`";
        all.map(Ranges::from_unsorted).or_else(|| self.wrong(node, format!("`{selector}` is no list of ports"), help))
    }

    /// A message of the family's ICMP; where packets of both families come, the protocol implies its family.
    fn icmp(&self, node: &Node, proto: u8, selector: &str, scope: Families) -> Option<Match> {
        let family = if proto == 1 { Family::V4 } else { Family::V6 };
        if sole(scope).is_some_and(|only| only != family) {
            return self.wrong(node, format!("a message of {family}, where no packet of it comes"), "");
        }
        let number = |text: &str| text.parse::<u8>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        let message = match selector.split_once('/') {
            Some((kind, code)) => number(kind).zip(number(code)).map(|(k, c)| (k, Some(c))),
            None => number(selector).map(|k| (k, None)).or_else(|| icmp_type_by_name(family, selector)),
        };
        let Some((kind, code)) = message else {
            let help = "write a name such as `echo-request`, a type from 0 to 255, or `type/code`";
            return self.wrong(node, format!("`{selector}` is no ICMP message"), help);
        };
        let mut all = if sole(scope).is_none() { vec![Match::Family(family)] } else { Vec::new() };
        let field = |field, value: u8| Match::ranges(field, Ranges::one(value.into()));
        all.extend([Match::protocols([proto]), with_header(), field(Field::IcmpType, kind)]);
        all.extend(code.map(|code| field(Field::IcmpCode, code)));
        Some(Match::All(all))
    }

    /// `{"proto": "tcp", "sport": "1024-65535", "tcp_flags": "syn/syn|ack"}`.
    fn service_object(&self, node: &Node, scope: Families) -> Option<Match> {
        let mut fields = self.fields(node, "a service")?;
        fields.need("proto");
        let proto = fields.get("proto")?;
        let mut all = vec![self.field(Field::Proto, proto, scope)?, with_header()];
        for (key, value) in fields.entries().filter(|(key, _)| key.value != "proto") {
            let Some(field) = LAYER4.into_iter().find(|f| f.name() == key.value) else {
                let known = LAYER4.into_iter().map(Field::name).chain(["proto"]);
                return self.unknown_key(&key.value, key.span, "a service", known);
            };
            match self.values(field, value)? {
                Read::Plain(values) => all.extend(values.into_iter().map(|v: Values| Match::Field(field, v))),
                Read::Addresses(_) => return None,
            }
        }
        Some(Match::All(all))
    }
}
