//! Ranges, policy versions and shadows: what a look at both ends of a branch does not show.

use crate::scene::{Draft, EVIDENCE_ROOT, RULES, Scene};
use fwgate::vcs::{CommitId, EvidenceSource, RangeFlaw, Repository, VcsError};

fn open(scene: &Scene) -> Repository {
    Repository::bare(&scene.remote_path()).unwrap()
}

fn watched(path: &str) -> bool {
    path.starts_with("devices/") || path == "fwgate.toml"
}

fn range(scene: &Scene, base: &str, head: &str) -> (Vec<String>, Vec<RangeFlaw>) {
    let repo = open(scene);
    let id = |text: &str| -> CommitId { repo.commit_id(text).unwrap() };
    let range = repo.range(id(base), id(head), &watched).unwrap();
    (range.commits.into_iter().map(|c| c.id).collect(), range.flaws)
}

const TOPIC: &str = "refs/heads/topic";

/// A commit with these parents and the first one's tree with these files.
fn merge(scene: &Scene, parents: &[&str], files: &[(&str, &str)]) -> String {
    let mut draft = Draft::new("carol", "", scene.now(), "merge\n");
    draft.parents = parents.iter().map(|p| (*p).to_owned()).collect();
    draft.tree = scene.tree_with(Some(parents[0]), files);
    scene.put(TOPIC, &draft.payload())
}

#[test]
fn a_range_is_what_the_base_does_not_have_parents_first() {
    let scene = Scene::new();
    let base = scene.head_of("refs/heads/main").unwrap();
    let one = scene.commit_on(TOPIC, "alice", &[("devices/edge1/a.v4", RULES)]);
    let two = scene.commit_on(TOPIC, "bob", &[("devices/edge1/b.v4", RULES)]);
    assert_eq!(range(&scene, &base, &two), (vec![one, two], vec![]));
    assert_eq!(range(&scene, &base, &base), (vec![], vec![]));
}

#[test]
fn what_comes_and_goes_is_named() {
    let scene = Scene::new();
    let base = scene.head_of("refs/heads/main").unwrap();
    let open = RULES.replace(":FORWARD DROP", ":FORWARD ACCEPT");
    let bad = scene.commit_on(TOPIC, "alice", &[("devices/edge1/rules.v4", &open), ("notes", "x")]);
    let good = scene.commit_on(TOPIC, "alice", &[("devices/edge1/rules.v4", RULES), ("devices/edge2/rules.v4", RULES)]);
    let paths = vec!["devices/edge1/rules.v4".to_owned()];
    assert_eq!(range(&scene, &base, &good).1, [RangeFlaw::Passing { commit: bad, paths }]);
}

#[test]
fn merges_bring_what_their_parents_have_and_nothing_else() {
    let scene = Scene::new();
    let base = scene.head_of("refs/heads/main").unwrap();
    let side = scene.commit_on("refs/heads/side", "bob", &[("devices/edge2/rules.v4", RULES)]);
    let topic = scene.commit_on(TOPIC, "alice", &[("devices/edge3/rules.v4", RULES)]);
    let clean = merge(&scene, &[&topic, &side], &[("devices/edge2/rules.v4", RULES)]);
    assert_eq!(range(&scene, &base, &clean).1, []);
    let open = RULES.replace(":FORWARD DROP", ":FORWARD ACCEPT");
    let evil = merge(&scene, &[&topic, &side], &[("devices/edge2/rules.v4", RULES), ("devices/edge1/rules.v4", &open)]);
    let paths = vec!["devices/edge1/rules.v4".to_owned()];
    assert_eq!(range(&scene, &base, &evil).1, [RangeFlaw::EvilMerge { commit: evil, paths }]);
    let lost = merge(&scene, &[&topic, &side], &[]);
    let paths = vec!["devices/edge2/rules.v4".to_owned()];
    assert!(range(&scene, &base, &lost).1.contains(&RangeFlaw::EvilMerge { commit: lost, paths }));
}

#[test]
fn a_conflict_is_resolved_by_one_side_or_it_is_evil() {
    let scene = Scene::new();
    let base = scene.head_of("refs/heads/main").unwrap();
    let path = "devices/edge1/rules.v4";
    let (one, two) =
        (RULES.replace(":FORWARD DROP", ":FORWARD ACCEPT"), RULES.replace(":FORWARD DROP", ":FORWARD QUEUE"));
    let side = scene.commit_on("refs/heads/side", "bob", &[(path, &two)]);
    let topic = scene.commit_on(TOPIC, "alice", &[(path, &one)]);
    assert_eq!(range(&scene, &base, &merge(&scene, &[&topic, &side], &[(path, &two)])).1, []);
    let third = RULES.replace(":INPUT DROP", ":INPUT ACCEPT");
    let evil = merge(&scene, &[&topic, &side], &[(path, &third)]);
    assert_eq!(range(&scene, &base, &evil).1, [RangeFlaw::EvilMerge { commit: evil, paths: vec![path.to_owned()] }]);
}

#[test]
fn criss_cross_merges_are_judged_and_octopuses_are_not() {
    let scene = Scene::new();
    let base = scene.head_of("refs/heads/main").unwrap();
    let side = scene.commit_on("refs/heads/side", "bob", &[("devices/edge2/rules.v4", RULES)]);
    let topic = scene.commit_on(TOPIC, "alice", &[("devices/edge3/rules.v4", RULES)]);
    let there = merge(&scene, &[&topic, &side], &[("devices/edge2/rules.v4", RULES)]);
    let back = merge(&scene, &[&side, &topic], &[("devices/edge3/rules.v4", RULES)]);
    let cross = merge(&scene, &[&there, &back], &[]);
    assert_eq!(range(&scene, &base, &cross).1, []);
    let octopus = merge(&scene, &[&topic, &side, &base], &[("devices/edge2/rules.v4", RULES)]);
    assert_eq!(range(&scene, &base, &octopus).1, [RangeFlaw::Octopus { commit: octopus, parents: 3 }]);
}

#[test]
fn versions_of_the_policy_are_runs_on_the_first_parents() {
    let scene = Scene::bare();
    scene.main(&[("readme", "no policy yet")]);
    let one = scene.main(&[("fwgate.toml", "version = 1\n")]);
    scene.main(&[("devices/edge1/rules.v4", RULES)]);
    let two = scene.main(&[("fwgate.toml", "version = 2\n"), ("policies/web.toml", "version = 2\n")]);
    let back = scene.main(&[("fwgate.toml", "version = 1\n"), ("policies/web.toml", "")]);
    let gone = scene.main(&[("fwgate.toml", "")]);
    let repo = open(&scene);
    let versions = repo.policy_versions(repo.commit_id(&gone).unwrap()).unwrap();
    let commits: Vec<_> = versions.iter().map(|v| v.commit.as_str()).collect();
    assert_eq!(commits, [&one, &two, &back, &gone]);
    let paths: Vec<Vec<&str>> = versions.iter().map(|v| v.files.iter().map(|(p, _)| p.as_str()).collect()).collect();
    assert_eq!(paths, [vec!["fwgate.toml"], vec!["fwgate.toml", "policies/web.toml"], vec!["fwgate.toml"], vec![]]);
}

#[test]
fn ten_thousand_commits_without_a_new_policy_are_few_reads() {
    let scene = Scene::new();
    let mut parent = scene.head_of("refs/heads/main").unwrap();
    let tree = scene.tree_with(Some(&parent), &[("devices/edge2/rules.v4", RULES)]);
    for _ in 0..10_000 {
        let mut draft = Draft::new("alice", &parent, scene.now(), "x\n");
        draft.tree.clone_from(&tree);
        parent = scene.store(&draft.payload());
    }
    let repo = open(&scene);
    let begin = std::time::Instant::now();
    assert_eq!(repo.policy_versions(repo.commit_id(&parent).unwrap()).unwrap().len(), 1);
    assert!(begin.elapsed().as_secs() < 30, "{:?}", begin.elapsed());
}

#[test]
fn a_tag_or_branch_of_the_protected_name_is_refused() {
    let scene = Scene::new();
    let clone = scene.clone_as("work");
    let tracking = EvidenceSource::Tracking("origin".to_owned());
    let judge = || clone.open().refuse_shadows(&tracking, "refs/heads/main");
    assert_eq!(judge(), Ok(()));
    for name in ["refs/tags/main", "refs/heads/origin/main", "refs/tags/origin/main", "refs/heads/refs/heads/main"] {
        clone.git(&["update-ref", name, "HEAD"]);
        let Err(error) = judge() else { panic!("{name} is not seen") };
        assert_eq!(error.code(), Some("REF_AMBIGUOUS"));
        assert!(matches!(&error, VcsError::Shadowed { refs, .. } if *refs == [name]), "{error}");
        clone.git(&["update-ref", "-d", name]);
    }
    assert_eq!(judge(), Ok(()));
}

#[test]
fn a_branch_where_evidence_should_be_blocks_it() {
    for name in ["refs/heads/fwgate", "refs/heads/fwgate/changes"] {
        let scene = Scene::new();
        scene.put(name, EVIDENCE_ROOT.as_bytes());
        let error = open(&scene).evidence(&EvidenceSource::Bare).unwrap_err();
        assert_eq!(error.code(), Some("EVIDENCE_UNAVAILABLE"));
    }
}

#[test]
fn stale_local_branches_are_no_evidence() {
    let scene = Scene::new();
    let clone = scene.clone_as("work");
    clone.git(&["update-ref", "refs/heads/fwgate/changes/CHG-1", "HEAD"]);
    clone.git(&["update-ref", "refs/tags/fwgate/changes/CHG-1", "HEAD"]);
    for source in [EvidenceSource::Fetched, EvidenceSource::Tracking("origin".to_owned())] {
        assert!(clone.open().evidence(&source).unwrap().is_empty());
    }
}
