//! Rulesets written in the native format and read back are the same, step by step.

use super::random::{Dice, ruleset};
use fwgate::dialect::{InputFile, ReadOptions, native, read_device};
use fwgate::packet::Family;
use fwgate::ruleset::{Families, Hook, Ruleset};

fn again(ruleset: &Ruleset, seed: u64) -> Ruleset {
    let bytes = native::write(ruleset).into_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let file = InputFile { name: "ruleset.json".into(), bytes: bytes.into() };
    let read = read_device(&[file], &ReadOptions::default());
    read.unwrap_or_else(|e| panic!("seed {seed}: {:#?}\n{text}", e.problems))
}

fn same(one: &Ruleset, other: &Ruleset, seed: u64) {
    assert_eq!(one.chains.len(), other.chains.len(), "seed {seed}");
    for (a, b) in one.chains.iter().zip(&other.chains) {
        assert_eq!((&a.name, a.rules.len()), (&b.name, b.rules.len()), "seed {seed}");
        for (at, (x, y)) in a.rules.iter().zip(&b.rules).enumerate() {
            assert_eq!(x.steps, y.steps, "seed {seed}: {} rule {at}\n{}", a.name, native::write(one));
        }
    }
    for (a, b) in one.bases.iter().zip(&other.bases) {
        let shape = |b: &fwgate::ruleset::Base| {
            (b.chain, b.families, b.hook, b.priority, b.kind, b.policy.clone(), b.principal)
        };
        assert_eq!(shape(a), shape(b), "seed {seed}");
    }
    assert_eq!((one.bases.len(), one.families, one.conntrack), (other.bases.len(), other.families, other.conntrack));
}

/// The same ruleset for packets of one family only.
fn of_one_family(mut ruleset: Ruleset, family: Family) -> Ruleset {
    ruleset.families = Families::only(family);
    ruleset.bases.iter_mut().for_each(|b| b.families = Families::only(family));
    ruleset
}

#[test]
fn random_rulesets_are_read_back_step_by_step() {
    for seed in 0..1500u64 {
        let mut dice = Dice::new(seed);
        let (hook, family) = (dice.pick(&Hook::ALL), dice.pick(&Family::ALL));
        let mixed = ruleset(&mut dice, hook, family);
        if mixed.rule_count() == 0 {
            continue;
        }
        for one in [mixed.clone(), of_one_family(mixed, family)] {
            same(&one, &again(&one, seed), seed);
        }
    }
}
