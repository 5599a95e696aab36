//! Sets of ipset: their elements, what is at and around them, and rules that look into them.

use super::*;
use std::collections::BTreeSet;

impl Maker {
    pub(super) fn make_set(&mut self) {
        let name = format!("set{}", self.sets.len());
        let family = if self.family == Family::V4 { "inet" } else { "inet6" };
        let v4 = self.family == Family::V4;
        let kind = self.rng.below(if v4 { 10 } else { 7 });
        let hash = format!("family {family} hashsize 1024 maxelem 65536");
        let (kind, options, dimensions, source_only) = match kind {
            0 if self.rng.chance(30) => {
                ("hash:ip/mask", format!("{hash} netmask {}", if v4 { 24 } else { 64 }), 1, None)
            }
            0 => ("hash:ip", hash, 1, None),
            1 => ("hash:net", hash, 1, None),
            2 => ("hash:ip,port", hash, 2, None),
            3 => ("hash:net,port", hash, 2, None),
            4 => ("hash:ip,port,ip", hash, 3, None),
            5 => ("hash:ip,port,net", hash, 3, None),
            6 => ("hash:net,iface", hash, 2, None),
            7 => ("bitmap:ip", "range 10.20.0.0/16".to_owned(), 1, None),
            8 => ("bitmap:port", "range 0-65535".to_owned(), 1, None),
            _ => ("bitmap:ip,mac", "range 10.20.0.0/16".to_owned(), 2, Some(1)),
        };
        let mut out = format!("create {name} {} {options}\n", kind.trim_end_matches("/mask"));
        let mut known = BTreeSet::new();
        let mut samples = Vec::new();
        for _ in 0..self.rng.between(1, 8) {
            let Some((text, parts, nomatch)) = self.element(kind) else { continue };
            // Only one element may have the same address here.
            let key = if kind == "bitmap:ip,mac" {
                text.split(',').next().unwrap_or_default().to_owned()
            } else {
                text.clone()
            };
            if known.insert(key) {
                out.push_str(&format!("add {name} {text}{}\n", if nomatch { " nomatch" } else { "" }));
                // Members stand first: one of them, or the three of a prefix.
                let inside = if kind.contains("net") || kind.contains("mask") { 3 } else { 1 };
                samples.extend(parts.into_iter().enumerate().map(|(at, part)| (at < inside && !nomatch, part)));
            }
        }
        self.ipset.push_str(&out);
        self.sets.push(Set { name, dimensions, samples, source_only });
    }

    /// A set member as text, samples in and around it, and whether it is a `nomatch` entry.
    pub(super) fn element(&mut self, kind: &str) -> Option<(String, Vec<Vec<Part>>, bool)> {
        let host = self.host();
        let mut net = self.prefix();
        if net.1 == 0 {
            net = (net.0, 8);
        }
        let (net_in, net_out) = self.around(net);
        let net_text = format!("{}/{}", self.shown(net.0), net.1);
        let (proto, port, port_text) = self.set_port();
        let other = self.host();
        let addresses = |inside: Vec<u128>, outside: Vec<u128>| {
            inside.into_iter().chain(outside).map(Part::Address).collect::<Vec<Part>>()
        };
        let next = host.wrapping_add(1).min(self.family.max_address());
        let nomatch = self.rng.chance(25);
        Some(match kind {
            "hash:ip" => {
                let near = [host, next];
                (self.shown(host), near.into_iter().map(|a| vec![Part::Address(a)]).collect(), false)
            }
            "hash:ip/mask" => {
                let host = host & self.mask(if self.family == Family::V4 { 24 } else { 64 });
                let (inside, outside) = self.around((host, if self.family == Family::V4 { 24 } else { 64 }));
                let near = addresses(inside, outside);
                (self.shown(host.max(1)), near.into_iter().map(|a| vec![a]).collect(), false)
            }
            "hash:net" => {
                let near = addresses(net_in, net_out);
                (net_text, near.into_iter().map(|a| vec![a]).collect(), nomatch)
            }
            "hash:ip,port" => {
                let near = vec![
                    vec![Part::Address(host), Part::Port(proto, port)],
                    vec![Part::Address(next), Part::Port(proto, port)],
                    vec![Part::Address(host), Part::Port(proto, port ^ 1)],
                    vec![Part::Address(host), Part::Port(if proto == 6 { 17 } else { 6 }, port)],
                ];
                (format!("{},{port_text}", self.shown(host)), near, false)
            }
            "hash:net,port" => {
                let near = addresses(net_in, net_out);
                let mut samples: Vec<Vec<Part>> =
                    near.iter().map(|a| vec![a.clone(), Part::Port(proto, port)]).collect();
                samples.push(vec![near[0].clone(), Part::Port(proto, port ^ 1)]);
                (format!("{net_text},{port_text}"), samples, nomatch)
            }
            "hash:ip,port,ip" => {
                let near = vec![
                    vec![Part::Address(host), Part::Port(proto, port), Part::Address(other)],
                    vec![Part::Address(host), Part::Port(proto, port), Part::Address(other ^ 1)],
                    vec![Part::Address(next), Part::Port(proto, port), Part::Address(other)],
                    vec![Part::Address(host), Part::Port(proto, port ^ 1), Part::Address(other)],
                ];
                (format!("{},{port_text},{}", self.shown(host), self.shown(other)), near, false)
            }
            "hash:ip,port,net" => {
                let near = addresses(net_in, net_out);
                let mut samples: Vec<Vec<Part>> =
                    near.iter().map(|a| vec![Part::Address(host), Part::Port(proto, port), a.clone()]).collect();
                samples.push(vec![Part::Address(next), Part::Port(proto, port), near[0].clone()]);
                (format!("{},{port_text},{net_text}", self.shown(host)), samples, nomatch)
            }
            "hash:net,iface" => {
                let name = *self.rng.pick(&INTERFACES);
                let wrong = *self.rng.pick(&INTERFACES);
                let near = addresses(net_in, net_out);
                let mut samples: Vec<Vec<Part>> =
                    near.iter().map(|a| vec![a.clone(), Part::Interface(name.into())]).collect();
                samples.push(vec![near[0].clone(), Part::Interface(wrong.into())]);
                (format!("{net_text},{name}"), samples, nomatch)
            }
            "bitmap:ip" => {
                let host = 0x0a14_0000 + u128::from(self.rng.next() as u16);
                let near = [host, host + 1];
                (self.shown(host), near.into_iter().map(|a| vec![Part::Address(a)]).collect(), false)
            }
            "bitmap:port" => {
                let port = self.port();
                let near = [port, port.wrapping_add(1)];
                (port.to_string(), near.into_iter().map(|p| vec![Part::BarePort(p)]).collect(), false)
            }
            "bitmap:ip,mac" => {
                let host = 0x0a14_0000 + u128::from(self.rng.next() as u8);
                let mac = *self.rng.pick(&self.macs.clone());
                let near = vec![
                    vec![Part::Address(host), Part::Mac(mac)],
                    vec![Part::Address(host), Part::Mac(mac ^ 1)],
                    vec![Part::Address(host + 1), Part::Mac(mac)],
                ];
                (format!("{},{}", self.shown(host), mac_text(mac)), near, false)
            }
            _ => return None,
        })
    }

    pub(super) fn set_port(&mut self) -> (u8, u16, String) {
        let port = self.port().max(1);
        match self.rng.below(9) {
            0..=3 => (6, port, format!("tcp:{port}")),
            4 | 5 => (17, port, format!("udp:{port}")),
            6 => (132, port, format!("sctp:{port}")),
            7 => (136, port, format!("udplite:{port}")),
            _ => match self.family {
                Family::V4 => (1, 0x0800, "icmp:8/0".into()),
                Family::V6 => (58, 0x8000, "icmpv6:128/0".into()),
            },
        }
    }

    pub(super) fn make_list(&mut self) {
        let dimensions = self.sets.iter().map(|s| s.dimensions).max().unwrap_or(1);
        let plain: Vec<usize> = (0..self.sets.len()).filter(|s| self.sets[*s].source_only.is_none()).collect();
        if plain.is_empty() {
            return;
        }
        let mut out = "create list0 list:set size 8\n".to_owned();
        let mut samples = Vec::new();
        for at in plain {
            if self.rng.chance(70) {
                out.push_str(&format!("add list0 {}\n", self.sets[at].name));
                samples.extend(self.sets[at].samples.clone());
            }
        }
        self.ipset.push_str(&out);
        self.sets.push(Set { name: "list0".into(), dimensions, samples, source_only: None });
    }

    pub(super) fn set_clause(&mut self, hooks: u8) -> Option<Clause> {
        if self.sets.is_empty() {
            return None;
        }
        let at = self.rng.below(self.sets.len());
        let set = &self.sets[at];
        let (dimensions, source_only, name) = (set.dimensions, set.source_only, set.name.clone());
        let samples = set.samples.clone();
        if source_only.is_some() && hooks & (OUT | POST) != 0 {
            return None;
        }
        let mut flags: Vec<bool> = (0..dimensions).map(|_| self.rng.chance(50)).collect();
        if let Some(at) = source_only {
            flags[at] = true;
            flags[0] = true;
        }
        // Fewer flags than dimensions never match, extra ones are ignored.
        if self.rng.chance(6) && source_only.is_none() {
            if self.rng.chance(50) && dimensions > 1 {
                flags.pop();
            } else if dimensions < 3 {
                flags.push(true);
            }
        }
        let words: Vec<&str> = flags.iter().map(|s| if *s { "src" } else { "dst" }).collect();
        // What the option means for a list is pinned by a case of its own.
        let inverted = if self.rng.chance(8) && name != "list0" { " --return-nomatch" } else { "" };
        let mut clause = Clause::new(format!("-m set --match-set {name} {}{inverted}", words.join(",")));
        for (member, sample) in &samples {
            let mut puts = Vec::new();
            for (part, source) in sample.iter().zip(&flags) {
                puts.extend(self.put_part(part, *source));
            }
            if *member {
                clause.inside.push(puts);
            } else {
                clause.outside.push(puts);
            }
        }
        clause.outside.push(vec![Put::Field(Field::Src, self.host()), Put::Field(Field::Dst, self.host())]);
        Some(clause)
    }

    pub(super) fn put_part(&mut self, part: &Part, source: bool) -> Vec<Put> {
        let side = |src, dst| if source { src } else { dst };
        match part {
            Part::Address(a) => vec![Put::Field(side(Field::Src, Field::Dst), *a)],
            Part::Port(proto, port) if matches!(proto, 1 | 58) => vec![
                Put::Field(Field::Proto, u128::from(*proto)),
                Put::Field(Field::IcmpType, u128::from(*port >> 8)),
                Put::Field(Field::IcmpCode, u128::from(*port & 0xff)),
            ],
            Part::Port(proto, port) => vec![
                Put::Field(Field::Proto, u128::from(*proto)),
                Put::Field(side(Field::Sport, Field::Dport), u128::from(*port)),
            ],
            Part::BarePort(port) => {
                let proto = *self.rng.pick(&[6, 17, 17, 132, 136, 33]);
                vec![Put::Field(Field::Proto, proto), Put::Field(side(Field::Sport, Field::Dport), u128::from(*port))]
            }
            Part::Interface(name) if source => vec![Put::Iif(name.clone())],
            Part::Interface(name) => vec![Put::Oif(name.clone())],
            Part::Mac(mac) => vec![Put::Field(Field::Mac, *mac)],
        }
    }
}
