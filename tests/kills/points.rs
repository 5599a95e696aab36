//! Every place at which a process can die between two writes, and every command that passes one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const OBJECT: [&str; 2] = ["before an object", "after an object"];
const REMOTE: [&str; 3] =
    ["before the remote takes it", "after the remote took it", "between what is here and what was seen"];
const FETCHED: [&str; 2] = ["between two fetched references", "between two references that were seen"];
const FILE: [&str; 3] = ["before a file is filled", "before a file has its name", "after a file has its name"];
const TRANSPORT: [&str; 2] = ["before a program of a transport", "after a program of a transport"];

/// The commands that write, each with the groups of places that it passes. `crashes.rs`, `files.rs` let each die at each of its places.
/// References are written where they moved: in the worlds of a push, of what follows it and of an audit nothing has, since the command before.
pub const COMMANDS: &[(&str, &[&[&str]])] = &[
    ("change new", &[&OBJECT, &REMOTE, &FETCHED]),
    ("change approve", &[&OBJECT, &REMOTE, &FETCHED]),
    ("change reject", &[&OBJECT, &REMOTE, &FETCHED]),
    ("change revoke", &[&OBJECT, &REMOTE, &FETCHED]),
    ("change override-reject", &[&OBJECT, &REMOTE, &FETCHED]),
    ("change schedule", &[&OBJECT, &REMOTE, &FETCHED]),
    ("change hold", &[&OBJECT, &REMOTE, &FETCHED]),
    ("change withdraw", &[&OBJECT, &REMOTE, &FETCHED]),
    ("change emergency", &[&OBJECT, &REMOTE, &FETCHED]),
    ("change review", &[&OBJECT, &REMOTE, &FETCHED]),
    ("change reissue", &[&OBJECT, &REMOTE, &FETCHED]),
    ("change close", &[&OBJECT, &REMOTE]),
    ("policy change", &[&FETCHED]),
    ("adopt", &[&OBJECT, &REMOTE, &FETCHED, &TRANSPORT]),
    ("quarantine", &[&OBJECT, &REMOTE, &FETCHED]),
    ("ledger init", &[&OBJECT, &REMOTE, &["between two fetched references"]]),
    ("ledger witness", &[&OBJECT, &REMOTE, &FETCHED]),
    ("stage", &[&OBJECT, &REMOTE, &FETCHED, &TRANSPORT]),
    ("vet", &[&OBJECT, &REMOTE, &FETCHED]),
    ("permit", &[&FETCHED, &FILE]),
    ("push", &[&OBJECT, &REMOTE, &TRANSPORT]),
    ("push --rollback", &[&OBJECT, &REMOTE, &TRANSPORT]),
    ("rollback", &[&OBJECT, &REMOTE, &TRANSPORT]),
    ("audit", &[&FILE]),
    ("init", &[&FILE]),
    ("init --two", &[&FILE]),
    ("change new, the file", &[&FILE]),
    ("bundle create", &[&FILE]),
    ("bundle record", &[&FILE]),
    ("diff, a report", &[&FILE]),
];

/// The places of a command.
pub fn of(command: &str) -> BTreeSet<&'static str> {
    let row = COMMANDS.iter().find(|(name, _)| *name == command);
    let (_, groups) = row.unwrap_or_else(|| panic!("`{command}` has no row"));
    groups.iter().flat_map(|group| group.iter().copied()).collect()
}

/// Where files, references and objects are written, how often, and what makes it whole.
const WRITERS: &[(&str, usize, &str)] = &[
    ("src/cli/output.rs", 6, "a file beside it, then a rename: FILE"),
    ("src/cli/reporting.rs", 1, "the summary of a job is appended to; the forge shows it, and nothing reads it"),
    ("src/vcs/kept.rs", 2, "references of ours: FETCHED, and behind a push REMOTE"),
    ("src/vcs/write.rs", 3, "objects, which nothing names yet: OBJECT"),
    ("src/vcs/remote.rs", 1, "a scratch repository of ours"),
    ("src/vcs/sign/person.rs", 2, "a folder of ours for the signer"),
    ("src/cli/demo/play.rs", 1, "a scratch folder of ours"),
    ("src/fleet/transport/folder.rs", 1, "a folder of ours for a child"),
    ("src/fleet/namespace/lan.rs", 5, "settings of a network namespace that ends with its process"),
    ("src/fleet/namespace/routes.rs", 3, "settings of a network namespace that ends with its process"),
];

/// What writes by itself.
const WRITES: [&str; 9] = [
    "fs::write(",
    "OpenOptions::new()",
    "File::create",
    "fs::rename(",
    "fs::hard_link(",
    "fs::copy(",
    ".reference(name, ",
    ".delete()",
    "odb.write(",
];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = vec![root.join("src")];
    let mut out = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false if path.extension().is_some_and(|e| e == "rs") => {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
                    let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                    out.push((name, text));
                }
                false => {}
            }
        }
    }
    out.sort();
    out
}

#[test]
fn every_place_has_a_row_and_every_row_a_place() {
    let sources = sources();
    let of_file = |(_, text): &(String, String)| {
        let calls = text.split("crash_point(\"").skip(1);
        calls.map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let written: BTreeSet<String> = sources.iter().flat_map(of_file).collect();
    let listed: BTreeSet<String> = COMMANDS.iter().flat_map(|(name, _)| of(name)).map(str::to_owned).collect();
    assert_eq!(written, listed);
}

/// A new way of writing needs a place at which a test can let the process die, or a reason why not.
#[test]
fn every_write_is_known() {
    for (path, text) in sources() {
        let is_test = path.ends_with("/tests.rs") || path.ends_with("/model.rs");
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let count = lines.filter(|line| WRITES.iter().any(|write| line.contains(write))).count();
        let known = WRITERS.iter().find(|(file, ..)| *file == path).map_or(0, |(_, count, _)| *count);
        assert!(is_test || count == known, "{path} writes in {count} places, and {known} are known");
    }
}
