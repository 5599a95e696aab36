//! The root's remote: what it has, fetching it, and appending to it.
//!
//! `git` runs in a scratch repository of ours whose objects are those of the user's repository, so that no configuration, hook,
//! remote or reference of the user's repository has a part in it. What comes back is kept under `refs/fwgate/remote/`, apart
//! from every branch that people work on, and `refs/fwgate/seen/` remembers how far each branch of evidence has ever been:
//! that only moves forward.

use super::branch::{EvidenceSource, evidence_root};
use super::crash::crash_point;
use super::error::VcsError;
use super::history::Condition;
use super::program::{Program, ProgramError, Told};
use super::store::{CommitId, Repository, count};
use git2::Oid;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// How long the remote may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often a branch that is locked is tried, and how long is waited between two tries: a lock is held only while a line is written.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(300);

const REMOTE: &str = "refs/fwgate/remote/";
const SEEN: &str = "refs/fwgate/seen/";

/// Configuration that every call has, whatever the user's own says.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.ext.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.writeCommitGraph=false",
    "fetch.prune=false",
    "fetch.recurseSubmodules=false",
    "push.followTags=false",
    "push.gpgSign=false",
    "push.recurseSubmodules=no",
    "submodule.recurse=false",
    "transfer.bundleURI=false",
];

/// Why the remote gave or took nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// An address that is none of a path, `file:`, `ssh:`, `https:` or `http:`.
    #[error("`{0}` is no address of a remote that is accepted")]
    Address(String),
    /// The remote does not answer, or not as a remote.
    #[error("the remote `{url}` cannot be reached: {reason}")]
    Unreachable {
        /// The address.
        url: String,
        /// In git's words.
        reason: String,
    },
    /// The protected branch is not there.
    #[error("the remote `{url}` has no branch `{branch}`")]
    NoBranch {
        /// The address.
        url: String,
        /// The branch's full name.
        branch: String,
    },
    /// Somebody else appended first.
    #[error("`{branch}` moved on the remote in the meantime")]
    Moved {
        /// The branch's full name.
        branch: String,
    },
    /// The remote does not allow it.
    #[error("the remote refuses to change `{branch}`: {reason}")]
    Refused {
        /// The branch's full name.
        branch: String,
        /// In the remote's words.
        reason: String,
    },
    /// A lock lies where the remote would write: somebody pushes at this moment, or a git that died left it.
    #[error("the remote cannot write `{branch}` while a lock is there: `{file}`")]
    Locked {
        /// The branch's full name.
        branch: String,
        /// The lock file on the remote, in its words.
        file: String,
    },
    /// A program is missing or hangs.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The repository here.
    #[error(transparent)]
    Here(#[from] VcsError),
}

impl RemoteError {
    /// The code of the threat list, where it has one.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            RemoteError::Unreachable { .. } | RemoteError::Program(_) => Some("LEDGER_UNREACHABLE"),
            RemoteError::NoBranch { .. } => Some("HISTORY_UNVERIFIABLE"),
            RemoteError::Refused { .. } | RemoteError::Locked { .. } => Some("EVIDENCE_UNAVAILABLE"),
            RemoteError::Here(error) => Some(error.permit_code()),
            RemoteError::Address(_) => Some("ROOT_MISSING"),
            RemoteError::Moved { .. } => None,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            RemoteError::Address(_) => {
                "write the root's `remote` as a path, `ssh://...`, `https://...` or `user@host:path`".to_owned()
            }
            RemoteError::Unreachable { url, .. } => {
                format!("`git ls-remote {url}` must work with your own credentials")
            }
            RemoteError::NoBranch { .. } => "push the protected branch, or mend `ref` in the root".to_owned(),
            RemoteError::Moved { .. } => "fetch and try again".to_owned(),
            RemoteError::Refused { .. } => "whoever signs needs the right to push to `fwgate/**`".to_owned(),
            RemoteError::Locked { file, .. } => format!(
                "try again in a minute; where it stays, look on the remote: if `ls -l {file}` shows the same time as before and \
                 `pgrep -a git` nothing that writes there, no process holds it, and whoever keeps the remote deletes that file"
            ),
            RemoteError::Program(_) => "install git, and see that it is in an absolute folder of `PATH`".to_owned(),
            RemoteError::Here(error) => return error.help(),
        })
    }
}

/// What a fetch brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Branches of evidence that lost commits which this repository has seen, with the commit that is missing there.
    pub rewritten: Vec<(String, String)>,
}

/// The remote that a root names, beside the repository that keeps its objects.
pub struct Remote<'a> {
    repository: &'a Repository,
    url: String,
}

impl<'a> Remote<'a> {
    /// A remote by its address. Nothing is asked yet.
    ///
    /// # Errors
    /// An address that could name a program or an option.
    pub fn new(repository: &'a Repository, url: &str) -> Result<Remote<'a>, RemoteError> {
        match is_address(url) {
            true => Ok(Remote { repository, url: url.to_owned() }),
            false => Err(RemoteError::Address(url.escape_debug().to_string())),
        }
    }

    /// The remote's branches under `refs/heads/fwgate`, the protected branch, and tags of its name: full names and ids.
    ///
    /// # Errors
    /// The remote cannot be reached.
    pub fn heads(&self, protected: &str) -> Result<BTreeMap<String, String>, RemoteError> {
        let short = protected.strip_prefix("refs/heads/").unwrap_or(protected);
        let patterns =
            ["refs/heads/fwgate", "refs/heads/fwgate/*", protected, &format!("refs/tags/{short}")].map(str::to_owned);
        let scratch = Scratch::new(self.repository)?;
        let told = scratch.git(&["ls-remote", "--refs", "--"], &self.url, &patterns)?;
        if !told.status.success() {
            return Err(self.unreachable(&told));
        }
        let text = String::from_utf8_lossy(&told.stdout);
        Ok(text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(id, name)| (name.to_owned(), id.to_owned()))
            .collect())
    }

    /// Brings all branches of evidence and the protected branch into `refs/fwgate/remote/`; what the remote has no more is gone there
    /// too. Afterwards [`EvidenceSource::Fetched`] shows the remote as it is.
    ///
    /// # Errors
    /// The remote cannot be reached or lacks the protected branch; a tag has its name; a branch blocks those of evidence.
    pub fn fetch(&self, protected: &str) -> Result<Fetched, RemoteError> {
        let heads = self.heads(protected)?;
        self.check(&heads, protected)?;
        let fetched = match self.here(&heads)? {
            Some(here) => here,
            None => self.transferred(protected)?,
        };
        self.keep(&fetched)?;
        Ok(Fetched { rewritten: self.rewritten(&fetched)? })
    }

    /// What a fetch would bring, where everything that the remote has just named is here already. A reference whose commit is gone is
    /// not: a fetch brings it back.
    fn here(&self, heads: &BTreeMap<String, String>) -> Result<Option<BTreeMap<String, Oid>>, VcsError> {
        if is_partial(self.repository)? {
            return Ok(None);
        }
        let mut here = BTreeMap::new();
        for (name, id) in heads {
            let local = EvidenceSource::Fetched.local_name(name);
            match self.repository.exact(&local)? {
                Some(known) if known.to_string() == *id && self.repository.commit(known).is_ok() => {
                    here.insert(local, known.0)
                }
                _ => return Ok(None),
            };
        }
        Ok(Some(here))
    }

    /// Brings the branches of evidence and the protected branch; the names and ids under which they are here now.
    fn transferred(&self, protected: &str) -> Result<BTreeMap<String, Oid>, RemoteError> {
        count(&self.repository.known.effort.transfers);
        let scratch = Scratch::new(self.repository)?;
        let keep = |name: &str| format!("+{name}:{}", EvidenceSource::Fetched.local_name(name));
        let patterns = [keep("refs/heads/fwgate/*"), keep(protected)];
        let flags = ["fetch", "-q", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--"];
        let told = scratch.git(&flags, &self.url, &patterns)?;
        if !told.status.success() {
            return Err(self.unreachable(&told));
        }
        Ok(scratch.fetched()?)
    }

    /// Brings commits by their ids, with all that they rest on, and keeps them under `refs/fwgate/pins/`. Whatever the remote does not
    /// have, or does not hand out by id, is left out; the ids that are here afterwards are returned.
    ///
    /// # Errors
    /// Nothing can be asked or kept.
    pub fn fetch_pinned(&self, ids: &BTreeSet<String>) -> Result<BTreeSet<String>, RemoteError> {
        let mut here = BTreeSet::new();
        for id in ids.iter().filter(|id| id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit())) {
            let scratch = Scratch::new(self.repository)?;
            let pattern = format!("+{id}:refs/fwgate/pins/{id}");
            let flags = ["fetch", "-q", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--"];
            if !scratch.git(&flags, &self.url, &[pattern])?.status.success() {
                continue;
            }
            let commit = self.repository.commit_id(id)?;
            let name = format!("refs/fwgate/pins/{id}");
            self.repository.keep_reference(&name, commit)?;
            here.insert(id.clone());
        }
        Ok(here)
    }

    /// Whether the remote hands out a commit by its id, whatever is here already. Nothing is kept.
    ///
    /// # Errors
    /// Nothing can be asked.
    pub fn hands_out(&self, commit: CommitId) -> Result<bool, RemoteError> {
        let scratch = Scratch::new(self.repository)?.alone();
        let flags = ["fetch", "-q", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--"];
        Ok(scratch.git(&flags, &self.url, &[format!("+{commit}:refs/fwgate/asked")])?.status.success())
    }

    /// Appends to a branch of the remote, which takes it only if the branch is still an ancestor of `commit`: the compare-and-swap
    /// of evidence. A branch that does not exist is made.
    ///
    /// # Errors
    /// The branch moved or stays locked; the remote refuses or cannot be reached.
    pub fn push(&self, commit: CommitId, branch: &str) -> Result<(), RemoteError> {
        for _ in 1..TRIES {
            match self.push_once(commit, branch) {
                Err(RemoteError::Locked { .. }) => std::thread::sleep(PAUSE),
                done => return done,
            }
        }
        self.push_once(commit, branch)
    }

    fn push_once(&self, commit: CommitId, branch: &str) -> Result<(), RemoteError> {
        let scratch = Scratch::new(self.repository)?;
        let flags = ["push", "--porcelain", "--no-verify", "--no-signed", "--"];
        crash_point("before the remote takes it");
        let told = scratch.git(&flags, &self.url, &[format!("{commit}:{branch}")])?;
        crash_point("after the remote took it");
        if told.status.success() {
            let local = EvidenceSource::Fetched.local_name(branch);
            self.repository.keep_reference(&local, commit)?;
            crash_point("between what is here and what was seen");
            if let Some(evidence) = branch.strip_prefix("refs/heads/").filter(|name| name.starts_with("fwgate/")) {
                let seen = format!("{SEEN}{evidence}");
                self.repository.keep_reference(&seen, commit)?;
            }
            return Ok(());
        }
        let text = String::from_utf8_lossy(&told.stdout);
        let Some(line) = text.lines().find(|line| line.starts_with('!')) else { return Err(self.unreachable(&told)) };
        let reason = line.split('\t').nth(2).unwrap_or_default();
        Err(self.untaken(branch, reason, &told.stderr)?)
    }

    /// Why the remote did not take a commit. A branch that could not be written has moved only if it is elsewhere now: a lock, or a file
    /// that the remote may not write, has the same line of git's.
    fn untaken(&self, branch: &str, reason: &str, said: &str) -> Result<RemoteError, RemoteError> {
        let is_one = |words: &[&str]| words.iter().any(|word| reason.contains(word));
        let branch = branch.to_owned();
        if is_one(&["fetch first", "non-fast-forward", "already exists"]) {
            return Ok(RemoteError::Moved { branch });
        }
        if is_one(&["failed to update ref", "cannot lock ref"]) {
            let here = self.repository.exact(&EvidenceSource::Fetched.local_name(&branch))?;
            let there = self.heads(&branch)?.remove(&branch);
            if there != here.map(|id| id.to_string()) {
                return Ok(RemoteError::Moved { branch });
            }
            if let Some(file) = lock_named(said) {
                return Ok(RemoteError::Locked { branch, file: shown(file) });
            }
        }
        Ok(RemoteError::Refused { branch, reason: shown(&with_words(reason, said)) })
    }

    fn check(&self, heads: &BTreeMap<String, String>, protected: &str) -> Result<(), RemoteError> {
        for name in ["refs/heads/fwgate", "refs/heads/fwgate/changes"] {
            if heads.contains_key(name) {
                return Err(VcsError::EvidenceBlocked { name: name.to_owned() }.into());
            }
        }
        let tags: Vec<String> = heads.keys().filter(|name| name.starts_with("refs/tags/")).cloned().collect();
        if !tags.is_empty() {
            return Err(
                VcsError::Shadowed { name: protected.to_owned(), refs: tags, remote: Some(self.url.clone()) }.into()
            );
        }
        match heads.contains_key(protected) {
            true => Ok(()),
            false => Err(RemoteError::NoBranch { url: self.url.clone(), branch: protected.to_owned() }),
        }
    }

    /// Lets `refs/fwgate/remote/` be exactly what was fetched.
    fn keep(&self, fetched: &BTreeMap<String, Oid>) -> Result<(), VcsError> {
        for name in self.repository.reference_names(&format!("{REMOTE}*"))? {
            if !fetched.contains_key(&name) {
                self.repository.drop_reference(&name)?;
            }
        }
        for (name, id) in fetched {
            if self.repository.exact(name)? != Some(CommitId(*id)) {
                crash_point("between two fetched references");
                self.repository.keep_reference(name, CommitId(*id))?;
            }
        }
        Ok(())
    }

    /// Holds what was fetched against what was ever seen, and moves the memory forward.
    fn rewritten(&self, fetched: &BTreeMap<String, Oid>) -> Result<Vec<(String, String)>, VcsError> {
        let repo = self.repository;
        let evidence = |name: &&String| name.starts_with("refs/fwgate/remote/fwgate/");
        let mut names: BTreeSet<String> =
            fetched.keys().filter(evidence).filter_map(|name| name.strip_prefix(REMOTE)).map(str::to_owned).collect();
        let seen = repo.reference_names(&format!("{SEEN}*"))?;
        names.extend(seen.iter().filter_map(|name| name.strip_prefix(SEEN)).map(str::to_owned));
        let log = fetched.get("refs/fwgate/remote/fwgate/log").map(|id| CommitId(*id));
        let mut out = Vec::new();
        for name in names {
            let now = fetched.get(&format!("{REMOTE}{name}")).map(|id| CommitId(*id));
            let before = repo.exact(&format!("{SEEN}{name}"))?;
            match (before, now) {
                (Some(before), now) if !self.still_has(before, now.into_iter().chain(log))? => {
                    out.push((format!("refs/heads/{name}"), before.to_string()));
                }
                (Some(before), Some(now)) if before == now => {}
                (_, Some(now)) => {
                    crash_point("between two references that were seen");
                    repo.keep_reference(&format!("{SEEN}{name}"), now)?;
                }
                (Some(_), None) => repo.drop_reference(&format!("{SEEN}{name}"))?,
                (None, None) => {}
            }
        }
        Ok(out)
    }

    fn still_has(&self, before: CommitId, heads: impl IntoIterator<Item = CommitId>) -> Result<bool, VcsError> {
        if before == evidence_root()? {
            return Ok(true);
        }
        for head in heads {
            if head == before || self.repository.descends_from(head, before)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn unreachable(&self, told: &Told) -> RemoteError {
        RemoteError::Unreachable { url: self.url.clone(), reason: shown(&told.stderr) }
    }
}

/// The lock file of which a remote says that it is there: the first quoted name in its words that ends so.
fn lock_named(said: &str) -> Option<&str> {
    let lines = said.lines().filter_map(|line| line.strip_prefix("remote:"));
    lines.flat_map(|line| line.split('\'')).find(|name| name.ends_with(".lock"))
}

/// A reason with the first line that a hook of the remote said to it.
fn with_words(reason: &str, said: &str) -> String {
    let words = said.lines().filter_map(|line| line.strip_prefix("remote:")).map(str::trim).find(|l| l.len() > 2);
    words.map_or_else(|| reason.to_owned(), |words| format!("{reason}: {words}"))
}

/// Words of another program, on one line, fit to be shown.
fn shown(text: &str) -> String {
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(3).collect::<Vec<_>>().join("; ");
    line.chars()
        .take(300)
        .flat_map(|c| if super::is_unseen(c) { c.escape_default().collect() } else { vec![c] })
        .collect()
}

/// Paths, `file:`, `ssh:`, `https:`, `http:` and `user@host:path`; no other helper, and nothing that could be an option.
fn is_address(url: &str) -> bool {
    let plain = !url.is_empty() && !url.starts_with('-') && !url.chars().any(super::is_unseen);
    let scheme = ["file://", "ssh://", "https://", "http://"].iter().any(|s| url.starts_with(s));
    let host = url.split_once(':').map_or("", |(host, _)| host);
    let scp = !host.is_empty()
        && !host.starts_with('-')
        && !host.contains('/')
        && !url.contains("::")
        && !url.contains("://");
    let options = url.split_once("://").is_some_and(|(_, rest)| rest.starts_with('-') || rest.contains("@-"));
    plain && !options && (scheme || scp || Path::new(url).is_absolute())
}

/// A repository of ours for one call: no configuration, no hooks, the user's objects, and the references that say what is here.
struct Scratch {
    folder: tempfile::TempDir,
    objects: std::path::PathBuf,
    around: std::path::PathBuf,
}

impl Scratch {
    fn new(repository: &Repository) -> Result<Scratch, VcsError> {
        let broken = |e: std::io::Error| VcsError::Git(format!("no scratch folder: {e}"));
        let folder = tempfile::Builder::new().prefix("fwgate-").tempdir().map_err(broken)?;
        for inner in ["refs", "objects"] {
            std::fs::create_dir(folder.path().join(inner)).map_err(broken)?;
        }
        let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
        let files = [("HEAD", "ref: refs/heads/none\n"), ("config", config), ("packed-refs", &had(repository)?)];
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).map_err(broken)?;
        }
        let objects = repository.git.commondir().join("objects").canonicalize().map_err(broken)?;
        Ok(Scratch { folder, objects, around: repository.root().to_owned() })
    }

    /// The same without the user's objects: what is asked for has to come from the remote.
    fn alone(mut self) -> Scratch {
        self.objects = self.folder.path().join("objects");
        self
    }

    fn git(&self, flags: &[&str], url: &str, patterns: &[String]) -> Result<Told, ProgramError> {
        let settings = SETTINGS.iter().flat_map(|setting| ["-c", setting]);
        Program::find("git", &self.around)?
            .variable("GIT_DIR", self.folder.path())
            .variable("GIT_OBJECT_DIRECTORY", &self.objects)
            .variable("GIT_TERMINAL_PROMPT", "0")
            .variable("GIT_NO_REPLACE_OBJECTS", "1")
            .arguments(settings)
            .arguments(flags)
            .argument(url)
            .arguments(patterns)
            .run(self.folder.path(), b"", PATIENCE)
    }

    /// The references that a fetch has written.
    fn fetched(&self) -> Result<BTreeMap<String, Oid>, VcsError> {
        let git = git2::Repository::open_bare(self.folder.path())?;
        let mut out = BTreeMap::new();
        for reference in git.references_glob(&format!("{REMOTE}*"))? {
            let reference = reference?;
            if let (Ok(name), Some(id)) = (reference.name(), reference.target()) {
                out.insert(name.to_owned(), id);
            }
        }
        Ok(out)
    }
}

/// Whether what a reference names may lack what it rests on.
fn is_partial(repository: &Repository) -> Result<bool, VcsError> {
    Ok(repository.conditions()?.iter().any(|c| matches!(c, Condition::Shallow | Condition::Partial)))
}

/// What is here already with all that it rests on, so that it is not fetched again. Under names of their own: they must not
/// look fetched.
fn had(repository: &Repository) -> Result<String, VcsError> {
    let mut lines = BTreeSet::new();
    if is_partial(repository)? {
        return Ok(String::new());
    }
    for glob in ["refs/fwgate/*", "refs/remotes/*"] {
        for name in repository.reference_names(glob)? {
            if let Some(id) = repository.exact(&name)?.filter(|id| repository.commit(*id).is_ok()) {
                lines.insert(format!("{id} refs/had/{id}\n"));
            }
        }
    }
    Ok(lines.into_iter().collect())
}
