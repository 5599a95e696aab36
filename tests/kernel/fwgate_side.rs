//! fwgate's side of the comparison: one ruleset read once, then one answer per packet.

use crate::judge::{Final, Texts};
use fwgate::dialect::{InputFile, ReadOptions, read_device};
use fwgate::packet::{Field, Packet};
use fwgate::ruleset::{Decision, Hook, Opaque, Rewrite, Ruleset, Translation, interpret};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What fwgate says of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// `accept`, `drop` or `reject:KIND`, and the translation of an accepted packet.
    Word(String, Option<Box<Translation>>),
    /// It depends on these conditions.
    Depends(BTreeSet<String>),
}

/// Why fwgate has no ruleset.
pub enum Unread {
    /// The reader is not there yet.
    NotYet,
    /// What it did not understand.
    Problems(Vec<String>),
}

/// Reads a ruleset as one device.
pub fn read(texts: &Texts, addresses: &[String]) -> Result<Ruleset, Unread> {
    let named =
        [("rules.v4", &texts.v4), ("rules.v6", &texts.v6), ("sets.ipset", &texts.ipset), ("rules.nft", &texts.nft)];
    let files: Vec<InputFile> = named
        .into_iter()
        .filter_map(|(name, text)| {
            Some(InputFile { name: name.into(), bytes: text.as_ref()?.clone().into_bytes().into() })
        })
        .collect();
    let mut options = ReadOptions::default();
    if !addresses.is_empty() {
        options.facts.addresses = Some(addresses.iter().map(|a| a.parse().expect("a prefix")).collect());
    }
    read_device(&files, &options).map_err(|unreadable| {
        let problems = unreadable.problems.iter().map(|p| p.message.clone()).collect::<Vec<_>>();
        if problems.is_empty() { Unread::NotYet } else { Unread::Problems(problems) }
    })
}

/// fwgate's verdict. Connections that exist were not translated, and routing sends the packet where it is judged.
pub fn fwgate_verdict(ruleset: &Ruleset, hook: Hook, packet: &Packet) -> Said {
    let once = |others: bool| {
        let mut asked = BTreeSet::new();
        let mut ask = |opaque: &Opaque, _| match &*opaque.name {
            "ct status: dnat" | "ct status: snat" => false,
            "routing after DNAT" => true,
            name => {
                asked.insert(name.to_owned());
                others
            }
        };
        let outcome = interpret(ruleset, hook, packet, &mut ask).outcome;
        let word = match outcome.decision {
            Decision::Accept => "accept".to_owned(),
            Decision::Drop => "drop".to_owned(),
            Decision::Reject(kind) => format!("reject:{kind}"),
        };
        (word, outcome.translation.map(|t| Box::new((*t).clone())), asked)
    };
    let (no, yes) = (once(false), once(true));
    if (&no.0, &no.1) != (&yes.0, &yes.1) {
        return Said::Depends(no.2.union(&yes.2).cloned().collect());
    }
    Said::Word(no.0, no.1)
}

/// Where the end of an accepted packet's way is not what its translation makes of it.
pub fn wrong_end(packet: &Packet, translation: Option<&Translation>, end: &Final) -> Option<String> {
    let plain = Translation::default();
    let translation = translation.unwrap_or(&plain);
    let vague = translation.options.iter().any(|o| matches!(&**o, "masquerade" | "redirect" | "random" | "persistent"));
    let text = |n: u128| match packet.family {
        fwgate::packet::Family::V4 => Ipv4Addr::from(n as u32).to_string(),
        fwgate::packet::Family::V6 => Ipv6Addr::from(n).to_string(),
    };
    let number = |n: u128| n.to_string();
    let mut sides: Vec<(Field, &Option<Rewrite>, String)> =
        vec![(Field::Src, &translation.src, end.src.clone()), (Field::Dst, &translation.dst, end.dst.clone())];
    if let (Some(sport), Some(dport)) = (end.sport, end.dport) {
        sides.push((Field::Sport, &translation.sport, sport.to_string()));
        sides.push((Field::Dport, &translation.dport, dport.to_string()));
    }
    for (field, rewrite, found) in sides {
        let old = packet.get(field);
        let new = match rewrite {
            None if vague => continue,
            None => old,
            Some(Rewrite::To(ranges)) => match ranges.as_slice() {
                [(low, high)] if low == high => *low,
                _ => continue,
            },
            Some(Rewrite::Prefix { base, host }) => base | old & host,
            Some(_) => continue,
        };
        let expected = if matches!(field, Field::Src | Field::Dst) { text(new) } else { number(new) };
        if expected != found {
            return Some(format!("{}: fwgate {expected}, kernel {found}", field.name()));
        }
    }
    None
}
