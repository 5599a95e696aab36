//! Sets whose content somebody else manages.

/// The text of `ipset save` with the named sets emptied and given a timeout, so that every key of them is unknown: a rule that
/// asks one of them has a condition of its own instead (ipset(8), `timeout`). Lines keep their numbers; other text is unchanged.
pub fn forget_members(text: &str, is_unknown: &dyn Fn(&str) -> bool) -> String {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (command, name) = (words.next(), words.next());
        match (command, name.is_some_and(is_unknown)) {
            (Some("add"), true) => String::new(),
            (Some("create"), true) if !line.contains(" timeout ") => format!("{line} timeout 0"),
            _ => line.to_owned(),
        }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_sets_lose_their_content_and_others_nothing() {
        let text = "create f2b-ssh hash:ip family inet\nadd f2b-ssh 192.0.2.1\ncreate own hash:ip\nadd own 192.0.2.2\n";
        let expected = "create f2b-ssh hash:ip family inet timeout 0\n\ncreate own hash:ip\nadd own 192.0.2.2\n";
        assert_eq!(forget_members(text, &|name| name.starts_with("f2b")), expected);
    }
}
