//! Commits that hold what is, or was, in force: each is read once, however many devices are looked up in it.

use super::session::Session;
use crate::cli::input::{Herd, reasons};
use crate::gate::{DeviceBytes, Digest, Reason};
use std::collections::BTreeMap;

/// Commits of one session.
pub struct Commits<'s> {
    session: &'s Session,
    herds: BTreeMap<String, Result<Herd, Vec<Reason>>>,
}

impl<'s> Commits<'s> {
    /// None read yet.
    pub fn of(session: &'s Session) -> Commits<'s> {
        Commits { session, herds: BTreeMap::new() }
    }

    /// The first of some commits that holds these bytes of a device, and the bytes.
    ///
    /// # Errors
    /// None of them does, or none can be read.
    pub fn held(
        &mut self,
        commits: &[String],
        device: &str,
        digest: Digest,
    ) -> Result<(String, DeviceBytes), Vec<Reason>> {
        let mut found = Vec::new();
        for id in commits {
            match self.at(id, device, digest) {
                Ok(bytes) => return Ok((id.clone(), bytes)),
                Err(more) => found.extend(more),
            }
        }
        Err(found.into_iter().take(1).collect())
    }

    /// The bytes of a device at a commit, as a ledger entry names them.
    ///
    /// # Errors
    /// No such device there, bytes of another digest, a tree that cannot be read.
    pub fn at(&mut self, id: &str, device: &str, digest: Digest) -> Result<DeviceBytes, Vec<Reason>> {
        let session = self.session;
        let herd = self.herds.entry(id.to_owned()).or_insert_with(|| {
            let commit = session.repository.commit_id(id).map_err(|e| reasons(&e.into()))?;
            session.herd_at(commit).map_err(|e| reasons(&e))
        });
        herd.as_ref().map_err(Clone::clone)?.held(id, device, digest)
    }
}
