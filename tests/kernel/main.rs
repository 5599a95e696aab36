//! The real kernel as judge: fwgate must say of every packet what Linux does with it.
//!
//! Needs root (or unprivileged user namespaces) and the distribution's iptables, nftables, ipset and iproute2;
//! without them the tests say so loudly and pass, unless `FWGATE_REQUIRE_KERNEL=1`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cases;
mod generate;
mod judge;

use fwgate::packet::{Family, Field, IfaceSide, Interface, Packet};
use fwgate::ruleset::Hook;
use judge::{Backend, Judge, Judged, Texts, Verdict};

/// A judge, or nothing where there cannot be one and nobody insists.
fn start(slot: usize) -> Option<Judge> {
    match Judge::start(slot) {
        Ok(judge) => Some(judge),
        Err(judge::Unable(why)) => {
            assert!(std::env::var("FWGATE_REQUIRE_KERNEL").is_err_and(|_| true), "no kernel to ask: {why}");
            eprintln!("SKIPPED: no kernel to ask: {why}");
            None
        }
    }
}

#[test]
fn the_judge_sees_what_the_kernel_does() {
    let Some(mut judge) = start(0) else { return };
    let text = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp --dport 22 -j DROP\nCOMMIT\n";
    let mut packet = Packet::tcp(Family::V4, 0x0a00_0001, 1000, 0x0a01_0001, 22);
    packet.set_interface(IfaceSide::In, Interface::Named("eth0".into()));
    let mut other = packet.clone();
    other.set(Field::Dport, 23);
    for backend in judge.backends.clone() {
        let texts = Texts::of(Family::V4, text.into(), String::new());
        let judged = judge.judge(&texts, backend, Hook::Forward, Family::V4, &[packet.clone(), other.clone()]);
        let verdicts: Vec<Verdict> = judged.expect("loads").into_iter().map(|j| j.verdict).collect();
        assert_eq!(verdicts, [Verdict::Drop("forward".into()), Verdict::Accept], "{backend:?}");
    }
}

/// A packet as reports show it.
fn shown(packet: &Packet) -> String {
    fwgate::packet::packet_to_json(packet).to_string()
}

/// Where the two ways to load iptables rules do not agree.
fn backends_disagree(texts: &Texts, hook: Hook, legacy: &[Judged], nft: &[Judged]) -> Vec<String> {
    let mut out = Vec::new();
    for (a, b) in legacy.iter().zip(nft) {
        if a != b {
            out.push(format!("{} {}\n  legacy: {a:?}\n  nft: {b:?}\n{}", hook.name(), shown(&a.packet), texts.shown()));
        }
    }
    out
}

#[test]
fn both_back_ends_agree_on_random_rulesets() {
    let Some(mut judge) = start(0) else { return };
    let (mut rulesets, mut packets, mut wrong) = (0, 0, Vec::new());
    let mut count = std::collections::BTreeMap::new();
    let last: u64 = std::env::var("FWGATE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(10);
    for seed in 1..=last {
        for family in Family::ALL {
            let made = generate::ruleset(seed, family);
            let texts = Texts::of(family, made.text.clone(), made.ipset.clone());
            rulesets += 1;
            for hook in Hook::ALL {
                let asked = made.packets(hook, 90);
                let mut answers = Vec::new();
                for backend in judge.backends.clone() {
                    match judge.judge(&texts, backend, hook, family, &asked) {
                        Ok(judged) => answers.push(judged),
                        Err(refusal) => wrong.push(format!("{backend:?} refused: {refusal:?}\n{}", texts.shown())),
                    }
                }
                packets += asked.len();
                for one in answers.first().into_iter().flatten() {
                    let name = match &one.verdict {
                        Verdict::Drop(place) => format!("drop in {place}"),
                        Verdict::Reject(_) => "reject".into(),
                        other => format!("{other:?}"),
                    };
                    *count.entry(format!("{} {name}", hook.name())).or_insert(0) += 1;
                }
                if let [legacy, nft] = &answers[..] {
                    wrong.extend(backends_disagree(&texts, hook, legacy, nft));
                }
            }
        }
    }
    eprintln!("{rulesets} rulesets, {packets} packets, {} disagreements, {count:?}", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n"));
    let _ = Backend::Legacy;
}

#[test]
fn hand_written_cases_are_what_the_kernel_does() {
    let Some(mut judge) = start(1) else { return };
    let (mut packets, mut wrong) = (0, Vec::new());
    let all = cases::all("cases");
    for case in &all {
        let (count, found) = cases::check(&mut judge, case);
        packets += count;
        wrong.extend(found);
    }
    eprintln!("{} cases, {packets} packets, {} surprises", all.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_refused_is_refused() {
    let Some(mut judge) = start(1) else { return };
    let mut wrong = Vec::new();
    for case in cases::all("cases/refused") {
        for backend in judge.backends.clone() {
            let refusal = judge.judge(&case.texts, backend, Hook::Forward, case.family, &[]).err();
            if refusal.is_some() != case.refused_by.contains(&backend) {
                wrong.push(format!("{} {backend:?}: {refusal:?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
