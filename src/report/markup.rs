//! Text for XML and HTML: what came from input can neither end an element or attribute nor hide.

use super::visible::push_visible;

/// The text with hidden characters made visible and everything that markup could take for its own escaped. It may stand
/// between elements and in quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => push_visible(&mut out, other),
        }
    }
    out
}

/// At most this many characters, with a mark where something is missing.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{} ...", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_and_nothing_hides() {
        let hostile = "</script><img src=x onerror='a()'>\"&amp;\u{202e}\u{1b}[2J\u{0}\u{ffff}";
        let shown = escaped(hostile);
        assert!(!shown.contains(['<', '>', '"', '\'', '\u{202e}', '\u{1b}', '\u{0}', '\u{ffff}']), "{shown}");
        assert!(shown.contains("&amp;amp;"), "{shown}");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 2), "äö ...");
    }
}
