//! Routes: what is read, what a lookup comes to, what a change does, and what checks say of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checks;
mod formats;
mod hostile;
mod incident;
mod properties;
mod specs;

use fwgate::dialect::InputFile;
use fwgate::packet::{Family, Ranges};
use fwgate::routes::{Flow, Routing, read_routing};

/// The routing of some files; the test fails where they are not understood.
pub fn routing(files: &[(&str, &str)]) -> Routing {
    read_routing(&inputs(files)).unwrap_or_else(|e| panic!("{:#?}\n{files:#?}", e.problems))
}

/// Files by name and text.
pub fn inputs(files: &[(&str, &str)]) -> Vec<InputFile> {
    let file = |(name, text): &(&str, &str)| InputFile { name: (*name).into(), bytes: text.as_bytes().into() };
    files.iter().map(file).collect()
}

/// An address as a number.
pub fn number(text: &str) -> (Family, u128) {
    match text.parse().unwrap() {
        std::net::IpAddr::V4(v4) => (Family::V4, u128::from(u32::from(v4))),
        std::net::IpAddr::V6(v6) => (Family::V6, u128::from(v6)),
    }
}

/// A packet in the words of `ip route get`.
pub fn flow(text: &str) -> Flow {
    let mut words = text.split_whitespace();
    let (family, to) = number(words.next().unwrap());
    let mut flow = Flow::to(family, to);
    let of = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).unwrap(),
        None => text.parse().unwrap(),
    };
    while let (Some(word), Some(value)) = (words.next(), words.next()) {
        match word {
            "from" => flow.from = number(value).1,
            "iif" => flow.iif = Some(value.to_owned()),
            "oif" => flow.oif = Some(value.to_owned()),
            "fwmark" => flow.fwmark = of(value).try_into().unwrap(),
            "tos" => flow.tos = of(value).try_into().unwrap(),
            "ipproto" => flow.ipproto = of(value).try_into().unwrap(),
            "sport" => flow.sport = of(value).try_into().unwrap(),
            "dport" => flow.dport = of(value).try_into().unwrap(),
            "uid" => flow.uid = of(value).try_into().unwrap(),
            "tun_id" => flow.tun_id = of(value),
            other => panic!("unknown word {other}"),
        }
    }
    flow
}

/// A set of addresses out of one range.
pub fn span(first: &str, last: &str) -> Ranges {
    Ranges::range(number(first).1, number(last).1)
}
