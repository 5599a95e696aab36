//! Packets at and around what the rules of a ruleset say.

use super::*;
use fwgate::packet::{IfaceSide, Interface, Packet, Shape};
use fwgate::ruleset::Hook;

/// What packets are made from.
pub struct Packets {
    pub(super) seed: u64,
    pub(super) family: Family,
    pub(super) rules: Vec<Known>,
    pub(super) translates: bool,
    pub(super) tracks: bool,
}

impl Packets {
    /// Packets at and around what the rules say, for one hook.
    pub fn make(&self, hook: Hook, count: usize) -> Vec<Packet> {
        let mut rng = Rng::new(self.seed * 31 + hook as u64 * 7 + u64::from(self.family.number()));
        (0..count).map(|_| self.packet(hook, &mut rng)).collect()
    }

    fn packet(&self, hook: Hook, rng: &mut Rng) -> Packet {
        let mut packet = Packet::new(self.family);
        let base: u128 = match self.family {
            Family::V4 => 0x0a14_0000,
            Family::V6 => 0x2001_0db8_0020 << 80,
        };
        packet.set(Field::Src, base + 0x0100 + rng.below(250) as u128);
        packet.set(Field::Dst, base + 0x2200 + rng.below(250) as u128);
        let icmp = u128::from(self.family.icmp());
        packet.set(Field::Proto, *rng.pick(&[6, 6, 6, 17, 17, icmp, 132, 33, 136, 47, 50, 99]));
        packet.set(Field::Sport, 1024 + rng.below(60_000) as u128);
        packet.set(Field::Dport, *rng.pick(&[22, 80, 443, 53, 8080, 5000]));
        packet.set(Field::TcpFlags, *rng.pick(&[2, 2, 2, 0x10, 0x18, 0x12, 0x11, 4, 0x14, 0, 0x29, 0xc2, 3]));
        packet.set(
            Field::IcmpType,
            *rng.pick(if self.family == Family::V4 { &[8, 0, 3, 13] } else { &[128, 129, 1, 135] }),
        );
        packet.set(Field::Ttl, *rng.pick(&[64, 64, 64, 63, 2, 3, 32, 128, 255]));
        let mut iif = (*rng.pick(&INTERFACES)).to_owned();
        let mut oif = (*rng.pick(&INTERFACES)).to_owned();
        if rng.chance(15) {
            iif = "other".into();
        }
        if rng.chance(15) {
            oif = "other".into();
        }
        let seen = match hook {
            Hook::Input => PRE | IN,
            Hook::Forward => PRE | FWD | POST,
            Hook::Output => OUT | POST,
            below => panic!("no packets are made for {below}"),
        };
        let here: Vec<usize> = (0..self.rules.len()).filter(|r| self.rules[*r].hooks & seen != 0).collect();
        // Some rules have their say, each after those through which it is called; the last one wins where they
        // want the same field.
        for _ in 0..rng.between(0, 3) {
            if here.is_empty() {
                break;
            }
            let mut way = vec![*rng.pick(&here)];
            while way.len() < 5 {
                let chain = &self.rules[way[way.len() - 1]].chain;
                let callers: Vec<usize> =
                    here.iter().copied().filter(|r| self.rules[*r].calls.as_ref() == Some(chain)).collect();
                if callers.is_empty() {
                    break;
                }
                way.push(*rng.pick(&callers));
            }
            for (depth, rule) in way.into_iter().enumerate().rev() {
                for clause in &self.rules[rule].clauses {
                    let inside = depth > 0 || rng.chance(85);
                    let from = if inside { &clause.inside } else { &clause.outside };
                    if from.is_empty() {
                        continue;
                    }
                    for put in rng.pick(from) {
                        match put {
                            Put::Field(field, value) => packet.set(*field, *value),
                            Put::Iif(name) => iif = name.clone(),
                            Put::Oif(name) => oif = name.clone(),
                        }
                    }
                }
            }
        }
        if packet.get(Field::State) == 0 {
            packet.set(Field::State, *rng.pick(&[0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 4]));
        }
        self.tidy(&mut packet);
        // An announced connection would be translated at its beginning, which the kernel no longer does with those
        // that are known to it.
        let error = match self.family {
            Family::V4 => matches!(packet.get(Field::IcmpType), 3 | 4 | 5 | 11 | 12),
            Family::V6 => packet.get(Field::IcmpType) < 5,
        } && packet.shape() == Shape::Icmp;
        let known = packet.state() == State::Established && error;
        if self.translates && (packet.state() == State::Related || known) {
            packet.set(Field::State, State::New.value());
        }
        if rng.chance(10) {
            packet.set(Field::Mark, *rng.pick(&[1, 0x10, 0xff, 0x8000_0001, 0x0001_0000]));
        }
        if !self.tracks && packet.get(Field::Fragment) == 0 && rng.chance(20) {
            packet.set(Field::Fragment, rng.between(1, 2) as u128);
        }
        self.tidy(&mut packet);
        let interface = |name: String| if name == "other" { Interface::Other } else { Interface::Named(name) };
        packet.set_interface(IfaceSide::In, if hook == Hook::Output { Interface::None } else { interface(iif) });
        packet.set_interface(IfaceSide::Out, if hook == Hook::Input { Interface::None } else { interface(oif) });
        if hook == Hook::Output {
            packet.set(Field::Mac, 0);
        }
        if hook != Hook::Input {
            packet.set(Field::PktType, 0);
        }
        packet
    }

    /// Clears what the packet's protocol cannot have.
    fn tidy(&self, packet: &mut Packet) {
        if self.family == Family::V6 && matches!(packet.proto(), 0 | 1 | 43 | 44 | 51 | 59 | 60) {
            packet.set(Field::Proto, 17);
        }
        if self.family == Family::V4 && packet.proto() == 58 {
            packet.set(Field::Proto, 1);
        }
        let keep: &[Field] = match packet.shape() {
            Shape::Tcp => &[Field::Sport, Field::Dport, Field::TcpFlags],
            Shape::Ports => &[Field::Sport, Field::Dport],
            Shape::Icmp => &[Field::IcmpType, Field::IcmpCode],
            Shape::Opaque => &[],
        };
        for field in [Field::Sport, Field::Dport, Field::TcpFlags, Field::IcmpType, Field::IcmpCode] {
            if !keep.contains(&field) {
                packet.set(field, 0);
            }
        }
        for (field, proto) in [(Field::EspSpi, 50), (Field::AhSpi, 51), (Field::MobilityType, 135)] {
            if packet.proto() != proto {
                packet.set(field, 0);
            }
        }
        let chain = [(Field::ExtHop, 0u128), (Field::ExtDst, 60), (Field::ExtRouting, 43), (Field::ExtFragment, 44)];
        if self.tracks {
            packet.set(Field::Fragment, 0);
        }
        if self.family == Family::V6 {
            packet.set(Field::ExtFragment, u128::from(packet.get(Field::Fragment) != 0));
            let first = chain.iter().find(|(field, _)| packet.get(*field) == 1).map_or(256, |(_, number)| *number);
            packet.set(Field::NextHeader, first);
        }
        if packet.get(Field::ExtRouting) == 0 {
            packet.set(Field::RoutingType, 0);
            packet.set(Field::SegmentsLeft, 0);
        }
    }
}
