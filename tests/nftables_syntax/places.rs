//! Where things stand: rules, policies, elements, and what is wrong.

use super::{read, read_with, shown};
use fwgate::dialect::nftables::includes::Includes;
use fwgate::dialect::nftables::syntax::{Object, Verb};
use fwgate::ruleset::Span;

fn text(source: &str, span: Span) -> &str {
    &source[span.start as usize..span.end as usize]
}

const LISTING: &str = "table inet t { # handle 1
	set s { # handle 3
		type ipv4_addr
		elements = { 192.0.2.1 comment \"one\", 192.0.2.0/28 }
	}

	chain c { # handle 2
		type filter hook input priority filter; policy drop;
		tcp dport 22 counter packets 5 bytes 7 accept comment \"in\" # handle 9
		udp dport 53 \\
			accept
	}
}
";

#[test]
fn a_rule_is_its_text_without_its_handle() {
    let commands = read(LISTING).unwrap();
    let rules: Vec<_> = commands.iter().filter(|c| matches!(c.object, Object::Rule(_))).collect();
    assert_eq!(text(LISTING, rules[0].span), "tcp dport 22 counter packets 5 bytes 7 accept comment \"in\"");
    assert_eq!(rules[0].span.line, 9);
    let Object::Rule(rule) = &rules[0].object else { unreachable!() };
    assert_eq!((rule.handle, rule.comment.as_deref()), (Some(9), Some("in")));
    assert_eq!(text(LISTING, rules[1].span), "udp dport 53 \\\n\t\t\taccept");
    assert_eq!(rules[1].span.line, 10);
}

#[test]
fn a_policy_is_its_line() {
    let commands = read(LISTING).unwrap();
    let base = commands.iter().find_map(|c| match &c.object {
        Object::Chain { base, .. } => base.clone(),
        _ => None,
    });
    let policy = base.unwrap().policy.unwrap();
    assert_eq!(text(LISTING, policy.span), "type filter hook input priority filter; policy drop");
    assert_eq!(policy.span.line, 8);
}

#[test]
fn an_element_is_its_text() {
    let commands = read(LISTING).unwrap();
    let set = commands.iter().find_map(|c| if let Object::Set(set) = &c.object { Some(set) } else { None }).unwrap();
    let texts: Vec<&str> = set.elements.iter().map(|e| text(LISTING, e.span)).collect();
    assert_eq!(texts, ["192.0.2.1 comment \"one\"", "192.0.2.0/28"]);
}

#[test]
fn an_item_of_json_is_its_text() {
    let source = "{\"nftables\": [\n{\"metainfo\": {\"json_schema_version\": 1}},\n\
        {\"table\": {\"family\": \"ip\", \"name\": \"t\"}},\n\
        {\"rule\": {\"family\": \"ip\", \"table\": \"t\", \"chain\": \"c\", \"handle\": 4, \"expr\": [{\"drop\": null}]}},\n\
        {\"add\": {\"rule\": {\"family\": \"ip\", \"table\": \"t\", \"chain\": \"c\", \"handle\": 4, \"expr\": [{\"accept\": null}]}}}\n]}";
    let commands = read(source).unwrap();
    assert_eq!(commands.iter().map(|c| c.span.line).collect::<Vec<_>>(), [3, 4, 5]);
    assert!(text(source, commands[1].span).starts_with("{\"rule\""));
    let handles: Vec<_> = commands
        .iter()
        .filter_map(|c| if let Object::Rule(rule) = &c.object { Some((rule.handle, rule.position)) } else { None })
        .collect();
    assert_eq!(handles, [(Some(4), None), (None, Some(4))], "a listing names the rule, a command its neighbour");
}

#[test]
fn every_problem_is_found_in_one_run_and_at_its_place() {
    let source = "table ip t {\n chain c {\n  tcp dprot 22 accept\n  ip saddr 192.0.2.1 acept\n  accept\n }\n}\nfrob\n";
    let problems = read(source).unwrap_err();
    let places: Vec<(u32, &str)> = problems.iter().map(|p| (p.span.line, text(source, p.span))).collect();
    assert_eq!(places, [(3, "dprot"), (4, "acept"), (8, "frob")], "{}", shown(&problems));
    assert!(problems[0].help.as_ref().unwrap().contains("did you mean `dport`?"));
    assert!(problems[1].help.as_ref().unwrap().contains("did you mean `accept`?"));
}

#[test]
fn a_command_is_its_whole_text() {
    let source = "add table ip t; insert rule ip t c position 5 drop # why\n";
    let commands = read(source).unwrap();
    assert_eq!(commands.iter().map(|c| c.verb).collect::<Vec<_>>(), [Verb::Add, Verb::Insert]);
    assert_eq!(text(source, commands[1].span), "insert rule ip t c position 5 drop");
    let Object::Rule(rule) = &commands[1].object else { panic!("{commands:?}") };
    assert_eq!((rule.handle, rule.position), (None, Some(5)));
}

#[test]
fn carriage_returns_are_refused_once() {
    let unreadable = read_with("a", "table ip t {\r\n}\r\n", &Includes::default()).unwrap_err();
    assert_eq!(unreadable.problems.len(), 1);
    assert!(unreadable.problems[0].message.contains("carriage return"));
}
