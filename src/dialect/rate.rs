//! Packets per time in the one spelling that every dialect shares, as the kernel rounds them
//! (`xt_limit.c`: tenths of milliseconds between packets).

/// Tenths of milliseconds in one second.
const SCALE: u64 = 10_000;

/// Units with their seconds, the longest first.
const UNITS: [(&str, u64); 4] = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];

/// `10/sec`, `600/minute` and `10/second` as `10/second`; byte rates (`512kb/s`) as they are. `None` where the text
/// is no rate.
pub fn rate_text(text: &str) -> Option<String> {
    let (count, unit) = text.split_once('/').unwrap_or((text, "second"));
    if count.ends_with(['b', 'B']) {
        let digits = count.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        return digits.parse::<u64>().ok().map(|_| format!("{count}/{unit}"));
    }
    let lower = unit.to_ascii_lowercase();
    let known = UNITS
        .iter()
        .find(|(name, _)| !lower.is_empty() && (name.starts_with(&lower) || lower == "sec" && *name == "second"))?;
    let count: u64 = count.parse().ok().filter(|n| *n > 0)?;
    let period = SCALE * known.1 / count;
    (period > 0).then(|| spelled(period))
}

/// The longest unit in which the rate is still told without much loss, as `iptables-save` chooses it.
fn spelled(period: u64) -> String {
    let mut chosen = UNITS[0];
    for unit in UNITS.iter().skip(1) {
        let per = unit.1 * SCALE;
        if period > per || per / period < per % period {
            break;
        }
        chosen = *unit;
    }
    format!("{}/{}", chosen.1 * SCALE / period, chosen.0)
}

#[cfg(test)]
mod tests {
    use super::rate_text;

    #[test]
    fn rates_have_one_spelling() {
        assert_eq!(rate_text("10/sec").as_deref(), Some("10/second"));
        assert_eq!(rate_text("600/min").as_deref(), Some("10/second"));
        assert_eq!(rate_text("7/minute").as_deref(), Some("7/minute"));
        assert_eq!(rate_text("3/hour").as_deref(), Some("3/hour"));
        assert_eq!(rate_text("5").as_deref(), Some("5/second"));
        assert_eq!(rate_text("1/d").as_deref(), Some("1/day"));
        assert_eq!(rate_text("512kb/s").as_deref(), Some("512kb/s"));
        assert_eq!(rate_text("0/second"), None);
        assert_eq!(rate_text("x/second"), None);
        assert_eq!(rate_text("5/year"), None);
    }
}
