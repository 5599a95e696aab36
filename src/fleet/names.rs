//! How devices may be called.

/// How strictly device names are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// A repository's own devices: `[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?`.
    Repository,
    /// Any folder that somebody named: what can be shown and told apart.
    AdHoc,
}

/// Says what is wrong with a device's name, if anything.
pub fn check_device_name(name: &str, naming: Naming) -> Option<&'static str> {
    match naming {
        Naming::Repository => check_strict(name),
        Naming::AdHoc => check_lenient(name),
    }
}

fn check_strict(name: &str) -> Option<&'static str> {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
    match name.as_bytes() {
        bytes if bytes.len() > 63 => Some("it has more than 63 characters"),
        bytes if !edge(bytes.first().copied()) => Some("it does not begin with a lower-case letter or a digit"),
        bytes if !edge(bytes.last().copied()) => Some("it does not end with a lower-case letter or a digit"),
        bytes if !bytes.iter().all(|b| inner(*b)) => {
            Some("it holds something else than `a-z`, `0-9`, `.`, `_` and `-`")
        }
        _ if is_reserved(name) => Some("Windows keeps this name for a device of its own"),
        _ => None,
    }
}

/// Names that Windows takes for devices, with any extension ("Naming Files, Paths, and Namespaces" of the Windows API).
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let numbered =
        ["com", "lpt"].iter().filter_map(|port| stem.strip_prefix(port)).any(|n| matches!(n.as_bytes(), [b'1'..=b'9']));
    numbered || ["con", "prn", "aux", "nul"].contains(&stem)
}

fn check_lenient(name: &str) -> Option<&'static str> {
    match name {
        "" | "." | ".." => Some("it is empty"),
        _ if name.len() > 255 => Some("it has more than 255 bytes"),
        _ if name.contains(['/', '\\']) => Some("it holds a separator"),
        _ if name.chars().any(crate::vcs::is_unseen) => Some("it holds a control or invisible character"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syntax_of_a_repository() {
        for good in ["a", "7", "com", "com10", "console", "edge1", "edge1.example.net", "a-b_c", &"x".repeat(63)] {
            assert_eq!(check_device_name(good, Naming::Repository), None, "{good}");
        }
        for bad in ["", "Edge1", "-a", "a-", ".a", "a.", "a b", "é", "a/b", "con", "nul.v4", "com1", &"x".repeat(64)] {
            assert!(check_device_name(bad, Naming::Repository).is_some(), "{bad}");
        }
    }

    #[test]
    fn an_ad_hoc_name_is_anything_that_can_be_shown() {
        assert_eq!(check_device_name("Edge 1 (old)", Naming::AdHoc), None);
        for bad in ["", "..", "a/b", "a\u{202e}b", "a\nb"] {
            assert!(check_device_name(bad, Naming::AdHoc).is_some(), "{bad:?}");
        }
    }
}
