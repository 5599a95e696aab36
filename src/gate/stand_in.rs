//! The bytes of a device as a staging device gets them: names of interfaces and addresses as they are there.

use std::collections::BTreeMap;

/// A text in which every name of `renames` that stands as a word of its own is replaced by what it is called on the staging
/// device, all at once, so that two names can be exchanged; the longest name counts where several begin at one place.
///
/// A word ends where a letter, a digit, `_`, `-` or `+` cannot follow; a dot or a colon belongs to it where a letter or digit is on the other
/// side, so that `eth0` is not found in `eth0.100`, nor `10.0.0.1` in `110.0.0.1` or `10.0.0.1.2`.
pub fn renamed(text: &str, renames: &BTreeMap<&str, &str>) -> String {
    let mut names: Vec<(&str, &str)> = renames.iter().map(|(from, to)| (*from, *to)).collect();
    names.retain(|(from, _)| !from.is_empty());
    names.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let before = text.get(..at).unwrap_or_default();
        let found = names.iter().find(|(from, _)| {
            let after = rest.strip_prefix(from);
            after.is_some_and(|after| begins_word(before, from) && ends_word(from, after))
        });
        match (found, rest.chars().next()) {
            (Some((from, to)), _) => {
                out.push_str(to);
                at += from.len();
            }
            (None, Some(next)) => {
                out.push(next);
                at += next.len_utf8();
            }
            (None, None) => break,
        }
    }
    out
}

fn is_inner(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+')
}

/// Dots join the parts of any name; colons those of IPv6 addresses only: behind an IPv4 address a port begins.
fn joins(c: char, name: &str) -> bool {
    c == '.' || (c == ':' && name.contains(':'))
}

fn begins_word(before: &str, name: &str) -> bool {
    let mut chars = before.chars().rev();
    match chars.next() {
        Some('-') => !chars.next().is_some_and(|c| c.is_ascii_alphanumeric()) || is_address(name),
        Some(c) if joins(c, name) => !chars.next().is_some_and(is_inner) && c != ':',
        Some(c) => !is_inner(c),
        None => true,
    }
}

fn ends_word(name: &str, after: &str) -> bool {
    let mut chars = after.chars();
    match chars.next() {
        Some('-') => is_address(name),
        Some(c) if joins(c, name) => !chars.next().is_some_and(is_inner) && c != ':',
        Some(c) => !is_inner(c),
        None => true,
    }
}

/// An address may be the end of a range: `10.0.0.1-10.0.0.9`.
fn is_address(name: &str) -> bool {
    name.split('/').next().is_some_and(|address| address.parse::<std::net::IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rename(text: &str, renames: &[(&str, &str)]) -> String {
        renamed(text, &renames.iter().copied().collect())
    }

    #[test]
    fn whole_names_are_replaced_all_at_once() {
        let swap = [("eth0", "eth1"), ("eth1", "eth0")];
        assert_eq!(
            rename("-i eth0 -o eth1 -i eth0.100 -i eth01 -i xeth0", &swap),
            "-i eth1 -o eth0 -i eth0.100 -i eth01 -i xeth0"
        );
        assert_eq!(rename("iifname \"eth0\" oifname { eth0, eth1 }", &swap), "iifname \"eth1\" oifname { eth1, eth0 }");
        assert_eq!(rename("-i eth+", &swap), "-i eth+");
    }

    #[test]
    fn addresses_are_found_with_ports_prefixes_and_in_ranges() {
        let map = [("10.0.0.1", "192.0.2.1"), ("10.1.0.0/24", "198.51.100.0/24"), ("2001:db8::1", "2001:db8:f::1")];
        let text = "-d 10.0.0.1/32 --to 10.0.0.1:80 --src-range 10.0.0.1-10.0.0.9 -s 10.1.0.0/24 -d 2001:db8::1";
        let expected =
            "-d 192.0.2.1/32 --to 192.0.2.1:80 --src-range 192.0.2.1-10.0.0.9 -s 198.51.100.0/24 -d 2001:db8:f::1";
        assert_eq!(rename(text, &map), expected);
        for other in ["110.0.0.1", "10.0.0.11", "10.0.0.1.2", "2001:db8::1:2", "2001:db8::11", "a2001:db8::1"] {
            assert_eq!(rename(other, &map), other, "{other}");
        }
    }
}
