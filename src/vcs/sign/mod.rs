//! Signing: persons by their own programs and keys, machines by a key file in this process.

mod machine;
mod person;

pub use machine::{public_key_of, sign_by_machine};
pub use person::{Signer, SignerFlags};

use super::program::ProgramError;

/// Whether the gate believes signatures by OpenPGP.
const OPENPGP_COUNTS: bool = cfg!(feature = "openpgp");

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// Nobody said with which key.
    #[error("no key to sign with is configured")]
    NoKey,
    /// A way to sign that is not known.
    #[error("`gpg.format` is `{0}`, which is neither `ssh` nor `openpgp`")]
    Format(String),
    /// Git would sign by `gpg`, and nobody could believe that here.
    #[error("your git signs by OpenPGP{0}, and only signatures by SSH keys count")]
    OpenPgp(&'static str),
    /// The user's configuration cannot be read.
    #[error("the configuration of git cannot be read: {0}")]
    Configuration(String),
    /// The key file cannot be read or used.
    #[error("the key `{path}` cannot be used: {reason}")]
    Key {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The program did not sign.
    #[error("`{program}` did not sign: {reason}")]
    Refused {
        /// The program.
        program: String,
        /// In its words.
        reason: String,
    },
    /// The program is missing or hangs.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

impl SigningError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            SigningError::NoKey => {
                "`git config --global gpg.format ssh` and `git config --global user.signingKey ~/.ssh/id_ed25519.pub`, or `--key FILE`"
            }
            SigningError::Format(_) => "`git config --global gpg.format ssh`, or `--key FILE`",
            SigningError::OpenPgp(_) => {
                "`git config --global gpg.format ssh` and `git config --global user.signingKey ~/.ssh/id_ed25519.pub`, or `--key FILE`"
            }
            SigningError::Configuration(_) => "`git config --global --list` shows it",
            SigningError::Key { .. } => "name a private key in OpenSSH's format that only you can read",
            SigningError::Refused { .. } => {
                "sign something with the program itself first; `--key FILE` names another key"
            }
            SigningError::Program(_) => "install it, and see that it is in an absolute folder of `PATH`",
        }
    }
}
