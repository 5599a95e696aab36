//! Matches of addresses, interfaces and layer-4 headers.

use super::*;

impl Maker {
    pub(super) fn negation(
        &mut self,
        mut clause: Clause,
        percent: usize,
        write: impl Fn(&str) -> String,
    ) -> Option<Clause> {
        let negated = self.rng.chance(percent);
        clause.text = write(if negated { "! " } else { "" });
        if negated {
            std::mem::swap(&mut clause.inside, &mut clause.outside);
        }
        Some(clause)
    }

    pub(super) fn address_clause(&mut self, field: Field) -> Option<Clause> {
        let flag = if field == Field::Src { "-s" } else { "-d" };
        match self.rng.below(8) {
            0 => {
                // A mask that is no prefix.
                let host = self.address();
                let mut mask = self.mask(self.bits());
                for _ in 0..self.rng.between(4, 12) {
                    mask &= !(1 << self.rng.below(self.bits() as usize));
                }
                let hole = mask.trailing_ones().min(self.bits() - 1);
                let base = host & mask;
                let clause = Clause::new("")
                    .yes(field, [base, base | 1 << hole, base | !mask & self.family.max_address()])
                    .no(field, [base ^ 1, base ^ 1 << (self.bits() - 1)]);
                let text = format!("{flag} {}/{}", self.shown(base), self.shown(mask));
                self.negation(clause, 25, |not| format!("{not}{text}"))
            }
            1 => {
                let (a, b) = (self.address(), self.address());
                let (low, high) = (a.min(b), a.max(b));
                let side = if field == Field::Src { "src" } else { "dst" };
                let clause = Clause::new("").range(field, low, high, self.family.max_address());
                let text = format!("--{side}-range {}-{}", self.shown(low), self.shown(high));
                self.negation(clause, 30, |not| format!("-m iprange {not}{text}"))
            }
            _ => {
                let prefix = self.prefix();
                let (inside, outside) = self.around(prefix);
                let clause = Clause::new("").yes(field, inside).no(field, outside);
                let text = format!("{flag} {}/{}", self.shown(prefix.0), prefix.1);
                let percent = if prefix.1 == 0 { 0 } else { 20 };
                self.negation(clause, percent, |not| format!("{not}{text}"))
            }
        }
    }

    pub(super) fn interface_clause(&mut self, hooks: u8, base: bool) -> Option<Clause> {
        let incoming = self.rng.chance(50);
        let allowed = if incoming { PRE | IN | FWD } else { FWD | OUT | POST };
        // iptables refuses the other interface in its own chains only; in user chains it is simply absent.
        if hooks & !allowed != 0 && (base || self.rng.chance(60)) {
            return None;
        }
        let pattern = *self.rng.pick(&PATTERNS);
        let flag = if incoming { "-i" } else { "-o" };
        let put = |name: &str| vec![if incoming { Put::Iif(name.into()) } else { Put::Oif(name.into()) }];
        let mut clause = Clause::new("");
        for name in INTERFACES.into_iter().chain(["other"]) {
            let matches = match pattern.strip_suffix('+') {
                Some(prefix) => name.starts_with(prefix) && (name != "other" || prefix.is_empty()),
                None => name == pattern,
            };
            if matches {
                clause.inside.push(put(name));
            } else {
                clause.outside.push(put(name));
            }
        }
        let percent = if pattern == "+" { 0 } else { 25 };
        self.negation(clause, percent, |not| format!("{not}{flag} {pattern}"))
    }

    pub(super) fn layer4_clause(&mut self, proto: u8) -> Option<Clause> {
        match proto {
            6 if self.rng.chance(30) => self.flags_clause(),
            6 | 17 | 132 | 33 if self.rng.chance(60) => self.ports_clause(proto),
            6 | 17 | 132 | 33 | 136 => self.multiport_clause(),
            1 | 58 => self.icmp_clause(),
            50 | 51 => {
                let (low, high) = (self.rng.below(500) as u128, 500 + self.rng.below(500) as u128);
                let (field, name) = if proto == 50 { (Field::EspSpi, "esp") } else { (Field::AhSpi, "ah") };
                let clause = Clause::new("").range(field, low, high, u128::from(u32::MAX));
                self.negation(clause, 25, |not| format!("-m {name} {not}--{name}spi {low}:{high}"))
            }
            135 => {
                let (low, high) = (self.rng.below(4) as u128, 4 + self.rng.below(4) as u128);
                let clause = Clause::new("").range(Field::MobilityType, low, high, 255);
                self.negation(clause, 25, |not| format!("-m mh {not}--mh-type {low}:{high}"))
            }
            _ => None,
        }
    }

    pub(super) fn ports_clause(&mut self, proto: u8) -> Option<Clause> {
        let module = match proto {
            6 => "tcp",
            17 => "udp",
            132 => "sctp",
            _ => "dccp",
        };
        let (mut text, mut clause) = (format!("-m {module}"), Clause::new(""));
        let both = self.rng.chance(20);
        let first = if self.rng.chance(30) { Field::Sport } else { Field::Dport };
        for field in [Field::Sport, Field::Dport] {
            if field != first && !both {
                continue;
            }
            let (low, high) = self.port_range();
            let high = if self.rng.chance(60) { low } else { high };
            let part = Clause::new("").range(field, low.into(), high.into(), 65_535);
            let flag = if field == Field::Sport { "--sport" } else { "--dport" };
            let range = if low == high { low.to_string() } else { format!("{low}:{high}") };
            // Negated, the range of all ports is a case of its own.
            let percent = if high - low == 65_535 { 0 } else { 20 };
            let part = self.negation(part, percent, |not| format!("{not}{flag} {range}"))?;
            text = format!("{text} {}", part.text);
            clause.inside.extend(part.inside);
            clause.outside.extend(part.outside);
        }
        clause.text = text;
        Some(clause)
    }

    pub(super) fn multiport_clause(&mut self) -> Option<Clause> {
        let (mut words, mut clause) = (Vec::new(), Clause::new(""));
        let (flag, fields): (&str, &[Field]) = match self.rng.below(5) {
            0 => ("--sports", &[Field::Sport]),
            1 => ("--ports", &[Field::Sport, Field::Dport]),
            _ => ("--dports", &[Field::Dport]),
        };
        let mut room = 15;
        for _ in 0..self.rng.between(1, 6) {
            let (low, high) = self.port_range();
            let range = low != high && self.rng.chance(40);
            room -= if range { 2 } else { 1 };
            if room < 0 {
                break;
            }
            let high = if range { high } else { low };
            words.push(if range { format!("{low}:{high}") } else { low.to_string() });
            for field in fields {
                clause = clause.range(*field, low.into(), high.into(), 65_535);
            }
        }
        let text = format!("{flag} {}", words.join(","));
        self.negation(clause, 25, |not| format!("-m multiport {not}{text}"))
    }

    pub(super) fn flags_clause(&mut self) -> Option<Clause> {
        if self.rng.chance(25) {
            let clause = Clause::new("").yes(Field::TcpFlags, [2, 0x42, 0xc2]).no(Field::TcpFlags, [0x12, 0x10, 6, 3]);
            return self.negation(clause, 35, |not| format!("-m tcp {not}--tcp-flags FIN,SYN,RST,ACK SYN"));
        }
        let mask = (self.rng.next() as u8 & 0x3f).max(1);
        let value = self.rng.next() as u8 & mask;
        let other = value ^ (mask & mask.wrapping_neg());
        let clause = Clause::new("")
            .yes(Field::TcpFlags, [value, value | !mask, value | !mask & 0x3f].map(u128::from))
            .no(Field::TcpFlags, [other, other | !mask & 0xc0].map(u128::from));
        let text = format!("--tcp-flags {} {}", flag_names(mask), flag_names(value));
        self.negation(clause, 25, |not| format!("-m tcp {not}{text}"))
    }

    pub(super) fn icmp_clause(&mut self) -> Option<Clause> {
        let v4 = self.family == Family::V4;
        let kinds: &[u128] =
            if v4 { &[0, 3, 5, 8, 11, 12, 13, 40, 254] } else { &[1, 2, 3, 4, 128, 129, 133, 135, 200] };
        let kind = *self.rng.pick(kinds);
        let word = if v4 { "-m icmp {}--icmp-type" } else { "-m icmp6 {}--icmpv6-type" };
        let proto = u128::from(self.family.icmp());
        let at = |kind: u128, code: u128| {
            vec![Put::Field(Field::Proto, proto), Put::Field(Field::IcmpType, kind), Put::Field(Field::IcmpCode, code)]
        };
        let mut clause = Clause::new("");
        let text = if self.rng.chance(40) {
            let code = self.rng.below(5) as u128;
            clause.inside.push(at(kind, code));
            clause.outside.extend([at(kind, code + 1), at(kind ^ 1, code)]);
            format!("{kind}/{code}")
        } else {
            clause.inside.extend([at(kind, 0), at(kind, 1), at(kind, 255)]);
            clause.outside.extend([at(kind ^ 1, 0), at(255, 0)]);
            kind.to_string()
        };
        self.negation(clause, 20, |not| format!("{} {text}", word.replace("{}", not)))
    }
}

fn flag_names(bits: u8) -> String {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
    let named: Vec<&str> = (0..6).filter(|i| bits >> i & 1 == 1).map(|i| names[i]).collect();
    if named.is_empty() { "NONE".into() } else { named.join(",") }
}
