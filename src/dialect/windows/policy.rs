//! Everything that was read of one machine: the rules and profile settings of its stores, and how the stores merge.

use super::rule::{PROFILES, Rule};
use crate::dialect::{Draft, Problem};
use crate::packet::IfacePattern;
use crate::ruleset::Span;
use std::collections::BTreeMap;

/// Where a rule or setting is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Store {
    /// On the machine.
    Local,
    /// In group policy.
    Group,
}

/// A setting of a profile that is on or off ([MS-FASP] 2.2.38).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Switch {
    /// The firewall is on.
    Enabled,
    /// All incoming traffic is blocked, whatever the rules say.
    Shielded,
    /// Incoming traffic that no rule decides is blocked.
    InboundBlocks,
    /// Outgoing traffic that no rule decides is blocked.
    OutboundBlocks,
    /// Rules of the local store count.
    LocalRules,
    /// Local rules for programs without a port count.
    LocalPrograms,
    /// Local rules for one port without a program count.
    LocalPorts,
}

/// What one store says about one profile.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    switches: BTreeMap<Switch, (bool, Span)>,
    /// Interfaces on which the firewall is off.
    pub open_interfaces: Vec<(IfacePattern, Span)>,
}

/// A rule in its store.
#[derive(Clone, Debug)]
pub struct StoredRule {
    /// The rule.
    pub rule: Rule,
    /// Where it is stored.
    pub store: Store,
    /// Where it is written.
    pub span: Span,
}

/// What was read of one machine.
#[derive(Debug, Default)]
pub struct Policy {
    /// The rules, in order of appearance.
    pub rules: Vec<StoredRule>,
    local: [Settings; 3],
    group: [Settings; 3],
    names: BTreeMap<(Store, String), Span>,
}

/// The most rules of one machine.
const MAX_RULES: usize = 1_000_000;

impl Policy {
    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        let silent = |s: &Settings| s.switches.is_empty() && s.open_interfaces.is_empty();
        self.rules.is_empty() && self.local.iter().chain(&self.group).all(silent)
    }

    /// The settings of a profile (a value of `Field::Profile`) in one store.
    pub fn settings(&mut self, store: Store, profile: usize) -> Option<&mut Settings> {
        match store {
            Store::Local => self.local.get_mut(profile),
            Store::Group => self.group.get_mut(profile),
        }
    }

    /// Adds a rule under the name by which its store knows it.
    pub fn add(&mut self, store: Store, name: &str, span: Span, rule: Rule, draft: &mut Draft) {
        if let Some(first) = self.names.insert((store, name.to_ascii_lowercase()), span) {
            let message = format!("the rule `{name}` is given twice, first in line {}", first.line.max(1));
            draft.refuse(Problem::new(span, message).help("a store has each name once: keep the one that is meant"));
        }
        if self.rules.len() == MAX_RULES {
            draft.refuse(Problem::new(span, format!("there are more than {MAX_RULES} rules")));
        }
        if self.rules.len() < MAX_RULES {
            self.rules.push(StoredRule { rule, store, span });
        }
    }

    /// Sets a switch; the same store cannot say both.
    pub fn set(&mut self, store: Store, profile: usize, switch: Switch, value: bool, span: Span, draft: &mut Draft) {
        let Some(settings) = self.settings(store, profile) else { return };
        if let Some((before, _)) = settings.switches.insert(switch, (value, span))
            && before != value
        {
            let name = PROFILES.get(profile).copied().unwrap_or_default();
            let message = format!("another line says the opposite about the profile `{name}`");
            draft.refuse(Problem::new(span, message).help("keep the one that is in force"));
        }
    }

    /// A switch of a profile as it is in force, with the place that decides it; `None` where no store says.
    ///
    /// Merge laws of [MS-FASP] 2.2.38: blocking everything wins wherever it is on; whether local rules count is
    /// group policy's to say; of everything else group policy's word wins.
    pub fn switch(&self, profile: usize, switch: Switch) -> Option<(bool, Span)> {
        let of = |all: &[Settings; 3]| all.get(profile).and_then(|s| s.switches.get(&switch).copied());
        let (local, group) = (of(&self.local), of(&self.group));
        match switch {
            Switch::Shielded => [group, local].into_iter().flatten().find(|(on, _)| *on),
            Switch::LocalRules | Switch::LocalPorts => group,
            _ => group.or(local),
        }
    }

    /// The interfaces on which a profile's firewall is off: group policy's list, where it has one.
    pub fn open_interfaces(&self, profile: usize) -> &[(IfacePattern, Span)] {
        let lists = [&self.group, &self.local].map(|all| all.get(profile).map(|s| s.open_interfaces.as_slice()));
        lists.into_iter().flatten().find(|list| !list.is_empty()).unwrap_or_default()
    }

    /// Every interface on which the firewall of some profile is off, whatever is in force.
    pub fn every_open_interface(&self) -> impl Iterator<Item = &(IfacePattern, Span)> {
        self.local.iter().chain(&self.group).flat_map(|settings| &settings.open_interfaces)
    }

    /// The profiles in which a rule is in force, as values of `Field::Profile`.
    pub fn in_force(&self, stored: &StoredRule) -> Vec<usize> {
        if !stored.rule.active {
            return Vec::new();
        }
        let counts = |profile: &usize| {
            let off = |switch| self.switch(*profile, switch).is_some_and(|(on, _)| !on);
            let ignored = off(Switch::LocalRules)
                || off(Switch::LocalPrograms) && is_program_rule(&stored.rule)
                || off(Switch::LocalPorts) && is_port_rule(&stored.rule);
            stored.rule.profiles.contains(*profile) && (stored.store == Store::Group || !ignored)
        };
        (0..PROFILES.len()).filter(counts).collect()
    }
}

/// "Authorized application rules" ([MS-FASP] 2.2.38).
fn is_program_rule(rule: &Rule) -> bool {
    let has = |module| rule.conditions.contains_key(module);
    has("app") && !has("service") && matches!(rule.protocol, Some(6 | 17)) && rule.local_ports.is_any()
}

/// "Global port rules" ([MS-FASP] 2.2.38).
fn is_port_rule(rule: &Rule) -> bool {
    let has = |module| rule.conditions.contains_key(module);
    !has("app")
        && !has("service")
        && matches!(rule.protocol, Some(6 | 17))
        && rule.local_ports.ranges.len() == 1
        && rule.local_ports.keywords.is_empty()
}
