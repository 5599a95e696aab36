//! Who made a change: its authors and everybody who contributed, none of whom may approve it.

use crate::gate::believed::Believed;
use crate::gate::case::Dossier;
use crate::gate::record::{Change, Record};
use crate::gate::roster::Standing;
use crate::policy::Policy;
use std::collections::BTreeSet;

/// The makers of a change.
#[derive(Clone, Debug, Default)]
pub(in crate::gate) struct Parties<'a> {
    /// The `change` record that counts: the last one of a key that counts.
    pub latest: Option<(&'a Believed<Record>, &'a Change)>,
    /// Every `change` record, in whatever standing, oldest first.
    pub announcements: Vec<(&'a Believed<Record>, &'a Change)>,
    /// Ids of everybody who signed one.
    pub authors: BTreeSet<&'a str>,
    /// Ids of persons who contributed, authors left out.
    pub contributors: BTreeSet<String>,
    /// Contributors whom no person of the policy is.
    pub strangers: BTreeSet<String>,
}

impl<'a> Parties<'a> {
    /// The makers of the change of a case.
    pub fn of(case: &Dossier<'a>, policy: &Policy) -> Parties<'a> {
        let announcements: Vec<_> = case.testimony.records.iter().filter_map(announcement).collect();
        let authors = announcements.iter().map(|(b, _)| b.by.as_str()).collect();
        let latest = announcements.iter().rfind(|(b, _)| b.standing == Standing::Good).copied();
        let mut out = Parties { latest, authors, ..Parties::default() };
        let named = announcements.iter().flat_map(|(_, change)| &change.contributors);
        for name in named.chain(case.contributors) {
            match person(name, policy) {
                Some(id) if out.authors.contains(id) => {}
                Some(id) => out.contributors.extend([id.to_owned()]),
                None => out.strangers.extend([name.clone()]),
            }
        }
        out.announcements = announcements;
        out
    }

    /// Whether a person had a part in the change.
    pub fn has(&self, person: &str) -> bool {
        self.authors.contains(person) || self.contributors.contains(person)
    }
}

fn announcement(believed: &Believed<Record>) -> Option<(&Believed<Record>, &Change)> {
    match &believed.said {
        Record::Change(change) => Some((believed, change)),
        _ => None,
    }
}

/// The person of an id or of an address under which they commit, in any case of letters.
fn person<'p>(name: &str, policy: &'p Policy) -> Option<&'p str> {
    let is =
        |p: &&crate::policy::Person| p.id.value == name || p.emails.iter().any(|e| e.value.eq_ignore_ascii_case(name));
    policy.persons.iter().find(is).map(|p| p.id.value.as_str())
}
