//! Digests of bytes: of a device, of a policy, of a change request, and of everything that an approval is about.
//!
//! Each is a SHA-256 over text whose parts cannot run into each other: a path holds neither NUL nor a line feed, and everything
//! behind it has a fixed form. Anything else that is added to a digest needs a form with the same property.

use super::evidence::DeviceBytes;
use super::record::Digest;
use crate::vcs::PolicyVersion;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// The digest of files: SHA-256 over `PATH NUL HEX LF` for each, sorted by path, where HEX is the SHA-256 of its bytes in 64
/// lower-case digits. Without files it is the SHA-256 of nothing.
pub fn files_digest<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Digest {
    let mut lines: Vec<(&str, String)> = files.into_iter().map(|(path, bytes)| (path, hex(sha256(bytes)))).collect();
    lines.sort_unstable();
    let mut out = Sha256::new();
    for (path, sum) in &lines {
        out.update(path.as_bytes());
        out.update([0]);
        out.update(sum.as_bytes());
        out.update(b"\n");
    }
    Digest(out.finalize().into())
}

/// The digest of a device's bytes; of no device, that of no files.
pub fn device_digest(device: Option<&DeviceBytes>) -> Digest {
    files_digest(device.into_iter().flat_map(|d| &d.files).map(|(path, bytes)| (path.as_str(), &**bytes)))
}

/// The digest of a version of the policy.
pub fn policy_digest(version: &PolicyVersion) -> Digest {
    files_digest(version.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())))
}

/// A device that a change touches, with the digests of its bytes in force and of its proposed bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The device.
    pub device: String,
    /// What is in force, and the way back.
    pub baseline: Digest,
    /// What would be pushed.
    pub proposal: Digest,
}

/// The content digest: repository, change request in canonical form (`policy::canonical_change`), and every target
/// in order of name.
pub fn content_digest(repository: &str, request: &str, targets: &[Target]) -> Digest {
    let mut sorted: Vec<&Target> = targets.iter().collect();
    sorted.sort_unstable();
    let mut text = format!("fwgate.content/1\n{repository}\n{request}\n");
    for target in sorted {
        text += &format!("{} {} {}\n", target.device, target.baseline, target.proposal);
    }
    sha256(text.as_bytes())
}

fn hex(digest: Digest) -> String {
    digest.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(bytes: &[u8]) -> DeviceBytes {
        let files = vec![
            ("devices/edge1/device.toml".to_owned(), b"role = \"edge\"\n".as_slice().into()),
            ("devices/edge1/rules.v4".to_owned(), bytes.into()),
        ];
        DeviceBytes { device: "edge1".into(), files }
    }

    fn content(old: &[u8], new: &[u8], request: &str) -> Digest {
        let [baseline, proposal] = [old, new].map(|bytes| device_digest(Some(&device(bytes))));
        content_digest("example/firewalls", request, &[Target { device: "edge1".into(), baseline, proposal }])
    }

    /// Computed with `printf 'a\0%s\nb\0%s\n' "$(printf 1|sha256sum|cut -c1-64)" "$(printf 2|sha256sum|cut -c1-64)" | sha256sum`.
    #[test]
    fn files_have_the_digest_that_a_shell_computes() {
        let digest = files_digest([("b", &b"2"[..]), ("a", &b"1"[..])]);
        assert_eq!(digest.to_string(), FILES);
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(device_digest(None).to_string(), empty);
    }

    const FILES: &str = "sha256:e2cb7a5e828b2a312d5da6cda64ff26cd2b30f11751826412717d51976f8d425";

    #[test]
    fn one_flipped_bit_anywhere_is_another_content() {
        let (old, new, request) = (b"*filter\nCOMMIT\n", b"*filter\n-A INPUT -j DROP\nCOMMIT\n", "{\"id\":\"CHG-1\"}");
        let own = content(old, new, request);
        for at in 0..new.len() * 8 {
            let mut other = new.to_vec();
            other[at / 8] ^= 1 << (at % 8);
            assert_ne!(content(old, &other, request), own, "bit {at} of the proposal");
        }
        for at in 0..old.len() * 8 {
            let mut other = old.to_vec();
            other[at / 8] ^= 1 << (at % 8);
            assert_ne!(content(&other, new, request), own, "bit {at} of the baseline");
        }
        assert_ne!(content(old, new, "{\"id\":\"CHG-2\"}"), own);
        assert_ne!(content(new, old, request), own);
    }

    #[test]
    fn names_and_places_of_files_count() {
        let base = device(b"x");
        let mut moved = base.clone();
        moved.files[1].0 = "devices/edge1/rules.v6".into();
        let mut gone = base.clone();
        gone.files.remove(0);
        for other in [moved, gone] {
            assert_ne!(device_digest(Some(&other)), device_digest(Some(&base)));
        }
        let turned = DeviceBytes { files: base.files.iter().rev().cloned().collect(), ..base.clone() };
        assert_eq!(device_digest(Some(&turned)), device_digest(Some(&base)));
    }
}
