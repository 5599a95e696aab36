//! Classes of change and what each of them needs before it may go, as it is written.

use super::instant::read_duration;
use super::names::{Names, is_name};
use super::selector::DeviceSelection;
use crate::document::{Fields, Problems, Spanned, Wrong, choose, did_you_mean};
use crate::finding::{Code, all_codes, code_by_name};
use crate::ruleset::Span;
use std::time::Duration;

/// The class of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeClass {
    /// The full path.
    Normal,
    /// By a template that was approved with the policy.
    Standard,
    /// Now, and reviewed afterwards.
    Emergency,
    /// Inside the lab.
    Test,
    /// Of the policy itself.
    Policy,
}

const CLASSES: [(&str, ChangeClass); 5] = [
    ("normal", ChangeClass::Normal),
    ("standard", ChangeClass::Standard),
    ("emergency", ChangeClass::Emergency),
    ("test", ChangeClass::Test),
    ("policy", ChangeClass::Policy),
];

impl ChangeClass {
    /// All classes with their names.
    pub const ALL: [(&'static str, ChangeClass); 5] = CLASSES;

    /// The name as files write it.
    pub fn name(self) -> &'static str {
        CLASSES.iter().find(|(_, c)| *c == self).map_or("", |(n, _)| *n)
    }

    pub(super) fn read(text: &str) -> Result<ChangeClass, Wrong> {
        choose("class", text, &CLASSES)
    }
}

/// How a change is staged before production sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Staging {
    /// Loaded in a kernel namespace of its own.
    Namespace,
    /// Loaded on a staging device.
    Device,
    /// Not staged.
    None,
}

const STAGINGS: [(&str, Staging); 3] =
    [("namespace", Staging::Namespace), ("device", Staging::Device), ("none", Staging::None)];

/// So many approvals of persons with this role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// The role.
    pub role: Spanned<String>,
    /// How many, at least one.
    pub count: u32,
}

/// A quorum that is added where the effect is wider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlsoQuorum {
    /// Where a finding of this code is among the results.
    pub when: Option<&'static Code>,
    /// Where the effect touches one of these named ranges.
    pub touches: Vec<Spanned<String>>,
    /// What it adds.
    pub quorum: Vec<Quorum>,
    /// Where it is written.
    pub span: Span,
}

/// What a single person may do in an emergency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solo {
    /// The devices for which it holds.
    pub devices: DeviceSelection,
    /// Where it is written.
    pub span: Span,
}

/// What a class of change needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassRule {
    /// The class.
    pub class: ChangeClass,
    /// Approvals, all of them.
    pub quorum: Vec<Quorum>,
    /// Further approvals under conditions.
    pub also: Vec<AlsoQuorum>,
    /// How it is staged.
    pub staging: Option<Staging>,
    /// Shortest time between its announcement and its window.
    pub lead_time: Option<Duration>,
    /// How long an approval counts.
    pub approval_lifetime: Option<Duration>,
    /// How long a permit can be spent.
    pub permit_lifetime: Option<Duration>,
    /// Whether approvals survive a rebase that keeps the meaning.
    pub carry_over: Option<bool>,
    /// When the review afterwards is due.
    pub review_due: Option<Duration>,
    /// Whether one person is enough (emergencies only).
    pub solo: Option<Solo>,
    /// Where it is written.
    pub span: Span,
}

/// Reads `[class.*]`.
pub(super) fn read_classes(fields: &Fields<'_>, names: &Names) -> Vec<ClassRule> {
    let problems = fields.problems();
    let mut out = Vec::new();
    for (name, node) in fields.entries() {
        let Some(class) = crate::document::parsed_text(name, ChangeClass::read, problems) else { continue };
        let what = format!("[class.{}]", name.value);
        if let Some(fields) = Fields::of(node, &what, problems) {
            let span = Span { end: fields.span.end, ..fields.span };
            out.push(read_class(class.value, span, fields, names));
        }
    }
    out
}

fn read_class(class: ChangeClass, span: Span, mut fields: Fields<'_>, names: &Names) -> ClassRule {
    let duration = |fields: &mut Fields<'_>, key| fields.parsed(key, read_duration).map(|d| d.value);
    let rule = ClassRule {
        class,
        quorum: read_quorum(&mut fields),
        also: fields.tables("also", "`also` of a class").into_iter().map(|f| read_also(f, names)).collect(),
        staging: fields.one_of("staging", &STAGINGS).map(|s| s.value),
        lead_time: duration(&mut fields, "lead_time"),
        approval_lifetime: duration(&mut fields, "approval_lifetime"),
        permit_lifetime: duration(&mut fields, "permit_lifetime"),
        carry_over: fields.boolean("carry_over"),
        review_due: duration(&mut fields, "review_due"),
        solo: if class == ChangeClass::Emergency { read_solo(&mut fields) } else { None },
        span,
    };
    fields.finish();
    rule
}

fn read_solo(fields: &mut Fields<'_>) -> Option<Solo> {
    let mut solo = fields.table("solo", "`solo` of a class")?;
    let rule = Solo { devices: DeviceSelection::read(&mut solo), span: solo.span };
    solo.finish();
    Some(rule)
}

/// Reads the key `quorum`.
pub(super) fn read_quorum(fields: &mut Fields<'_>) -> Vec<Quorum> {
    fields.need("quorum");
    fields.tables("quorum", "an entry of `quorum`").into_iter().filter_map(read_part).collect()
}

fn read_part(mut fields: Fields<'_>) -> Option<Quorum> {
    let problems = fields.problems();
    let role = fields.need_text("role").filter(|r| check_role(r, problems));
    fields.need("count");
    let count = fields.integer("count");
    fields.finish();
    let count = count?;
    let Some(number) = u32::try_from(count.value).ok().filter(|n| (1..=100).contains(n)) else {
        problems.note(count.span, format!("`count` is {} instead of a number from 1 to 100", count.value), None);
        return None;
    };
    Some(Quorum { role: role?, count: number })
}

/// Whether the name of a role is made of characters that cannot be confused; reports it otherwise.
pub(super) fn check_role(role: &Spanned<String>, problems: &Problems) -> bool {
    if !is_name(&role.value) {
        let help = "a role is a letter followed by letters, digits, `-`, `_` or `.`";
        problems.report(role.span, format!("`{}` is no name of a role", role.value), help);
    }
    is_name(&role.value)
}

fn read_also(mut fields: Fields<'_>, names: &Names) -> AlsoQuorum {
    let span = fields.span;
    let problems = fields.problems();
    let when = fields.parsed("when", read_code).map(|c| c.value);
    let touches = fields.texts("touches").unwrap_or_default();
    for range in touches.iter().filter(|r| !names.ranges().contains_key(&r.value)) {
        let help = did_you_mean(&range.value, names.ranges().keys().map(String::as_str));
        let help = help.unwrap_or_else(|| "give it under [ranges]".into());
        problems.report(range.span, format!("unknown range `{}`", range.value), help);
    }
    if when.is_none() && touches.is_empty() {
        problems.note(span, "`also` of a class has neither `when` nor `touches`", None);
    }
    let quorum = read_quorum(&mut fields);
    fields.finish();
    AlsoQuorum { when, touches, quorum, span }
}

/// A code by id or name.
pub(super) fn read_code(text: &str) -> Result<&'static Code, Wrong> {
    let unknown = || {
        let known = all_codes().flat_map(|c| [c.name, c.id]);
        let help = did_you_mean(text, known).unwrap_or_else(|| "`fwgate explain` lists all codes".into());
        Wrong::new(format!("unknown finding `{text}`"), help)
    };
    code_by_name(text).ok_or_else(unknown)
}
