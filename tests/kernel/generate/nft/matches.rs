//! Matches of nft: comparisons with values, ranges, sets and masks, flags in every form, raw payload.

use super::keys::{Key, Width, element_puts, element_text, protocol_of};
use super::*;

/// What a rule is about so far.
pub struct About {
    /// Whose packets; none where both families come.
    pub family: Option<Family>,
    /// The header that it looks into.
    pub header: Option<&'static str>,
    /// Whether it has tested the protocol of that header.
    pub tested: bool,
    /// Whether it has a negated comparison with one value: nft 1.0.6 makes one of two neighbouring ones, with another
    /// meaning (the case `nft-neighbouring-negations`).
    pub negated: bool,
    /// Whether it compares `ip6 nexthdr` in a table of `ip6`: nft 1.0.6 leaves that out of its listing where a field of
    /// layer 4 follows (`nft-listings.txt`).
    pub first_header: bool,
}

impl Nft {
    /// The conditions of a rule.
    pub fn conditions(&mut self, about: &mut About) -> Vec<Clause> {
        let mut out = Vec::new();
        about.header = self.header(about, &mut out);
        for _ in 0..*self.rng.pick(&[0, 1, 1, 1, 2]) {
            out.extend(self.address_condition(about));
        }
        if self.rng.chance(25) {
            let key = *self.rng.pick(&[Key::In, Key::Out]);
            out.extend(self.compared(&[key], about));
        }
        if let Some(header) = about.header.filter(|_| self.rng.chance(80)) {
            let condition = self.header_condition(header, about);
            about.tested = condition.is_some() && header != "th";
            out.extend(condition);
        }
        for _ in 0..*self.rng.pick(&[0, 0, 1, 1, 2]) {
            out.extend(self.further_condition(about));
        }
        out
    }

    /// The protocol that a rule is about, tested by itself or by what follows.
    fn header(&mut self, about: &mut About, out: &mut Vec<Clause>) -> Option<&'static str> {
        let icmp = match about.family {
            Some(Family::V4) => "icmp",
            Some(Family::V6) => "icmpv6",
            None => "tcp",
        };
        match self.rng.below(10) {
            0 | 1 => {
                out.extend(self.compared(&[Key::Proto], about));
                None
            }
            2 => {
                let clause = Clause::new("meta l4proto { tcp, udp }");
                out.push(clause.yes(Field::Proto, [6, 17]).no(Field::Proto, [132, 47, 99]));
                Some("th")
            }
            3 => {
                let family = about.family?;
                let word = if family == Family::V4 { "ip protocol" } else { "ip6 nexthdr" };
                let not = *self.rng.pick(&["", "", "!= "]);
                about.negated = !not.is_empty();
                about.first_header = family == Family::V6 && !self.is_inet;
                let clause = Clause::new(format!("{word} {not}tcp"));
                let clause = clause.yes(Field::Proto, [6]).no(Field::Proto, [17, 47]);
                out.push(if not.is_empty() { clause } else { flipped(clause) });
                None
            }
            4..=6 => Some("tcp"),
            7 => Some("udp"),
            8 => Some(*self.rng.pick(&["sctp", "dccp", "udplite", "udp"])),
            _ => Some(icmp),
        }
    }

    fn address_condition(&mut self, about: &mut About) -> Option<Clause> {
        let family = about.family?;
        let key = *self.rng.pick(&[Key::Src, Key::Dst]);
        match self.rng.below(10) {
            0 => self.masked_address(key, family, about),
            1 => {
                let keys = if self.rng.chance(50) { vec![Key::Src, Key::Dst] } else { vec![Key::Dst, Key::In] };
                self.compared(&keys, about)
            }
            _ => self.compared(&[key], about),
        }
    }

    /// `ip saddr & MASK == VALUE`, or a raw load of the same bytes.
    fn masked_address(&mut self, key: Key, family: Family, about: &mut About) -> Option<Clause> {
        let field = if key == Key::Src { Field::Src } else { Field::Dst };
        let may_negate = !about.negated;
        let maker = self.maker(family);
        let host = maker.address();
        if maker.rng.chance(30) {
            let at = match (family, field) {
                (Family::V4, Field::Src) => "@nh,96,32",
                (Family::V4, _) => "@nh,128,32",
                (Family::V6, Field::Src) => "@nh,64,128",
                (Family::V6, _) => "@nh,192,128",
            };
            // A raw load depends on no family: the packets of the other one are another matter.
            let protocol = if family == Family::V4 { "ip" } else { "ip6" };
            let clause = Clause::new(format!("meta protocol {protocol} {at} {host:#x}"));
            return Some(clause.yes(field, [host]).no(field, [host ^ 1]));
        }
        let mut mask = maker.mask(maker.bits());
        for _ in 0..maker.rng.between(4, 12) {
            mask &= !(1 << maker.rng.below(maker.bits() as usize));
        }
        let (base, hole) = (host & mask, mask.trailing_ones().min(maker.bits() - 1));
        let not = if may_negate { *maker.rng.pick(&["==", "==", "!="]) } else { "==" };
        about.negated |= not == "!=";
        let text = format!("{} & {} {not} {}", key.selector(family), maker.shown(mask), maker.shown(base));
        let clause = Clause::new(text)
            .yes(field, [base, base | 1 << hole, base | !mask & family.max_address()])
            .no(field, [base ^ (mask & mask.wrapping_neg()), base ^ 1 << (maker.bits() - 1) & mask]);
        Some(if not == "!=" { flipped(clause) } else { clause })
    }

    /// Keys compared with a value, a range, a set without or with a name.
    pub fn compared(&mut self, keys: &[Key], about: &mut About) -> Option<Clause> {
        if keys.iter().any(|k| k.is_of_family()) && about.family.is_none() {
            return None;
        }
        let family = about.family.unwrap_or(Family::V4);
        let selector = keys.iter().map(|k| k.selector(family)).collect::<Vec<_>>().join(" . ");
        let negated = self.rng.chance(22) && !about.negated;
        about.negated |= negated;
        let not = if negated { "!= " } else { "" };
        let named = self.sets.iter().filter(|s| s.keys == keys && s.fits(about.family)).collect::<Vec<_>>();
        let (right, elements) = if !named.is_empty() && self.rng.chance(45) {
            let set = *self.rng.pick(&named);
            (format!("@{}", set.name), set.elements.clone())
        } else if keys.len() == 1 && self.rng.chance(55) && keys[0] != Key::State {
            let width = if matches!(keys[0], Key::Proto) { Width::One } else { Width::Interval };
            let elements = vec![vec![self.value(keys[0], family, width)]];
            (element_text(&elements[0]), elements)
        } else {
            // Names of interfaces stand in intervals alone.
            let wild = keys.len() == 1 || !keys.iter().any(|k| matches!(k, Key::In | Key::Out));
            let width = if wild && self.rng.chance(60) { Width::Interval } else { Width::One };
            let elements = self.elements(keys, family, width, 5);
            let texts: Vec<String> = elements.iter().map(|e| element_text(e)).collect();
            (format!("{{ {} }}", texts.join(", ")), elements)
        };
        let (inside, outside) = element_puts(keys, family, &elements);
        let clause = Clause { text: format!("{selector} {not}{right}"), inside, outside };
        Some(if negated { flipped(clause) } else { clause })
    }

    fn header_condition(&mut self, header: &'static str, about: &mut About) -> Option<Clause> {
        let icmp = |_: &str| matches!(header, "icmp" | "icmpv6");
        if icmp(header) {
            let key = *self.rng.pick(&[Key::IcmpType, Key::IcmpType, Key::IcmpCode]);
            return self.compared(&[key], about);
        }
        if header == "tcp" && self.rng.chance(35) {
            return Some(self.flags(about.negated));
        }
        let port = Key::Port(header, *self.rng.pick(&[Field::Sport, Field::Dport, Field::Dport]));
        match self.rng.below(10) {
            0 if header != "th" => {
                let number = self.maker(Family::V4).port();
                let (at, field) = *self.rng.pick(&[("@th,0,16", Field::Sport), ("@th,16,16", Field::Dport)]);
                let clause = Clause::new(format!("meta l4proto {header} {at} {number:#x}"));
                let clause = clause.yes(field, [number.into()]).no(field, [u128::from(number ^ 1)]);
                let proto = protocol_of(header);
                let with = |mut puts: Vec<Put>| {
                    puts.push(Put::Field(Field::Proto, proto));
                    puts
                };
                Some(Clause { inside: clause.inside.into_iter().map(with).collect(), ..clause })
            }
            1 | 2 if header != "th" => self.compared(&[Key::Src, port], about),
            3 => self.compared(&[Key::In, port], about),
            4 => self.above_or_below(port, about),
            _ => self.compared(&[port], about),
        }
    }

    fn above_or_below(&mut self, key: Key, about: &mut About) -> Option<Clause> {
        let family = about.family.unwrap_or(Family::V4);
        let value = self.value(key, family, Width::One);
        let number = value.range.0;
        let sign = *self.rng.pick(&["<", "<=", ">", ">="]);
        // Nothing is below 0, and nft refuses to say so.
        if number == 0 || number == 65_535 {
            return None;
        }
        let put = |n: u128| key.put(family, n, None);
        let (below, at, above) = (put(number - 1), put(number), put(number + 1));
        let (inside, outside) = match sign {
            "<" => (vec![below], vec![at, above]),
            "<=" => (vec![below, at], vec![above]),
            ">" => (vec![above], vec![at, below]),
            _ => (vec![above, at], vec![below]),
        };
        Some(Clause { text: format!("{} {sign} {}", key.selector(family), value.text), inside, outside })
    }

    /// `tcp flags` in every form that nft has for it.
    fn flags(&mut self, negated: bool) -> Clause {
        let names = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"];
        let some = |rng: &mut Rng| (rng.next() as u8 & rng.next() as u8).max(1);
        let (mask, value) = (some(&mut self.rng) | some(&mut self.rng), some(&mut self.rng));
        let listed = |bits: u8, by: &str| -> String {
            let all: Vec<&str> = (0..8).filter(|i| bits >> i & 1 == 1).map(|i| names[i]).collect();
            all.join(by)
        };
        let one = 1u8 << self.rng.below(6);
        let value_in = value & mask;
        let (text, yes): (String, Box<dyn Fn(u8) -> bool>) = match if negated { 5 } else { self.rng.below(12) } {
            0 => (format!("tcp flags {}", listed(one, "")), Box::new(move |f| f & one != 0)),
            1 => (format!("tcp flags {}", listed(value, ",")), Box::new(move |f| f & value != 0)),
            2 => (format!("tcp flags == {}", listed(value, " | ")), Box::new(move |f| f == value)),
            3 => (format!("tcp flags != {}", listed(one, "")), Box::new(move |f| f != one)),
            4 => (format!("tcp flags ! {}", listed(value, ",")), Box::new(move |f| f & value == 0)),
            5 => (
                format!("tcp flags & ({}) == {}", listed(mask, " | "), zero_or(&listed(value_in, " | "))),
                Box::new(move |f| f & mask == value_in),
            ),
            // Behind the slash nft wants two names or more.
            6 if value_in != 0 && mask.count_ones() > 1 => (
                format!("tcp flags {} / {}", listed(value_in, ","), listed(mask, ",")),
                Box::new(move |f| f & mask == value_in),
            ),
            7 if value_in != 0 && mask.count_ones() > 1 => (
                format!("tcp flags != {} / {}", listed(value_in, ","), listed(mask, ",")),
                Box::new(move |f| f & mask != value_in),
            ),
            8 => (format!("tcp flags & ({}) != 0", listed(mask, " | ")), Box::new(move |f| f & mask != 0)),
            9 => (format!("tcp flags {{ {}, syn | ack }}", listed(one, "")), Box::new(move |f| f == one || f == 0x12)),
            10 => (
                format!("tcp flags & (fin | syn | rst | ack) {{ syn, {} }}", "ack | fin"),
                Box::new(move |f| f & 0x17 == 2 || f & 0x17 == 0x11),
            ),
            _ => (
                format!("tcp flags & ({}) != ({})", listed(mask, " | "), listed(value, " | ")),
                Box::new(move |f| f & mask != value),
            ),
        };
        let mut near: Vec<u8> = vec![value, value_in, one, !one, mask, !mask, 2, 0x12, 0x10, 0x11, 0, 0x42, 0xc2];
        near.push(value_in | !mask);
        near.push(value ^ (mask & mask.wrapping_neg()));
        let (inside, outside): (Vec<u8>, Vec<u8>) = near.into_iter().partition(|f| yes(*f));
        let put = |f: u8| vec![Put::Field(Field::Proto, 6), Put::Field(Field::TcpFlags, f.into())];
        Clause { text, inside: inside.into_iter().map(put).collect(), outside: outside.into_iter().map(put).collect() }
    }

    fn further_condition(&mut self, about: &mut About) -> Option<Clause> {
        match self.rng.below(18) {
            0..=3 if self.tracks => Some(self.states()),
            4 if self.tracks => self.compared(&[Key::ConnMark], about),
            5 | 6 => self.compared(&[Key::Mark], about),
            7 => Some(self.masked_mark()),
            8 => self.compared(&[Key::Length], about),
            9 => self.of_family(Key::Ttl, about),
            10 => self.of_family(Key::Dscp, about),
            11 => self.of_family(Key::Ecn, about),
            12 => {
                let kind = self.rng.below(3) as u128;
                let name = ["host", "broadcast", "multicast"][kind as usize];
                Some(Clause::new(format!("meta pkttype {name}")).yes(Field::PktType, [kind]).no(Field::PktType, [1, 0]))
            }
            13 if about.family == Some(Family::V6) => {
                let (name, field) =
                    *self.rng.pick(&[("hbh", Field::ExtHop), ("dst", Field::ExtDst), ("rt", Field::ExtRouting)]);
                let there = *self.rng.pick(&["exists", "missing"]);
                let clause = Clause::new(format!("exthdr {name} {there}")).yes(field, [1]).no(field, [0]);
                Some(if there == "missing" { flipped(clause) } else { clause })
            }
            14 if about.header.is_none() && !about.first_header => {
                let clause = self.compared(&[Key::Proto, Key::Port("th", Field::Dport)], about)?;
                Some(self.with_ports(clause))
            }
            15 if self.is_inet => {
                let family = *self.rng.pick(&["ipv4", "ipv6"]);
                let own = about.family.is_none_or(|f| (f == Family::V4) == (family == "ipv4"));
                own.then(|| Clause::new(format!("meta nfproto {family}")))
            }
            _ => None,
        }
    }

    /// Without a header of ports, such a comparison ends the rule.
    fn with_ports(&mut self, mut clause: Clause) -> Clause {
        let ported = |puts: &Vec<Put>| {
            puts.iter().all(|p| !matches!(p, Put::Field(Field::Proto, n) if !matches!(n, 6 | 17 | 33 | 132 | 136)))
        };
        clause.inside.retain(ported);
        clause.outside.retain(ported);
        clause
    }

    fn of_family(&mut self, key: Key, about: &mut About) -> Option<Clause> {
        about.family?;
        if key == Key::Ttl && self.rng.chance(50) {
            self.above_or_below(key, about)
        } else {
            self.compared(&[key], about)
        }
    }

    /// `ct state`: lists test bits, sets compare.
    fn states(&mut self) -> Clause {
        let mut names = Vec::new();
        let mut clause = Clause::new("");
        for state in State::ALL {
            if self.rng.chance(40) {
                names.push(state.name());
                clause = clause.yes(Field::State, [state.value()]);
            } else {
                clause = clause.no(Field::State, [state.value()]);
            }
        }
        if names.is_empty() {
            names.push("new");
            clause = Clause::new("").yes(Field::State, [0]).no(Field::State, [1, 2, 3, 4]);
        }
        let (text, negated) = match self.rng.below(4) {
            0 => (format!("ct state {{ {} }}", names.join(", ")), false),
            1 => (format!("ct state != {{ {} }}", names.join(", ")), true),
            2 => (format!("ct state != {}", names.join(",")), true),
            _ => (format!("ct state {}", names.join(",")), false),
        };
        let clause = Clause { text, ..clause };
        if negated { flipped(clause) } else { clause }
    }

    fn masked_mark(&mut self) -> Clause {
        let (value, mask) = self.maker(Family::V4).mark_and_mask();
        let (v, m) = (u128::from(value), u128::from(mask));
        let free = u128::from(!mask);
        let sign = *self.rng.pick(&["==", "!="]);
        let clause = Clause::new(format!("meta mark & {mask:#x} {sign} {value:#x}"))
            .yes(Field::Mark, [v & m, v & m | free])
            .no(Field::Mark, [v ^ (m & m.wrapping_neg()), 0]);
        if sign == "!=" { flipped(clause) } else { clause }
    }
}

fn zero_or(text: &str) -> String {
    if text.is_empty() {
        "0".into()
    } else if text.contains('|') {
        format!("({text})")
    } else {
        text.into()
    }
}

/// Its opposite: what was inside is outside.
pub fn flipped(mut clause: Clause) -> Clause {
    std::mem::swap(&mut clause.inside, &mut clause.outside);
    clause
}
