//! The files that a script may include, by name, and how `include` finds them.
//!
//! nft looks for `./x` and `../x` where it was started, and for `x` in its include path (`nft(8)`, INCLUDE FILES). A
//! script is read here as if nft had been started in the script's folder with that folder as its include path, so that
//! both forms begin there; files that are included include from the same folder. Nothing outside the given folder or
//! tree is reached.

use crate::dialect::InputFile;
use std::collections::BTreeMap;

/// How deep files may include files (`MAX_INCLUDE_DEPTH` of nft).
pub const MAX_DEPTH: usize = 16;
/// The most files that the files of one device may include, one after the other.
pub const MAX_FILES: usize = 10_000;

/// What `include` can reach: files by their names as reports show them.
#[derive(Clone, Debug, Default)]
pub struct Includes {
    files: BTreeMap<String, InputFile>,
}

/// Why an include reaches nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// The name leaves the folder or tree.
    Outside,
    /// There is no such file.
    Missing,
}

impl Includes {
    /// The files that may be included.
    pub fn new(files: Vec<InputFile>) -> Includes {
        Includes { files: files.into_iter().map(|file| (file.name.clone(), file)).collect() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file of this name.
    pub fn get(&self, name: &str) -> Option<&InputFile> {
        self.files.get(name)
    }

    /// The names of the files that `include "pattern"` reaches from a script of the name `from`, in the order in which
    /// they are read.
    ///
    /// # Errors
    /// The pattern leaves the folder or tree, or has no wildcard and there is no such file.
    pub fn find(&self, from: &str, pattern: &str) -> Result<Vec<&str>, Unreachable> {
        let names = self.files.keys().map(String::as_str);
        matching(names, from, pattern)
    }
}

/// Of `names`, in order, those that `include "pattern"` reaches from a script of the name `from`.
///
/// # Errors
/// The pattern leaves the folder or tree, or has no wildcard and there is no such file.
pub fn matching<'n>(
    names: impl Iterator<Item = &'n str>,
    from: &str,
    pattern: &str,
) -> Result<Vec<&'n str>, Unreachable> {
    let pattern = absolute(from, pattern).ok_or(Unreachable::Outside)?;
    let has_wildcard = pattern.contains(['*', '?', '[']);
    let mut found: Vec<&str> = names.filter(|name| path_matches(&pattern, name)).collect();
    found.sort_unstable();
    if found.is_empty() && !has_wildcard { Err(Unreachable::Missing) } else { Ok(found) }
}

/// The pattern from the root of the tree, without `.` and `..`; `None` where it leaves the tree.
pub fn absolute(from: &str, pattern: &str) -> Option<String> {
    if pattern.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = from.rsplit_once('/').map_or(Vec::new(), |(folder, _)| folder.split('/').collect());
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn path_matches(pattern: &str, name: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.split('/'), name.split('/'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if part_matches(pattern, part) => {}
            _ => return false,
        }
    }
}

/// One part of a path against one part of a pattern (`glob(7)`): a leading dot is matched by a dot alone.
pub fn part_matches(pattern: &str, part: &str) -> bool {
    let (pattern, part) = (pattern.as_bytes(), part.as_bytes());
    if part.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    let (mut p, mut s) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while s < part.len() {
        match one_matches(&pattern[p..], part[s]) {
            Some(length) => (p, s) = (p + length, s + 1),
            None if pattern.get(p) == Some(&b'*') => {
                back = Some((p + 1, s));
                p += 1;
            }
            None => match &mut back {
                Some((after, from)) => {
                    *from += 1;
                    (p, s) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// How long the piece of the pattern is that matches this byte; `None` where it does not, or is a `*`.
fn one_matches(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern.first()? {
        b'*' => None,
        b'?' => Some(1),
        b'[' => match class(pattern) {
            Some((members, negated, length)) => (in_class(members, byte) != negated).then_some(length),
            None => (byte == b'[').then_some(1),
        },
        other => (*other == byte).then_some(1),
    }
}

/// The members of `[...]`, whether it is negated, and its length.
fn class(pattern: &[u8]) -> Option<(&[u8], bool, usize)> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let start = if negated { 2 } else { 1 };
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|b| *b == b']')?;
    Some((&pattern[start..end], negated, end + 1))
}

fn in_class(members: &[u8], byte: u8) -> bool {
    let mut rest = members;
    loop {
        match rest {
            [] => return false,
            [low, b'-', high, more @ ..] => {
                if (*low..=*high).contains(&byte) {
                    return true;
                }
                rest = more;
            }
            [one, more @ ..] => {
                if *one == byte {
                    return true;
                }
                rest = more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["edge/a.nft", "edge/b.nft", "edge/d/c.nft", "edge/.h.nft", "common/x.nft"];

    fn found(from: &str, pattern: &str) -> Result<Vec<&'static str>, Unreachable> {
        matching(NAMES.iter().copied(), from, pattern)
    }

    #[test]
    fn names_begin_in_the_folder_of_the_script() {
        assert_eq!(found("edge/main.nft", "./a.nft"), Ok(vec!["edge/a.nft"]));
        assert_eq!(found("edge/main.nft", "a.nft"), Ok(vec!["edge/a.nft"]));
        assert_eq!(found("edge/main.nft", "../common/x.nft"), Ok(vec!["common/x.nft"]));
        assert_eq!(found("edge/main.nft", "./z.nft"), Err(Unreachable::Missing));
    }

    #[test]
    fn nothing_outside_is_reached() {
        assert_eq!(found("edge/main.nft", "/etc/x.nft"), Err(Unreachable::Outside));
        assert_eq!(found("edge/main.nft", "../../x.nft"), Err(Unreachable::Outside));
        assert_eq!(found("main.nft", "../x.nft"), Err(Unreachable::Outside));
    }

    #[test]
    fn wildcards_are_those_of_the_shell() {
        assert_eq!(found("edge/main.nft", "./*.nft"), Ok(vec!["edge/a.nft", "edge/b.nft"]));
        assert_eq!(found("edge/main.nft", "[!a].nft"), Ok(vec!["edge/b.nft"]));
        assert_eq!(found("edge/main.nft", "*/?.nft"), Ok(vec!["edge/d/c.nft"]));
        assert_eq!(found("edge/main.nft", "*.none"), Ok(Vec::new()));
    }
}
