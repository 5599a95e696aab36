//! Throw-away keys: quick ones that are made of their name, and real ones by `ssh-keygen`.

use sha2::Digest;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A key pair in two files, as `ssh-keygen` makes them.
#[derive(Clone, Debug)]
pub struct Key {
    /// The file of the private key; `.pub` beside it.
    pub path: PathBuf,
    /// The line of the `.pub` file, without its line feed.
    pub public: String,
}

impl Key {
    /// An ed25519 key that is always the same for one name.
    pub fn ed25519(folder: &Path, name: &str) -> Key {
        let seed: [u8; 32] = sha2::Sha256::digest(name.as_bytes()).into();
        let pair = KeypairData::from(Ed25519Keypair::from_seed(&seed));
        let private = PrivateKey::new(pair, name).unwrap();
        let path = folder.join(name);
        super::write(&path, private.to_openssh(LineEnding::LF).unwrap().as_bytes());
        keep_private(&path);
        let public = private.public_key().to_openssh().unwrap();
        super::write(&path.with_extension("pub"), format!("{public}\n").as_bytes());
        Key { path, public }
    }

    /// A key by `ssh-keygen -t KIND -b BITS`.
    pub fn generated(folder: &Path, name: &str, kind: &str, bits: u32) -> Key {
        let path = folder.join(name);
        std::fs::create_dir_all(folder).unwrap();
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", kind, "-N", "", "-C", name, "-f"]).arg(&path);
        if bits > 0 {
            command.args(["-b", &bits.to_string()]);
        }
        assert!(command.status().unwrap().success());
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap().trim_end().to_owned();
        Key { path, public }
    }

    /// `SHA256:...`.
    pub fn fingerprint(&self) -> String {
        ssh_key::PublicKey::from_openssh(&self.public).unwrap().fingerprint(HashAlg::Sha256).to_string()
    }

    /// The armored signature over these bytes, made in this process.
    pub fn sign(&self, namespace: &str, payload: &[u8]) -> String {
        let text = std::fs::read_to_string(&self.path).unwrap();
        let private = PrivateKey::from_openssh(text).unwrap();
        private.sign(namespace, HashAlg::Sha512, payload).unwrap().to_pem(LineEnding::LF).unwrap()
    }

    /// The armored signature over these bytes by `ssh-keygen -Y sign`.
    pub fn sign_by_ssh_keygen(&self, namespace: &str, payload: &[u8], options: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("payload");
        super::write(&file, payload);
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(&self.path);
        for option in options {
            command.args(["-O", option]);
        }
        let output = command.arg(&file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(file.with_extension("sig")).unwrap()
    }
}

/// Whether a program is installed; tests that need it say so and pass where it is not.
pub fn has_program(name: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()));
    if !found {
        eprintln!("SKIPPED: there is no `{name}` on this machine");
    }
    found
}

#[cfg(unix)]
fn keep_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn keep_private(_: &Path) {}
