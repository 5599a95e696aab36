//! Lines of a rule in the listing of `netsh advfirewall firewall show rule`.

use super::{Line, is_end};
use crate::dialect::windows::form::{End, Form, Setter};
use crate::dialect::windows::policy::{Policy, Store};
use crate::dialect::windows::registry::{placed, program};
use crate::dialect::windows::rule::Protection;
use crate::dialect::windows::support::Reading;
use crate::dialect::windows::values::{Read, word};
use crate::dialect::{Draft, Problem, nearest};

/// A line by its word.
pub struct Label {
    /// The word before the colon.
    pub name: &'static str,
    /// How it is read.
    pub reading: Reading,
    /// Remarks for the documentation.
    pub says: &'static str,
    /// Whether commas separate values.
    list: bool,
    set: Setter,
}

const fn label(name: &'static str, reading: Reading, set: Setter, says: &'static str) -> Label {
    Label { name, reading, says, list: true, set }
}

const fn text(name: &'static str, reading: Reading, set: Setter, says: &'static str) -> Label {
    Label { name, reading, says, list: false, set }
}

use Reading::{Condition, Exact, Silent};

/// Every line.
pub const LABELS: &[Label] = &[
    text("Description", Silent, |_, _| Ok(()), ""),
    label("Enabled", Exact, Form::active, "`Yes` or `No`"),
    label("Direction", Exact, Form::direction, "`In` or `Out`"),
    label("Profiles", Exact, Form::profile, ""),
    text("Grouping", Silent, |_, _| Ok(()), ""),
    label("LocalIP", Exact, |f, v| f.address(End::Local, None, v), ""),
    label("RemoteIP", Exact, |f, v| f.address(End::Remote, None, v), "keywords as in rule strings"),
    label("Protocol", Exact, Form::protocol, "types and codes of messages follow in lines of their own"),
    label("LocalPort", Exact, |f, v| f.port(End::Local, v), ""),
    label("RemotePort", Exact, |f, v| f.port(End::Remote, v), ""),
    label("Edge traversal", Silent, edge, "noted, as `Edge` of rule strings"),
    text("Program", Condition, |f, v| f.condition("app", &program(v)), "condition `app: ...`"),
    text("Service", Condition, |f, v| f.condition("service", &v.to_ascii_lowercase()), "condition `service: ...`"),
    label("InterfaceTypes", Condition, interface_type, "condition `interface type: ...`"),
    label("Security", Condition, security, "condition `ipsec authenticated: ...`"),
    text("Rule source", Silent, |_, _| Ok(()), "the store: local, or group policy"),
    label("Action", Exact, Form::action, "`Allow`, `Block`, `Bypass`"),
];

/// The name of the rule that a line begins.
pub fn heading<'t>(line: &Line<'t>) -> Option<&'t str> {
    line.text.strip_prefix("Rule Name:").map(str::trim)
}

/// The lines of one rule.
pub struct RuleText<'t> {
    /// Its name.
    pub name: &'t str,
    /// The line that gives it.
    pub heading: &'t Line<'t>,
    /// The lines below.
    pub lines: &'t [Line<'t>],
}

impl RuleText<'_> {
    /// Reads the rule.
    pub fn read(&self, policy: &mut Policy, draft: &mut Draft) {
        let mut form = Form::default();
        let mut store = Store::Local;
        let mut problems: Vec<Problem> =
            self.lines.iter().filter_map(|l| self.line(l, &mut form, &mut store).err()).collect();
        if !self.lines.iter().any(|l| l.text.starts_with("Security:")) {
            let problem = Problem::new(
                self.heading.span,
                format!("the rule `{}` is listed without all its conditions", self.name),
            );
            problems.push(problem.help("add `verbose` to `netsh advfirewall firewall show rule name=all`"));
        }
        if !problems.is_empty() {
            return problems.into_iter().for_each(|p| draft.refuse(p));
        }
        // Names are no names here: several rules can have the same one.
        let id = format!("{} (line {})", self.name, self.heading.span.line);
        match form.finish() {
            Ok(rule) => policy.add(store, &id, self.heading.span, rule, draft),
            Err(wrong) => draft.refuse(placed(wrong, self.heading.span)),
        }
    }

    fn line(&self, line: &Line<'_>, form: &mut Form, store: &mut Store) -> Result<(), Problem> {
        if line.continues {
            return message(line, form);
        }
        if is_end(line) {
            return Ok(());
        }
        let (name, value) = line.text.split_once(':').unwrap_or((line.text, ""));
        let Some(label) = LABELS.iter().find(|l| l.name.eq_ignore_ascii_case(name.trim())) else {
            let near = nearest(name, LABELS.iter().map(|l| l.name)).map(|n| format!("did you mean `{n}`?"));
            return Err(Problem::new(line.span, format!("unknown line `{name}` of a rule")).help_if(near));
        };
        let value = value.trim();
        if label.name == "Rule source" && !value.to_ascii_lowercase().starts_with("local") {
            *store = Store::Group;
        }
        if value.is_empty() || value.eq_ignore_ascii_case("any") {
            return Ok(());
        }
        let values: Vec<&str> = if label.list { value.split(',').map(str::trim).collect() } else { vec![value] };
        values.into_iter().try_for_each(|v| (label.set)(form, v)).map_err(|wrong| placed(wrong, line.span))
    }
}

/// `8       Any` below `Type    Code`; other continued lines belong to texts.
fn message(line: &Line<'_>, form: &mut Form) -> Result<(), Problem> {
    let words: Vec<&str> = line.text.split_whitespace().collect();
    match words.as_slice() {
        ["Type", "Code"] => Ok(()),
        ["Any", "Any"] => Ok(()),
        [kind, code] if kind.bytes().all(|b| b.is_ascii_digit()) => {
            form.message(None, &format!("{kind}:{code}")).map_err(|wrong| placed(wrong, line.span))
        }
        _ => Err(Problem::new(line.span, "this line continues nothing that is known")),
    }
}

fn edge(form: &mut Form, text: &str) -> Read<()> {
    let words = [("No", "FALSE"), ("Yes", "TRUE"), ("Defer to application", "TRUE"), ("Defer to user", "TRUE")];
    form.crosses_edge(word(text, "policy of edge traversal", &words)?)
}

fn interface_type(form: &mut Form, text: &str) -> Read<()> {
    let words = [("LAN", "lan"), ("Wireless", "wireless"), ("RAS", "remote access"), ("RemoteAccess", "remote access")];
    form.condition("interface type", word(text, "type of interface", &words)?)
}

/// The words of `security=` ("netsh advfirewall", Microsoft Learn).
fn security(form: &mut Form, text: &str) -> Read<()> {
    let words = [
        ("NotRequired", None),
        ("Authenticate", Some(Protection::Authenticated)),
        ("AuthEnc", Some(Protection::Encrypted)),
        ("AuthDynEnc", Some(Protection::Negotiated)),
        ("AuthNoEncap", Some(Protection::Unencapsulated)),
    ];
    match word(text, "demand on security", &words)? {
        Some(protection) => form.protection(protection),
        None => Ok(()),
    }
}
