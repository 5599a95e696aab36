//! JSON Lines: the verdict or the summary in the first line, then one line for each finding or change
//! (`fwgate.check-line/1`, `fwgate.diff-line/1`, `fwgate.lint-line/1`).

use super::format::{CheckView, DiffView, Format, LintView};
use super::json::{diff_document, json_line};
use super::{CheckDocument, DiffDocument, LintDocument};
use serde::Serialize;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "jsonl",
    about: "JSON Lines: the verdict, then one line a finding",
    is_commands: false,
    check,
    diff,
    lint,
    change: None,
};

const CHECK_LINE: &str = "fwgate.check-line/1";
const DIFF_LINE: &str = "fwgate.diff-line/1";
const LINT_LINE: &str = "fwgate.lint-line/1";

/// One line: what it is, and everything that belongs to it.
#[derive(Serialize)]
struct Line<'a, T> {
    schema: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    what: &'a T,
}

/// The head of a check's document, without its findings.
#[derive(Serialize)]
struct Verdict<'a> {
    verdict: &'static str,
    findings: usize,
    devices: usize,
    rules: usize,
    judged: &'a super::check_json::WrittenJudged,
    policy_source: &'static str,
    digest: &'a str,
}

/// The head of a diff's document.
#[derive(Serialize)]
struct Summary {
    equivalent: bool,
    complete: bool,
    changes: usize,
}

/// The head of what rulesets show by themselves.
#[derive(Serialize)]
struct Looked {
    complete: bool,
    findings: usize,
    devices: usize,
    rules: usize,
}

fn lint(view: &LintView<'_>) -> serde_json::Result<String> {
    let LintDocument { complete, findings, open, .. } = LintDocument::of(view.findings, view.open);
    let head = Looked { complete, findings: findings.len(), devices: view.pairs.len(), rules: view.rules() };
    let mut out = json_line(&Line { schema: LINT_LINE, kind: "summary", what: &head })?;
    for finding in &findings {
        out += &json_line(&Line { schema: LINT_LINE, kind: "finding", what: finding })?;
    }
    for rule in &open {
        out += &json_line(&Line { schema: LINT_LINE, kind: "open", what: rule })?;
    }
    Ok(out)
}

fn check(view: &CheckView<'_>) -> serde_json::Result<String> {
    let document = CheckDocument::of(view.report, view.frame);
    let CheckDocument { verdict, findings, devices, rules, judged, policy_source, digest, .. } = &document;
    let head =
        Verdict { verdict, findings: findings.len(), devices: *devices, rules: *rules, judged, policy_source, digest };
    let mut out = json_line(&Line { schema: CHECK_LINE, kind: "verdict", what: &head })?;
    for assumption in &document.assumptions {
        out += &json_line(&Line { schema: CHECK_LINE, kind: "assumption", what: assumption })?;
    }
    for finding in findings {
        out += &json_line(&Line { schema: CHECK_LINE, kind: "finding", what: finding })?;
    }
    Ok(out)
}

fn diff(view: &DiffView<'_>) -> serde_json::Result<String> {
    let document = diff_document(view);
    let DiffDocument { equivalent, complete, structure, changes, .. } = &document;
    let head = Summary { equivalent: *equivalent, complete: *complete, changes: changes.len() };
    let mut out = json_line(&Line { schema: DIFF_LINE, kind: "summary", what: &head })?;
    for one in structure {
        out += &json_line(&Structure { schema: DIFF_LINE, kind: "structure", structure: one })?;
    }
    for change in changes {
        out += &json_line(&Line { schema: DIFF_LINE, kind: "change", what: change })?;
    }
    for route in document.routes.iter().flatten() {
        out += &json_line(&Line { schema: DIFF_LINE, kind: "route", what: route })?;
    }
    Ok(out)
}

/// What became of a container: it has a `kind` of its own, and stands apart.
#[derive(Serialize)]
struct Structure<'a> {
    schema: &'static str,
    kind: &'static str,
    structure: &'a super::WrittenStructure,
}
