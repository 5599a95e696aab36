//! A record signed by the person at the keyboard and appended to the branch of its change.

use crate::cli::failure::Failure;
use crate::cli::gate::Session;
use crate::gate::{Digest, Instant, Reason, ReasonCode, Record, Roster, sha256, signer};
use crate::vcs::{CommitId, EvidenceDraft, EvidenceSource, RemoteError, Signer, SignerFlags};
use clap::Args;
use std::path::PathBuf;

/// How often a record is signed again because somebody else appended first.
const TRIES: usize = 3;

/// With which key a person signs.
#[derive(Debug, Clone, Default, Args)]
pub struct SigningArguments {
    /// Sign with this key file instead of the one that your git is set up with
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// Somebody who signs records in a repository.
pub struct Pen<'a> {
    session: &'a Session,
    signer: Signer,
}

/// A record that stands on the remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The branch on the remote.
    pub branch: String,
    /// The commit that carries it.
    pub commit: CommitId,
    /// The digest by which other records name it.
    pub digest: Digest,
}

impl<'a> Pen<'a> {
    /// The pen of the user.
    ///
    /// # Errors
    /// No key is configured, or the configuration cannot be read.
    pub fn of_user(session: &'a Session, arguments: &SigningArguments) -> Result<Pen<'a>, Failure> {
        let key = arguments.key.as_ref().map(|path| session.surroundings.cwd.join(path));
        let signer = Signer::of_user(&SignerFlags { key });
        let signer = signer.map_err(|e| Failure::new(e.to_string()).help(e.help()))?;
        Ok(Pen { session, signer })
    }

    /// Signs a record and appends it, again where the branch moved in the meantime, at most three times.
    ///
    /// # Errors
    /// Nothing was signed, the key is nobody's, or the remote does not take it. Nothing of it stands on the remote then.
    pub fn append(&self, id: &str, record: &Record, now: Instant) -> Result<Written, Failure> {
        self.append_by(id, record, now, &|_| None)
    }

    /// The same, unless something stands against the person who turns out to have signed.
    ///
    /// # Errors
    /// As [`Pen::append`], and what stands against the person.
    pub fn append_by(
        &self,
        id: &str,
        record: &Record,
        now: Instant,
        objection: &Objection<'_>,
    ) -> Result<Written, Failure> {
        let branch = format!("refs/heads/fwgate/changes/{id}");
        let remote = self.session.remote().map_err(|r| Failure::new(r.message).help(r.fix))?;
        let roster = self.session.survey_again(now, Vec::new()).roster;
        for attempt in 1..=TRIES {
            let sealed = self.sealed(&branch, &record.text(), now)?;
            let against = against(record, &sealed, &roster, now, objection);
            if let Some(reason) = against {
                let message = format!("nothing was pushed: {} [{}]", reason.message, reason.code);
                return Err(Failure::new(message).help(reason.fix));
            }
            let failed = |e: crate::vcs::VcsError| Failure::Input(e.into());
            let bytes = sealed.draft.sealed(&sealed.armor).map_err(failed)?;
            let commit = self.session.repository.store_evidence(&bytes).map_err(failed)?;
            match remote.push(commit, &branch) {
                Ok(()) => return Ok(Written { branch, commit, digest: sha256(record.text().as_bytes()) }),
                Err(RemoteError::Moved { .. }) if attempt < TRIES => self.session.refresh()?,
                Err(error) => return Err(of_remote(&error)),
            }
        }
        Err(Failure::new(format!("`{branch}` moves faster than it can be signed")).help("try again"))
    }

    /// The signature over a text, which goes nowhere.
    ///
    /// # Errors
    /// Nothing was signed.
    pub fn seal(&self, text: &str) -> Result<String, Failure> {
        let armor = self.signer.sign(text.as_bytes(), self.session.repository.root());
        armor.map_err(|e| Failure::new(e.to_string()).help(e.help()))
    }

    fn sealed(&self, branch: &str, message: &str, now: Instant) -> Result<Sealed, Failure> {
        let repo = &self.session.repository;
        let failed = |e: crate::vcs::VcsError| Failure::Input(e.into());
        let tip = repo.remote_branch(&EvidenceSource::Fetched, branch).map_err(failed)?;
        let draft = EvidenceDraft {
            parents: tip.map(|tip| vec![tip]),
            name: or_unnamed(&self.signer.name),
            email: or_unnamed(&self.signer.email),
            at: now.0,
            message: message.to_owned(),
        };
        let payload = draft.payload().map_err(failed)?;
        let armor = self.signer.sign(&payload, repo.root());
        let armor = armor.map_err(|e| Failure::new(e.to_string()).help(e.help()))?;
        Ok(Sealed { draft, payload, armor })
    }
}

/// What may stand against the person who signs, by their id.
pub type Objection<'o> = dyn Fn(&str) -> Option<Reason> + 'o;

/// A record with its signature, in no repository yet.
struct Sealed {
    draft: EvidenceDraft,
    payload: Vec<u8>,
    armor: String,
}

/// Why a record would be no evidence where it went: a slip of the key is told before anybody else sees it. A voice for a new
/// version of the policy may be of somebody whom only that version knows, and what was said once may be taken back by whoever
/// said it.
fn against(
    record: &Record,
    sealed: &Sealed,
    roster: &Roster,
    now: Instant,
    objection: &Objection<'_>,
) -> Option<Reason> {
    if matches!(record, Record::Policy(_) | Record::Revoke(_)) || roster.holders().next().is_none() {
        return None;
    }
    let fix =
        "sign with the key that the policy has of you: `--key FILE`, or `git config --global user.signingKey FILE`";
    match signer(roster, &sealed.payload, &sealed.armor, now, fix) {
        Ok(person) => objection(&person),
        Err(reason) => matches!(reason.code, ReasonCode::SignerUnknown | ReasonCode::RoleMissing).then_some(reason),
    }
}

impl Session {
    /// Fetches the evidence again.
    ///
    /// # Errors
    /// There is no root, or the remote cannot be reached.
    pub fn refresh(&self) -> Result<(), Failure> {
        let remote = self.remote().map_err(|r| Failure::new(format!("{} [{}]", r.message, r.code)).help(r.fix))?;
        let protected = self.root.as_ref().map(|r| r.protected.clone()).unwrap_or_default();
        remote.fetch(&protected).map(drop).map_err(|e| of_remote(&e))
    }
}

impl Session {
    /// Whether the remote hands out a commit.
    pub fn remote_has(&self, commit: CommitId) -> bool {
        self.remote().is_ok_and(|remote| remote.hands_out(commit).unwrap_or_default())
    }
}

/// Git wants both to be there; neither is evidence.
fn or_unnamed(text: &str) -> String {
    if text.trim().is_empty() { "fwgate".to_owned() } else { text.to_owned() }
}

/// What the remote said, as a failure.
pub fn of_remote(error: &RemoteError) -> Failure {
    let code = error.code().map(|code| format!(" [{code}]")).unwrap_or_default();
    let failure = Failure::new(format!("{error}{code}"));
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}
