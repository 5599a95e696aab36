//! Everybody's throw-away keys, and commits signed with them.

use super::store::Store;
use fwgate::gate::{Digest, EMPTY_TREE, Instant, LedgerEntry, Record};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use std::collections::BTreeMap;
use std::path::Path;

/// The commit with which every branch of evidence begins.
const ROOT: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor fwgate <fwgate@localhost> 0 +0000\n\
     committer fwgate <fwgate@localhost> 0 +0000\n\nfwgate evidence\n";

/// Persons and machines with the namespace in which each signs.
pub const PERSONS: [(&str, &str); 4] = [
    ("alice", r#"["network", "operator"]"#),
    ("bob", r#"["network"]"#),
    ("carol", r#"["network", "scheduler"]"#),
    ("dave", r#"["security"]"#),
];
pub const MACHINES: [(&str, &str); 4] =
    [("deployer", "permit"), ("ledger", "ledger"), ("stager", "receipt-staging"), ("receiver", "receipt-production")];

/// Keys by name, each always the same for one name.
pub struct Keys(BTreeMap<&'static str, PrivateKey>);

impl Keys {
    /// Those of all persons and machines, with a file for each in this folder.
    pub fn new(folder: &Path) -> Keys {
        std::fs::create_dir_all(folder).unwrap();
        let all = PERSONS.iter().chain(&MACHINES).map(|(name, _)| {
            let pair = KeypairData::from(Ed25519Keypair::from_seed(&Digest::of(name.as_bytes()).0));
            let key = PrivateKey::new(pair, *name).unwrap();
            key.write_openssh_file(&folder.join(name), LineEnding::LF).unwrap();
            std::fs::write(folder.join(format!("{name}.pub")), format!("{}\n", key.public_key().to_openssh().unwrap()))
                .unwrap();
            (*name, key)
        });
        Keys(all.collect())
    }

    /// The line of the `.pub` file.
    pub fn public(&self, name: &str) -> String {
        self.0[name].public_key().to_openssh().unwrap()
    }

    /// `SHA256:...`.
    pub fn fingerprint(&self, name: &str) -> String {
        self.0[name].public_key().fingerprint(HashAlg::Sha256).to_string()
    }

    /// The armored signature over these bytes.
    pub fn sign(&self, name: &str, namespace: &str, payload: &[u8]) -> String {
        self.0[name].sign(namespace, HashAlg::Sha512, payload).unwrap().to_pem(LineEnding::LF).unwrap()
    }
}

/// A commit before it is signed.
pub struct Draft<'a> {
    pub tree: &'a str,
    pub parents: &'a [&'a str],
    pub who: &'a str,
    pub at: i64,
    pub message: &'a str,
}

impl Draft<'_> {
    /// The bytes with whole headers behind the others.
    pub fn bytes(&self, behind: &str) -> Vec<u8> {
        let parents: String = self.parents.iter().map(|p| format!("parent {p}\n")).collect();
        let who = match self.who {
            "fwgate" => "fwgate <fwgate@localhost>".to_owned(),
            person => format!("{person} <{person}@example.net>"),
        };
        let (tree, at, message) = (self.tree, self.at, self.message);
        let head = format!("tree {tree}\n{parents}author {who} {at} +0000\ncommitter {who} {at} +0000\n");
        format!("{head}{behind}\n{message}").into_bytes()
    }

    /// The bytes signed by a key in a namespace.
    pub fn signed(&self, keys: &Keys, key: &str, namespace: &str) -> Vec<u8> {
        let armor = keys.sign(key, namespace, &self.bytes(""));
        self.bytes(&format!("gpgsig {}\n", armor.trim_end().replace('\n', "\n ")))
    }
}

/// Branches of evidence with their heads.
pub struct Evidence {
    pub keys: Keys,
    pub heads: BTreeMap<String, String>,
    /// The digest of the last entry of the ledger.
    last: Option<Digest>,
    /// The fixed root commit.
    pub root: String,
}

pub const LEDGER: &str = "refs/heads/fwgate/ledger";
pub const LOG: &str = "refs/heads/fwgate/log";

pub fn branch(id: &str) -> String {
    format!("refs/heads/fwgate/changes/{id}")
}

impl Evidence {
    pub fn new(keys: Keys, store: &mut Store) -> Evidence {
        let empty = store.tree(&BTreeMap::new());
        assert_eq!(empty.to_string(), EMPTY_TREE);
        let root = store.commit(ROOT.as_bytes());
        Evidence { keys, heads: BTreeMap::from([(LOG.to_owned(), root.clone())]), last: None, root }
    }

    fn append(&mut self, store: &mut Store, name: &str, key: &str, namespace: &str, at: i64, message: &str) -> Digest {
        let parent = self.heads.get(name).unwrap_or(&self.root).clone();
        let who = if PERSONS.iter().any(|(id, _)| *id == key) { key } else { "fwgate" };
        let draft = Draft { tree: EMPTY_TREE, parents: &[&parent], who, at, message };
        let bytes = draft.signed(&self.keys, key, namespace);
        self.heads.insert(name.to_owned(), store.commit(&bytes));
        Digest::of(&bytes)
    }

    /// What a person says about a change; its digest.
    pub fn say(&mut self, store: &mut Store, who: &str, record: &Record, at: i64) -> Digest {
        let text = record.text();
        self.append(store, &branch(record.change().unwrap()), who, "git", at, &text);
        Digest::of(text.as_bytes())
    }

    /// A receipt of a machine; its digest.
    pub fn receipt(&mut self, store: &mut Store, machine: &str, receipt: &fwgate::gate::Receipt) -> Digest {
        let text = receipt.text();
        let namespace = receipt.kind.purpose().namespace();
        self.append(store, &branch(&receipt.change), machine, &namespace, receipt.at.0, &text);
        Digest::of(text.as_bytes())
    }

    /// The next entry of the ledger, given the digest of the one before.
    pub fn entry(&mut self, store: &mut Store, entry: impl FnOnce(Option<Digest>) -> LedgerEntry) {
        let entry = entry(self.last);
        let Instant(at) = entry.at();
        self.last = Some(self.append(store, LEDGER, "ledger", "fwgate-ledger@v1", at, &entry.text()));
    }

    /// A merge of the log; the digest of its bytes.
    pub fn fold(&mut self, store: &mut Store, change: &str, at: i64, message: &str) -> Digest {
        let [log, head, entry] = [LOG, &branch(change), LEDGER].map(|name| self.heads[name].clone());
        let draft = Draft { tree: EMPTY_TREE, parents: &[&log, &head, &entry], who: "fwgate", at, message };
        let bytes = draft.signed(&self.keys, "ledger", "fwgate-ledger@v1");
        self.heads.insert(LOG.to_owned(), store.commit(&bytes));
        Digest::of(&bytes)
    }
}
