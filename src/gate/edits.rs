//! What an author edited, line by line: tells an edit of comments from every other edit.
//!
//! Meaning sees packets only, so a rule that logs or copies traffic is no part of it. Where an approval is carried over
//! because the meaning is the same, the edits must be the same as well, comments apart: then what was approved and what would
//! be pushed differ in what others changed around it, and in comments.

use super::content::sha256;
use super::evidence::DeviceBytes;
use super::record::Digest;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::collections::BTreeSet;

/// The digest of the edits that lead from one side to the other: for each device and file in order the lines that are taken out
/// and put in, without comments, counters, and blanks around them. A base that moved elsewhere leaves it as it is.
pub fn edits_digest(baseline: &[DeviceBytes], proposal: &[DeviceBytes]) -> Digest {
    let mut text = "fwgate.edits/1\n".to_owned();
    for (device, path) in places(baseline, proposal) {
        let [old, new] = [baseline, proposal].map(|side| lines(side, device, path));
        for op in capture_diff_slices(Algorithm::Patience, &old, &new) {
            if matches!(op, DiffOp::Equal { .. }) {
                continue;
            }
            let gone = old.get(op.old_range()).unwrap_or_default().iter().map(|line| ('-', line));
            let added = new.get(op.new_range()).unwrap_or_default().iter().map(|line| ('+', line));
            gone.chain(added).for_each(|(sign, line)| text += &format!("{device}\0{path}\0{sign}{line}\n"));
        }
    }
    sha256(text.as_bytes())
}

/// The digest of everything that an author edited: the devices, and the change request in canonical form.
pub fn change_edits(baseline: &[DeviceBytes], proposal: &[DeviceBytes], request: &str) -> Digest {
    sha256(format!("{}\n{request}\n", edits_digest(baseline, proposal)).as_bytes())
}

fn places<'a>(baseline: &'a [DeviceBytes], proposal: &'a [DeviceBytes]) -> BTreeSet<(&'a str, &'a str)> {
    let of = |d: &'a DeviceBytes| d.files.iter().map(|(path, _)| (d.device.as_str(), path.as_str()));
    baseline.iter().chain(proposal).flat_map(of).collect()
}

fn lines(side: &[DeviceBytes], device: &str, path: &str) -> Vec<String> {
    let own = side.iter().filter(|d| d.device == device).flat_map(|d| &d.files).filter(|(own, _)| own == path);
    let texts: Vec<_> = own.map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
    texts.iter().flat_map(|text| text.lines()).filter_map(significant).collect()
}

/// A line without what carries no meaning to any program: `None` where nothing is left.
fn significant(line: &str) -> Option<String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut out = line.to_owned();
    for (word, mark) in [(" -m comment --comment ", " "), (" --comment ", " "), (" comment ", " ")] {
        while let Some(at) = out.find(word) {
            let rest = &out[at + word.len()..];
            out = format!("{}{mark}{}", &out[..at], rest.get(value_end(rest)..).unwrap_or_default().trim_start());
        }
    }
    let without_counters: Vec<&str> = out.split_whitespace().filter(|word| !is_counter(word)).collect();
    Some(without_counters.join(" "))
}

/// Where a value ends: at its closing quote, or at a blank.
fn value_end(text: &str) -> usize {
    let Some(quoted) = text.strip_prefix('"') else { return text.find(' ').unwrap_or(text.len()) };
    let mut is_escaped = false;
    for (at, letter) in quoted.char_indices() {
        match letter {
            '"' if !is_escaped => return at + 2,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// `[12:800]`.
fn is_counter(word: &str) -> bool {
    let inner = word.strip_prefix('[').and_then(|w| w.strip_suffix(']')).and_then(|w| w.split_once(':'));
    inner.is_some_and(|(a, b)| [a, b].iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())))
}

#[cfg(test)]
mod tests {
    use super::super::analysis::tests::device;
    use super::*;

    const RULE: &str = "-A FORWARD -s 10.0.0.0/8 -j ACCEPT\n";

    fn edits(old: &str, new: &str) -> Digest {
        edits_digest(&[device("edge1", old)], &[device("edge1", new)])
    }

    #[test]
    fn comments_and_a_moved_base_are_nothing() {
        let own = edits(RULE, &format!("{RULE}-A FORWARD -d 10.1.0.1 -j ACCEPT\n"));
        let commented = "# why\n-A FORWARD -d 10.1.0.1 -m comment --comment \"it \\\" -j DROP\" -j ACCEPT\n\n[5:7] -A INPUT -j DROP\n";
        assert_eq!(edits(&format!("{RULE}-A INPUT -j DROP\n"), &format!("{RULE}{commented}")), own);
        let moved = "-A FORWARD -s 172.16.0.0/12 -j ACCEPT\n";
        assert_eq!(edits(&format!("{moved}{RULE}"), &format!("{moved}{RULE}-A FORWARD -d 10.1.0.1 -j ACCEPT\n")), own);
    }

    #[test]
    fn rules_that_only_look_on_are_something() {
        let own = edits(RULE, &format!("{RULE}-A FORWARD -d 10.1.0.1 -j ACCEPT\n"));
        for more in ["-A FORWARD -j LOG\n", "-A FORWARD -m comment --comment x -j TEE --gateway 192.0.2.1\n"] {
            assert_ne!(edits(RULE, &format!("{RULE}{more}-A FORWARD -d 10.1.0.1 -j ACCEPT\n")), own, "{more}");
        }
    }
}
