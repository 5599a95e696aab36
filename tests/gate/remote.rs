//! The root's remote: what is fetched, what is remembered, and that appending is compare-and-swap.

use crate::scene::{Draft, LEDGER, Scene, changes};
use fwgate::vcs::{EvidenceDraft, EvidenceSource, Fetched, Remote, RemoteError, Repository};

fn fetch(repo: &Repository, scene: &Scene) -> Result<Fetched, RemoteError> {
    Remote::new(repo, &scene.remote_url()).unwrap().fetch("refs/heads/main")
}

fn withdraw(scene: &Scene, who: &str) -> String {
    scene.record(who, "CHG-1", "fwgate-record/1 withdraw\nchange: CHG-1\nreason: x\n")
}

#[test]
fn a_fetch_shows_the_remote_as_it_is() {
    let scene = Scene::new();
    let clone = scene.clone_as("work");
    let repo = clone.open();
    let head = withdraw(&scene, "alice");
    scene.witness();
    assert_eq!(fetch(&repo, &scene).unwrap(), Fetched::default());
    let branches = repo.evidence(&EvidenceSource::Fetched).unwrap();
    assert_eq!(branches.keys().collect::<Vec<_>>(), [&changes("CHG-1"), LEDGER]);
    assert_eq!(branches[&changes("CHG-1")].head(), Some(head.as_str()));
    assert!(branches.values().all(|branch| branch.is_whole));
    let tip = scene.main(&[("notes", "more")]);
    fetch(&repo, &scene).unwrap();
    let main = repo.remote_branch(&EvidenceSource::Fetched, "refs/heads/main").unwrap();
    assert_eq!(main.map(|id| id.to_string()), Some(tip));
    assert_eq!(clone.git(&["for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags"]), "refs/heads/main");
}

#[test]
fn what_was_seen_once_must_stay() {
    let scene = Scene::new();
    let repo = scene.clone_as("work").open();
    let first = withdraw(&scene, "alice");
    let second = withdraw(&scene, "bob");
    fetch(&repo, &scene).unwrap();
    scene.reset(&changes("CHG-1"), Some(&first));
    let expected = vec![(changes("CHG-1"), second.clone())];
    for _ in 0..2 {
        assert_eq!(fetch(&repo, &scene).unwrap().rewritten, expected, "it is not forgotten");
    }
    scene.reset(&changes("CHG-1"), None);
    assert_eq!(fetch(&repo, &scene).unwrap().rewritten, expected);
    assert!(repo.evidence(&EvidenceSource::Fetched).unwrap().is_empty());
    scene.reset(&changes("CHG-1"), Some(&second));
    assert_eq!(fetch(&repo, &scene).unwrap(), Fetched::default());
}

fn draft(repo: &Repository, parents: Option<&str>, message: &str) -> fwgate::vcs::CommitId {
    let parents = parents.map(|id| vec![repo.commit_id(id).unwrap()]);
    let draft = EvidenceDraft {
        parents,
        name: "alice".to_owned(),
        email: "alice@example.net".to_owned(),
        at: crate::scene::BEGINNING,
        message: message.to_owned(),
    };
    repo.store_evidence(&draft.payload().unwrap()).unwrap()
}

#[test]
fn appending_is_compare_and_swap() {
    let scene = Scene::new();
    let repo = scene.clone_as("work").open();
    let remote = Remote::new(&repo, &scene.remote_url()).unwrap();
    let branch = changes("CHG-1");
    let first = draft(&repo, None, "one\n");
    remote.push(first, &branch).unwrap();
    assert_eq!(scene.head_of(&branch), Some(first.to_string()));
    let rival = draft(&repo, None, "rival\n");
    assert_eq!(remote.push(rival, &branch), Err(RemoteError::Moved { branch: branch.clone() }));
    let second = draft(&repo, Some(&first.to_string()), "two\n");
    remote.push(second, &branch).unwrap();
    assert_eq!(scene.head_of(&branch), Some(second.to_string()));
    let late = draft(&repo, Some(&first.to_string()), "late\n");
    assert_eq!(remote.push(late, &branch), Err(RemoteError::Moved { branch: branch.clone() }));
    let branches = repo.evidence(&EvidenceSource::Fetched).unwrap();
    assert_eq!(branches[&branch].head(), Some(second.to_string().as_str()));
}

#[test]
fn a_commit_that_is_lost_here_is_fetched_again() {
    let scene = Scene::new();
    let clone = scene.clone_as("work");
    let repo = clone.open();
    let remote = Remote::new(&repo, &scene.remote_url()).unwrap();
    let head = draft(&repo, None, "one\n");
    remote.push(head, &changes("CHG-1")).unwrap();
    remote.fetch("refs/heads/main").unwrap();
    let id = head.to_string();
    std::fs::remove_file(clone.path.join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    let again = clone.open();
    Remote::new(&again, &scene.remote_url()).unwrap().fetch("refs/heads/main").unwrap();
    assert_eq!(again.commit_id(&id).map(|c| c.to_string()), Ok(id));
}

#[test]
fn a_branch_that_cannot_be_written_has_not_moved() {
    let scene = Scene::new();
    let repo = scene.clone_as("work").open();
    let remote = Remote::new(&repo, &scene.remote_url()).unwrap();
    let branch = changes("CHG-1");
    let first = draft(&repo, None, "one\n");
    remote.push(first, &branch).unwrap();
    let second = draft(&repo, Some(&first.to_string()), "two\n");
    let lock = scene.remote_path().join(format!("{branch}.lock"));
    std::fs::write(&lock, b"").unwrap();
    let locked = remote.push(second, &branch).unwrap_err();
    let RemoteError::Locked { file, .. } = &locked else { panic!("{locked:?}") };
    assert!(file.ends_with("refs/heads/fwgate/changes/CHG-1.lock"), "{file}");
    assert!(locked.help().unwrap().contains(&format!("ls -l {file}")), "{:?}", locked.help());
    // Whoever wrote there has ended in the meantime.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(150));
            std::fs::remove_file(&lock).unwrap();
        });
        remote.push(second, &branch).unwrap();
    });
    let third = draft(&repo, Some(&second.to_string()), "three\n");
    let below = remote.push(third, &format!("{branch}/below")).unwrap_err();
    assert!(matches!(&below, RemoteError::Refused { reason, .. } if reason.contains("cannot create")), "{below:?}");
}

#[test]
fn two_clones_that_append_at_once_never_both_win() {
    let scene = Scene::new();
    let clones: Vec<_> = ["a", "b", "c", "d"].map(|name| scene.clone_as(name).path).to_vec();
    let url = scene.remote_url();
    let push = |path: &std::path::Path| {
        let repo = Repository::discover(&path.canonicalize().unwrap()).unwrap().unwrap();
        let commit = draft(&repo, None, &format!("{}\n", path.display()));
        Remote::new(&repo, &url).unwrap().push(commit, LEDGER).is_ok()
    };
    let wins: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = clones.iter().map(|path| scope.spawn(move || push(path))).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
    });
    assert_eq!(wins, 1);
}

#[test]
fn a_remote_that_does_not_answer_or_does_not_fit_says_so() {
    let scene = Scene::new();
    let repo = scene.clone_as("work").open();
    let code = |url: &str, branch: &str| Remote::new(&repo, url).and_then(|r| r.fetch(branch)).unwrap_err().code();
    let gone = format!("{}-gone", scene.remote_url());
    assert_eq!(code(&gone, "refs/heads/main"), Some("LEDGER_UNREACHABLE"));
    assert_eq!(code(&scene.remote_url(), "refs/heads/other"), Some("HISTORY_UNVERIFIABLE"));
    let main = scene.head_of("refs/heads/main").unwrap();
    scene.reset("refs/tags/main", Some(&main));
    assert_eq!(code(&scene.remote_url(), "refs/heads/main"), Some("REF_AMBIGUOUS"));
    scene.reset("refs/tags/main", None);
    scene.put("refs/heads/fwgate/changes", &Draft::new("x", &main, 1, "x\n").payload());
    assert_eq!(code(&scene.remote_url(), "refs/heads/main"), Some("EVIDENCE_UNAVAILABLE"));
}

#[test]
fn a_remote_that_refuses_says_why() {
    let scene = Scene::new();
    let repo = scene.clone_as("work").open();
    let hook = scene.remote_path().join("hooks/pre-receive");
    crate::scene::write(&hook, b"#!/bin/sh\nexit 1\n");
    std::process::Command::new("chmod").arg("+x").arg(&hook).status().unwrap();
    let commit = draft(&repo, None, "one\n");
    let refused = Remote::new(&repo, &scene.remote_url()).unwrap().push(commit, LEDGER).unwrap_err();
    assert_eq!(refused.code(), Some("EVIDENCE_UNAVAILABLE"), "{refused}");
}

#[test]
fn addresses_that_could_run_something_are_refused() {
    let scene = Scene::new();
    let repo = scene.clone_as("work").open();
    for bad in [
        "",
        "-u",
        "--upload-pack=x",
        "ext::sh -c x",
        "fd::17",
        "a b\n",
        "relative/path",
        "ssh://-oProxyCommand=x/y",
        "-x:y",
    ] {
        assert!(matches!(Remote::new(&repo, bad), Err(RemoteError::Address(_))), "{bad}");
    }
    let good = ["/srv/x.git", "file:///srv/x", "ssh://git@h/x", "https://h/x.git", "git@h:x.git"];
    for good in good {
        assert!(Remote::new(&repo, good).is_ok(), "{good}");
    }
}
