//! Counts of flows that can be read: in full up to nine digits, else as a power of ten, rounded.

/// Digits up to which a count is written in full.
const IN_FULL: usize = 9;

/// A count, given by its decimal digits, rounded to the nearest tenth of its power of ten: `about 2.8 x 10^14 flows`.
pub fn flows(digits: &str) -> String {
    in_words(digits, nearest)
}

/// A count that is only a lower bound: never more than it is, so that "at least" stays true.
pub fn least_flows(digits: &str) -> String {
    format!("at least {}", in_words(digits, below))
}

fn in_words(digits: &str, round: fn(&[u8]) -> u8) -> String {
    if digits == "1" {
        return "1 flow".to_owned();
    }
    if digits.len() <= IN_FULL {
        return format!("{} flows", grouped(digits));
    }
    let tenths = round(digits.as_bytes());
    let (tenths, power) = if tenths == 100 { (10, digits.len()) } else { (tenths, digits.len() - 1) };
    format!("about {}.{} x 10^{power} flows", tenths / 10, tenths % 10)
}

/// The first two digits: what is certain.
fn below(digits: &[u8]) -> u8 {
    let digit = |at: usize| digits.get(at).map_or(0, |d| d.saturating_sub(b'0'));
    digit(0) * 10 + digit(1)
}

/// The first two digits, rounded by the third: 10 to 100.
fn nearest(digits: &[u8]) -> u8 {
    below(digits) + u8::from(digits.get(2).is_some_and(|third| *third >= b'5'))
}

fn grouped(digits: &str) -> String {
    let groups = digits.as_bytes().rchunks(3).rev().filter_map(|c| std::str::from_utf8(c).ok());
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    #[test]
    fn counts_are_readable() {
        assert_eq!(flows("1"), "1 flow");
        assert_eq!(flows("65536"), "65,536 flows");
        assert_eq!(flows("999999999"), "999,999,999 flows");
        assert_eq!(flows("4294967296"), "about 4.3 x 10^9 flows");
        assert_eq!(flows("281474976710656"), "about 2.8 x 10^14 flows");
        assert_eq!(flows("9949999999"), "about 9.9 x 10^9 flows");
        assert_eq!(flows("9950000000"), "about 1.0 x 10^10 flows");
        assert_eq!(least_flows("4294967296"), "at least about 4.2 x 10^9 flows");
        assert_eq!(least_flows("9999999999"), "at least about 9.9 x 10^9 flows");
    }

    /// What is written: tenths of a power of ten, and that tenth; whole numbers as they are.
    fn written(text: &str) -> (BigUint, BigUint) {
        let text = text.strip_prefix("at least ").unwrap_or(text);
        let text = text.split_once(" flow").map_or(text, |(number, _)| number);
        let Some(rest) = text.strip_prefix("about ") else {
            return (text.replace(',', "").parse().unwrap(), BigUint::from(0u8));
        };
        let (tenths, power) = rest.split_once(" x 10^").unwrap();
        let (whole, tenth) = tenths.split_once('.').unwrap();
        assert!((1..=9).contains(&whole.parse::<u8>().unwrap()) && tenth.len() == 1, "{text}");
        let step = BigUint::from(10u8).pow(power.parse::<u32>().unwrap() - 1);
        (format!("{whole}{tenth}").parse::<BigUint>().unwrap() * &step, step)
    }

    fn distance(a: &BigUint, b: &BigUint) -> BigUint {
        if a > b { a - b } else { b - a }
    }

    proptest! {
        /// No count is further from what is written than half of the last digit that is shown.
        #[test]
        fn no_count_is_nearer_to_another(digits in "[1-9][0-9]{0,90}") {
            let exact: BigUint = digits.parse().unwrap();
            let (shown, step) = written(&flows(&digits));
            prop_assert!(distance(&shown, &exact) * 2u8 <= step, "{} as {}", digits, flows(&digits));
        }

        /// A lower bound is never raised, and never lowered by as much as the last digit that is shown.
        #[test]
        fn a_lower_bound_stays_one(digits in "[1-9][0-9]{0,90}") {
            let exact: BigUint = digits.parse().unwrap();
            let (shown, step) = written(&least_flows(&digits));
            prop_assert!(shown <= exact && exact <= &shown + &step, "{} as {}", digits, least_flows(&digits));
        }
    }
}
