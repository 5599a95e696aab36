//! GitHub's workflow commands: findings as annotations of a job. The runner shows ten of each kind and step, so the last of
//! ten says how many more there are. The first line is the verdict, as everywhere; it is no command.
//!
//! The step summary, which is Markdown, is written by the edge.

use super::format::{CheckView, DiffView, Format};
use super::human::{
    RouteLine, RouteView, change_words, headline_of_check, headline_of_diff, headline_of_lint, packet_words, place_of,
    route_lines,
};
use super::markup::shortened;
use super::{inert, visible};
use crate::finding::{Finding, Severity};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "github",
    about: "Annotations of a GitHub job, and its summary",
    is_commands: true,
    check: |view| Ok(check(view)),
    diff: |view| Ok(diff(view)),
    lint: |view| Ok(headline_of_lint(view) + "\n" + &annotations(view.findings, Vec::new())),
    change: None,
};

/// Most annotations of one kind that a step shows.
const MOST: usize = 10;
/// Longest message, in characters.
const LONGEST: usize = 4_000;

/// One annotation.
struct Annotation {
    /// File and line, where there is one.
    place: Option<(String, u32)>,
    title: String,
    /// Its lines.
    text: Vec<String>,
}

fn check(view: &CheckView<'_>) -> String {
    let told = annotations(&view.report.findings, rerouted(view));
    headline_of_check(view.report, view.frame) + "\n" + &told
}

/// The findings of each severity, the gravest first; further notes at the end.
fn annotations(findings: &[Finding], notes: Vec<Annotation>) -> String {
    let of = |severity: Severity, more: Vec<Annotation>| {
        let found = findings.iter().filter(|f| f.severity == severity).map(annotation);
        commands(command(severity), &found.chain(more).collect::<Vec<_>>())
    };
    let graver: String =
        Severity::ALL.into_iter().rev().filter(|s| *s != Severity::Note).map(|s| of(s, Vec::new())).collect();
    graver + &of(Severity::Note, notes)
}

/// Changes of routes at the lines of which no finding speaks.
fn rerouted(view: &CheckView<'_>) -> Vec<Annotation> {
    let told: Vec<(&str, u32)> =
        view.report.findings.iter().filter_map(|f| f.location.as_ref()).map(|l| (l.file.as_str(), l.line)).collect();
    let routes = &view.report.routes;
    let lines = routes
        .iter()
        .flat_map(|r| route_lines(&RouteView { device: &r.device, old: &r.old, new: &r.new, diff: &r.diff }));
    let is_new = |l: &RouteLine| l.place.as_ref().is_none_or(|(file, line)| !told.contains(&(file.as_str(), *line)));
    lines.filter(is_new).map(route_annotation).collect()
}

fn route_annotation(line: RouteLine) -> Annotation {
    Annotation { place: line.place, title: format!("{} routes", line.device), text: vec![line.text] }
}

fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    }
}

fn annotation(finding: &Finding) -> Annotation {
    let location = finding.location.as_ref().filter(|l| !l.file.is_empty());
    let mut text = vec![finding.message.clone()];
    text.extend(finding.witness.as_ref().map(|p| format!("packet: {}", packet_words(p))));
    text.extend(Some(place_of(finding)).filter(|p| !p.is_empty()).map(|p| format!("at: {p}")));
    text.extend(finding.waived.as_ref().map(|w| format!("waived: {} ({}, until {})", w.reason, w.owner, w.expires)));
    text.extend(finding.known.map(|_| "known: listed in the file of known findings".to_owned()));
    text.extend(finding.help.as_ref().map(|h| format!("help: {h}")));
    Annotation {
        place: location.map(|l| (l.file.clone(), l.line.max(1))),
        title: format!("{} {}", finding.code.id, finding.code.name),
        text,
    }
}

fn diff(view: &DiffView<'_>) -> String {
    let mut annotations = Vec::new();
    for filter in view.filters() {
        for change in &filter.diff.changes {
            let [old, new] = filter.ends(change);
            let rule = [new.rule, old.rule].into_iter().find(|r| !r.file.is_empty());
            annotations.push(Annotation {
                place: rule.map(|r| (r.file, r.line.max(1))),
                title: format!("{} {}", filter.pair.name, filter.name),
                text: vec![change_words(&filter, change)],
            });
        }
    }
    annotations.extend(view.route_lines().map(route_annotation));
    headline_of_diff(view) + "\n" + &commands("notice", &annotations)
}

fn commands(kind: &str, all: &[Annotation]) -> String {
    let shown = if all.len() > MOST { MOST - 1 } else { all.len() };
    let mut out: String = all.iter().take(shown).map(|a| one(kind, a)).collect();
    if shown < all.len() {
        let text = format!("and {} more; the job's summary lists them", all.len() - shown);
        out += &one(kind, &Annotation { place: None, title: "fwgate".to_owned(), text: vec![text] });
    }
    out
}

fn one(kind: &str, annotation: &Annotation) -> String {
    let place = annotation.place.as_ref().map(|(file, line)| format!("file={},line={line},", property(file)));
    let text: Vec<String> = annotation.text.iter().map(|l| data(&shortened(l, LONGEST))).collect();
    format!("::{kind} {}title={}::{}\n", place.unwrap_or_default(), property(&annotation.title), text.join("%0A"))
}

/// The text of a command: the runner decodes `%25`, `%0D` and `%0A`. Line breaks of the input are shown, not obeyed.
fn data(text: &str) -> String {
    inert(&visible(text)).replace('%', "%25")
}

/// A property of a command, where `:` and `,` end something as well.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Annotation {
        Annotation { place: Some((format!("a,b:c{text}"), 3)), title: text.to_owned(), text: vec![text.to_owned()] }
    }

    #[test]
    fn no_text_becomes_a_command_or_a_property() {
        let line = one("error", &plain("x\r\n::add-mask::y,line=9::z%0A::stop"));
        assert_eq!(line.lines().count(), 1, "{line}");
        assert_eq!(line.matches('\r').count(), 0);
        let head = line.strip_prefix("::error ").and_then(|rest| rest.split_once("::")).map(|(head, _)| head);
        let names: Vec<&str> = head.unwrap().split(',').map(|p| p.split_once('=').unwrap().0).collect();
        assert_eq!(names, ["file", "line", "title"]);
        assert!(line.contains("%250A") && !line.contains("z%0A"), "{line}");
    }

    #[test]
    fn the_tenth_says_how_many_more_there_are() {
        let all: Vec<Annotation> = (0..12).map(|n| plain(&n.to_string())).collect();
        let out = commands("error", &all);
        assert_eq!(out.lines().count(), 10);
        assert!(out.ends_with("::and 3 more; the job's summary lists them\n"), "{out}");
        assert_eq!(commands("error", &all[..10]).lines().count(), 10);
    }
}
