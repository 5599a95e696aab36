//! Interface names as rules write them: exact, or with a `+` at the end for every name that begins so.

use super::options::{Given, Parsed};
use crate::packet::IfacePattern;

/// The longest interface name (`IFNAMSIZ` without its end).
const MAX_NAME: usize = 15;

/// The pattern that an option's value names.
pub fn pattern(given: &Given<'_>) -> Parsed<IfacePattern> {
    let text = given.text();
    if text.is_empty() {
        return Err(given.wrong("the interface's name is missing"));
    }
    if text.len() > MAX_NAME {
        return Err(given
            .wrong(format!("the interface name `{text}` is longer than {MAX_NAME} characters"))
            .help("the kernel has no interface of such a name"));
    }
    Ok(match text.strip_suffix('+') {
        Some(prefix) => IfacePattern::prefix(prefix),
        None => IfacePattern::exact(text),
    })
}
