//! Objects of a repository, written in memory and kept as one pack: tens of thousands of them in seconds.

use git2::{ObjectType, Oid, Repository};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

/// Names of a folder with modes and ids.
pub type Folder = BTreeMap<String, (u32, Oid)>;

/// A bare repository and what is to be written into it.
pub struct Store {
    repository: Repository,
    pending: BTreeSet<Oid>,
}

impl Store {
    /// An empty bare repository.
    pub fn new(folder: &Path) -> Store {
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).initial_head("main").external_template(false);
        let repository = Repository::init_opts(folder, &options).unwrap();
        repository.odb().unwrap().add_new_mempack_backend(1000).unwrap();
        Store { repository, pending: BTreeSet::new() }
    }

    fn put(&mut self, kind: ObjectType, bytes: &[u8]) -> Oid {
        let id = self.repository.odb().unwrap().write(kind, bytes).unwrap();
        self.pending.insert(id);
        id
    }

    /// A file.
    pub fn blob(&mut self, text: &str) -> Oid {
        self.put(ObjectType::Blob, text.as_bytes())
    }

    /// A folder. Names must be such that git's order is that of their bytes.
    pub fn tree(&mut self, folder: &Folder) -> Oid {
        let mut bytes = Vec::new();
        for (name, (mode, id)) in folder {
            write!(bytes, "{mode:o} {name}\0").unwrap();
            bytes.extend(id.as_bytes());
        }
        self.put(ObjectType::Tree, &bytes)
    }

    /// A commit by its bytes.
    pub fn commit(&mut self, bytes: &[u8]) -> String {
        self.put(ObjectType::Commit, bytes).to_string()
    }

    /// Writes everything as one pack, and lets references point to it.
    pub fn keep(&mut self, references: &[(String, String)]) {
        let mut builder = self.repository.packbuilder().unwrap();
        builder.set_threads(2);
        for id in std::mem::take(&mut self.pending) {
            builder.insert_object(id, None).unwrap();
        }
        builder.write(&self.repository.path().join("objects/pack"), 0o644).unwrap();
        let lines: BTreeSet<String> = references.iter().map(|(name, id)| format!("{name} {id}\n")).collect();
        let packed: String = lines
            .iter()
            .map(|line| line.trim_end().rsplit_once(' ').unwrap())
            .map(|(name, id)| format!("{id} {name}\n"))
            .collect();
        std::fs::write(
            self.repository.path().join("packed-refs"),
            format!("# pack-refs with: peeled fully-peeled sorted \n{packed}"),
        )
        .unwrap();
    }
}
