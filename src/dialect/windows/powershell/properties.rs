//! Properties of `MSFT_NetFirewallRule` and of its filters, with the numbers that `ConvertTo-Json` writes for their
//! enumerations ("MSFT_NetFirewallRule class", Microsoft Learn).

use super::{Members, SCRIPT, text_of, texts};
use crate::dialect::windows::form::{End, Form, Setter};
use crate::dialect::windows::policy::{Policy, Store};
use crate::dialect::windows::registry::{placed, program};
use crate::dialect::windows::rule::{Protection, Remote};
use crate::dialect::windows::support::Reading;
use crate::dialect::windows::values::{Read, Wrong, boolean, word};
use crate::dialect::{Draft, Problem, nearest};
use crate::document::{JsonValue, Member};
use crate::ruleset::Span;

/// A property.
pub struct Property {
    /// Its name; any case is understood.
    pub name: &'static str,
    /// Another name of the same property; the same where there is none.
    pub also: &'static str,
    /// The filter cmdlet whose objects have it, without `Get-NetFirewall`; the empty text for rules themselves.
    pub of: &'static str,
    /// How it is read.
    pub reading: Reading,
    /// Remarks for the documentation.
    pub says: &'static str,
    set: Setter,
}

/// `name/also` names both.
const fn own(name: &'static str, reading: Reading, set: Setter, says: &'static str) -> Property {
    Property { name, also: name, of: "", reading, says, set }
}

const fn of(
    of: &'static str,
    names: (&'static str, &'static str),
    reading: Reading,
    set: Setter,
    says: &'static str,
) -> Property {
    Property { name: names.0, also: names.1, of, reading, says, set }
}

use Reading::{Condition, Exact, Silent};

const PORT: &str = "PortFilter";
const ADDRESS: &str = "AddressFilter";
const APPLICATION: &str = "ApplicationFilter";
const SERVICE: &str = "ServiceFilter";
const INTERFACE: &str = "InterfaceFilter";
const INTERFACE_TYPE: &str = "InterfaceTypeFilter";
const SECURITY: &str = "SecurityFilter";

/// Every property that a rule's meaning follows from.
pub const PROPERTIES: &[Property] = &[
    own("Enabled", Exact, enabled, "`True` or 1, `False` or 2"),
    own("Direction", Exact, Form::direction, "`Inbound` or 1, `Outbound` or 2"),
    own("Action", Exact, Form::action, "`Allow` or 2, `Block` or 4"),
    of("", ("Profile", "Profiles"), Exact, Form::profile, "names, or 1, 2 and 4 added up; 0 is any"),
    own("EdgeTraversalPolicy", Silent, edge, "noted, as `Edge` of rule strings"),
    of("", ("LooseSourceMapping", "LSM"), Silent, |_, v| boolean(v).map(|_| ()), "which answers pass"),
    own("LocalOnlyMapping", Exact, Form::local_only, "an allow rule then ignores remote addresses and ports"),
    own("Owner", Condition, |f, v| f.condition("owner", v), "condition `owner: ...`"),
    of("", ("Platform", "Platforms"), Condition, platform, "condition `platform: ...`"),
    own("PackageFamilyName", Condition, |f, v| f.condition("package family", v), "condition `package family: ...`"),
    own("RemoteDynamicKeywordAddresses", Condition, dynamic_keyword, "condition `dynamic keyword: ...`"),
    of(PORT, ("Protocol", "Protocol"), Exact, Form::protocol, "by name or number"),
    of(PORT, ("LocalPort", "LocalPort"), Exact, |f, v| f.port(End::Local, v), ""),
    of(PORT, ("RemotePort", "RemotePort"), Exact, |f, v| f.port(End::Remote, v), ""),
    of(PORT, ("IcmpType", "IcmpType"), Exact, |f, v| f.message(None, v), "`type` or `type:code`"),
    of(PORT, ("DynamicTarget", "DynamicTransport"), Condition, trust, "condition `trust tuple: ...`"),
    of(ADDRESS, ("LocalAddress", "LocalIP"), Exact, |f, v| f.address(End::Local, None, v), ""),
    of(
        ADDRESS,
        ("RemoteAddress", "RemoteIP"),
        Exact,
        |f, v| f.address(End::Remote, None, v),
        "keywords may end in 4 or 6",
    ),
    of(APPLICATION, ("Program", "AppPath"), Condition, |f, v| f.condition("app", &program(v)), "condition `app: ...`"),
    of(APPLICATION, ("Package", "Package"), Condition, |f, v| f.condition("package", v), "condition `package: ...`"),
    of(SERVICE, ("Service", "ServiceName"), Condition, service, "condition `service: ...`"),
    of(INTERFACE, ("InterfaceAlias", "InterfaceAlias"), Exact, Form::interface, "by name"),
    of(
        INTERFACE_TYPE,
        ("InterfaceType", "InterfaceType"),
        Condition,
        interface_type,
        "condition `interface type: ...`",
    ),
    of(
        SECURITY,
        ("Authentication", "Authentication"),
        Condition,
        authentication,
        "condition `ipsec authenticated: ...`",
    ),
    of(SECURITY, ("Encryption", "Encryption"), Condition, encryption, "with it"),
    of(SECURITY, ("OverrideBlockRules", "OverrideBlockRules"), Exact, Form::overrides_blocks, "authenticated bypass"),
    of(
        SECURITY,
        ("LocalUser", "LocalUsers"),
        Condition,
        |f, v| f.condition("local user", v),
        "condition `local user: ...`",
    ),
    of(
        SECURITY,
        ("RemoteUser", "RemoteUsers"),
        Condition,
        |f, v| f.authorized(Remote::User, v),
        "part of `ipsec authenticated: ...`",
    ),
    of(
        SECURITY,
        ("RemoteMachine", "RemoteMachines"),
        Condition,
        |f, v| f.authorized(Remote::Machine, v),
        "part of `ipsec authenticated: ...`",
    ),
];

/// Properties whose values are text, in which a comma separates nothing.
const FREE_TEXT: [&str; 8] =
    ["Program", "Package", "Owner", "LocalUser", "RemoteUser", "RemoteMachine", "PackageFamilyName", "InterfaceAlias"];

/// Properties that say nothing about packets: names, groups, and what every CIM object has.
const SILENT: &[&str] = &[
    "Name",
    "ID",
    "DisplayName",
    "Description",
    "Group",
    "DisplayGroup",
    "RuleGroup",
    "InstanceID",
    "Caption",
    "ElementName",
    "CommonName",
    "PolicyKeywords",
    "PolicyDecisionStrategy",
    "PolicyRoles",
    "ConditionListType",
    "CreationClassName",
    "ExecutionStrategy",
    "Mandatory",
    "PolicyRuleName",
    "Priority",
    "RuleUsage",
    "SequencedActions",
    "SystemCreationClassName",
    "SystemName",
    "EnforcementStatus",
    "PolicyStoreSource",
    "PrimaryStatus",
    "Status",
    "StatusCode",
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
    "StatusDescriptions",
    "PolicyAppId",
];

/// Whether a property is one of a filter's.
pub fn is_of_filter(name: &str) -> bool {
    find(name).is_some_and(|p| !p.of.is_empty())
}

fn find(name: &str) -> Option<&'static Property> {
    PROPERTIES.iter().find(|p| [p.name, p.also].iter().any(|n| n.eq_ignore_ascii_case(name)))
}

/// Reads a rule with the properties of its filters.
pub fn read(members: &Members, whole: Span, policy: &mut Policy, draft: &mut Draft) {
    let name = ["DisplayName", "Name", "InstanceID"].into_iter().find_map(|key| text_of(members, key)).unwrap_or("?");
    let place =
        ["DisplayName", "Name", "InstanceID"].into_iter().find_map(|key| member(members, key)).map_or(whole, whole_of);
    let mut problems = missing_filters(members, name, place);
    let mut form = Form::default();
    let mut store = Store::Local;
    for member in members {
        let read = match member.key.as_str() {
            "PolicyStoreSourceType" => store_of(member).map(|found| store = found),
            "IsNegated" => negation(member),
            _ => property(member, &mut form),
        };
        problems.extend(read.err());
    }
    if !problems.is_empty() {
        return problems.into_iter().for_each(|p| draft.refuse(p));
    }
    let id = text_of(members, "InstanceID").or(text_of(members, "Name")).unwrap_or(name);
    match form.finish() {
        Ok(rule) => policy.add(store, id, place, rule, draft),
        Err(wrong) => draft.refuse(placed(wrong, place)),
    }
}

fn member<'m>(members: &'m Members, name: &str) -> Option<&'m Member> {
    members.iter().find(|m| m.key.eq_ignore_ascii_case(name))
}

/// Key and value, where they stand in one line.
fn whole_of(member: &Member) -> Span {
    Span { end: member.value.span.end, ..member.span }
}

/// A rule without one of its filters would match too much.
fn missing_filters(members: &Members, name: &str, place: Span) -> Vec<Problem> {
    let filters = [PORT, ADDRESS, APPLICATION, SERVICE, INTERFACE, INTERFACE_TYPE, SECURITY];
    let is_there = |filter: &&&str| members.iter().any(|m| find(&m.key).is_some_and(|p| p.of == **filter));
    let missing: Vec<&str> = filters.iter().filter(|f| !is_there(f)).copied().collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let message = format!("the rule `{name}` has no properties of {}", missing.join(", "));
    vec![Problem::new(place, message).help(SCRIPT)]
}

fn property(member: &Member, form: &mut Form) -> Result<(), Problem> {
    let Some(property) = find(&member.key) else {
        if SILENT.iter().any(|s| s.eq_ignore_ascii_case(&member.key)) {
            return Ok(());
        }
        let near = nearest(&member.key, PROPERTIES.iter().map(|p| p.name)).map(|n| format!("did you mean `{n}`?"));
        return Err(Problem::new(member.span, format!("unknown property `{}`", member.key)).help_if(near));
    };
    let span = member.value.span;
    let Some(texts) = texts(&member.value) else {
        return Err(Problem::new(span, format!("`{}` is no list of texts", member.key)).help(SCRIPT));
    };
    let free = FREE_TEXT.contains(&property.name);
    let parts = texts.iter().flat_map(|t| if free { vec![t.as_str()] } else { t.split(',').map(str::trim).collect() });
    parts.into_iter().try_for_each(|part| (property.set)(form, part)).map_err(|wrong| placed(wrong, span))
}

/// Rules of other stores (MDM, generated ones) are merged as group policy's are: the machine cannot overrule them.
fn store_of(member: &Member) -> Result<Store, Problem> {
    let names = [("Local", Store::Local), ("1", Store::Local), ("Dynamic", Store::Group), ("3", Store::Group)];
    let more = [("GroupPolicy", Store::Group), ("2", Store::Group), ("Generated", Store::Group), ("4", Store::Group)];
    let rest = [("Hardcoded", Store::Group), ("5", Store::Group), ("MDM", Store::Group), ("6", Store::Group)];
    let names = [names.as_slice(), &more, &rest].concat();
    let found = texts(&member.value).unwrap_or_default();
    match found.as_slice() {
        [] => Ok(Store::Local),
        [one, ..] => word(one, "policy store", &names).map_err(|wrong| placed(wrong, member.value.span)),
    }
}

fn negation(member: &Member) -> Result<(), Problem> {
    match &member.value.value {
        JsonValue::Boolean(false) | JsonValue::Null => Ok(()),
        _ => Err(Problem::new(member.span, "negated filters are not read")),
    }
}

fn enabled(form: &mut Form, text: &str) -> Read<()> {
    form.active(word(text, "state of a rule", &[("True", "TRUE"), ("1", "TRUE"), ("False", "FALSE"), ("2", "FALSE")])?)
}

fn edge(form: &mut Form, text: &str) -> Read<()> {
    let no = "FALSE";
    let words = [("Block", no), ("0", no), ("Allow", "TRUE"), ("1", "TRUE"), ("DeferToUser", "TRUE"), ("2", "TRUE")];
    let words = [words.as_slice(), &[("DeferToApp", "TRUE"), ("3", "TRUE")]].concat();
    form.crosses_edge(word(text, "policy of edge traversal", &words)?)
}

/// `6.2`, or `6.2+` for later ones, too; 2 is the platform of Windows NT.
fn platform(form: &mut Form, text: &str) -> Read<()> {
    let (number, or_later) = text.strip_suffix('+').map_or((text, false), |number| (number, true));
    let Some((major, minor)) = number.split_once('.') else {
        return Err(Wrong::new(format!("`{text}` is no platform")).help("a platform is `major.minor`, or with `+`"));
    };
    form.platform(&format!("2:{major}:{minor}"))?;
    if or_later { form.platform_operator("GTEQ") } else { Ok(()) }
}

fn dynamic_keyword(form: &mut Form, text: &str) -> Read<()> {
    form.condition("dynamic keyword", &text.to_ascii_uppercase())
}

fn trust(form: &mut Form, text: &str) -> Read<()> {
    let words = [
        ("ProximityApps", "Proximity"),
        ("ProximitySharing", "ProxSharing"),
        ("WifiDirectPrinting", "WFDPrint"),
        ("WifiDirectDisplay", "WFDDisplay"),
        ("WifiDirectDevices", "WFDDevices"),
    ];
    let numbers =
        [("1", "Proximity"), ("2", "ProxSharing"), ("3", "WFDPrint"), ("4", "WFDDisplay"), ("5", "WFDDevices")];
    match text {
        "0" => Ok(()),
        _ => form.condition("trust tuple", word(text, "dynamic target", &[words, numbers].concat())?),
    }
}

fn service(form: &mut Form, text: &str) -> Read<()> {
    form.condition("service", &text.to_ascii_lowercase())
}

fn interface_type(form: &mut Form, text: &str) -> Read<()> {
    let words = [("Wired", "lan"), ("Lan", "lan"), ("1", "lan"), ("Wireless", "wireless"), ("2", "wireless")];
    let words = [words.as_slice(), &[("RemoteAccess", "remote access"), ("4", "remote access")]].concat();
    match text {
        "0" => Ok(()),
        _ => form.condition("interface type", word(text, "type of interface", &words)?),
    }
}

fn authentication(form: &mut Form, text: &str) -> Read<()> {
    demand(
        form,
        text,
        [("NotRequired", "0"), ("Required", "1"), ("NoEncap", "2")],
        [Protection::Authenticated, Protection::Unencapsulated],
    )
}

fn encryption(form: &mut Form, text: &str) -> Read<()> {
    demand(
        form,
        text,
        [("NotRequired", "0"), ("Required", "1"), ("Dynamic", "2")],
        [Protection::Encrypted, Protection::Negotiated],
    )
}

/// The first word is no demand.
fn demand(form: &mut Form, text: &str, words: [(&'static str, &'static str); 3], demands: [Protection; 2]) -> Read<()> {
    let [none, one, two] = words;
    let [first, second] = demands;
    let named = [(none, None), (one, Some(first)), (two, Some(second))];
    let table: Vec<(&str, Option<Protection>)> =
        named.iter().flat_map(|((name, number), demand)| [(*name, *demand), (*number, *demand)]).collect();
    match word(text, "demand on security", &table)? {
        Some(protection) => form.protection(protection),
        None => Ok(()),
    }
}
