//! Changes beside each other.

use crate::scene::{RULES, changes};
use crate::stage::{APPROVERS, CHANGE, EDGE, Facts, change_file, proposed, with_rules};
use crate::two_fleet::Fleet;

const REQUIRE: &str = "\n[[require]]\nid = \"web\"\nreason = \"the portal\"\nfrom = [\"10.1.0.0/24\"]\nto = [\"10.2.0.0/24\"]\n\
                       service = [\"tcp/443\"]\nhook = \"forward\"\n";

/// Two changes of edge1 on branches of their own, both announced, vetted, approved and witnessed.
fn both(fleet: &Fleet, [(one, one_file), (two, two_file)]: [(&str, &str); 2]) -> [Facts; 2] {
    let head = fleet.scene.commit_on("refs/heads/one", "alice", &[(EDGE, one), ("changes/CHG-1.toml", one_file)]);
    let one = fleet.announced_at("CHG-1", &head);
    let head = fleet.scene.commit_on("refs/heads/two", "alice", &[(EDGE, two), ("changes/CHG-2.toml", two_file)]);
    let two = fleet.announced_at("CHG-2", &head);
    for facts in [&one, &two] {
        fleet.approved_by(&APPROVERS, facts);
    }
    fleet.settle();
    [one, two]
}

fn without_intent(id: &str) -> String {
    change_file(id).split("\n[[intent]]").next().unwrap().to_owned()
}

#[test]
fn a60_two_changes_of_one_device_at_one_time() {
    let fleet = Fleet::new();
    let other = with_rules(RULES, "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n");
    let file = change_file("CHG-2")
        .replace("forward", "input")
        .replace("tcp/443", "tcp/22")
        .replace("10.2.0.0/16", "any")
        .replace("10.1.0.0/24", "any");
    both(&fleet, [(&proposed(), &change_file("CHG-1")), (&other, &file)]);
    fleet.permit_of("CHG-2").denied("CONFLICT");
}

/// A ruleset in which two rules far apart let the same through, without the first, and without the second.
pub fn two_ways() -> [String; 3] {
    let (by_source, by_destination) = (
        "-A FORWARD -s 10.1.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n",
        "-A FORWARD -d 10.2.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n",
    );
    let between =
        "-A FORWARD -s 10.9.0.1/32 -j DROP\n-A FORWARD -s 10.9.0.2/32 -j DROP\n-A FORWARD -s 10.9.0.3/32 -j DROP\n";
    let whole = with_rules(RULES, &format!("{by_source}{between}{by_destination}"));
    let (one, two) = (whole.replace(by_source, ""), whole.replace(by_destination, ""));
    [whole, one, two]
}

#[test]
fn a61_each_is_right_alone_and_both_are_wrong() {
    let [whole, one, two] = two_ways();
    let fleet = Fleet::of(&["edge1"], REQUIRE);
    fleet.scene.main(&[(EDGE, &whole)]);
    let closing = |id: &str| {
        format!(
            "{}\n[[intent]]\neffect = \"closed\"\nfrom = [\"any\"]\nto = [\"any\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\n",
            without_intent(id)
        )
    };
    both(&fleet, [(&one, &closing("CHG-1")), (&two, &closing("CHG-2"))]);
    let verdict = fleet.permit_of("CHG-2").denied("PROOF_STALE");
    assert!(!verdict.codes().contains(&"APPROVAL_STALE"), "{verdict}");
}

#[test]
fn a81_ids_that_differ_only_in_case() {
    let fleet = Fleet::new();
    fleet.ready();
    let root = fleet.scene.store(crate::scene::EVIDENCE_ROOT.as_bytes());
    fleet.scene.reset(&changes("chg-1"), Some(&root));
    fleet.permit().denied("CHANGE_ID_CONFLICT");
}

#[test]
fn a81_two_authors_announce_one_id() {
    let fleet = Fleet::new();
    let rules = with_rules(RULES, "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n");
    let file = change_file(CHANGE).replace("launch", "something else");
    let head = fleet.scene.commit_on("refs/heads/two", "bob", &[(EDGE, &rules), ("changes/CHG-1.toml", &file)]);
    let facts = fleet.facts(CHANGE, &head);
    fleet.announce("bob", &facts);
    fleet.scene.wait(60);
    fleet.ready();
    fleet.permit().denied("CHANGE_ID_CONFLICT");
}

#[test]
fn a81_proposal_edits_the_file_of_another_change() {
    let fleet = Fleet::new();
    let head = fleet.propose(&[("changes/CHG-2.toml", &change_file("CHG-2"))]);
    fleet.ready_at(CHANGE, &head);
    fleet.permit().denied("CHANGE_ID_CONFLICT");
}
