//! What the interfaces of a device are called on a spare, as a function from names to names that loses nothing.

use crate::packet::{IfacePattern, Interface};
use std::collections::{BTreeMap, BTreeSet};

/// The new name of every interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortMap {
    names: BTreeMap<String, String>,
    prefixes: BTreeMap<String, String>,
}

/// Interfaces for which the map has no name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Unmapped {
    /// It is not in the map.
    #[error("the port `{0}` has no name on the spare")]
    Missing(String),
    /// It stands for many, and those that it stands for are not those that its image would stand for.
    #[error("`{0}` stands for other ports on the spare than on the device")]
    Pattern(String),
    /// Two interfaces would become one.
    #[error("`{0}` and `{1}` would be one port on the spare")]
    Merged(String, String),
}

impl PortMap {
    /// The map of a policy's `ports`: names, and patterns such as `eth+`.
    pub fn new(ports: &BTreeMap<String, String>) -> PortMap {
        let mut out = PortMap::default();
        for (from, to) in ports {
            match (from.strip_suffix(['+', '*']), to.strip_suffix(['+', '*'])) {
                (Some(from), Some(to)) => out.prefixes.insert(from.to_owned(), to.to_owned()),
                _ => out.names.insert(from.clone(), to.clone()),
            };
        }
        out
    }

    /// Whether everything is called as on the device.
    pub fn is_identity(&self) -> bool {
        self.names.is_empty() && self.prefixes.is_empty()
    }

    /// The new name of what a rule says. The loopback is everywhere the loopback.
    ///
    /// # Errors
    /// There is none, or it would stand for other ports.
    pub fn image(&self, pattern: &IfacePattern) -> Result<IfacePattern, Unmapped> {
        if self.is_identity() || (pattern.prefix && pattern.name.is_empty()) {
            return Ok(pattern.clone());
        }
        if !pattern.prefix {
            let own = self.names.get(&pattern.name).cloned();
            let own = own.or_else(|| (pattern.name == "lo").then(|| "lo".to_owned()));
            return own.map(IfacePattern::exact).ok_or_else(|| Unmapped::Missing(pattern.name.clone()));
        }
        let image = IfacePattern::prefix(self.prefixes.get(&pattern.name).unwrap_or(&pattern.name).as_str());
        let holds = |p: &IfacePattern, name: &str| p.matches(&Interface::Named(name.to_owned()));
        let loopback = [("lo".to_owned(), "lo".to_owned())];
        let mut all = self.names.iter().chain(loopback.iter().map(|(a, b)| (a, b)));
        match all.all(|(from, to)| holds(pattern, from) == holds(&image, to)) {
            true => Ok(image),
            false => Err(Unmapped::Pattern(pattern.text())),
        }
    }

    /// Whether the map keeps these patterns apart, and within each other, as they were: then no packet can tell.
    ///
    /// # Errors
    /// The first that it does not.
    pub fn check(&self, patterns: &BTreeSet<IfacePattern>) -> Result<(), Vec<Unmapped>> {
        let mut wrong: BTreeSet<Unmapped> = BTreeSet::new();
        let mut images = Vec::new();
        for pattern in patterns {
            match self.image(pattern) {
                Ok(image) => images.push((pattern, image)),
                Err(unmapped) => drop(wrong.insert(unmapped)),
            }
        }
        for (at, (one, its)) in images.iter().enumerate() {
            for (other, theirs) in images.iter().skip(at + 1) {
                if its == theirs {
                    wrong.insert(Unmapped::Merged(one.text(), other.text()));
                } else if covers(one, other) != covers(its, theirs) || covers(other, one) != covers(theirs, its) {
                    let pattern = if one.prefix { one } else { other };
                    wrong.insert(Unmapped::Pattern(pattern.text()));
                }
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.into_iter().collect()) }
    }

    /// A text in which each word that is a name becomes the new one; for names of conditions.
    pub fn words(&self, text: &str) -> String {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || "_-.+@".contains(c);
        let (mut out, mut word) = (String::new(), String::new());
        for c in text.chars().chain(['\0']) {
            if is_inner(c) {
                word.push(c);
                continue;
            }
            out.push_str(self.names.get(&word).unwrap_or(&word));
            word.clear();
            out.extend(Some(c).filter(|c| *c != '\0'));
        }
        out
    }
}

/// Whether every name that the second matches is one that the first matches.
fn covers(one: &IfacePattern, other: &IfacePattern) -> bool {
    one.prefix && other.name.starts_with(&one.name)
}
