//! Lengths of time in zones: seconds, or with units as BIND writes them: `1h30m`.

use std::fmt;

/// Longest time to live (RFC 2181 section 8).
pub const MAX_TTL: u32 = 0x7fff_ffff;

/// The seconds of a text; `None` where it is no length of time, or too long for 32 bits.
pub(super) fn seconds(text: &str) -> Option<u32> {
    let (mut total, mut number) = (0_u64, None::<u64>);
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            let more = number.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
            number = Some(more).filter(|n| *n <= u64::from(u32::MAX));
            number?;
            continue;
        }
        let unit = match byte.to_ascii_lowercase() {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        total += number.take()? * unit;
    }
    match number {
        // A number without a unit stands alone.
        Some(plain) if total == 0 && text.bytes().all(|b| b.is_ascii_digit()) => u32::try_from(plain).ok(),
        Some(_) => None,
        None if text.is_empty() => None,
        None => u32::try_from(total).ok(),
    }
}

/// A length of time in words that sentences use: `1 h 30 min`, at most two units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(
    /// In seconds.
    pub u64,
);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
        let mut rest = self.0;
        let mut parts = Vec::new();
        for (size, unit) in UNITS {
            if rest >= size && parts.len() < 2 {
                parts.push(format!("{} {unit}", rest / size));
                rest %= size;
            }
        }
        if parts.is_empty() { f.write_str("0 s") } else { f.write_str(&parts.join(" ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_units() {
        for (text, expected) in
            [("0", 0), ("3600", 3600), ("1h30m", 5400), ("1W2d", 777_600), ("5M", 300), ("1m1h", 3660)]
        {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in ["", "h", "1h30", "1x", "-1", "4294967296", "99999999999999999999", "8000w", "IN"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn words_have_two_units_at_most() {
        let text = |s| Length(s).to_string();
        assert_eq!(
            (text(0), text(90), text(5400), text(90_061)),
            ("0 s".into(), "1 min 30 s".into(), "1 h 30 min".into(), "1 d 1 h".into())
        );
    }
}
