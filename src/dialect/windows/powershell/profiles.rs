//! Properties of `MSFT_NetFirewallProfile` ("Get-NetFirewallProfile", Microsoft Learn).

use super::{Members, text_of, texts};
use crate::dialect::windows::policy::{Policy, Store, Switch};
use crate::dialect::windows::registry::placed;
use crate::dialect::windows::rule::PROFILES;
use crate::dialect::windows::support::Reading;
use crate::dialect::windows::values::word;
use crate::dialect::{Draft, Problem, nearest};
use crate::document::Member;
use crate::packet::IfacePattern;
use crate::ruleset::Span;

/// A property.
#[derive(Debug)]
pub struct ProfileProperty {
    /// Its name; any case is understood.
    pub name: &'static str,
    /// Remarks for the documentation.
    pub says: &'static str,
    effect: Effect,
}

/// What a property does.
#[derive(Clone, Copy, Debug)]
enum Effect {
    /// `True` sets a switch on.
    On(Store, Switch),
    /// `True` sets a switch off.
    Off(Store, Switch),
    /// `Block` sets a switch on.
    Blocks(Switch),
    OpenInterfaces,
    Silent,
}

impl ProfileProperty {
    /// The effect in words.
    pub fn effect(&self) -> &'static str {
        match self.effect {
            Effect::Silent => Reading::Silent.text(),
            _ => Reading::Exact.text(),
        }
    }
}

const fn with(name: &'static str, effect: Effect, says: &'static str) -> ProfileProperty {
    ProfileProperty { name, says, effect }
}

/// Every property. Whether local rules count is group policy's to say, also where the merged store shows it.
pub const PROPERTIES: &[ProfileProperty] = &[
    with("Enabled", Effect::On(Store::Local, Switch::Enabled), "`False` lets everything of the profile pass"),
    with(
        "AllowInboundRules",
        Effect::Off(Store::Local, Switch::Shielded),
        "`False` blocks all that comes in, but for answers",
    ),
    with("DefaultInboundAction", Effect::Blocks(Switch::InboundBlocks), "`NotConfigured`: blocks"),
    with("DefaultOutboundAction", Effect::Blocks(Switch::OutboundBlocks), "`NotConfigured`: allows"),
    with("AllowLocalFirewallRules", Effect::On(Store::Group, Switch::LocalRules), "`False`: local rules do not count"),
    with(
        "AllowUserApps",
        Effect::On(Store::Group, Switch::LocalPrograms),
        "`False`: local rules for programs do not count",
    ),
    with("AllowUserPorts", Effect::On(Store::Group, Switch::LocalPorts), "`False`: local rules for ports do not count"),
    with("DisabledInterfaceAliases", Effect::OpenInterfaces, "the firewall is off on these interfaces"),
    with("AllowLocalIPsecRules", Effect::Silent, "IPsec decides about no packet"),
    with("AllowUnicastResponseToMulticast", Effect::Silent, "answers to multicast count as established"),
    with("NotifyOnListen", Effect::Silent, "what the user sees"),
    with("EnableStealthModeForIPsec", Effect::Silent, "answers of closed ports are not judged"),
    with("LogFileName", Effect::Silent, ""),
    with("LogMaxSizeKilobytes", Effect::Silent, ""),
    with("LogAllowed", Effect::Silent, ""),
    with("LogBlocked", Effect::Silent, ""),
    with("LogIgnored", Effect::Silent, ""),
];

const SILENT: &[&str] = &[
    "Name",
    "Profile",
    "Caption",
    "Description",
    "ElementName",
    "InstanceID",
    "PSComputerName",
    "CimClass",
    "CimInstanceProperties",
    "CimSystemProperties",
    "CommunicationStatus",
    "DetailedStatus",
    "HealthState",
    "InstallDate",
    "OperatingStatus",
    "OperationalStatus",
    "PrimaryStatus",
    "Status",
    "StatusDescriptions",
];

/// Reads the settings of one profile.
pub fn read(members: &Members, whole: Span, policy: &mut Policy, draft: &mut Draft) {
    let names: Vec<(&str, usize)> = PROFILES.iter().enumerate().map(|(at, name)| (*name, at)).collect();
    let name = ["Name", "Profile", "InstanceID"].into_iter().find_map(|key| text_of(members, key));
    let name = name.map(|n| n.rsplit('|').next().unwrap_or(n));
    let profile = match name.map(|n| word(n, "profile", &names)) {
        Some(Ok(profile)) => profile,
        Some(Err(wrong)) => return draft.refuse(placed(wrong, whole)),
        None => return draft.refuse(Problem::new(whole, "the profile has no name")),
    };
    for member in members {
        if let Err(problem) = property(member, profile, policy, draft) {
            draft.refuse(problem);
        }
    }
}

fn property(member: &Member, profile: usize, policy: &mut Policy, draft: &mut Draft) -> Result<(), Problem> {
    let Some(property) = PROPERTIES.iter().find(|p| p.name.eq_ignore_ascii_case(&member.key)) else {
        if SILENT.iter().any(|s| s.eq_ignore_ascii_case(&member.key)) {
            return Ok(());
        }
        let near = nearest(&member.key, PROPERTIES.iter().map(|p| p.name)).map(|n| format!("did you mean `{n}`?"));
        return Err(Problem::new(member.span, format!("unknown property `{}` of a profile", member.key)).help_if(near));
    };
    let place = Span { end: member.value.span.end, ..member.span };
    let found = texts(&member.value).unwrap_or_default();
    let Some(first) = found.first() else { return Ok(()) };
    let wrong = |w| placed(w, member.value.span);
    let set = match property.effect {
        Effect::Silent => return Ok(()),
        Effect::OpenInterfaces => {
            if let Some(settings) = policy.settings(Store::Local, profile) {
                let patterns =
                    found.iter().filter(|n| !n.eq_ignore_ascii_case("NotConfigured")).map(IfacePattern::exact);
                settings.open_interfaces.extend(patterns.map(|p| (p, place)));
            }
            return Ok(());
        }
        Effect::On(store, switch) => boolean(first).map_err(wrong)?.map(|on| (store, switch, on)),
        Effect::Off(store, switch) => boolean(first).map_err(wrong)?.map(|on| (store, switch, !on)),
        Effect::Blocks(switch) => action(first).map_err(wrong)?.map(|blocks| (Store::Local, switch, blocks)),
    };
    if let Some((store, switch, on)) = set {
        policy.set(store, profile, switch, on, place, draft);
    }
    Ok(())
}

/// `GpoBoolean`; `None` where nothing is configured.
fn boolean(text: &str) -> crate::dialect::windows::values::Read<Option<bool>> {
    let words = [("True", Some(true)), ("1", Some(true)), ("False", Some(false)), ("0", Some(false))];
    word(text, "setting", &[words.as_slice(), &[("NotConfigured", None), ("2", None)]].concat())
}

/// Whether an action blocks; `None` where nothing is configured.
fn action(text: &str) -> crate::dialect::windows::values::Read<Option<bool>> {
    let words = [("Block", Some(true)), ("4", Some(true)), ("Allow", Some(false)), ("2", Some(false))];
    word(text, "default action", &[words.as_slice(), &[("NotConfigured", None), ("0", None)]].concat())
}
