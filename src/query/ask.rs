//! The language of `fwgate query`: packets in words.
//!
//! A query is a list of clauses in any order, each at most once; values are joined by commas, and `!` in front of
//! the first value means any but those. What is not said is free.
//!
//! ```text
//! query   = { clause } [ answer ]
//! clause  = "from" addresses | "to" addresses      10.0.0.5  10.0.0.0/8  10.0.0.1-10.0.0.9  2001:db8::/32  a name  any
//!         | "proto" protocols                      tcp  udp  icmp  gre  47
//!         | "port" ports | "sport" ports           22  1024-65535        (port: the destination's)
//!         | "icmp" types                           echo-request  8       (type of the family's ICMP)
//!         | "flags" flags                          syn  syn|ack          (exactly these TCP flags)
//!         | "state" states                         new  established  related  invalid  untracked
//!         | "iif" names | "oif" names              eth0  eth+
//!         | "mark" number                          0  0x10
//! answer  = "accepted" | "dropped" | "rejected" | "blocked" | "depends"
//! ```
//!
//! `port` without `proto` means every protocol that has ports. For example:
//! `to 10.0.0.5 port 22 proto tcp from 10.0.0.0/8 state new iif eth0 accepted`.

use super::reach::Fate;
use super::select::{Addresses, InterfaceChoice, Selection};
use super::words::{Word, address_range, icmp_types, ports, protocols, states, words};
use crate::packet::{ByteSet, Family, Field, IfacePattern, IfaceSide, Ranges, Values, tcp_flags_by_names};
use std::collections::BTreeMap;
use std::ops::Range;

/// Which answers a query wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Wanted {
    /// All of them.
    #[default]
    All,
    /// Packets that pass.
    Accepted,
    /// Packets that vanish.
    Dropped,
    /// Packets that are refused with an answer.
    Rejected,
    /// Packets that vanish or are refused.
    Blocked,
    /// Packets whose fate depends on opaque conditions.
    Depends,
}

impl Wanted {
    /// Whether packets of this fate are wanted.
    pub fn includes(self, fate: &Fate) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Accepted => *fate == Fate::Accepted,
            Wanted::Dropped => *fate == Fate::Dropped,
            Wanted::Rejected => matches!(fate, Fate::Rejected(_)),
            Wanted::Blocked => matches!(fate, Fate::Dropped | Fate::Rejected(_)),
            Wanted::Depends => *fate == Fate::Depends,
        }
    }
}

/// A query that was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    from: Option<Addresses>,
    to: Option<Addresses>,
    icmp: Option<[Ranges; 2]>,
    rest: Selection,
    /// The answers to show.
    pub wanted: Wanted,
}

/// What is wrong with a query, and where: bytes of its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// Where.
    pub span: Range<usize>,
    /// What.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Query {
    /// The packets of one family that the query is about; `None` where it names addresses of the other only.
    pub fn selection(&self, family: Family) -> Option<Selection> {
        let mut selection = self.rest.clone();
        for (field, addresses) in [(Field::Src, &self.from), (Field::Dst, &self.to)] {
            if let Some(addresses) = addresses {
                let own = addresses.of(family);
                if own.is_empty() {
                    return None;
                }
                selection = selection.with(field, Values::Ranges(own.clone()));
            }
        }
        if let Some(types) = &self.icmp {
            let own = &types[usize::from(family == Family::V6)];
            if own.is_empty() {
                return None;
            }
            let proto = Ranges::one(u128::from(family.icmp()));
            selection = selection.with(Field::Proto, Values::Ranges(proto));
            selection = selection.with(Field::IcmpType, Values::Ranges(own.clone()));
        }
        Some(selection)
    }
}

const CLAUSES: &[&str] = &["from", "to", "proto", "port", "sport", "icmp", "flags", "state", "iif", "oif", "mark"];
const ANSWERS: &[(&str, Wanted)] = &[
    ("accepted", Wanted::Accepted),
    ("dropped", Wanted::Dropped),
    ("rejected", Wanted::Rejected),
    ("blocked", Wanted::Blocked),
    ("depends", Wanted::Depends),
];

/// Reads a query. `names` are address sets that may stand for addresses.
///
/// # Errors
/// The first thing that is not understood, with its place and the nearest known word.
pub fn parse_query(text: &str, names: &BTreeMap<String, Addresses>) -> Result<Query, QueryError> {
    let mut reader = Reader { names, query: Query::default(), seen: Vec::new() };
    let mut words = words(text).peekable();
    while let Some(word) = words.next() {
        if let Some((_, wanted)) = ANSWERS.iter().find(|(name, _)| *name == word.text) {
            reader.once(&word, "the answer")?;
            reader.query.wanted = *wanted;
            continue;
        }
        let Some(clause) = CLAUSES.iter().find(|c| **c == word.text) else {
            let known = CLAUSES.iter().copied().chain(ANSWERS.iter().map(|(name, _)| *name));
            return Err(word.unknown("word", known));
        };
        reader.once(&word, clause)?;
        let Some(values) = words.next() else {
            return word.fail(format!("`{clause}` needs a value"));
        };
        reader.clause(clause, values)?;
    }
    Ok(reader.finish())
}

struct Reader<'n> {
    names: &'n BTreeMap<String, Addresses>,
    query: Query,
    seen: Vec<String>,
}

impl Reader<'_> {
    fn once(&mut self, word: &Word<'_>, what: &str) -> Result<(), QueryError> {
        if self.seen.iter().any(|s| s == what) {
            return word.fail(format!("`{}` says {what} a second time", word.text));
        }
        self.seen.push(what.to_owned());
        Ok(())
    }

    fn clause(&mut self, clause: &str, values: Word<'_>) -> Result<(), QueryError> {
        let (excluded, list) = values.list();
        match clause {
            "from" => self.query.from = Some(self.addresses(excluded, &list)?),
            "to" => self.query.to = Some(self.addresses(excluded, &list)?),
            "proto" => self.put(Field::Proto, excluded, protocols(&list)?),
            "port" => self.put(Field::Dport, excluded, ports(&list)?),
            "sport" => self.put(Field::Sport, excluded, ports(&list)?),
            "state" => self.put(Field::State, excluded, states(&list)?),
            "icmp" => self.query.icmp = Some(icmp_types(excluded, &list)?),
            "flags" => self.flags(excluded, &list)?,
            "iif" => self.interface(IfaceSide::In, excluded, &list),
            "oif" => self.interface(IfaceSide::Out, excluded, &list),
            _ => self.mark(excluded, values)?,
        }
        Ok(())
    }

    fn put(&mut self, field: Field, excluded: bool, ranges: Ranges) {
        let ranges = if excluded { ranges.complement(field.max(Family::V4)) } else { ranges };
        self.query.rest.fields.push((field, Values::Ranges(ranges)));
    }

    fn addresses(&self, excluded: bool, list: &[Word<'_>]) -> Result<Addresses, QueryError> {
        let mut all = Addresses::default();
        for word in list {
            all = all.union(&self.address(word)?);
        }
        Ok(if excluded { all.complement() } else { all })
    }

    fn address(&self, word: &Word<'_>) -> Result<Addresses, QueryError> {
        if word.text == "any" {
            return Ok(Addresses::any());
        }
        if let Some(named) = self.names.get(word.text) {
            return Ok(named.clone());
        }
        if let Some(found) = address_range(word.text) {
            return Ok(found);
        }
        if word.text.starts_with(|c: char| c.is_ascii_digit()) || word.text.contains(':') {
            return word.fail(format!("`{}` is no address, prefix or range", word.text));
        }
        Err(word.unknown("address or name", self.names.keys().map(String::as_str).chain(["any"])))
    }

    fn flags(&mut self, excluded: bool, list: &[Word<'_>]) -> Result<(), QueryError> {
        let mut set = ByteSet::EMPTY;
        for word in list {
            let Some(bits) = tcp_flags_by_names(word.text) else {
                return word.fail(format!("unknown flag in `{}`: fin syn rst psh ack urg ece cwr", word.text));
            };
            set = set.union(ByteSet::from_fn(|v| v == bits));
        }
        let set = if excluded { ByteSet::FULL.subtract(set) } else { set };
        self.query.rest.fields.push((Field::TcpFlags, Values::Flags(set)));
        Ok(())
    }

    fn interface(&mut self, side: IfaceSide, excluded: bool, list: &[Word<'_>]) {
        let pattern = |word: &Word<'_>| match word.text.strip_suffix(['+', '*']) {
            Some(prefix) => IfacePattern::prefix(prefix),
            None => IfacePattern::exact(word.text),
        };
        let patterns = list.iter().map(pattern).collect();
        self.query.rest.interfaces.push(InterfaceChoice { side, patterns, excluded });
    }

    fn mark(&mut self, excluded: bool, word: Word<'_>) -> Result<(), QueryError> {
        let value = match word.text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => word.text.parse().ok(),
        };
        match value {
            Some(value) if !excluded => {
                let values = Values::one(Field::Mark, u128::from(value));
                self.query.rest.fields.push((Field::Mark, values));
                Ok(())
            }
            _ => word.fail(format!("`{}` is no mark: one number of 32 bits", word.text)),
        }
    }

    /// Layer-4 fields exist only behind protocols that have them.
    fn finish(mut self) -> Query {
        let has = |field: Field, query: &Query| query.rest.fields.iter().any(|(f, _)| *f == field);
        let ports = has(Field::Sport, &self.query) || has(Field::Dport, &self.query);
        if ports {
            let with_ports = Ranges::from_values([6, 17, 33, 132, 136]);
            self.query.rest.fields.insert(0, (Field::Proto, Values::Ranges(with_ports)));
        }
        if has(Field::TcpFlags, &self.query) {
            self.query.rest.fields.insert(0, (Field::Proto, Values::Ranges(Ranges::one(6))));
        }
        self.query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Query, QueryError> {
        let office = address_range("10.20.0.0/16").expect("a prefix");
        parse_query(text, &BTreeMap::from([("office".to_owned(), office)]))
    }

    #[test]
    fn the_example_of_the_documentation_is_understood() {
        let query = parse("to 10.0.0.5 port 22 proto tcp from 10.0.0.0/8 state new iif eth0 accepted").expect("query");
        assert_eq!(query.wanted, Wanted::Accepted);
        assert!(query.selection(Family::V6).is_none());
        let selection = query.selection(Family::V4).expect("IPv4");
        assert!(selection.fields.contains(&(Field::Dport, Values::Ranges(Ranges::one(22)))));
        assert!(selection.fields.contains(&(Field::Dst, Values::Ranges(Ranges::one(0x0a00_0005)))));
        assert_eq!(selection.patterns(), [IfacePattern::exact("eth0")]);
    }

    #[test]
    fn names_lists_and_exclusions_are_understood() {
        let query = parse("from !office,10.0.0.1-10.0.0.9 icmp echo-request").expect("query");
        let v4 = query.selection(Family::V4).expect("IPv4");
        let own = |field| v4.fields.iter().find(|(f, _)| *f == field).map(|(_, v)| v.clone());
        assert!(own(Field::Src).is_some_and(|v| !v.contains(0x0a14_0001) && !v.contains(0x0a00_0001) && v.contains(1)));
        assert_eq!(own(Field::IcmpType), Some(Values::Ranges(Ranges::one(8))));
        assert!(query.selection(Family::V6).is_some(), "any IPv6 source is not in the office");
    }

    #[test]
    fn mistakes_are_shown_where_they_are_with_the_nearest_word() {
        let bad = |text: &str| parse(text).expect_err("refused");
        let error = bad("to 10.0.0.5 prot tcp");
        assert_eq!((error.span.clone(), error.help), (12..16, Some("did you mean `proto`?".into())));
        assert_eq!(bad("from offise").help, Some("did you mean `office`?".into()));
        assert_eq!(bad("port 1,70000").span, 7..12);
        assert!(bad("from 10.0.0.300").message.contains("10.0.0.300"));
        assert!(bad("to any to any").message.contains("second time"));
        assert!(bad("port").message.contains("needs a value"));
    }
}
