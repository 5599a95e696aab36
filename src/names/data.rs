//! The data of a record out of its words: fields of the types that are understood, or hexadecimal bytes (RFC 3597).

use super::lexer::Word;
use super::name::Name;
use super::record::{Data, RecordType, Soa};
use super::ttl;
use crate::ruleset::Span;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Why words are no data of a type, and which of them are to blame.
pub(super) type Fault = (Span, String);

/// Reads the words behind the type.
pub(super) fn read(kind: RecordType, words: &[Word<'_>], at: Span, origin: Option<&Name>) -> Result<Data, Fault> {
    if words.first().is_some_and(|w| w.text == "\\#" && !w.is_quoted) {
        return generic(kind, words, at);
    }
    let mut fields = FieldsOf { words: words.iter(), at, origin, kind };
    let data = match kind {
        RecordType::A => Data::A(fields.parsed::<Ipv4Addr>("IPv4 address")?),
        RecordType::AAAA => Data::Aaaa(fields.parsed::<Ipv6Addr>("IPv6 address")?),
        RecordType::NS => Data::Ns(fields.name()?),
        RecordType::CNAME => Data::Cname(fields.name()?),
        RecordType::DNAME => Data::Dname(fields.name()?),
        RecordType::PTR => Data::Ptr(fields.name()?),
        RecordType::MX => Data::Mx { preference: fields.parsed("preference")?, exchange: fields.name()? },
        RecordType::SRV => Data::Srv {
            priority: fields.parsed("priority")?,
            weight: fields.parsed("weight")?,
            port: fields.parsed("port")?,
            target: fields.name()?,
        },
        RecordType::SOA => Data::Soa(Box::new(Soa {
            mname: fields.name()?,
            rname: fields.name()?,
            serial: fields.parsed("serial")?,
            refresh: fields.time("refresh")?,
            retry: fields.time("retry")?,
            expire: fields.time("expire")?,
            minimum: fields.time("minimum")?,
        })),
        _ if words.is_empty() => return Err((at, format!("this {kind} record says nothing"))),
        _ => return Ok(Data::Opaque(words.iter().map(written).collect())),
    };
    match fields.words.next() {
        None => Ok(data),
        Some(extra) => Err((extra.span, format!("`{}` is one word too many for a {kind} record", extra.text))),
    }
}

fn written(word: &Word<'_>) -> String {
    if word.is_quoted { format!("\"{}\"", word.text) } else { word.text.to_owned() }
}

struct FieldsOf<'a> {
    words: std::slice::Iter<'a, Word<'a>>,
    at: Span,
    origin: Option<&'a Name>,
    kind: RecordType,
}

impl<'a> FieldsOf<'a> {
    fn next(&mut self, what: &str) -> Result<&'a Word<'a>, Fault> {
        self.words.next().ok_or_else(|| (self.at, format!("this {} record has no {what}", self.kind)))
    }

    fn parsed<T: std::str::FromStr>(&mut self, what: &str) -> Result<T, Fault> {
        let word = self.next(what)?;
        // `parse` takes a plus sign in front of numbers; servers do not.
        let plain = Some(word.text).filter(|text| !text.starts_with('+') && !word.is_quoted);
        plain.and_then(|text| text.parse().ok()).ok_or_else(|| (word.span, format!("`{}` is no {what}", word.text)))
    }

    fn time(&mut self, what: &str) -> Result<u32, Fault> {
        let word = self.next(what)?;
        ttl::seconds(word.text).ok_or_else(|| (word.span, format!("`{}` is no length of time for {what}", word.text)))
    }

    fn name(&mut self) -> Result<Name, Fault> {
        let word = self.next("name")?;
        Name::parse(word.text, self.origin).map_err(|why| (word.span, no_name(word.text, why)))
    }
}

/// What is said of a text that is no name.
pub(super) fn no_name(text: &str, why: &str) -> String {
    format!("`{text}` is no domain name: {why}")
}

/// `\# LENGTH HEX...`: any type in bytes, those that are understood as well (RFC 3597 section 5).
fn generic(kind: RecordType, words: &[Word<'_>], at: Span) -> Result<Data, Fault> {
    let length = words.get(1).ok_or_else(|| (at, "`\\#` has no length".to_owned()))?;
    let wanted = length.text.parse::<u16>().map_err(|_| (length.span, format!("`{}` is no length", length.text)))?;
    let digits: String = words.iter().skip(2).map(|w| w.text).collect();
    let bytes = hex(&digits).ok_or_else(|| (at, "the bytes behind `\\#` are no hexadecimal digits".to_owned()))?;
    if bytes.len() != usize::from(wanted) {
        return Err((length.span, format!("`\\#` promises {wanted} bytes, and {} follow", bytes.len())));
    }
    let mut wire = Wire { bytes: &bytes };
    match of_wire(kind, &mut wire) {
        Some(data) if wire.bytes.is_empty() => Ok(data),
        None if !is_understood(kind) => Ok(Data::Opaque(words.iter().map(written).collect())),
        _ => Err((at, format!("these bytes are no data of a {kind} record"))),
    }
}

fn is_understood(kind: RecordType) -> bool {
    use RecordType as T;
    [T::A, T::NS, T::CNAME, T::SOA, T::PTR, T::MX, T::AAAA, T::SRV, T::DNAME].contains(&kind)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|d| d.len() % 2 == 0)?;
    digits.chunks_exact(2).map(|pair| u8::try_from(pair.first()? * 16 + pair.get(1)?).ok()).collect()
}

/// Data on the wire, without compression.
struct Wire<'a> {
    bytes: &'a [u8],
}

impl Wire<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = rest;
        Some(*head)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn name(&mut self) -> Option<Name> {
        let mut labels = Vec::new();
        loop {
            let [length] = self.take()?;
            match length {
                0 => return Name::of_labels(labels).ok(),
                1..=63 => {
                    let label = self.bytes.get(..usize::from(length))?;
                    labels.push(label.to_vec());
                    self.bytes = self.bytes.get(usize::from(length)..)?;
                }
                _ => return None,
            }
        }
    }
}

fn of_wire(kind: RecordType, wire: &mut Wire<'_>) -> Option<Data> {
    Some(match kind {
        RecordType::A => Data::A(Ipv4Addr::from(wire.take::<4>()?)),
        RecordType::AAAA => Data::Aaaa(Ipv6Addr::from(wire.take::<16>()?)),
        RecordType::NS => Data::Ns(wire.name()?),
        RecordType::CNAME => Data::Cname(wire.name()?),
        RecordType::DNAME => Data::Dname(wire.name()?),
        RecordType::PTR => Data::Ptr(wire.name()?),
        RecordType::MX => Data::Mx { preference: wire.u16()?, exchange: wire.name()? },
        RecordType::SRV => {
            Data::Srv { priority: wire.u16()?, weight: wire.u16()?, port: wire.u16()?, target: wire.name()? }
        }
        RecordType::SOA => Data::Soa(Box::new(Soa {
            mname: wire.name()?,
            rname: wire.name()?,
            serial: wire.u32()?,
            refresh: wire.u32()?,
            retry: wire.u32()?,
            expire: wire.u32()?,
            minimum: wire.u32()?,
        })),
        _ => return None,
    })
}
