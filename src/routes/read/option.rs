//! The metrics of a route (`RTAX_*`, ip-route(8)): limits and times that decide how a host talks to a destination.

use super::number::{decimal, number};

/// Metrics that are plain numbers.
const NUMBERS: &[&str] = &[
    "mtu",
    "window",
    "ssthresh",
    "cwnd",
    "advmss",
    "reordering",
    "hoplimit",
    "initcwnd",
    "initrwnd",
    "quickack",
    "fastopen_no_cookie",
];
/// Metrics that are times.
const TIMES: &[&str] = &["rtt", "rttvar", "rto_min"];

/// The name of a metric as it is kept; the JSON form calls the congestion control by another name.
pub fn metric_name(word: &str) -> Option<&'static str> {
    match word {
        "congctl" | "congestion" => Some("congctl"),
        "features" => Some("features"),
        _ => NUMBERS.iter().chain(TIMES).find(|name| **name == word).copied(),
    }
}

/// The value of a metric in the form in which it is kept: numbers as they are, times in milliseconds.
pub fn metric_value(name: &str, text: &str) -> Option<String> {
    if NUMBERS.contains(&name) {
        return decimal(text).map(|n| n.to_string());
    }
    if TIMES.contains(&name) {
        return milliseconds(text).map(|n| n.to_string());
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_owned())
}

/// A feature: `ecn`, `tcp_usec_ts`, or unknown ones as bits.
pub fn is_feature(word: &str) -> bool {
    matches!(word, "ecn" | "tcp_usec_ts") || (word.starts_with("0x") && number(word).is_some())
}

/// `20ms`, `1.5s`, or a plain number of milliseconds.
fn milliseconds(text: &str) -> Option<u32> {
    if let Some(text) = text.strip_suffix("ms") {
        return decimal(text);
    }
    let Some(text) = text.strip_suffix('s') else { return decimal(text) };
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let thousandths = decimal(part).filter(|_| part.len() <= 3)? * 10u32.pow(3 - part.len() as u32);
    decimal(whole)?.checked_mul(1000)?.checked_add(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_both_forms_are_one() {
        for (text, json) in [("20ms", "20"), ("1.5s", "1500"), ("2s", "2000")] {
            assert_eq!(metric_value("rto_min", text), metric_value("rto_min", json), "{text}");
        }
        assert_eq!(metric_value("mtu", "-1"), None);
        assert_eq!(metric_value("rtt", "1.2345s"), None);
        assert_eq!(metric_name("congestion"), metric_name("congctl"));
    }
}
