//! Targets of every table.

use super::*;

impl Maker {
    pub(super) fn target(&mut self, table: &str, hooks: u8, proto: u8, users: &[(String, u8)]) -> Option<String> {
        let callable: Vec<&(String, u8)> = users.iter().filter(|(_, h)| hooks & !h == 0).collect();
        if !callable.is_empty() && self.rng.chance(if table == "filter" { 30 } else { 40 }) {
            let flag = if self.rng.chance(25) { "-g" } else { "-j" };
            return Some(format!("{flag} {}", self.rng.pick(&callable).0));
        }
        let plain = |word: &str| Some(format!("-j {word}"));
        match (table, self.rng.below(20)) {
            (_, 0) => None,
            (_, 1) => plain("NFLOG --nflog-prefix \"seen: \" --nflog-group 30"),
            (_, 2) => plain("LOG --log-prefix \"fw -j DROP \" --log-level 7"),
            (_, 3 | 4) => plain("RETURN"),
            ("raw", 5..=7) if self.tracks => plain("CT --notrack"),
            ("raw", 8..=10) if self.tracks => plain("NOTRACK"),
            ("raw", 11 | 12) => plain("DROP"),
            ("raw", 13..=15) => self.mark_target(),
            ("raw", _) => plain("ACCEPT"),
            ("nat", _) => self.nat_target(hooks, proto),
            ("mangle", roll) => match roll {
                18 if hooks & (PRE | IN) == 0 => plain("CLASSIFY --set-class 0001:0002"),
                5..=9 => self.mark_target(),
                10..=16 => self.header_target(proto),
                17 => plain("DROP"),
                _ => plain("ACCEPT"),
            },
            ("security", 5..=12) => plain("ACCEPT"),
            ("security", _) => plain("DROP"),
            (_, 5..=10) => plain("ACCEPT"),
            (_, 11..=15) => plain("DROP"),
            (_, 16) => self.mark_target(),
            _ => Some(self.reject_target(proto)),
        }
    }

    pub(super) fn mark_target(&mut self) -> Option<String> {
        let (value, mask) = self.mark_and_mask();
        let name = if self.rng.chance(40) && self.tracks { "CONNMARK" } else { "MARK" };
        let text = match self.rng.below(if self.tracks { 8 } else { 6 }) {
            0 => format!("-j {name} --set-mark {value:#x}"),
            1 => format!("-j {name} --and-mark {mask:#x}"),
            2 => format!("-j {name} --or-mark {value:#x}"),
            3 => format!("-j {name} --xor-mark {value:#x}"),
            4 | 5 => format!("-j {name} --set-xmark {value:#x}/{mask:#x}"),
            6 => "-j CONNMARK --save-mark".to_owned(),
            _ => format!("-j CONNMARK --restore-mark --nfmask {:#x} --ctmask {mask:#x}", mask | 0xf0f0),
        };
        Some(text)
    }

    pub(super) fn header_target(&mut self, proto: u8) -> Option<String> {
        let (name, word) = if self.family == Family::V4 { ("TTL", "ttl") } else { ("HL", "hl") };
        let step = self.rng.between(1, 3);
        let text = match self.rng.below(7) {
            0 => format!("-j {name} --{word}-set {}", self.rng.pick(&[2, 32, 64, 255])),
            1 => format!("-j {name} --{word}-inc {step}"),
            2 => format!("-j {name} --{word}-dec {step}"),
            3 | 4 => format!("-j DSCP --set-dscp 0x{:02x}", self.rng.pick(&[0, 10, 46, 63])),
            5 => format!(
                "-j TOS --set-tos 0x{:02x}/0x{:02x}",
                self.rng.pick(&[0, 0x10, 0xb8]),
                self.rng.pick(&[0xff, 0x3f, 0xfc])
            ),
            _ if proto == 6 && self.family == Family::V4 => "-j ECN --ecn-tcp-remove".to_owned(),
            _ => return self.mark_target(),
        };
        Some(text)
    }

    pub(super) fn reject_target(&mut self, proto: u8) -> String {
        let kinds: &[&str] = match self.family {
            Family::V4 => &[
                "icmp-net-unreachable",
                "icmp-host-unreachable",
                "icmp-proto-unreachable",
                "icmp-port-unreachable",
                "icmp-net-prohibited",
                "icmp-host-prohibited",
                "icmp-admin-prohibited",
            ],
            Family::V6 => &[
                "icmp6-no-route",
                "icmp6-adm-prohibited",
                "icmp6-addr-unreachable",
                "icmp6-port-unreachable",
                "icmp6-policy-fail",
                "icmp6-reject-route",
            ],
        };
        match self.rng.below(4) {
            0 => "-j REJECT".to_owned(),
            1 | 2 if proto == 6 => "-j REJECT --reject-with tcp-reset".to_owned(),
            _ => format!("-j REJECT --reject-with {}", self.rng.pick(kinds)),
        }
    }

    pub(super) fn nat_target(&mut self, hooks: u8, proto: u8) -> Option<String> {
        if self.rng.chance(20) {
            return Some("-j ACCEPT".into());
        }
        let address = self.shown(self.prefixes[0].0 | 0x0000_0505);
        let to = self.address();
        let to = if self.rng.chance(70) { self.shown(to) } else { address };
        let port = *self.rng.pick(&[80u16, 443, 8080, 22]);
        let with_port = matches!(proto, 6 | 17 | 132) && self.rng.chance(50);
        let end = match (with_port, self.family) {
            (false, _) => to.clone(),
            (true, Family::V4) => format!("{to}:{port}"),
            (true, Family::V6) => format!("[{to}]:{port}"),
        };
        let (base, length) = self.prefix();
        let net = format!("{}/{length}", self.shown(base));
        let destination = hooks & !(PRE | OUT) == 0;
        let source = hooks & !(IN | POST) == 0;
        match (destination, source) {
            (true, _) if self.rng.chance(20) => Some(format!("-j NETMAP --to {net}")),
            (true, _) => Some(format!("-j DNAT --to-destination {end}")),
            (_, true) if hooks == POST && self.rng.chance(25) => Some("-j MASQUERADE".into()),
            (_, true) => Some(format!("-j SNAT --to-source {end}")),
            _ => Some("-j RETURN".into()),
        }
    }
}
