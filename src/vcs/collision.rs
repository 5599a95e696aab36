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

/// Finds paths that such a file system would put into one of the folders `kept`, or in place of the file, although they are
/// called otherwise. A folder that is not there has no twin.
///
/// # Errors
/// The first such path, in the order of the paths.
pub fn refuse_twins(paths: &[&str], kept: &[&str]) -> Result<(), VcsError> {
    for name in kept.iter().filter(|name| !name.is_empty()) {
        let depth = name.matches('/').count();
        if !paths.iter().any(|path| head(path, depth) == *name) {
            continue;
        }
        let goal = folded(name);
        let is_twin = |head: &str| match head.is_ascii() {
            true => head.eq_ignore_ascii_case(&goal),
            false => folded(head) == goal,
        };
        let mut heads = paths.iter().map(|path| head(path, depth));
        if let Some(twin) = heads.find(|head| head != name && is_twin(head)) {
            return Err(VcsError::Collision { one: (*name).to_owned(), other: twin.to_owned() });
        }
    }
    Ok(())
}

/// The path up to the folder at a depth.
fn head(path: &str, depth: usize) -> &str {
    let end = path.match_indices('/').map(|(at, _)| at).chain([path.len()]).nth(depth);
    end.and_then(|end| path.get(..end)).unwrap_or(path)
}

/// Reads one name of a tree entry. Bytes that are no UTF-8 are written `\\xNN`, and refused where the path is read.
///
/// # Errors
/// A name that is empty, a step (`.`, `..`), git's own, or that holds `/`: no checkout could hold it.
pub(super) fn entry_name(folder: &str, name: &[u8]) -> Result<String, VcsError> {
    let refuse = |reason| Err(VcsError::InvalidPath { path: format!("{folder}{}", name.escape_ascii()), reason });
    match name {
        b"" => refuse("a name is empty"),
        b"." | b".." => refuse("a name is a step out of its folder"),
        _ if name.eq_ignore_ascii_case(b".git") => refuse("a name is git's own"),
        _ if name.contains(&b'/') => refuse("a name holds a separator"),
        _ => Ok(std::str::from_utf8(name).map_or_else(|_| name.escape_ascii().to_string(), str::to_owned)),
    }
}

/// Checks a path that is read and shown.
///
/// # Errors
/// A path with `\\` (a separator on some systems, or bytes that are no UTF-8), or with characters that are not seen.
pub(super) fn check_shown(path: &str) -> Result<(), VcsError> {
    let refuse = |reason| Err(VcsError::InvalidPath { path: path.escape_debug().to_string(), reason });
    match path {
        _ if path.contains('\\') => refuse("a name holds `\\` or is not UTF-8"),
        _ if path.chars().any(is_unseen) => refuse("a name holds a control or invisible character"),
        _ => Ok(()),
    }
}

/// Whether a character is invisible or turns the direction of text: names with it cannot be judged by eye.
pub(crate) fn is_unseen(c: char) -> bool {
    let marks = matches!(c, '\u{200b}'..='\u{200f}' | '\u{61c}' | '\u{feff}');
    let turns = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    c.is_control() || marks || turns
}

/// Upper case first, so that letters with several lower cases (`ſ`) meet.
fn folded(path: &str) -> String {
    if path.is_ascii() {
        return path.to_ascii_lowercase();
    }
    path.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_normal_form_twins_collide_and_others_do_not() {
        assert!(collisions(["devices/edge1/rules.v4", "devices/edge2/rules.v4"]).is_ok());
        assert!(collisions(["devices/edge1/a", "devices/Edge1/b"]).is_err());
        let twins = |paths: &[&str]| refuse_twins(paths, &["net/devices", "fwgate.toml"]).is_err();
        assert!(twins(&["net/devices/edge1/a", "net/Devices/edge2/a"]));
        assert!(twins(&["NET/devices/edge1/a", "net/devices/edge2/a"]));
        assert!(twins(&["fwgate.toml", "FWGATE.toml"]));
        assert!(!twins(&["net/devices/edge1/a", "net/other/b", "FWGATE.toml", "fwgate"]));
        assert!(twins(&["net/devices/edge1/a", "net/device\u{17f}/edge2/a"]));
        assert!(collisions(["caf\u{e9}", "cafe\u{301}"]).is_err());
        assert!(collisions(["CAF\u{c9}/x", "cafe\u{301}/y"]).is_err());
    }

    #[test]
    fn names_that_no_checkout_could_hold_are_refused() {
        for name in [&b""[..], b".", b"..", b".GIT", b"a/b"] {
            assert!(entry_name("", name).is_err(), "{name:?}");
        }
        assert_eq!(entry_name("", b".gitattributes"), Ok(".gitattributes".to_owned()));
    }

    #[test]
    fn names_that_cannot_be_judged_by_eye_are_refused() {
        for name in [&b"a\\b"[..], b"a\nb", b"\xff", "a\u{202e}b".as_bytes()] {
            assert!(entry_name("", name).is_ok_and(|n| check_shown(&n).is_err()), "{name:?}");
        }
        assert_eq!(check_shown("devices/édge/rules v4"), Ok(()));
    }
}
