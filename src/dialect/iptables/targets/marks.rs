//! Targets that change marks: MARK, CONNMARK, HMARK (`net/netfilter/xt_mark.c`, `xt_connmark.c`, `xt_HMARK.c`).

use super::{Action, Kind, TargetSpec};
use crate::dialect::iptables::numbers::{masked, number};
use crate::dialect::iptables::options::{Given, OptionSpec, Parsed, Use, flag, value};
use crate::packet::{Field, Ranges};
use crate::ruleset::{Effect, Match, Rewrite, Step};

const SETTERS: [OptionSpec; 5] =
    [value("set-xmark"), value("set-mark"), value("and-mark"), value("or-mark"), value("xor-mark")];

/// The targets of this file.
pub const TARGETS: &[TargetSpec] = &[
    TargetSpec::new("MARK", Kind::Effect, &SETTERS, |u, _| mark(u), "bit by bit"),
    TargetSpec::new(
        "CONNMARK",
        Kind::Effect,
        &[
            SETTERS[0],
            SETTERS[1],
            SETTERS[2],
            SETTERS[3],
            SETTERS[4],
            flag("save-mark"),
            flag("restore-mark"),
            value("mask"),
            value("nfmask"),
            value("ctmask"),
        ],
        |u, _| connmark(u),
        "bit by bit; nothing happens to packets without a connection",
    )
    .tracking(),
    TargetSpec::new(
        "HMARK",
        Kind::Effect,
        &[
            value("hmark-tuple"),
            value("hmark-mod"),
            value("hmark-offset"),
            value("hmark-src-prefix"),
            value("hmark-dst-prefix"),
            value("hmark-sport-mask"),
            value("hmark-dport-mask"),
            value("hmark-spi-mask"),
            value("hmark-sport"),
            value("hmark-dport"),
            value("hmark-spi"),
            value("hmark-proto-mask"),
            value("hmark-rnd"),
        ],
        |u, _| hmark(u),
        "the mark becomes any value of its range",
    )
    .in_tables(&["mangle"]),
];

/// How a setter changes 32 bits: those that stay, and those that are flipped last.
fn setter(given: &Given<'_>) -> Parsed<(u32, u32)> {
    let one = || number(given, given.text(), u32::MAX.into()).map(|n| n as u32);
    Ok(match given.spec.name {
        "and-mark" => (one()?, 0),
        "or-mark" => {
            let bits = one()?;
            (!bits, bits)
        }
        "xor-mark" => (u32::MAX, one()?),
        // `--set-mark` also clears the bits of its value (`libxt_MARK.c`).
        "set-mark" => masked(given).map(|m| (!(m.mask | m.value), m.value))?,
        _ => masked(given).map(|m| (!m.mask, m.value))?,
    })
}

fn the_setter<'u, 'r>(used: &'u Use<'r>) -> Option<&'u Given<'r>> {
    used.given.iter().find(|g| SETTERS.iter().any(|s| s.name == g.spec.name))
}

fn mark(used: &Use<'_>) -> Parsed<Action> {
    let [given] = used.given.as_slice() else {
        return Err(used.wrong("`MARK` takes exactly one option").help("give for example `--set-mark 0x1`"));
    };
    let (keep, xor) = setter(given)?;
    Ok(Action::of(vec![Step::Set(Effect::Mark { field: Field::Mark, keep, take: 0, xor })]))
}

fn connmark(used: &Use<'_>) -> Parsed<Action> {
    let effect = match (the_setter(used), used.has("save-mark"), used.has("restore-mark")) {
        (Some(given), false, false) => {
            let (keep, xor) = setter(given)?;
            Effect::Mark { field: Field::ConnMark, keep, take: 0, xor }
        }
        (None, true, false) => copy(used, Field::ConnMark, "ctmask", "nfmask")?,
        (None, false, true) => copy(used, Field::Mark, "nfmask", "ctmask")?,
        _ => {
            return Err(used
                .wrong("`CONNMARK` takes exactly one of its operations")
                .help("give `--set-mark`, `--save-mark` or `--restore-mark`"));
        }
    };
    Ok(Action::of(vec![Step::If(Match::tracked()), Step::Set(effect)]))
}

/// Clears the bits of one mask in `field` and flips in the other mark's bits under the other mask.
fn copy(used: &Use<'_>, field: Field, cleared: &str, taken: &str) -> Parsed<Effect> {
    let mask = |name: &str| {
        let given = used.get(name).or_else(|| used.get("mask"));
        given.map_or(Ok(u32::MAX), |g| number(g, g.text(), u32::MAX.into()).map(|n| n as u32))
    };
    Ok(Effect::Mark { field, keep: !mask(cleared)?, take: mask(taken)?, xor: 0 })
}

/// A hash of the packet, reduced to `modulus` values from `offset` on.
fn hmark(used: &Use<'_>) -> Parsed<Action> {
    let of = |name: &str| used.get(name).map(|g| number(g, g.text(), u32::MAX.into())).transpose();
    let modulus = of("hmark-mod")?
        .filter(|m| *m > 0)
        .ok_or_else(|| used.wrong("the modulus is missing").help("give `--hmark-mod`"))?;
    let first = of("hmark-offset")?.unwrap_or(0);
    let last = first + modulus - 1;
    let max = u64::from(u32::MAX);
    let values = if last > max { Ranges::range(0, max.into()) } else { Ranges::range(first.into(), last.into()) };
    Ok(Action::of(vec![Step::Set(Effect::Rewrite(Field::Mark, Rewrite::To(values)))]))
}
