//! What an announcement leaves out, because it is of commits: files that were changed and are not committed.

use crate::cli::gate::Session;
use crate::report::visible;
use crate::vcs::Tree;

/// So many files are named.
const NAMED: usize = 3;

/// Files of the working tree that are in no commit.
pub struct Uncommitted(Vec<String>);

impl Uncommitted {
    /// What HEAD does not hold of devices, roles, policy and the change's own file. Where that cannot be seen, nothing is said of it:
    /// what is announced is read from commits.
    pub fn of_head(session: &Session, id: &str) -> Uncommitted {
        let files = ["toml", "json"].map(|kind| format!("changes/{id}.{kind}"));
        let head = session.repository.head().and_then(|head| session.repository.tree(head.commit));
        let seen = head.ok().and_then(|head: Tree| session.uncommitted(&head, &files).ok());
        Uncommitted(seen.unwrap_or_default())
    }

    /// Whether everything is committed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their paths.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// `2 files are changed and not committed (devices/edge1/rules.v4, changes/CHG-1.toml)`.
    pub fn words(&self) -> String {
        let (count, are) = match self.0.len() {
            1 => ("1 file".to_owned(), "is"),
            count => (format!("{count} files"), "are"),
        };
        let mut named: Vec<String> = self.paths().take(NAMED).map(|path| visible(path).into_owned()).collect();
        if self.0.len() > NAMED {
            named.push(format!("and {} more", self.0.len() - NAMED));
        }
        format!("{count} {are} changed and not committed ({})", named.join(", "))
    }
}
