//! The real kernel as judge: fwgate must say of every packet what Linux does with it.
//!
//! Needs root (or unprivileged user namespaces) and the distribution's iptables, nftables, ipset and iproute2;
//! without them the tests say so loudly and pass, unless `FWGATE_REQUIRE_KERNEL=1`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cases;
mod fwgate_side;
mod generate;
mod judge;
mod nft;
mod routes;
mod translations;

use fwgate::packet::{Family, Field, IfaceSide, Interface, Packet};
use fwgate::ruleset::Hook;
use fwgate_side::{Said, Unread, fwgate_verdict};
use judge::{Judge, Judged, Texts, Verdict};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A judge, or nothing where there cannot be one and nobody insists.
fn start(slot: usize) -> Option<Judge> {
    match Judge::start(slot) {
        Ok(judge) => Some(judge),
        Err(judge::Unable(why)) => {
            let required = std::env::var("FWGATE_REQUIRE_KERNEL").is_ok_and(|v| v == "1");
            assert!(!required, "no kernel to ask: {why}");
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

/// What a run has seen.
#[derive(Default)]
struct Tally {
    rulesets: usize,
    packets: usize,
    /// Packets that routing did not want, or that depend on what the kernel alone knows.
    skipped: usize,
    kinds: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, hook: Hook, judged: &[Judged]) {
        self.packets += judged.len();
        for one in judged {
            let name = match &one.verdict {
                Verdict::Drop(place) => format!("drop in {place}"),
                Verdict::Reject(_) => "reject".into(),
                other => other.word(),
            };
            *self.kinds.entry(format!("{} {name}", hook.name())).or_insert(0) += 1;
        }
    }

    fn report(&self, what: &str) {
        eprintln!(
            "{what}: {} rulesets, {} packets ({} skipped), {} disagreements; {:?}",
            self.rulesets,
            self.packets,
            self.skipped,
            self.wrong.len(),
            self.kinds
        );
        let mut some: Vec<&str> = self.wrong.iter().map(String::as_str).collect();
        some.sort_by_key(|text| (text.ends_with(')'), text.len()));
        some.truncate(std::env::var("FWGATE_SHOW").ok().and_then(|n| n.parse().ok()).unwrap_or(10));
        assert!(self.wrong.is_empty(), "{} disagreements:\n{}", self.wrong.len(), some.join("\n\n"));
    }
}

/// Whether the kernel keeps silent about a rejected packet: no reset answers a reset, no ICMP error an ICMP
/// error or a packet whose checksum it finds wrong (that of DCCP always, for want of a pseudo-header), and nobody
/// answers a later fragment, or what was not sent by one host to one host.
fn rejected_silently(one: &Judged) -> bool {
    let packet = &one.packet;
    let icmp_error = match (packet.family, packet.proto()) {
        (Family::V4, 1) => !matches!(packet.get(Field::IcmpType), 0 | 8 | 13..=18),
        (Family::V6, 58) => packet.get(Field::IcmpType) < 128,
        (_, 33) => true,
        (Family::V6, proto) => !matches!(proto, 6 | 17),
        _ => false,
    };
    let group = |field| match packet.family {
        Family::V4 => packet.get(field) >> 28 == 14,
        Family::V6 => packet.get(field) >> 120 == 255,
    };
    let reset = packet.proto() == 6 && packet.get(Field::TcpFlags) & 4 != 0;
    let fragment = packet.get(Field::Fragment) != 0;
    let many = group(Field::Src) || group(Field::Dst) || packet.get(Field::PktType) != 0;
    fragment || icmp_error || many || reset || one.spoiled
}

/// Where the two do not agree on one packet; nothing too where the kernel had nothing to say, or fwgate says that
/// it depends (then `skipped` is counted up).
fn differs(ruleset: &fwgate::ruleset::Ruleset, hook: Hook, one: &Judged, skipped: &mut usize) -> Option<String> {
    if matches!(one.verdict, Verdict::Undelivered | Verdict::Elsewhere | Verdict::Lost) {
        *skipped += 1;
        return None;
    }
    let said = fwgate_verdict(ruleset, hook, &one.packet);
    let Said::Word(word, translation) = &said else {
        *skipped += 1;
        return None;
    };
    let kernel = one.verdict.word();
    let silent = kernel == "drop" && word.starts_with("reject:") && rejected_silently(one);
    let end = one.end.as_ref().filter(|_| kernel == *word);
    let end = end.and_then(|end| fwgate_side::wrong_end(&one.packet, translation.as_deref(), end));
    if (kernel == *word || silent) && end.is_none() {
        return None;
    }
    let (hook, packet) = (hook.name(), shown(&one.packet));
    let end = end.unwrap_or_default();
    Some(format!("{hook} {packet}\n  kernel: {:?}\n  fwgate: {said:?} {end}\n", one.verdict))
}

/// The same disagreement with as few rules as possible: what can go goes.
fn shrink(judge: &mut Judge, texts: &Texts, hook: Hook, packet: &Packet) -> Option<String> {
    let family = packet.family;
    let mut ask = |texts: &Texts| {
        let ruleset = fwgate_side::read(texts, &[]).ok()?;
        let judged = judge.judge(texts, judge.backends[0], hook, family, std::slice::from_ref(packet)).ok()?;
        differs(&ruleset, hook, judged.first()?, &mut 0)
    };
    let (mut texts, mut best) = (texts.clone(), ask(texts)?);
    let mut at = 0;
    loop {
        let text = texts.v4.as_ref().or(texts.v6.as_ref())?;
        let mut lines: Vec<&str> = text.lines().collect();
        let Some(rule) = (at..lines.len()).find(|i| lines[*i].starts_with("-A") || lines[*i].contains(" - [")) else {
            break;
        };
        lines.remove(rule);
        let text = lines.join("\n") + "\n";
        let fewer = Texts::of(family, text, texts.ipset.clone().unwrap_or_default());
        match ask(&fewer) {
            Some(said) => (texts, best, at) = (fewer, said, rule),
            None => at = rule + 1,
        }
    }
    let text = texts.shown();
    let rules: Vec<&str> = text.lines().filter(|l| !l.ends_with(" ACCEPT [0:0]")).collect();
    Some(best + &rules.join("\n"))
}

/// Compares the kernel's verdicts with fwgate's.
fn compare(texts: &Texts, ruleset: &fwgate::ruleset::Ruleset, hook: Hook, judged: &[Judged], tally: &mut Tally) {
    for one in judged {
        if let Some(difference) = differs(ruleset, hook, one, &mut tally.skipped) {
            tally.wrong.push(difference + &texts.shown());
        }
    }
}

/// How many random rulesets, half of each family.
fn seeds(default: u64) -> u64 {
    std::env::var("FWGATE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Runs `work` for every seed and family with two judges at a time; nothing where there is no kernel to ask.
fn with_judges(last: u64, work: impl Fn(&mut Judge, u64, Family, &mut Tally) + Sync) -> Option<Tally> {
    let next = AtomicU64::new(0);
    let total = Mutex::new(Tally::default());
    let judges: Vec<Judge> = (0..2).map_while(start).collect();
    if judges.len() < 2 {
        return None;
    }
    std::thread::scope(|scope| {
        for mut judge in judges {
            let (next, total, work) = (&next, &total, &work);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= 2 * last {
                        break;
                    }
                    let mut tally = Tally::default();
                    work(&mut judge, at / 2 + 1, Family::ALL[(at % 2) as usize], &mut tally);
                    let mut total = total.lock().expect("the other judge is well");
                    total.rulesets += tally.rulesets;
                    total.packets += tally.packets;
                    total.skipped += tally.skipped;
                    total.wrong.append(&mut tally.wrong);
                    for (kind, count) in tally.kinds {
                        *total.kinds.entry(kind).or_insert(0) += count;
                    }
                }
            });
        }
    });
    Some(total.into_inner().expect("both judges are well"))
}

#[test]
fn fwgate_says_what_the_kernel_does_with_random_rulesets() {
    let last = seeds(160);
    let silent = AtomicU64::new(0);
    let tally = with_judges(last, |judge, seed, family, tally| {
        let made = generate::ruleset(seed, family);
        let texts = Texts::of(family, made.text.clone(), made.ipset.clone());
        tally.rulesets += 1;
        let ruleset = match fwgate_side::read(&texts, &[]) {
            Ok(ruleset) => Some(ruleset),
            Err(Unread::NotYet) => {
                silent.fetch_add(1, Ordering::Relaxed);
                None
            }
            Err(Unread::Problems(problems)) => {
                tally.wrong.push(format!("fwgate does not read it: {}\n{}", problems.join("; "), texts.shown()));
                None
            }
        };
        for hook in Hook::ALL {
            let asked = made.packets(hook, 90);
            match judge.judge(&texts, judge.backends[0], hook, family, &asked) {
                Ok(judged) => {
                    tally.count(hook, &judged);
                    let Some(ruleset) = &ruleset else { continue };
                    let wrong = judged.iter().filter(|one| differs(ruleset, hook, one, &mut tally.skipped).is_some());
                    for (nth, one) in wrong.enumerate() {
                        // The first one is worth a closer look.
                        let small = (nth == 0).then(|| shrink(judge, &texts, hook, &asked[one.at])).flatten();
                        tally.wrong.push(small.unwrap_or_else(|| {
                            let difference = differs(ruleset, hook, one, &mut 0).unwrap_or_default();
                            difference + "(seed " + &seed.to_string() + ")"
                        }));
                    }
                }
                Err(refusal) => tally.wrong.push(format!("the kernel refused: {refusal:?}\n{}", texts.shown())),
            }
        }
    });
    let Some(tally) = tally else { return };
    if silent.load(Ordering::Relaxed) > 0 {
        eprintln!("SKIPPED: fwgate reads no rulesets yet");
    }
    tally.report("random rulesets");
    if last >= 160 {
        assert!(tally.rulesets >= 200 && tally.packets >= 50_000, "enough was asked");
    }
}

#[test]
fn both_back_ends_agree_on_random_rulesets() {
    let tally = with_judges(seeds(15), |judge, seed, family, tally| {
        let made = generate::ruleset(1000 + seed, family);
        let texts = Texts::of(family, made.text.clone(), made.ipset.clone());
        tally.rulesets += 1;
        // With these two tables the back ends differ by design: see the case `security-and-source-translation`.
        let differ = ["*nat", "*security"].iter().all(|table| made.text.contains(table));
        if judge.backends.len() < 2 || differ {
            return;
        }
        for hook in Hook::ALL {
            let asked = made.packets(hook, 90);
            let answers = judge.backends.clone().into_iter().map(|b| judge.judge(&texts, b, hook, family, &asked));
            match &answers.collect::<Vec<_>>()[..] {
                [Ok(legacy), Ok(nft)] => {
                    tally.count(hook, legacy);
                    // nftables reads ports out of later fragments, whatever stands there.
                    let whole = |j: &Judged| j.packet.get(Field::Fragment) != 2;
                    for (a, b) in legacy.iter().zip(nft).filter(|(a, b)| a != b && whole(a)) {
                        let (hook, packet) = (hook.name(), shown(&a.packet));
                        tally.wrong.push(format!("{hook} {packet}\n  legacy: {a:?}\n  nft: {b:?}\n{}", texts.shown()));
                    }
                }
                refused => tally.wrong.push(format!("refused: {refused:?}\n{}", texts.shown())),
            }
        }
    });
    if let Some(tally) = tally {
        tally.report("legacy against nft");
    }
}

#[test]
fn hand_written_cases_are_what_the_kernel_does() {
    let Some(mut judge) = start(1) else { return };
    let mut tally = Tally::default();
    let mut silent = false;
    for case in cases::all("cases") {
        tally.rulesets += 1;
        let (judged, found) = cases::check(&mut judge, &case);
        tally.wrong.extend(found);
        let known = case.fwgate.as_deref();
        match fwgate_side::read(&case.texts, &case.addresses) {
            Ok(ruleset) => {
                let before = tally.wrong.len();
                for (hook, judged) in &judged {
                    compare(&case.texts, &ruleset, *hook, judged, &mut tally);
                }
                if known == Some("differs") && tally.wrong.len() > before {
                    tally.wrong.truncate(before);
                } else if known.is_some() {
                    tally.wrong.push(format!(
                        "{}: fwgate no longer {}: remove the remark",
                        case.name,
                        known.unwrap_or("")
                    ));
                }
            }
            Err(Unread::NotYet) => silent = true,
            Err(Unread::Problems(_)) if known == Some("refuses") => {}
            Err(Unread::Problems(problems)) => {
                tally.wrong.push(format!("{}: fwgate does not read it: {}", case.name, problems.join("; ")));
            }
        }
        for (hook, judged) in &judged {
            tally.count(*hook, judged);
        }
    }
    if silent {
        eprintln!("SKIPPED: fwgate reads no rulesets yet");
    }
    tally.report("hand-written cases");
}

#[test]
fn what_the_kernel_refuses_fwgate_refuses() {
    let Some(mut judge) = start(1) else { return };
    let mut wrong = Vec::new();
    for case in cases::all("cases/refused") {
        for backend in judge.backends.clone() {
            let refusal = judge.judge(&case.texts, backend, Hook::Forward, case.family, &[]).err();
            if refusal.is_some() != case.refused_by.contains(&backend) {
                wrong.push(format!("{} {backend:?}: {refusal:?}", case.name));
            }
        }
        let by_all = judge.backends.iter().all(|b| case.refused_by.contains(b));
        let taken = fwgate_side::read(&case.texts, &[]).is_ok();
        match (taken, case.fwgate.as_deref() == Some("takes")) {
            (true, false) if by_all => wrong.push(format!("{}: fwgate takes it\n{}", case.name, case.texts.shown())),
            (false, true) => wrong.push(format!("{}: fwgate refuses it too: remove the remark", case.name)),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
