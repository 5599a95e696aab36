//! A folder of ours for one child: files that it can only read, and a home.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Gone, with everything in it, when it is dropped.
#[derive(Debug)]
pub struct Folder {
    held: TempDir,
}

impl Folder {
    /// A new folder that nobody else can look into.
    ///
    /// # Errors
    /// The system's folder for temporary files cannot be written to.
    pub fn new() -> io::Result<Folder> {
        let held = tempfile::Builder::new().prefix("fwgate-").tempdir()?;
        fs::create_dir(held.path().join("home"))?;
        fs::create_dir(held.path().join("files"))?;
        Ok(Folder { held })
    }

    /// Where files stand: `{folder}`.
    pub fn files(&self) -> PathBuf {
        self.held.path().join("files")
    }

    /// The home of the child.
    pub fn home(&self) -> PathBuf {
        self.held.path().join("home")
    }

    /// Writes bytes as a file that can only be read. `name` is the last part of a path that was checked before; only
    /// that part is used.
    ///
    /// # Errors
    /// The name is taken or none, the disk is full.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        self.write(&self.files(), name, bytes)
    }

    /// The same beside the files, where it is none of them.
    ///
    /// # Errors
    /// The same.
    pub fn beside(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        self.write(self.held.path(), name, bytes)
    }

    fn write(&self, folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let name = Path::new(name).file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let path = folder.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(bytes)?;
        let mut permissions = file.metadata()?.permissions();
        permissions.set_readonly(true);
        file.set_permissions(permissions)?;
        Ok(path)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_only_and_vanish() {
        let folder = Folder::new().unwrap();
        let path = folder.put("../rules.v4", b"*filter\n").unwrap();
        assert_eq!(path.parent().unwrap(), folder.files());
        assert!(fs::metadata(&path).unwrap().permissions().readonly());
        assert!(folder.put("rules.v4", b"").is_err(), "a name is taken once");
        assert!(folder.put("..", b"").is_err());
        drop(folder);
        assert!(!path.exists());
    }
}
