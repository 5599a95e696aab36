//! Files that are written: whole, or not at all.

use crate::vcs::crash_point;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
#[error("`{path}` cannot be written: {reason}")]
pub struct OutputError {
    /// The path.
    pub path: String,
    /// In the system's words.
    pub reason: String,
}

impl OutputError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        "name a file in an existing folder that you may write to"
    }

    fn new(path: &Path, reason: impl ToString) -> OutputError {
        OutputError { path: path.display().to_string(), reason: reason.to_string() }
    }
}

/// Says before any work whether `write_atomically` could write here: a file is made beside it and taken away
/// again.
///
/// # Errors
/// The folder does not exist or may not be written to; a folder stands at the path.
pub fn check_writable(path: &Path) -> Result<(), OutputError> {
    let target = Target::of(path)?;
    if target.direct {
        return OpenOptions::new()
            .write(true)
            .open(path)
            .map(drop)
            .map_err(|e| OutputError::new(path, super::failure::system_words(e.kind())));
    }
    let (_, beside) =
        target.create_beside().map_err(|e| OutputError::new(path, super::failure::system_words(e.kind())))?;
    fs::remove_file(beside).map_err(|e| OutputError::new(path, super::failure::system_words(e.kind())))
}

/// Writes a file so that a reader sees all of the old bytes or all of the new ones, also after a power cut: a
/// temporary file beside it, flushed to the disk, then renamed. A link is followed; permissions of an existing
/// file stay. Pipes and devices are written to as they are.
///
/// # Errors
/// What the system says; the old file is then unharmed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let target = Target::of(path)?;
    let written = if target.direct { target.write_directly(bytes) } else { target.replace(bytes) };
    written.map_err(|e| OutputError::new(path, super::failure::system_words(e.kind())))
}

/// Writes a file where none is, so that a reader sees all of it or none. A file with the same bytes is left as it is: a run that died
/// behind it can be repeated.
///
/// # Errors
/// There is another file already, or what the system says.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let target = Target { path: path.to_owned(), direct: false };
    let written = target.create_beside().and_then(|(file, beside)| {
        crash_point("before a file is filled");
        let done = target.fill_new(file, bytes).and_then(|()| {
            crash_point("before a file has its name");
            name_new(&beside, path)
        });
        crash_point("after a file has its name");
        let _ = fs::remove_file(&beside);
        done.and_then(|()| target.flush_folder())
    });
    written.map_err(|e| OutputError::new(path, super::failure::system_words(e.kind())))
}

/// Gives a file its name, which no other may have: by a second link, and where the file system has none, after a look.
fn name_new(beside: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(beside, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if path.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(beside, path),
        Ok(()) => Ok(()),
    }
}

/// The place that is really written.
struct Target {
    path: PathBuf,
    direct: bool,
}

impl Target {
    fn of(path: &Path) -> Result<Target, OutputError> {
        match fs::metadata(path) {
            Ok(kind) if kind.is_dir() => Err(OutputError::new(path, "it is a folder")),
            Ok(kind) => {
                let resolved =
                    path.canonicalize().map_err(|e| OutputError::new(path, super::failure::system_words(e.kind())))?;
                Ok(Target { path: resolved, direct: !kind.is_file() })
            }
            Err(_) if path.file_name().is_none() => Err(OutputError::new(path, "it names no file")),
            Err(_) => Ok(Target { path: path.to_owned(), direct: false }),
        }
    }

    fn write_directly(&self, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().write(true).open(&self.path)?.write_all(bytes)
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let (file, beside) = self.create_beside()?;
        crash_point("before a file is filled");
        let done = self.fill(file, bytes).and_then(|()| {
            crash_point("before a file has its name");
            fs::rename(&beside, &self.path)
        });
        crash_point("after a file has its name");
        if done.is_err() {
            let _ = fs::remove_file(&beside);
        }
        done.and_then(|()| self.flush_folder())
    }

    fn fill(&self, file: File, bytes: &[u8]) -> io::Result<()> {
        if let Ok(old) = fs::metadata(&self.path) {
            file.set_permissions(old.permissions())?;
        }
        self.fill_new(file, bytes)
    }

    fn fill_new(&self, mut file: File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// A new file in the same folder, so that the rename stays on one file system.
    fn create_beside(&self) -> io::Result<(File, PathBuf)> {
        for attempt in 0..1000 {
            let mut name = OsString::from(".");
            name.push(self.path.file_name().unwrap_or_default());
            name.push(format!(".{}-{attempt}.part", std::process::id()));
            let beside = self.path.with_file_name(name);
            match OpenOptions::new().write(true).create_new(true).open(&beside) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => return Ok((file, beside)),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The rename itself reaches the disk with the folder. Not every system lets folders be opened.
    fn flush_folder(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match File::open(folder) {
            Ok(folder) if cfg!(unix) => folder.sync_all(),
            _ => Ok(()),
        }
    }
}
