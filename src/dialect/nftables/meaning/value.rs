//! Values: what words, numbers, ranges and prefixes mean once the type of what they are compared with is known.

use super::Parsed;
use super::types::Type;
use crate::dialect::nftables::syntax::{BinaryOp, Expr, ExprKind};
use crate::dialect::numbers::{parse_mac, parse_number};
use crate::dialect::{Problem, nearest};
use crate::packet::{IfacePattern, Ranges};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest interface name (`IFNAMSIZ` without its end).
const MAX_NAME: usize = 15;

/// A value of a type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Every number from the first to the last.
    Range(u128, u128),
    /// Interfaces by name.
    Interface(IfacePattern),
    /// Something that is no number here: names of groups, clock times, paths.
    Text(String),
}

/// Reads a value, range or prefix.
///
/// # Errors
/// Words that are no value of the type, numbers that do not fit, ranges that end before they begin.
pub fn read(kind: Type, expr: &Expr) -> Parsed<Value> {
    match &expr.kind {
        ExprKind::Range(first, last) => range(kind, expr, first, last),
        ExprKind::Prefix(base, length) => prefix(kind, base, *length),
        ExprKind::Word(text) | ExprKind::Quoted(text) => match named(kind, text) {
            Some(value) => Ok(value),
            None => word(kind, expr, text).map(|n| Value::Range(n, n)),
        },
        _ => number(kind, expr).map(|n| Value::Range(n, n)),
    }
}

/// Reads one number of the type: a constant, or constants joined by operators or, of bits, by commas.
///
/// # Errors
/// As `read`.
pub fn number(kind: Type, expr: &Expr) -> Parsed<u128> {
    match &expr.kind {
        ExprKind::Word(text) | ExprKind::Quoted(text) => word(kind, expr, text),
        ExprKind::Binary(op, left, right) => {
            let wide = if matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight) { Type::Integer(32) } else { kind };
            apply(*op, number(kind, left)?, number(wide, right)?, kind)
                .ok_or_else(|| Problem::new(expr.span, "the bits are shifted out of the value"))
        }
        ExprKind::List(parts) if kind.is_bits() => {
            parts.iter().try_fold(0, |bits, part| number(kind, part).map(|n| bits | n))
        }
        // `a . b` of classes: `1:2` is read as a word, so that nothing else is a number.
        _ => Err(Problem::new(expr.span, format!("this is no value of type {}", kind.name()))
            .help("expected is a constant; expressions of the packet stand on the left side")),
    }
}

/// The result of an operator on two numbers of a type.
pub fn apply(op: BinaryOp, left: u128, right: u128, kind: Type) -> Option<u128> {
    let shift = u32::try_from(right).ok().filter(|n| *n < 128);
    Some(match op {
        BinaryOp::And => left & right,
        BinaryOp::Or => left | right,
        BinaryOp::Xor => left ^ right,
        BinaryOp::ShiftLeft => (left << shift?) & kind.max(),
        BinaryOp::ShiftRight => left >> shift?,
    })
}

/// Values that are names and not numbers.
fn named(kind: Type, text: &str) -> Option<Value> {
    match kind {
        Type::InterfaceName | Type::InterfaceIndex if kind == Type::InterfaceName || parse_number(text).is_none() => {
            (text.len() <= MAX_NAME + 1 && !text.is_empty()).then(|| Value::Interface(pattern(text)))
        }
        Type::Text | Type::Time | Type::Hour | Type::Cgroup => Some(Value::Text(text.to_owned())),
        Type::User | Type::Group | Type::Realm | Type::DeviceGroup | Type::CtLabel | Type::ClassId => {
            let plain = parse_number(text).is_none() && kind.symbol(text).is_none();
            plain.then(|| Value::Text(text.to_owned()))
        }
        _ => None,
    }
}

/// `eth0`, or `eth*` for every name that begins so; `\*` is the character itself.
fn pattern(text: &str) -> IfacePattern {
    match text.strip_suffix('*') {
        Some(escaped) if escaped.ends_with('\\') => IfacePattern::exact(text.replace("\\*", "*")),
        Some(prefix) => IfacePattern::prefix(prefix),
        None => IfacePattern::exact(text),
    }
}

fn range(kind: Type, expr: &Expr, first: &Expr, last: &Expr) -> Parsed<Value> {
    if matches!(kind, Type::Text | Type::Time | Type::Hour | Type::Cgroup) {
        return Ok(Value::Text(format!("{}-{}", plain_text(first), plain_text(last))));
    }
    let (first, last) = (number(kind, first)?, range_end(kind, last)?);
    if first > last {
        return Err(Problem::new(expr.span, "the range ends before it begins").help("write the smaller value first"));
    }
    Ok(Value::Range(first, last))
}

/// The last value of a range. Where the interval of a set has no end, nft 1.0.6 lists whole bytes of ones, which a field
/// of other width does not hold: `ip ecn { 0x2-0xff }`, `vlan id { 4000-65535 }`.
fn range_end(kind: Type, expr: &Expr) -> Parsed<u128> {
    let bytes = kind.bits().next_multiple_of(8);
    let ones = if bytes < 128 { (1u128 << bytes) - 1 } else { u128::MAX };
    match &expr.kind {
        ExprKind::Word(text) if bytes != kind.bits() && wide_number(text) == Some(ones) => Ok(kind.max()),
        _ => number(kind, expr),
    }
}

fn plain_text(expr: &Expr) -> &str {
    match &expr.kind {
        ExprKind::Word(text) | ExprKind::Quoted(text) => text,
        _ => "?",
    }
}

fn prefix(kind: Type, base: &Expr, length: u32) -> Parsed<Value> {
    let bits = kind.bits();
    if length > bits {
        let message = format!("a prefix of type {} has at most {bits} bits", kind.name());
        return Err(Problem::new(base.span, message));
    }
    let base = number(kind, base)?;
    let host = if bits == length { 0 } else { kind.max() >> length };
    Ok(Value::Range(base & !host, base | host))
}

fn word(kind: Type, expr: &Expr, text: &str) -> Parsed<u128> {
    let found = match kind {
        // A bare number is the whole address (`inet_aton(3)`).
        Type::Ipv4 => text.parse::<Ipv4Addr>().ok().map(|a| u128::from(u32::from(a))).or_else(|| wide_number(text)),
        Type::Ipv6 => text.parse::<Ipv6Addr>().ok().map(u128::from),
        Type::Ether => parse_mac(text),
        Type::ClassId => class(text),
        _ => kind.symbol(text).or_else(|| wide_number(text)),
    };
    match found {
        Some(value) if value <= kind.max() => Ok(value),
        Some(_) => Err(Problem::new(expr.span, format!("`{text}` does not fit into {} bits", kind.bits()))),
        None => Err(no_value(kind, expr, text)),
    }
}

fn wide_number(text: &str) -> Option<u128> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match hex {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => u128::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => parse_number(text).map(u128::from),
    }
}

/// `MAJOR:MINOR` in hexadecimal (`tc(8)`).
fn class(text: &str) -> Option<u128> {
    match (text, text.split_once(':')) {
        ("root", _) => Some(u32::MAX.into()),
        ("none", _) => Some(0),
        (_, Some((major, minor))) => {
            let part = |t: &str| if t.is_empty() { Some(0) } else { u16::from_str_radix(t, 16).ok() };
            Some(u128::from(part(major)?) << 16 | u128::from(part(minor)?))
        }
        _ => wide_number(text),
    }
}

fn no_value(kind: Type, expr: &Expr, text: &str) -> Problem {
    let problem = Problem::new(expr.span, format!("`{text}` is no value of type {}", kind.name()));
    if matches!(kind, Type::Ipv4 | Type::Ipv6) {
        let other = text.parse::<std::net::IpAddr>().is_ok();
        return problem.help(if other {
            "the address is of the other family"
        } else {
            "a host name means what the loading machine resolves it to; write its addresses"
        });
    }
    let near = match kind {
        Type::Service => nearest(text, crate::dialect::numbers::service_names()),
        _ => nearest(text, kind.symbols()),
    };
    problem.help_if(near.map(|n| format!("did you mean `{n}`?")))
}

/// Ranges in words, as they stand in names of conditions; networks and ports as iptables writes them.
pub fn text(kind: Type, values: &Ranges) -> String {
    let texts: Vec<String> = values.as_slice().iter().map(|&(lo, hi)| range_text(kind, lo, hi)).collect();
    texts.join(",")
}

fn range_text(kind: Type, lo: u128, hi: u128) -> String {
    let one = |value: u128| match kind {
        Type::Ipv4 => Ipv4Addr::from(value as u32).to_string(),
        Type::Ipv6 => Ipv6Addr::from(value).to_string(),
        Type::Mark | Type::Realm | Type::DeviceGroup | Type::ClassId => format!("{value:#x}"),
        _ => value.to_string(),
    };
    let host = lo ^ hi;
    let is_network = host & host.wrapping_add(1) == 0 && lo & host == 0;
    match kind {
        Type::Ipv4 | Type::Ipv6 if is_network => format!("{}/{}", one(lo), kind.bits() - host.count_ones()),
        _ if lo == hi => one(lo),
        Type::Service => format!("{lo}:{hi}"),
        _ => format!("{}-{}", one(lo), one(hi)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::ruleset::Span;

    fn of(kind: ExprKind) -> Expr {
        Expr { kind, span: Span::default() }
    }

    fn word(text: &str) -> Expr {
        of(ExprKind::Word(text.into()))
    }

    #[test]
    fn words_are_read_by_their_type() {
        assert_eq!(number(Type::Service, &word("ssh")).unwrap(), 22);
        assert_eq!(number(Type::Protocol, &word("icmpv6")).unwrap(), 58);
        assert_eq!(number(Type::Integer(16), &word("0x1f")).unwrap(), 31);
        assert!(number(Type::Integer(8), &word("256")).is_err());
        assert!(number(Type::Ipv4, &word("::1")).is_err());
        assert_eq!(read(Type::InterfaceName, &word("eth*")).unwrap(), Value::Interface(IfacePattern::prefix("eth")));
    }

    #[test]
    fn ends_of_listed_intervals_are_the_largest_value() {
        let range = |first: &str, last: &str| of(ExprKind::Range(Box::new(word(first)), Box::new(word(last))));
        assert_eq!(read(Type::Ecn, &range("0x2", "0xff")).unwrap(), Value::Range(2, 3));
        assert_eq!(read(Type::Integer(12), &range("4000", "65535")).unwrap(), Value::Range(4000, 4095));
        assert!(read(Type::Ecn, &range("0x2", "0x1f")).is_err() && number(Type::Ecn, &word("0xff")).is_err());
    }

    #[test]
    fn prefixes_lose_their_host_bits_and_lists_of_flags_join() {
        let net = of(ExprKind::Prefix(Box::new(word("10.1.2.3")), 8));
        assert_eq!(read(Type::Ipv4, &net).unwrap(), Value::Range(0x0a00_0000, 0x0aff_ffff));
        let whole = of(ExprKind::Prefix(Box::new(word("::")), 0));
        assert_eq!(read(Type::Ipv6, &whole).unwrap(), Value::Range(0, u128::MAX));
        let flags = of(ExprKind::List(vec![word("syn"), word("ack")]));
        assert_eq!(number(Type::TcpFlag, &flags).unwrap(), 0x12);
    }
}
