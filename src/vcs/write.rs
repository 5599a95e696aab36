//! New commits of evidence: their bytes, and storing them as objects. No index, no working tree, no reference that people use.

use super::branch::{EVIDENCE_ROOT, evidence_root};
use super::crash::crash_point;
use super::error::VcsError;
use super::store::{CommitId, Repository};
use git2::ObjectType;

/// A commit of evidence before it is signed: the empty tree and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceDraft {
    /// The parents; `None` where the branch begins with it, behind the fixed root commit.
    pub parents: Option<Vec<CommitId>>,
    /// The name of author and committer.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Seconds since 1970.
    pub at: i64,
    /// The message, its last line feed included.
    pub message: String,
}

impl EvidenceDraft {
    /// The bytes that are signed.
    ///
    /// # Errors
    /// The id of the root cannot be computed.
    pub fn payload(&self) -> Result<Vec<u8>, VcsError> {
        self.bytes("")
    }

    /// The bytes with an armored signature, as git writes them.
    ///
    /// # Errors
    /// The id of the root cannot be computed.
    pub fn sealed(&self, armor: &str) -> Result<Vec<u8>, VcsError> {
        let lines = armor.trim_end_matches('\n').replace('\n', "\n ");
        self.bytes(&format!("gpgsig {lines}\n"))
    }

    fn bytes(&self, signature: &str) -> Result<Vec<u8>, VcsError> {
        let parents = match &self.parents {
            Some(parents) => parents.clone(),
            None => vec![evidence_root()?],
        };
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let who = format!("{} <{}> {} +0000", plain(&self.name), plain(&self.email), self.at);
        let head = format!("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n{parents}author {who}\ncommitter {who}\n");
        Ok(format!("{head}{signature}\n{}", self.message).into_bytes())
    }
}

impl Repository {
    /// Stores the fixed root commit with which every branch of evidence begins; its id.
    ///
    /// # Errors
    /// Objects that cannot be written.
    pub fn store_evidence_root(&self) -> Result<CommitId, VcsError> {
        self.store_evidence(EVIDENCE_ROOT)
    }

    /// Stores a commit of evidence, and the empty tree and the fixed root commit beside it.
    ///
    /// # Errors
    /// Objects that cannot be written.
    pub fn store_evidence(&self, bytes: &[u8]) -> Result<CommitId, VcsError> {
        let odb = self.git.odb()?;
        crash_point("before an object");
        odb.write(ObjectType::Tree, b"")?;
        odb.write(ObjectType::Commit, EVIDENCE_ROOT)?;
        let id = odb.write(ObjectType::Commit, bytes)?;
        crash_point("after an object");
        Ok(CommitId(id))
    }
}

/// A name or address without what would end it.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect::<String>().trim().to_owned()
}
