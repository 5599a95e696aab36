//! Statements that match by something that no header says: rates, quotas, counts of connections, sets that rules
//! fill, and proxies.

use crate::dialect::Problem;
use crate::dialect::conditions::condition;
use crate::dialect::nftables::meaning::Parsed;
use crate::dialect::nftables::meaning::known::Packets;
use crate::dialect::nftables::meaning::rule::Reader;
use crate::dialect::nftables::meaning::sets;
use crate::dialect::nftables::meaning::types::Type;
use crate::dialect::nftables::meaning::value::{self, Value};
use crate::dialect::nftables::syntax::{Element, Expr, LimitSpec, Name, NamedKind, Statement, StatementKind};
use crate::dialect::rate::rate_text;
use crate::packet::{Family, Ranges};
use crate::ruleset::{Match, Negate, NfHook, OpaqueKind, Span};

const PER_RULE: OpaqueKind = OpaqueKind::PerRule;

fn over(is_over: bool) -> Negate {
    if is_over { Negate::Yes } else { Negate::No }
}

/// A rate, below or above.
pub fn limit(reader: &mut Reader<'_, '_>, limit: &LimitSpec) -> Parsed<()> {
    let found = match limit {
        LimitSpec::Named(name) => {
            let body = object(reader, NamedKind::Limit, name)?;
            let is_over = body.iter().any(|(key, _)| key == "over");
            let rate = limit_text(&object_limit(body));
            condition(format!("limit: {rate} object {}", name.text), PER_RULE).negated_if(over(is_over))
        }
        LimitSpec::Rate { over: is_over, .. } => {
            condition(format!("limit: {}", limit_text(limit)), PER_RULE).negated_if(over(*is_over))
        }
    };
    reader.only_if(found);
    Ok(())
}

/// A rate in the words that iptables shares: `10/second burst 5`.
fn limit_text(limit: &LimitSpec) -> String {
    let LimitSpec::Rate { rate, unit, per, burst, .. } = limit else { return String::new() };
    let packets = unit == "packets";
    let plain = format!("{rate}/{per}");
    let rate = match packets {
        true => rate_text(&plain).unwrap_or(plain),
        false => format!("{rate} {unit}/{per}"),
    };
    match burst {
        Some((burst, _)) if packets => format!("{rate} burst {burst}"),
        Some((burst, unit)) => format!("{rate} burst {burst} {unit}"),
        None if packets => format!("{rate} burst 5"),
        None => rate,
    }
}

/// The rate of a named object: `rate` and `burst` of its body.
fn object_limit(body: &[(String, String)]) -> LimitSpec {
    let of = |wanted: &str| body.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str());
    let split = |text: &str| {
        let (number, rest) = text.split_once(' ').unwrap_or((text, ""));
        (number.parse::<u64>().unwrap_or(0), rest.to_owned())
    };
    let (rate, unit) = split(of("rate").unwrap_or(""));
    let (unit, per) = unit.split_once('/').map_or((unit.as_str(), "second"), |(unit, per)| (unit, per));
    LimitSpec::Rate { over: false, rate, unit: unit.to_owned(), per: per.to_owned(), burst: of("burst").map(split) }
}

/// The body of a named object.
fn object<'s>(reader: &Reader<'s, '_>, kind: NamedKind, name: &Name) -> Parsed<&'s [(String, String)]> {
    let found = reader.scope.table.object(kind, &name.text);
    found.map(|o| o.body).ok_or_else(|| {
        Problem::new(name.span, format!("there is no object `{}` of this kind in the table", name.text))
            .help("a named object is declared in its table")
    })
}

fn object_text(name: &str, body: &[(String, String)]) -> String {
    let words: Vec<String> = body.iter().map(|(key, value)| format!(" {key} {value}")).collect();
    format!("object {name}{}", words.concat())
}

/// A quota, until it is used up or after.
pub fn quota(reader: &mut Reader<'_, '_>, is_over: bool, amount: &str, named: bool, span: Span) -> Parsed<()> {
    let found = if named {
        let name = Name { text: amount.to_owned(), span };
        let body = object(reader, NamedKind::Quota, &name)?;
        let is_over = body.iter().any(|(key, _)| key == "over");
        condition(format!("quota: {}", object_text(amount, body)), PER_RULE).negated_if(over(is_over))
    } else {
        condition(format!("quota: {}", bytes(amount)), PER_RULE).negated_if(over(is_over))
    };
    reader.only_if(found);
    Ok(())
}

/// An amount of bytes as a plain number, as iptables writes it.
fn bytes(amount: &str) -> String {
    let mut words = amount.split_whitespace();
    let number = words.next().and_then(|n| n.parse::<u64>().ok());
    let factor = match words.next() {
        None | Some("bytes") => Some(1),
        Some("kbytes") => Some(1 << 10),
        Some("mbytes") => Some(1 << 20),
        Some("gbytes") => Some(1 << 30),
        Some(_) => None,
    };
    number.zip(factor).and_then(|(n, f)| n.checked_mul(f)).map_or_else(|| amount.to_owned(), |n| n.to_string())
}

/// How many connections there are.
pub fn connections(reader: &mut Reader<'_, '_>, is_over: bool, count: u64) {
    reader.tracks = true;
    reader.only_if(condition(format!("ct count: {count}"), PER_RULE).negated_if(over(is_over)));
}

/// A key is added to a set. That decides nothing, but a rate of its own can keep the rule from going on.
pub fn update<'s>(reader: &mut Reader<'s, '_>, op: &str, set: &Name, element: &'s Element) -> Parsed<()> {
    let found = sets::find(reader, set)?;
    let selectors = reader.selectors(&element.key)?;
    sets::check_types(found, &selectors, set)?;
    for selector in &selectors {
        selector.guards.iter().for_each(|g| reader.only_if(g.clone()));
    }
    let words = sets::words(&selectors);
    for statement in element.statements.iter().filter(|s| sets::asks(s)) {
        let asked = element_condition(statement, op, &set.text, &words);
        reader.tracks |= matches!(statement.kind, StatementKind::ConnCount { .. });
        reader.only_if(asked);
    }
    Ok(())
}

fn element_condition(statement: &Statement, op: &str, set: &str, words: &str) -> Match {
    let (text, is_over) = match &statement.kind {
        StatementKind::Limit(limit @ LimitSpec::Rate { over, .. }) => (format!("limit {}", limit_text(limit)), *over),
        StatementKind::Quota { over, amount, .. } => (format!("quota {}", bytes(amount)), *over),
        StatementKind::ConnCount { over, count } => (format!("count {count}"), *over),
        _ => ("limit".to_owned(), false),
    };
    condition(format!("set: {op} {set} {words} {text}"), PER_RULE).negated_if(over(is_over))
}

/// The packet goes on only where a socket takes it.
pub fn tproxy(
    reader: &mut Reader<'_, '_>,
    family: Option<&str>,
    address: Option<&Expr>,
    port: Option<&Expr>,
    span: Span,
) -> Parsed<()> {
    let is_transport = |p: &u8| [6, 17].contains(p);
    if !reader.known.protocols.as_ref().is_some_and(|p| p.iter().all(is_transport)) {
        return Err(Problem::new(span, "a transparent proxy takes TCP and UDP only")
            .help("nft wants a match on the transport protocol before it in the same rule"));
    }
    reader.place("tproxy", &[NfHook::Prerouting], span);
    let family = match family {
        Some("ip6") => Some(Family::V6),
        Some(_) => Some(Family::V4),
        None => reader.scope.packets.family(),
    };
    if reader.scope.packets == Packets::Both
        && let Some(family) = family
    {
        let guard = reader.known.need_family(family, span)?;
        reader.only_if(guard);
    }
    let kind = if family == Some(Family::V6) { Type::Ipv6 } else { Type::Ipv4 };
    let mut words = String::from("tproxy");
    for (expr, kind) in [(address, kind), (port, Type::Service)] {
        match expr.map(|e| value::read(kind, e)).transpose() {
            Ok(Some(Value::Range(lo, hi))) => {
                let text = value::text(kind, &Ranges::range(lo, hi));
                words += &format!(" {}", text.split('/').next().unwrap_or(&text));
            }
            Ok(_) => {}
            Err(problem) => return Err(problem),
        }
    }
    // It looks for the sockets of whole datagrams: fragments are put together first (`nft_tproxy_init`).
    reader.tracks = true;
    reader.only_if(condition(words, OpaqueKind::Pure));
    Ok(())
}
