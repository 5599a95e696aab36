//! nft before the kernel: random rulesets, and both listings of each as the same ruleset.

use crate::fwgate_side::{self, Unread};
use crate::generate::nft as generate;
use crate::judge::{Judge, Judged, Tell, Texts};
use crate::{differs, with_judges};
use fwgate::diff::{Bounds, DevicePair, diff_device};
use fwgate::packet::{Family, Field, Packet};
use fwgate::ruleset::Hook;

fn texts(text: &str) -> Texts {
    Texts { nft: Some(text.to_owned()), ..Texts::default() }
}

#[test]
fn fwgate_says_what_the_kernel_does_with_random_nft_rulesets() {
    let last = crate::seeds(200);
    let tally = with_judges(last, |judge, seed, family, tally| {
        let made = generate::ruleset(seed);
        if !made.families.contains(&family) {
            return;
        }
        let texts = texts(&made.text);
        tally.rulesets += usize::from(made.families[0] == family);
        let ruleset = match fwgate_side::read(&texts, &[]) {
            Ok(ruleset) => Some(ruleset),
            Err(Unread::NotYet) => None,
            Err(Unread::Problems(problems)) => {
                tally.wrong.push(format!("fwgate does not read it: {}\n{}", problems.join("; "), texts.shown()));
                None
            }
        };
        for hook in Hook::ALL {
            let asked = made.packets(family, hook, 90);
            let judged = match judge.judge(&texts, judge.backends[0], hook, family, &asked) {
                Ok(judged) => judged,
                Err(refusal) => {
                    tally.wrong.push(format!("the kernel refused: {refusal:?}\n{}", texts.shown()));
                    return;
                }
            };
            tally.count(hook, &judged);
            let Some(ruleset) = &ruleset else { continue };
            // Of a later fragment nft reads whatever data stands where a header would (see the case
            // `nft-later-fragments`).
            let whole = |one: &&Judged| one.packet.get(Field::Fragment) != 2;
            let seen = judged.iter().filter(whole);
            let wrong = seen.filter(|one| differs(ruleset, hook, one, &mut tally.skipped).is_some());
            for (nth, one) in wrong.enumerate() {
                // The first one is worth a closer look.
                let small = (nth == 0).then(|| shrink(judge, &made.text, hook, &asked[one.at])).flatten();
                tally.wrong.push(small.unwrap_or_else(|| {
                    let difference = differs(ruleset, hook, one, &mut 0).unwrap_or_default();
                    format!("{difference}(seed {seed})")
                }));
            }
        }
    });
    let Some(tally) = tally else { return };
    tally.report("random nft rulesets");
    if last >= 200 {
        assert!(tally.rulesets >= 200 && tally.packets >= 50_000, "enough was asked");
    }
}

/// The same disagreement with as few rules as possible: what can go goes.
fn shrink(judge: &mut Judge, text: &str, hook: Hook, packet: &Packet) -> Option<String> {
    let mut ask = |text: &str| {
        let texts = texts(text);
        let ruleset = fwgate_side::read(&texts, &[]).ok()?;
        let asked = std::slice::from_ref(packet);
        let judged = judge.judge(&texts, judge.backends[0], hook, packet.family, asked).ok()?;
        differs(&ruleset, hook, judged.first()?, &mut 0)
    };
    let (mut text, mut best) = (text.to_owned(), ask(text)?);
    let mut at = 0;
    loop {
        let lines: Vec<&str> = text.lines().collect();
        let Some((first, last)) = (at..lines.len()).find_map(|i| removable(&lines, i)) else { break };
        let fewer: Vec<&str> = lines[..first].iter().chain(&lines[last + 1..]).copied().collect();
        let fewer = fewer.join("\n") + "\n";
        match ask(&fewer) {
            Some(said) => (text, best, at) = (fewer, said, first),
            None => at = first + 1,
        }
    }
    Some(format!("{best}{text}"))
}

/// The lines of a table, a chain, a set or a rule that begins at a line.
fn removable(lines: &[&str], at: usize) -> Option<(usize, usize)> {
    let line = lines[at];
    let depth = line.len() - line.trim_start().len();
    let closing = format!("{}}}", "\t".repeat(depth));
    if line.ends_with('{') {
        return (at..lines.len()).find(|i| lines[*i] == closing).map(|end| (at, end));
    }
    let head = ["type ", "typeof ", "flags ", "elements "].iter().any(|word| line.trim_start().starts_with(word));
    (depth == 2 && !head).then_some((at, at))
}

/// Both listings of what was loaded, text and JSON, are the ruleset that was written.
#[test]
fn listings_of_random_nft_rulesets_are_the_same_ruleset() {
    let tally = with_judges(crate::seeds(30), |judge, seed, family, tally| {
        let made = generate::ruleset(5000 + 2 * seed + u64::from(family == Family::V6));
        tally.rulesets += 1;
        let wrong = match judge.tell(&texts(&made.text), Tell::Listings) {
            Ok(listings) => listings.iter().filter_map(|l| difference(&texts(&made.text), &texts(l))).collect(),
            // nft 1.0.6 dies of listing some rulesets that it has loaded itself.
            Err(refusal) if refusal.by == "nft list" => Vec::new(),
            Err(refusal) => vec![format!("{refusal:?}\n{}", made.text)],
        };
        tally.wrong.extend(wrong);
    });
    if let Some(tally) = tally {
        tally.report("listings");
    }
}

/// What nft lists of the files in `nft-listings.txt`, and that its known mistakes are still there.
#[test]
fn listings_are_the_ruleset_but_where_nft_is_mistaken() {
    let Some(mut judge) = crate::start(1) else { return };
    let blocks: Vec<&str> = include_str!("cases/nft-listings.txt").split("\n=== ").skip(1).collect();
    let mut wrong = Vec::new();
    for block in &blocks {
        let (head, text) = block.split_once('\n').expect("a text");
        let loaded = texts(&format!("{text}\n"));
        let listings = judge.tell(&loaded, Tell::Listings).unwrap_or_else(|refusal| panic!("{head}: {refusal:?}"));
        for listing in &listings {
            let difference = difference(&loaded, &texts(listing));
            if difference.is_some() != head.starts_with("other ") {
                wrong.push(format!("{head}: {}", difference.unwrap_or_else(|| "they are the same".into())));
            }
        }
    }
    assert!(blocks.len() >= 4 && wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// How two texts differ as rulesets, as their diff says.
fn difference(one: &Texts, other: &Texts) -> Option<String> {
    let read = |texts: &Texts| match fwgate_side::read(texts, &[]) {
        Ok(ruleset) => Ok(ruleset),
        Err(Unread::NotYet) => Err("no dialect".to_owned()),
        Err(Unread::Problems(problems)) => Err(problems.join("; ")),
    };
    let (old, new) = match (read(one), read(other)) {
        (Ok(old), Ok(new)) => (old, new),
        (old, new) => {
            let errors: Vec<String> = [old.err(), new.err()].into_iter().flatten().collect();
            return Some(format!("{}\n{}\n{}", errors.join("; "), one.shown(), other.shown()));
        }
    };
    let pair = DevicePair { name: "device", old: Some(&old), new: Some(&new) };
    // Beyond some cells the comparison ends: what it has seen by then must agree.
    let bounds = Bounds { cells: 3_000, ..Bounds::default() };
    let diff = diff_device(pair, &[], bounds).expect("witnesses are replayed");
    let changed = diff.filters.iter().find_map(|f| f.diff.changes.first().map(|c| (f.hook, c)));
    let shown = changed.map(|(hook, change)| format!("{hook} {}", crate::shown(&change.witness)));
    shown.map(|shown| format!("{shown}\n{}\n{}", one.shown(), other.shown()))
}

/// One small file, what nft does with it, and how fwgate is known not to follow: `takes` or `refuses`.
struct Load {
    name: String,
    is_taken: bool,
    fwgate: Option<String>,
    text: String,
}

fn loads() -> Vec<Load> {
    let blocks = include_str!("cases/nft-loads.txt").split("\n=== ").skip(1);
    let load = |block: &str| {
        let (head, text) = block.split_once('\n').expect("a text");
        let (word, name) = head.split_once(' ').expect("a name");
        let remark = text.lines().find_map(|line| line.strip_prefix("# fwgate-"));
        let fwgate = remark.and_then(|r| r.split_once(':')).map(|(word, _)| word.to_owned());
        Load { name: name.to_owned(), is_taken: word == "taken", fwgate, text: format!("{text}\n") }
    };
    blocks.map(load).collect()
}

#[test]
fn nft_and_fwgate_take_and_refuse_the_same_files() {
    let Some(mut judge) = crate::start(1) else { return };
    let (mut wrong, all) = (Vec::new(), loads());
    for load in &all {
        let kernel = judge.tell(&texts(&load.text), Tell::Listings);
        if kernel.is_ok() != load.is_taken {
            wrong.push(format!("{}: nft: {kernel:?}", load.name));
        }
        let expected = match load.fwgate.as_deref() {
            Some("takes") => true,
            Some("refuses") => false,
            _ => load.is_taken,
        };
        match fwgate_side::read(&texts(&load.text), &[]) {
            Ok(_) if expected => {}
            Ok(_) => wrong.push(format!("{}: fwgate takes it", load.name)),
            Err(_) if !expected => {}
            Err(Unread::Problems(problems)) => wrong.push(format!("{}: fwgate: {}", load.name, problems.join("; "))),
            Err(Unread::NotYet) => wrong.push(format!("{}: no dialect", load.name)),
        }
    }
    assert!(all.len() >= 60 && wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}
