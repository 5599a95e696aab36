//! What a program complained about, in the few lines that a person needs.
//!
//! Programs say what happened at the end, and sometimes in a headline; ssh frames it with rows of `@` and puts advice in between.

use super::child::escaped;

/// Bytes that are looked at, of either end.
const LOOKED_AT: usize = 4096;

/// Letters of one line.
const WIDTH: usize = 200;

/// The first line and the last two, without decoration, cut, and with everything unseen escaped; empty where nothing is said.
pub fn complaint(bytes: &[u8]) -> String {
    let (head, tail) = match bytes.len() > 2 * LOOKED_AT {
        true => (&bytes[..LOOKED_AT], &bytes[bytes.len() - LOOKED_AT..]),
        false => (bytes, &[][..]),
    };
    let text = format!("{}\n{}", String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
    let mut lines: Vec<&str> = text.lines().map(undecorated).filter(|line| !line.is_empty()).collect();
    lines.dedup();
    let shown = match lines.as_slice() {
        [first, .., before, last] => vec![*first, *before, *last],
        few => few.to_vec(),
    };
    let cut = |line: &str| line.chars().take(WIDTH).map(escaped).collect::<String>();
    shown.into_iter().map(cut).collect::<Vec<_>>().join("; ")
}

/// A line without its frame and its full stop; empty where it is a frame and nothing else.
fn undecorated(line: &str) -> &str {
    let is_frame = |c: char| c.is_whitespace() || matches!(c, '@' | '#' | '*' | '=' | '|');
    match line.chars().any(char::is_alphanumeric) {
        true => line.trim_matches(is_frame).trim_end_matches('.'),
        false => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As OpenSSH 10 writes it.
    const CHANGED: &str = "\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r
Someone could be eavesdropping on you right now (man-in-the-middle attack)!\r
Host key for 192.0.2.1 has changed and you have requested strict checking.\r
Host key verification failed.\r
";

    #[test]
    fn a_changed_host_key_is_understood_at_once() {
        assert_eq!(
            complaint(CHANGED.as_bytes()),
            "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!; Host key for 192.0.2.1 has changed and you have requested strict \
             checking; Host key verification failed"
        );
    }

    #[test]
    fn few_lines_are_whole_and_frames_are_nothing() {
        assert_eq!(complaint(b"\n nft: no such table \n"), "nft: no such table");
        assert_eq!(complaint(b"======\n* one *\n------\ntwo\n======\n"), "one; two");
        assert_eq!(complaint(b"@@@@\n\n"), "");
        assert_eq!(complaint(b"-A INPUT: no\n"), "-A INPUT: no");
    }

    #[test]
    fn the_end_is_told_however_much_there_is_before_it() {
        let mut text = b"welcome\n".to_vec();
        text.extend(std::iter::repeat_n(*b"legal notice\n", 100_000).flatten());
        text.extend(b"Permission denied (publickey).\n");
        assert_eq!(complaint(&text), "welcome; legal notice; Permission denied (publickey)");
        assert!(complaint(&[b'a'; 100_000]).len() <= 2 * WIDTH + 2);
    }

    #[test]
    fn controls_are_never_shown_raw() {
        assert_eq!(complaint(b"\x1b[31mred\xff \xe2\x80\xaeback\n"), "\\u{1b}[31mred\u{fffd} \\u{202e}back");
    }
}
