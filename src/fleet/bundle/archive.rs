//! The archive: POSIX tar (`ustar`; GNU's form of long names), written in one way only.

use super::manifest::{Manifest, ManifestFlaw, read_manifest, sha256_text};
use super::{Bundle, TreeFile};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use tar::{Archive, Builder, EntryType, Header};

/// Largest archive, in bytes.
pub const MAX_ARCHIVE: u64 = 256 << 20;
/// Most members.
const MAX_MEMBERS: usize = 100_000;
/// Longest path.
const MAX_PATH: usize = 1024;
/// 1980-01-01T00:00:00Z, which every program takes for a date.
const MTIME: u64 = 315_532_800;

const MANIFEST: &str = "manifest.json";
const FILES: &str = "files/";
const ORIGINAL: &str = "original/";

/// Why an archive is no bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// It is too large, or holds too much.
    #[error("the archive {0}")]
    TooLarge(String),
    /// It is no archive, or ends before its end.
    #[error("the archive cannot be read: {0}")]
    Unreadable(String),
    /// A member that no bundle has.
    #[error("the member `{path}` {what}")]
    Member {
        /// Its path, escaped.
        path: String,
        /// What is wrong with it, in a clause.
        what: &'static str,
    },
    /// A manifest that is none.
    #[error(transparent)]
    Manifest(#[from] ManifestFlaw),
    /// What it holds is not what its manifest says.
    #[error("`{path}` {what}")]
    Content {
        /// The path.
        path: String,
        /// What differs, in a clause.
        what: &'static str,
    },
    /// Another archive of the same content.
    #[error("the archive is not written as bundles are, byte by byte")]
    NotCanonical,
}

/// Writes the archive of a bundle.
///
/// # Errors
/// Paths that no archive takes.
pub fn pack(bundle: &Bundle) -> Result<Vec<u8>, BundleError> {
    let mut members: BTreeMap<String, Arc<[u8]>> = BTreeMap::new();
    members.insert(MANIFEST.to_owned(), bundle.manifest.text()?.into_bytes().into());
    for (folder, files) in [(FILES, &bundle.files), (ORIGINAL, &bundle.originals)] {
        for file in files {
            check_path(&file.path)?;
            members.insert(format!("{folder}{}", file.path), file.bytes.clone());
        }
    }
    let unwritten = |e: std::io::Error| BundleError::Unreadable(e.to_string());
    let mut builder = Builder::new(Vec::new());
    for (path, bytes) in &members {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(MTIME);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, path, &**bytes).map_err(unwritten)?;
    }
    builder.into_inner().map_err(unwritten)
}

/// Reads an archive: nothing is written anywhere, and nothing of it is believed before its signature was verified.
///
/// # Errors
/// Anything that [`pack`] would not have written.
pub fn unpack(bytes: &[u8]) -> Result<Bundle, BundleError> {
    if bytes.len() as u64 > MAX_ARCHIVE {
        return Err(BundleError::TooLarge(format!("has {} bytes; the limit is {MAX_ARCHIVE}", bytes.len())));
    }
    let mut members = members(bytes)?;
    let manifest = members
        .remove(MANIFEST)
        .ok_or(BundleError::Member { path: MANIFEST.to_owned(), what: "is missing, so that this is no bundle" })?;
    let manifest = read_manifest(&manifest)?;
    let (mut files, mut originals) = (Vec::new(), Vec::new());
    for (path, bytes) in members {
        match (path.strip_prefix(FILES), path.strip_prefix(ORIGINAL)) {
            (Some(path), _) => files.push(TreeFile { path: path.to_owned(), bytes: bytes.into() }),
            (_, Some(path)) => originals.push(TreeFile { path: path.to_owned(), bytes: bytes.into() }),
            _ => return Err(member(&path, "has no place in a bundle")),
        }
    }
    let bundle = Bundle { manifest, files, originals };
    check_content(&bundle.manifest, &bundle.files, &bundle.originals)?;
    if pack(&bundle)? == bytes { Ok(bundle) } else { Err(BundleError::NotCanonical) }
}

/// The members by path: regular files with plain paths, each once.
fn members(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, BundleError> {
    let unreadable = |e: std::io::Error| BundleError::Unreadable(e.to_string());
    let mut archive = Archive::new(bytes);
    let mut out = BTreeMap::new();
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|e| member(&String::from_utf8_lossy(e.as_bytes()), "is not called in UTF-8"))?;
        check_path(&path)?;
        if entry.header().entry_type() != EntryType::Regular {
            return Err(member(&path, "is no plain file"));
        }
        if entry.size() > bytes.len() as u64 {
            return Err(member(&path, "says that it is larger than the archive"));
        }
        let mut content = Vec::new();
        (&mut entry).take(bytes.len() as u64).read_to_end(&mut content).map_err(unreadable)?;
        if out.insert(path.clone(), content).is_some() {
            return Err(member(&path, "is there twice"));
        }
        if out.len() > MAX_MEMBERS {
            return Err(BundleError::TooLarge(format!("has more than {MAX_MEMBERS} members")));
        }
    }
    Ok(out)
}

/// Paths stay inside, have one spelling, and can be shown.
fn check_path(path: &str) -> Result<(), BundleError> {
    let what = match () {
        () if path.is_empty() || path.len() > MAX_PATH => "has no name, or too long a one",
        () if path.starts_with('/') || path.contains('\\') || path.contains(':') => "has a path that is no plain one",
        () if path.split('/').any(|part| matches!(part, "" | "." | "..")) => "has a path that leaves the archive",
        () if path.chars().any(crate::vcs::is_unseen) => "has a path that cannot be shown",
        () => return Ok(()),
    };
    Err(member(path, what))
}

fn member(path: &str, what: &'static str) -> BundleError {
    BundleError::Member { path: path.escape_debug().to_string(), what }
}

/// Every file of the manifest is there with its hash, and nothing else.
fn check_content(manifest: &Manifest, files: &[TreeFile], originals: &[TreeFile]) -> Result<(), BundleError> {
    let wrong = |path: &str, what| Err(BundleError::Content { path: path.escape_debug().to_string(), what });
    let (mut named, mut with_original) = (BTreeMap::new(), BTreeMap::new());
    for file in manifest.devices.iter().flat_map(|d| &d.files) {
        if named.insert(&file.path, &file.sha256).is_some_and(|before| *before != file.sha256) {
            return wrong(&file.path, "has two hashes in the manifest");
        }
        if let Some(sum) = &file.original {
            with_original.insert(&file.path, sum);
        }
    }
    for (all, named) in [(files, named), (originals, with_original)] {
        if let Some((path, _)) = named.iter().find(|(path, _)| !all.iter().any(|f| f.path == ***path)) {
            return wrong(path, "is named by the manifest and not in the archive");
        }
        for file in all {
            match named.get(&file.path) {
                None => return wrong(&file.path, "is in the archive and not named by the manifest"),
                Some(sum) if **sum != sha256_text(&file.bytes) => {
                    return wrong(&file.path, "is not what the manifest names");
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}
