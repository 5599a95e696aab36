//! Which files make which devices.

use crate::scene::{RULES, is_ruleset};
use fwgate::fleet::tree::{ConfigTree, TreeFile, TreeInput};
use fwgate::fleet::{Naming, same_evidence};

const SETS: &str = "create web hash:ip\n";

fn files(list: &[(&str, &str)]) -> Vec<TreeFile> {
    list.iter().map(|(p, t)| TreeFile { path: (*p).to_owned(), bytes: t.as_bytes().into() }).collect()
}

fn tree(list: &[(&str, &str)]) -> ConfigTree {
    with_roles(list, &[])
}

fn with_roles(list: &[(&str, &str)], roles: &[(&str, &str)]) -> ConfigTree {
    let mut input = TreeInput::new("tree");
    input.files = files(list);
    input.roles = files(roles);
    ConfigTree::of_folder(input, is_ruleset)
}

/// `device: file file`, line by line.
fn shown(tree: &ConfigTree) -> Vec<String> {
    assert_eq!(tree.problems, []);
    let names =
        |d: &fwgate::fleet::tree::DeviceInput| d.files.iter().map(|f| f.name.clone()).collect::<Vec<_>>().join(" ");
    tree.devices.iter().map(|d| format!("{}: {}", d.name, names(d))).collect()
}

fn messages(tree: &ConfigTree) -> Vec<String> {
    tree.problems.iter().map(|p| p.message.clone()).collect()
}

#[test]
fn folders_and_stems_are_devices() {
    let t = tree(&[
        ("edge1/rules.v6", RULES),
        ("edge1/rules.v4", RULES),
        ("edge1/ipset", SETS),
        ("edge1/device.toml", "role = \"edge\"\n"),
        ("core.v4", RULES),
        ("core.v6", RULES),
        ("core.ipset", SETS),
        ("rules", RULES),
        ("README.md", "text"),
        (".gitkeep", ""),
        ("docs/notes.txt", "text"),
        ("docs/more/notes.txt", "text"),
    ]);
    assert_eq!(
        shown(&t),
        ["core: core.ipset core.v4 core.v6", "edge1: edge1/ipset edge1/rules.v4 edge1/rules.v6", "rules: rules"]
    );
    assert_eq!(t.ignored, [".gitkeep", "README.md", "docs/", "docs/more/notes.txt"]);
    assert_eq!(t.devices[1].facts.role.as_deref(), Some("edge"));
    assert!(t.devices[1].facts_source.is_some());
}

#[test]
fn sets_without_a_ruleset_of_their_stem_make_the_folder_one_device() {
    let t = tree(&[("rules", RULES), ("ipset", SETS)]);
    assert_eq!(shown(&t), ["tree: ipset rules"]);
    let apart = tree(&[("a.v4", RULES), ("b.v4", RULES), ("b.ipset", SETS)]);
    assert_eq!(shown(&apart), ["a: a.v4", "b: b.ipset b.v4"]);
}

#[test]
fn a_folder_with_facts_is_one_device() {
    let t = tree(&[("device.toml", "dialect = \"iptables\"\n"), ("filter.v4", RULES), ("sets", "anything")]);
    assert_eq!(shown(&t), ["tree: filter.v4 sets"]);
}

#[test]
fn what_is_not_understood_is_refused() {
    let t = tree(&[("edge1/rules.v4", RULES), ("edge1/notes.txt", "text"), ("notes.txt", "text")]);
    assert_eq!(
        messages(&t),
        [
            "`edge1/notes.txt` is no ruleset in a dialect that is understood",
            "`notes.txt` is no ruleset in a dialect that is understood"
        ]
    );
    assert!(t.problems.iter().all(|p| p.help.is_some()));
}

#[test]
fn rulesets_that_nobody_would_judge_are_refused() {
    let deep = tree(&[("edge1/rules.v4", RULES), ("edge1/old/rules.v4", RULES)]);
    assert_eq!(messages(&deep), ["`edge1/old/rules.v4` is a ruleset two folders deep"]);
    let above = tree(&[("devices/edge1/rules.v4", RULES)]);
    assert_eq!(
        above.problems[0].help.as_deref(),
        Some("name the folder that holds the devices (`devices`), or move the file up")
    );
    let lost = tree(&[("edge1/device.toml", ""), ("edge2/rules", RULES)]);
    assert_eq!(messages(&lost), ["device `edge1` has facts and no ruleset"]);
    let twice = tree(&[("edge1/rules", RULES), ("edge1.v4", RULES)]);
    assert_eq!(messages(&twice), ["device `edge1` is given twice, as files and as a folder"]);
}

#[test]
fn an_empty_tree_is_an_error() {
    for list in [&[][..], &[("README.md", "x")], &[("docs/notes.txt", "x")]] {
        assert_eq!(messages(&tree(list)), ["`tree` holds no device"]);
        assert!(tree(list).accepted().is_err());
    }
}

#[test]
fn roles_are_composed_in_order() {
    let facts = "from = [\"role:web\", \"role:base\"]\n";
    let roles =
        [("base/filter", RULES), ("web/b", RULES), ("web/a", RULES), ("web/README.md", "x"), ("unused/x", RULES)];
    let t = with_roles(&[("s1/device.toml", facts), ("s1/own", RULES), ("s2/device.toml", facts)], &roles);
    assert_eq!(
        shown(&t),
        ["s1: roles/web/a roles/web/b roles/base/filter s1/own", "s2: roles/web/a roles/web/b roles/base/filter"]
    );
}

#[test]
fn roles_that_cannot_be_composed_are_refused() {
    let problem = |from: &str, roles: &[(&str, &str)]| {
        let facts = format!("from = {from}\n");
        let t = with_roles(&[("s1/device.toml", &facts), ("s1/own", RULES)], roles);
        let first = t.problems.into_iter().next().unwrap();
        assert_eq!(first.path, "s1/device.toml");
        (first.message, first.help.unwrap())
    };
    let base = [("base/a", RULES), ("web/a", RULES), ("empty/x.md", ""), ("own/own", RULES), ("odd/x", "?")];
    assert_eq!(problem("['role:bsae']", &base), ("there is no role `bsae`".into(), "did you mean `base`?".into()));
    assert_eq!(problem("['base']", &base).0, "`base` is no origin of files");
    assert_eq!(problem("['role:base', 'role:base']", &base).0, "role `base` is named twice");
    assert_eq!(
        problem("['role:base', 'role:web']", &base).0,
        "`roles/base/a` and `roles/web/a` have the same file name"
    );
    assert_eq!(problem("['role:own']", &base).0, "`roles/own/own` and `s1/own` have the same file name");
    assert_eq!(problem("['role:odd']", &base).0, "`roles/odd/x` of role `odd` is no ruleset file");
    assert_eq!(problem("['role:empty']", &base).0, "there is no role `empty`");
}

#[test]
fn unknown_facts_are_refused_with_their_line() {
    let t = tree(&[("edge1/rules", RULES), ("edge1/device.toml", "role = \"x\"\nrolle = 1\n")]);
    assert_eq!(t.problems[0].line, Some(2));
    assert!(t.problems[0].message.contains("rolle"));
}

#[test]
fn a_repository_has_strict_names() {
    for (name, good) in [("edge1", true), ("Edge1", false), ("edge_1.example", true), ("edge 1", false)] {
        let mut input = TreeInput::new("devices");
        input.files = files(&[(&format!("{name}/rules"), RULES)]);
        input.naming = Naming::Repository;
        input.shown_under = "devices/".to_owned();
        let t = ConfigTree::of_folder(input, is_ruleset);
        assert_eq!(t.problems.is_empty(), good, "{name}");
        assert_eq!(t.devices[0].files[0].name, format!("devices/{name}/rules"));
        assert!(tree(&[(&format!("{name}/rules"), RULES)]).problems.is_empty(), "{name}");
    }
}

#[test]
fn evidence_is_every_byte_that_counts() {
    let roles = [("web/a", RULES)];
    let one = with_roles(&[("e/rules", RULES), ("README.md", "x")], &roles);
    let same = with_roles(&[("e/rules", RULES), ("README.md", "y"), (".hidden", "")], &roles);
    assert!(same_evidence(&one, &same));
    let others = [
        with_roles(&[("e/rules", &format!("{RULES} "))], &roles),
        with_roles(&[("e/rules", RULES)], &[("web/a", SETS)]),
        with_roles(&[("e/rules", RULES)], &[]),
        with_roles(&[("e/rules", RULES), ("e/device.toml", "")], &roles),
        with_roles(&[("f/rules", RULES)], &roles),
        with_roles(&[("e/rules", RULES), ("f/rules", RULES)], &roles),
        with_roles(&[("e/rules", RULES), ("zones/z.db", "x")], &roles),
    ];
    for other in &others {
        assert!(!same_evidence(&one, other) && !same_evidence(other, &one));
    }
}
