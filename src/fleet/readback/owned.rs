//! The part of a ruleset that is one's own.

use crate::dialect::InputFile;
use crate::dialect::iptables::forget_members;
use crate::policy::Unmanaged;
use crate::ruleset::{Chain, ChainId, Lookup, Match, Opaque, OpaqueKind, Rule, Ruleset, Step};
use std::sync::Arc;
use wildmatch::WildMatch;

/// Whose objects are whose on one device.
pub(super) struct Boundary {
    tables: Vec<WildMatch>,
    chains: Vec<WildMatch>,
    sets: Vec<WildMatch>,
}

impl Boundary {
    /// The boundary that the policy draws on a device.
    pub fn new(unmanaged: &[Unmanaged], device: &str, roles: &[String]) -> Boundary {
        let own: Vec<&Unmanaged> = unmanaged.iter().filter(|u| u.devices.selects(device, roles)).collect();
        let globs = |of: fn(&Unmanaged) -> &Vec<crate::policy::Spanned<String>>| -> Vec<WildMatch> {
            own.iter().flat_map(|u| of(u)).map(|text| WildMatch::new(&text.value)).collect()
        };
        Boundary { tables: globs(|u| &u.tables), chains: globs(|u| &u.chains), sets: globs(|u| &u.sets) }
    }

    /// The files without the members of unmanaged sets, where they stand in files of their own (`ipset save`).
    pub fn without_members(&self, files: &[InputFile]) -> Vec<InputFile> {
        let is_unknown = |name: &str| self.sets.iter().any(|glob| glob.matches(name));
        let hidden = |file: &InputFile| match std::str::from_utf8(&file.bytes) {
            Ok(text) if text.lines().any(|l| l.starts_with("create ")) => {
                InputFile { name: file.name.clone(), bytes: forget_members(text, &is_unknown).into_bytes().into() }
            }
            _ => file.clone(),
        };
        files.iter().map(hidden).collect()
    }

    /// Whether another program manages a chain, by its name or its table's. A table counts under its own name and with
    /// its family in front (`docker`, `ip docker`).
    pub fn is_foreign(&self, chain: &Chain) -> bool {
        let (table, name) = chain.name.rsplit_once('/').unwrap_or(("", &chain.name));
        let bare = table.rsplit(' ').next().unwrap_or(table);
        let matches = |globs: &[WildMatch], text: &str| globs.iter().any(|glob| glob.matches(text));
        matches(&self.chains, name) || matches(&self.tables, table) || matches(&self.tables, bare)
    }

    /// Whether a rule calls a chain that another program manages.
    pub fn calls_foreign(&self, ruleset: &Ruleset, rule: &Rule) -> bool {
        rule.callees().into_iter().any(|callee| self.is_foreign(ruleset.chain(callee)))
    }

    /// The ruleset without what other programs manage. Chains keep their numbers; foreign ones are empty.
    pub fn owned(&self, ruleset: &Ruleset) -> Ruleset {
        let mut out = ruleset.clone();
        if self.chains.is_empty() && self.tables.is_empty() && self.sets.is_empty() {
            return out;
        }
        let is_foreign = |id: ChainId| self.is_foreign(ruleset.chain(id));
        out.bases.retain(|base| !is_foreign(base.chain));
        for (chain, old) in out.chains.iter_mut().zip(&ruleset.chains) {
            match self.is_foreign(old) {
                true => chain.rules.clear(),
                false => chain.rules.retain(|rule| !self.calls_foreign(ruleset, rule)),
            }
            chain.rules.iter_mut().for_each(|rule| self.without_sets(rule));
        }
        out
    }

    /// What unmanaged sets hold becomes one unknown condition for each of them.
    fn without_sets(&self, rule: &mut Rule) {
        for step in &mut rule.steps {
            match step {
                Step::If(condition) => self.hide(condition),
                Step::Choose(entries) => {
                    let hidden = entries.iter().cloned().map(|(mut condition, verdict)| {
                        self.hide(&mut condition);
                        (condition, verdict)
                    });
                    *entries = hidden.collect();
                }
                Step::Set(_) | Step::Then(_) => {}
            }
        }
    }

    fn hide(&self, condition: &mut Match) {
        match condition {
            Match::Lookup(lookup) if self.sets.iter().any(|glob| glob.matches(&lookup.name)) => {
                *condition = Match::Opaque(content_of(lookup));
            }
            Match::All(inner) | Match::Any(inner) => inner.iter_mut().for_each(|m| self.hide(m)),
            Match::Not(inner) => self.hide(inner),
            _ => {}
        }
    }
}

/// The condition that a packet is in a set whose content nobody here knows.
fn content_of(lookup: &Arc<Lookup>) -> Opaque {
    Opaque { name: format!("unmanaged set: {}", lookup.name).into(), kind: OpaqueKind::Pure }
}
