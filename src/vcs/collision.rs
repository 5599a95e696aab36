//! Path names: which can stand in a tree, and which two are one on a system that ignores case or normalises
//! names.

use super::error::VcsError;
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

/// Finds paths that a case-insensitive or normalising file system holds as one, folders included.
///
/// # Errors
/// The first such pair, in the order of the paths.
pub fn collisions<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<(), VcsError> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for path in paths {
        for end in path.match_indices('/').map(|(at, _)| at).chain([path.len()]) {
            let part = &path[..end];
            let held = seen.entry(folded(part)).or_insert_with(|| part.to_owned());
            if held != part {
                return Err(VcsError::Collision { one: held.clone(), other: part.to_owned() });
            }
        }
    }
    Ok(())
}

/// Checks one name of a tree entry.
///
/// # Errors
/// A name that is empty, a step (`.`, `..`), git's own, or that holds a separator or a control character.
pub(super) fn check_name(folder: &str, name: &[u8]) -> Result<String, VcsError> {
    let shown = || format!("{folder}{}", String::from_utf8_lossy(name).escape_debug());
    let refuse = |reason| Err(VcsError::InvalidPath { path: shown(), reason });
    let Ok(text) = std::str::from_utf8(name) else { return refuse("the name is not UTF-8") };
    match text {
        "" => refuse("a name is empty"),
        "." | ".." => refuse("a name is a step out of its folder"),
        _ if text.eq_ignore_ascii_case(".git") => refuse("a name is git's own"),
        _ if text.contains(['/', '\\']) => refuse("a name holds a separator"),
        _ if text.chars().any(is_unseen) => refuse("a name holds a control character"),
        _ => Ok(text.to_owned()),
    }
}

/// Whether a character is invisible or turns the direction of text: names with it cannot be judged by eye.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}

/// Upper case first, so that letters with several lower cases (`ſ`) meet.
fn folded(path: &str) -> String {
    path.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_normal_form_twins_collide_and_others_do_not() {
        assert!(collisions(["devices/edge1/rules.v4", "devices/edge2/rules.v4"]).is_ok());
        assert!(collisions(["devices/edge1/a", "devices/Edge1/b"]).is_err());
        assert!(collisions(["caf\u{e9}", "cafe\u{301}"]).is_err());
        assert!(collisions(["CAF\u{c9}/x", "cafe\u{301}/y"]).is_err());
    }

    #[test]
    fn names_that_leave_the_tree_are_refused() {
        for name in [&b""[..], b".", b"..", b".GIT", b"a/b", b"a\\b", b"a\nb", b"\xff", "a\u{202e}b".as_bytes()] {
            assert!(check_name("", name).is_err(), "{name:?}");
        }
        assert_eq!(check_name("", b".gitattributes"), Ok(".gitattributes".to_owned()));
    }
}
