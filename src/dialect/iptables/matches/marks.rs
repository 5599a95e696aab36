//! Matches on the packet's mark and the connection's (`net/netfilter/xt_mark.c`, `xt_connmark.c`).

use super::{MatchSpec, Reader, Scope};
use crate::dialect::iptables::numbers::masked;
use crate::dialect::iptables::options::{Parsed, Use, value};
use crate::packet::Field;
use crate::ruleset::Match;

/// The modules of this file.
pub const MATCHES: &[MatchSpec] = &[
    MatchSpec::new("mark", &[value("mark").not()], Reader::Exact(mark), ""),
    MatchSpec::new(
        "connmark",
        &[value("mark").not()],
        Reader::Exact(connmark),
        "never matches a packet without a connection, negated or not",
    )
    .tracking(),
];

fn mark(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    marked(used, Field::Mark)
}

fn connmark(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    Ok(Match::all([Match::tracked(), marked(used, Field::ConnMark)?]))
}

fn marked(used: &Use<'_>, field: Field) -> Parsed<Match> {
    let given = used.get("mark").ok_or_else(|| used.wrong("the mark is missing").help("give `--mark VALUE[/MASK]`"))?;
    Ok(masked(given)?.to_match(field).negated_if(given.negate))
}
