//! Why an argument could not be read.

use crate::fleet::tree::UnfitTree;
use crate::vcs::VcsError;
use std::path::Path;

/// Why there is no input. Every one of these is exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Nothing there.
    #[error("`{path}` does not exist")]
    Missing {
        /// The path.
        path: String,
        /// The nearest name beside it.
        near: Option<String>,
    },
    /// There, and not readable.
    #[error("`{path}` cannot be read: {reason}")]
    Unreadable {
        /// The path.
        path: String,
        /// In the system's words.
        reason: String,
    },
    /// A name that no report could show.
    #[error("the file name `{path}` is not UTF-8")]
    NotUtf8 {
        /// The path, with replacement characters.
        path: String,
    },
    /// Beyond a bound.
    #[error("{what} is beyond the bound of {bound}")]
    TooLarge {
        /// What.
        what: String,
        /// The bound, in words.
        bound: String,
    },
    /// `--devices` that leaves the repository.
    #[error("`{path}` is no folder within the repository")]
    OutsideRepository {
        /// As given.
        path: String,
    },
    /// A revision, and no repository.
    #[error("`{given}` names a revision, and this is no git repository")]
    NoRepository {
        /// As given.
        given: String,
    },
    /// Nothing says what to compare with.
    #[error("outside a git repository both `--baseline` and `--proposed` must be given")]
    NoDefaults,
    /// A name that is a path and a revision.
    #[error("`{name}` is a path and a revision")]
    PathOrRevision {
        /// As given.
        name: String,
    },
    /// Several devices where one is wanted.
    #[error("one device is wanted, and these are {count}")]
    NotOneDevice {
        /// How many.
        count: usize,
    },
    /// Git.
    #[error(transparent)]
    Vcs(#[from] VcsError),
    /// The files make no tree.
    #[error(transparent)]
    Unfit(#[from] UnfitTree),
}

impl InputError {
    /// What to do about it. The problems of an unfit tree carry their own.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            InputError::Missing { near, .. } => return near.as_ref().map(|near| format!("did you mean `{near}`?")),
            InputError::Vcs(error) => return error.help(),
            InputError::Unfit(_) | InputError::Unreadable { .. } | InputError::TooLarge { .. } => return None,
            InputError::NotUtf8 { .. } => "rename the file",
            InputError::OutsideRepository { .. } => "give a path from the repository's root, without `..`",
            InputError::NoRepository { .. } => "run this inside the repository",
            InputError::NoDefaults => "give two folders, or run this inside the repository",
            InputError::PathOrRevision { .. } => "write `./NAME` for the path or `rev:NAME` for the revision",
            InputError::NotOneDevice { .. } => {
                "give the files of one device, or its folder; `fwgate lint --tree` looks at all of them"
            }
        };
        Some(text.to_owned())
    }

    /// The stable code of the workflow's threat list, where it has one.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            InputError::Vcs(error) => error.code(),
            _ => None,
        }
    }

    /// What the system said about a path, shown as the user gave it, with the nearest existing name where there
    /// is none.
    pub(super) fn unreadable(path: &Path, shown: &str, error: &std::io::Error) -> InputError {
        let shown = shown.to_owned();
        match error.kind() {
            std::io::ErrorKind::NotFound => InputError::Missing { path: shown, near: nearest_sibling(path) },
            kind => InputError::Unreadable { path: shown, reason: kind.to_string() },
        }
    }
}

/// The name in the same folder that is nearest to a missing one.
fn nearest_sibling(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let names = path.parent()?.read_dir().ok()?.take(10_000).flatten();
    let near = names.filter_map(|e| e.file_name().into_string().ok());
    let (distance, name) = near.map(|n| (strsim::damerau_levenshtein(&n, wanted), n)).min()?;
    (distance <= wanted.len().div_ceil(3)).then_some(name)
}
