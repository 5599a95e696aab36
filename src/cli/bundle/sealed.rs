//! A bundle as it lies on disk: the archive, the signature beside it, and whose that is.

use super::create::signature_path;
use super::stock::Stock;
use crate::cli::failure::Failure;
use crate::cli::failure::system_words;
use crate::fleet::bundle::{Bundle, MAX_ARCHIVE, unpack};
use crate::gate::seal_of_machine;
use crate::policy::Purpose;
use crate::report::visible;
use std::path::{Path, PathBuf};

/// Largest signature file, in bytes.
const MAX_SIGNATURE: u64 = 32 << 10;

/// A bundle that was read.
pub struct Sealed {
    /// What it holds.
    pub bundle: Bundle,
    /// Its signature, where there is one.
    pub signature: Option<String>,
}

/// Reads a bundle and its signature; nothing of it is believed yet.
///
/// # Errors
/// Files that cannot be read; an archive that is no bundle.
pub fn read(path: &Path, signature: Option<&PathBuf>) -> Result<Sealed, Failure> {
    let shown = path.display().to_string();
    let bytes = bounded(path, MAX_ARCHIVE)?;
    let bundle = unpack(&bytes).map_err(|e| {
        Failure::new(format!("`{shown}` is no bundle: {e}"))
            .help("nothing of it was used; take the archive from where `fwgate bundle create` wrote it")
    })?;
    let place = signature.cloned().unwrap_or_else(|| signature_path(path));
    let signature = match signature.is_some() || place.exists() {
        true => Some(String::from_utf8_lossy(&bounded(&place, MAX_SIGNATURE)?).into_owned()),
        false => None,
    };
    Ok(Sealed { bundle, signature })
}

/// Who made a bundle, where that can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The machine of this name, by a signature that counts.
    Machine(String),
    /// Nobody signed it.
    Nobody,
    /// A signature that does not count, and why.
    Doubtful(String),
}

impl Maker {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Maker::Machine(id) => format!("signed by {id}"),
            Maker::Nobody => "not signed: nobody can tell who made it".to_owned(),
            Maker::Doubtful(why) => format!("the signature does not count: {}", visible(why)),
        }
    }
}

/// Whose signature is over a manifest.
pub fn maker(stock: &Stock, manifest: &str, signature: Option<&str>) -> Maker {
    let Some(armor) = signature else { return Maker::Nobody };
    match seal_of_machine(&stock.roster, Purpose::Bundle, manifest.as_bytes(), armor, stock.now) {
        Ok(id) => Maker::Machine(id),
        Err(why) => Maker::Doubtful(why),
    }
}

/// The bytes of a file that is not larger than a bound.
///
/// # Errors
/// It cannot be read, or is larger.
pub fn bounded(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let unreadable = |e: std::io::Error| Failure::new(format!("`{shown}` cannot be read: {}", system_words(e.kind())));
    let facts = std::fs::metadata(path).map_err(unreadable)?;
    if facts.len() > most || !facts.is_file() {
        return Err(Failure::new(format!("`{shown}` is no file of at most {most} bytes")));
    }
    std::fs::read(path).map_err(unreadable)
}
