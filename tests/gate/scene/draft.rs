//! A commit as bytes, in the form that git writes or in any other.

use super::Key;

/// A commit before it is signed.
#[derive(Clone, Debug)]
pub struct Draft {
    pub tree: String,
    pub parents: Vec<String>,
    /// `NAME <ADDRESS>`.
    pub author: String,
    /// `NAME <ADDRESS>`.
    pub committer: String,
    /// Seconds since 1970, of both.
    pub at: i64,
    /// Whole header lines behind the committer, without line feeds.
    pub headers: Vec<String>,
    pub message: String,
}

impl Draft {
    /// A commit with the empty tree by somebody of this name.
    pub fn new(who: &str, parent: &str, at: i64, message: &str) -> Draft {
        let identity = format!("{who} <{who}@example.net>");
        Draft {
            tree: "4b825dc642cb6eb9a060e54bf8d69288fbee4904".to_owned(),
            parents: vec![parent.to_owned()],
            author: identity.clone(),
            committer: identity,
            at,
            headers: Vec::new(),
            message: message.to_owned(),
        }
    }

    /// The bytes without a signature.
    pub fn payload(&self) -> Vec<u8> {
        self.bytes(&[])
    }

    /// The bytes with a signature.
    pub fn sealed(&self, armor: &str) -> Vec<u8> {
        self.bytes(&[header("gpgsig", armor)])
    }

    /// The bytes signed by a key in a namespace.
    pub fn signed(&self, key: &Key, namespace: &str) -> Vec<u8> {
        self.sealed(&key.sign(namespace, &self.payload()))
    }

    /// The bytes with whole headers behind the others.
    pub fn bytes(&self, behind: &[String]) -> Vec<u8> {
        let mut lines = vec![format!("tree {}", self.tree)];
        lines.extend(self.parents.iter().map(|parent| format!("parent {parent}")));
        lines.push(format!("author {} {} +0000", self.author, self.at));
        lines.push(format!("committer {} {} +0000", self.committer, self.at));
        lines.extend(self.headers.iter().chain(behind).cloned());
        format!("{}\n\n{}", lines.join("\n"), self.message).into_bytes()
    }
}

/// A header of several lines as git writes it.
pub fn header(name: &str, lines: &str) -> String {
    format!("{name} {}", lines.trim_end_matches('\n').replace('\n', "\n "))
}
