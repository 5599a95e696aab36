//! Targets that decide nothing and change nothing which rules see, but for `CT --notrack` and the elements that
//! `SET` adds, which `ipset` takes into account.

use super::{Action, Kind, TargetSpec};
use crate::dialect::iptables::matches::{Scope, directions};
use crate::dialect::iptables::numbers::need_protocol;
use crate::dialect::iptables::options::{OptionSpec, Parsed, Use, flag, pair, value};
use crate::dialect::nearest;
use crate::packet::{Field, Ranges};
use crate::ruleset::{Effect, NfHook, Rewrite, Step};

/// The targets of this file.
pub const TARGETS: &[TargetSpec] = &[
    TargetSpec::new(
        "CT",
        Kind::Effect,
        &[
            flag("notrack"),
            value("helper"),
            value("ctevents"),
            value("expevents"),
            value("zone"),
            value("zone-orig"),
            value("zone-reply"),
            value("timeout"),
        ],
        |u, _| Ok(ct(u)),
        "`--notrack` exact; zones are ignored and reported",
    )
    .in_tables(&["raw"])
    .tracking(),
    TargetSpec::new("NOTRACK", Kind::Effect, &[], |_, _| Ok(untrack()), "").in_tables(&["raw"]).tracking(),
    TargetSpec::new(
        "SET",
        Kind::Silent,
        &[
            pair("add-set"),
            pair("del-set"),
            pair("map-set"),
            value("timeout"),
            flag("exist"),
            flag("map-mark"),
            flag("map-prio"),
            flag("map-queue"),
        ],
        set,
        "keys that are not listed in the set become a condition; `--map-mark` makes the mark unknown",
    ),
    silent(
        "LOG",
        &[
            value("log-level"),
            value("log-prefix"),
            flag("log-tcp-sequence"),
            flag("log-tcp-options"),
            flag("log-ip-options"),
            flag("log-uid"),
            flag("log-macdecode"),
        ],
    ),
    silent(
        "NFLOG",
        &[
            value("nflog-group"),
            value("nflog-prefix"),
            value("nflog-range"),
            value("nflog-size"),
            value("nflog-threshold"),
        ],
    ),
    silent("ULOG", &[value("ulog-nlgroup"), value("ulog-prefix"), value("ulog-cprange"), value("ulog-qthreshold")]),
    silent("TRACE", &[]),
    silent("TEE", &[value("gateway"), value("oif")]),
    silent("CLASSIFY", &[value("set-class")]).at_hooks(&[NfHook::Forward, NfHook::Output, NfHook::Postrouting]),
    TargetSpec::new(
        "TCPMSS",
        Kind::Silent,
        &[value("set-mss"), flag("clamp-mss-to-pmtu")],
        |u, _| need_protocol(u, "TCPMSS", &[6]).map(|_| Action::default()),
        "",
    ),
    silent("TCPOPTSTRIP", &[value("strip-options")]),
    silent("CHECKSUM", &[flag("checksum-fill")]),
    silent("AUDIT", &[value("type")]),
    silent("SECMARK", &[value("selctx")]),
    silent("CONNSECMARK", &[flag("save"), flag("restore")]).tracking(),
    silent("IDLETIMER", &[value("timeout"), value("label"), flag("alarm")]),
    silent("LED", &[value("led-trigger-id"), value("led-delay"), flag("led-always-blink")]),
    silent("RATEEST", &[value("rateest-name"), value("rateest-interval"), value("rateest-ewmalog")]),
];

const fn silent(name: &'static str, options: &'static [OptionSpec]) -> TargetSpec {
    TargetSpec::new(name, Kind::Silent, options, |_, _| Ok(Action::default()), "")
}

fn untrack() -> Action {
    Action::of(vec![Step::Set(Effect::Untrack)])
}

fn ct(used: &Use<'_>) -> Action {
    let zone = used.given.iter().find(|g| g.spec.name.starts_with("zone"));
    let note = zone.map(|g| format!("the conntrack zone `{}` is ignored", g.text()));
    let steps = if used.has("notrack") { untrack().steps } else { Vec::new() };
    Action { steps, note }
}

fn set(used: &Use<'_>, scope: &Scope<'_>) -> Parsed<Action> {
    for given in used.given.iter().filter(|g| g.spec.takes == 2) {
        let name = given.text();
        if scope.sets.get(name).is_none() {
            let near = nearest(name, scope.sets.names()).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
            return Err(given
                .wrong(format!("the set `{name}` is not among the files of the device"))
                .help(format!("{near}add the output of `ipset save {name}` as one more file of the device")));
        }
        directions(given)?;
    }
    let any = Rewrite::To(Ranges::range(0, u32::MAX.into()));
    let steps = if used.has("map-mark") { vec![Step::Set(Effect::Rewrite(Field::Mark, any))] } else { Vec::new() };
    Ok(Action::of(steps))
}
