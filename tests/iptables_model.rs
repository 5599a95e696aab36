//! What dumps become in the model: places, priorities, names of conditions, and the steps of single rules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fwgate::dialect::{InputFile, Problem, ReadOptions, read_device};
use fwgate::packet::{Field, Ranges};
use fwgate::ruleset::{BaseKind, Effect, Match, NfHook, OpaqueKind, Rewrite, Ruleset, Step, Verdict};

fn file(name: &str, text: &str) -> InputFile {
    InputFile { name: name.into(), bytes: text.as_bytes().into() }
}

fn read(text: &str) -> Ruleset {
    let read = read_device(&[file("rules.v4", text)], &ReadOptions::default());
    read.unwrap_or_else(|error| panic!("{:#?}", error.problems))
}

fn steps(table: &str, rule: &str) -> Vec<Step> {
    let ruleset = read(&format!("*{table}\n{rule}\nCOMMIT\n"));
    ruleset.chains[0].rules[0].steps.clone()
}

fn refused(rule: &str) -> (Problem, String) {
    let text = format!("*filter\n:INPUT DROP [0:0]\n{rule}\nCOMMIT\n");
    let error = read_device(&[file("rules.v4", &text)], &ReadOptions::default()).expect_err(rule);
    let problem = error.problems[0].clone();
    let quoted = error.sources.text(problem.span).to_owned();
    (problem, quoted)
}

fn condition(rule: &str) -> (String, OpaqueKind) {
    let opaque = steps("filter", rule).into_iter().find_map(|step| match step {
        Step::If(Match::Opaque(opaque)) => Some(opaque),
        _ => None,
    });
    let opaque = opaque.unwrap_or_else(|| panic!("{rule} has no condition"));
    (opaque.name.to_string(), opaque.kind)
}

#[test]
fn spans_leave_counters_out() {
    let ruleset = read("*filter\n:INPUT DROP [7:77]\n[1:2] -A INPUT -i lo -j ACCEPT\nCOMMIT\n");
    let base = &ruleset.bases[0];
    assert_eq!(ruleset.sources.text(base.policy_span), ":INPUT DROP");
    let rule = &ruleset.chains[0].rules[0];
    assert_eq!(ruleset.sources.text(rule.span), "-A INPUT -i lo -j ACCEPT");
    assert_eq!((base.policy_span.line, rule.span.line), (2, 3));
    assert_eq!(&*ruleset.chains[0].name, "filter/INPUT");
    assert!(base.principal);
}

#[test]
fn built_in_chains_hang_where_the_kernel_registers_them() {
    let ruleset = read(
        "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n\
         *mangle\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n",
    );
    let found: Vec<_> = ruleset.bases.iter().map(|b| (b.hook, b.priority, b.kind)).collect();
    assert_eq!(
        found,
        [
            (NfHook::Prerouting, -100, BaseKind::Nat),
            (NfHook::Postrouting, 100, BaseKind::Nat),
            (NfHook::Output, -150, BaseKind::Route),
            (NfHook::Prerouting, -300, BaseKind::Filter),
        ]
    );
    assert!(ruleset.conntrack);
    assert!(ruleset.bases.iter().all(|b| !b.principal));
}

#[test]
fn conditions_have_canonical_names() {
    let per_rule = |name: &str| (name.to_owned(), OpaqueKind::PerRule);
    let pure = |name: &str| (name.to_owned(), OpaqueKind::Pure);
    assert_eq!(condition("-A INPUT -m limit --limit 600/min"), per_rule("limit: 10/second burst 5"));
    assert_eq!(condition("-A INPUT -m limit"), per_rule("limit: 3/hour burst 5"));
    assert_eq!(
        condition("-A INPUT -m recent --rcheck --seconds 60 --name ssh"),
        per_rule("recent: rcheck seconds 60 name ssh mask 255.255.255.255 rsource")
    );
    assert_eq!(
        condition("-A INPUT -m statistic --mode random --probability 0.3"),
        per_rule("statistic: mode random probability 0.29999999981")
    );
    assert_eq!(condition("-A OUTPUT -m owner --uid-owner 0"), pure("owner: uid-owner 0"));
    assert_eq!(
        condition("-A INPUT -m string --algo bm --string abc"),
        pure("string: algo bm from 0 to 65535 string abc")
    );
    assert_eq!(condition("-A INPUT -m addrtype --dst-type LOCAL"), pure("addrtype: dst-type LOCAL"));
}

#[test]
fn marks_are_exact() {
    let mark = |keep, xor| vec![Step::Set(Effect::Mark { field: Field::Mark, keep, take: 0, xor })];
    assert_eq!(steps("mangle", "-A PREROUTING -j MARK --set-mark 0x50/0xf"), mark(!0x5f, 0x50));
    assert_eq!(steps("mangle", "-A PREROUTING -j MARK --set-xmark 0x50/0xf"), mark(!0xf, 0x50));
    assert_eq!(steps("mangle", "-A PREROUTING -j MARK --and-mark 0xf"), mark(0xf, 0));
    let restore = Effect::Mark { field: Field::Mark, keep: !0xff, take: 0xff, xor: 0 };
    assert_eq!(
        steps("mangle", "-A PREROUTING -j CONNMARK --restore-mark --mask 0xff"),
        [Step::If(Match::tracked()), Step::Set(restore)]
    );
}

#[test]
fn translations_name_addresses_and_ports() {
    let rule = "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.2:80-81 --random";
    let found = steps("nat", rule);
    let Some(Step::Then(Verdict::Translate(translation))) = found.last() else { panic!("no translation") };
    assert_eq!(translation.dst, Some(Rewrite::To(Ranges::range(0x0a00_0001, 0x0a00_0002))));
    assert_eq!(translation.dport, Some(Rewrite::To(Ranges::range(80, 81))));
    assert_eq!(translation.options.iter().map(|o| &**o).collect::<Vec<_>>(), ["random"]);
    let found = steps("nat", "-A POSTROUTING -s 10.0.0.0/24 -j NETMAP --to 192.0.2.0/24");
    let Some(Step::Then(Verdict::Translate(translation))) = found.last() else { panic!("no translation") };
    assert_eq!(translation.src, Some(Rewrite::Prefix { base: 0xc000_0200, host: 0xff }));
    assert_eq!(translation.dst, None);
}

#[test]
fn rules_without_verdict_keep_their_conditions() {
    let found = steps("filter", "-A INPUT -p tcp -j LOG --log-prefix \"x y\"");
    assert_eq!(found, [Step::If(Match::protocols([6]))]);
}

#[test]
fn a_set_of_one_dimension_is_one_match() {
    let sets =
        "create s hash:net family inet hashsize 1024 maxelem 65536\nadd s 10.0.0.0/24\nadd s 10.0.0.128/25 nomatch\n";
    let rules = "*filter\n-A INPUT -m set --match-set s src -j DROP\nCOMMIT\n";
    let ruleset = read_device(&[file("rules.v4", rules), file("sets", sets)], &ReadOptions::default()).unwrap();
    let member = Match::ranges(Field::Src, Ranges::range(0x0a00_0000, 0x0a00_007f));
    assert_eq!(ruleset.chains[0].rules[0].steps[0], Step::If(member));
}

#[test]
fn problems_quote_the_offending_word_and_suggest() {
    for (rule, quoted, help) in [
        ("-A INPUT -m contrack --ctstate NEW -j ACCEPT", "contrack", "conntrack"),
        ("-A INPUT -j ACEPT", "ACEPT", "ACCEPT"),
        ("-A INPUT -m conntrack --ctstate NEW,ESTABLISHD -j ACCEPT", "ESTABLISHD", "ESTABLISHED"),
        ("-A INPUT -p tcp --dprt 22 -j ACCEPT", "--dprt", "support table"),
        ("-A INPUT -p tcp --dport 65536 -j ACCEPT", "65536", "0 to 65535"),
        ("-A INPUT -s 10.0.0.0/33 -j ACCEPT", "33", "0 to 32"),
        ("-A INPTU -j ACCEPT", "INPTU", "INPUT"),
        ("-A INPUT -j INPUT", "INPUT", "user chain"),
        ("-A INPUT -p udp -j REJECT --reject-with tcp-reset", "tcp-reset", "-p tcp"),
    ] {
        let (problem, text) = refused(rule);
        assert_eq!(text, quoted, "{rule}: {problem:?}");
        assert!(problem.help.as_deref().is_some_and(|h| h.contains(help)), "{rule}: {problem:?}");
    }
}
