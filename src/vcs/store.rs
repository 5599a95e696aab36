//! The repository: found from a working directory, opened for objects and references only.

use super::error::VcsError;
use git2::{ErrorCode, ObjectType, Oid, RepositoryOpenFlags};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The id of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(pub(super) Oid);

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl CommitId {
    /// The first twelve digits, for words.
    pub fn short(self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

/// A git repository, for reading.
pub struct Repository {
    pub(super) git: git2::Repository,
    root: PathBuf,
    pub(super) known: Known,
}

/// How many bytes of files are kept in memory, so that states of one repository that share most files read each of them once.
const MOST_KEPT: usize = 64 << 20;

/// Objects that were read already. An id names its bytes, which were held against it when they were read, so that nothing here
/// grows old; what could not be read is asked for again.
#[derive(Default)]
pub(super) struct Known {
    heads: RefCell<FxHashMap<Oid, Arc<CommitHead>>>,
    /// Those of evidence, which are asked for whole.
    evidence: RefCell<FxHashMap<Oid, Arc<[u8]>>>,
    pub(super) folders: RefCell<FxHashMap<Oid, Arc<[Item]>>>,
    contents: RefCell<FxHashMap<Oid, Arc<[u8]>>>,
    /// Bytes of all contents that are kept.
    kept: Cell<usize>,
    pub(super) effort: Effort,
}

/// How often something was done.
#[derive(Default)]
pub(super) struct Effort {
    pub(super) reads: Cell<usize>,
    pub(super) trees: Cell<usize>,
    pub(super) transfers: Cell<usize>,
}

/// One more.
pub(super) fn count(of: &Cell<usize>) {
    of.set(of.get() + 1);
}

impl Repository {
    /// The repository whose working tree holds `folder` (absolute), or `None` outside of any. Only a `.git` counts: a
    /// folder that looks like a bare repository may be content of another one.
    ///
    /// # Errors
    /// A `.git` that cannot be opened, or that belongs to another user.
    pub fn discover(folder: &Path) -> Result<Option<Repository>, VcsError> {
        match folder.ancestors().find(|dir| dir.join(".git").symlink_metadata().is_ok()) {
            Some(root) => Repository::open(root).map(Some),
            None => Ok(None),
        }
    }

    /// The folder that holds `.git`: the root of the working tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The bare repository at `folder` itself, for a server that judges what is pushed to it.
    ///
    /// # Errors
    /// A folder that cannot be opened, or that belongs to another user.
    pub fn bare(folder: &Path) -> Result<Repository, VcsError> {
        Repository::open_at(folder, folder)
    }

    fn open(root: &Path) -> Result<Repository, VcsError> {
        Repository::open_at(root, &root.join(".git"))
    }

    fn open_at(root: &Path, git: &Path) -> Result<Repository, VcsError> {
        let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT | RepositoryOpenFlags::BARE;
        let none: [&std::ffi::OsStr; 0] = [];
        let git = git2::Repository::open_ext(git, flags, none).map_err(|e| unopenable(root, &e))?;
        git.set_config(&git2::Config::new()?)?;
        refuse_foreign_objects(git.commondir())?;
        Ok(Repository { git, root: root.to_owned(), known: Known::default() })
    }

    /// How many objects were read so far, each time that one was.
    pub fn reads(&self) -> usize {
        self.known.effort.reads.get()
    }

    /// How many states of all files were listed so far, each time that one was.
    pub fn listings(&self) -> usize {
        self.known.effort.trees.get()
    }

    /// How often objects were asked of the remote so far.
    pub fn transfers(&self) -> usize {
        self.known.effort.transfers.get()
    }

    /// The bytes of an object of this kind, as stored, if they are at most `bound`.
    pub(super) fn object(&self, id: Oid, kind: ObjectType, bound: u64) -> Result<Vec<u8>, VcsError> {
        let missing = |reason: &str| VcsError::MissingObject { id: id.to_string(), reason: reason.to_owned() };
        let odb = self.git.odb()?;
        count(&self.known.effort.reads);
        let (size, _) = odb.read_header(id).map_err(|e| missing(e.message()))?;
        if size as u64 > bound {
            return Err(VcsError::TooLarge { what: format!("the object {id}"), bound: format!("{bound} bytes") });
        }
        let object = odb.read(id).map_err(|e| missing(e.message()))?;
        match object.kind() == kind {
            true => Ok(object.data().to_vec()),
            false => Err(missing("it is of another kind")),
        }
    }

    /// The bytes of a file, if they are at most `bound`.
    pub(super) fn file(&self, id: Oid, bound: u64) -> Result<Arc<[u8]>, VcsError> {
        let known = self.known.contents.borrow().get(&id).filter(|bytes| bytes.len() as u64 <= bound).cloned();
        if let Some(bytes) = known {
            return Ok(bytes);
        }
        let bytes: Arc<[u8]> = self.object(id, ObjectType::Blob, bound)?.into();
        let kept = self.known.kept.get() + bytes.len();
        if kept <= MOST_KEPT {
            self.known.kept.set(kept);
            self.known.contents.borrow_mut().insert(id, bytes.clone());
        }
        Ok(bytes)
    }

    /// The tree and the parents that a commit names in its own bytes.
    pub(super) fn commit(&self, id: CommitId) -> Result<Arc<CommitHead>, VcsError> {
        if let Some(head) = self.known.heads.borrow().get(&id.0) {
            return Ok(head.clone());
        }
        self.remembered(id, &self.object(id.0, ObjectType::Commit, 16 << 20)?)
    }

    /// The bytes of a commit of evidence, if they are at most `bound`, and what they name.
    pub(super) fn evidence_commit(&self, id: CommitId, bound: u64) -> Result<(Arc<[u8]>, Arc<CommitHead>), VcsError> {
        let known = self.known.evidence.borrow().get(&id.0).filter(|bytes| bytes.len() as u64 <= bound).cloned();
        if let Some(bytes) = known {
            return Ok((bytes, self.commit(id)?));
        }
        let bytes: Arc<[u8]> = self.object(id.0, ObjectType::Commit, bound)?.into();
        let head = self.remembered(id, &bytes)?;
        self.known.evidence.borrow_mut().insert(id.0, bytes.clone());
        Ok((bytes, head))
    }

    fn remembered(&self, id: CommitId, bytes: &[u8]) -> Result<Arc<CommitHead>, VcsError> {
        let unread =
            || VcsError::MissingObject { id: id.to_string(), reason: "it is no well-formed commit".to_owned() };
        let head = Arc::new(CommitHead::read(bytes).ok_or_else(unread)?);
        self.known.heads.borrow_mut().insert(id.0, head.clone());
        Ok(head)
    }
}

/// What stands in a folder.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) mode: i32,
    pub(super) id: Oid,
}

/// What a commit says about other objects.
pub(super) struct CommitHead {
    pub(super) tree: Oid,
    pub(super) parents: Vec<CommitId>,
}

impl CommitHead {
    /// `tree ID LF (parent ID LF)*`, as git's own parser reads it.
    fn read(bytes: &[u8]) -> Option<CommitHead> {
        let mut lines = bytes.split(|b| *b == b'\n');
        let tree = oid_after(lines.next()?, b"tree ")?;
        let mut parents = Vec::new();
        for line in lines.take_while(|l| l.starts_with(b"parent ")) {
            parents.push(CommitId(oid_after(line, b"parent ")?));
        }
        Some(CommitHead { tree, parents })
    }
}

fn oid_after(line: &[u8], key: &[u8]) -> Option<Oid> {
    let hex = std::str::from_utf8(line.strip_prefix(key)?).ok()?;
    (hex.len() == 40).then(|| Oid::from_str(hex).ok()).flatten()
}

/// Refuses objects borrowed from folders of somebody else, who could change or take them away.
#[cfg(unix)]
fn refuse_foreign_objects(common: &Path) -> Result<(), VcsError> {
    use std::os::unix::fs::MetadataExt;
    let Ok(own) = std::fs::metadata(common).map(|facts| facts.uid()) else { return Ok(()) };
    let mut open = vec![common.join("objects")];
    let mut seen = Vec::new();
    while let Some(objects) = open.pop().filter(|_| seen.len() < 16) {
        let list = std::fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
        for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let folder = objects.join(line);
            if std::fs::metadata(&folder).is_ok_and(|facts| facts.uid() != own && facts.uid() != 0) {
                return Err(VcsError::ForeignOwner { path: folder.display().to_string() });
            }
            open.push(folder);
        }
        seen.push(objects);
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_foreign_objects(_: &Path) -> Result<(), VcsError> {
    Ok(())
}

fn unopenable(root: &Path, error: &git2::Error) -> VcsError {
    let path = root.display().to_string();
    match error.code() {
        ErrorCode::Owner => VcsError::ForeignOwner { path },
        _ => VcsError::Unopenable { path, reason: error.message().to_owned() },
    }
}
