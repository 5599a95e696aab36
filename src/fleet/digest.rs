//! One number for everything that a verdict rests on.

use super::tree::ConfigTree;
use sha2::{Digest, Sha256};

/// Builds the SHA-256 over the canonical form of evidence: sections in a fixed order, in each the files by name with
/// the SHA-256 of their bytes, every text with its length in front. The same evidence gives the same number wherever
/// it lies, and nothing else does.
#[derive(Clone, Debug, Default)]
pub struct EvidenceDigest(Sha256);

impl EvidenceDigest {
    /// Adds a tree: everything that it rests on.
    pub fn tree(&mut self, section: &str, tree: &ConfigTree) {
        let entries = tree.evidence().entries();
        self.head(section, entries.len());
        for (place, path, sum) in entries {
            self.text(place.as_bytes());
            self.text(path.as_bytes());
            self.0.update(sum);
        }
    }

    /// Adds files.
    pub fn files<'a>(&mut self, section: &str, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
        let mut files: Vec<(&str, &[u8])> = files.into_iter().collect();
        files.sort_unstable();
        self.head(section, files.len());
        for (name, bytes) in files {
            self.text(name.as_bytes());
            self.0.update(Sha256::digest(bytes));
        }
    }

    /// The digest, as reports write it.
    pub fn finish(self) -> String {
        let hex: String = self.0.finalize().iter().map(|b| format!("{b:02x}")).collect();
        format!("sha256:{hex}")
    }

    fn head(&mut self, section: &str, count: usize) {
        self.text(section.as_bytes());
        self.0.update((count as u64).to_be_bytes());
    }

    fn text(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(files: &[(&str, &str)]) -> String {
        let mut out = EvidenceDigest::default();
        out.files("policy", files.iter().map(|(n, t)| (*n, t.as_bytes())));
        out.finish()
    }

    #[test]
    fn order_is_nothing_and_every_byte_and_name_is_something() {
        let one = digest(&[("a", "1"), ("b", "2")]);
        assert_eq!(one, digest(&[("b", "2"), ("a", "1")]));
        for other in [digest(&[("a", "1")]), digest(&[("a", "1"), ("b", "3")]), digest(&[("a", "1"), ("c", "2")])] {
            assert_ne!(one, other);
        }
        assert_eq!(one.len(), "sha256:".len() + 64);
    }
}
