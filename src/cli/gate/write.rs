//! What machines write: receipts on a change's branch, and entries of the ledger by compare-and-swap.

use super::session::{Session, of_remote};
use crate::gate::push::{Ledger, LedgerTrouble, LedgerView, Receipts, Trouble};
use crate::gate::{Digest, LEDGER_BRANCH, LedgerEntry, Reason, ReasonCode, Receipt, Roster, sha256};
use crate::vcs::{CommitId, EvidenceDraft, EvidenceSource, RemoteError, sign_by_machine};
use std::path::Path;

/// How often a branch that moved is tried again.
const ATTEMPTS: usize = 3;

/// Signs a receipt in the namespace of its kind and appends it to the change's branch; its digest.
///
/// # Errors
/// The key cannot be used, the remote cannot be reached or refuses, the branch keeps moving.
pub fn keep_receipt(session: &Session, key: &Path, receipt: &Receipt) -> Result<Digest, Reason> {
    let message = receipt.text();
    let branch = format!("refs/heads/fwgate/changes/{}", receipt.change);
    let remote = session.remote()?;
    let protected = session.root.as_ref().map(|r| r.protected.clone()).unwrap_or_default();
    for _ in 0..ATTEMPTS {
        let head = session.repository.remote_branch(&EvidenceSource::Fetched, &branch).map_err(|e| unwritten(&e))?;
        let namespace = receipt.kind.purpose().namespace();
        let commit = signed(session, head, receipt.at.0, &message, key, &namespace)?;
        match remote.push(commit, &branch) {
            Ok(()) => return Ok(sha256(message.as_bytes())),
            Err(RemoteError::Moved { .. }) => drop(remote.fetch(&protected).map_err(|e| of_remote(&e))?),
            Err(error) => return Err(of_remote(&error)),
        }
    }
    Err(Reason::new(ReasonCode::EvidenceUnavailable, format!("`{branch}` moved {ATTEMPTS} times"), "try again"))
}

/// Signs a text as a commit with these parents (behind the fixed root commit where there are none) and appends it to a branch
/// of the remote; `None` where the branch moved in the meantime.
///
/// # Errors
/// The key cannot be used, the remote cannot be reached or refuses.
pub fn append_by_machine(
    session: &Session,
    branch: &str,
    parents: Option<Vec<CommitId>>,
    (at, message): (crate::gate::Instant, &str),
    key: &Path,
) -> Result<Option<CommitId>, Reason> {
    let namespace = crate::policy::Purpose::Ledger.namespace();
    let commit = signed_onto(session, parents, at.0, message, key, &namespace)?;
    match session.remote()?.push(commit, branch) {
        Ok(()) => Ok(Some(commit)),
        Err(RemoteError::Moved { .. }) => Ok(None),
        Err(error) => Err(of_remote(&error)),
    }
}

fn signed(
    session: &Session,
    head: Option<CommitId>,
    at: i64,
    message: &str,
    key: &Path,
    namespace: &str,
) -> Result<CommitId, Reason> {
    signed_onto(session, head.map(|h| vec![h]), at, message, key, namespace)
}

fn signed_onto(
    session: &Session,
    parents: Option<Vec<CommitId>>,
    at: i64,
    message: &str,
    key: &Path,
    namespace: &str,
) -> Result<CommitId, Reason> {
    let draft = EvidenceDraft {
        parents,
        name: "fwgate".to_owned(),
        email: "fwgate@localhost".to_owned(),
        at,
        message: message.to_owned(),
    };
    let payload = draft.payload().map_err(|e| unwritten(&e))?;
    let armor = sign_by_machine(key, namespace, &payload);
    let armor = armor.map_err(|e| Reason::new(ReasonCode::EvidenceUnavailable, e.to_string(), e.help()))?;
    let bytes = draft.sealed(&armor).map_err(|e| unwritten(&e))?;
    session.repository.store_evidence(&bytes).map_err(|e| unwritten(&e))
}

fn unwritten(error: &impl ToString) -> Reason {
    Reason::new(ReasonCode::EvidenceUnavailable, error.to_string(), "see that the repository can be written to")
}

/// Receipts of production, on the change's branch.
pub struct ReceiptBranch<'a> {
    /// The repository.
    pub session: &'a Session,
    /// The key of the machine.
    pub key: &'a Path,
}

impl Receipts for ReceiptBranch<'_> {
    fn keep(&mut self, receipt: Receipt) -> Result<Digest, Trouble> {
        keep_receipt(self.session, self.key, &receipt).map_err(|reason| Trouble(reason.message))
    }
}

/// The ledger on the root's remote.
pub struct RemoteLedger<'a> {
    /// The repository.
    pub session: &'a Session,
    /// The keys that count.
    pub roster: &'a Roster,
    /// The key of the machine.
    pub key: &'a Path,
    /// The digest of the entry that was last at the last view.
    pub last: Option<Digest>,
}

impl Ledger for RemoteLedger<'_> {
    fn view(&mut self) -> Result<LedgerView, LedgerTrouble> {
        let refused = LedgerTrouble::Refused;
        let protected = self.session.root.as_ref().map(|r| r.protected.clone()).unwrap_or_default();
        let remote = self.session.remote().map_err(refused)?;
        remote.fetch(&protected).map_err(|e| refused(of_remote(&e)))?;
        let branches =
            self.session.repository.evidence(&EvidenceSource::Fetched).map_err(|e| refused(unwritten(&e)))?;
        let ledger = crate::gate::Ledger::read(branches.get(LEDGER_BRANCH), self.roster, super::now());
        if let Some(reason) = ledger.refusals.first() {
            return Err(refused(reason.clone()));
        }
        self.last = ledger.entries.last().map(|e| e.digest);
        let head = ledger.entries.last().map(|e| e.commit.clone()).unwrap_or_default();
        Ok(LedgerView { head, entries: ledger.entries.into_iter().map(|e| e.said).collect() })
    }

    fn append(&mut self, head: &str, entry: LedgerEntry) -> Result<(), LedgerTrouble> {
        let refused = LedgerTrouble::Refused;
        let parent = self.session.repository.commit_id(head).map_err(|e| refused(unwritten(&e)))?;
        let (entry, at) = after(entry, self.last);
        let namespace = crate::policy::Purpose::Ledger.namespace();
        let commit = signed(self.session, Some(parent), at, &entry.text(), self.key, &namespace).map_err(refused)?;
        match self.session.remote().map_err(refused)?.push(commit, LEDGER_BRANCH) {
            Ok(()) => Ok(()),
            Err(RemoteError::Moved { .. }) => Err(LedgerTrouble::Moved),
            Err(error) => Err(refused(of_remote(&error))),
        }
    }
}

/// The entry behind another one, and its instant.
fn after(entry: LedgerEntry, last: Option<Digest>) -> (LedgerEntry, i64) {
    let at = entry.at().0;
    let entry = match entry {
        LedgerEntry::Witness(mut e) => {
            e.previous = last;
            LedgerEntry::Witness(e)
        }
        LedgerEntry::Claim(mut e) => {
            e.previous = last;
            LedgerEntry::Claim(e)
        }
        LedgerEntry::Result(mut e) => {
            e.previous = last;
            LedgerEntry::Result(e)
        }
        LedgerEntry::Finish(mut e) => {
            e.previous = last;
            LedgerEntry::Finish(e)
        }
    };
    (entry, at)
}
