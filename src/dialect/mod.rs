//! Text to ruleset: one folder or file a dialect, one registry line each.
//!
//! A dialect understands every line or refuses, naming it. It never touches files: bytes come in from the
//! edge, with the name that reports show.

mod addrtype;
mod calls;
mod conditions;
mod decode;
mod draft;
pub mod iptables;
pub mod mentions;
pub mod native;
pub mod nftables;
mod numbers;
mod rate;
pub mod windows;

pub use decode::{Undecoded, decode};
pub use draft::{Draft, Text};

pub use crate::document::nearest;
use crate::ruleset::{DeviceFacts, Ruleset, Span};
pub use crate::ruleset::{Problem, Unreadable};
use std::sync::Arc;

/// One file of a device, as bytes.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// The name that reports show.
    pub name: String,
    /// The bytes, as read; files of the same bytes can share them.
    pub bytes: Arc<[u8]>,
}

/// What is known besides the files.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The dialect, where somebody said it (`--dialect`, `device.toml`): a name of the registry.
    pub dialect: Option<String>,
    /// Facts about the device.
    pub facts: DeviceFacts,
    /// Files that the device's files may include, by name; none of them is a ruleset of its own.
    pub includes: Vec<InputFile>,
}

/// One dialect that this crate reads.
pub struct Dialect {
    /// The name for `--dialect` and `device.toml`.
    pub name: &'static str,
    /// Names that mean the same reader with a narrower reading (`ip6tables`).
    pub also: &'static [&'static str],
    /// What it reads, in words.
    pub reads: &'static str,
    /// Whether a text looks like this dialect; judged by content alone.
    pub recognises: fn(&str) -> bool,
    /// Reads all files of one device that are of this dialect.
    pub read: fn(&[Text], &ReadOptions, &mut Draft),
}

/// What is said of a device of which nothing was read that decides anything.
pub const NOTHING_READ: &str = "no rule was read, and no policy that drops";

/// Every dialect, in the order in which content is tried.
pub const DIALECTS: &[Dialect] = &[native::DIALECT, nftables::DIALECT, windows::DIALECT, iptables::DIALECT];

impl Dialect {
    /// The dialect of this name.
    pub fn by_name(name: &str) -> Option<&'static Dialect> {
        DIALECTS.iter().find(|d| d.name == name || d.also.contains(&name))
    }

    /// Every name that `--dialect` takes, in order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        DIALECTS.iter().flat_map(|d| std::iter::once(d.name).chain(d.also.iter().copied()))
    }
}

/// Reads all files of one device into one ruleset.
///
/// # Errors
/// Every line that is not understood, sets that are named and not given, a dialect that cannot be told.
pub fn read_device(files: &[InputFile], options: &ReadOptions) -> Result<Ruleset, Unreadable> {
    let mut draft = Draft::new(options.facts.clone());
    let texts = draft.decode(files);
    if files.is_empty() {
        draft.refuse(
            Problem::new(Span::default(), "the device has no ruleset file").help("give at least one ruleset file"),
        );
    }
    if draft.is_clean() {
        dispatch(&texts, options, &mut draft);
    }
    if draft.is_clean() && draft.decides_nothing() {
        draft.refuse(
            Problem::new(Span::default(), NOTHING_READ)
                .help("an empty ruleset lets everything pass; give the files of the device that hold its rules"),
        );
    }
    draft.finish()
}

/// Hands every file to the reader of its dialect.
fn dispatch(texts: &[Text], options: &ReadOptions, draft: &mut Draft) {
    let mut by_dialect: Vec<Vec<Text>> = DIALECTS.iter().map(|_| Vec::new()).collect();
    for text in texts {
        match dialect_of(text, options) {
            Ok(at) => by_dialect[at].push(text.clone()),
            Err(problem) => draft.refuse(problem),
        }
    }
    if !draft.is_clean() {
        return;
    }
    for (dialect, texts) in DIALECTS.iter().zip(&by_dialect).filter(|(_, texts)| !texts.is_empty()) {
        (dialect.read)(texts, options, draft);
    }
}

/// The place in the registry of a text's dialect: what was said, else what the content looks like.
fn dialect_of(text: &Text, options: &ReadOptions) -> Result<usize, Problem> {
    if let Some(name) = &options.dialect {
        let found = DIALECTS.iter().position(|d| d.name == name || d.also.contains(&name.as_str()));
        return found.ok_or_else(|| unknown_dialect(text, name));
    }
    DIALECTS.iter().position(|d| (d.recognises)(&text.text)).ok_or_else(|| not_understood(text))
}

fn unknown_dialect(text: &Text, name: &str) -> Problem {
    let known: Vec<&str> = Dialect::names().collect();
    Problem::new(text.start(), format!("there is no dialect `{name}`"))
        .help(format!("the dialects are: {}", known.join(", ")))
}

fn not_understood(text: &Text) -> Problem {
    let known: Vec<String> = DIALECTS.iter().map(|d| format!("{} ({})", d.name, d.reads)).collect();
    Problem::new(text.start(), "the content is of no known dialect")
        .help(format!("known are: {}; `--dialect` or `device.toml` can say which one", known.join("; ")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn problems(files: &[(&str, &[u8])], dialect: Option<&str>) -> Vec<Problem> {
        let files: Vec<InputFile> = files
            .iter()
            .map(|(name, bytes)| InputFile { name: (*name).into(), bytes: bytes.to_vec().into() })
            .collect();
        let options = ReadOptions { dialect: dialect.map(str::to_owned), ..ReadOptions::default() };
        read_device(&files, &options).expect_err("must be refused").problems
    }

    #[test]
    fn no_file_is_a_problem() {
        assert_eq!(problems(&[], None)[0].message, "the device has no ruleset file");
    }

    #[test]
    fn content_of_no_dialect_is_a_problem_that_lists_the_dialects() {
        let found = problems(&[("a", b"hello\n")], None);
        assert_eq!(found[0].message, "the content is of no known dialect");
        assert!(found[0].help.as_deref().unwrap().contains("iptables"));
        assert!(problems(&[("a", b"*filter\n")], Some("cisco"))[0].message.contains("`cisco`"));
    }

    #[test]
    fn bytes_that_are_no_text_are_a_problem_with_their_line() {
        let found = problems(&[("a", b"*filter\n:INPUT \xff\n")], None);
        assert_eq!((found[0].span.line, found[0].span.start), (2, 15));
    }

    #[test]
    fn a_ruleset_that_decides_nothing_is_a_problem() {
        let found = problems(&[("a.v4", b"*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")], None);
        assert!(found[0].message.starts_with("no rule was read"));
    }
}
