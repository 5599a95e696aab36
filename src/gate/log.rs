//! The log: what is kept of changes that came to an end, as merges that bring their records with them.
//!
//! A merge has the parents log before, head of the change's branch, entry of the ledger that ended it, and the empty tree. Its
//! message is below; behind the lines stand the bytes of the permit and of versions of the policy that no merge before
//! carries, each behind a line with its length. The ledger machine signs it in `fwgate-ledger@v1`.
//!
//! ```text
//! fwgate-log/1 closed
//! previous: sha256:...                 the raw merge before, on every merge but the first
//! at: 2026-12-02T03:10:00Z
//! change: CHG-2042
//! outcome: applied
//! class: normal
//! policy: 3 sha256:...                 in force when it ended
//! permit: sha256:...                   of the permit that was spent, where one was
//! attach: 812 permit
//! (812 bytes, and a line feed)
//! attach: 2210 policy 3 fwgate.toml
//! ```

use super::believed::signer;
use super::case::Progress;
use super::commit::{EMPTY_TREE, OrdinaryCommit};
use super::cores::on_all_cores;
use super::instant::Instant;
use super::ledger::{Entry, LOG_BRANCH, Ledger};
use super::reason::{Reason, ReasonCode};
use super::record::Digest;
use super::roster::{Owner, Roster, Standing};
use crate::policy::{ChangeClass, Purpose, is_change_id};
use crate::vcs::{Branch, PolicyVersion, RawCommit};
use std::collections::BTreeMap;
use std::fmt::Write;

/// How a change came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Every device runs it.
    Applied,
    /// Every device runs the baseline again: not over.
    RolledBack,
    /// Some devices have it: not over.
    Partial,
    /// Applied as an emergency, and not reviewed yet: not over.
    ReviewDue,
    /// Its author gave it up.
    Withdrawn,
    /// Somebody with the right to do so said no.
    Rejected,
    /// A version of the policy, which is in force.
    InForce,
    /// A quorum made what a device runs its baseline.
    Adopted,
}

const OUTCOMES: [(&str, Outcome); 8] = [
    ("applied", Outcome::Applied),
    ("rolled-back", Outcome::RolledBack),
    ("partial", Outcome::Partial),
    ("review-due", Outcome::ReviewDue),
    ("withdrawn", Outcome::Withdrawn),
    ("rejected", Outcome::Rejected),
    ("in-force", Outcome::InForce),
    ("adopted", Outcome::Adopted),
];

impl Outcome {
    /// As the log writes it.
    pub fn name(self) -> &'static str {
        OUTCOMES.iter().find(|(_, outcome)| *outcome == self).map_or("", |(name, _)| name)
    }

    /// Whether nothing more can come of the change. What was rolled back can be pushed again.
    pub fn is_final(self) -> bool {
        !matches!(self, Outcome::Partial | Outcome::RolledBack | Outcome::ReviewDue)
    }
}

/// Bytes that a merge carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// The permit file.
    Permit(String),
    /// One file of a version of the policy.
    Policy {
        /// The version.
        version: u64,
        /// The path.
        path: String,
        /// The text.
        text: String,
    },
}

/// What a merge of the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// SHA-256 of the raw merge before.
    pub previous: Option<Digest>,
    /// When it was written.
    pub at: Instant,
    /// The change.
    pub change: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The class by which it was judged.
    pub class: ChangeClass,
    /// The template of a standard change.
    pub template: Option<String>,
    /// The version of the policy in force then.
    pub version: u64,
    /// Its digest.
    pub policy: Digest,
    /// The digest of the permit that was spent.
    pub permit: Option<Digest>,
    /// What it carries.
    pub attached: Vec<Attachment>,
}

impl LogEntry {
    /// The message of the merge.
    pub fn text(&self) -> String {
        let mut out = "fwgate-log/1 closed\n".to_owned();
        let mut line = |key: &str, value: Option<String>| {
            value.iter().for_each(|value| out.push_str(&format!("{key}: {value}\n")));
        };
        line("previous", self.previous.map(|d| d.to_string()));
        line("at", Some(self.at.to_string()));
        line("change", Some(self.change.clone()));
        line("outcome", Some(self.outcome.name().to_owned()));
        line("class", Some(self.class.name().to_owned()));
        line("template", self.template.clone());
        line("policy", Some(format!("{} {}", self.version, self.policy)));
        line("permit", self.permit.map(|d| d.to_string()));
        for attachment in &self.attached {
            let (what, text) = match attachment {
                Attachment::Permit(text) => ("permit".to_owned(), text),
                Attachment::Policy { version, path, text } => (format!("policy {version} {path}"), text),
            };
            let _ = write!(out, "attach: {} {what}\n{text}\n", text.len());
        }
        out
    }

    /// Reads a message; `None` for one that this module would not have written.
    pub fn read(text: &str) -> Option<LogEntry> {
        let mut left = text.strip_prefix("fwgate-log/1 closed\n")?;
        let mut value = |key: &str| {
            let (line, rest) = left.split_once('\n')?;
            let value = line.strip_prefix(key)?.strip_prefix(": ")?;
            left = rest;
            Some(value)
        };
        let previous = value("previous").map(Digest::read);
        let at = Instant::read(value("at")?)?;
        let change = value("change").filter(|id| is_change_id(id))?.to_owned();
        let outcome = value("outcome")?;
        let class = value("class")?;
        let template = value("template").map(str::to_owned);
        let (version, policy) = value("policy")?.split_once(' ')?;
        let permit = value("permit").map(Digest::read);
        let entry = LogEntry {
            previous: previous.map_or(Some(None), |d| d.map(Some))?,
            at,
            change,
            outcome: OUTCOMES.iter().find(|(name, _)| *name == outcome)?.1,
            class: ChangeClass::ALL.into_iter().find(|(name, _)| *name == class)?.1,
            template,
            version: version.parse().ok()?,
            policy: Digest::read(policy)?,
            permit: permit.map_or(Some(None), |d| d.map(Some))?,
            attached: attachments(left)?,
        };
        (entry.text() == text).then_some(entry)
    }
}

fn attachments(mut left: &str) -> Option<Vec<Attachment>> {
    let mut out = Vec::new();
    while !left.is_empty() {
        let (line, rest) = left.split_once('\n')?;
        let (length, what) = line.strip_prefix("attach: ")?.split_once(' ')?;
        let (text, rest) = rest.split_at_checked(length.parse().ok()?)?;
        left = rest.strip_prefix('\n')?;
        let text = text.to_owned();
        out.push(match what.strip_prefix("policy ").and_then(|rest| rest.split_once(' ')) {
            Some((version, path)) => Attachment::Policy { version: version.parse().ok()?, path: path.to_owned(), text },
            None if what == "permit" => Attachment::Permit(text),
            None => return None,
        });
    }
    Some(out)
}

/// The bytes of a merge that are signed.
pub fn merge_payload(parents: [&str; 3], at: Instant, message: &str) -> Vec<u8> {
    let parents: String = parents.iter().map(|p| format!("parent {p}\n")).collect();
    let who = format!("fwgate <fwgate@localhost> {} +0000", at.0);
    format!("tree {EMPTY_TREE}\n{parents}author {who}\ncommitter {who}\n\n{message}").into_bytes()
}

/// A merge that the ledger machine signed, in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// What it says.
    pub said: LogEntry,
    /// The merge's id.
    pub commit: String,
    /// SHA-256 of the raw merge.
    pub digest: Digest,
    /// The head of the change's branch.
    pub head: String,
    /// The entry of the ledger that ended it.
    pub entry: String,
    /// The fingerprint of the key.
    pub key: String,
}

/// The log as far as it is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// The merges, oldest first, up to the first that breaks the chain.
    pub merges: Vec<Merge>,
    /// What is wrong with it.
    pub refusals: Vec<Reason>,
}

impl Log {
    /// Reads the log's branch by the keys of a roster; a branch that does not exist is an empty log.
    pub fn read(branch: Option<&Branch>, roster: &Roster) -> Log {
        let mut log = Log::default();
        let Some(branch) = branch else { return log };
        if !branch.is_whole {
            log.refusals.push(broken("the log does not begin at the fixed root commit of evidence"));
            return log;
        }
        let read = on_all_cores(&branch.commits, |raw| read_merge(raw, roster));
        for (raw, read) in branch.commits.iter().zip(read) {
            match read.and_then(|read| follows(raw, read, log.merges.last())) {
                Ok(merge) => log.merges.push(merge),
                Err(reason) => {
                    log.refusals.push(reason);
                    break;
                }
            }
        }
        log
    }

    /// The last merge of a change.
    pub fn last_of(&self, change: &str) -> Option<&Merge> {
        self.merges.iter().rev().find(|m| m.said.change == change)
    }

    /// Whether nothing more can come of a change.
    pub fn is_closed(&self, change: &str) -> bool {
        self.last_of(change).is_some_and(|m| m.said.outcome.is_final())
    }

    /// Whether the log's last word about a change is what the ledger says: a change that was closed as applied and taken back
    /// afterwards, on every device or on some, has another end than the log knows.
    pub fn knows_end(&self, change: &str, progress: Progress) -> bool {
        let outcome = self.last_of(change).map(|m| m.said.outcome);
        match progress {
            Progress::RolledBack => outcome == Some(Outcome::RolledBack),
            Progress::Partial => outcome == Some(Outcome::Partial),
            _ => true,
        }
    }

    /// Whether the log's last merge of a change brings everything that the ledger says of it. An operator may have brought
    /// devices back since then.
    pub fn has_all(&self, ledger: &Ledger, change: &str) -> bool {
        let place = |is: &dyn Fn(&Entry) -> bool| ledger.entries.iter().rposition(is);
        let told = self.last_of(change).and_then(|merge| place(&|entry| entry.commit == merge.entry));
        let last = place(&|entry| entry.said.change() == Some(change));
        told.is_some() && last <= told
    }

    /// Whether the last merge of a change brought everything that was said on its branch.
    pub fn has_branch(&self, branch: &Branch) -> bool {
        let id = branch.name.strip_prefix("refs/heads/fwgate/changes/").unwrap_or_default();
        self.last_of(id).is_some_and(|merge| branch.head() == Some(merge.head.as_str()))
    }

    /// Whether some merge carries this version of the policy.
    pub fn carries(&self, version: u64) -> bool {
        let is = |a: &Attachment| matches!(a, Attachment::Policy { version: v, .. } if *v == version);
        self.merges.iter().any(|m| m.said.attached.iter().any(is))
    }

    /// Whether some merge carries the permit with this digest.
    pub fn carries_permit(&self, permit: Digest) -> bool {
        let is = |a: &Attachment| matches!(a, Attachment::Permit(text) if Digest::of(text.as_bytes()) == permit);
        self.merges.iter().any(|m| m.said.attached.iter().any(is))
    }
}

/// The versions of the policy that messages of the log carry, by their number; nothing of them is believed yet.
pub fn carried_policies(branch: &Branch) -> Vec<PolicyVersion> {
    let mut versions: BTreeMap<u64, PolicyVersion> = BTreeMap::new();
    for raw in &branch.commits {
        let Some(said) = LogEntry::read(&OrdinaryCommit::read(&raw.bytes).message) else { continue };
        for attachment in said.attached {
            let Attachment::Policy { version, path, text } = attachment else { continue };
            let empty = || PolicyVersion { commit: raw.id.clone(), files: Vec::new(), irregular: Vec::new() };
            let found = versions.entry(version).or_insert_with(empty);
            if found.commit == raw.id {
                found.files.push((path, text.into_bytes()));
            }
        }
    }
    versions.into_values().collect()
}

fn broken(message: impl Into<String>) -> Reason {
    let fix = "put the log back as it was from a clone that has it, and find out who changed it";
    Reason::new(ReasonCode::AuditChainBroken, message, fix)
}

fn wrong(raw: &RawCommit, why: &str) -> Reason {
    broken(format!("the log's merge {} {why}", raw.id.get(..12).unwrap_or(&raw.id)))
}

/// One merge by itself, and whether its key counted then.
fn read_merge(raw: &RawCommit, roster: &Roster) -> Result<(Merge, bool), Reason> {
    let wrong = |why: &str| wrong(raw, why);
    let loose = OrdinaryCommit::read(&raw.bytes);
    let by = signer(&loose.seals, roster).map_err(|_| wrong("is not signed by the ledger machine"))?;
    let is_ledger = matches!(by.holder.owner, Owner::Machine(_, Purpose::Ledger));
    if !is_ledger || by.namespace != Purpose::Ledger.namespace() || !by.is_exact {
        return Err(wrong("is not signed by the ledger machine for the log"));
    }
    let said = LogEntry::read(&loose.message).ok_or_else(|| wrong("is not as the log writes it"))?;
    let [parent, head, entry] = loose.parents.as_slice() else { return Err(wrong("has not exactly three parents")) };
    let expected = merge_payload([parent, head, entry], said.at, &loose.message);
    if !loose.seals.iter().any(|seal| seal.payload == expected) {
        return Err(wrong("is not as the log writes it"));
    }
    let counted = by.holder.standing(said.at) == Standing::Good;
    let key = by.holder.key.fingerprint().to_owned();
    let (head, entry) = (head.clone(), entry.clone());
    Ok((Merge { said, commit: raw.id.clone(), digest: Digest::of(&raw.bytes), head, entry, key }, counted))
}

/// The merge, where it follows the one before and its key counted then.
fn follows(raw: &RawCommit, (merge, counted): (Merge, bool), before: Option<&Merge>) -> Result<Merge, Reason> {
    let why = match before {
        _ if merge.said.previous != before.map(|m| m.digest) => "does not name the merge before it",
        Some(before) if merge.said.at < before.said.at => "is older than the merge before it",
        _ if !counted => "is signed by a key that did not count then",
        _ => return Ok(merge),
    };
    Err(wrong(raw, why))
}

impl Log {
    /// Heads of the log that witnesses of the ledger name and the log does not have.
    pub fn lost<'a>(branch: &Branch, witnessed: impl Iterator<Item = &'a (String, String)>) -> Option<Reason> {
        let mut heads = witnessed.filter(|(name, _)| name == LOG_BRANCH);
        let missing = heads.find(|(_, id)| !branch.commits.iter().any(|c| c.id == *id))?;
        let short = missing.1.get(..12).unwrap_or(&missing.1);
        Some(broken(format!("the ledger saw the log at {short}, which the log does not have")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entry() -> LogEntry {
        LogEntry {
            previous: Some(Digest([1; 32])),
            at: Instant(1_795_514_400),
            change: "CHG-1".into(),
            outcome: Outcome::Applied,
            class: ChangeClass::Normal,
            template: None,
            version: 3,
            policy: Digest([2; 32]),
            permit: Some(Digest([3; 32])),
            attached: vec![
                Attachment::Permit("fwgate-permit/1\n\nattach: 3 permit\n".into()),
                Attachment::Policy { version: 3, path: "policies/a b.toml".into(), text: "ü".into() },
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for changed in [entry(), LogEntry { previous: None, permit: None, attached: Vec::new(), ..entry() }] {
            assert_eq!(LogEntry::read(&changed.text()), Some(changed));
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let text = entry().text();
        for (old, new) in
            [("at:", "at :"), ("applied", "Applied"), ("attach: 2 ", "attach: 02 "), ("policy: 3", "policy: 03")]
        {
            assert!(text.contains(old), "{old}");
            assert_eq!(LogEntry::read(&text.replacen(old, new, 1)), None, "{new}");
        }
        assert_eq!(LogEntry::read(&format!("{text}\n")), None);
        assert_eq!(LogEntry::read(text.trim_end()), None);
    }
}
