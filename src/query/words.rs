//! The words of a query and the values they stand for, each with its place.

use super::ask::QueryError;
use super::select::Addresses;
use crate::packet::{Family, Ranges, State, icmp_type_by_name, protocol_by_name};
use std::cmp::Reverse;
use std::net::IpAddr;

/// A piece of the text and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'t> {
    /// Its characters.
    pub(super) text: &'t str,
    at: usize,
}

impl<'t> Word<'t> {
    fn error(&self, message: String, help: Option<String>) -> QueryError {
        QueryError { span: self.at..self.at + self.text.len(), message, help }
    }

    /// An error here.
    pub(super) fn fail<T>(&self, message: String) -> Result<T, QueryError> {
        Err(self.error(message, None))
    }

    /// A word that is none of the known ones, with the nearest of them.
    pub(super) fn unknown<'k>(&self, what: &str, known: impl Iterator<Item = &'k str>) -> QueryError {
        // Of words at the same distance the one that begins alike is meant.
        let alike = |k: &str| k.bytes().zip(self.text.bytes()).take_while(|(a, b)| a == b).count();
        let near = known.map(|k| (strsim::damerau_levenshtein(k, self.text), Reverse(alike(k)), k)).min();
        let near = near.filter(|(distance, _, k)| *distance <= 1 + k.len() / 4).map(|(_, _, k)| k);
        self.error(format!("unknown {what} `{}`", self.text), near.map(|k| format!("did you mean `{k}`?")))
    }

    /// The values between commas, and whether they are excluded.
    pub(super) fn list(self) -> (bool, Vec<Word<'t>>) {
        let (excluded, body) = match self.text.strip_prefix('!') {
            Some(body) => (true, Word { text: body, at: self.at + 1 }),
            None => (false, self),
        };
        let mut at = body.at;
        let parts = body.text.split(',').map(|text| {
            let word = Word { text, at };
            at += text.len() + 1;
            word
        });
        (excluded, parts.collect())
    }
}

/// The words of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    text.split_whitespace().map(|word| Word { text: word, at: word.as_ptr() as usize - text.as_ptr() as usize })
}

/// An address, a prefix, or `first-last`.
pub(super) fn address_range(text: &str) -> Option<Addresses> {
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
        None => match text.parse::<ipnet::IpNet>() {
            Ok(net) => (net.network(), net.broadcast()),
            Err(_) => {
                let one: IpAddr = text.parse().ok()?;
                (one, one)
            }
        },
    };
    match (first, last) {
        (IpAddr::V4(a), IpAddr::V4(b)) if a <= b => Some(Addresses {
            v4: Ranges::range(u128::from(u32::from(a)), u128::from(u32::from(b))),
            v6: Ranges::empty(),
        }),
        (IpAddr::V6(a), IpAddr::V6(b)) if a <= b => {
            Some(Addresses { v4: Ranges::empty(), v6: Ranges::range(u128::from(a), u128::from(b)) })
        }
        _ => None,
    }
}

/// Protocol numbers of names and numbers.
pub(super) fn protocols(list: &[Word<'_>]) -> Result<Ranges, QueryError> {
    let usual = ["tcp", "udp", "icmp", "icmpv6", "sctp", "dccp", "udplite", "gre", "esp", "ah"];
    let one = |word: &Word<'_>| match protocol_by_name(word.text) {
        Some(number) => Ok(u128::from(number)),
        None => Err(word.unknown("protocol", usual.into_iter())),
    };
    list.iter().map(one).collect::<Result<Vec<_>, _>>().map(Ranges::from_values)
}

/// Ports and ranges of ports.
pub(super) fn ports(list: &[Word<'_>]) -> Result<Ranges, QueryError> {
    let port = |text: &str| text.parse::<u16>().ok().map(u128::from);
    let one = |word: &Word<'_>| {
        let range = match word.text.split_once('-') {
            Some((lo, hi)) => port(lo).zip(port(hi)),
            None => port(word.text).map(|p| (p, p)),
        };
        match range.filter(|(lo, hi)| lo <= hi) {
            Some(range) => Ok(range),
            None => word.fail(format!("`{}` is no port or range of ports from 0 to 65535", word.text)),
        }
    };
    list.iter().map(one).collect::<Result<Vec<_>, _>>().map(Ranges::from_unsorted)
}

/// Conntrack states.
pub(super) fn states(list: &[Word<'_>]) -> Result<Ranges, QueryError> {
    let one = |word: &Word<'_>| match State::by_name(word.text) {
        Some(state) => Ok(state.value()),
        None => Err(word.unknown("state", State::ALL.into_iter().map(State::name))),
    };
    list.iter().map(one).collect::<Result<Vec<_>, _>>().map(Ranges::from_values)
}

/// The types of both families, in the order of `Family::ALL`; a name that one family lacks is none of its types.
pub(super) fn icmp_types(excluded: bool, list: &[Word<'_>]) -> Result<[Ranges; 2], QueryError> {
    let mut out = [Vec::new(), Vec::new()];
    for word in list {
        let number = word.text.parse::<u8>().ok();
        let mut known = false;
        for (family, types) in Family::ALL.into_iter().zip(&mut out) {
            let found = number.or_else(|| icmp_type_by_name(family, word.text).map(|(t, _)| t));
            known |= found.is_some();
            types.extend(found.map(u128::from));
        }
        if !known {
            return Err(word.unknown("ICMP type", ["echo-request", "echo-reply", "time-exceeded"].into_iter()));
        }
    }
    Ok(out.map(|types| {
        let types = Ranges::from_values(types);
        if excluded { types.complement(255) } else { types }
    }))
}
