//! A person's signature, by the program and key that their own git would use: from flags, else from the configuration of the user
//! and the system. A repository's configuration is never read here.

use super::{OPENPGP_COUNTS, SigningError};
use crate::vcs::program::{Program, Told};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long somebody may look for their hardware key.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the command line says about signing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignerFlags {
    /// A private key, or a public one whose private half an agent holds.
    pub key: Option<PathBuf>,
}

/// Who signs, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    way: Way,
    /// The name for author and committer; empty where the user has none configured.
    pub name: String,
    /// The address for author and committer.
    pub email: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// `ssh-keygen -Y sign` with a key file, or a literal public key whose private half an agent holds.
    Ssh { program: String, key: SshKey },
    /// `gpg -bsau`.
    OpenPgp { program: String, key: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum SshKey {
    File(PathBuf),
    Literal(String),
}

impl Signer {
    /// The signer that flags and the user's configuration give (`gpg.format`, `user.signingKey`, `gpg.program`, `gpg.ssh.program`).
    ///
    /// # Errors
    /// A configuration that cannot be read, a format that is not known or does not count, no key.
    pub fn of_user(flags: &SignerFlags) -> Result<Signer, SigningError> {
        let config = git2::Config::open_default().and_then(|mut config| config.snapshot());
        let config = config.map_err(|e| SigningError::Configuration(e.message().to_owned()))?;
        let get = |key: &str| config.get_string(key).ok().filter(|value| !value.is_empty());
        let way = match (&flags.key, get("gpg.format").as_deref()) {
            (Some(key), _) => Way::Ssh { program: "ssh-keygen".to_owned(), key: SshKey::File(key.clone()) },
            (None, Some("ssh")) => Way::Ssh {
                program: get("gpg.ssh.program").unwrap_or_else(|| "ssh-keygen".to_owned()),
                key: ssh_key(&get("user.signingkey").ok_or(SigningError::NoKey)?),
            },
            (None, None) if !OPENPGP_COUNTS => {
                return Err(SigningError::OpenPgp(", which is what it does where `gpg.format` is not set"));
            }
            (None, Some("openpgp")) if !OPENPGP_COUNTS => return Err(SigningError::OpenPgp("")),
            (None, None | Some("openpgp")) => {
                let program = get("gpg.openpgp.program").or_else(|| get("gpg.program"));
                let key = get("user.signingkey").or_else(|| get("user.email")).ok_or(SigningError::NoKey)?;
                Way::OpenPgp { program: program.unwrap_or_else(|| "gpg".to_owned()), key }
            }
            (None, Some(other)) => return Err(SigningError::Format(other.escape_debug().to_string())),
        };
        Ok(Signer { way, name: get("user.name").unwrap_or_default(), email: get("user.email").unwrap_or_default() })
    }

    /// The armored signature over `payload`, as git would make it for a commit. Programs inside `repository` are not run.
    ///
    /// # Errors
    /// The program is missing, hangs or does not sign.
    pub fn sign(&self, payload: &[u8], repository: &Path) -> Result<String, SigningError> {
        match &self.way {
            Way::Ssh { program, key } => sign_by_ssh(program, key, payload, repository),
            Way::OpenPgp { program, key } => sign_by_gpg(program, key, payload, repository),
        }
    }
}

/// As git reads `user.signingKey`: a literal key, or a path that may begin with `~/`.
fn ssh_key(text: &str) -> SshKey {
    if let Some(literal) = text.strip_prefix("key::") {
        return SshKey::Literal(literal.to_owned());
    }
    if text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-") {
        return SshKey::Literal(text.to_owned());
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => SshKey::File(home.join(rest)),
        _ => SshKey::File(PathBuf::from(text)),
    }
}

fn sign_by_ssh(program: &str, key: &SshKey, payload: &[u8], repository: &Path) -> Result<String, SigningError> {
    let key_flaw = |reason: String| SigningError::Key { path: "the signing key".to_owned(), reason };
    let folder = tempfile::Builder::new().prefix("fwgate-").tempdir().map_err(|e| key_flaw(e.to_string()))?;
    let file = folder.path().join("payload");
    std::fs::write(&file, payload).map_err(|e| key_flaw(e.to_string()))?;
    let command = Program::find(program, repository)?.arguments(["-Y", "sign", "-n", "git", "-f"]);
    let command = match key {
        SshKey::File(path) => {
            let path = path
                .canonicalize()
                .map_err(|e| SigningError::Key { path: path.display().to_string(), reason: e.to_string() })?;
            command.argument(path)
        }
        SshKey::Literal(text) => {
            let public = folder.path().join("key.pub");
            std::fs::write(&public, format!("{text}\n")).map_err(|e| key_flaw(e.to_string()))?;
            command.argument(public).argument("-U")
        }
    };
    let told = command.argument(&file).run(folder.path(), b"", PATIENCE)?;
    let signature = std::fs::read_to_string(folder.path().join("payload.sig"));
    match signature {
        Ok(armor) if told.status.success() => Ok(armor.replace('\r', "")),
        _ => Err(refused(program, &told)),
    }
}

fn sign_by_gpg(program: &str, key: &str, payload: &[u8], repository: &Path) -> Result<String, SigningError> {
    let folder = tempfile::Builder::new().prefix("fwgate-").tempdir();
    let folder = folder.map_err(|e| SigningError::Refused { program: program.to_owned(), reason: e.to_string() })?;
    let command = Program::find(program, repository)?.arguments(["--status-fd=2", "-bsau", key]);
    let told = command.run(folder.path(), payload, PATIENCE)?;
    let is_created = told.stderr.lines().any(|line| line.starts_with("[GNUPG:] SIG_CREATED "));
    match String::from_utf8(told.stdout.clone()) {
        Ok(armor) if told.status.success() && is_created => Ok(armor.replace('\r', "")),
        _ => Err(refused(program, &told)),
    }
}

fn refused(program: &str, told: &Told) -> SigningError {
    let reason: String = told.stderr.lines().take(3).collect::<Vec<_>>().join("; ");
    let reason = reason.chars().take(300).flat_map(char::escape_debug).collect();
    SigningError::Refused { program: program.escape_debug().to_string(), reason }
}
