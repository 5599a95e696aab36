//! Matches that no header field can express but that are pure functions of the packet, and how canonical names of
//! opaque conditions are made: `module: key value ...`, in the order of the option table, defaults filled in.

use super::{MatchSpec, Reader};
pub use crate::dialect::conditions::condition;
use crate::dialect::iptables::numbers::{number, parse_number};
use crate::dialect::iptables::options::{Given, OptionSpec, Parsed, Unit, Use, flag, value};
use crate::dialect::rate::rate_text;
use crate::packet::Family;
use crate::ruleset::{Match, Negate, NfHook, OpaqueKind};

const PURE: OpaqueKind = OpaqueKind::Pure;

/// The modules of this file.
pub const MATCHES: &[MatchSpec] = &[
    MatchSpec::new("comment", &[value("comment")], Reader::Exact(|_, _| Ok(Match::Always)), "no condition"),
    MatchSpec::new(
        "owner",
        &[
            value("uid-owner").not(),
            value("gid-owner").not(),
            flag("suppl-groups"),
            flag("socket-exists").not(),
            value("pid-owner").not(),
            value("sid-owner").not(),
            value("cmd-owner").not(),
        ],
        Reader::Split(PURE),
        "",
    )
    .at_hooks(&[NfHook::Output, NfHook::Postrouting]),
    MatchSpec::new(
        "string",
        &[
            value("algo"),
            value("from").default("0").unit(Unit::Number),
            value("to").default("65535").unit(Unit::Number),
            flag("icase"),
            value("string").not(),
            value("hex-string").not(),
        ],
        Reader::Whole(PURE, "string"),
        "",
    ),
    MatchSpec::new("bpf", &[value("bytecode"), value("object-pinned")], Reader::Whole(PURE, ""), ""),
    MatchSpec::new("u32", &[value("u32").not()], Reader::Whole(PURE, "u32"), ""),
    MatchSpec::new(
        "rpfilter",
        &[flag("loose"), flag("validmark"), flag("accept-local"), flag("invert")],
        Reader::Whole(PURE, "invert"),
        "",
    )
    .at_hooks(&[NfHook::Prerouting]),
    MatchSpec::new(
        "policy",
        &[
            value("dir"),
            value("pol"),
            flag("strict"),
            value("reqid").not(),
            value("spi").not(),
            value("proto").not(),
            value("mode").not(),
            value("tunnel-src").not(),
            value("tunnel-dst").not(),
            flag("next"),
        ],
        Reader::Whole(PURE, ""),
        "",
    ),
    MatchSpec::new("cgroup", &[value("path").not(), value("cgroup").not()], Reader::Split(PURE), ""),
    MatchSpec::new(
        "cluster",
        &[
            value("cluster-total-nodes").unit(Unit::Number),
            value("cluster-local-node").unit(Unit::Number).not(),
            value("cluster-local-nodemask").unit(Unit::Number).not(),
            value("cluster-hash-seed").unit(Unit::Number),
        ],
        Reader::Whole(PURE, "cluster-local-node"),
        "",
    )
    .tracking(),
    MatchSpec::new("cpu", &[value("cpu").unit(Unit::Number).not()], Reader::Split(PURE), ""),
    MatchSpec::new(
        "devgroup",
        &[value("src-group").unit(Unit::Masked).not(), value("dst-group").unit(Unit::Masked).not()],
        Reader::Split(PURE),
        "",
    ),
    MatchSpec::new("helper", &[value("helper").not()], Reader::Split(PURE), "").tracking(),
    MatchSpec::new(
        "ipvs",
        &[
            flag("ipvs").not(),
            value("vproto").not(),
            value("vaddr").not(),
            value("vport").not(),
            value("vdir"),
            value("vmethod").not(),
            value("vportctl").not(),
        ],
        Reader::Split(PURE),
        "",
    ),
    MatchSpec::new("osf", &[value("genre").not(), value("ttl"), value("log")], Reader::Whole(PURE, "genre"), ""),
    MatchSpec::new("realm", &[value("realm").unit(Unit::Masked).not()], Reader::Split(PURE), "").only(Family::V4),
    MatchSpec::new(
        "socket",
        &[flag("transparent"), flag("nowildcard"), flag("restore-skmark")],
        Reader::Whole(PURE, ""),
        "",
    ),
    MatchSpec::new("tcpmss", &[value("mss").not()], Reader::Split(PURE), ""),
    MatchSpec::new("ipcomp", &[value("ipcompspi").not(), flag("compres")], Reader::Split(PURE), ""),
    MatchSpec::new("eui64", &[], Reader::Whole(PURE, ""), "").only(Family::V6),
    MatchSpec::new(
        "ipv6header",
        &[value("header").unit(Unit::List).not(), flag("soft")],
        Reader::Whole(PURE, "header"),
        "",
    )
    .only(Family::V6),
    MatchSpec::new(
        "srh",
        &[
            value("srh-next-hdr").not(),
            value("srh-hdr-len-eq").not(),
            value("srh-hdr-len-gt").not(),
            value("srh-hdr-len-lt").not(),
            value("srh-segs-left-eq").not(),
            value("srh-segs-left-gt").not(),
            value("srh-segs-left-lt").not(),
            value("srh-last-entry-eq").not(),
            value("srh-last-entry-gt").not(),
            value("srh-last-entry-lt").not(),
            value("srh-tag").not(),
            value("srh-psid").not(),
            value("srh-nsid").not(),
            value("srh-lsid").not(),
        ],
        Reader::Split(PURE),
        "",
    )
    .only(Family::V6),
    MatchSpec::new(
        "geoip",
        &[
            value("source-country").or(&["src-cc"]).unit(Unit::List).not(),
            value("destination-country").or(&["dst-cc"]).unit(Unit::List).not(),
        ],
        Reader::Split(PURE),
        "xtables-addons",
    ),
    MatchSpec::new(
        "iface",
        &[
            value("iface"),
            flag("dev-in"),
            flag("dev-out"),
            flag("up").not(),
            flag("down").not(),
            flag("broadcast").not(),
            flag("loopback").not(),
            flag("pointopoint").not(),
            flag("running").not(),
            flag("noarp").not(),
            flag("promisc").not(),
            flag("multicast").not(),
            flag("dynamic").not(),
            flag("lower-up").not(),
            flag("dormant").not(),
        ],
        Reader::Whole(PURE, ""),
        "xtables-addons",
    ),
    MatchSpec::new(
        "ipp2p",
        &[
            flag("edk"),
            flag("kazaa"),
            flag("gnu"),
            flag("dc"),
            flag("bit"),
            flag("apple"),
            flag("winmx"),
            flag("soul"),
            flag("ares"),
            flag("debug"),
        ],
        Reader::Whole(PURE, ""),
        "xtables-addons",
    ),
    MatchSpec::new("ipv4options", &[value("flags"), flag("any")], Reader::Whole(PURE, ""), "xtables-addons")
        .only(Family::V4),
];

/// All options as one condition; `!` before the option `inverts`, or that option's presence where it is a flag
/// without `!`, negates it. An upper bound and its `above` twin share one name.
pub fn whole(spec: &MatchSpec, used: &Use<'_>, kind: OpaqueKind, inverts: &str) -> Parsed<Match> {
    let mut name = format!("{}:", spec.name);
    let mut negate = Negate::No;
    for option in spec.options {
        let given: Vec<&Given<'_>> = used.given.iter().filter(|g| g.spec.name == option.name).collect();
        let inverter = option.name == inverts || option.name.strip_prefix("hex-") == Some(inverts);
        if inverter && option.takes == 0 && !option.negatable {
            negate = if given.is_empty() { negate } else { Negate::Yes };
            continue;
        }
        for given in &given {
            if given.negate == Negate::Yes && inverter {
                negate = Negate::Yes;
            } else if given.negate == Negate::Yes {
                name += " !";
            }
            push(&mut name, spec, option, &value_text(given)?);
        }
        if let (true, Some(default)) = (given.is_empty(), option.default) {
            push(&mut name, spec, option, &spelled_default(option, default));
        }
    }
    Ok(condition(name, kind).negated_if(negate))
}

/// Every option as a condition of its own.
pub fn split(spec: &MatchSpec, used: &Use<'_>, kind: OpaqueKind) -> Parsed<Match> {
    if used.given.is_empty() {
        return Err(used.wrong(format!("`{}` has no condition", spec.name)));
    }
    let parts = used.given.iter().map(|given| {
        let mut name = format!("{}:", spec.name);
        push(&mut name, spec, given.spec, &value_text(given)?);
        Ok(condition(name, kind).negated_if(given.negate))
    });
    Ok(Match::all(parts.collect::<Parsed<Vec<_>>>()?))
}

/// Adds `key value`; the module's name is no part of a key, and a key that is the module's name is left out where
/// it comes first.
fn push(name: &mut String, spec: &MatchSpec, option: &OptionSpec, value: &str) {
    let key = option.name.strip_prefix(spec.name).map_or(option.name, |k| k.trim_start_matches('-'));
    let needed = key.is_empty() && (option.takes == 0 || !name.ends_with(':'));
    for part in [if needed { option.name } else { key }, value] {
        if !part.is_empty() {
            name.push(' ');
            name.push_str(part);
        }
    }
}

fn spelled_default(option: &OptionSpec, default: &str) -> String {
    match option.unit {
        Unit::Rate => rate_text(default).unwrap_or_else(|| default.to_owned()),
        _ => default.to_owned(),
    }
}

fn value_text(given: &Given<'_>) -> Parsed<String> {
    let text = given.text();
    Ok(match given.spec.unit {
        Unit::Number => number(given, text, u64::MAX)?.to_string(),
        Unit::Masked => masked_text(given, text)?,
        Unit::Rate => rate_text(text).ok_or_else(|| {
            given
                .wrong(format!("`{text}` is no rate"))
                .help("rates look like `10/second`, `5/minute`, `3/hour` or `1/day`")
        })?,
        Unit::Chance => probability_text(probability_bits(given)?),
        Unit::List => {
            let mut parts: Vec<&str> = text.split(',').collect();
            parts.sort_unstable();
            parts.join(",")
        }
        Unit::Text => given.values.iter().map(|w| quoted(&w.text)).collect::<Vec<_>>().join(" "),
    })
}

/// A text as it is where it is one plain word, else in quotes.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\');
    if plain { text.to_owned() } else { format!("{text:?}") }
}

fn masked_text(given: &Given<'_>, text: &str) -> Parsed<String> {
    let (value, mask) = text.split_once('/').unwrap_or((text, ""));
    let value = parse_number(value).map_or_else(|| value.to_owned(), |n| format!("{n:#x}"));
    if mask.is_empty() {
        return Ok(value);
    }
    Ok(format!("{value}/{:#x}", number(given, mask, u32::MAX.into())?))
}

/// A probability in units of 2^-31, as the kernel keeps it.
pub fn probability_bits(given: &Given<'_>) -> Parsed<u32> {
    let value: f64 = given.text().parse().unwrap_or(-1.0);
    if !(0.0..=1.0).contains(&value) {
        return Err(given
            .wrong(format!("`{}` is no probability", given.text()))
            .help("probabilities lie between 0 and 1"));
    }
    Ok((value * f64::from(0x8000_0000u32)).round() as u32)
}

/// A probability as save commands print it.
pub fn probability_text(bits: u32) -> String {
    format!("{:.11}", f64::from(bits) / f64::from(0x8000_0000u32))
}
