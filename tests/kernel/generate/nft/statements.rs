//! What rules of nft do: verdicts, verdict maps, changes, translations.

use super::keys::{Key, Width, element_puts, element_text, protocol_of};
use super::matches::About;
use super::*;

/// What a rule ends with: its text, and the chains that it calls with the conditions under which it does.
pub struct Ending {
    pub text: String,
    pub calls: Vec<(String, Option<Clause>)>,
}

impl Ending {
    fn of(text: impl Into<String>) -> Ending {
        Ending { text: text.into(), calls: Vec::new() }
    }
}

impl Nft {
    /// What a rule of a chain does.
    pub fn ending(&mut self, place: &Place, about: &About) -> Ending {
        if place.kind == "nat" && self.rng.chance(70) {
            return Ending::of(self.translation(place, about).unwrap_or_else(|| "accept".into()));
        }
        match self.rng.below(20) {
            0..=2 => self.verdict_map(place, about).unwrap_or_else(|| Ending::of("counter")),
            3 => Ending::of(self.change(place, about)),
            4 => {
                let change = self.change(place, about);
                let verdict = self.verdict(place, about);
                Ending { text: format!("{change} {}", verdict.text), ..verdict }
            }
            5 => Ending::of(*self.rng.pick(&[
                "counter",
                "log prefix \"seen: \" group 30",
                "continue",
                "counter continue",
            ])),
            6 if place.is_early() && self.tracks => Ending::of("notrack"),
            _ => {
                let verdict = self.verdict(place, about);
                let count = *self.rng.pick(&["", "", "counter ", "counter packets 3 bytes 5 "]);
                Ending { text: format!("{count}{}", verdict.text), ..verdict }
            }
        }
    }

    fn verdict(&mut self, place: &Place, about: &About) -> Ending {
        let callable: Vec<String> = place.callees.clone();
        if !callable.is_empty() && self.rng.chance(30) {
            let to = self.rng.pick(&callable).clone();
            let word = *self.rng.pick(&["jump", "jump", "goto"]);
            return Ending { text: format!("{word} {to}"), calls: vec![(to, None)] };
        }
        let may_reject = place.hooks & (PRE | POST) == 0 && place.kind != "nat";
        match self.rng.below(10) {
            0..=3 => Ending::of("accept"),
            4..=6 => Ending::of("drop"),
            7 => Ending::of("return"),
            _ if may_reject => Ending::of(self.reject(about)),
            _ => Ending::of("drop"),
        }
    }

    fn reject(&mut self, about: &About) -> String {
        let v4 = ["net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable", "admin-prohibited"];
        let v6 = ["no-route", "admin-prohibited", "addr-unreachable", "port-unreachable"];
        let both = ["port-unreachable", "admin-prohibited", "no-route", "host-unreachable"];
        match (self.rng.below(4), about.family) {
            (0, _) => "reject".into(),
            (1, _) if about.header == Some("tcp") => "reject with tcp reset".into(),
            (2, _) if self.is_inet => format!("reject with icmpx type {}", self.rng.pick(&both)),
            (_, Some(Family::V4)) => format!("reject with icmp type {}", self.rng.pick(&v4)),
            (_, Some(Family::V6)) => format!("reject with icmpv6 type {}", self.rng.pick(&v6)),
            _ => "reject".into(),
        }
    }

    /// `KEYS vmap { ... }`, or one with a name.
    fn verdict_map(&mut self, place: &Place, about: &About) -> Option<Ending> {
        let port = about.header.filter(|h| !matches!(*h, "icmp" | "icmpv6" | "th")).map(|h| Key::Port(h, Field::Dport));
        let mut choices = vec![vec![Key::In], vec![Key::Proto], vec![Key::Mark]];
        if self.tracks {
            choices.push(vec![Key::State]);
        }
        choices.extend(port.map(|p| vec![p]));
        choices.extend(port.map(|p| vec![p]));
        if about.family.is_some() {
            choices.push(vec![Key::Src]);
            choices.extend(port.map(|p| vec![Key::Dst, p]));
        }
        let keys = self.rng.pick(&choices).clone();
        let family = about.family.unwrap_or(Family::V4);
        let many = !keys.iter().any(|k| matches!(k, Key::State | Key::Proto)) && self.rng.chance(60);
        let interval = many && (keys.len() == 1 || !keys.contains(&Key::In));
        let elements = self.elements(&keys, family, if interval { Width::Interval } else { Width::One }, 5);
        let mut ending = Ending::of("");
        let mut texts = Vec::new();
        for element in elements {
            let verdict = loop {
                let verdict = self.verdict(place, about);
                if !verdict.text.starts_with("reject") {
                    break verdict;
                }
            };
            texts.push(format!("{} : {}", element_text(&element), verdict.text));
            let (inside, outside) = element_puts(&keys, family, std::slice::from_ref(&element));
            let clause = Clause { text: String::new(), inside, outside };
            let to = verdict.calls.first().map_or(String::new(), |(to, _)| to.clone());
            ending.calls.push((to, Some(clause)));
        }
        let selector = keys.iter().map(|k| k.selector(family)).collect::<Vec<_>>().join(" . ");
        ending.text = format!("{selector} vmap {{ {} }}", texts.join(", "));
        Some(ending)
    }

    /// Something that later rules see.
    fn change(&mut self, place: &Place, about: &About) -> String {
        let (value, mask) = self.maker(Family::V4).mark_and_mask();
        let family = about.family;
        let port = about.header.filter(|h| !matches!(*h, "icmp" | "icmpv6" | "th"));
        match self.rng.below(13) {
            0 | 1 => format!("meta mark set {value:#x}"),
            2 => format!("meta mark set meta mark & {mask:#x}"),
            3 => format!("meta mark set mark or {value:#x}"),
            4 => format!("meta mark set meta mark xor {value:#x}"),
            5 => format!("meta mark set (meta mark & {mask:#x}) | {value:#x}"),
            6 if self.tracks => "ct mark set meta mark".into(),
            7 if self.tracks => format!("ct mark set {value:#x}"),
            8 if self.tracks => "meta mark set ct mark".into(),
            9 if port.is_some() => {
                let header = port.unwrap_or("tcp");
                format!("meta mark set {header} dport map {{ 22 : 0x1, 80-90 : 0x10, 443 : 0xff }}")
            }
            10 if family.is_some() && place.kind != "nat" => {
                let word = if family == Some(Family::V4) { "ip dscp" } else { "ip6 dscp" };
                format!("{word} set {}", self.rng.pick(&[0, 10, 46, 63]))
            }
            11 if family.is_some() && place.kind != "nat" => {
                let word = if family == Some(Family::V4) { "ip ttl" } else { "ip6 hoplimit" };
                format!("{word} set {}", self.rng.pick(&[2, 32, 64, 255]))
            }
            12 if family.is_some() && place.kind != "nat" => {
                let word = if family == Some(Family::V4) { "ip ecn" } else { "ip6 ecn" };
                format!("{word} set {}", self.rng.pick(&[0, 1, 3]))
            }
            _ => format!("meta mark set {value:#x}"),
        }
    }

    fn translation(&mut self, place: &Place, about: &About) -> Option<String> {
        let family = about.family?;
        let word = if family == Family::V4 { "ip" } else { "ip6" };
        let maker = self.maker(family);
        let to = maker.address();
        let to = maker.shown(to);
        let port = about.header.filter(|h| about.tested && matches!(*h, "tcp" | "udp" | "sctp"));
        let number = *self.rng.pick(&[80u16, 443, 8080, 22]);
        let end = match (port, family) {
            (Some(_), Family::V4) if self.rng.chance(50) => format!("{to}:{number}"),
            (Some(_), Family::V6) if self.rng.chance(50) => format!("[{to}]:{number}"),
            _ => to,
        };
        let destination = place.hooks & !(PRE | OUT) == 0;
        let source = place.hooks & !(IN | POST) == 0;
        match (destination, source) {
            (true, _) if port.is_some() && self.rng.chance(15) => Some(format!("redirect to :{number}")),
            (true, _) => Some(format!("dnat {word} to {end}")),
            (_, true) if place.hooks == POST && self.rng.chance(25) => Some("masquerade".into()),
            (_, true) => Some(format!("snat {word} to {end}")),
            _ => None,
        }
    }
}

/// The protocol that a header belongs to, for packets that come by a call.
pub fn of_header(header: &'static str) -> Clause {
    match header {
        "icmp" => Clause::new("").yes(Field::Proto, [1]),
        "icmpv6" => Clause::new("").yes(Field::Proto, [58]),
        other => Clause::new("").yes(Field::Proto, [protocol_of(other)]),
    }
}
