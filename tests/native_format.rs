//! The native format: every ruleset at hand is written, has the published shape, and reads back as the same ruleset that
//! names the same rules; whatever else comes in is refused with its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fwgate::dialect::{InputFile, Problem, ReadOptions, native, read_device};
use fwgate::diff::{Bounds, DevicePair, diff_device};
use fwgate::ruleset::{Base, Ruleset, Span};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SCHEMA: &str = include_str!("../schemas/ruleset.json");
const PAGE: &str = include_str!("../docs/dialects/native.md");

/// Every block of a kind in a text: the name behind the fence, and its lines.
fn blocks(markdown: &str, kind: &str) -> Vec<(String, String)> {
    let fences: Vec<&str> = markdown.split("\n```").collect();
    let inside = fences.iter().skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let named = inside.filter_map(|(info, text)| Some((info.strip_prefix(kind)?.trim().to_owned(), text.to_owned())));
    named.map(|(name, text)| (name, format!("{text}\n"))).collect()
}

fn below(folder: &str, wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false if wanted(&path) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

fn file(name: &str, text: &str) -> InputFile {
    InputFile { name: name.into(), bytes: text.as_bytes().into() }
}

/// The rulesets of all specifications of all dialects, and those of the incidents.
fn rulesets_at_hand() -> Vec<(String, Ruleset)> {
    let mut found = Vec::new();
    for path in below("fixtures/dialects", |p| p.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let files: Vec<InputFile> = blocks(&text, "ruleset ").iter().map(|(name, text)| file(name, text)).collect();
        if !files.is_empty() {
            found.push((path.display().to_string(), read_device(&files, &ReadOptions::default())));
        }
    }
    for path in below("fixtures/incidents", |p| p.extension().is_some_and(|e| e == "v4" || e == "v6")) {
        let files = [file(path.file_name().unwrap().to_str().unwrap(), &std::fs::read_to_string(&path).unwrap())];
        found.push((path.display().to_string(), read_device(&files, &ReadOptions::default())));
    }
    assert!(found.len() > 40, "rulesets were found: {}", found.len());
    found.into_iter().filter_map(|(name, read)| Some((name, read.ok()?))).collect()
}

fn read_back(text: &str, name: &str) -> Ruleset {
    let read = read_device(&[file("ruleset.json", text)], &ReadOptions::default());
    read.unwrap_or_else(|e| panic!("{name}: {:#?}\n{text}", e.problems))
}

/// What reports name a place by.
fn place(ruleset: &Ruleset, span: Span) -> (String, u32, String) {
    let sources = &ruleset.sources;
    (sources.name(span).to_owned(), span.line, sources.text(span).to_owned())
}

fn assert_same(one: &Ruleset, other: &Ruleset, name: &str) {
    assert_eq!(one.chains.len(), other.chains.len(), "{name}");
    for (a, b) in one.chains.iter().zip(&other.chains) {
        assert_eq!((&a.name, place(one, a.span)), (&b.name, place(other, b.span)), "{name}");
        assert_eq!(a.rules.len(), b.rules.len(), "{name}");
        for (x, y) in a.rules.iter().zip(&b.rules) {
            assert_eq!((&x.steps, place(one, x.span)), (&y.steps, place(other, y.span)), "{name}: {}", a.name);
        }
    }
    let shape = |r: &Ruleset, b: &Base| {
        let place = place(r, b.policy_span);
        (b.chain, b.families, b.hook, b.priority, b.kind, b.policy.clone(), b.principal, place)
    };
    let bases = |r: &Ruleset| r.bases.iter().map(|b| shape(r, b)).collect::<Vec<_>>();
    assert_eq!(bases(one), bases(other), "{name}");
    let notes = |r: &Ruleset| r.notes.iter().map(|(t, s)| (t.clone(), place(r, *s))).collect::<Vec<_>>();
    assert_eq!(notes(one), notes(other), "{name}");
    assert_eq!((one.families, one.conntrack, &one.facts), (other.families, other.conntrack, &other.facts), "{name}");
    assert_eq!(one.missing_hooks, other.missing_hooks, "{name}");
}

#[test]
fn every_ruleset_at_hand_reads_back_as_it_was_and_has_the_published_shape() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, ruleset) in rulesets_at_hand() {
        let text = native::write(&ruleset);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        let again = read_back(&text, &name);
        assert_same(&ruleset, &again, &name);
        assert_eq!(text, native::write(&again), "{name}");
        let pair = DevicePair { name: "device", old: Some(&ruleset), new: Some(&again) };
        assert!(diff_device(pair, &[], Bounds::default()).unwrap().is_equivalent(), "{name}");
    }
}

#[test]
fn every_ruleset_of_the_corpora_reads_back_as_it_was() {
    let Some(root) = std::env::var_os("FWGATE_CORPORA").map(PathBuf::from) else {
        println!("skipped: FWGATE_CORPORA names no directory of corpora");
        return;
    };
    let mut count = 0;
    for path in below(root.to_str().unwrap(), |p| std::fs::metadata(p).is_ok_and(|m| m.len() < 1 << 20)) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let files = [InputFile { name, bytes: std::fs::read(&path).unwrap().into() }];
        let Ok(ruleset) = read_device(&files, &ReadOptions::default()) else { continue };
        let name = path.display().to_string();
        assert_same(&ruleset, &read_back(&native::write(&ruleset), &name), &name);
        count += 1;
    }
    assert!(count > 50, "rulesets were found: {count}");
}

#[test]
fn the_examples_of_the_page_read_and_have_the_published_shape() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let examples = blocks(PAGE, "json");
    assert!(!examples.is_empty());
    for (_, text) in examples {
        read_back(&text, "docs/dialects/native.md");
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

fn problems(rule: &str) -> Vec<(Problem, String)> {
    let text = format!(
        "{{\"schema\": \"fwgate.ruleset/1\", \"chains\": [\n  {{\"name\": \"input\", \"base\": {{\"hook\": \"input\", \
         \"policy\": \"drop\"}}, \"rules\": [\n    {rule}\n  ]}}\n]}}"
    );
    let error = read_device(&[file("a.json", &text)], &ReadOptions::default()).expect_err(rule);
    let quoted = error.problems.iter().map(|p| (p.clone(), error.sources.text(p.span).to_owned()));
    quoted.collect()
}

#[test]
fn what_is_not_known_is_refused_with_its_place_and_the_nearest_word() {
    let (problem, quoted) = problems("{\"scr\": \"10.0.0.0/8\", \"then\": \"accept\"}").remove(0);
    assert_eq!((problem.message.as_str(), problem.span.line), ("unknown key `scr` in a rule", 3));
    assert_eq!((quoted.as_str(), problem.help.as_deref()), ("\"scr\"", Some("did you mean `src`?")));
    let (problem, quoted) = problems("{\"then\": \"acept\"}").remove(0);
    assert_eq!((quoted.as_str(), problem.help.as_deref()), ("\"acept\"", Some("did you mean `accept`?")));
    let (problem, _) = problems("{\"state\": \"establised\", \"then\": \"accept\"}").remove(0);
    assert_eq!(problem.message, "`establised` is no value of `state`");
    let (problem, _) = problems("{\"src\": \"10.0.0.1/8\", \"then\": \"accept\"}").remove(0);
    assert_eq!(problem.help.as_deref(), Some("write `10.0.0.0/8`"));
}

#[test]
fn every_problem_is_reported_in_one_run() {
    let found = problems("{\"scr\": 1, \"dts\": 2, \"then\": \"acept\"}, {\"dport\": 99999999, \"then\": \"drop\"}");
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[test]
fn what_device_toml_says_goes_before_what_the_document_says() {
    let text = "{\"schema\": \"fwgate.ruleset/1\", \"facts\": {\"addresses\": [\"10.0.0.1/24\"], \"interfaces\": [\"a\"]}, \
                \"chains\": [{\"name\": \"i\", \"base\": {\"hook\": \"input\", \"policy\": \"drop\"}}]}";
    let mut options = ReadOptions::default();
    options.facts.interfaces = Some(vec!["b".into()]);
    let ruleset = read_device(&[file("a.json", text)], &options).unwrap();
    assert_eq!(ruleset.facts.interfaces, Some(vec!["b".to_owned()]));
    assert_eq!(ruleset.facts.addresses, Some(vec!["10.0.0.1/24".parse().unwrap()]));
}

/// One change of a document: a piece is cut out, doubled, or replaced by something hostile.
fn mutated(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let hostile = proptest::sample::select(vec![
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "true",
        "-1",
        "340282366920938463463374607431768211456",
        "\\",
        "\"not\": ",
        "\"10.0.0.0/33\"",
        "\"::1\"",
        "\"0-4294967296\"",
        "1e999",
        "\u{202e}",
    ]);
    let edit = (0..text.len(), 0..24usize, hostile, 0..3u8);
    proptest::collection::vec(edit, 1..4).prop_map(move |edits| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, length, hostile, kind) in edits {
            let at = at.min(bytes.len());
            let end = (at + length).min(bytes.len());
            let piece = match kind {
                0 => Vec::new(),
                1 => bytes[at..end].repeat(2),
                _ => hostile.as_bytes().to_vec(),
            };
            bytes.splice(at..end, piece);
        }
        bytes
    })
}

fn seed() -> &'static str {
    static SEED: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    SEED.get_or_init(|| blocks(PAGE, "json").remove(0).1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutations_of_a_document_are_read_or_refused(bytes in mutated(seed())) {
        let started = Instant::now();
        let options = ReadOptions { dialect: Some("native".into()), ..ReadOptions::default() };
        match read_device(&[InputFile { name: "a.json".into(), bytes: bytes.into() }], &options) {
            Ok(ruleset) => assert_same(&ruleset, &read_back(&native::write(&ruleset), "mutated"), "mutated"),
            Err(error) => {
                prop_assert!(!error.problems.is_empty());
                for problem in &error.problems {
                    let _ = error.sources.text(problem.span);
                    prop_assert!(problem.span.start <= problem.span.end);
                }
            }
        }
        prop_assert!(started.elapsed() < Duration::from_secs(5));
    }
}
