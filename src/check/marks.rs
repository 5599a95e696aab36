//! Marks for the names of files: devices that have the same rulesets in files of other names are judged once, and every
//! finding is read with the names of each.
//!
//! A mark is a text that no ruleset of the scene holds, so that what a rule quotes is never taken for one.

use crate::finding::{Finding, Location};
use crate::ruleset::Sources;
use std::sync::Arc;

/// What stands for the names of the files of both sides, in their order.
#[derive(Debug)]
pub(super) struct Marks {
    pub old: Vec<Arc<str>>,
    pub new: Vec<Arc<str>>,
}

impl Marks {
    /// Marks that none of the texts holds.
    pub fn between(old: &Sources, new: &Sources) -> Marks {
        let mut rounds = 0u64..;
        let is_free = |round: &u64| !old.iter().chain(new.iter()).any(|s| s.text.contains(&beginning(*round)));
        let round = rounds.find(is_free).unwrap_or_default();
        let marks = |side: &str, count: usize| -> Vec<Arc<str>> {
            (0..count).map(|at| format!("{}{side}{at}>", beginning(round)).into()).collect()
        };
        Marks { old: marks("old", old.iter().count()), new: marks("new", new.iter().count()) }
    }

    /// A finding with names in the place of marks.
    pub fn read_as(&self, finding: Finding, old: Option<&Sources>, new: Option<&Sources>) -> Finding {
        let read = |text: String| self.with_names(text, old, new);
        Finding {
            message: read(finding.message),
            help: finding.help.map(read),
            location: finding.location.map(|place| Location { file: read(place.file), ..place }),
            ..finding
        }
    }

    fn with_names(&self, text: String, old: Option<&Sources>, new: Option<&Sources>) -> String {
        let sides = [(&self.old, old), (&self.new, new)];
        let named = sides.into_iter().flat_map(|(marks, sources)| {
            marks.iter().zip(sources.into_iter().flat_map(Sources::iter)).map(|(mark, source)| (mark, &source.name))
        });
        named.fold(text, |text, (mark, name)| if text.contains(&**mark) { text.replace(&**mark, name) } else { text })
    }
}

fn beginning(round: u64) -> String {
    format!("<file {round} ")
}
