//! What `include` and variables do, and where they stop.

use super::read_with;
use fwgate::dialect::InputFile;
use fwgate::dialect::nftables::includes::Includes;
use fwgate::dialect::nftables::syntax::{ExprKind, Object};

fn includes(files: &[(&str, &str)]) -> Includes {
    let files = files.iter().map(|(name, text)| InputFile { name: (*name).into(), bytes: text.as_bytes().to_vec() });
    Includes::new(files.collect())
}

fn problem(source: &str, files: &[(&str, &str)]) -> String {
    let unreadable = read_with("edge/main.nft", source, &includes(files)).expect_err("must be refused");
    let problem = &unreadable.problems[0];
    format!("{}: {}", unreadable.sources.name(problem.span), problem.message)
}

#[test]
fn files_are_spliced_in_where_they_are_included() {
    let files = includes(&[
        ("edge/vars.nft", "define port = 22\n"),
        ("edge/rules/a.nft", "tcp dport $port accept\n"),
        ("edge/rules/b.nft", "drop\n"),
    ]);
    let source = "include \"./vars.nft\"\ntable ip t {\n chain c {\n  include \"rules/*.nft\"\n  accept\n }\n}\n";
    let commands = read_with("edge/main.nft", source, &files).unwrap();
    let rules: Vec<_> = commands.iter().filter(|c| matches!(c.object, Object::Rule(_))).collect();
    assert_eq!(rules.iter().map(|c| c.span.source.0).collect::<Vec<_>>(), [2, 3, 0]);
}

#[test]
fn what_an_include_may_not_do_is_refused_at_its_place() {
    assert_eq!(problem("include \"/etc/x.nft\"\n", &[]), "edge/main.nft: `/etc/x.nft` lies outside of what was given");
    assert_eq!(
        problem("include \"../../x.nft\"\n", &[]),
        "edge/main.nft: `../../x.nft` lies outside of what was given"
    );
    assert_eq!(problem("include \"./x.nft\"\n", &[]), "edge/main.nft: there is no file `./x.nft` to include");
    let ring = problem("include \"./a.nft\"\n", &[("edge/a.nft", "include \"./a.nft\"\n")]);
    assert_eq!(ring, "edge/a.nft: includes nest deeper than 16 files");
    assert_eq!(problem("include \"./a.nft\"\n", &[("edge/a.nft", "frob\n")]), "edge/a.nft: `frob` is not a command");
    assert!(problem("include \"./a.nft\"\n", &[("edge/a.nft", "}\n")]).contains("closes no block"));
}

#[test]
fn variables_end_with_their_block_and_lists_in_lists_are_one() {
    assert_eq!(
        problem("table ip t {\n define x = 1\n}\ntable ip u { chain c { tcp dport $x drop; }; }\n", &[]),
        "edge/main.nft: variable `$x` is not defined here"
    );
    assert!(problem("define x = 1\ndefine x = 2\n", &[]).contains("second time"));
    let source = "define a = { 1, 2 }\nadd element ip t s { $a, 3 }\n";
    let commands = read_with("edge/main.nft", source, &Includes::default()).unwrap();
    let Object::Elements { elements: Some(elements), .. } = &commands[0].object else { panic!("{commands:?}") };
    let words: Vec<&ExprKind> = elements.iter().map(|e| &e.key.kind).collect();
    assert_eq!(words, ["1", "2", "3"].map(|w| ExprKind::Word(w.into())).iter().collect::<Vec<_>>());
}

#[test]
fn variables_that_grow_without_end_are_refused() {
    let mut source = String::from("define a0 = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }\n");
    for at in 1..40 {
        let before = format!("$a{}", at - 1);
        source += &format!("define a{at} = {{ {before}, {before}, {before}, {before} }}\n");
    }
    assert!(problem(&source, &[]).ends_with("variables expand to too much"));
}
