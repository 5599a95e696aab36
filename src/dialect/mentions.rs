//! Where the files of a device name interfaces: for rewriting those names, and nothing else of a text.
//!
//! Each dialect tells the places by its own reading of the text, never by looking for a word: a chain, a set or a comment
//! that is called as an interface is stays as it is.

use super::{Dialect, Draft, InputFile, Problem, ReadOptions, Text, dialect_of};
use super::{iptables, native, nftables, windows};
use crate::document::{Json, JsonValue};
use crate::packet::IfacePattern;
use crate::ruleset::Unreadable;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One place at which a file names an interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mention {
    /// The name of the file.
    pub file: Arc<str>,
    /// First byte of the name in the file's text, with its quotes.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// What it says.
    pub pattern: IfacePattern,
    /// How such a name is spelled there.
    pub spelling: Spelling,
}

/// How a name is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spelling {
    /// What stands around it: `"`, or nothing.
    pub quote: &'static str,
    /// What stands behind the beginning of names: `+`, `*`, or nothing.
    pub wildcard: &'static str,
}

impl Spelling {
    /// A pattern in this spelling.
    pub fn write(self, pattern: &IfacePattern) -> String {
        let wildcard = if pattern.prefix { self.wildcard } else { "" };
        format!("{0}{1}{wildcard}{0}", self.quote, pattern.name)
    }
}

/// How a dialect finds the interfaces that texts of it name.
type Finder = fn(&[Text], &ReadOptions, &mut Draft) -> Vec<Mention>;

/// The dialects whose texts can be rewritten.
const FINDERS: &[(&str, Finder)] = &[
    (iptables::DIALECT.name, iptables::mentions),
    (nftables::DIALECT.name, nftables::mentions),
    (native::DIALECT.name, native::mentions),
    (windows::DIALECT.name, windows::mentions),
];

/// Every place at which these files, and what they include, name an interface; sorted by file and place.
///
/// # Errors
/// Files that are not understood, or of a dialect in which names of interfaces cannot be rewritten.
pub fn interface_mentions(files: &[InputFile], options: &ReadOptions) -> Result<Vec<Mention>, Unreadable> {
    let mut draft = Draft::new(options.facts.clone());
    let texts = draft.decode(files);
    let mut by_dialect: BTreeMap<usize, Vec<Text>> = BTreeMap::new();
    for (file, text) in files.iter().zip(&texts) {
        if *text.text.as_bytes() != *file.bytes && draft.is_clean() {
            draft.refuse(
                Problem::new(text.start(), "the file is not plain UTF-8").help("commit it as UTF-8 without a mark"),
            );
        }
        match dialect_of(text, options) {
            Ok(at) => by_dialect.entry(at).or_default().push(text.clone()),
            Err(problem) => draft.refuse(problem),
        }
    }
    let mut out = Vec::new();
    for (at, texts) in by_dialect {
        let dialect = &super::DIALECTS[at];
        match FINDERS.iter().find(|(name, _)| *name == dialect.name) {
            Some((_, find)) => out.extend(find(&texts, options, &mut draft)),
            None => texts.iter().for_each(|text| draft.refuse(fixed(text, dialect))),
        }
    }
    out.sort();
    out.dedup();
    draft.finish().map(|_| out)
}

fn fixed(text: &Text, dialect: &Dialect) -> Problem {
    let known: Vec<&str> = FINDERS.iter().map(|(name, _)| *name).collect();
    Problem::new(text.start(), format!("names of interfaces in files of {} cannot be rewritten", dialect.name)).help(
        format!("those of {} can; leave `ports` away where the spare calls them as the device does", known.join(", ")),
    )
}

/// Where a text of a JSON document stands, with its quotes, and what it says; `None` where it is none, or is not written as it is.
pub fn plain_text<'j>(document: &str, json: &'j Json) -> Option<(usize, usize, &'j str)> {
    let (start, end) = (json.span.start as usize, json.span.end as usize);
    match &json.value {
        JsonValue::Text(text) if document.get(start..end)? == format!("\"{text}\"") => Some((start, end, text)),
        _ => None,
    }
}

/// The bytes of a file with its mentions spelled anew. `anew` gives the new name; mentions of other files are left out.
///
/// # Errors
/// The first name for which there is no new one.
pub fn rewritten<E>(
    file: &InputFile,
    mentions: &[Mention],
    anew: impl Fn(&Mention) -> Result<IfacePattern, E>,
) -> Result<InputFile, E> {
    let (mut out, mut at) = (Vec::with_capacity(file.bytes.len()), 0);
    for mention in mentions.iter().filter(|m| *m.file == *file.name) {
        if mention.start < at {
            continue;
        }
        let before = file.bytes.get(at..mention.start).unwrap_or_default();
        out.extend_from_slice(before);
        out.extend_from_slice(mention.spelling.write(&anew(mention)?).as_bytes());
        at = mention.end;
    }
    out.extend_from_slice(file.bytes.get(at..).unwrap_or_default());
    Ok(InputFile { name: file.name.clone(), bytes: out.into() })
}
