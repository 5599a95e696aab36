//! What `include` and variables do, and where they stop.

use super::read_with;
use fwgate::cli::input::{Reader, Surroundings};
use fwgate::dialect::InputFile;
use fwgate::dialect::nftables::includes::Includes;
use fwgate::dialect::nftables::syntax::{ExprKind, Object};
use fwgate::dialect::nftables::text;
use fwgate::fleet::tree::{ConfigTree, TreeFile, TreeInput};

fn includes(files: &[(&str, &str)]) -> Includes {
    let files = files.iter().map(|(name, text)| InputFile { name: (*name).into(), bytes: text.as_bytes().into() });
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

/// A tree of these files, as a repository would have it.
fn tree(files: &[(&str, &str)]) -> Result<ConfigTree, Vec<String>> {
    let mut input = TreeInput::new("devices");
    input.shown_under = "devices/".into();
    input.files =
        files.iter().map(|(path, text)| TreeFile { path: (*path).into(), bytes: text.as_bytes().into() }).collect();
    let is_ruleset = |file: &InputFile| std::str::from_utf8(&file.bytes).is_ok_and(text::recognises);
    let tree = ConfigTree::of_folder(input, is_ruleset);
    tree.accepted().map_err(|unfit| unfit.problems.into_iter().map(|p| p.message).collect())
}

fn names(files: &[InputFile]) -> Vec<&str> {
    files.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn included_files_of_a_tree_are_no_rulesets_of_their_own() {
    let tree = tree(&[
        ("edge/main.nft", "include \"./vars.nft\"\ninclude \"../common/*.nft\"\ninclude \"./d/rules.nft\"\n"),
        ("edge/vars.nft", "define port = 22\n"),
        ("edge/d/rules.nft", "table ip t {\n}\n"),
        ("common/sets.nft", "table ip s {\n}\n"),
        ("core/main.nft", "table ip t {\n}\n"),
    ])
    .unwrap();
    let devices: Vec<&str> = tree.devices.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(devices, ["core", "edge"]);
    assert_eq!(names(&tree.devices[1].files), ["devices/edge/main.nft"]);
    let includes = ["devices/common/sets.nft", "devices/edge/d/rules.nft", "devices/edge/vars.nft"];
    assert_eq!(names(&tree.devices[1].includes), includes);
    assert!(tree.devices[0].includes.is_empty());
}

#[test]
fn what_nobody_includes_stays_a_ruleset_or_a_problem() {
    let stray = tree(&[("edge/main.nft", "table ip t {\n}\n"), ("edge/d/rules.nft", "table ip t {\n}\n")]);
    assert_eq!(stray.unwrap_err(), ["`devices/edge/d/rules.nft` is a ruleset two folders deep"]);
    // Files that include each other have no beginning; none of them may vanish.
    let ring = tree(&[("edge/a.nft", "include \"./b.nft\"\n"), ("edge/b.nft", "include \"./a.nft\"\n")]).unwrap();
    assert_eq!(names(&ring.devices[0].files), ["devices/edge/a.nft", "devices/edge/b.nft"]);
    let apart = tree(&[("x/a.nft", "include \"../y/b.nft\"\n"), ("y/b.nft", "include \"../x/a.nft\"\n")]).unwrap();
    assert_eq!(apart.devices.len(), 2);
}

#[test]
fn a_file_on_the_command_line_includes_from_its_folder_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("edge");
    std::fs::create_dir_all(root.join("d")).unwrap();
    let write = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
    write("main.nft", "include \"./vars.nft\"\ninclude \"d/*.nft\"\ninclude \"../secret.nft\"\n");
    write("vars.nft", "define port = 22\n");
    write("d/b.nft", "");
    write("d/a.nft", "include \"./vars.nft\"\n");
    write("other.nft", "");
    std::fs::write(folder.path().join("secret.nft"), "define secret = 1\n").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("../../secret.nft", root.join("d/link.nft")).unwrap();
    let surroundings = Surroundings { cwd: folder.path().to_owned(), ci: false };
    let reader = Reader::new(&surroundings, &|_| true);
    let device = reader.device(&["edge/main.nft".into()]).unwrap();
    assert_eq!(names(&device.files), ["main.nft"]);
    assert_eq!(names(&device.includes), ["d/a.nft", "d/b.nft", "vars.nft"]);
    let both = reader.device(&["edge/main.nft".into(), "edge/vars.nft".into()]).unwrap();
    assert_eq!(names(&both.files), ["main.nft"], "a file that another one includes is read with it");
}
