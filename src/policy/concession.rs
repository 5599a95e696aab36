//! What a policy concedes in writing: conditions taken as known, findings that are tolerated for a while, and
//! severities that differ from the default.

use super::class::read_code;
use super::instant::Date;
use super::roster::read_date_key;
use super::selector::DeviceSelection;
use crate::document::{Fields, Problems, Spanned};
use crate::finding::{Code, Severity, Standing};
use crate::ruleset::Span;
use wildmatch::WildMatch;

/// An opaque condition taken as known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// A glob over canonical names.
    pub condition: String,
    /// What it is taken to be.
    pub holds: bool,
    /// Why.
    pub reason: String,
    /// The devices for which it is assumed.
    pub devices: DeviceSelection,
    /// Where it is written.
    pub span: Span,
}

impl Assumption {
    /// Whether it speaks about the condition of this canonical name. One that names no occurrence (` #n`) speaks
    /// about all of them.
    pub fn covers(&self, condition: &str) -> bool {
        let glob = WildMatch::new(&self.condition);
        let whole = condition.rsplit_once(" #").map_or(condition, |(whole, _)| whole);
        glob.matches(condition) || glob.matches(whole)
    }
}

/// A finding that is tolerated until a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// The kind of finding.
    pub code: &'static Code,
    /// Only where it is about this requirement or prohibition (glob).
    pub requirement: Option<String>,
    /// Only on these devices.
    pub devices: DeviceSelection,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds, in UTC.
    pub expires: Date,
    /// Where it is written.
    pub span: Span,
}

impl Waiver {
    /// Whether it tolerates a finding of `code` about `requirement` on a device with these roles, expired or not.
    /// A finding without a requirement is met only by a waiver that names none; one without a device likewise.
    pub fn covers(&self, code: &Code, requirement: Option<&str>, device: Option<(&str, &[String])>) -> bool {
        let same_requirement = match (&self.requirement, requirement) {
            (None, _) => true,
            (Some(glob), Some(id)) => WildMatch::new(glob).matches(id),
            (Some(_), None) => false,
        };
        let same_device = match device {
            Some((name, roles)) => self.devices.selects(name, roles),
            None => self.devices.entries.is_none(),
        };
        self.code == code && same_requirement && same_device
    }
}

/// A severity that differs from the code's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeverityRule {
    /// The kind of finding.
    pub code: &'static Code,
    /// What it weighs.
    pub severity: Severity,
    /// Where it is written.
    pub span: Span,
}

/// Reads one `[[assume]]`.
pub(super) fn read_assumption(mut fields: Fields<'_>) -> Option<Assumption> {
    let span = fields.span;
    let condition = fields.need_text("condition");
    fields.need("holds");
    let holds = fields.boolean("holds");
    let reason = fields.need_text("reason");
    let devices = DeviceSelection::read(&mut fields);
    fields.finish();
    Some(Assumption { condition: condition?.value, holds: holds?, reason: reason?.value, devices, span })
}

/// Reads one `[[waive]]`.
pub(super) fn read_waiver(mut fields: Fields<'_>) -> Option<Waiver> {
    let span = fields.span;
    fields.need("code");
    let code = fields.parsed("code", read_code).filter(|c| check_excusable(c, fields.problems()));
    let requirement = fields.text("requirement").map(|r| r.value);
    let devices = DeviceSelection::read(&mut fields);
    let reason = fields.need_text("reason");
    let owner = fields.need_text("owner");
    fields.need("expires");
    let expires = read_date_key(&mut fields, "expires");
    fields.finish();
    let (reason, owner) = (reason?.value, owner?.value);
    Some(Waiver { code: code?.value, requirement, devices, reason, owner, expires: expires?, span })
}

/// Reads `[severity]`.
pub(super) fn read_severities(fields: &mut Fields<'_>, into: &mut Vec<SeverityRule>) {
    let Some(table) = fields.table("severity", "[severity]") else { return };
    let problems = table.problems();
    for (key, node) in table.entries() {
        let code = crate::document::parsed_text(key, read_code, problems);
        let code = code.filter(|c| check_adjustable(c, "given another severity", problems));
        let crate::document::Value::Text(text) = &node.value else {
            problems.note(node.span, format!("a severity is {} instead of a text", node.value.kind()), None);
            continue;
        };
        let choices = Severity::ALL.map(|s| (s.name(), s));
        let text = Spanned::new(text.clone(), node.span);
        let severity =
            crate::document::parsed_text(&text, |t| crate::document::choose("severity", t, &choices), problems);
        let (Some(code), Some(severity)) = (code, severity) else { continue };
        if into.iter().any(|rule| rule.code == code.value) {
            problems.note(key.span, format!("the severity of `{}` is given twice", code.value.name), None);
        }
        into.push(SeverityRule { code: code.value, severity: severity.value, span: key.span });
    }
}

fn check_excusable(code: &Spanned<&'static Code>, problems: &Problems) -> bool {
    if code.value.standing == Standing::Adjustable && !code.value.is_excusable() {
        let message = format!("findings of `{}` cannot be waived", code.value.name);
        problems.report(code.span, message, "they are about waivers; `[severity]` can make them milder");
        return false;
    }
    check_adjustable(code, "waived", problems)
}

fn check_adjustable(code: &Spanned<&'static Code>, what: &str, problems: &Problems) -> bool {
    if code.value.standing == Standing::Fixed {
        let message = format!("findings of `{}` cannot be {what}", code.value.name);
        problems.report(code.span, message, format!("`fwgate explain {}` says how to mend them", code.value.id));
    }
    code.value.standing == Standing::Adjustable
}
