//! Did you mean: the known word that a misspelt one is nearest to.

/// The candidate that differs least from `word`, where it differs little enough to be what was meant: by at
/// most a third of its letters, at least one. Nothing is near a word of more than 128 bytes.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 128 {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_ascii_lowercase()), c))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, c)| c)
}

/// "did you mean ...", where something is near enough.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|found| format!("did you mean `{found}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_another_word_is_not() {
        assert_eq!(nearest("servcie", ["service", "source_port"]), Some("service"));
        assert_eq!(nearest("colour", ["service", "hook"]), None);
        assert_eq!(nearest("Form", ["from", "to"]), Some("from"));
        assert_eq!(nearest("DORP", ["DROP", "ACCEPT"]), Some("DROP"));
    }
}
