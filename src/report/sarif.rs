//! SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), within what GitHub's code scanning takes: at most
//! 5,000 results and 10 MB are shown, names and descriptions have lengths, and every result needs a place. What is left out is
//! said in the run's notifications.

use super::check_json::is_refused;
use super::format::{CheckView, DiffView, Format, LintView};
use super::human::{RouteLine, RouteView, change_words, packet_words, place_words, route_lines};
use super::json::json_text;
use super::markup::shortened;
use super::{FilterView, visible};
use crate::diff::{Change, DevicePair, EffectKind};
use crate::finding::{Code, Finding, Severity, explain, fingerprints};
use crate::routes::RouteChangeKind;
use serde_json::{Value, json};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "sarif",
    about: "SARIF 2.1.0, for code scanning",
    is_commands: false,
    check: |view| json_text(&check(view)),
    diff,
    lint: |view| json_text(&lint(view)),
    change: None,
};

/// Most results that GitHub shows of one run; of more it takes the gravest.
const MOST_RESULTS: usize = 5_000;
/// Most bytes of all results; GitHub takes 10 MB of the compressed file.
const MOST_BYTES: usize = 9_000_000;
/// Longest description of a rule.
const LONGEST_DESCRIPTION: usize = 1_000;
/// Longest message of a result.
const LONGEST_MESSAGE: usize = 2_000;

fn check(view: &CheckView<'_>) -> Value {
    let (rules, results) = of_findings(&view.report.findings, view.pairs);
    let verdict = if is_refused(view.report, view.frame) { "refused" } else { "passed" };
    let properties = json!({
        "verdict": verdict,
        "baseline": visible(&view.frame.baseline),
        "proposed": visible(&view.frame.proposed),
        "digest": view.frame.digest,
    });
    // What changes for routes and is no finding is said beside the results: annotations are for what somebody has to mend.
    run("check", rules, results, route_notices(view), properties)
}

fn lint(view: &LintView<'_>) -> Value {
    let (rules, results) = of_findings(view.findings, view.pairs);
    let open = view.open.iter().map(|l| {
        format!("{}:{}: the search was given up, so this rule may still be superfluous", visible(&l.file), l.line)
    });
    let properties = json!({"complete": view.open.is_empty(), "devices": view.pairs.len(), "rules": view.rules()});
    run("lint", rules, results, open.collect(), properties)
}

/// The rules that findings break, and the findings, the gravest first.
fn of_findings(findings: &[Finding], pairs: &[DevicePair<'_>]) -> (Vec<Value>, Vec<Value>) {
    let prints = fingerprints(findings);
    let mut findings: Vec<(&Finding, &String)> = findings.iter().zip(&prints).collect();
    findings.sort_by_key(|(f, _)| std::cmp::Reverse(f.severity));
    let mut codes: Vec<&Code> = findings.iter().map(|(f, _)| f.code).collect();
    codes.sort_by_key(|c| c.id);
    codes.dedup();
    let index = |code: &Code| codes.iter().position(|c| *c == code).unwrap_or_default();
    let results = findings.iter().map(|(f, print)| result(f, print, index(f.code), pairs)).collect();
    (codes.into_iter().map(rule).collect(), results)
}

/// Every change of routes of a check, in one line each.
fn route_notices(view: &CheckView<'_>) -> Vec<String> {
    let routes = &view.report.routes;
    let lines = routes
        .iter()
        .flat_map(|r| route_lines(&RouteView { device: &r.device, old: &r.old, new: &r.new, diff: &r.diff }));
    lines.map(|l| format!("{}: routes: {}", visible(&l.device), l.text)).collect()
}

/// The whole document, with as many results as there is room for.
fn run(command: &str, rules: Vec<Value>, results: Vec<Value>, mut notices: Vec<String>, properties: Value) -> Value {
    let (all, results) = (results.len(), fitting(results));
    if results.len() < all {
        let left = all - results.len();
        notices.insert(
            0,
            format!("{left} of {all} results are left out: the gravest are kept; `--format json` has them all"),
        );
    }
    let notices = notices.iter().map(|text| json!({"level": "warning", "message": {"text": text}}));
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "fwgate", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "automationDetails": {"id": format!("fwgate/{command}/")},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": notices.collect::<Vec<_>>()}],
            "results": results,
            "properties": properties,
        }],
    })
}

/// The first results, within both limits.
fn fitting(results: Vec<Value>) -> Vec<Value> {
    let mut bytes = 0;
    let fits = |result: &Value| {
        bytes += result.to_string().len();
        bytes <= MOST_BYTES
    };
    results.into_iter().take(MOST_RESULTS).take_while(fits).collect()
}

fn rule(code: &Code) -> Value {
    let page = explain(code.id).unwrap_or_default();
    json!({
        "id": code.id,
        "name": pascal_case(code.name),
        "shortDescription": {"text": code.summary},
        "fullDescription": {"text": shortened(code.page.what, LONGEST_DESCRIPTION)},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": code.severity.name()},
        "properties": {
            "tags": ["security", "firewall"],
            "precision": "very-high",
            "security-severity": security_severity(code.severity),
        },
    })
}

/// High, medium and low on GitHub's scale, which is that of CVSS.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "8.0",
        Severity::Warning => "5.0",
        Severity::Note => "2.0",
    }
}

fn pascal_case(name: &str) -> String {
    let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split('-').filter(|w| !w.is_empty()).map(word).collect()
}

fn result(finding: &Finding, print: &str, index: usize, pairs: &[DevicePair<'_>]) -> Value {
    let help = finding.help.as_ref().map(|h| format!(" To mend it: {h}.")).unwrap_or_default();
    let packet = finding.witness.as_ref().map(|p| format!(" Packet: {}.", packet_words(p))).unwrap_or_default();
    let message = shortened(&visible(&format!("{}.{packet}{help}", finding.message)), LONGEST_MESSAGE);
    let mut out = json!({
        "ruleId": finding.code.id,
        "ruleIndex": index,
        "kind": "fail",
        "level": finding.severity.name(),
        "message": {"text": message},
        "locations": [location(finding, pairs)],
        "partialFingerprints": {"fwgate/v1": print, "primaryLocationLineHash": format!("{print}:1")},
        "properties": {
            "device": finding.device.as_deref().map(visible),
            "hook": finding.hook.map(|h| h.name()),
            "family": finding.family.map(|f| f.number()),
            "requirement": finding.requirement.as_deref().map(visible),
        },
    });
    let excuse = match (&finding.waived, finding.known) {
        (Some(w), _) => Some(format!("{} ({}, until {})", w.reason, w.owner, w.expires)),
        (None, Some(_)) => Some("listed in the file of known findings".to_owned()),
        (None, None) => None,
    };
    if let Some(excuse) = excuse {
        let excuse = visible(&excuse).into_owned();
        out["suppressions"] = json!([{"kind": "external", "status": "accepted", "justification": excuse}]);
    }
    out
}

/// A place, because a result without one is not shown: that of the finding, else the beginning of its device's first file.
fn location(finding: &Finding, pairs: &[DevicePair<'_>]) -> Value {
    let (file, line, text) = match finding.location.as_ref().filter(|l| !l.file.is_empty()) {
        Some(l) => (l.file.clone(), l.line.max(1), l.text.clone()),
        None => (first_file(finding.device.as_deref(), pairs), 1, String::new()),
    };
    let names = [finding.device.as_deref(), finding.filter.as_deref()];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join("/");
    let mut out = physical(&file, line, &text);
    if !name.is_empty() {
        out["logicalLocations"] = json!([{"fullyQualifiedName": visible(&name), "kind": "module"}]);
    }
    out
}

fn physical(file: &str, line: u32, text: &str) -> Value {
    let mut region = json!({"startLine": line});
    if !text.is_empty() {
        region["snippet"] = json!({"text": visible(&crate::finding::excerpt(text.lines().next().unwrap_or_default()))});
    }
    json!({"physicalLocation": {"artifactLocation": {"uri": relative_uri(file)}, "region": region}})
}

fn first_file(device: Option<&str>, pairs: &[DevicePair<'_>]) -> String {
    let pair = pairs.iter().find(|p| device.is_none_or(|d| p.name == d));
    let sides = pair.into_iter().flat_map(|p| [p.new, p.old]).flatten();
    let file = sides.flat_map(|r| r.sources.iter()).map(|s| s.name.to_string()).find(|n| !n.is_empty());
    file.unwrap_or_else(|| "fwgate.toml".to_owned())
}

/// A path as a relative reference (RFC 3986 section 4.2): everything but unreserved characters and `/` is encoded.
fn relative_uri(path: &str) -> String {
    let byte = |b: u8| match b {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(b).to_string(),
        b'\\' => "/".to_owned(),
        other => format!("%{other:02X}"),
    };
    path.bytes().map(byte).collect()
}

fn diff(view: &DiffView<'_>) -> serde_json::Result<String> {
    let filters: Vec<FilterView<'_>> = view.filters().collect();
    let changes = filters.iter().flat_map(|f| f.diff.changes.iter().map(move |c| (f, c)));
    let routes = view.route_lines().filter_map(|line| route_effect(&line, view.pairs));
    let results = changes.map(|(filter, change)| effect(filter, change, view.pairs)).chain(routes).collect();
    let open = (!view.is_complete()).then(|| "the bound was reached: not every packet was compared".to_owned());
    let structure = view.diffs.iter().flat_map(|d| &d.structure).map(|s| visible(&s.message).into_owned());
    let properties = json!({"equivalent": view.is_equivalent(), "complete": view.is_complete()});
    let rules = EffectKind::ALL.map(effect_rule).into_iter().chain(RouteChangeKind::ALL.map(route_rule)).collect();
    let routes = view.route_lines().filter(|l| l.kind.is_none());
    let routes = routes.map(|l| format!("{}: {}", visible(&l.device), l.text));
    json_text(&run("diff", rules, results, open.into_iter().chain(structure).chain(routes).collect(), properties))
}

fn route_rule(kind: RouteChangeKind) -> Value {
    let (summary, what) = match kind {
        RouteChangeKind::Lost => ("destinations have no route any more", "There was a route, and there is none."),
        RouteChangeKind::Gained => ("destinations have a route that had none", "There was no route, and there is one."),
        RouteChangeKind::Blackholed => ("destinations are discarded", "Packets went on, and are discarded."),
        RouteChangeKind::Restored => ("destinations are reached again", "Packets were discarded, and go on."),
        RouteChangeKind::Captured => {
            ("another route takes destinations over", "A more specific route, or another table, sends them elsewhere.")
        }
        RouteChangeKind::Rerouted => ("destinations go another way", "Packets go to another next hop."),
        RouteChangeKind::Altered => {
            ("destinations go the same way otherwise", "Another source address, limit or share, or another refusal.")
        }
    };
    json!({
        "id": format!("route-{}", kind.name()),
        "name": format!("Route{}", pascal_case(kind.name())),
        "shortDescription": {"text": summary},
        "fullDescription": {"text": what},
        "help": {"text": what, "markdown": what},
        "defaultConfiguration": {"level": "note"},
        "properties": {"tags": ["routes"], "precision": "very-high"},
    })
}

/// A change of routes, at the line that decides; `None` where only one side gives routes, which is no change of any line.
fn route_effect(line: &RouteLine, pairs: &[DevicePair<'_>]) -> Option<Value> {
    let kind = line.kind?;
    let place = match &line.place {
        Some((file, number)) => physical(file, *number, &line.quoted),
        None => physical(&first_file(Some(&line.device), pairs), 1, ""),
    };
    let index = RouteChangeKind::ALL.iter().position(|k| *k == kind).unwrap_or_default() + EffectKind::ALL.len();
    Some(json!({
        "ruleId": format!("route-{}", kind.name()),
        "ruleIndex": index,
        "kind": "fail",
        "level": "note",
        "message": {"text": shortened(&format!("{} routes: {}", visible(&line.device), line.text), LONGEST_MESSAGE)},
        "locations": [place],
        "properties": {"device": visible(&line.device), "family": line.family.number()},
    }))
}

fn effect_rule(kind: EffectKind) -> Value {
    let (summary, what) = match kind {
        EffectKind::Opened => ("packets pass that did not pass", "The change lets packets through that were refused."),
        EffectKind::Closed => ("packets are refused that passed", "The change refuses packets that were let through."),
        EffectKind::Refusal => ("packets are refused in another way", "Refused before and after, and told otherwise."),
        EffectKind::Translated => ("packets are translated otherwise", "Passing before and after, to other ends."),
    };
    json!({
        "id": format!("effect-{}", kind.name()),
        "name": format!("Effect{}", pascal_case(kind.name())),
        "shortDescription": {"text": summary},
        "fullDescription": {"text": what},
        "help": {"text": what, "markdown": what},
        "defaultConfiguration": {"level": "note"},
        "properties": {"tags": ["firewall"], "precision": "very-high"},
    })
}

fn effect(filter: &FilterView<'_>, change: &Change, pairs: &[DevicePair<'_>]) -> Value {
    let [old, new] = filter.ends(change);
    let rule = [&new.rule, &old.rule].into_iter().find(|r| !r.file.is_empty());
    let place = match rule {
        Some(rule) => physical(&rule.file, rule.line.max(1), &rule.text),
        None => physical(&first_file(Some(filter.pair.name), pairs), 1, ""),
    };
    let was = place_words(&old.rule);
    let was = if was.is_empty() { String::new() } else { format!(" (decided before at {was})") };
    let index = EffectKind::ALL.iter().position(|k| *k == change.effect).unwrap_or_default();
    json!({
        "ruleId": format!("effect-{}", change.effect.name()),
        "ruleIndex": index,
        "kind": "fail",
        "level": "note",
        "message": {"text": shortened(&format!("{}{was}", change_words(filter, change)), LONGEST_MESSAGE)},
        "locations": [place],
        "properties": {"device": visible(filter.pair.name), "hook": filter.hook.name(), "family": filter.family.number()},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references_that_name_the_same_file() {
        assert_eq!(relative_uri("devices/edge 1/rules.v4"), "devices/edge%201/rules.v4");
        assert_eq!(relative_uri("javascript:x?y#z"), "javascript%3Ax%3Fy%23z");
        assert_eq!(relative_uri("a\u{202e}\\b"), "a%E2%80%AE/b");
    }

    #[test]
    fn what_is_left_out_is_said() {
        let results = vec![json!({"message": {"text": "x"}}); MOST_RESULTS + 3];
        let document = run("check", Vec::new(), results, Vec::new(), json!({}));
        let run = &document["runs"][0];
        assert_eq!(run["results"].as_array().map(Vec::len), Some(MOST_RESULTS));
        let notice = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str();
        assert_eq!(notice, Some("3 of 5003 results are left out: the gravest are kept; `--format json` has them all"));
        let large = vec![json!({"message": {"text": "x".repeat(MOST_BYTES / 2)}}); 3];
        assert_eq!(fitting(large).len(), 1);
    }
}
