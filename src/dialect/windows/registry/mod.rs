//! The registry form: values under the firewall's keys, out of `.reg` exports and `registry.pol`.

mod grammar;
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

/// Whether a text is a registry export, or the listing of a `registry.pol`.
pub fn recognises(text: &str) -> bool {
    text::HEADERS.contains(&text.lines().next().unwrap_or_default().trim_end())
}

/// The listing of a `registry.pol`; `None` for every other file. Hives are refused.
pub fn listing(bytes: &[u8]) -> Option<Result<String, Undecoded>> {
    match bytes {
        [b'P', b'R', b'e', b'g', rest @ ..] => Some(pol::listing(rest)),
        [b'r', b'e', b'g', b'f', ..] => Some(Err(Undecoded {
            before: String::new(),
            message: "the file is a registry hive, as `netsh advfirewall export` writes it".into(),
            help: "load it (`reg load HKLM\\wfw FILE`) and give the text of `reg export HKLM\\wfw wfw.reg`",
        })),
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
