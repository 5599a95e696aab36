//! Meanings are equal if and only if the changes are the same, however the rules are written.

use super::random::{Dice, edited, ruleset};
use fwgate::dialect::{InputFile, ReadOptions, read_device};
use fwgate::diff::{Bounds, MeaningBounds, canonical_meaning, diff_filter};
use fwgate::packet::{Family, Field, Ranges};
use fwgate::ruleset::{Chain, ChainId, Hook, Match, Negate, Opaque, OpaqueKind, Rule, Ruleset, Step, Verdict};

const BOUNDS: Bounds = Bounds { regions: 100_000, cells: 400_000 };

/// The text of a change; `None` where a bound was reached.
fn text(old: &Ruleset, new: &Ruleset, hook: Hook, family: Family) -> Option<String> {
    let diff = diff_filter(old, new, hook, family, &[], BOUNDS).unwrap();
    canonical_meaning(&diff, MeaningBounds { steps: 20_000_000 }).ok().map(|m| m.text)
}

/// Whether two rulesets let the same packets through in the same way.
fn same(old: &Ruleset, new: &Ruleset, hook: Hook, family: Family) -> Option<bool> {
    let diff = diff_filter(old, new, hook, family, &[], BOUNDS).unwrap();
    diff.complete.then_some(diff.changes.is_empty())
}

/// Every condition as a function of the packet, so that rules may be copied and moved.
fn pure(mut ruleset: Ruleset) -> Ruleset {
    fn opaque(o: &mut Opaque) {
        o.kind = OpaqueKind::Pure;
    }
    fn condition(m: &mut Match) {
        match m {
            Match::Opaque(o) => opaque(o),
            Match::All(inner) | Match::Any(inner) => inner.iter_mut().for_each(condition),
            Match::Not(inner) => condition(inner),
            _ => {}
        }
    }
    fn verdict(v: &mut Verdict) {
        if let Verdict::Ask(o) = v {
            opaque(o);
        }
    }
    for step in ruleset.chains.iter_mut().flat_map(|c| &mut c.rules).flat_map(|r| &mut r.steps) {
        match step {
            Step::If(m) => condition(m),
            Step::Then(v) => verdict(v),
            Step::Choose(entries) => {
                let mut own = entries.to_vec();
                own.iter_mut().for_each(|(m, v)| {
                    condition(m);
                    verdict(v);
                });
                *entries = own.into();
            }
            Step::Set(_) => {}
        }
    }
    ruleset
}

fn is_plain(rule: &Rule) -> bool {
    let stays = |v: &Verdict| !matches!(v, Verdict::Return | Verdict::Goto(_));
    rule.steps.iter().all(|step| match step {
        Step::If(_) => true,
        Step::Set(_) => false,
        Step::Then(v) => stays(v),
        Step::Choose(entries) => entries.iter().all(|(_, v)| stays(v)),
    })
}

fn ends_alike(a: &Rule, b: &Rule) -> bool {
    let end = |r: &Rule| match r.steps.split_last() {
        Some((Step::Then(v @ (Verdict::Accept | Verdict::Drop)), guards)) => {
            guards.iter().all(|s| matches!(s, Step::If(_))).then(|| v.clone())
        }
        _ => None,
    };
    end(a).is_some() && end(a) == end(b)
}

/// The same ruleset in other words: chains renamed, rules split, wrapped in chains, and exchanged where they end alike.
fn rewritten(dice: &mut Dice, ruleset: &Ruleset, family: Family) -> Ruleset {
    let mut out = ruleset.clone();
    for (at, chain) in out.chains.iter_mut().enumerate() {
        chain.name = format!("filter/renamed{at}").into();
    }
    for _ in 0..8 {
        let at = dice.below(out.chains.len() as u64) as usize;
        let count = out.chains[at].rules.len();
        if count == 0 {
            continue;
        }
        let n = dice.below(count as u64) as usize;
        let rule = out.chains[at].rules[n].clone();
        match dice.below(3) {
            0 if is_plain(&rule) => {
                let base = if family == Family::V4 { 0x0a00_0000 } else { 0x2001_0db8 << 96 };
                let half = Match::ranges(Field::Src, Ranges::range(0, base + u128::from(dice.below(24))));
                let part = |negate| {
                    let mut steps = rule.steps.clone();
                    steps.insert(0, Step::If(half.clone().negated_if(negate)));
                    Rule { steps, span: rule.span }
                };
                out.chains[at].rules.splice(n..=n, [part(Negate::No), part(Negate::Yes)]);
            }
            1 if is_plain(&rule) => {
                let id = ChainId(out.chains.len() as u32);
                let jump = Rule { steps: vec![Step::Then(Verdict::Jump(id))], span: rule.span };
                let name = format!("filter/wrapped{}", id.0).into();
                out.chains.push(Chain { name, rules: vec![rule.clone()], span: rule.span });
                out.chains[at].rules[n] = jump;
            }
            _ if n + 1 < count && ends_alike(&rule, &out.chains[at].rules[n + 1]) => {
                out.chains[at].rules.swap(n, n + 1)
            }
            _ => {}
        }
    }
    out
}

fn runs(default: u64) -> u64 {
    std::env::var("FWGATE_PROPERTY_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn other_words_have_the_same_meaning() {
    let (mut compared, mut with_effect) = (0, 0);
    for seed in 0..runs(150) {
        let mut dice = Dice::new(seed ^ 0x3ea1);
        let (hook, family) = (dice.pick(&Hook::ALL), dice.pick(&Family::ALL));
        let old = pure(ruleset(&mut dice, hook, family));
        let new = pure(edited(&mut dice, &old, family));
        let (before, after) = (rewritten(&mut dice, &old, family), rewritten(&mut dice, &new, family));
        let (Some(one), Some(other)) = (text(&old, &new, hook, family), text(&before, &after, hook, family)) else {
            continue;
        };
        assert_eq!(one, other, "seed {seed}\n{old:#?}\n{new:#?}\n{before:#?}\n{after:#?}");
        compared += 1;
        with_effect += u64::from(!one.is_empty());
    }
    assert!(
        compared * 10 > runs(150) * 8 && with_effect * 5 > compared,
        "{compared} compared, {with_effect} with effect"
    );
}

#[test]
fn meanings_are_equal_if_and_only_if_the_proposals_do_the_same() {
    let (mut equal, mut other) = (0, 0);
    for seed in 0..runs(150) {
        let mut dice = Dice::new(seed ^ 0x7711);
        let (hook, family) = (dice.pick(&Hook::ALL), dice.pick(&Family::ALL));
        let old = pure(ruleset(&mut dice, hook, family));
        let new = pure(edited(&mut dice, &old, family));
        let newer = pure(edited(&mut dice, &new, family));
        let texts = (text(&old, &new, hook, family), text(&old, &newer, hook, family));
        let (Some(one), Some(two), Some(same)) = (texts.0, texts.1, same(&new, &newer, hook, family)) else { continue };
        assert_eq!(one == two, same, "seed {seed}\n{old:#?}\n{new:#?}\n{newer:#?}\n{one}\n{two}");
        equal += u64::from(same);
        other += u64::from(!same);
    }
    assert!(equal > 5 && other > 30, "both must come up: {equal} {other}");
}

/// Every example of the page: two rulesets and the lines that it promises.
#[test]
fn the_examples_of_the_page_are_what_is_computed() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/meaning.md")).unwrap();
    let mut blocks = page.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let mut checked = 0;
    while let Some((kind, old)) = blocks.next() {
        if kind != "old" {
            continue;
        }
        let (Some(("new", new)), Some((hook, expected))) = (blocks.next(), blocks.next()) else {
            panic!("`old` is followed by `new` and `meaning HOOK`")
        };
        let hook = Hook::by_name(hook.strip_prefix("meaning ").unwrap()).unwrap();
        let read = |rules: &str| {
            let text =
                format!("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n{rules}COMMIT\n");
            let file = InputFile { name: "rules.v4".into(), bytes: text.into_bytes().into() };
            read_device(&[file], &ReadOptions::default()).unwrap()
        };
        assert_eq!(text(&read(old), &read(new), hook, Family::V4).unwrap(), expected, "{old}\n{new}");
        checked += 1;
    }
    assert!(checked >= 4, "examples were found: {checked}");
}

/// The bound of work leaves room for effects that people would still look at.
#[test]
fn ten_thousand_changed_regions_are_within_the_bound() {
    let mut dice = Dice::new(11);
    let mut rules = String::new();
    for _ in 0..10_000 {
        let (a, b, c, d) = (dice.below(256), dice.below(256), dice.below(256), dice.below(256));
        let (port, bits) = (dice.below(2000) + 1, dice.pick(&[24u32, 28, 32]));
        rules += &format!("-A FORWARD -s 10.{a}.{b}.0/24 -d 172.16.{c}.{d}/{bits} -p tcp --dport {port} -j ACCEPT\n");
    }
    let read = |rules: &str| {
        let text = format!("*filter\n:FORWARD DROP [0:0]\n{rules}COMMIT\n");
        let file = InputFile { name: "rules.v4".into(), bytes: text.into_bytes().into() };
        read_device(&[file], &ReadOptions::default()).unwrap()
    };
    let (old, new) = (read("-A FORWARD -s 192.0.2.1 -j ACCEPT\n"), read(&rules));
    let diff = diff_filter(&old, &new, Hook::Forward, Family::V4, &[], Bounds::default()).unwrap();
    let regions: usize = diff.changes.iter().map(|c| c.cells.len()).sum();
    let start = std::time::Instant::now();
    let meaning = canonical_meaning(&diff, MeaningBounds { steps: 2_000_000 }).unwrap();
    eprintln!("{regions} regions, {} lines, {:?}", meaning.text.lines().count(), start.elapsed());
    assert!(regions >= 9_000, "{regions}");
}
