//! Did-you-mean: the known word nearest to an unknown one.

/// The candidate nearest to `word`, where one is near enough to be meant.
///
/// Near is an edit distance of at most a third of the word's length, and at least one.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > 64 {
        return None;
    }
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&word.to_ascii_lowercase(), &c.to_ascii_lowercase()), c))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        assert_eq!(nearest("contrack", ["conntrack", "connmark"]), Some("conntrack"));
        assert_eq!(nearest("DORP", ["DROP", "ACCEPT"]), Some("DROP"));
        assert_eq!(nearest("frobnicate", ["conntrack"]), None);
    }
}
