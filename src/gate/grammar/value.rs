//! What can stand behind a key.
//!
//! Texts of the types in `record.rs` are plain strings there; which form a string must have depends on its key, so each form has
//! a type of its own here that borrows nothing and is unwrapped at once.

use crate::fleet::{Naming, check_device_name};
use crate::gate::Instant;
use crate::gate::commit::is_id;
use crate::gate::record::{Digest, ResultKind, Scope, Stage};
use crate::policy::is_change_id;

/// What a value is instead of what it should be: `no digest`.
pub(in crate::gate) struct Wrong(pub(super) String);

/// A value of a key, in its one spelling.
pub(in crate::gate) trait Value: Sized {
    /// Whether it names somebody or a role, where characters that look alike are an attack.
    const IS_NAME: bool = false;

    fn read(text: &str) -> Result<Self, Wrong>;

    fn text(&self) -> String;

    /// Whether it is written at all.
    fn is_present(&self) -> bool {
        true
    }
}

fn wrong<T>(what: &str) -> Result<T, Wrong> {
    Err(Wrong(what.to_owned()))
}

/// A type of value that is a checked string.
macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident $is_name:literal $check:expr, $what:literal;)+) => { $(
        $(#[doc = $doc])+
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        pub(in crate::gate) struct $name(pub(in crate::gate) String);

        impl Value for $name {
            const IS_NAME: bool = $is_name;

            fn read(text: &str) -> Result<$name, Wrong> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok($name(text.to_owned())) } else { wrong($what) }
            }

            fn text(&self) -> String {
                self.0.clone()
            }
        }
    )+ };
}

texts! {
    /// The id of a change.
    ChangeId true is_change_id, "no id of a change such as `CHG-2042`";
    /// A commit by all its digits.
    CommitName false is_id, "no commit id of 40 lower-case hexadecimal digits";
    /// A role, a person's or a machine's id.
    Name true is_name, "no name of ASCII letters, digits, `-`, `_` and `.`";
    /// A device.
    Device true is_device, "no device name of `a-z`, `0-9`, `.`, `_` and `-`";
    /// Words of a person or of the gate, on one line.
    Words false is_words, "empty, or begins or ends with a space";
    /// A nonce or a run.
    Nonce false is_nonce, "no 32 lower-case hexadecimal digits";
    /// What a run came to.
    FinishState false is_finish, "none of `applied`, `partial` and `rolled-back`";
}

fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(allowed)
}

fn is_device(text: &str) -> bool {
    check_device_name(text, Naming::Repository).is_none()
}

fn is_words(text: &str) -> bool {
    !text.is_empty() && text.trim() == text
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_nonce(text: &str) -> bool {
    is_hex(text, 32)
}

fn is_finish(text: &str) -> bool {
    matches!(text, "applied" | "partial" | "rolled-back")
}

impl Value for Digest {
    fn read(text: &str) -> Result<Digest, Wrong> {
        Digest::read(text).map_or_else(|| wrong("no `sha256:` with 64 lower-case hexadecimal digits"), Ok)
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for Instant {
    fn read(text: &str) -> Result<Instant, Wrong> {
        Instant::read(text).map_or_else(|| wrong("no time such as `2026-12-06T00:00:00Z`"), Ok)
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for u64 {
    fn read(text: &str) -> Result<u64, Wrong> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map_or_else(|| wrong("no number"), Ok)
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for Stage {
    fn read(text: &str) -> Result<Stage, Wrong> {
        let all = [Stage::Staging, Stage::Production];
        all.into_iter().find(|s| s.name() == text).map_or_else(|| wrong("neither `staging` nor `production`"), Ok)
    }

    fn text(&self) -> String {
        self.name().to_owned()
    }
}

impl Value for ResultKind {
    fn read(text: &str) -> Result<ResultKind, Wrong> {
        let found = ResultKind::ALL.into_iter().find(|kind| kind.name() == text);
        found.map_or_else(|| wrong("none of `started`, `applied`, `rolled-back` and `failed`"), Ok)
    }

    fn text(&self) -> String {
        self.name().to_owned()
    }
}

impl Value for Scope {
    const IS_NAME: bool = true;

    fn read(text: &str) -> Result<Scope, Wrong> {
        match text {
            "all" => Ok(Scope::All),
            _ if is_change_id(text) => Ok(Scope::Change(text.to_owned())),
            _ => wrong("neither `all` nor the id of a change"),
        }
    }

    fn text(&self) -> String {
        match self {
            Scope::All => "all".to_owned(),
            Scope::Change(id) => id.clone(),
        }
    }
}

/// The full name of a branch of evidence and the commit that it pointed to.
impl Value for (String, String) {
    fn read(text: &str) -> Result<(String, String), Wrong> {
        let (name, id) = text.split_once(' ').unwrap_or_default();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
        let is_branch = name.starts_with("refs/heads/fwgate/") && name.len() <= 255 && name.bytes().all(allowed);
        if is_branch && is_id(id) { Ok((name.to_owned(), id.to_owned())) } else { wrong("no `BRANCH COMMIT`") }
    }

    fn text(&self) -> String {
        format!("{} {}", self.0, self.1)
    }
}

/// Something written as a word of a list.
pub(in crate::gate) trait Item: Sized {
    fn read_item(text: &str) -> Option<Self>;

    fn item(&self) -> String;

    /// By what lists are sorted; no two items of a list share it.
    fn name(&self) -> &str;
}

/// Items sorted, none twice, separated by one space; left out where there are none.
pub(in crate::gate) struct List<T>(pub(in crate::gate) Vec<T>);

impl<T: Item> Value for List<T> {
    const IS_NAME: bool = true;

    fn read(text: &str) -> Result<List<T>, Wrong> {
        let items = text.split(' ').map(T::read_item).collect::<Option<Vec<T>>>();
        match items {
            Some(items) if items.is_sorted_by(|a, b| a.name() < b.name()) => Ok(List(items)),
            Some(_) => wrong("not sorted, or names something twice"),
            None => wrong("no list of names, each separated by one space"),
        }
    }

    fn text(&self) -> String {
        self.0.iter().map(T::item).collect::<Vec<_>>().join(" ")
    }

    fn is_present(&self) -> bool {
        !self.0.is_empty()
    }
}

impl Item for Device {
    fn read_item(text: &str) -> Option<Device> {
        Device::read(text).ok()
    }

    fn item(&self) -> String {
        self.0.clone()
    }

    fn name(&self) -> &str {
        &self.0
    }
}

/// The id or address of somebody who contributed.
pub(in crate::gate) struct Contributor(pub(in crate::gate) String);

impl Item for Contributor {
    fn read_item(text: &str) -> Option<Contributor> {
        let good = !text.is_empty() && text.len() <= 254 && text.bytes().all(|b| b.is_ascii_graphic());
        good.then(|| Contributor(text.to_owned()))
    }

    fn item(&self) -> String {
        self.0.clone()
    }

    fn name(&self) -> &str {
        &self.0
    }
}

/// `edge1=sha256:...`.
impl Item for (String, Digest) {
    fn read_item(text: &str) -> Option<(String, Digest)> {
        let (device, digest) = text.split_once('=')?;
        Digest::read(digest).filter(|_| is_device(device)).map(|digest| (device.to_owned(), digest))
    }

    fn item(&self) -> String {
        format!("{}={}", self.0, self.1)
    }

    fn name(&self) -> &str {
        &self.0
    }
}
