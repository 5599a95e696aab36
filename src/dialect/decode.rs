//! Bytes to text: UTF-8, UTF-16 with its byte order mark as Windows tools write it, and binary forms of which a
//! text listing is made, so that every reader and every report works on lines.

use super::windows;
use std::borrow::Cow;

/// Why bytes are no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecoded {
    /// The text up to the place.
    pub before: String,
    /// What is wrong there, in the form of a problem's message.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
}

/// The text of a file, without its byte order mark.
///
/// # Errors
/// Bytes that are neither UTF-8 nor marked UTF-16, and binary forms that are broken or not read.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Undecoded> {
    if let Some(listing) = windows::listing(bytes) {
        return listing.map(Cow::Owned);
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes).map(Cow::Owned),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, Undecoded> {
    let undecoded = |error: std::str::Utf8Error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        no_text(String::from_utf8_lossy(valid).into_owned(), "UTF-8")
    };
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(undecoded)
}

/// UTF-16 (RFC 2781) of this byte order.
fn utf16(bytes: &[u8], order: fn([u8; 2]) -> u16) -> Result<String, Undecoded> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    for character in char::decode_utf16(pairs.iter().map(|pair| order(*pair))) {
        match character {
            Ok(character) => text.push(character),
            Err(_) => return Err(no_text(text, "UTF-16")),
        }
    }
    if odd.is_empty() { Ok(text) } else { Err(no_text(text, "UTF-16")) }
}

fn no_text(before: String, encoding: &str) -> Undecoded {
    let message = format!("the file is no {encoding} text from here on");
    Undecoded { before, message, help: "give the text that the device's save command prints" }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn marked_texts_are_decoded_without_their_mark() {
        assert_eq!(decode(b"\xef\xbb\xbfa").unwrap(), "a");
        assert_eq!(decode(b"\xff\xfea\0\xac\x20\x3d\xd8\x00\xde").unwrap(), "a\u{20ac}\u{1f600}");
        assert_eq!(decode(b"\xfe\xff\0a").unwrap(), "a");
    }

    #[test]
    fn half_characters_are_refused_where_they_stand() {
        assert_eq!(decode(b"\xff\xfea\0b").unwrap_err().before, "a");
        assert_eq!(decode(b"\xff\xfea\0\x3d\xd8").unwrap_err().before, "a");
        assert_eq!(decode(b"ok\xff").unwrap_err().before, "ok");
    }
}
