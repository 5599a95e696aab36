//! The files that a script may include, by name.

use crate::dialect::InputFile;

/// What `include` can reach: files by their names as reports show them.
#[derive(Clone, Debug, Default)]
pub struct Includes {
    files: Vec<InputFile>,
}

impl Includes {
    /// The files that may be included.
    pub fn new(files: Vec<InputFile>) -> Includes {
        Includes { files }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
