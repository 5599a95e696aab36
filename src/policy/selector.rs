//! Which devices, hooks and interfaces a part of the policy speaks about.

use super::names::is_name;
use crate::document::{Fields, Problems, Spanned, Wrong, did_you_mean};
use crate::packet::{IfacePattern, Ranges};
use crate::ruleset::{Hook, Span};
use wildmatch::WildMatch;

/// One entry of `devices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceSelector {
    /// Devices whose name matches the glob (`*` and `?`).
    Name(String),
    /// Devices that have this role: `role:NAME`; or belong to this group: `group:NAME`, which stays in front.
    Role(String),
}

/// A list of `devices`, or every device where the key is absent.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeviceSelection {
    /// The entries; `None` selects every device, an empty list none.
    pub entries: Option<Vec<Spanned<DeviceSelector>>>,
}

impl DeviceSelection {
    /// Whether a device of this name and with these roles is selected.
    pub fn selects(&self, name: &str, roles: &[String]) -> bool {
        let matches = |entry: &Spanned<DeviceSelector>| match &entry.value {
            DeviceSelector::Name(glob) => WildMatch::new(glob).matches(name),
            DeviceSelector::Role(role) => roles.contains(role),
        };
        self.entries.as_ref().is_none_or(|entries| entries.iter().any(matches))
    }

    /// One device, by its name.
    pub(super) fn of_device(name: &str) -> DeviceSelection {
        let entry = Spanned::new(DeviceSelector::Name(name.to_owned()), crate::ruleset::Span::default());
        DeviceSelection { entries: Some(vec![entry]) }
    }

    /// Reads the key `devices`.
    pub(super) fn read(fields: &mut Fields<'_>) -> DeviceSelection {
        let problems = fields.problems();
        let read = |text: Spanned<String>| crate::document::parsed_text(&text, read_selector, problems);
        DeviceSelection { entries: fields.texts("devices").map(|all| all.into_iter().filter_map(read).collect()) }
    }
}

fn read_selector(text: &str) -> Result<DeviceSelector, Wrong> {
    match text.split_once(':') {
        Some(("role", role)) if is_name(role) => Ok(DeviceSelector::Role(role.to_owned())),
        Some(("role", role)) => Err(Wrong::new(format!("`{role}` is no name of a role"), "write `role:NAME`")),
        Some(("group", group)) if !group.is_empty() => Ok(DeviceSelector::Role(text.to_owned())),
        Some((kind, _)) => {
            let help = did_you_mean(kind, ["role", "group"])
                .unwrap_or_else(|| "write a device's name, a glob, `role:NAME` or `group:NAME`".into());
            Err(Wrong::new(format!("unknown kind of selector `{kind}`"), help))
        }
        None if text.is_empty() => Err(Wrong::new("the name of a device is empty", "write `*` for every device")),
        None => Ok(DeviceSelector::Name(text.to_owned())),
    }
}

/// Where a flow is judged on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The hook at which the request is judged; the reply is judged at `Hook::reverse`.
    pub hook: Hook,
    /// The devices.
    pub devices: DeviceSelection,
    /// Interfaces by which the request comes in; `None` where nobody said.
    pub inputs: Option<Vec<IfacePattern>>,
    /// Interfaces by which the request goes out.
    pub outputs: Option<Vec<IfacePattern>>,
    /// Windows profiles, as values of `Field::Profile`; `None` for all of them.
    pub profiles: Option<Ranges>,
}

const HOOKS: [(&str, Hook); 3] = [("input", Hook::Input), ("forward", Hook::Forward), ("output", Hook::Output)];
const PROFILES: [(&str, u128); 3] = [("domain", 0), ("private", 1), ("public", 2)];

impl Place {
    /// Reads `hook`, `devices`, `in`, `out` and `profile`.
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Place> {
        fields.need("hook");
        let hook = fields.one_of("hook", &HOOKS);
        let devices = DeviceSelection::read(fields);
        let inputs = read_interfaces(fields, "in");
        let outputs = read_interfaces(fields, "out");
        let profiles = read_profiles(fields);
        let hook = hook?.value;
        let problems = fields.problems();
        check_side(&inputs, "in", hook == Hook::Output, problems);
        check_side(&outputs, "out", hook == Hook::Input, problems);
        let patterns = |side: Option<Interfaces>| side.map(|s| s.patterns);
        Some(Place { hook, devices, inputs: patterns(inputs), outputs: patterns(outputs), profiles })
    }
}

impl Place {
    /// Reads `devices`, `in` and `out` of what passes between hosts.
    pub(super) fn read_between(fields: &mut Fields<'_>) -> Place {
        let devices = DeviceSelection::read(fields);
        let inputs = read_interfaces(fields, "in").map(|side| side.patterns);
        let outputs = read_interfaces(fields, "out").map(|side| side.patterns);
        Place { hook: Hook::Forward, devices, inputs, outputs, profiles: None }
    }
}

struct Interfaces {
    span: Option<Span>,
    patterns: Vec<IfacePattern>,
}

fn read_interfaces(fields: &mut Fields<'_>, key: &'static str) -> Option<Interfaces> {
    let problems = fields.problems();
    let texts = fields.texts(key)?;
    let span = texts.first().map(|t| t.span);
    let read = |text: &Spanned<String>| crate::document::parsed_text(text, read_interface, problems).map(|p| p.value);
    Some(Interfaces { span, patterns: texts.iter().filter_map(read).collect() })
}

/// An interface name, or with `+` or `*` at its end all names that begin so.
pub(super) fn read_interface(text: &str) -> Result<IfacePattern, Wrong> {
    let (name, prefix) = match text.strip_suffix(['+', '*']) {
        Some(name) => (name, true),
        None => (text, false),
    };
    let fits = name.len() <= 255 && !name.contains(|c: char| c.is_control() || c == '*' || c == '+');
    if !fits || (name.is_empty() && !prefix) {
        let help = "write a name such as `eth0`, or `eth+` for all that begin so";
        return Err(Wrong::new(format!("`{text}` is no interface"), help));
    }
    Ok(IfacePattern { name: name.to_owned(), prefix })
}

fn check_side(side: &Option<Interfaces>, key: &str, impossible: bool, problems: &Problems) {
    if let Some(span) = side.as_ref().filter(|_| impossible).and_then(|s| s.span) {
        let (hook, other) = if key == "in" { ("output", "out") } else { ("input", "in") };
        let message = format!("packets of the hook `{hook}` have no interface `{key}`");
        problems.report(span, message, format!("use `{other}`"));
    }
}

fn read_profiles(fields: &mut Fields<'_>) -> Option<Ranges> {
    let problems = fields.problems();
    let texts = fields.texts("profile")?;
    let read = |text: &Spanned<String>| {
        crate::document::parsed_text(text, |t| crate::document::choose("profile", t, &PROFILES), problems)
    };
    Some(Ranges::from_values(texts.iter().filter_map(read).map(|p| p.value)))
}
