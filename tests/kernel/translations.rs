//! Rulesets that tools have rewritten: `iptables-restore-translate` into nft, `nft -o` into fewer rules.
//!
//! Where fwgate says that the rewritten ruleset is equivalent, the kernel must do the same under both; where it says that
//! it is not, it names a packet, and the kernel must treat that packet differently.

use crate::fwgate_side::{self, Unread};
use crate::generate;
use crate::judge::{Judge, Tell, Texts};
use crate::{shown, start, with_judges};
use fwgate::diff::{Bounds, Change, DeviceDiff, DevicePair, diff_device};
use fwgate::packet::{Family, Packet};
use fwgate::ruleset::{Hook, Ruleset};

fn nft(text: &str) -> Texts {
    Texts { nft: Some(text.to_owned()), ..Texts::default() }
}

fn read(texts: &Texts) -> Result<Ruleset, String> {
    fwgate_side::read(texts, &[]).map_err(|unread| match unread {
        Unread::NotYet => "no dialect".to_owned(),
        Unread::Problems(problems) => problems.join("; "),
    })
}

fn compared(old: &Ruleset, new: &Ruleset) -> DeviceDiff {
    let pair = DevicePair { name: "device", old: Some(old), new: Some(new) };
    diff_device(pair, &[], Bounds::default()).expect("witnesses are replayed")
}

/// The kernel's verdicts on one packet under both texts.
fn verdicts(judge: &mut Judge, sides: [&Texts; 2], hook: Hook, packet: &Packet) -> Option<[String; 2]> {
    let backend = judge.backends[0];
    let mut one = |texts: &Texts| {
        let judged = judge.judge(texts, backend, hook, packet.family, std::slice::from_ref(packet)).ok()?;
        Some(judged.first()?.verdict.word())
    };
    Some([one(sides[0])?, one(sides[1])?])
}

/// Whether the change is of plain verdicts that depend on nothing else.
fn is_plain(change: &Change) -> bool {
    change.cells.first().is_some_and(|cell| cell.conds().is_empty())
        && change.old.outcome.decision != change.new.outcome.decision
}

/// What fwgate calls different and the kernel does not.
fn unconfirmed(judge: &mut Judge, sides: [&Texts; 2], diff: &DeviceDiff) -> Vec<String> {
    let mut wrong = Vec::new();
    for filter in &diff.filters {
        for change in filter.diff.changes.iter().filter(|c| is_plain(c)).take(3) {
            match verdicts(judge, sides, filter.hook, &change.witness) {
                Some([a, b]) if a != b || ["undelivered", "elsewhere", "lost"].contains(&&*a) => {}
                found => wrong.push(format!("{} {}: {found:?}", filter.hook, shown(&change.witness))),
            }
        }
    }
    wrong
}

/// The ruleset without the rules whose translation nft is known not to load, and without quotes in comments.
fn translatable(text: &str) -> String {
    const NOT: [&str; 13] = [
        "-m set",
        "-m rt",
        "-m hbh",
        "-m dst",
        "-m mh",
        "NETMAP",
        "-m physdev",
        "--ctstate DNAT",
        "CLASSIFY",
        "NONE",
        "-m ecn",
        "-m tos",
        "-j TOS",
    ];
    let kept = text.lines().filter(|line| !NOT.iter().any(|word| line.contains(word)));
    kept.map(|line| format!("{}\n", line.replace("\\\"", ""))).collect()
}

/// Random rulesets of iptables and what iptables itself makes of them in the language of nft.
#[test]
fn what_fwgate_says_of_translated_rulesets_is_what_the_kernel_does() {
    let counts = std::sync::Mutex::new([0usize; 3]);
    let tally = with_judges(crate::seeds(20), |judge, seed, family, tally| {
        let made = generate::ruleset(seed, family);
        let texts = Texts::of(family, translatable(&made.text), String::new());
        let Ok(told) = judge.tell(&texts, Tell::Translation) else { return };
        let translated = nft(&told[0]);
        // What nft refuses to load is no translation.
        if judge.tell(&translated, Tell::Listings).is_err() {
            return;
        }
        tally.rulesets += 1;
        let (old, new) = match (read(&texts), read(&translated)) {
            (Ok(old), Ok(new)) => (old, new),
            (old, new) => {
                tally.wrong.push(format!("{:?} {:?}\n{}", old.err(), new.err(), translated.shown()));
                return;
            }
        };
        let diff = compared(&old, &new);
        let at = if diff.is_equivalent() { 0 } else { 1 };
        counts.lock().expect("the other judge is well")[at] += 1;
        let wrong = unconfirmed(judge, [&texts, &translated], &diff);
        tally.wrong.extend(wrong.into_iter().map(|w| format!("{w}\n{}\n{}", texts.shown(), translated.shown())));
        if !diff.is_equivalent() {
            return;
        }
        for hook in Hook::ALL {
            let asked = made.packets(hook, 40);
            let backend = judge.backends[0];
            let sides = [&texts, &translated].map(|side| judge.judge(side, backend, hook, family, &asked));
            let [Ok(a), Ok(b)] = sides else { continue };
            tally.packets += a.len();
            let plain = |t: &crate::judge::Judged| t.packet.get(fwgate::packet::Field::Fragment) != 2;
            for (x, y) in a.iter().zip(&b).filter(|(x, y)| x.verdict.word() != y.verdict.word() && plain(x)) {
                let packet = shown(&x.packet);
                tally.wrong.push(format!("{hook} {packet}: {:?} {:?}\n{}", x.verdict, y.verdict, translated.shown()));
            }
        }
    });
    if let Some(tally) = tally {
        let [equivalent, different, _] = *counts.lock().expect("both judges are well");
        eprintln!("translations: {equivalent} equivalent, {different} different");
        tally.report("translations");
        assert!(equivalent > 0 && different > 0, "both kinds were seen");
    }
}

/// A rule of iptables whose translation means something else: fwgate names a packet, and the kernel confirms it.
fn assert_translated_wrongly(rule: &str, ipset: &str) {
    let Some(mut judge) = start(0) else { return };
    let text = format!(
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD {rule}\nCOMMIT\n"
    );
    let texts = Texts::of(Family::V4, text, ipset.to_owned());
    let told = judge.tell(&texts, Tell::Translation).expect("translated");
    let new_text = format!("{}add rule ip filter OUTPUT ip daddr 192.0.2.77 drop\n", told[0]);
    let old_text = texts.v4.clone().unwrap_or_default().replace("COMMIT", "-A OUTPUT -d 192.0.2.77 -j DROP\nCOMMIT");
    let texts = Texts::of(Family::V4, old_text, ipset.to_owned());
    let (old, new) = (read(&texts).expect("read"), read(&nft(&new_text)).expect("read"));
    let diff = compared(&old, &new);
    assert!(!diff.is_equivalent(), "{rule}: {}", told[0]);
    let translated = Texts { ipset: texts.ipset.clone(), ..nft(&new_text) };
    let forward = diff.filters.iter().find(|f| f.hook == Hook::Forward).expect("a filter");
    let change = forward.diff.changes.iter().find(|c| is_plain(c)).expect("a plain change");
    let found = verdicts(&mut judge, [&texts, &translated], Hook::Forward, &change.witness).expect("judged");
    assert_ne!(found[0], found[1], "{rule}: {}", shown(&change.witness));
    assert_eq!(unconfirmed(&mut judge, [&texts, &translated], &diff), Vec::<String>::new(), "{rule}");
}

#[test]
fn a_negated_port_loses_its_negation() {
    assert_translated_wrongly("-p udp -m udp ! --dport 53 -j DROP", "");
}

#[test]
fn negated_ports_on_either_side_lose_their_negation() {
    assert_translated_wrongly("-p tcp -m multiport ! --ports 22,80 -j DROP", "");
}

#[test]
fn a_range_of_ports_on_either_side_becomes_two_points() {
    assert_translated_wrongly("-p tcp -m multiport --ports 100:200 -j DROP", "");
}

#[test]
fn a_set_vanishes() {
    assert_translated_wrongly("-m set --match-set s src -j DROP", "create s hash:ip\nadd s 10.0.0.1\n");
}

#[test]
fn a_rule_that_cannot_be_translated_becomes_a_comment() {
    assert_translated_wrongly("-p icmp -m icmp --icmp-type 3/1 -j DROP", "");
}

/// A ruleset that `nft -o` rewrites, and whether what comes out is the same.
fn assert_optimised(rules: &str, same: bool) {
    let Some(mut judge) = start(0) else { return };
    let text = format!(
        "table inet t {{\n\tchain c {{\n\t\ttype filter hook forward priority 0; policy drop;\n{rules}\n\t}}\n}}\n"
    );
    let written = nft(&text);
    let told = judge.tell(&written, Tell::Optimised).expect("rewritten");
    let rewritten = nft(&told[0]);
    let diff = compared(&read(&written).expect("read"), &read(&rewritten).expect("read"));
    assert_eq!(diff.is_equivalent(), same, "{}", told[0]);
    if same {
        return;
    }
    let forward = diff.filters.iter().find(|f| f.hook == Hook::Forward).expect("a filter");
    let change = forward.diff.changes.iter().find(|c| is_plain(c)).expect("a plain change");
    let found = verdicts(&mut judge, [&written, &rewritten], Hook::Forward, &change.witness).expect("judged");
    assert_ne!(found[0], found[1], "{}", shown(&change.witness));
}

#[test]
fn nft_makes_a_set_of_flags_and_breaks_every_handshake() {
    assert_optimised("\t\ttcp flags syn accept\n\t\ttcp flags ack accept", false);
}

#[test]
fn nft_makes_sets_concatenations_and_verdict_maps_of_what_compares_values() {
    assert_optimised("\t\tct state established accept\n\t\tct state related accept", true);
    assert_optimised("\t\tip saddr 10.0.0.1 tcp dport 22 accept\n\t\tip saddr 10.0.0.2 tcp dport 80 accept", true);
    assert_optimised("\t\tudp dport 53 accept\n\t\tudp dport 54 drop", true);
}
