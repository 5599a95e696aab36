//! How the work of one answer grows with a repository's past. Work is counted, not timed: a machine may be as busy as it likes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../benches/archive/mod.rs"]
mod archive;
#[path = "../../benches/families/mod.rs"]
mod families;

use archive::{Archive, Extent};
use fwgate::cli::gate::{Effort, Gathered, RootArguments, Session, now};
use fwgate::cli::input::Surroundings;
use fwgate::vcs::EvidenceSource;
use std::collections::BTreeSet;

const SMALL: Extent =
    Extent { closed: 60, commits_each: 10, open: 4, devices: 6, rules: 20, versions: 3, keeps_branches: false };

fn session(archive: &Archive) -> Session {
    let surroundings = Surroundings { cwd: archive.work(), ci: false };
    let arguments = RootArguments { root: Some(archive.root().into()), devices: "devices".to_owned() };
    Session::open_at(surroundings, &arguments).unwrap_or_else(|_| panic!("there is a repository"))
}

/// The first answer about the first open change, and what it cost.
fn asked(archive: &Archive) -> (Gathered, Effort) {
    let session = session(archive);
    let gathered = session.gather(&archive.open[0], now());
    let reasons = &gathered.decision.reasons;
    assert!(reasons.is_empty(), "the change may go: {reasons:?}");
    (gathered, session.effort())
}

#[test]
fn no_signature_is_verified_twice() {
    let archive = Archive::build(SMALL);
    let session = session(&archive);
    let once = |what: &str| {
        let gathered = session.gather(&archive.open[0], now());
        assert_eq!(gathered.ledger.entries.len(), archive.entries, "{what}: the whole ledger was read");
        assert_eq!(gathered.chain.versions.len(), SMALL.versions, "{what}: every version is in force");
        session.effort()
    };
    let first = once("first");
    let must = archive.entries + archive.merges;
    assert!(first.signatures >= must, "{first:?}: every entry of ledger and log is verified: {must}");
    assert!(first.signatures <= archive.evidence, "{first:?}: there are {} signed commits", archive.evidence);
    let again = once("again");
    assert_eq!(again.signatures, first.signatures, "nothing new was signed");
}

#[test]
fn what_has_not_changed_is_not_read_again() {
    let archive = Archive::build(SMALL);
    let session = session(&archive);
    session.gather(&archive.open[0], now());
    let first = session.effort().objects;
    session.gather(&archive.open[0], now());
    let again = session.effort().objects - first;
    assert!(again * 4 < first, "{again} objects after {first}");
    assert_eq!(session.effort().transfers, 1, "the remote has nothing new");
}

#[test]
fn branches_of_closed_changes_are_not_judged_again() {
    let archive = Archive::build(Extent { keeps_branches: true, ..SMALL });
    let (gathered, effort) = asked(&archive);
    assert!(gathered.branches.len() > SMALL.closed, "they are there");
    assert!(effort.branches <= SMALL.open, "{effort:?}: {} changes are open", SMALL.open);
}

#[test]
fn what_is_in_force_is_read_where_the_protected_branch_holds_it() {
    let listings = |devices: usize| {
        let archive = Archive::build(Extent { devices, ..SMALL });
        let (gathered, effort) = asked(&archive);
        let heads: BTreeSet<&String> = gathered.in_force.values().map(|known| &known.head).collect();
        assert_eq!(heads.len(), devices, "the last pushes were of different commits");
        effort.listings
    };
    assert_eq!(listings(SMALL.devices), listings(4 * SMALL.devices));
}

#[test]
fn files_that_many_states_share_are_read_once() {
    let archive = Archive::build(SMALL);
    let session = session(&archive);
    session.gather(&archive.open[0], now());
    let repository = &session.repository;
    let tip = repository.remote_branch(&EvidenceSource::Fetched, "refs/heads/main").unwrap();
    let states = repository.first_parents_of(tip.unwrap(), 20).unwrap();
    let before = session.effort().objects;
    for commit in &states {
        session.herd_at(*commit).unwrap();
    }
    let read = session.effort().objects - before;
    assert!(states.len() == 20 && read < 2 * states.len(), "{read} objects of {} states", states.len());
}

#[test]
fn changes_that_are_over_are_listed_without_their_bytes() {
    let list = |closed: usize| {
        let archive = Archive::build(Extent { closed, keeps_branches: true, ..SMALL });
        let session = session(&archive);
        session.refresh().unwrap_or_else(|_| panic!("the remote answers"));
        let listed = session.all_changes(now());
        let over = listed.iter().filter(|(_, state, _)| *state == "CLOSED").count();
        let closed = closed + SMALL.versions - 1;
        assert_eq!((over, listed.len()), (closed, closed + SMALL.open));
        session.effort().listings
    };
    assert_eq!(list(SMALL.closed), list(2 * SMALL.closed));
}

/// Objects of twice the history are at most twice as many.
#[test]
fn reading_grows_with_the_history_and_not_with_its_square() {
    let small = asked(&Archive::build(SMALL)).1;
    let large = asked(&Archive::build(Extent { closed: 2 * SMALL.closed, ..SMALL })).1;
    assert!(large.objects <= 2 * small.objects, "{small:?} became {large:?}");
    assert!(large.signatures <= 2 * small.signatures, "{small:?} became {large:?}");
}
