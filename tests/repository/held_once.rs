//! Files with the same bytes are held once, on one side and on both, whatever they are read from.

use crate::scene::{RULES, Scene, is_ruleset, write};
use fwgate::cli::input::{CheckArguments, Judged, PinnedChange, Reader};
use fwgate::cli::rulesets::read_sides;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

const OTHER: &str = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j DROP\nCOMMIT\n";

/// Six devices of two kinds; as proposed, one has become a third kind.
fn devices(changed: bool) -> Vec<(String, String)> {
    let rules = |at: usize| match at {
        5 if changed => OTHER.replace("-j DROP", "-j REJECT"),
        at if at % 2 == 0 => RULES.to_owned(),
        _ => OTHER.to_owned(),
    };
    (0..6).map(|at| (format!("devices/fw{at}/rules.v4"), rules(at))).collect()
}

fn judged(s: &Scene, baseline: Option<&str>, proposed: Option<&str>) -> Judged {
    let surroundings = s.surroundings();
    let reader = Reader::new(&surroundings, &is_ruleset);
    let (baseline, proposed) = (baseline.map(OsStr::new), proposed.map(OsStr::new));
    reader.judged(&CheckArguments { baseline, proposed, ..CheckArguments::default() }).unwrap()
}

/// Devices of both sides, and how many texts of rules are in memory for them.
fn count(judged: &Judged) -> (usize, usize) {
    let devices = judged.baseline.tree.devices.iter().chain(&judged.proposed.tree.devices);
    let files: Vec<_> = devices.flat_map(|d| &d.files).collect();
    let held: BTreeSet<_> = files.iter().map(|f| f.bytes.as_ptr()).collect();
    (files.len(), held.len())
}

fn scene() -> Scene {
    let s = Scene::new();
    let [old, mut new] = [devices(false), devices(true)];
    new.push(("changes/CHG-1.toml".to_owned(), "id = \"CHG-1\"\n".to_owned()));
    let texts = |files: &[(String, String)]| files.iter().map(|(p, t)| (p.clone(), t.clone())).collect::<Vec<_>>();
    let commit = |branch, parents: &[git2::Oid], files: &[(String, String)]| {
        let files = texts(files);
        let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
        s.commit(Some(branch), parents, &files)
    };
    let main = commit("main", &[], &old);
    commit("change", &[main], &new);
    for (folder, files) in [("old", &old), ("new", &new)] {
        files.iter().for_each(|(path, text)| write(&s.path(), &format!("{folder}/{path}"), text));
    }
    new.iter().for_each(|(path, text)| s.write(path, text));
    s
}

#[test]
fn equal_files_of_both_sides_are_held_once() {
    let s = scene();
    let folders = judged(&s, Some("old/devices"), Some("new/devices"));
    let commits = judged(&s, Some("main"), Some("change"));
    let mixed = judged(&s, Some("main"), Some("new/devices"));
    let at_work = judged(&s, None, None);
    // Where the two sides call their files otherwise, each side reads its kinds for itself.
    for (judged, read) in [(folders, 3), (commits, 3), (mixed, 5), (at_work, 3)] {
        assert_eq!(count(&judged), (12, 3), "{}", judged.proposed.words);
        let ready = read_sides(&judged.baseline.tree, &judged.proposed.tree, None).unwrap();
        let texts = ready.baseline.iter().chain(&ready.proposed).flat_map(|d| d.ruleset.sources.iter());
        assert_eq!(texts.map(|s| s.text.as_ptr()).collect::<BTreeSet<_>>().len(), read, "{}", judged.proposed.words);
    }
}

/// In force, as proposed, and at the beginning of the author's range: three times six devices, and three texts.
#[test]
fn what_the_gate_holds_of_a_fleet_is_held_once() {
    let s = scene();
    let (repo, surroundings) = (s.open(), s.surroundings());
    let at = |name: &str| repo.resolve(name).unwrap().commit;
    let change = PinnedChange { id: "CHG-1", protected: at("main"), base: at("main"), head: at("change") };
    let trees = Reader::new(&surroundings, &is_ruleset).change_trees(&repo, &change, &BTreeMap::new()).unwrap();
    let all = trees.baseline.iter().chain(&trees.proposal).chain(&trees.base);
    let files: Vec<_> = all.flat_map(|device| &device.files).collect();
    let held: BTreeSet<_> = files.iter().map(|(_, bytes)| bytes.as_ptr()).collect();
    assert_eq!((files.len(), held.len()), (18, 3));
}

#[test]
fn equal_objects_are_read_once() {
    let s = scene();
    let repo = s.open();
    let tree = repo.tree(repo.resolve("change").unwrap().commit).unwrap();
    let before = repo.reads();
    assert_eq!(repo.entries(&tree, "devices", &Default::default()).unwrap().len(), 6);
    assert_eq!(repo.reads() - before, 3);
}
