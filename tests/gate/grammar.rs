//! The grammar of records: one spelling, read and printed; everything else is refused with its line.

use fwgate::gate::{
    Approve, Change, Claim, Digest, Hold, Instant, LedgerEntry, MAX_TEXT, Receipt, ReceiptKind, Record, Scope, Stage,
    Witness,
};
use proptest::prelude::*;

/// The record that the documentation shows, word for word.
const SHOWN: &str = "fwgate-record/1 approve\n\
change: CHG-2042\n\
content: sha256:0000000000000000000000000000000000000000000000000000000000005f0c\n\
meaning: sha256:0000000000000000000000000000000000000000000000000000000000009abf\n\
stage: production\n\
role: network\n\
says: edge1 opens tcp/443 from any to 10.1.0.0/24; closes nothing\n\
vetting: sha256:00000000000000000000000000000000000000000000000000000000000077aa\n\
not-after: 2026-12-06T00:00:00Z\n";

#[test]
fn the_record_of_the_documentation_is_read_and_printed() {
    let Record::Approve(approve) = Record::read(SHOWN).unwrap() else { panic!("it is no approval") };
    assert_eq!(
        (approve.change.as_str(), approve.stage, approve.role.as_str()),
        ("CHG-2042", Stage::Production, "network")
    );
    assert_eq!(approve.not_after, Instant(1_796_515_200));
    assert_eq!(Record::Approve(approve).text(), SHOWN);
}

#[test]
fn every_other_spelling_is_refused_with_its_line() {
    let swap = |from: &str, to: &str| SHOWN.replacen(from, to, 1);
    let cases = [
        (swap("fwgate-record/1 approve", "fwgate-record/2 approve"), 1),
        (swap("approve\n", "approve \n"), 1),
        (swap("approve\n", "applaud\n"), 1),
        (swap("change: CHG-2042\n", ""), 2),
        (swap("CHG-2042", "chg-2042"), 2),
        (swap("change: CHG-2042", "change:  CHG-2042"), 2),
        (swap("change: CHG-2042", "change: CHG-2042 "), 2),
        (swap("change: CHG-2042", "Change: CHG-2042"), 2),
        (swap("change: CHG-2042\n", "change: CHG-2042\nchange: CHG-2042\n"), 3),
        (swap("change: CHG-2042\n", "change: CHG-2042\nnote: x\n"), 3),
        (swap("change: CHG-2042\n", "change: CHG-2042\n\n"), 3),
        (swap("change: CHG-2042\n", "change: CHG-2042\n# note\n"), 3),
        (swap("5f0c", "5F0C"), 3),
        (swap("sha256:0", "sha1:0"), 3),
        (swap("stage: production", "stage: Production"), 5),
        (swap("role: network", "role: netw\u{43e}rk"), 6),
        (swap("says: edge1", "says: edge1\u{202e}"), 7),
        (swap("says: edge1", "says: edge1\u{200b}"), 7),
        (swap("says: edge1", "says: edge1\t"), 7),
        (swap("says: edge1", "says:  edge1"), 7),
        (swap("2026-12-06T00:00:00Z", "2026-12-06"), 9),
        (swap("Z\n", "Z"), 9),
        (swap("Z\n", "Z\n\n"), 10),
        (swap("Z\n", "Z\r\n"), 9),
        (format!("{SHOWN}reason: x\n"), 10),
        (swap("edge1", &"x".repeat(MAX_TEXT)), 1),
        (String::new(), 1),
        ("\n".to_owned(), 1),
    ];
    for (text, line) in cases {
        assert_eq!(Record::read(&text).unwrap_err().line, line, "{text:.400}");
    }
}

#[test]
fn a_role_that_only_looks_like_one_is_confusable() {
    let text = SHOWN.replace("role: network", "role: netw\u{43e}rk");
    assert!(Record::read(&text).unwrap_err().is_confusable);
    assert!(!Record::read(&SHOWN.replace("role: network", "role: ")).unwrap_err().is_confusable);
}

#[test]
fn lists_are_sorted_and_an_empty_one_is_no_line() {
    let change = Change {
        change: "CHG-1".to_owned(),
        file: Digest([1; 32]),
        base: "a".repeat(40),
        head: "b".repeat(40),
        content: Digest([2; 32]),
        meaning: Digest([3; 32]),
        devices: Vec::new(),
        contributors: vec!["alice".to_owned(), "x@example.net".to_owned()],
        says: "nothing".to_owned(),
    };
    let text = Record::Change(change).text();
    assert!(!text.contains("devices"));
    assert!(text.contains("\ncontributors: alice x@example.net\n"));
    assert!(Record::read(&text).is_ok());
    for bad in ["x@example.net alice", "alice alice", "alice  bob", "alice "] {
        let changed = text.replace("alice x@example.net", bad);
        assert_eq!(Record::read(&changed).unwrap_err().line, 8, "{bad}");
    }
}

#[test]
fn a_device_stands_once_in_a_receipt() {
    let receipt = |devices: Vec<(String, Digest)>| Receipt {
        kind: ReceiptKind::Vetting,
        change: "CHG-1".to_owned(),
        content: Digest([2; 32]),
        devices,
        on: "Linux 6.1, iptables 1.8.9".to_owned(),
        flows: 12,
        head: "b".repeat(40),
        at: Instant(1_795_514_400),
    };
    let edge = |byte| ("edge1".to_owned(), Digest([byte; 32]));
    let good = receipt(vec![edge(1)]);
    assert_eq!(Receipt::read(&good.text()), Ok(good));
    assert!(Receipt::read(&receipt(vec![edge(1), edge(2)]).text()).is_err());
}

#[test]
fn the_heads_of_a_witness_are_sorted_branches_of_evidence() {
    let witness = |heads: &[&str]| {
        let heads = heads.iter().map(|name| ((*name).to_owned(), "c".repeat(40))).collect();
        LedgerEntry::Witness(Witness { previous: None, at: Instant(0), policy: 1, heads }).text()
    };
    let good = witness(&["refs/heads/fwgate/changes/CHG-1", "refs/heads/fwgate/log"]);
    assert_eq!(LedgerEntry::read(&good).unwrap().text(), good);
    for bad in [&["refs/heads/fwgate/log", "refs/heads/fwgate/changes/CHG-1"][..], &["refs/heads/main"]] {
        assert!(LedgerEntry::read(&witness(bad)).is_err(), "{bad:?}");
    }
    assert!(LedgerEntry::read(&witness(&["refs/heads/fwgate/log"; 2])).is_err());
}

fn digests() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

fn instants() -> impl Strategy<Value = Instant> {
    (0..=Instant::LAST.0).prop_map(Instant)
}

/// Words without characters that are not seen.
fn words() -> impl Strategy<Value = String> {
    "[!-~äé€]([ -~äé€]{0,30}[!-~äé€])?"
}

fn records() -> impl Strategy<Value = Record> {
    let id = "[A-Z][A-Z0-9]{0,4}-[0-9]{1,9}";
    let approve = (id, digests(), digests(), any::<bool>(), words(), proptest::option::of(digests()), instants());
    let approve = approve.prop_map(|(change, content, meaning, staging, says, vetting, not_after)| {
        let stage = if staging { Stage::Staging } else { Stage::Production };
        let role = "network".to_owned();
        Record::Approve(Approve { change, content, meaning, stage, role, says, vetting, not_after })
    });
    let hold = (proptest::option::of(id), instants(), words()).prop_map(|(change, until, reason)| {
        Record::Hold(Hold { scope: change.map_or(Scope::All, Scope::Change), until, reason })
    });
    prop_oneof![approve, hold]
}

fn claims() -> impl Strategy<Value = LedgerEntry> {
    // A digit in front: `aux`, `con` and the like are no names.
    let names = proptest::collection::btree_set("[0-9][a-z0-9]{0,7}", 1..4);
    (proptest::option::of(digests()), instants(), digests(), "[0-9a-f]{32}", names).prop_map(
        |(previous, at, permit, nonce, devices)| {
            let (change, holder, run) = ("CHG-1".to_owned(), "ci".to_owned(), nonce.clone());
            let devices = devices.into_iter().collect();
            LedgerEntry::Claim(Claim { previous, at, change, permit, nonce, holder, run, lease: at, devices })
        },
    )
}

proptest! {
    #[test]
    fn what_is_printed_is_read(record in records(), claim in claims()) {
        prop_assert_eq!(Record::read(&record.text()), Ok(record));
        prop_assert_eq!(LedgerEntry::read(&claim.text()), Ok(claim));
    }

    #[test]
    fn what_is_read_prints_the_same(record in records(), at in any::<prop::sample::Index>(), with in "\\PC|\n|:| |#") {
        let text = record.text();
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
        let place = places[at.index(places.len())];
        let width = text[place..].chars().next().map_or(0, char::len_utf8);
        let changed = format!("{}{with}{}", &text[..place], &text[place + width..]);
        if let Ok(read) = Record::read(&changed) {
            prop_assert_eq!(read.text(), changed);
        }
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in "(fwgate-(record|receipt|ledger)/1 (approve|vetting|witness)\n)?(\\PC*\n){0,6}") {
        Record::read(&text).ok();
        Receipt::read(&text).ok();
        LedgerEntry::read(&text).ok();
    }
}
