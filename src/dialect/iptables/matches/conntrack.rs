//! Matches on connections: conntrack and state (`net/netfilter/xt_conntrack.c`, `conntrack_mt`).
//!
//! The kernel judges the state first. A packet without a connection then matches if a state was asked for, and
//! all other options are skipped; where none was asked for, it never matches, negated or not.

use super::opaque::condition;
use super::{MatchSpec, Reader, Scope};
use crate::dialect::iptables::addresses;
use crate::dialect::iptables::numbers::{number, range};
use crate::dialect::iptables::options::{Given, Parsed, Use, value};
use crate::dialect::{Problem, nearest};
use crate::packet::{Family, Field, Ranges, State, protocol_by_name};
use crate::ruleset::{Match, Negate, OpaqueKind, TranslatedSide};

/// The modules of this file.
pub const MATCHES: &[MatchSpec] = &[
    MatchSpec::new(
        "conntrack",
        &[
            value("ctstate").not(),
            value("ctproto").not(),
            value("ctorigsrc").not(),
            value("ctorigdst").not(),
            value("ctreplsrc").not(),
            value("ctrepldst").not(),
            value("ctorigsrcport").not(),
            value("ctorigdstport").not(),
            value("ctreplsrcport").not(),
            value("ctrepldstport").not(),
            value("ctstatus").not(),
            value("ctexpire").not(),
            value("ctdir"),
        ],
        Reader::Partly(conntrack),
        "`--ctstate` and `--ctproto` exact; SNAT, DNAT, `--ctstatus`, `--ctdir`, `--ctorig*`, `--ctrepl*`, `--ctexpire` by condition",
    )
    .tracking(),
    MatchSpec::new("state", &[value("state").not()], Reader::Exact(state), "").tracking(),
];

fn state(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    let given = used.get("state").ok_or_else(|| used.wrong("`state` has no states").help("give `--state`"))?;
    states(given, &[])
}

fn conntrack(used: &Use<'_>, scope: &Scope<'_>) -> Parsed<Match> {
    if used.given.is_empty() {
        return Err(used.wrong("`conntrack` has no condition").help("give for example `--ctstate`"));
    }
    let state = used.get("ctstate").map(|g| states(g, &["SNAT", "DNAT"])).transpose()?;
    let others = used.given.iter().filter(|g| g.spec.name != "ctstate");
    let others = others.map(|g| connection(g, scope.family)).collect::<Parsed<Vec<_>>>()?;
    Ok(match state {
        None => Match::all(std::iter::once(Match::tracked()).chain(others)),
        Some(state) if others.is_empty() => state,
        Some(state) => {
            let untracked = Match::Not(Box::new(Match::tracked()));
            Match::all([state, Match::any([untracked, Match::all(others)])])
        }
    })
}

/// A list of states; `virtual_states` are those that only `--ctstate` has.
fn states(given: &Given<'_>, virtual_states: &[&str]) -> Parsed<Match> {
    let mut plain = Vec::new();
    let mut out = Vec::new();
    for name in given.text().split(',') {
        let upper = name.to_ascii_uppercase();
        match (upper.as_str(), State::by_name(name)) {
            (_, Some(state)) => plain.push(state.value()),
            ("SNAT", _) if virtual_states.contains(&"SNAT") => out.push(translated(TranslatedSide::Source)),
            ("DNAT", _) if virtual_states.contains(&"DNAT") => out.push(translated(TranslatedSide::Destination)),
            _ => return Err(unknown_state(given, name, virtual_states)),
        }
    }
    if !plain.is_empty() {
        out.insert(0, Match::ranges(Field::State, Ranges::from_values(plain)));
    }
    Ok(Match::any(out).negated_if(given.negate))
}

fn translated(side: TranslatedSide) -> Match {
    Match::all([Match::tracked(), Match::Translated(side)])
}

fn unknown_state(given: &Given<'_>, name: &str, virtual_states: &[&str]) -> Problem {
    let known: Vec<String> = State::ALL.iter().map(|s| s.name().to_ascii_uppercase()).collect();
    let all: Vec<&str> = known.iter().map(String::as_str).chain(virtual_states.iter().copied()).collect();
    let near = nearest(name, all.iter().copied()).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
    Problem::new(given.part(name), format!("there is no connection state `{name}`"))
        .help(format!("{near}the states are {}", all.join(" ")))
}

/// What one option says about a packet that has a connection.
fn connection(given: &Given<'_>, family: Family) -> Parsed<Match> {
    match given.spec.name {
        "ctproto" => protocol(given, family),
        "ctdir" => direction(given),
        "ctstatus" => status(given),
        "ctexpire" => expiry(given),
        name if name.ends_with("port") => {
            let (first, last) = range(given, given.text(), 65_535)?;
            let ports = if first == last { first.to_string() } else { format!("{first}:{last}") };
            Ok(pure(format!("conntrack: {name} {ports}"), given.negate))
        }
        name => {
            let net = addresses::network(given, given.text(), family)?;
            Ok(pure(format!("conntrack: {name} {}", network_text(net, family)), given.negate))
        }
    }
}

fn pure(name: String, negate: Negate) -> Match {
    condition(name, OpaqueKind::Pure).negated_if(negate)
}

/// The connection's protocol is the packet's, but for ICMP errors, which are related to a connection of any
/// protocol.
fn protocol(given: &Given<'_>, family: Family) -> Parsed<Match> {
    let text = given.text();
    let number = protocol_by_name(text)
        .filter(|p| *p != 0)
        .ok_or_else(|| given.wrong(format!("`{text}` is no protocol of a connection")))?;
    let error = Match::all([
        Match::ranges(Field::State, Ranges::one(State::Related.value())),
        Match::protocols([family.icmp()]),
    ]);
    let of_packet = Match::all([error.clone().negated_if(Negate::Yes), Match::protocols([number])]);
    let of_error = Match::all([error, condition(format!("conntrack: ctproto {number}"), OpaqueKind::Pure)]);
    Ok(Match::any([of_packet, of_error]).negated_if(given.negate))
}

/// A packet that sets up a connection goes in its original direction.
fn direction(given: &Given<'_>) -> Parsed<Match> {
    let new = Match::ranges(Field::State, Ranges::one(State::New.value()));
    let original = Match::any([new, condition("conntrack: ctdir ORIGINAL", OpaqueKind::Pure)]);
    match given.text().to_ascii_uppercase().as_str() {
        "ORIGINAL" => Ok(original),
        "REPLY" => Ok(original.negated_if(Negate::Yes)),
        _ => Err(given.wrong(format!("there is no direction `{}`", given.text())).help("write `ORIGINAL` or `REPLY`")),
    }
}

fn status(given: &Given<'_>) -> Parsed<Match> {
    let mut out = Vec::new();
    for name in given.text().split(',') {
        match name.to_ascii_uppercase().as_str() {
            "NONE" => {}
            known @ ("EXPECTED" | "SEEN_REPLY" | "ASSURED" | "CONFIRMED") => {
                out.push(condition(format!("conntrack: ctstatus {known}"), OpaqueKind::Pure));
            }
            _ => {
                return Err(Problem::new(given.part(name), format!("there is no connection status `{name}`"))
                    .help("the statuses are NONE EXPECTED SEEN_REPLY ASSURED CONFIRMED"));
            }
        }
    }
    Ok(Match::any(out).negated_if(given.negate))
}

fn expiry(given: &Given<'_>) -> Parsed<Match> {
    let (first, last) = match given.text().split_once(':') {
        Some(_) => range(given, given.text(), u32::MAX.into())?,
        None => number(given, given.text(), u32::MAX.into()).map(|n| (n, n))?,
    };
    let name = format!("conntrack: ctexpire {first}:{last}");
    Ok(condition(name, OpaqueKind::PerRule).negated_if(given.negate))
}

/// A network as `ADDRESS/LENGTH`, or with its mask in hexadecimal where it is no prefix.
fn network_text(net: addresses::Network, family: Family) -> String {
    let base = match family {
        Family::V4 => std::net::Ipv4Addr::from(net.value as u32).to_string(),
        Family::V6 => std::net::Ipv6Addr::from(net.value).to_string(),
    };
    match net.range(family) {
        Some(_) => format!("{base}/{}", net.mask.count_ones()),
        None => format!("{base}/{:#x}", net.mask),
    }
}
