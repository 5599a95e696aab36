//! What a path of a tree is: a plain file, or one of the things that only look like one.

use super::error::VcsError;
use std::fmt;
use std::sync::Arc;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file without the executable bit.
    File,
    /// A regular file with the executable bit.
    Executable,
    /// A symbolic link; its bytes are the target.
    Symlink,
    /// A commit of another repository.
    Submodule,
    /// A regular file that only points to bytes held by Git LFS.
    LfsPointer,
    /// Neither: a pipe, a socket, a device, an unknown mode of git.
    Other,
}

impl EntryKind {
    /// What to do where a plain file was expected.
    pub(super) fn help(self) -> &'static str {
        match self {
            EntryKind::File => "nothing needs doing",
            EntryKind::Executable => "`git update-index --chmod=-x PATH` takes the bit away",
            EntryKind::Symlink => "commit the file itself instead of a link",
            EntryKind::Submodule => "commit the files themselves instead of a submodule",
            EntryKind::LfsPointer => {
                "commit the file itself: `git lfs untrack PATTERN`, then `git add --renormalize .`"
            }
            EntryKind::Other => "remove it",
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EntryKind::File => "a file",
            EntryKind::Executable => "an executable file",
            EntryKind::Symlink => "a symbolic link",
            EntryKind::Submodule => "a submodule",
            EntryKind::LfsPointer => "a Git LFS pointer",
            EntryKind::Other => "a special file",
        })
    }
}

/// One path with its bytes, exactly as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path from the root that was listed, with `/`.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// The bytes: raw, through no filter. Of a submodule: none. Paths with one content share them.
    pub bytes: Arc<[u8]>,
}

impl Entry {
    /// An entry of a plain or executable file; pointers to bytes elsewhere are told by their text.
    pub fn of_file(path: String, kind: EntryKind, bytes: Arc<[u8]>) -> Entry {
        let plain = matches!(kind, EntryKind::File | EntryKind::Executable);
        let kind = if plain && is_lfs_pointer(&bytes) { EntryKind::LfsPointer } else { kind };
        Entry { path, kind, bytes }
    }
}

/// Refuses entries that are not regular files.
///
/// # Errors
/// The first entry that is no plain file.
pub fn refuse_irregular<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<(), VcsError> {
    match entries.into_iter().find(|e| e.kind != EntryKind::File) {
        Some(entry) => Err(VcsError::NotRegular { path: entry.path.clone(), kind: entry.kind }),
        None => Ok(()),
    }
}

/// The pointer file of the LFS specification: less than 1024 bytes, its first line the version.
fn is_lfs_pointer(bytes: &[u8]) -> bool {
    let starts = [&b"version https://git-lfs"[..], b"version https://hawser"];
    bytes.len() < 1024 && starts.iter().any(|start| bytes.starts_with(start))
}
