//! What persons and machines put on the remote.

use super::{Draft, EVIDENCE_ROOT, Scene};
use fwgate::gate::{Digest, LedgerEntry, Witness};
use git2::{ObjectType, Oid};
use std::collections::BTreeMap;

impl Scene {
    /// A commit on the protected branch that adds or replaces these files; an empty text takes one away.
    pub fn main(&self, files: &[(&str, &str)]) -> String {
        self.commit_on("refs/heads/main", "alice", files)
    }

    /// An unsigned commit on any branch (begun at `main` where it does not exist) by somebody of this name.
    pub fn commit_on(&self, branch: &str, who: &str, files: &[(&str, &str)]) -> String {
        let parent = self.head_of(branch).or_else(|| self.head_of("refs/heads/main"));
        let tree = self.tree_with(parent.as_deref(), files);
        let mut draft = Draft::new(who, "", self.now(), &format!("{who} commits\n"));
        draft.tree = tree;
        draft.parents = parent.into_iter().collect();
        self.put(branch, &draft.payload())
    }

    /// The commit that a branch of the remote points to.
    pub fn head_of(&self, branch: &str) -> Option<String> {
        self.remote().refname_to_id(branch).ok().map(|id| id.to_string())
    }

    /// Writes a tree: that of `parent` with these files.
    pub fn tree_with(&self, parent: Option<&str>, files: &[(&str, &str)]) -> String {
        let mut held = self.files_of(parent);
        for (path, text) in files {
            match *text {
                "" => drop(held.remove(*path)),
                text => drop(held.insert((*path).to_owned(), self.remote().blob(text.as_bytes()).unwrap())),
            }
        }
        let entries: Vec<(&str, Oid)> = held.iter().map(|(path, id)| (path.as_str(), *id)).collect();
        self.folder(&entries).to_string()
    }

    fn files_of(&self, commit: Option<&str>) -> BTreeMap<String, Oid> {
        let Some(commit) = commit else { return BTreeMap::new() };
        let tree = self.remote().find_commit(Oid::from_str(commit).unwrap()).unwrap().tree().unwrap();
        let mut out = BTreeMap::new();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() == Some(ObjectType::Blob) {
                out.insert(format!("{folder}{}", entry.name().unwrap()), entry.id());
            }
            git2::TreeWalkResult::Ok
        })
        .unwrap();
        out
    }

    fn folder(&self, entries: &[(&str, Oid)]) -> Oid {
        let mut builder = self.remote().treebuilder(None).unwrap();
        let mut below: BTreeMap<&str, Vec<(&str, Oid)>> = BTreeMap::new();
        for (path, id) in entries {
            match path.split_once('/') {
                None => drop(builder.insert(path, *id, 0o100_644).unwrap()),
                Some((folder, rest)) => below.entry(folder).or_default().push((rest, *id)),
            }
        }
        for (name, inner) in below {
            builder.insert(name, self.folder(&inner), 0o040_000).unwrap();
        }
        builder.write().unwrap()
    }

    /// Stores the bytes of a commit on the remote and lets a branch point to it.
    pub fn put(&self, branch: &str, bytes: &[u8]) -> String {
        let id = self.store(bytes);
        self.remote().reference(branch, Oid::from_str(&id).unwrap(), true, "").unwrap();
        id
    }

    /// Stores the bytes of a commit on the remote.
    pub fn store(&self, bytes: &[u8]) -> String {
        self.remote().odb().unwrap().write(ObjectType::Commit, bytes).unwrap().to_string()
    }

    /// Lets a branch of the remote point anywhere, or be gone.
    pub fn reset(&self, branch: &str, commit: Option<&str>) {
        match commit {
            Some(id) => drop(self.remote().reference(branch, Oid::from_str(id).unwrap(), true, "").unwrap()),
            None => self.remote().find_reference(branch).unwrap().delete().unwrap(),
        }
    }

    /// The bytes of a commit.
    pub fn bytes_of(&self, commit: &str) -> Vec<u8> {
        self.remote().odb().unwrap().read(Oid::from_str(commit).unwrap()).unwrap().data().to_vec()
    }

    /// Where the next commit of a branch of evidence belongs: its head, or the fixed root commit.
    pub fn tip(&self, branch: &str) -> String {
        self.head_of(branch).unwrap_or_else(|| self.store(EVIDENCE_ROOT.as_bytes()))
    }

    /// A record on a change's branch, signed as git does it.
    pub fn record(&self, who: &str, change: &str, text: &str) -> String {
        self.sign_onto(&changes(change), who, "git", text)
    }

    /// A receipt on a change's branch, signed in the namespace of the machine's purpose.
    pub fn receipt(&self, machine: &str, change: &str, text: &str) -> String {
        self.sign_onto(&changes(change), machine, &self.namespace_of(machine), text)
    }

    /// A text on any branch of evidence, signed by the scene's key of this name.
    pub fn sign_onto(&self, branch: &str, who: &str, namespace: &str, text: &str) -> String {
        let draft = Draft::new(who, &self.tip(branch), self.now(), text);
        self.put(branch, &draft.signed(&self.key(who), namespace))
    }

    /// The namespace of a machine of the policy.
    pub fn namespace_of(&self, machine: &str) -> String {
        let policy = self.policy.borrow();
        let found = policy.machines.iter().find(|(id, _)| id == machine);
        format!("fwgate-{}@v1", found.unwrap_or_else(|| panic!("{machine} is no machine")).1)
    }

    /// A witness of all heads as they are now, at the scene's time.
    pub fn witness(&self) -> String {
        self.witness_of(self.heads())
    }

    /// A witness of these heads.
    pub fn witness_of(&self, heads: Vec<(String, String)>) -> String {
        let policy = self.policy.borrow().version;
        self.ledger(|previous| LedgerEntry::Witness(Witness { previous, at: self.instant(), policy, heads }))
    }

    /// Any entry of the ledger, given the digest of the one before.
    pub fn ledger(&self, entry: impl FnOnce(Option<Digest>) -> LedgerEntry) -> String {
        let previous = self.head_of(LEDGER).map(|id| Digest::of(&self.bytes_of(&id)));
        self.sign_onto(LEDGER, "ledger", "fwgate-ledger@v1", &entry(previous).text())
    }

    /// All branches of evidence but the ledger, sorted.
    pub fn heads(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for reference in self.remote().references_glob("refs/heads/fwgate/*").unwrap() {
            let reference = reference.unwrap();
            let name = reference.name().unwrap().to_owned();
            if name != LEDGER {
                out.push((name, reference.target().unwrap().to_string()));
            }
        }
        out.sort();
        out
    }
}

/// The branch of the ledger.
pub const LEDGER: &str = "refs/heads/fwgate/ledger";

/// The branch of a change.
pub fn changes(id: &str) -> String {
    format!("refs/heads/fwgate/changes/{id}")
}
