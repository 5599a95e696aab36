//! Rule strings ([MS-GPFAS] 2.2.2.19): `v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=445|...|`.

use super::text::{Piece, Value};
use crate::dialect::windows::form::{End, Form, Setter};
use crate::dialect::windows::rule::{Protection, Remote, Rule};
use crate::dialect::windows::support::Reading;
use crate::dialect::windows::values::{Read, Wrong, word};
use crate::dialect::{Problem, nearest};
use crate::packet::Family;

/// A key of rule strings.
pub struct Key {
    /// Its name; any case is understood.
    pub name: &'static str,
    /// Whether it can stand more than once.
    pub many: bool,
    /// How it is read.
    pub reading: Reading,
    /// Remarks for the documentation.
    pub says: &'static str,
    set: Setter,
}

const fn once(name: &'static str, reading: Reading, set: Setter, says: &'static str) -> Key {
    Key { name, many: false, reading, says, set }
}

const fn many(name: &'static str, reading: Reading, set: Setter, says: &'static str) -> Key {
    Key { name, many: true, reading, says, set }
}

use Reading::{Condition, Exact, Silent};

/// Every key of [MS-GPFAS] 2.2.2.19, and those that newer versions write.
pub const KEYS: &[Key] = &[
    once("Action", Exact, Form::action, "`Allow`, `Block`, `ByPass`"),
    once("Dir", Exact, Form::direction, "`In` is `input`, `Out` is `output`"),
    once("Active", Exact, Form::active, "a rule without it is off"),
    many("Profile", Exact, Form::profile, "without it: every profile"),
    once("Protocol", Exact, Form::protocol, "without it: any"),
    many("LPort", Exact, |f, v| ports(f, End::Local, v), "numbers; keywords as the device's facts say"),
    many("RPort", Exact, |f, v| ports(f, End::Remote, v), ""),
    many("LPort2_10", Exact, |f, v| ports(f, End::Local, v), "ranges"),
    many("RPort2_10", Exact, |f, v| ports(f, End::Remote, v), "ranges"),
    many("LPort2_20", Exact, |f, v| f.port(End::Local, v), "keywords"),
    many("LPort2_24", Exact, |f, v| f.port(End::Local, v), "keywords"),
    many("LPort2_25", Exact, |f, v| f.port(End::Local, v), "keywords"),
    many("RPort2_28", Exact, |f, v| f.port(End::Remote, v), "keywords"),
    many("LPort2_29", Exact, |f, v| f.port(End::Local, v), "keywords"),
    many("LA4", Exact, |f, v| f.address(End::Local, V4, v), "a rule with only IPv4 addresses never matches IPv6"),
    many("LA6", Exact, |f, v| f.address(End::Local, V6, v), "and the reverse"),
    many("RA4", Exact, |f, v| f.address(End::Remote, V4, v), "keywords as the device's facts say"),
    many("RA6", Exact, |f, v| f.address(End::Remote, V6, v), ""),
    many("RA42", Exact, |f, v| f.address(End::Remote, V4, v), "keywords"),
    many("RA62", Exact, |f, v| f.address(End::Remote, V6, v), "keywords"),
    many("ICMP4", Exact, |f, v| f.message(V4, v), "`type:code`"),
    many("ICMP6", Exact, |f, v| f.message(V6, v), ""),
    many("IF", Exact, Form::interface, "by GUID"),
    many("IFType", Condition, interface_type, "condition `interface type: ...`"),
    once("App", Condition, |f, v| f.condition("app", &program(v)), "condition `app: ...`"),
    once("Svc", Condition, |f, v| f.condition("service", &v.to_ascii_lowercase()), "condition `service: ...`"),
    once("LUAuth", Condition, |f, v| f.condition("local user", v), "condition `local user: ...`"),
    once("LUAuth2_24", Condition, |f, v| f.condition("local user", v), "as it is written, in base 64"),
    once("LUOwn", Condition, |f, v| f.condition("owner", v), "condition `owner: ...`"),
    once("AppPkgId", Condition, |f, v| f.condition("package", v), "condition `package: ...`"),
    once("PFN", Condition, |f, v| f.condition("package family", v), "condition `package family: ...`"),
    once("NNm", Condition, |f, v| f.condition("network name", v), "condition `network name: ...`"),
    once("Security", Condition, security, "condition `ipsec authenticated: ...`"),
    once("Security2_9", Condition, security, "with it"),
    once("Security2", Condition, security, "with it"),
    once("RMAuth", Condition, |f, v| f.authorized(Remote::Machine, v), "part of `ipsec authenticated: ...`"),
    once("RUAuth", Condition, |f, v| f.authorized(Remote::User, v), "part of `ipsec authenticated: ...`"),
    once("AuthByPassOut", Exact, Form::overrides_blocks, "authenticated bypass of outgoing traffic"),
    many("Platform", Condition, Form::platform, "condition `platform: ...`"),
    once("Platform2", Condition, Form::platform_operator, "with it"),
    once(
        "SkipVer",
        Condition,
        |f, v| f.condition("firewall version above", v),
        "condition `firewall version above: ...`",
    ),
    many("TTK", Condition, trust, "condition `trust tuple: ...`"),
    many("TTK2_22", Condition, trust, "as above"),
    many("TTK2_27", Condition, trust, "as above"),
    many("TTK2_28", Condition, trust, "as above"),
    once("LOM", Exact, Form::local_only, "an allow rule then ignores remote addresses and ports"),
    once("Edge", Silent, Form::crosses_edge, "noted: traffic out of a NAT traversal tunnel is taken as any other"),
    once(
        "Defer",
        Silent,
        |f, v| word(v, "way to defer", &[("App", ()), ("User", ())]).and_then(|()| f.crosses_edge("TRUE")),
        "as above",
    ),
    once("LSM", Silent, flag, "which answers pass"),
    once("PCross", Silent, flag, "which answers pass"),
    once("SecurityRealmId", Silent, nothing, "IPsec"),
    once("Name", Silent, nothing, ""),
    once("Desc", Silent, nothing, ""),
    once("EmbedCtxt", Silent, nothing, "the rule's group"),
];

const V4: Option<Family> = Some(Family::V4);
const V6: Option<Family> = Some(Family::V6);

/// Reads the rule string of a value.
///
/// # Errors
/// Every field that is not understood, or what the whole lacks, and versions that are not read.
pub fn read(value: &Value) -> Result<Rule, Vec<Problem>> {
    let problem = value.pieces('|').first().and_then(|version| check_version(version).err());
    match (problem, read_any_version(value)) {
        (None, read) => read,
        (Some(problem), read) => Err([problem].into_iter().chain(read.err().into_iter().flatten()).collect()),
    }
}

/// The same, whatever version the string says.
///
/// # Errors
/// As above.
pub fn read_any_version(value: &Value) -> Result<Rule, Vec<Problem>> {
    let mut pieces = value.pieces('|');
    let Some(last) = pieces.pop() else {
        return Err(vec![Problem::new(value.span, format!("the rule `{}` is no text", value.name))]);
    };
    if !last.text.is_empty() || pieces.is_empty() {
        let problem = Problem::new(last.span, format!("the rule `{}` breaks off: it does not end in `|`", value.name));
        return Err(vec![problem.help("export it again; a condition may be missing")]);
    }
    pieces.remove(0);
    let mut problems = Vec::new();
    let mut form = Form::default();
    let mut seen: Vec<&str> = Vec::new();
    for piece in &pieces {
        problems.extend(field(piece, &mut form, &mut seen).err());
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    form.finish().map_err(|wrong| vec![placed(wrong, value.span)])
}

/// A problem with a value, at its place.
pub fn placed(wrong: Wrong, span: crate::ruleset::Span) -> Problem {
    Problem::new(span, wrong.message).help_if(wrong.help)
}

/// Versions 2.0 and later of the second schema; a rule of another major version is ignored by the firewall as a whole
/// ([MS-FASP], `FW_RULE_STATUS_IGNORED`).
fn check_version(piece: &Piece) -> Result<(), Problem> {
    let number = piece.text.strip_prefix(['v', 'V']).and_then(|v| v.split_once('.'));
    match number.map(|(major, minor)| (major.parse::<u8>(), minor.parse::<u8>())) {
        Some((Ok(2), Ok(_))) => Ok(()),
        Some((Ok(_), Ok(_))) => {
            Err(Problem::new(piece.span, format!("rules of version `{}` are not read", piece.text)).help("known is v2"))
        }
        _ => Err(Problem::new(piece.span, format!("`{}` is no version of a rule", piece.text)).help("known is v2")),
    }
}

fn field<'p>(piece: &'p Piece, form: &mut Form, seen: &mut Vec<&'p str>) -> Result<(), Problem> {
    let Some((name, text)) = piece.text.split_once('=') else {
        return Err(
            Problem::new(piece.span, format!("`{}` is no field of a rule", piece.text)).help("fields are `key=value`")
        );
    };
    let Some(key) = KEYS.iter().find(|k| k.name.eq_ignore_ascii_case(name)) else {
        let near = nearest(name, KEYS.iter().map(|k| k.name)).map(|n| format!("did you mean `{n}`?"));
        return Err(Problem::new(piece.span, format!("unknown key `{name}` in a rule")).help_if(near));
    };
    if !key.many && seen.contains(&key.name) {
        return Err(Problem::new(piece.span, format!("`{name}` is given twice")).help("the rule can have it once"));
    }
    seen.push(key.name);
    (key.set)(form, text).map_err(|wrong| placed(wrong, piece.span))
}

/// A program's path: case does not count, and the usual places have one name each, so that forms which expand
/// variables agree with those which do not.
pub fn program(path: &str) -> String {
    const PLACES: [(&str, &str); 5] = [
        ("%windir%\\", "%systemroot%\\"),
        ("c:\\windows\\", "%systemroot%\\"),
        ("c:\\program files (x86)\\", "%programfiles(x86)%\\"),
        ("c:\\program files\\", "%programfiles%\\"),
        ("%systemdrive%\\", "c:\\"),
    ];
    let path = path.to_ascii_lowercase();
    let known = PLACES.iter().find_map(|(from, to)| Some(format!("{to}{}", path.strip_prefix(from)?)));
    known.unwrap_or(path)
}

/// Windows' own rules for services list ports with commas, beside the grammar.
fn ports(form: &mut Form, end: End, text: &str) -> Read<()> {
    text.split(',').try_for_each(|part| form.port(end, part.trim()))
}

fn interface_type(form: &mut Form, text: &str) -> Read<()> {
    let names = [("Lan", "lan"), ("Wireless", "wireless"), ("RemoteAccess", "remote access")];
    form.condition("interface type", word(text, "type of interface", &names)?)
}

fn security(form: &mut Form, text: &str) -> Read<()> {
    let words = [
        ("Authenticate", Protection::Authenticated),
        ("AuthenticateEncrypt", Protection::Encrypted),
        ("An-NoEncap", Protection::Unencapsulated),
        ("AnE-Nego", Protection::Negotiated),
    ];
    form.protection(word(text, "demand on security", &words)?)
}

/// [MS-GPFAS] 2.2.2.20.
fn trust(form: &mut Form, text: &str) -> Read<()> {
    const WORDS: [&str; 8] =
        ["Proximity", "ProxSharing", "WFDPrint", "WFDDisplay", "WFDDevices", "WFDKmDriver", "UPnP", "WFDCDPSvc"];
    form.condition("trust tuple", word(text, "trust tuple", &WORDS.map(|w| (w, w)))?)
}

fn flag(_: &mut Form, text: &str) -> Read<()> {
    crate::dialect::windows::values::boolean(text).map(|_| ())
}

fn nothing(_: &mut Form, _: &str) -> Read<()> {
    Ok(())
}
