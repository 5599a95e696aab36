//! Scratch repositories, made object by object.

use fwgate::cli::input::Surroundings;
use fwgate::dialect::InputFile;
use fwgate::vcs::Repository;
use git2::{Oid, Signature, Time};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What a test calls a ruleset: the real registry tells by content, too.
pub fn is_ruleset(file: &InputFile) -> bool {
    file.bytes.starts_with(b"*") || file.bytes.starts_with(b"create ")
}

pub const RULES: &str = "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n";

/// A repository with a working tree, removed at the end.
pub struct Scene {
    pub git: git2::Repository,
    dir: TempDir,
    at: std::cell::Cell<i64>,
}

impl Scene {
    pub fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        let git =
            git2::Repository::init_opts(dir.path(), options.initial_head("main").external_template(false)).unwrap();
        Scene { git, dir, at: std::cell::Cell::new(1_700_000_000) }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    /// A commit that holds exactly these files, on `branch` where one is named.
    pub fn commit(&self, branch: Option<&str>, parents: &[Oid], files: &[(&str, &str)]) -> Oid {
        let entries: Vec<_> =
            files.iter().map(|(p, b)| (*p, 0o100_644, self.git.blob(b.as_bytes()).unwrap())).collect();
        self.commit_entries(branch, parents, &entries)
    }

    pub fn commit_entries(&self, branch: Option<&str>, parents: &[Oid], entries: &[(&str, i32, Oid)]) -> Oid {
        let tree = self.git.find_tree(self.folder(entries)).unwrap();
        let parents: Vec<_> = parents.iter().map(|p| self.git.find_commit(*p).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        self.at.set(self.at.get() + 1);
        let who = Signature::new("A", "a@example.net", &Time::new(self.at.get(), 0)).unwrap();
        let id = self.git.commit(None, &who, &who, "m", &tree, &parents).unwrap();
        if let Some(branch) = branch {
            self.git.reference(&format!("refs/heads/{branch}"), id, true, "").unwrap();
        }
        id
    }

    /// A tree object; git2's builder refuses some modes and names, so the bytes are written by hand.
    fn folder(&self, entries: &[(&str, i32, Oid)]) -> Oid {
        let mut here: Vec<(String, i32, Oid)> = Vec::new();
        let mut below: std::collections::BTreeMap<&str, Vec<(&str, i32, Oid)>> = Default::default();
        for (path, mode, id) in entries {
            match path.split_once('/') {
                None => here.push(((*path).to_owned(), *mode, *id)),
                Some((folder, rest)) => below.entry(folder).or_default().push((rest, *mode, *id)),
            }
        }
        for (name, inner) in below {
            here.push((name.to_owned(), 0o040_000, self.folder(&inner)));
        }
        here.sort_by_key(|(name, mode, _)| if *mode == 0o040_000 { format!("{name}/") } else { name.clone() });
        let mut bytes = Vec::new();
        for (name, mode, id) in here {
            bytes.extend(format!("{mode:o} {name}\0").into_bytes());
            bytes.extend(id.as_bytes());
        }
        self.git.odb().unwrap().write(git2::ObjectType::Tree, &bytes).unwrap()
    }

    pub fn write(&self, path: &str, text: &str) {
        write(&self.path(), path, text);
    }

    pub fn open(&self) -> Repository {
        Repository::discover(&self.path()).unwrap().unwrap()
    }

    pub fn surroundings(&self) -> Surroundings {
        Surroundings { cwd: self.path(), ci: false }
    }
}

pub fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A folder with these files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(dir.path(), path, text);
    }
    dir
}
