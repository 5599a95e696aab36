//! The habits that lint asks about, on small filters whose answers are plain.

use super::matrix::filter;
use fwgate::packet::{Family, Field, Ranges};
use fwgate::query::{conditions, forgotten_replies, open_policies};
use fwgate::ruleset::{
    Base, ChainId, Hook, Match, NfHook, Opaque, OpaqueKind, Place, Rule, Ruleset, Span, Step, Verdict,
};

fn rule(condition: Match, verdict: Verdict) -> Rule {
    Rule { steps: vec![Step::If(condition), Step::Then(verdict)], span: Span::default() }
}

fn states(values: &[u128]) -> Match {
    Match::ranges(Field::State, Ranges::from_values(values.iter().copied()))
}

fn ssh() -> Match {
    Match::layer4(&[6], Match::ranges(Field::Dport, Ranges::one(22)))
}

/// An input filter that drops by default, and no output filter.
fn host(rules: Vec<Rule>, policy: Verdict) -> Ruleset {
    let mut out = filter(vec![rules], policy);
    out.bases[0].hook = NfHook::Input;
    out
}

#[test]
fn a_stateful_filter_without_an_established_rule_is_found() {
    let new_ssh = rule(Match::all([states(&[0]), ssh()]), Verdict::Accept);
    let loopback = rule(
        Match::Interface(fwgate::packet::IfaceSide::In, fwgate::packet::IfacePattern::exact("lo")),
        Verdict::Accept,
    );
    let forgets = host(vec![loopback.clone(), new_ssh.clone()], Verdict::Drop);
    let found = forgotten_replies(&forgets);
    let at_input: Vec<_> = found.iter().filter(|f| f.hook == Hook::Input).map(|f| (f.family, f.begins)).collect();
    let begins = Place::Rule(ChainId(0), 1);
    assert_eq!(at_input, [(Family::V4, begins), (Family::V6, begins)]);
    assert!(found.iter().any(|f| f.hook == Hook::Output && f.blocked_at == Hook::Input), "answers to what it asks");
    let established = rule(states(&[1, 2]), Verdict::Accept);
    assert!(forgotten_replies(&host(vec![loopback, established, new_ssh], Verdict::Drop)).is_empty());
    let stateless = host(vec![rule(ssh(), Verdict::Accept)], Verdict::Drop);
    assert!(forgotten_replies(&stateless).is_empty(), "later packets of the same kind pass");
}

#[test]
fn a_policy_that_accepts_is_found_unless_a_last_rule_closes_the_filter() {
    let open = host(vec![rule(ssh(), Verdict::Drop)], Verdict::Accept);
    let found = open_policies(&open);
    assert_eq!(found.iter().map(|o| (o.base, o.hook, o.family)).collect::<Vec<_>>(), [(0, Hook::Input, Family::V4)]);
    let closed = host(vec![rule(ssh(), Verdict::Accept), rule(Match::Always, Verdict::Drop)], Verdict::Accept);
    assert!(open_policies(&closed).is_empty());
    let mut with_mangle = host(vec![rule(ssh(), Verdict::Accept)], Verdict::Drop);
    let mangle = Base { principal: false, priority: -150, policy: Verdict::Accept, ..with_mangle.bases[0].clone() };
    with_mangle.chains.push(fwgate::ruleset::Chain {
        name: "mangle/INPUT".into(),
        rules: Vec::new(),
        span: Span::default(),
    });
    with_mangle.bases.push(Base { chain: ChainId(1), ..mangle });
    assert!(open_policies(&with_mangle).is_empty(), "mangle accepts by design");
}

#[test]
fn conditions_are_listed_by_name_with_their_places() {
    let opaque = |name: &str, kind| Match::Opaque(Opaque { name: name.into(), kind });
    let limit = || rule(opaque("limit: 1/second", OpaqueKind::PerRule), Verdict::Accept);
    let owner = || rule(opaque("owner: uid 0", OpaqueKind::Pure), Verdict::Accept);
    let listed = conditions(&filter(vec![vec![limit(), owner(), limit(), owner()]], Verdict::Drop));
    let at = |n| Place::Rule(ChainId(0), n);
    let found: Vec<(&str, Vec<Place>)> = listed.iter().map(|c| (&*c.name, c.places.clone())).collect();
    let wanted = [
        ("limit: 1/second #1", vec![at(0)]),
        ("owner: uid 0", vec![at(1), at(3)]),
        ("limit: 1/second #2", vec![at(2)]),
    ];
    assert_eq!(found, wanted);
}
