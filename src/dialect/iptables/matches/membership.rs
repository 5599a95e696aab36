//! The match on IP sets (`net/netfilter/xt_set.c`, `set_match_v4`).

use super::opaque::condition;
use super::{MatchSpec, Reader, Scope};
use crate::dialect::iptables::ipset::{Directions, Nomatch};
use crate::dialect::iptables::numbers::number;
use crate::dialect::iptables::options::{Given, Parsed, Use, flag, pair, value};
use crate::dialect::{Problem, nearest};
use crate::ruleset::{Match, OpaqueKind};

/// The modules of this file.
pub const MATCHES: &[MatchSpec] = &[MatchSpec::new(
    "set",
    &[
        pair("match-set").or(&["set"]).not(),
        flag("return-nomatch"),
        flag("update-counters").not(),
        flag("update-subcounters").not(),
        value("packets-eq").not(),
        value("packets-lt"),
        value("packets-gt"),
        value("bytes-eq").not(),
        value("bytes-lt"),
        value("bytes-gt"),
    ],
    Reader::Partly(set),
    "exact; counters, sets with timeouts and sets that rules fill by condition",
)];

fn set(used: &Use<'_>, scope: &Scope<'_>) -> Parsed<Match> {
    let given = used
        .get("match-set")
        .ok_or_else(|| used.wrong("the set is missing").help("give `--match-set NAME src,dst`"))?;
    let name = given.text();
    let set = scope.sets.get(name).ok_or_else(|| unknown_set(given, scope))?;
    let directions = directions(given)?;
    let nomatch = if used.has("return-nomatch") { Nomatch::Returned } else { Nomatch::Excluded };
    let member = scope
        .sets
        .membership(set, scope.family, &directions, nomatch)
        .map_err(|message| given.wrong(message).help("the kernel refuses the rule"))?;
    let counters = used.given.iter().filter(|g| g.spec.name.starts_with("packets") || g.spec.name.starts_with("bytes"));
    let counters = counters.map(|g| counter(g, name)).collect::<Parsed<Vec<_>>>()?;
    Ok(Match::all(std::iter::once(member.negated_if(given.negate)).chain(counters)))
}

fn counter(given: &Given<'_>, set: &str) -> Parsed<Match> {
    let count = number(given, given.text(), u64::MAX)?;
    let name = format!("set: {set} {} {count}", given.spec.name);
    Ok(condition(name, OpaqueKind::PerRule).negated_if(given.negate))
}

/// The direction flags of a set match: at most six of `src` and `dst`.
pub fn directions(given: &Given<'_>) -> Parsed<Directions> {
    let Some(word) = given.values.get(1) else {
        return Err(given.wrong("the directions are missing").help("write for example `src` or `src,dst`"));
    };
    let mut out = Vec::new();
    for part in word.text.split(',') {
        match part {
            "src" => out.push(crate::dialect::iptables::ipset::Side::Source),
            "dst" => out.push(crate::dialect::iptables::ipset::Side::Destination),
            _ => {
                return Err(Problem::new(word.span, format!("`{part}` is no direction")).help("write `src` or `dst`"));
            }
        }
    }
    if out.len() > 6 {
        return Err(Problem::new(word.span, "a set has at most six directions"));
    }
    Ok(out)
}

fn unknown_set(given: &Given<'_>, scope: &Scope<'_>) -> Problem {
    let name = given.text();
    let near = nearest(name, scope.sets.names()).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
    given
        .wrong(format!("the set `{name}` is not among the files of the device"))
        .help(format!("{near}add the output of `ipset save {name}` as one more file of the device"))
}
