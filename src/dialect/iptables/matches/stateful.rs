//! Matches with state, clock or chance: one condition for each rule, because two of them need not agree.

use super::opaque::condition;
use super::{MatchSpec, Reader, Scope};
use crate::dialect::iptables::options::{Parsed, Unit, Use, flag, value};
use crate::ruleset::{Match, OpaqueKind};

const PER_RULE: OpaqueKind = OpaqueKind::PerRule;

/// The modules of this file.
pub const MATCHES: &[MatchSpec] = &[
    MatchSpec::new(
        "limit",
        &[
            value("limit").default("3/hour").unit(Unit::Rate).not(),
            value("limit-burst").default("5").unit(Unit::Number),
        ],
        Reader::Whole(PER_RULE, "limit"),
        "",
    ),
    MatchSpec::new(
        "hashlimit",
        &[
            value("hashlimit-upto").or(&["hashlimit"]).unit(Unit::Rate).not(),
            value("hashlimit-above").unit(Unit::Rate).not(),
            value("hashlimit-burst").default("5"),
            value("hashlimit-mode").unit(Unit::List),
            value("hashlimit-srcmask"),
            value("hashlimit-dstmask"),
            value("hashlimit-name"),
            value("hashlimit-htable-size"),
            value("hashlimit-htable-max"),
            value("hashlimit-htable-expire"),
            value("hashlimit-htable-gcinterval"),
            flag("hashlimit-rate-match"),
            value("hashlimit-rate-interval"),
        ],
        Reader::Whole(PER_RULE, "hashlimit-upto"),
        "",
    ),
    MatchSpec::new(
        "connlimit",
        &[
            value("connlimit-upto").unit(Unit::Number),
            value("connlimit-above").unit(Unit::Number).not(),
            value("connlimit-mask"),
            flag("connlimit-saddr"),
            flag("connlimit-daddr"),
        ],
        Reader::Whole(PER_RULE, "connlimit-above"),
        "",
    )
    .tracking(),
    MatchSpec::new(
        "recent",
        &[
            flag("set").not(),
            flag("rcheck").not(),
            flag("update").not(),
            flag("remove").not(),
            value("seconds").unit(Unit::Number),
            flag("reap"),
            value("hitcount").unit(Unit::Number),
            flag("rttl"),
            value("name").default("DEFAULT"),
            value("mask"),
            flag("rsource"),
            flag("rdest"),
        ],
        Reader::Partly(recent),
        "`--set` always matches; the others by condition",
    ),
    MatchSpec::new("quota", &[value("quota").unit(Unit::Number).not()], Reader::Whole(PER_RULE, "quota"), ""),
    MatchSpec::new(
        "statistic",
        &[
            value("mode"),
            value("probability").unit(Unit::Chance).not(),
            value("every").unit(Unit::Number).not(),
            value("packet").unit(Unit::Number),
        ],
        Reader::Partly(statistic),
        "probabilities 0 and 1 exact",
    ),
    MatchSpec::new(
        "time",
        &[
            value("datestart"),
            value("datestop"),
            value("timestart"),
            value("timestop"),
            value("monthdays").unit(Unit::List).not(),
            value("weekdays").unit(Unit::List).not(),
            flag("contiguous"),
            flag("kerneltz"),
            flag("localtz"),
            flag("utc"),
        ],
        Reader::Whole(PER_RULE, ""),
        "",
    ),
    MatchSpec::new(
        "connbytes",
        &[value("connbytes").not(), value("connbytes-dir"), value("connbytes-mode")],
        Reader::Whole(PER_RULE, "connbytes"),
        "",
    )
    .tracking(),
    MatchSpec::new("connlabel", &[value("label").not(), flag("set")], Reader::Whole(PER_RULE, "label"), "").tracking(),
    MatchSpec::new("nfacct", &[value("nfacct-name")], Reader::Whole(PER_RULE, ""), ""),
    MatchSpec::new(
        "rateest",
        &[
            value("rateest"),
            value("rateest1"),
            value("rateest2"),
            flag("rateest-delta"),
            value("rateest-bps").maybe(),
            value("rateest-pps").maybe(),
            value("rateest-bps1").maybe(),
            value("rateest-pps1").maybe(),
            value("rateest-bps2").maybe(),
            value("rateest-pps2").maybe(),
            flag("rateest-lt").not(),
            flag("rateest-gt").not(),
            flag("rateest-eq").not(),
        ],
        Reader::Whole(PER_RULE, ""),
        "",
    ),
    MatchSpec::new("condition", &[value("condition").not()], Reader::Split(PER_RULE), "xtables-addons"),
    MatchSpec::new(
        "fuzzy",
        &[value("lower-limit"), value("upper-limit")],
        Reader::Whole(PER_RULE, ""),
        "xtables-addons",
    ),
    MatchSpec::new(
        "psd",
        &[
            value("psd-weight-threshold"),
            value("psd-delay-threshold"),
            value("psd-lo-ports-weight"),
            value("psd-hi-ports-weight"),
        ],
        Reader::Whole(PER_RULE, ""),
        "xtables-addons",
    ),
    MatchSpec::new(
        "lscan",
        &[
            flag("stealth").not(),
            flag("synscan").not(),
            flag("cnscan").not(),
            flag("grscan").not(),
            flag("mirai").not(),
        ],
        Reader::Split(PER_RULE),
        "xtables-addons",
    ),
    MatchSpec::new(
        "quota2",
        &[value("quota").unit(Unit::Number).not(), value("name"), flag("grow"), flag("no-change"), flag("packets")],
        Reader::Whole(PER_RULE, "quota"),
        "xtables-addons",
    ),
    MatchSpec::new(
        "pknock",
        &[
            value("name"),
            value("knockports"),
            value("time"),
            value("autoclose"),
            flag("strict"),
            value("opensecret"),
            value("closesecret"),
            flag("checkip"),
        ],
        Reader::Whole(PER_RULE, ""),
        "xtables-addons",
    ),
];

/// `--set` adds the address and matches in every case (`net/netfilter/xt_recent.c`, `recent_mt`).
fn recent(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    let modes = ["set", "rcheck", "update", "remove"];
    let mut given = used.given.iter().filter(|g| modes.contains(&g.spec.name));
    let (Some(mode), None) = (given.next(), given.next()) else {
        return Err(used
            .wrong("`recent` takes exactly one of its modes")
            .help("give `--set`, `--rcheck`, `--update` or `--remove`"));
    };
    if mode.spec.name == "set" {
        return Ok(Match::Always.negated_if(mode.negate));
    }
    let value = |name: &str, default: &str| used.get(name).map_or(default.to_owned(), |g| g.text().to_owned());
    let mut name = format!("recent: {}", mode.spec.name);
    for key in ["seconds", "hitcount"] {
        if let Some(given) = used.get(key) {
            name += &format!(" {key} {}", given.text());
        }
    }
    for key in ["reap", "rttl"] {
        if used.has(key) {
            name += &format!(" {key}");
        }
    }
    let mask = if used.family == crate::packet::Family::V4 {
        "255.255.255.255"
    } else {
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    };
    let side = if used.has("rdest") { "rdest" } else { "rsource" };
    name += &format!(" name {} mask {} {side}", value("name", "DEFAULT"), value("mask", mask));
    Ok(condition(name, PER_RULE).negated_if(mode.negate))
}

/// A probability is kept in 31 bits: none set never matches, and all of them always do
/// (`net/netfilter/xt_statistic.c`).
fn statistic(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    let mode =
        used.get("mode").ok_or_else(|| used.wrong("the mode is missing").help("give `--mode random` or `nth`"))?;
    match mode.text() {
        "random" => {
            let given = used
                .get("probability")
                .ok_or_else(|| used.wrong("the probability is missing").help("give `--probability`"))?;
            let bits = super::opaque::probability_bits(given)?;
            let hit = match bits {
                0 => Match::Never,
                0x8000_0000.. => Match::Always,
                _ => condition(
                    format!("statistic: mode random probability {}", super::opaque::probability_text(bits)),
                    PER_RULE,
                ),
            };
            Ok(hit.negated_if(given.negate))
        }
        "nth" => {
            let given = used.get("every").ok_or_else(|| used.wrong("the count is missing").help("give `--every`"))?;
            let every = crate::dialect::iptables::numbers::number(given, given.text(), u32::MAX.into())?;
            let packet =
                used.get("packet").ok_or_else(|| used.wrong("the packet is missing").help("give `--packet`"))?.text();
            let name = format!("statistic: mode nth every {every} packet {packet}");
            Ok(condition(name, PER_RULE).negated_if(given.negate))
        }
        other => Err(mode.wrong(format!("there is no mode `{other}`")).help("the modes are `random` and `nth`")),
    }
}
