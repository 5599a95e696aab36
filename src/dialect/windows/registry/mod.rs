//! The registry form: values under the firewall's keys, out of `.reg` exports, `registry.pol` and hives.

mod grammar;
mod hive;
mod pol;
mod text;
mod tree;
mod values;

pub use grammar::KEYS;
pub use grammar::{placed, program};
pub use values::{GLOBAL, PROFILE, Setting};

use crate::dialect::{Draft, Text, Undecoded};
use text::Entry;

use super::policy::Policy;

/// Whether a text is a registry export, or the listing of a binary form.
pub fn recognises(text: &str) -> bool {
    text::HEADERS.contains(&text.lines().next().unwrap_or_default().trim_end())
}

/// The listing of a `registry.pol` or of a hive; `None` for every other file.
pub fn listing(bytes: &[u8]) -> Option<Result<String, Undecoded>> {
    match bytes {
        [b'P', b'R', b'e', b'g', rest @ ..] => Some(pol::listing(rest)),
        [b'r', b'e', b'g', b'f', ..] => Some(hive::listing(bytes)),
        _ => None,
    }
}

/// The entries of all registry files of one machine.
#[derive(Debug, Default)]
pub struct Reading {
    entries: Vec<Entry>,
}

impl Reading {
    /// Adds a file.
    pub fn add(&mut self, text: &Text, draft: &mut Draft) {
        self.entries.extend(text::read(text, draft));
    }

    /// Reads what the entries say.
    pub fn finish(self, policy: &mut Policy, draft: &mut Draft) {
        values::read(&self.entries, policy, draft);
    }
}
