//! Entries under the firewall's keys to rules and settings.

use super::grammar;
use super::text::{Data, Entry, Value};
use super::tree::{self, Exceptions, Place, ProfileKey};
use crate::dialect::windows::policy::{Policy, Store, Switch};
use crate::dialect::windows::support::Reading;
use crate::dialect::{Draft, Problem, nearest};
use crate::packet::IfacePattern;
use crate::ruleset::Span;
use std::collections::BTreeSet;

/// What a value of a profile's key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Sets a switch: on where the number is not 0.
    Switch(Switch),
    /// Lists interfaces on which the firewall is off.
    OpenInterfaces,
    /// Changes nothing that a packet of the model could show.
    Silent,
}

/// A value by its name.
#[derive(Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub meaning: Meaning,
    /// Remarks for the documentation.
    pub says: &'static str,
}

impl Setting {
    /// The effect in words.
    pub fn effect(&self) -> &'static str {
        match self.meaning {
            Meaning::Switch(_) | Meaning::OpenInterfaces => Reading::Exact.text(),
            Meaning::Silent => Reading::Silent.text(),
        }
    }
}

const fn silent(name: &'static str, says: &'static str) -> Setting {
    Setting { name, meaning: Meaning::Silent, says }
}

const fn switch(name: &'static str, switch: Switch, says: &'static str) -> Setting {
    Setting { name, meaning: Meaning::Switch(switch), says }
}

/// Values of a profile ([MS-GPFAS] 2.2.3).
pub const PROFILE: &[Setting] = &[
    switch("EnableFirewall", Switch::Enabled, "0 lets everything of the profile pass"),
    switch("DoNotAllowExceptions", Switch::Shielded, "1 blocks all that comes in, but for answers"),
    switch("DefaultInboundAction", Switch::InboundBlocks, "0 allows, 1 blocks; unset: blocks"),
    switch("DefaultOutboundAction", Switch::OutboundBlocks, "0 allows, 1 blocks; unset: allows"),
    switch("AllowLocalPolicyMerge", Switch::LocalRules, "0 in group policy: local rules do not count"),
    Setting {
        name: "DisabledInterfaces",
        meaning: Meaning::OpenInterfaces,
        says: "the firewall is off on these interfaces",
    },
    silent("AllowLocalIPsecPolicyMerge", "IPsec decides about no packet"),
    silent("DisableNotifications", "what the user sees"),
    silent("DisableStealthMode", "answers of closed ports are not judged"),
    silent("DisableStealthModeIPsecSecuredPacketExemption", "as above"),
    silent("DisableUnicastResponsesToMulticastBroadcast", "answers to multicast count as established"),
];

/// Values of the whole machine ([MS-GPFAS] 2.2.1).
pub const GLOBAL: &[Setting] = &[
    silent("PolicyVersion", "the version in which the policy is written"),
    silent("DisableStatefulFTP", "related connections of FTP are not judged"),
    silent("DisableStatefulPPTP", "related connections of PPTP are not judged"),
    silent("SAIdleTime", "IPsec"),
    silent("SAIdlTime", "IPsec, as the specification spells it"),
    silent("PresharedKeyEncoding", "IPsec"),
    silent("IPsecExempt", "IPsec"),
    silent("StrongCRLCheck", "IPsec"),
    silent("IPsecThroughNAT", "IPsec"),
    silent("IPsecTunnelRemoteMachineAuthorizationList", "IPsec"),
    silent("IPsecTunnelRemoteUserAuthorizationList", "IPsec"),
    silent("IPsecOpportunisticallyMatchAuthSetPerKM", "IPsec"),
    silent("IPsecTransportRemoteMachineAuthorizationList", "IPsec"),
    silent("IPsecTransportRemoteUserAuthorizationList", "IPsec"),
    silent("EnablePacketQueue", "IPsec"),
];

const LOGGING: &[&str] =
    &["LogFilePath", "LogFileSize", "LogDroppedPackets", "LogSuccessfulConnections", "LogIgnoredRules"];

/// Reads what all entries of one machine say.
pub fn read(entries: &[Entry], policy: &mut Policy, draft: &mut Draft) {
    let placed: Vec<(Place, Option<String>, &Entry)> = entries
        .iter()
        .map(|entry| {
            let (place, set) = tree::place(&entry.key);
            (place, set, entry)
        })
        .collect();
    let current = control_set(&placed, draft);
    let is_current = |set: &Option<String>| set.is_none() || *set == current;
    let mut reader = Reader { policy, draft, group_profiles: group_profiles(&placed), hardening: (0, None) };
    for (place, _, entry) in placed.iter().filter(|(_, set, _)| is_current(set)) {
        reader.entry(*place, entry);
    }
    reader.note_hardening();
}

/// The control set that is in use; the files may hold several.
fn control_set(placed: &[(Place, Option<String>, &Entry)], draft: &mut Draft) -> Option<String> {
    let sets: BTreeSet<&String> = placed.iter().filter_map(|(_, set, _)| set.as_ref()).collect();
    let number = placed.iter().filter(|(place, ..)| *place == Place::Select).find_map(|(_, _, entry)| {
        let value = entry.value.as_ref().filter(|v| v.name.eq_ignore_ascii_case("Current"))?;
        if let Data::Number(number) = value.data { Some(number) } else { None }
    });
    let selected = number.map(|n| format!("controlset{n:03}"));
    let found = ["currentcontrolset".to_owned()].into_iter().chain(selected).find(|set| sets.contains(set));
    match (found, sets.first()) {
        (Some(found), _) => Some(found),
        (None, Some(only)) if sets.len() == 1 => Some((*only).clone()),
        (None, None) => None,
        (None, Some(_)) => {
            let at = placed.iter().find(|(_, set, _)| set.is_some()).map_or_else(Span::default, |(.., e)| e.span);
            let names: Vec<&str> = sets.iter().map(|s| s.as_str()).collect();
            let message = format!("nothing tells which of the control sets is in use: {}", names.join(", "));
            let help = "export `CurrentControlSet`, or add `HKEY_LOCAL_MACHINE\\SYSTEM\\Select`";
            draft.refuse(Problem::new(at, message).help(help));
            None
        }
    }
}

/// Whether group policy has the keys of private and public profiles; the standard profile then counts for nothing
/// ([MS-GPFAS] 2.2.3).
fn group_profiles(placed: &[(Place, Option<String>, &Entry)]) -> bool {
    let newer = [ProfileKey::Private, ProfileKey::Public].map(|p| Place::Profile(Store::Group, p));
    placed.iter().any(|(place, ..)| newer.contains(place))
}

struct Reader<'r> {
    policy: &'r mut Policy,
    draft: &'r mut Draft,
    group_profiles: bool,
    /// How many rules only restrict services, and the first of them.
    hardening: (usize, Option<Span>),
}

impl Reader<'_> {
    fn entry(&mut self, place: Place, entry: &Entry) {
        let Some(value) = &entry.value else { return };
        match place {
            Place::Foreign | Place::Select | Place::Ipsec | Place::Defaults => {}
            _ if value.name.starts_with("**") => self.refuse(entry.span, "a deletion", Some(DELETION)),
            _ if value.data == Data::Deleted => self.refuse(entry.span, "a deletion", Some(DELETION)),
            Place::Rules(store) => self.rule(store, value, entry.span),
            Place::Hardening => self.hardening(value, entry.span),
            Place::Profile(store, profile) => self.profile(store, profile, value, entry.span),
            Place::Exceptions(store, profile, list) => self.exceptions(store, profile, list, value, entry.span),
            Place::Global(_) => self.known(value, &GLOBAL.iter().map(|s| s.name).collect::<Vec<_>>(), entry.span),
            Place::Logging => self.known(value, LOGGING, entry.span),
            Place::Unknown => {
                let help = "lists of exceptions of older versions, MDM stores and the like are not read; \
                            contrib/Export-FirewallRules.ps1 gives what is in force";
                self.refuse(entry.span, &format!("values under `{}`", entry.key), Some(help));
            }
        }
    }

    fn refuse(&mut self, span: Span, what: &str, help: Option<&str>) {
        let problem = Problem::new(span, format!("{what}: this is not understood"));
        self.draft.refuse(problem.help_if(help.map(str::to_owned)));
    }

    fn rule(&mut self, store: Store, value: &Value, span: Span) {
        match grammar::read(value) {
            Ok(rule) => self.policy.add(store, &value.name, span, rule, self.draft),
            Err(problems) => problems.into_iter().for_each(|p| self.draft.refuse(p)),
        }
    }

    /// Rules that restrict services and app containers are checked and do not count: they only take away from what
    /// a named service may do (`INetFwServiceRestriction`), so that no packet passes because of them, and which
    /// service a packet belongs to is decided where it is listened for. Installers write versions here that the firewall
    /// ignores.
    fn hardening(&mut self, value: &Value, span: Span) {
        if value.text().is_none_or(|t| !t.contains('|')) {
            return;
        }
        match grammar::read_any_version(value) {
            Ok(_) => self.hardening = (self.hardening.0 + 1, self.hardening.1.or(Some(span))),
            Err(problems) => problems.into_iter().for_each(|p| self.draft.refuse(p)),
        }
    }

    fn note_hardening(&mut self) {
        if let (count, Some(first)) = self.hardening {
            let note = format!("{count} rules that only restrict services or app containers are not judged");
            self.draft.ruleset.notes.push((note, first));
        }
    }

    fn profile(&mut self, store: Store, key: ProfileKey, value: &Value, span: Span) {
        let Some(setting) = PROFILE.iter().find(|s| s.name.eq_ignore_ascii_case(&value.name)) else {
            return self.known(value, &PROFILE.iter().map(|s| s.name).collect::<Vec<_>>(), span);
        };
        for profile in self.profiles(store, key) {
            match (setting.meaning, &value.data) {
                (Meaning::Silent, _) => {}
                (Meaning::Switch(switch), Data::Number(number @ 0..=1)) => {
                    self.policy.set(store, *profile, switch, *number == 1, span, self.draft);
                }
                (Meaning::Switch(_), _) => {
                    self.refuse(span, &format!("`{}` with another value than 0 or 1", value.name), None);
                }
                (Meaning::OpenInterfaces, _) => self.open_interfaces(store, *profile, value, span),
            }
        }
    }

    /// The profiles that a key is about, as values of `Field::Profile`. Locally the standard profile is the private
    /// one; in group policy it is both others, unless those have keys of their own ([MS-GPFAS] 2.2.3).
    fn profiles(&self, store: Store, key: ProfileKey) -> &'static [usize] {
        match (key, store) {
            (ProfileKey::Domain, _) => &[0],
            (ProfileKey::Private, _) | (ProfileKey::Standard, Store::Local) => &[1],
            (ProfileKey::Public, _) => &[2],
            (ProfileKey::Standard, Store::Group) if self.group_profiles => &[],
            (ProfileKey::Standard, Store::Group) => &[1, 2],
        }
    }

    fn open_interfaces(&mut self, store: Store, profile: usize, value: &Value, span: Span) {
        for piece in value.pieces(',').into_iter().filter(|p| !p.text.trim().is_empty()) {
            let name = piece.text.trim().to_ascii_uppercase();
            if !(name.starts_with('{') && name.ends_with('}')) {
                self.refuse(
                    piece.span,
                    &format!("`{}` as an interface", piece.text),
                    Some("interfaces are GUIDs in braces"),
                );
            } else if let Some(settings) = self.policy.settings(store, profile) {
                settings.open_interfaces.push((IfacePattern::exact(name), span));
            }
        }
    }

    fn exceptions(&mut self, store: Store, key: ProfileKey, list: Exceptions, value: &Value, span: Span) {
        let switch = match list {
            Exceptions::Programs => Switch::LocalPrograms,
            Exceptions::Ports => Switch::LocalPorts,
        };
        match &value.data {
            Data::Number(number @ 0..=1) if value.name.eq_ignore_ascii_case("AllowUserPrefMerge") => {
                for profile in self.profiles(store, key) {
                    self.policy.set(store, *profile, switch, *number == 1, span, self.draft);
                }
            }
            _ => self.known(value, &["Enabled"], span),
        }
    }

    /// Refuses a value whose name is not among the known ones.
    fn known(&mut self, value: &Value, names: &[&str], span: Span) {
        if !names.iter().any(|n| n.eq_ignore_ascii_case(&value.name)) {
            let near = nearest(&value.name, names.iter().copied()).map(|n| format!("did you mean `{n}`?"));
            self.draft.refuse(Problem::new(span, format!("unknown value `{}`", value.name)).help_if(near));
        }
    }
}

const DELETION: &str = "what a policy file deletes depends on what was there before; give the export of a machine";
