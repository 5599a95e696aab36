//! Which version of the policy is in force, and which tips of the protected branch are refused.

use super::scene::*;
use fwgate::gate::*;
use fwgate::policy::Policy;
use fwgate::vcs::{EntryKind, PolicyVersion};

fn numbered(number: u64) -> String {
    GATE.replace("version = 1 ", &format!("version = {number} "))
}

/// Voices of these persons for a version, by whatever roster knows them.
fn voices(
    number: u64,
    text: &str,
    persons: &'static [(&'static str, &'static str)],
) -> impl Fn(&Policy) -> Vec<PolicyVoice> {
    let policy = policy_digest(&version("", text));
    move |roster: &Policy| {
        let known = |id: &str| roster.persons.iter().any(|p| p.id.value == id);
        let voice = |(person, role): &(&str, &str)| PolicyVoice {
            change: "CHG-3".into(),
            version: number,
            policy,
            role: (*role).into(),
            person: (*person).into(),
            is_author: *person == "alice",
        };
        persons.iter().filter(|(id, _)| known(id)).map(voice).collect()
    }
}

const QUORUM: &[(&str, &str)] = &[("bob", "network"), ("carol", "network"), ("dave", "security")];

fn judge(versions: &[PolicyVersion], voices: &dyn Voices, witnessed: Option<u64>) -> (Option<u64>, Vec<&'static str>) {
    let root = root_of(GATE).to_string();
    let chain =
        judge_chain(Some(root.as_bytes()), versions, voices, witnessed.map(|v| (v, at("2026-12-01T00:00:00Z"))));
    let mut codes: Vec<&str> = chain.reasons.iter().map(|r| r.code.name()).collect();
    codes.dedup();
    (chain.in_force().map(|v| v.version), codes)
}

fn nobody(_: &Policy) -> Vec<PolicyVoice> {
    Vec::new()
}

#[test]
fn the_root_names_the_first_version() {
    let one = [version("c1", GATE)];
    assert_eq!(judge(&one, &nobody, None), (Some(1), vec![]));
    assert_eq!(judge(&one, &nobody, Some(1)), (Some(1), vec![]));
    let other = [version("c1", &GATE.replace("lead_time = \"4h\"", "lead_time = \"1h\""))];
    assert_eq!(judge(&other, &nobody, None), (None, vec!["HISTORY_UNVERIFIABLE", "POLICY_UNAUTHORISED"]));
    assert_eq!(judge(&[], &nobody, None), (None, vec!["POLICY_MISSING"]));
    for root in [None, Some(&b"garbage"[..])] {
        let chain = judge_chain(root, &one, &nobody, None);
        assert_eq!(chain.reasons.iter().map(|r| r.code.name()).collect::<Vec<_>>(), ["ROOT_MISSING"]);
        assert!(chain.in_force().is_none() && chain.policy().is_some());
    }
}

#[test]
fn a_signer_whom_the_policy_does_not_have_is_another_repositorys_root() {
    let mut root = root_of(GATE);
    root.signers.push(format!("SHA256:{}", "x".repeat(43)));
    let chain = judge_chain(Some(root.to_string().as_bytes()), &[version("c1", GATE)], &nobody, None);
    assert_eq!(chain.reasons[0].code, ReasonCode::PolicyUnauthorised);
    let renamed = Root { repository: "example/other".into(), ..root_of(GATE) };
    let chain = judge_chain(Some(renamed.to_string().as_bytes()), &[version("c1", GATE)], &nobody, None);
    assert_eq!(chain.reasons[0].code, ReasonCode::PolicyUnauthorised);
}

#[test]
fn the_next_version_needs_both_quorums() {
    let two = numbered(2);
    let line = [version("c1", GATE), version("c2", &two)];
    assert_eq!(judge(&line, &voices(2, &two, QUORUM), None), (Some(2), vec![]));
    assert_eq!(judge(&line, &nobody, None), (Some(1), vec!["POLICY_UNAUTHORISED"]));
    assert_eq!(judge(&line, &voices(2, &two, &QUORUM[1..]), None), (Some(1), vec!["POLICY_UNAUTHORISED"]));
    assert_eq!(judge(&line, &voices(2, &numbered(3), QUORUM), None), (Some(1), vec!["POLICY_UNAUTHORISED"]));
    let author: &[(&str, &str)] = &[("alice", "network"), ("carol", "network"), ("dave", "security")];
    assert_eq!(judge(&line, &voices(2, &two, author), None), (Some(1), vec!["POLICY_UNAUTHORISED"]));
}

#[test]
fn a_signer_of_the_new_version_alone_does_not_count_for_the_old() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDYJbH8N2b7g1nUQ9ZbQy9yQ1m4xkq1m6r8m5N0d3bXk mallory";
    let two = numbered(2) + &format!("\n[[person]]\nid = \"mallory\"\nroles = [\"security\"]\nkeys = [\"{key}\"]\n");
    let line = [version("c1", GATE), version("c2", &two)];
    let persons: &[(&str, &str)] = &[("bob", "network"), ("carol", "network"), ("mallory", "security")];
    let (in_force, codes) = judge(&line, &voices(2, &two, persons), None);
    assert_eq!(in_force, Some(1));
    assert!(codes.contains(&"POLICY_UNAUTHORISED"), "{codes:?}");
}

#[test]
fn gaps_rollbacks_and_silent_edits_are_told_apart() {
    let (two, three) = (numbered(2), numbered(3));
    let gap = [version("c1", GATE), version("c3", &three)];
    assert_eq!(judge(&gap, &voices(3, &three, QUORUM), None), (Some(1), vec!["POLICY_VERSION_GAP"]));
    let back = [version("c1", GATE), version("c2", &two), version("c3", GATE)];
    assert_eq!(judge(&back, &voices(2, &two, QUORUM), None), (Some(2), vec!["POLICY_ROLLBACK"]));
    assert_eq!(judge(&[version("c1", GATE)], &nobody, Some(2)), (Some(1), vec!["POLICY_ROLLBACK"]));
    let silent = [version("c1", GATE), version("c2", &GATE.replace("count = 2", "count = 1"))];
    assert_eq!(judge(&silent, &nobody, None), (Some(1), vec!["POLICY_UNAUTHORISED"]));
    let mended = [version("c1", GATE), version("c2", &GATE.replace("count = 2", "count = 1")), version("c3", GATE)];
    assert_eq!(judge(&mended, &nobody, None), (Some(1), vec![]));
    let broken = [version("c1", GATE), version("c2", "version = 2\nnonsense = 1\n")];
    assert_eq!(judge(&broken, &nobody, None), (Some(1), vec!["POLICY_INVALID"]));
}

#[test]
fn a_policy_that_is_gone_or_no_file_is_missing() {
    let gone = PolicyVersion { commit: "c2".into(), files: Vec::new(), irregular: Vec::new() };
    assert_eq!(judge(&[version("c1", GATE), gone.clone()], &nobody, None), (None, vec!["POLICY_MISSING"]));
    let link = PolicyVersion { irregular: vec![("fwgate.toml".into(), EntryKind::Symlink)], ..gone };
    assert_eq!(judge(&[version("c1", GATE), link], &nobody, None), (None, vec!["POLICY_MISSING"]));
}

#[test]
fn a_later_version_accepted_after_an_approval_voids_nothing() {
    let two = numbered(2);
    let root = root_of(GATE).to_string();
    let line = [version("c1", GATE), version("c2", &two)];
    let scene = Scene {
        chain: judge_chain(
            Some(root.as_bytes()),
            &line,
            &voices(2, &two, QUORUM),
            Some((2, at("2026-12-01T00:00:00Z"))),
        ),
        ..Scene::good()
    };
    assert_eq!(scene.codes(), Vec::<String>::new());
}

#[test]
fn a_change_of_the_policy_is_a_draft_until_both_quorums_spoke() {
    let two = numbered(2);
    let decide = |voices: &dyn Voices| {
        let mut scene = Scene::good();
        scene.pending = Some(judge_pending(&scene.chain, &version("head", &two), voices));
        scene.analysis = None;
        scene.paths = vec!["fwgate.toml".into(), "changes/CHG-2042.toml".into()];
        scene.request = Some(request("class = \"policy\""));
        scene.decide()
    };
    let draft = decide(&nobody);
    assert_eq!((draft.state, draft.reasons[0].code), (State::Draft, ReasonCode::ApprovalMissing));
    let approved = decide(&voices(2, &two, QUORUM));
    assert_eq!((approved.state, approved.reasons), (State::Approved, vec![]));
}
