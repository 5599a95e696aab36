//! Matches on layer-4 headers with ports: tcp, udp, udplite, sctp, dccp, and multiport
//! (`net/netfilter/xt_tcpudp.c`, `xt_sctp.c`, `xt_dccp.c`, `xt_multiport.c`).

use super::opaque::condition;
use super::{MatchSpec, Reader, Scope};
use crate::dialect::iptables::numbers::{need_protocol, number, port_range};
use crate::dialect::iptables::options::{Given, OptionSpec, Parsed, Use, flag, pair, value};
use crate::dialect::{Problem, nearest};
use crate::packet::{ByteSet, Field, Ranges, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, Values, tcp_flags_by_names};
use crate::ruleset::{Match, OpaqueKind};

const SPORT: OptionSpec = value("sport").or(&["source-port"]).not();
const DPORT: OptionSpec = value("dport").or(&["destination-port"]).not();

/// The modules of this file.
pub const MATCHES: &[MatchSpec] = &[
    MatchSpec::new(
        "tcp",
        &[SPORT, DPORT, pair("tcp-flags").not(), flag("syn").not(), value("tcp-option").not()],
        Reader::Partly(tcp),
        "exact but for `--tcp-option`",
    ),
    MatchSpec::new("udp", &[SPORT, DPORT], Reader::Exact(|u, _| plain_ports(u, "udp", 17)), ""),
    MatchSpec::new("udplite", &[SPORT, DPORT], Reader::Exact(|u, _| plain_ports(u, "udplite", 136)), ""),
    MatchSpec::new(
        "sctp",
        &[SPORT, DPORT, pair("chunk-types").not()],
        Reader::Partly(sctp),
        "exact but for `--chunk-types`",
    ),
    MatchSpec::new(
        "dccp",
        &[SPORT, DPORT, value("dccp-types").not(), value("dccp-option").not()],
        Reader::Partly(dccp),
        "exact but for types and options",
    ),
    MatchSpec::new(
        "multiport",
        &[
            value("sports").or(&["source-ports"]).not(),
            value("dports").or(&["destination-ports"]).not(),
            value("ports").not(),
        ],
        Reader::Exact(multiport),
        "`--ports` matches either side",
    ),
];

fn tcp(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    need_protocol(used, "tcp", &[6])?;
    let inner = used.given.iter().map(|given| match given.spec.name {
        "tcp-flags" => tcp_flags(given),
        "syn" => Ok(flags_match(TCP_SYN, TCP_SYN | TCP_RST | TCP_ACK | TCP_FIN).negated_if(given.negate)),
        "tcp-option" => tcp_option(given),
        _ => port(given),
    });
    Ok(Match::layer4(&[6], Match::all(inner.collect::<Parsed<Vec<_>>>()?)))
}

fn tcp_option(given: &Given<'_>) -> Parsed<Match> {
    let kind = number(given, given.text(), 255)?;
    Ok(condition(format!("tcp: tcp-option {kind}"), OpaqueKind::Pure).negated_if(given.negate))
}

fn plain_ports(used: &Use<'_>, name: &str, protocol: u8) -> Parsed<Match> {
    need_protocol(used, name, &[protocol])?;
    let inner = used.given.iter().map(port).collect::<Parsed<Vec<_>>>()?;
    Ok(Match::layer4(&[protocol], Match::all(inner)))
}

fn sctp(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    need_protocol(used, "sctp", &[132])?;
    let inner = used.given.iter().map(|given| match given.spec.name {
        "chunk-types" => chunk_types(given),
        _ => port(given),
    });
    Ok(Match::layer4(&[132], Match::all(inner.collect::<Parsed<Vec<_>>>()?)))
}

fn chunk_types(given: &Given<'_>) -> Parsed<Match> {
    let how = given.text();
    if !["all", "any", "only"].contains(&how) {
        return Err(given.wrong(format!("`{how}` does not say which chunks")).help("write `all`, `any` or `only`"));
    }
    let mut types: Vec<&str> = given.values.get(1).map_or("", |w| &w.text).split(',').collect();
    types.sort_unstable();
    let name = format!("sctp: chunk-types {how} {}", types.join(","));
    Ok(condition(name, OpaqueKind::Pure).negated_if(given.negate))
}

fn dccp(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    need_protocol(used, "dccp", &[33])?;
    let inner = used.given.iter().map(|given| match given.spec.name {
        "sport" | "dport" => port(given),
        other => {
            let mut values: Vec<&str> = given.text().split(',').collect();
            values.sort_unstable();
            let name = format!("dccp: {other} {}", values.join(","));
            Ok(condition(name, OpaqueKind::Pure).negated_if(given.negate))
        }
    });
    Ok(Match::layer4(&[33], Match::all(inner.collect::<Parsed<Vec<_>>>()?)))
}

fn port(given: &Given<'_>) -> Parsed<Match> {
    let field = if given.spec.name == "sport" { Field::Sport } else { Field::Dport };
    let (first, last) = port_range(given, given.text())?;
    Ok(Match::ranges(field, Ranges::range(first.into(), last.into())).negated_if(given.negate))
}

fn multiport(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    let protocol = need_protocol(used, "multiport", &[6, 17, 136, 132, 33])?;
    let [given] = used.given.as_slice() else {
        return Err(used.wrong("`multiport` takes exactly one list").help("give `--sports`, `--dports` or `--ports`"));
    };
    let ports = port_list(given)?;
    let on = |field| Match::ranges(field, ports.clone());
    let hit = match given.spec.name {
        "sports" => on(Field::Sport),
        "dports" => on(Field::Dport),
        _ => Match::any([on(Field::Sport), on(Field::Dport)]),
    };
    Ok(Match::layer4(&[protocol], hit.negated_if(given.negate)))
}

/// At most 15 ports, where a range counts as two (`XT_MULTI_PORTS`).
fn port_list(given: &Given<'_>) -> Parsed<Ranges> {
    let mut ranges = Vec::new();
    let mut slots = 0;
    for part in given.text().split(',') {
        let (first, last) = port_range(given, part)?;
        slots += if part.contains(':') { 2 } else { 1 };
        ranges.push((u128::from(first), u128::from(last)));
    }
    if slots > 15 {
        return Err(given
            .wrong(format!("the list has {slots} ports, where a range counts as two"))
            .help("`multiport` takes at most 15; split the rule"));
    }
    Ok(Ranges::from_unsorted(ranges))
}

/// `--tcp-flags MASK COMP`: of the flags in MASK exactly those in COMP are set.
fn tcp_flags(given: &Given<'_>) -> Parsed<Match> {
    let at = |n: usize| given.values.get(n);
    let mask = flag_list(given, at(0).map_or("", |w| &w.text), 0)?;
    let set = flag_list(given, at(1).map_or("", |w| &w.text), 1)?;
    Ok(flags_match(set, mask).negated_if(given.negate))
}

/// The packets whose flags under `mask` are `set`; none where `set` has flags that `mask` lacks.
fn flags_match(set: u8, mask: u8) -> Match {
    let flags = ByteSet::masked(set, mask);
    if flags.is_empty() { Match::Never } else { Match::Field(Field::TcpFlags, Values::Flags(flags)) }
}

fn flag_list(given: &Given<'_>, text: &str, at: usize) -> Parsed<u8> {
    let span = given.values.get(at).map_or(given.span, |w| w.span);
    text.split(',').try_fold(0u8, |bits, name| match name.to_ascii_uppercase().as_str() {
        "ALL" => Ok(bits | 0x3f),
        "NONE" => Ok(bits),
        "" | "ECE" | "CWR" => Err(flag_problem(span, name)),
        other => tcp_flags_by_names(other).map(|b| bits | b).ok_or_else(|| flag_problem(span, name)),
    })
}

fn flag_problem(span: crate::ruleset::Span, name: &str) -> Problem {
    const KNOWN: [&str; 8] = ["SYN", "ACK", "FIN", "RST", "URG", "PSH", "ALL", "NONE"];
    let near = nearest(name, KNOWN).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
    Problem::new(span, format!("`{name}` is no TCP flag of iptables"))
        .help(format!("{near}known are {}", KNOWN.join(" ")))
}
