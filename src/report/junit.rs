//! JUnit: requirements and prohibitions as test cases, every other finding as one more, for the servers that draw test
//! results. There is no standard; this is the part that all readers agree about.

use super::check_json::is_refused;
use super::format::{CheckView, DiffView, Format, LintView};
use super::human::{
    RouteView, change_words, finding_human, headline_of_check, headline_of_lint, open_rules, route_lines,
};
use super::markup::escaped;
use super::{Colour, FilterView};
use crate::finding::{Finding, Severity};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "junit",
    about: "XML, one test case a requirement or finding",
    is_commands: false,
    check: |view| Ok(check(view)),
    diff: |view| Ok(diff(view)),
    lint: |view| Ok(lint(view)),
    change: None,
};

/// One test case.
struct Case {
    name: String,
    /// File and line, where there is one.
    place: Option<(String, u32)>,
    /// Type, message and text, where it fails.
    failure: Option<[String; 3]>,
    /// What is worth knowing though it does not fail.
    remark: String,
}

/// Cases that belong together.
struct Suite {
    name: &'static str,
    cases: Vec<Case>,
}

fn check(view: &CheckView<'_>) -> String {
    let (findings, fail_on) = (&view.report.findings, view.frame.fail_on);
    let about = |id: &str| findings.iter().filter(|f| f.requirement.as_deref() == Some(id)).collect::<Vec<_>>();
    let rules = |rules: &[crate::policy::FlowRule]| -> Vec<Case> {
        rules.iter().map(|r| case(r.id.clone(), &about(&r.id), fail_on)).collect()
    };
    let (required, forbidden) = (rules(&view.policy.requirements), rules(&view.policy.prohibitions));
    let of_routes = view.policy.routes.iter().map(|r| r.id.as_str());
    let told: Vec<&str> = required.iter().chain(&forbidden).map(|c| c.name.as_str()).chain(of_routes).collect();
    let rest = findings.iter().filter(|f| f.requirement.as_deref().is_none_or(|id| !told.contains(&id)));
    let mut rest: Vec<Case> = rest.map(|f| case(title(f), &[f], fail_on)).collect();
    number(&mut rest);
    if rest.is_empty() && !is_refused(view.report, view.frame) {
        rest.push(case(headline_of_check(view.report, view.frame), &[], fail_on));
    }
    let demands: Vec<Case> = view.policy.routes.iter().map(|r| case(r.id.clone(), &about(&r.id), fail_on)).collect();
    let changed = view.report.routes.iter().map(|r| {
        let lines = route_lines(&RouteView { device: &r.device, old: &r.old, new: &r.new, diff: &r.diff });
        let place = lines.iter().find_map(|l| l.place.clone());
        let remark = lines.into_iter().map(|l| l.text).collect::<Vec<_>>().join("\n");
        Case { name: format!("{} routes", r.device), place, failure: None, remark }
    });
    let suites = [
        ("requirements", required),
        ("prohibitions", forbidden),
        ("routes", demands),
        ("findings", rest),
        ("changed routes", changed.collect()),
    ];
    document("fwgate check", suites.map(|(name, cases)| Suite { name, cases }).into_iter())
}

/// Each finding is a case, and what was left open one more; where there is neither, the answer is the case.
fn lint(view: &LintView<'_>) -> String {
    let mut cases: Vec<Case> = view.findings.iter().map(|f| case(title(f), &[f], view.fail_on)).collect();
    number(&mut cases);
    if let [head, rules @ ..] = open_rules(view).as_slice() {
        cases.push(Case { name: head.clone(), place: None, failure: None, remark: rules.join("\n") });
    }
    if cases.is_empty() {
        cases.push(case(headline_of_lint(view), &[], view.fail_on));
    }
    document("fwgate lint", std::iter::once(Suite { name: "findings", cases }))
}

/// The case of something, with all findings about it. It fails where one of them weighs at least `fail_on`.
fn case(name: String, findings: &[&Finding], fail_on: Option<Severity>) -> Case {
    let fails = |f: &&&Finding| fail_on.is_some_and(|least| f.severity >= least);
    let text = |findings: &mut dyn Iterator<Item = &&Finding>| {
        findings.map(|f| finding_human(f, Colour::Never)).collect::<Vec<_>>().join("\n")
    };
    let failing: Vec<&&Finding> = findings.iter().filter(fails).collect();
    let place = findings.iter().find_map(|f| f.location.as_ref()).filter(|l| !l.file.is_empty());
    Case {
        name,
        place: place.map(|l| (l.file.clone(), l.line.max(1))),
        failure: failing.first().map(|f| [f.code.id.to_owned(), f.message.clone(), text(&mut failing.iter().copied())]),
        remark: text(&mut findings.iter().filter(|f| !fails(f))),
    }
}

/// Cases of one name get numbers: readers take equal names for one case.
fn number(cases: &mut [Case]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for case in cases {
        let count = seen.entry(case.name.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            case.name = format!("{} ({count})", case.name);
        }
    }
}

/// `FW206 opened-to-any: edge1 filter/FORWARD IPv4`.
fn title(finding: &Finding) -> String {
    let family = finding.family.map(|f| f.to_string());
    let about: Vec<&str> =
        [finding.requirement.as_deref(), finding.device.as_deref(), finding.filter.as_deref(), family.as_deref()]
            .into_iter()
            .flatten()
            .collect();
    let about = if about.is_empty() { String::new() } else { format!(": {}", about.join(" ")) };
    format!("{} {}{about}", finding.code.id, finding.code.name)
}

/// Each filter is a case: that every packet ends as before.
fn diff(view: &DiffView<'_>) -> String {
    let case = |filter: FilterView<'_>| {
        let lines: Vec<String> = filter.diff.changes.iter().map(|c| change_words(&filter, c)).collect();
        let failure = lines.first().map(|first| ["effect".to_owned(), first.clone(), lines.join("\n")]);
        let name = format!("{} {} {} {}", filter.pair.name, filter.hook, filter.family, filter.name);
        let open = (!filter.diff.complete).then(|| "the bound was reached: not every packet was compared".to_owned());
        let failure = failure.or(open.map(|text| ["incomplete".to_owned(), text.clone(), text]));
        Case { name, place: None, failure, remark: String::new() }
    };
    let routed = |routes: &super::RouteView<'_>| {
        let found = route_lines(routes);
        let place = found.iter().find_map(|l| l.place.clone());
        let lines: Vec<String> = found.into_iter().map(|l| l.text).collect();
        let failure = lines.first().map(|first| ["route".to_owned(), first.clone(), lines.join("\n")]);
        Case { name: format!("{} routes", routes.device), place, failure, remark: String::new() }
    };
    let routes = view.routes.iter().filter(|r| r.is_there()).map(routed);
    let cases = view.filters().map(case).chain(routes).collect();
    document("fwgate diff", std::iter::once(Suite { name: "every packet is treated as before", cases }))
}

fn document(name: &str, suites: impl Iterator<Item = Suite>) -> String {
    let suites: Vec<Suite> = suites.filter(|s| !s.cases.is_empty()).collect();
    let all = || suites.iter().flat_map(|s| &s.cases);
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ = writeln!(out, "<testsuites name=\"{name}\" {}>", counts(all()));
    for suite in &suites {
        let _ = writeln!(out, "  <testsuite name=\"{}\" {}>", suite.name, counts(suite.cases.iter()));
        suite.cases.iter().for_each(|case| out += &element(name, suite.name, case));
        out += "  </testsuite>\n";
    }
    out + "</testsuites>\n"
}

fn counts<'c>(cases: impl Iterator<Item = &'c Case>) -> String {
    let (mut tests, mut failures) = (0, 0);
    cases.for_each(|c| (tests, failures) = (tests + 1, failures + usize::from(c.failure.is_some())));
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\"")
}

fn element(command: &str, suite: &str, case: &Case) -> String {
    let place = case.place.as_ref().map(|(file, line)| format!(" file=\"{}\" line=\"{line}\"", escaped(file)));
    let mut out = format!(
        "    <testcase classname=\"{}.{suite}\" name=\"{}\"{}",
        command.replace(' ', "."),
        escaped(&case.name),
        place.unwrap_or_default()
    );
    if case.failure.is_none() && case.remark.is_empty() {
        return out + "/>\n";
    }
    out += ">\n";
    if let Some([kind, message, text]) = &case.failure {
        let (message, text) = (escaped(message), lines(text));
        let _ = writeln!(out, "      <failure type=\"{kind}\" message=\"{message}\">{text}</failure>");
    }
    if !case.remark.is_empty() {
        let _ = writeln!(out, "      <system-out>{}</system-out>", lines(&case.remark));
    }
    out + "    </testcase>\n"
}

/// Several lines, each escaped.
fn lines(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("\n")
}
