//! From raw commits to believed records: who said what on a change's branch, and what on it is no evidence.

use super::instant::Instant;
use super::reason::Reason;
use super::record::{Digest, Receipt, Record};
use super::roster::Standing;

/// Something that a roster key signed in its own namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Believed<T> {
    /// What was said.
    pub said: T,
    /// The id of the person or machine.
    pub by: String,
    /// The fingerprint of the key.
    pub key: String,
    /// Whether the key counts at the gate's instant.
    pub standing: Standing,
    /// The committer's time. It proves nothing.
    pub at: Instant,
    /// The first witness that saw the commit; what lead time, soak and age count from.
    pub witnessed: Option<Instant>,
    /// The commit's id.
    pub commit: String,
    /// SHA-256 of the message, by which other records name this one.
    pub digest: Digest,
    /// Its place on the branch, from 0.
    pub order: usize,
}

/// A commit that is no evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The commit's id.
    pub commit: String,
    /// What it would say, where it can be read.
    pub claims: Option<Record>,
    /// Why it does not count. These stand against a permit only where what it claims is missing.
    pub reasons: Vec<Reason>,
}

/// What one branch of evidence says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Testimony {
    /// The id of the change whose branch it is.
    pub change: String,
    /// Records of persons, oldest first, in whatever standing.
    pub records: Vec<Believed<Record>>,
    /// Receipts of machines, oldest first.
    pub receipts: Vec<Believed<Receipt>>,
    /// What stands against a permit of this change in any case.
    pub refusals: Vec<Reason>,
    /// The first commits that are no evidence, at most twenty.
    pub ignored: Vec<Ignored>,
    /// How many there are.
    pub ignored_count: usize,
}
