//! The root: the few facts about a repository that come from outside of it, on which all trust rests.
//!
//! A small TOML file that nobody who can write to the repository can change: a variable of the CI system, an input of
//! an action, a file of the operating team. `docs/root.md` describes it.

use super::record::Digest;
use serde::Deserialize;
use std::fmt;

/// Largest root file, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// The facts of a root file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The id of the repository, which is in every content digest.
    pub repository: String,
    /// The URL of the one remote whose branches are evidence.
    pub remote: String,
    /// The full name of the protected branch: `refs/heads/main`.
    pub protected: String,
    /// The digest of the version of the policy that needs no records: version 1, or the first of a new root.
    pub policy: Digest,
    /// Fingerprints (`SHA256:...`) of keys of persons in that version, sorted.
    pub signers: Vec<String>,
}

/// Why a file is no root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RootFlaw {
    /// What is wrong, in one lower-case sentence.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    repository: String,
    remote: String,
    #[serde(rename = "ref")]
    protected: String,
    policy: String,
    signers: Vec<String>,
}

impl Root {
    /// Reads a root file.
    ///
    /// # Errors
    /// The first thing that is wrong: no UTF-8, no TOML, a key that is unknown or missing, a value of another form.
    pub fn read(bytes: &[u8]) -> Result<Root, RootFlaw> {
        if bytes.len() > MAX_BYTES {
            return flaw(format!("the root file has {} bytes; {MAX_BYTES} are the most", bytes.len()));
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return flaw("the root file is not UTF-8") };
        let file: File = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => return flaw(format!("the root file cannot be read: {}", error.message())),
        };
        let Some(policy) = Digest::read(&file.policy) else {
            return flaw(format!(
                "`policy = \"{}\"` is no digest; write `sha256:` and 64 digits",
                file.policy.escape_debug()
            ));
        };
        let mut signers = file.signers;
        signers.sort();
        signers.dedup();
        let root =
            Root { repository: file.repository, remote: file.remote, protected: file.protected, policy, signers };
        root.check().map(|()| root)
    }

    fn check(&self) -> Result<(), RootFlaw> {
        for (key, value) in [("repository", &self.repository), ("remote", &self.remote)] {
            if !is_plain(value) || value.starts_with('-') {
                return flaw(format!("`{key}` is empty, begins with `-`, or holds spaces or characters beyond ASCII"));
            }
        }
        let name = self.protected.strip_prefix("refs/heads/").unwrap_or_default();
        if !is_plain(&self.protected) || name.is_empty() || name.starts_with('-') || name.contains("..") {
            return flaw(format!(
                "`ref = \"{}\"` is no full name of a branch; write `refs/heads/main`",
                self.protected.escape_debug()
            ));
        }
        if self.signers.is_empty() {
            return flaw("`signers` names no key");
        }
        match self.signers.iter().find(|s| !is_fingerprint(s)) {
            Some(bad) => {
                flaw(format!("`{}` is no fingerprint; `ssh-keygen -l` shows it as `SHA256:...`", bad.escape_debug()))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Root {
    /// The file, with a comment for each key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# The root of trust of a firewall repository. Keep it outside of the repository: whoever can change it decides."
        )?;
        writeln!(f, "repository = {}   # its id, part of every approval", quoted(&self.repository))?;
        writeln!(f, "remote = {}   # the one remote whose branches are evidence", quoted(&self.remote))?;
        writeln!(f, "ref = {}   # the protected branch", quoted(&self.protected))?;
        writeln!(f, "policy = \"{}\"   # the first version of the policy", self.policy)?;
        writeln!(f, "signers = [   # keys of persons in it")?;
        self.signers.iter().try_for_each(|signer| writeln!(f, "    {},", quoted(signer)))?;
        writeln!(f, "]")
    }
}

fn flaw<T>(message: impl Into<String>) -> Result<T, RootFlaw> {
    Err(RootFlaw { message: message.into() })
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1024 && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_fingerprint(text: &str) -> bool {
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    text.strip_prefix("SHA256:").is_some_and(|hash| hash.len() == 43 && hash.bytes().all(base64))
        || crate::policy::is_openpgp_fingerprint(text)
}

/// A TOML text of printable ASCII.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn root() -> Root {
        Root {
            repository: "example/firewalls".into(),
            remote: "ssh://git@example.net/fire\"walls\\.git".into(),
            protected: "refs/heads/main".into(),
            policy: Digest([0xab; 32]),
            signers: vec![format!("SHA256:{}", "a".repeat(43)), format!("SHA256:{}", "b".repeat(43))],
        }
    }

    #[test]
    fn what_is_printed_is_read_again() {
        assert_eq!(Root::read(root().to_string().as_bytes()).unwrap(), root());
    }

    #[test]
    fn every_key_is_needed_and_no_other_is_known() {
        let text = root().to_string();
        for key in ["repository", "remote", "ref", "policy"] {
            let without: String = text.lines().filter(|l| !l.starts_with(key)).map(|l| format!("{l}\n")).collect();
            assert!(Root::read(without.as_bytes()).unwrap_err().message.contains(key), "{key}");
        }
        assert!(Root::read(format!("{text}\nbranch = 1\n").as_bytes()).unwrap_err().message.contains("branch"));
    }

    #[test]
    fn short_names_options_and_other_forms_are_refused() {
        let good = root();
        let bad = [
            Root { protected: "main".into(), ..good.clone() },
            Root { protected: "refs/tags/main".into(), ..good.clone() },
            Root { protected: "refs/heads/".into(), ..good.clone() },
            Root { remote: "--upload-pack=x".into(), ..good.clone() },
            Root { repository: "exämple".into(), ..good.clone() },
            Root { signers: vec![], ..good.clone() },
            Root { signers: vec!["MD5:00".into()], ..good.clone() },
        ];
        for root in bad {
            assert!(Root::read(root.to_string().as_bytes()).is_err(), "{root}");
        }
        assert!(Root::read(&[0xff]).is_err());
        assert!(Root::read(good.to_string().replace("sha256:", "sha1:").as_bytes()).is_err());
    }
}
