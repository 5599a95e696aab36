//! The values of fields as they are written: numbers and ranges, addresses, masks, flags, names of interfaces.

use super::Reader;
use crate::dialect::native::words::{Form, sole, value_of};
use crate::document::{Node, Table, Value, did_you_mean};
use crate::packet::{
    ByteSet, Cube, Family, Field, IfacePattern, Ranges, Values, icmp_type_by_name, tcp_flags_by_names,
};
use crate::ruleset::Families;
use std::net::IpAddr;

/// Values as they stand in the text, before the families decide what they mean.
pub enum Read {
    /// The same in packets of every family; a list of them is a union.
    Plain(Vec<Values>),
    /// Of packets of these families only.
    Addresses(Vec<(Family, Values)>),
}

/// A value, or the items of a list.
pub fn items(node: &Node) -> Vec<&Node> {
    match &node.value {
        Value::Array(items) => items.iter().collect(),
        _ => vec![node],
    }
}

impl Reader<'_> {
    /// The values of a field that holds no interface.
    pub fn values(&self, field: Field, node: &Node) -> Option<Read> {
        if let Value::Table(table) = &node.value {
            return self.raw(field, node, table).map(|v| Read::Plain(vec![v]));
        }
        let items = items(node);
        match Form::of(field) {
            Form::Address => self.addresses(&items),
            Form::AddressBits => {
                let all: Option<Vec<_>> = items.iter().map(|i| self.address_bits(i)).collect();
                all.map(Read::Addresses)
            }
            Form::Bits => {
                let all: Option<Vec<_>> = items.iter().map(|i| self.bits(i, u128::from(u32::MAX))).collect();
                all.map(|cubes| Read::Plain(cubes.into_iter().map(Values::Cube).collect()))
            }
            Form::Flags => {
                let all: Option<Vec<ByteSet>> = items.iter().map(|i| self.flags(i)).collect();
                let union = all?.into_iter().fold(ByteSet::EMPTY, ByteSet::union);
                Some(Read::Plain(vec![Values::Flags(union)]))
            }
            Form::Mac | Form::Number | Form::Interface => {
                let all: Option<Vec<_>> = items.iter().map(|i| self.range(field, i)).collect();
                Some(Read::Plain(vec![Values::Ranges(Ranges::from_unsorted(all?))]))
            }
        }
    }

    /// Values as bare numbers, whatever the family: `{"numbers": [...]}` or `{"bits": "value/mask"}`.
    fn raw(&self, field: Field, node: &Node, table: &Table) -> Option<Values> {
        let is_bits = matches!(Form::of(field), Form::Bits | Form::AddressBits);
        match table.entries.as_slice() {
            [entry] if entry.key.value == "numbers" && !is_bits && field != Field::TcpFlags => {
                let all: Option<Vec<_>> = items(&entry.node).iter().map(|i| self.number_range(i, u128::MAX)).collect();
                Some(Values::Ranges(Ranges::from_unsorted(all?)))
            }
            [entry] if entry.key.value == "bits" && is_bits => self.bits(&entry.node, u128::MAX).map(Values::Cube),
            _ => {
                let form = if is_bits { "{\"bits\": \"0x1/0xff\"}" } else { "{\"numbers\": [\"1-5\"]}" };
                self.wrong(node, format!("`{}` is an object of no known form", field.name()), format!("write `{form}`"))
            }
        }
    }

    fn addresses(&self, items: &[&Node]) -> Option<Read> {
        let all: Option<Vec<(Family, (u128, u128))>> = items.iter().map(|i| self.address_range(i)).collect();
        let all = all?;
        let of = |family: Family| {
            let own: Vec<_> = all.iter().filter(|(f, _)| *f == family).map(|(_, r)| *r).collect();
            (!own.is_empty()).then(|| (family, Values::Ranges(Ranges::from_unsorted(own))))
        };
        Some(Read::Addresses(Family::ALL.into_iter().filter_map(of).collect()))
    }

    /// `10.0.0.0/8`, `10.0.0.1`, `10.0.0.1-10.0.0.9`.
    fn address_range(&self, node: &Node) -> Option<(Family, (u128, u128))> {
        let text = self.text_of(node, "an address")?;
        let one = |text: &str| text.trim().parse::<IpAddr>().ok().map(number_of);
        let read = match (text.split_once('/'), text.split_once('-')) {
            (Some(_), _) => prefix(text),
            (None, Some((first, last))) => match (one(first), one(last)) {
                (Some((f, a)), Some((g, b))) if f == g && a <= b => Ok((f, (a, b))),
                _ => Err(None),
            },
            (None, None) => one(text).map(|(f, a)| (f, (a, a))).ok_or(None),
        };
        match read {
            Ok(found) => Some(found),
            Err(Some(network)) => self.wrong(
                node,
                format!("`{text}` has bits that its prefix length leaves out"),
                format!("write `{network}`"),
            ),
            Err(None) => {
                let help = "write an address, a prefix or a range: `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1-10.0.0.9`";
                self.wrong(node, format!("`{text}` is no address"), help)
            }
        }
    }

    /// `10.0.0.5/255.0.0.255`.
    fn address_bits(&self, node: &Node) -> Option<(Family, Values)> {
        let text = self.text_of(node, "an address under a mask")?;
        let one = |text: &str| text.parse::<IpAddr>().ok().map(number_of);
        let read = text.split_once('/').and_then(|(v, m)| Some((one(v)?, one(m)?)));
        match read {
            Some(((f, value), (g, mask))) if f == g && value & !mask == 0 => {
                Some((f, Values::Cube(Cube::new(value, mask))))
            }
            _ => self.wrong(node, format!("`{text}` is no address under a mask"), "write `10.0.0.5/255.0.0.255`"),
        }
    }

    /// `0x1/0xff`, `0x1`, `1`.
    pub fn bits(&self, node: &Node, max: u128) -> Option<Cube> {
        if let Value::Integer(_) = node.value {
            return self.number(node, max).map(|v| Cube::new(v, max));
        }
        let text = self.text_of(node, "a number under a mask")?;
        let (value, mask) = text.split_once('/').unwrap_or((text, ""));
        let mask = if mask.is_empty() && !text.contains('/') { Some(max) } else { number_in(mask) };
        match (number_in(value), mask) {
            (Some(v), Some(m)) if v <= max && m <= max && v & !m == 0 => Some(Cube::new(v, m)),
            _ => self.wrong(node, format!("`{text}` is no number under a mask"), "write `0x1/0xff`, value and mask"),
        }
    }

    /// `syn/fin|syn|rst|ack`.
    fn flags(&self, node: &Node) -> Option<ByteSet> {
        let text = self.text_of(node, "TCP flags under a mask")?;
        let read = text.split_once('/').and_then(|(v, m)| Some((tcp_flags_by_names(v)?, tcp_flags_by_names(m)?)));
        match read {
            Some((value, mask)) if value & !mask == 0 => Some(ByteSet::masked(value, mask)),
            _ => {
                let help =
                    "write the flags that are set and, behind `/`, those that are looked at: `syn/fin|syn|rst|ack`";
                self.wrong(node, format!("`{text}` is no test of TCP flags"), help)
            }
        }
    }

    /// A number, a range or a name of one.
    fn range(&self, field: Field, node: &Node) -> Option<(u128, u128)> {
        let max = field.max(Family::V6);
        let Value::Text(text) = &node.value else { return self.number(node, max).map(|n| (n, n)) };
        let named = match Form::of(field) {
            Form::Mac => mac_range(text),
            _ if field == Field::IcmpType => icmp_type(text),
            _ => value_of(field, text).map(|v| (v, v)),
        };
        named.or_else(|| range_in(text).filter(|(lo, hi)| lo <= hi && *hi <= max)).or_else(|| {
            let message = format!("`{text}` is no value of `{}`", field.name());
            self.wrong(node, message, format!("values are {}, and ranges of them", domain(field, max)))
        })
    }

    /// A number or `first-last`, up to `max`.
    pub fn number_range(&self, node: &Node, max: u128) -> Option<(u128, u128)> {
        let Value::Text(text) = &node.value else { return self.number(node, max).map(|n| (n, n)) };
        range_in(text).filter(|(lo, hi)| lo <= hi && *hi <= max).or_else(|| {
            self.wrong(node, format!("`{text}` is no range of numbers"), format!("write `1-5`; the largest is {max}"))
        })
    }

    /// A number up to `max`, as JSON number or as text.
    pub fn number(&self, node: &Node, max: u128) -> Option<u128> {
        let read = match &node.value {
            Value::Integer(n) => u128::try_from(*n).ok(),
            Value::Text(text) => number_in(text),
            _ => None,
        };
        read.filter(|n| *n <= max)
            .or_else(|| self.wrong(node, format!("expected a number from 0 to {max}, found {}", node.value.kind()), ""))
    }

    /// `eth0`, `eth+`, `{"name": "a+"}`, `{"prefix": "eth"}`.
    pub fn pattern(&self, node: &Node) -> Option<IfacePattern> {
        match &node.value {
            Value::Text(text) => Some(match text.strip_suffix('+') {
                Some(prefix) => IfacePattern::prefix(prefix),
                None => IfacePattern::exact(text.as_str()),
            }),
            Value::Table(table) => {
                let found = match table.entries.as_slice() {
                    [one] => Some((one.key.value.as_str(), self.text_of(&one.node, "an interface name")?)),
                    _ => None,
                };
                match found {
                    Some(("name", text)) => Some(IfacePattern::exact(text)),
                    Some(("prefix", text)) => Some(IfacePattern::prefix(text)),
                    _ => self.wrong(
                        node,
                        "an interface of no known form",
                        "write `{\"name\": \"eth0\"}` or `{\"prefix\": \"eth\"}`",
                    ),
                }
            }
            other => {
                self.wrong(node, format!("an interface is a text, not {}", other.kind()), "write `eth0` or `eth+`")
            }
        }
    }

    /// The one address set that packets of these families can have; addresses of another family are a problem.
    pub fn only_of(&self, node: &Node, all: Vec<(Family, Values)>, scope: Families) -> Option<Values> {
        let Some(family) = sole(scope) else {
            let help = "test `family` before, or give the chain or the set its `families`";
            return self.wrong(node, "an address stands here, and packets of both families come here", help);
        };
        if let Some((other, _)) = all.iter().find(|(f, _)| *f != family) {
            return self.wrong(node, format!("an {other} address, where only {family} packets come"), "");
        }
        Some(all.into_iter().next().map_or(Values::Ranges(Ranges::empty()), |(_, v)| v))
    }

    /// The text of a node.
    pub fn text_of<'n>(&self, node: &'n Node, what: &str) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => Some(text),
            other => self.wrong(node, format!("expected {what}, found {}", other.kind()), ""),
        }
    }

    /// A word of a table.
    pub fn word<T: Copy>(&self, node: &Node, what: &str, table: &[(&'static str, T)]) -> Option<T> {
        let text = self.text_of(node, &format!("a word for {what}"))?;
        let found = table.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.or_else(|| {
            let words: Vec<String> = table.iter().map(|(w, _)| format!("`{w}`")).collect();
            let help = did_you_mean(text, table.iter().map(|(w, _)| *w));
            let help = help.unwrap_or_else(|| format!("it is one of {}", words.join(", ")));
            self.wrong(node, format!("unknown {what} `{text}`"), help)
        })
    }
}

fn number_of(address: IpAddr) -> (Family, u128) {
    match address {
        IpAddr::V4(a) => (Family::V4, u128::from(u32::from(a))),
        IpAddr::V6(a) => (Family::V6, u128::from(a)),
    }
}

/// The range of a prefix; where host bits are set, what was perhaps meant.
fn prefix(text: &str) -> Result<(Family, (u128, u128)), Option<String>> {
    let net: ipnet::IpNet = text.parse().map_err(|_| None)?;
    if net.addr() != net.network() {
        return Err(Some(net.trunc().to_string()));
    }
    let (family, first) = number_of(net.network());
    Ok((family, (first, number_of(net.broadcast()).1)))
}

/// A number in decimal or, behind `0x`, hexadecimal.
pub fn number_in(text: &str) -> Option<u128> {
    let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |hex| (hex, 16));
    let proper = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_alphanumeric());
    proper.then(|| u128::from_str_radix(digits, radix).ok()).flatten()
}

fn range_in(text: &str) -> Option<(u128, u128)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((number_in(first)?, number_in(last)?))
}

fn mac_range(text: &str) -> Option<(u128, u128)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((crate::packet::mac_by_text(first)?, crate::packet::mac_by_text(last)?)).filter(|(a, b)| a <= b)
}

/// A type that both families call alike, or that only one of them has.
fn icmp_type(text: &str) -> Option<(u128, u128)> {
    let of = |family| match icmp_type_by_name(family, text) {
        Some((kind, None)) => Some(kind),
        _ => None,
    };
    match (of(Family::V4), of(Family::V6)) {
        (Some(a), Some(b)) if a != b => None,
        (Some(kind), _) | (None, Some(kind)) => Some((kind.into(), kind.into())),
        (None, None) => None,
    }
}

fn domain(field: Field, max: u128) -> String {
    use crate::dialect::native::words::name_of;
    let names: Vec<&str> = (0..=max.min(4)).filter_map(|v| name_of(field, v)).collect();
    match field {
        Field::Mac | Field::MacDst => "addresses such as `02:00:00:00:00:01`".into(),
        Field::Proto => "protocol names and numbers from 0 to 255".into(),
        _ if names.is_empty() => format!("numbers from 0 to {max}"),
        _ => names.join(", "),
    }
}
