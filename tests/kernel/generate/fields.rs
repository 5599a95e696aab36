//! Matches of states, marks and the further fields of a packet.

use super::*;

impl Maker {
    pub(super) fn further_clause(&mut self, hooks: u8) -> Option<Clause> {
        match self.rng.below(19) {
            0..=2 | 16 if self.tracks => self.state_clause(),
            3 | 4 => self.set_clause(hooks).and_then(|clause| {
                let (module, rest) = ("-m set ", clause.text.trim_start_matches("-m set ").to_owned());
                self.negation(clause, 25, |not| format!("{module}{not}{rest}"))
            }),
            5 | 6 => {
                let (value, mask) = self.mark_and_mask();
                let connection = self.rng.chance(40) && self.tracks;
                let (field, name) = if connection { (Field::ConnMark, "connmark") } else { (Field::Mark, "mark") };
                let (v, m) = (u128::from(value), u128::from(mask));
                let free = u128::from(!mask);
                let clause =
                    Clause::new("").yes(field, [v & m, v & m | free]).no(field, [v ^ 1, 0, v ^ (m & m.wrapping_neg())]);
                let text = if mask == u32::MAX { format!("{value:#x}") } else { format!("{value:#x}/{mask:#x}") };
                self.negation(clause, 30, |not| format!("-m {name} {not}--mark {text}"))
            }
            7 => {
                let (a, b) = (20 + self.rng.below(200) as u128, 20 + self.rng.below(1500) as u128);
                let (low, high) = (a.min(b), a.max(b));
                let clause = Clause::new("").range(Field::Length, low, high, 65_535);
                self.negation(clause, 25, |not| format!("-m length {not}--length {low}:{high}"))
            }
            8 => {
                let value = *self.rng.pick(&[1u128, 2, 31, 32, 63, 64, 65, 128, 254, 255]);
                let (module, word) = if self.family == Family::V4 { ("ttl", "ttl") } else { ("hl", "hl") };
                let near = [value.saturating_sub(1), value, (value + 1).min(255), (value + 2).min(255)];
                let clause = Clause::new("").yes(Field::Ttl, near).no(Field::Ttl, near);
                match self.rng.below(3) {
                    0 => self.negation(clause, 0, |_| format!("-m {module} --{word}-gt {value}")),
                    1 => self.negation(clause, 0, |_| format!("-m {module} --{word}-lt {value}")),
                    _ => self.negation(clause, 30, |not| format!("-m {module} {not}--{word}-eq {value}")),
                }
            }
            9 => {
                let value = *self.rng.pick(&[0u128, 10, 46, 48, 63]);
                let clause = Clause::new("").yes(Field::Dscp, [value]).no(Field::Dscp, [value ^ 1, value ^ 32]);
                self.negation(clause, 30, |not| format!("-m dscp {not}--dscp 0x{value:02x}"))
            }
            10 => {
                let mask = *self.rng.pick(&[0xffu8, 0x3f, 0xfc, 0x10, 0x03]);
                let value = self.rng.next() as u8 & mask;
                let put = |tos: u8| {
                    vec![Put::Field(Field::Dscp, u128::from(tos >> 2)), Put::Field(Field::Ecn, u128::from(tos & 3))]
                };
                let mut clause = Clause::new("");
                clause.inside.extend([put(value), put(value | !mask)]);
                clause.outside.extend([put(value ^ (mask & mask.wrapping_neg())), put(!value)]);
                self.negation(clause, 30, |not| format!("-m tos {not}--tos 0x{value:02x}/0x{mask:02x}"))
            }
            11 if hooks & (OUT | POST) == 0 => {
                let mac = *self.rng.pick(&self.macs.clone());
                let clause = Clause::new("").yes(Field::Mac, [mac]).no(Field::Mac, [mac ^ 1, 0]);
                self.negation(clause, 30, |not| format!("-m mac {not}--mac-source {}", mac_text(mac).to_uppercase()))
            }
            12 => {
                let kind = self.rng.below(3) as u128;
                let name = ["unicast", "broadcast", "multicast"][kind as usize];
                let clause = Clause::new("").yes(Field::PktType, [kind]).no(Field::PktType, [(kind + 1) % 3, 0]);
                self.negation(clause, 30, |not| format!("-m pkttype {not}--pkt-type {name}"))
            }
            13 => {
                let value = self.rng.below(4) as u128;
                let clause = Clause::new("").yes(Field::Ecn, [value]).no(Field::Ecn, [value ^ 1]);
                self.negation(clause, 30, |not| format!("-m ecn {not}--ecn-ip-ect {value}"))
            }
            14 | 17 if self.family == Family::V6 => self.extension_clause(),
            15 | 17 | 18 => self.set_clause(hooks),
            _ => Some(Clause::new("-m comment --comment \"a \\\"quoted\\\" remark -j DROP\"")),
        }
    }

    pub(super) fn extension_clause(&mut self) -> Option<Clause> {
        match self.rng.below(4) {
            0 => Some(Clause::new("-m hbh").yes(Field::ExtHop, [1]).no(Field::ExtHop, [0])),
            1 => Some(Clause::new("-m dst").yes(Field::ExtDst, [1]).no(Field::ExtDst, [0])),
            2 => {
                let kind = self.rng.below(5) as u128;
                let at = |kind| vec![Put::Field(Field::ExtRouting, 1), Put::Field(Field::RoutingType, kind)];
                let mut clause = Clause::new("");
                clause.inside.push(at(kind));
                clause.outside.extend([at(kind + 1), vec![Put::Field(Field::ExtRouting, 0)]]);
                self.negation(clause, 30, |not| format!("-m rt {not}--rt-type {kind}"))
            }
            _ => {
                let (low, high) = (1u128, 3u128);
                let at = |left| vec![Put::Field(Field::ExtRouting, 1), Put::Field(Field::SegmentsLeft, left)];
                let mut clause = Clause::new("");
                clause.inside.extend([at(low), at(high)]);
                clause.outside.extend([at(0), at(4), vec![Put::Field(Field::ExtRouting, 0)]]);
                self.negation(clause, 30, |not| format!("-m rt {not}--rt-segsleft {low}:{high}"))
            }
        }
    }

    pub(super) fn state_clause(&mut self) -> Option<Clause> {
        let mut names = Vec::new();
        let mut clause = Clause::new("");
        for (name, state) in [
            ("INVALID", State::Invalid),
            ("NEW", State::New),
            ("RELATED", State::Related),
            ("ESTABLISHED", State::Established),
            ("UNTRACKED", State::Untracked),
        ] {
            if self.rng.chance(40) {
                names.push(name);
                clause = clause.yes(Field::State, [state.value()]);
            } else {
                clause = clause.no(Field::State, [state.value()]);
            }
        }
        if names.is_empty() {
            return None;
        }
        let text = names.join(",");
        let (module, word) =
            *self.rng.pick(&[("conntrack", "--ctstate"), ("conntrack", "--ctstate"), ("state", "--state")]);
        self.negation(clause, 25, |not| format!("-m {module} {not}{word} {text}"))
    }

    pub(super) fn mark_and_mask(&mut self) -> (u32, u32) {
        let mask = match self.rng.below(4) {
            0 => 0xff,
            1 => 0xffff_0000,
            2 => self.rng.next() as u32 | 1,
            _ => u32::MAX,
        };
        (*self.rng.pick(&self.marks.clone()) & mask, mask)
    }
}
