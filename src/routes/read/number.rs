//! Numbers and addresses in what `ip` prints.

use crate::packet::Family;
use crate::routes::prefix::read_address;

/// A decimal number without a sign.
pub fn decimal(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// A number, decimal or `0x`.
pub fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) if !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None => decimal(text),
    }
}

/// A type of service: `0x10`. Names of `rt_dsfield` differ from host to host, and are refused.
pub fn type_of_service(text: &str) -> Option<u8> {
    number(text).and_then(|n| u8::try_from(n).ok())
}

/// `80` or `80-90`.
pub fn span(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    decimal(first).zip(decimal(last)).filter(|(first, last)| first <= last)
}

/// An address with its family.
pub fn address(text: &str) -> Option<(Family, u128)> {
    read_address(text)
}

/// The name of an interface, as the kernel takes it (`dev_valid_name`): at most 15 bytes, no blank, slash or colon.
pub fn interface(text: &str) -> Option<String> {
    let is_good = |b: u8| !b.is_ascii_whitespace() && b != b'/' && b != b':' && b.is_ascii_graphic();
    let fits = !text.is_empty() && text.len() <= 15 && text != "." && text != "..";
    (fits && text.bytes().all(is_good)).then(|| text.to_owned())
}
