//! What a code is, and the list of all of them.

use super::{
    Severity, effect, fleet, gate_change, gate_evidence, input, inventory, lint, names, requirements, routes, spare,
};

/// A kind of finding. Ids and names never change their meaning once they have been released.
#[derive(Debug)]
pub struct Code {
    /// `FW101`.
    pub id: &'static str,
    /// `required-flow-lost`.
    pub name: &'static str,
    /// What it weighs unless policy says otherwise.
    pub severity: Severity,
    /// What policy may do about it.
    pub standing: Standing,
    /// One line that says what was found.
    pub summary: &'static str,
    /// The longer explanation.
    pub page: Page,
}

/// Whether a policy may waive findings of a code or change their severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may not: the finding says that a promise of the policy itself is broken, or that nothing was proved.
    Fixed,
    /// It may.
    Adjustable,
}

/// The explanation of a code, in Markdown.
#[derive(Debug)]
pub struct Page {
    /// What it finds.
    pub what: &'static str,
    /// Why that is bad.
    pub why: &'static str,
    /// An input that has it.
    pub before: &'static str,
    /// The same input mended.
    pub after: &'static str,
    /// How to mend it.
    pub mend: &'static str,
}

impl Code {
    /// Whether findings of this kind may be excused one by one: by a waiver, or by a file of known findings. Those about
    /// excuses themselves may not, or the excuses would never end.
    pub fn is_excusable(&self) -> bool {
        const ABOUT_EXCUSES: [&str; 3] = ["FW108", "FW109", "FW110"];
        self.standing == Standing::Adjustable && !ABOUT_EXCUSES.contains(&self.id)
    }

    /// Whether findings of this kind are about one change rather than about how things stand.
    pub fn is_about_one_change(&self) -> bool {
        self.id.starts_with("FW2")
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Code) -> bool {
        self.id == other.id
    }
}

impl Eq for Code {}

/// Every code, by id.
pub fn all_codes() -> impl Iterator<Item = &'static Code> {
    let families: [&[&Code]; 11] = [
        requirements::CODES,
        effect::CODES,
        lint::CODES,
        input::CODES,
        inventory::CODES,
        gate_evidence::CODES,
        gate_change::CODES,
        fleet::CODES,
        spare::CODES,
        names::CODES,
        routes::CODES,
    ];
    families.into_iter().flatten().copied()
}

/// The code of this id (in any case) or name. A reason of the gate is found by the name that machines read as well:
/// `APPROVAL_MISSING`.
pub fn code_by_name(text: &str) -> Option<&'static Code> {
    let is_reason = |c: &Code| c.id.starts_with("FW5") && c.name.to_ascii_uppercase().replace('-', "_") == text;
    all_codes().find(|c| c.id.eq_ignore_ascii_case(text) || c.name == text || is_reason(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_unique_sorted_and_well_formed() {
        let codes: Vec<&Code> = all_codes().collect();
        assert!(codes.windows(2).all(|w| w[0].id < w[1].id));
        for code in &codes {
            assert_eq!(codes.iter().filter(|c| c.name == code.name).count(), 1, "{}", code.name);
            assert!(code.id.starts_with("FW") && code.id.len() == 5, "{}", code.id);
            assert!(code.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", code.name);
        }
    }

    #[test]
    fn every_code_has_a_whole_page() {
        for code in all_codes() {
            for part in [code.summary, code.page.what, code.page.why, code.page.before, code.page.after, code.page.mend]
            {
                assert!(part.len() > 15, "{} has a page with an empty part", code.id);
            }
            assert!(!code.summary.ends_with('.'), "{}", code.id);
        }
    }

    #[test]
    fn codes_are_found_by_id_and_by_name() {
        assert_eq!(code_by_name("fw101").map(|c| c.name), Some("required-flow-lost"));
        assert_eq!(code_by_name("policy-accept").map(|c| c.id), Some("FW304"));
        assert!(code_by_name("FW999").is_none());
    }
}
