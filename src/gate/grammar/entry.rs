//! The entries of the ledger.

use super::Flaw;
use super::page::{Form, Page, Reader, read_form};
use super::record::{fields, kinds};
use super::value::{ChangeId, CommitName, Device, FinishState, List, Name, Nonce};
use crate::gate::Instant;
use crate::gate::record::{Claim, Digest, Finish, LedgerEntry, Result as DeviceResult, Witness};

fields! { Witness:
    previous "previous" maybe;
    at "at" need;
    policy "policy" need;
    heads "head" every;
}
fields! { Claim:
    previous "previous" maybe;
    at "at" need;
    change "change" need ChangeId;
    permit "permit" need;
    nonce "nonce" need Nonce;
    holder "holder" need Name;
    run "run" need Nonce;
    lease "lease" need;
    devices "devices" list Device;
}
fields! { DeviceResult:
    previous "previous" maybe;
    at "at" need;
    change "change" need ChangeId;
    nonce "nonce" need Nonce;
    run "run" need Nonce;
    device "device" need Device;
    result "result" need;
    bytes "bytes" need;
    head "head" need CommitName;
    receipt "receipt" maybe;
}
fields! { Finish:
    previous "previous" maybe;
    at "at" need;
    change "change" need ChangeId;
    nonce "nonce" need Nonce;
    run "run" need Nonce;
    state "state" need FinishState;
}
kinds! { LedgerEntry "fwgate-ledger/1":
    "witness" Witness,
    "claim" Claim,
    "result" Result,
    "finish" Finish,
}

impl LedgerEntry {
    /// Reads the message of a commit.
    ///
    /// # Errors
    /// The first line that is not as the grammar has it; heads that are not sorted by name, or one twice.
    pub fn read(text: &str) -> Result<LedgerEntry, Flaw> {
        let entry: LedgerEntry = read_form(text)?;
        let heads = if let LedgerEntry::Witness(witness) = &entry { witness.heads.as_slice() } else { &[] };
        match heads.is_sorted_by(|a, b| a.0 < b.0) {
            true => Ok(entry),
            false => Err(Flaw {
                line: text.lines().take_while(|line| !line.starts_with("head: ")).count() + 1,
                message: "the heads are not sorted by name, or one stands twice".to_owned(),
                is_confusable: false,
            }),
        }
    }

    /// The message of the commit.
    pub fn text(&self) -> String {
        self.page()
    }

    /// The change that it is about; a witness is about all.
    pub fn change(&self) -> Option<&str> {
        match self {
            LedgerEntry::Witness(_) => None,
            LedgerEntry::Claim(e) => Some(&e.change),
            LedgerEntry::Result(e) => Some(&e.change),
            LedgerEntry::Finish(e) => Some(&e.change),
        }
    }

    /// SHA-256 of the raw commit before; `None` on the first entry.
    pub fn previous(&self) -> Option<Digest> {
        match self {
            LedgerEntry::Witness(e) => e.previous,
            LedgerEntry::Claim(e) => e.previous,
            LedgerEntry::Result(e) => e.previous,
            LedgerEntry::Finish(e) => e.previous,
        }
    }

    /// When the ledger machine wrote it.
    pub fn at(&self) -> Instant {
        match self {
            LedgerEntry::Witness(e) => e.at,
            LedgerEntry::Claim(e) => e.at,
            LedgerEntry::Result(e) => e.at,
            LedgerEntry::Finish(e) => e.at,
        }
    }
}
