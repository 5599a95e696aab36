//! How far a change has come and what it finds in force, by ledgers that are written by hand.

use fwgate::gate::{
    Claim, DeviceResult, Digest, Entry, Finish, Instant, Ledger, LedgerEntry, Progress, ResultKind, in_force_for,
    progress,
};

const DEVICES: [&str; 2] = ["edge1", "edge2"];

/// A ledger that grows, all of it in one second where nobody waits.
#[derive(Default)]
struct Book {
    ledger: Ledger,
    at: i64,
}

impl Book {
    fn write(&mut self, said: LedgerEntry) {
        let (commit, digest, key) = (String::new(), Digest([0; 32]), String::new());
        self.ledger.entries.push(Entry { said, commit, digest, key });
    }

    /// A run of CHG-1 by a permit, with what it did to devices, each with its bytes, and its end.
    fn run(&mut self, nonce: &str, results: &[(&str, ResultKind, u8)], end: Option<&str>) {
        let (at, change) = (Instant(self.at), "CHG-1".to_owned());
        let (nonce, run, previous) = (nonce.to_owned(), nonce.to_owned(), None);
        self.write(LedgerEntry::Claim(Claim {
            previous,
            at,
            change: change.clone(),
            permit: Digest([7; 32]),
            nonce: nonce.clone(),
            holder: "runner".to_owned(),
            run: run.clone(),
            lease: Instant(self.at),
            devices: DEVICES.map(str::to_owned).to_vec(),
        }));
        for (device, result, bytes) in results {
            self.write(LedgerEntry::Result(DeviceResult {
                previous,
                at,
                change: change.clone(),
                nonce: nonce.clone(),
                run: run.clone(),
                device: (*device).to_owned(),
                result: *result,
                bytes: Digest([*bytes; 32]),
                head: String::new(),
                receipt: None,
            }));
        }
        if let Some(state) = end {
            let state = state.to_owned();
            self.write(LedgerEntry::Finish(Finish { previous, at, change, nonce, run, state }));
        }
    }

    fn both(&mut self, nonce: &str, result: ResultKind, bytes: u8, end: &str) {
        self.run(nonce, &DEVICES.map(|device| (device, result, bytes)), Some(end));
    }

    fn progress(&self) -> Progress {
        progress(&self.ledger, "CHG-1", Instant(self.at + 1))
    }

    fn in_force(&self) -> Vec<u8> {
        let known = in_force_for(&self.ledger, "CHG-1");
        DEVICES.iter().map(|device| known.get(*device).map_or(0, |k| k.bytes.0[0])).collect()
    }
}

/// Nonces are random: which run was the last one is for the ledger to say, not for them.
#[test]
fn runs_of_one_second_count_in_the_order_of_the_ledger() {
    for (first, second) in [("00", "ff"), ("ff", "00")] {
        let mut book = Book::default();
        book.both(first, ResultKind::Applied, 2, "applied");
        book.both(second, ResultKind::RolledBack, 1, "rolled-back");
        assert_eq!((book.progress(), book.in_force()), (Progress::RolledBack, vec![1, 1]), "{first} {second}");
    }
}

/// A run that found another configuration than it should, and touched nothing, takes nothing from what an earlier one did.
#[test]
fn a_run_that_touched_nothing_leaves_a_change_applied() {
    let mut book = Book::default();
    book.both("00", ResultKind::Applied, 2, "applied");
    book.at += 60;
    book.run("11", &[], None);
    assert_eq!((book.progress(), book.in_force()), (Progress::Applied, vec![2, 2]));
    assert_eq!(progress(&book.ledger, "CHG-1", Instant(book.at)), Progress::Pushing, "while its claim holds");
}

/// What a change has done itself is not what it finds, until all of its devices have come to one end.
#[test]
fn a_change_finds_what_its_last_whole_run_left() {
    let mut book = Book::default();
    book.run("00", &[("edge1", ResultKind::Applied, 2)], None);
    assert_eq!(book.in_force(), [0, 0], "its first run is not over");
    book.both("00", ResultKind::Applied, 2, "applied");
    assert_eq!(book.in_force(), [2, 2]);
    // Edited and pushed again under the same id.
    book.run("11", &[("edge1", ResultKind::Started, 2), ("edge1", ResultKind::Applied, 3)], None);
    assert_eq!(book.in_force(), [2, 2], "its second run is not over");
    book.run("11", &[("edge2", ResultKind::Failed, 2)], Some("partial"));
    assert_eq!((book.progress(), book.in_force()), (Progress::Partial, vec![2, 2]));
    book.both("22", ResultKind::Applied, 3, "applied");
    assert_eq!((book.progress(), book.in_force()), (Progress::Applied, vec![3, 3]));
    assert_eq!(in_force_for(&book.ledger, "CHG-2").len(), 2, "another change finds everything");
}
