//! What rules of nft compare: selectors, values with their neighbours, elements of sets and concatenations.

use super::*;

/// Something that a selector reads out of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Src,
    Dst,
    /// A port of the header of `tcp`, `udp`, ...; `th` of any.
    Port(&'static str, Field),
    In,
    Out,
    Proto,
    State,
    Mark,
    ConnMark,
    IcmpType,
    IcmpCode,
    Dscp,
    Ecn,
    Ttl,
    Length,
}

/// A value as written, and the numbers that it stands for; interfaces by the names that it matches.
#[derive(Clone, Debug)]
pub struct Value {
    pub text: String,
    pub range: (u128, u128),
    pub names: Vec<String>,
}

impl Value {
    fn new(text: impl Into<String>, range: (u128, u128)) -> Value {
        Value { text: text.into(), range, names: Vec::new() }
    }

    /// Whether a packet can have both.
    pub fn meets(&self, other: &Value) -> bool {
        match self.names.is_empty() {
            true => self.range.0 <= other.range.1 && other.range.0 <= self.range.1,
            false => self.names.iter().any(|n| other.names.contains(n)) || self.text == other.text,
        }
    }
}

/// How many values one element may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    One,
    Interval,
}

/// The number of a protocol that a header is named by.
pub fn protocol_of(name: &str) -> u128 {
    match name {
        "tcp" => 6,
        "udp" => 17,
        "sctp" => 132,
        "dccp" => 33,
        "udplite" => 136,
        _ => 6,
    }
}

impl Key {
    /// The selector, in packets of a family.
    pub fn selector(self, family: Family) -> String {
        let v4 = family == Family::V4;
        let network =
            |v4_word: &str, v6_word: &str| if v4 { format!("ip {v4_word}") } else { format!("ip6 {v6_word}") };
        match self {
            Key::Src => network("saddr", "saddr"),
            Key::Dst => network("daddr", "daddr"),
            Key::Port(header, Field::Sport) => format!("{header} sport"),
            Key::Port(header, _) => format!("{header} dport"),
            Key::In => "iifname".into(),
            Key::Out => "oifname".into(),
            Key::Proto => "meta l4proto".into(),
            Key::State => "ct state".into(),
            Key::Mark => "meta mark".into(),
            Key::ConnMark => "ct mark".into(),
            Key::IcmpType => if v4 { "icmp type" } else { "icmpv6 type" }.into(),
            Key::IcmpCode => if v4 { "icmp code" } else { "icmpv6 code" }.into(),
            Key::Dscp => network("dscp", "dscp"),
            Key::Ecn => network("ecn", "ecn"),
            Key::Ttl => network("ttl", "hoplimit"),
            Key::Length => "meta length".into(),
        }
    }

    /// The type in the declaration of a set; none where a set has it by `typeof` only.
    pub fn kind(self, family: Family) -> Option<&'static str> {
        Some(match self {
            Key::Src | Key::Dst if family == Family::V4 => "ipv4_addr",
            Key::Src | Key::Dst => "ipv6_addr",
            Key::Port(..) => "inet_service",
            Key::In | Key::Out => "ifname",
            Key::Proto => "inet_proto",
            Key::Mark | Key::ConnMark => "mark",
            _ => return None,
        })
    }

    /// Whether the selector exists in packets of one family only.
    pub fn is_of_family(self) -> bool {
        matches!(self, Key::Src | Key::Dst | Key::IcmpType | Key::IcmpCode | Key::Dscp | Key::Ecn | Key::Ttl)
    }

    fn max(self, family: Family) -> u128 {
        match self {
            Key::Src | Key::Dst => family.max_address(),
            Key::Port(..) | Key::Length => 65_535,
            Key::Proto | Key::IcmpType | Key::IcmpCode | Key::Ttl => 255,
            Key::Mark | Key::ConnMark => u128::from(u32::MAX),
            Key::Dscp => 63,
            Key::Ecn => 3,
            Key::State | Key::In | Key::Out => 4,
        }
    }

    /// What makes a packet have a value.
    pub fn put(self, family: Family, value: u128, name: Option<&String>) -> Vec<Put> {
        let one = |field| vec![Put::Field(field, value)];
        let icmp = Put::Field(Field::Proto, u128::from(family.icmp()));
        match self {
            Key::Src => one(Field::Src),
            Key::Dst => one(Field::Dst),
            Key::Port("th", field) => one(field),
            Key::Port(header, field) => {
                vec![Put::Field(Field::Proto, protocol_of(header)), Put::Field(field, value)]
            }
            Key::In => vec![Put::Iif(name.cloned().unwrap_or_else(|| "other".into()))],
            Key::Out => vec![Put::Oif(name.cloned().unwrap_or_else(|| "other".into()))],
            Key::Proto => one(Field::Proto),
            Key::State => one(Field::State),
            Key::Mark => one(Field::Mark),
            Key::ConnMark => vec![Put::Field(Field::State, 1), Put::Field(Field::ConnMark, value)],
            Key::IcmpType => vec![icmp, Put::Field(Field::IcmpType, value)],
            Key::IcmpCode => vec![icmp, Put::Field(Field::IcmpCode, value)],
            Key::Dscp => one(Field::Dscp),
            Key::Ecn => one(Field::Ecn),
            Key::Ttl => one(Field::Ttl),
            Key::Length => one(Field::Length),
        }
    }

    /// Makes of packets with this value, and of those just beside it.
    pub fn around(self, family: Family, value: &Value) -> (Vec<Vec<Put>>, Vec<Vec<Put>>) {
        if !value.names.is_empty() || matches!(self, Key::In | Key::Out) {
            let put = |name: &str| self.put(family, 0, Some(&name.to_owned()));
            let all = INTERFACES.into_iter().chain(["other"]);
            let (inside, outside): (Vec<&str>, Vec<&str>) = all.partition(|name| value.names.iter().any(|n| n == name));
            return (inside.into_iter().map(put).collect(), outside.into_iter().map(put).collect());
        }
        let (low, high) = value.range;
        let put = |v| self.put(family, v, None);
        let below = (low > 0).then(|| put(low - 1));
        let above = (high < self.max(family)).then(|| put(high + 1));
        let mut inside = vec![put(low), put(high)];
        inside.push(put(low + (high - low) / 2));
        (inside, below.into_iter().chain(above).collect())
    }
}

impl Nft {
    /// A random value of a key.
    pub fn value(&mut self, key: Key, family: Family, width: Width) -> Value {
        let many = width == Width::Interval;
        match key {
            Key::Src | Key::Dst => self.address_value(family, width),
            Key::Port(..) => {
                let maker = self.maker(family);
                let (low, high) = maker.port_range();
                let one = !many || maker.rng.chance(55);
                let text = if one { low.to_string() } else { format!("{low}-{high}") };
                Value::new(text, (low.into(), if one { low } else { high }.into()))
            }
            Key::In | Key::Out => {
                let pattern = *self.rng.pick(&["eth0", "eth1", "eth10", "wan0", "lan-1", "ppp0"]);
                let wild = many && self.rng.chance(25);
                let pattern = if wild { *self.rng.pick(&["eth", "eth1", "wan", "lan"]) } else { pattern };
                let names = INTERFACES.into_iter().filter(|n| *n == pattern || wild && n.starts_with(pattern));
                let names = names.map(str::to_owned).collect();
                let text = format!("\"{pattern}{}\"", if wild { "*" } else { "" });
                Value { text, range: (0, 0), names }
            }
            Key::Proto => {
                let (name, number) = *self.rng.pick(&[
                    ("tcp", 6u128),
                    ("tcp", 6),
                    ("udp", 17),
                    ("udp", 17),
                    ("icmp", 1),
                    ("ipv6-icmp", 58),
                    ("sctp", 132),
                    ("47", 47),
                    ("dccp", 33),
                    ("99", 99),
                ]);
                Value::new(name, (number, number))
            }
            Key::State => {
                let state = *self.rng.pick(&State::ALL);
                Value::new(state.name(), (state.value(), state.value()))
            }
            Key::Mark | Key::ConnMark => self.plain(key, family, width, &[1, 2, 3, 0x10, 0xff, 0x100, 0x8000_0001]),
            Key::IcmpType if family == Family::V4 => self.plain(key, family, width, &[0, 3, 5, 8, 11, 13, 40, 254]),
            Key::IcmpType => self.plain(key, family, width, &[1, 2, 3, 4, 128, 129, 133, 135, 200]),
            Key::IcmpCode => self.plain(key, family, width, &[0, 1, 2, 4, 13]),
            Key::Dscp => self.plain(key, family, width, &[0, 10, 46, 48, 63]),
            Key::Ecn => self.plain(key, family, width, &[0, 1, 2, 3]),
            Key::Ttl => self.plain(key, family, width, &[1, 2, 31, 63, 64, 65, 128, 254]),
            Key::Length => self.plain(key, family, width, &[28, 40, 60, 100, 200, 576, 1000, 1500]),
        }
    }

    fn plain(&mut self, _: Key, _: Family, width: Width, values: &[u128]) -> Value {
        let (a, b) = (*self.rng.pick(values), *self.rng.pick(values));
        if width == Width::Interval && self.rng.chance(35) && a != b {
            let (low, high) = (a.min(b), a.max(b));
            return Value::new(format!("{low}-{high}"), (low, high));
        }
        let text = if self.rng.chance(50) { format!("{a:#x}") } else { a.to_string() };
        Value::new(text, (a, a))
    }

    fn address_value(&mut self, family: Family, width: Width) -> Value {
        let maker = self.maker(family);
        if width == Width::One {
            let host = maker.address();
            return Value::new(maker.shown(host), (host, host));
        }
        match maker.rng.below(5) {
            0 => {
                let host = maker.address();
                Value::new(maker.shown(host), (host, host))
            }
            1 => {
                let (a, b) = (maker.address(), maker.address());
                let (low, high) = (a.min(b), a.max(b));
                let text =
                    if low == high { maker.shown(low) } else { format!("{}-{}", maker.shown(low), maker.shown(high)) };
                Value::new(text, (low, high))
            }
            _ => {
                let (base, length) = maker.prefix();
                let high = base | !maker.mask(length) & family.max_address();
                Value::new(format!("{}/{length}", maker.shown(base)), (base, high))
            }
        }
    }

    /// Some elements of a set over these keys, no two of which a packet can be in.
    pub fn elements(&mut self, keys: &[Key], family: Family, width: Width, most: usize) -> Vec<Vec<Value>> {
        let mut all: Vec<Vec<Value>> = Vec::new();
        for _ in 0..self.rng.between(1, most) {
            let element: Vec<Value> = keys.iter().map(|key| self.value(*key, family, width)).collect();
            let apart = |other: &Vec<Value>| other.iter().zip(&element).any(|(a, b)| !a.meets(b));
            if all.iter().all(apart) {
                all.push(element);
            }
        }
        all
    }
}

/// An element as written.
pub fn element_text(element: &[Value]) -> String {
    element.iter().map(|v| v.text.clone()).collect::<Vec<_>>().join(" . ")
}

/// Packets in one of the elements, and beside each of them in one dimension.
pub fn element_puts(keys: &[Key], family: Family, elements: &[Vec<Value>]) -> (Vec<Vec<Put>>, Vec<Vec<Put>>) {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for element in elements {
        let sides: Vec<_> = keys.iter().zip(element).map(|(key, value)| key.around(family, value)).collect();
        for at in 0..2 {
            let all = sides.iter().filter_map(|(inner, _)| inner.get(at.min(inner.len().saturating_sub(1))));
            inside.push(all.flatten().cloned().collect());
        }
        for (at, (_, out)) in sides.iter().enumerate() {
            let others = sides.iter().enumerate().filter(|(other, _)| *other != at);
            let mut puts: Vec<Put> = others.filter_map(|(_, (inner, _))| inner.first()).flatten().cloned().collect();
            puts.extend(out.first().into_iter().flatten().cloned());
            outside.push(puts);
        }
    }
    (inside, outside)
}
