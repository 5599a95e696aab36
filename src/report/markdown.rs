//! Markdown for the comment of a pull request and for a job's summary: the verdict, a table, and everything else folded. One
//! comment is written again and again; a marker in its first line lets a workflow find it.
//!
//! What came from input stands in code blocks and code spans only, or with every mark of Markdown escaped: it cannot mention
//! people, link, or end a block. GitHub refuses comments beyond 65,536 characters; what does not fit is left out and said.

use super::format::{CheckView, DiffView, Format, LintView};
use super::human::{
    Most, RouteLine, RouteView, counted, filter_human, finding_human, footing, headline_of_check, headline_of_diff,
    headline_of_lint, open_rules, out_of_contact, place_of, route_lines,
};
use super::markup::shortened;
use super::next::next_human;
use super::visible::push_visible;
use super::{Colour, FilterView};
use crate::finding::Finding;
use std::fmt::Write;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "markdown",
    about: "A comment of a pull request, with folded details",
    is_commands: false,
    check: |view| Ok(check_markdown(view, COMMENT)),
    diff: |view| Ok(diff_markdown(view, COMMENT)),
    lint: |view| Ok(lint_markdown(view, COMMENT)),
    change: None,
};

/// What a comment on GitHub may have, in bytes: never more than its limit in characters.
pub const COMMENT: usize = 65_536;
/// What a step's summary may have, in bytes.
pub const STEP_SUMMARY: usize = 1 << 20;
/// Kept free for what is said at the end.
const RESERVE: usize = 2_000;
/// Most rows of the table.
const ROWS: usize = 20;
/// Longest message in the table, in characters.
const LONGEST: usize = 240;

/// The verdict of a check, in at most `limit` bytes.
pub fn check_markdown(view: &CheckView<'_>, limit: usize) -> String {
    let mut page = Page::new("check", limit);
    let headline = headline_of_check(view.report, view.frame);
    let (verdict, rest) = headline.split_once(": ").unwrap_or((&headline, ""));
    let _ = write!(page.text, "## fwgate: {}\n\n", prose(verdict));
    if !rest.is_empty() {
        let _ = write!(page.text, "**{}**\n\n", prose(rest));
    }
    for line in out_of_contact(view.report) {
        let _ = write!(page.text, "{}\n\n", prose(&line));
    }
    page.findings(&view.report.findings);
    page.effects(view.effects.iter().copied(), view.most_regions);
    let routes = view
        .report
        .routes
        .iter()
        .flat_map(|r| route_lines(&RouteView { device: &r.device, old: &r.old, new: &r.new, diff: &r.diff }));
    page.fold("Where packets go another way", routes.map(|l| route_item(&l)));
    let about = format!(
        "judged: {} against {}; policy: {}",
        view.frame.proposed,
        view.frame.baseline,
        view.frame.policy.words()
    );
    let (footing, next) = (footing(view.report, view.frame), next_human(&view.frame.next));
    let text = format!("{about}\n{footing}digest: {}\n{next}", view.frame.digest);
    page.finish(&text)
}

/// The effect of a change, in at most `limit` bytes.
pub fn diff_markdown(view: &DiffView<'_>, limit: usize) -> String {
    let mut page = Page::new("diff", limit);
    let _ = write!(page.text, "## fwgate: {}\n\n", prose(&headline_of_diff(view)));
    page.effects(view.filters(), view.most_regions);
    let routes = view.route_lines().map(|l| route_item(&l));
    page.fold("Where packets go another way", routes);
    let structure =
        view.diffs.iter().flat_map(|d| d.structure.iter().map(move |s| format!("{}: {}", d.device, s.message)));
    page.fold("What became of devices, chains and sets", structure.map(|line| format!("- {}\n", prose(&line))));
    page.finish("")
}

/// What rulesets show by themselves, in at most `limit` bytes.
pub fn lint_markdown(view: &LintView<'_>, limit: usize) -> String {
    let mut page = Page::new("lint", limit);
    let _ = write!(page.text, "## fwgate: {}\n\n", prose(&headline_of_lint(view)));
    page.findings(view.findings);
    if let [head, rules @ ..] = open_rules(view).as_slice() {
        page.fold(head, rules.iter().map(|line| format!("- {}\n", code(line))));
    }
    page.finish("")
}

/// A change of routes with the place of the line that decides.
fn route_item(line: &RouteLine) -> String {
    let place = line.place.as_ref().map(|(file, number)| format!(" {}", code(&format!("{file}:{number}"))));
    format!("- {}{}\n", prose(&format!("{}: {}", line.device, line.text)), place.unwrap_or_default())
}

fn gravest_first(findings: &[Finding]) -> Vec<&Finding> {
    let mut out: Vec<&Finding> = findings.iter().collect();
    out.sort_by_key(|f| std::cmp::Reverse(f.severity));
    out
}

/// One row for each of the gravest findings.
fn table(findings: &[&Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let mut out = "| | what was found | where |\n|---|---|---|\n".to_owned();
    for finding in findings.iter().take(ROWS) {
        let (severity, id) = (finding.severity, finding.code.id);
        let excuse = match (&finding.waived, finding.known) {
            (Some(waived), _) => format!(" (waived until {})", waived.expires),
            (None, Some(_)) => " (known)".to_owned(),
            (None, None) => String::new(),
        };
        let message = prose(&(shortened(&finding.message, LONGEST) + &excuse));
        let place = place_of(finding);
        let place = if place.is_empty() { String::new() } else { code(&shortened(&place, 120)) };
        let _ = writeln!(out, "| **{severity}** {id} | {message} | {place} |");
    }
    if findings.len() > ROWS {
        let _ = writeln!(out, "| | and {} more | |", findings.len() - ROWS);
    }
    out + "\n"
}

/// A page that grows up to its limit.
struct Page {
    text: String,
    limit: usize,
    /// What had no room.
    left_out: Vec<String>,
}

impl Page {
    fn new(command: &str, limit: usize) -> Page {
        Page { text: format!("<!-- fwgate:{command} -->\n"), limit, left_out: Vec::new() }
    }

    /// A folded part, with as many of its pieces as fit; nothing where there are none.
    fn fold(&mut self, title: &str, pieces: impl Iterator<Item = String>) {
        let head = format!("<details><summary>{}</summary>\n\n", prose(title));
        let room = self.limit.saturating_sub(self.text.len() + head.len() + RESERVE);
        let (mut body, mut dropped, mut all) = (String::new(), 0, 0);
        for piece in pieces {
            all += 1;
            if dropped > 0 || body.len() + piece.len() > room {
                dropped += 1;
            } else {
                body += &piece;
            }
        }
        if all > 0 {
            let _ = write!(self.text, "{head}{body}\n</details>\n\n");
        }
        if dropped > 0 {
            self.left_out.push(format!("{dropped} of {all} under \"{title}\""));
        }
    }

    /// A table of the gravest, and all of them folded.
    fn findings(&mut self, findings: &[Finding]) {
        let findings = gravest_first(findings);
        self.text += &table(&findings);
        let title = format!("{} in full", counted(findings.len(), "finding"));
        self.fold(&title, findings.iter().map(|f| fenced(&finding_human(f, Colour::Never))));
    }

    fn effects<'a>(&mut self, filters: impl Iterator<Item = FilterView<'a>>, regions: usize) {
        let filters: Vec<FilterView<'a>> = filters.filter(|f| !f.diff.changes.is_empty() || !f.diff.complete).collect();
        let changes = filters.iter().map(|f| f.diff.changes.len()).sum();
        let title = format!("What it does: {} on {}", counted(changes, "change"), counted(filters.len(), "filter"));
        self.fold(&title, filters.iter().map(|f| effect(f, regions)));
    }

    fn finish(mut self, about: &str) -> String {
        if !self.left_out.is_empty() {
            let what = self.left_out.join("; ");
            let _ = write!(self.text, "**Cut short** to fit: {} left out.\n\n", prose(&what));
        }
        for line in about.lines().filter(|l| !l.is_empty()) {
            let line = format!("<sub>{}</sub>  \n", prose(line));
            if self.text.len() + line.len() <= self.limit {
                self.text += &line;
            }
        }
        self.text
    }
}

/// The effect on one filter, as a diff, in which signs stand in the first column.
fn effect(filter: &FilterView<'_>, regions: usize) -> String {
    let text = filter_human(filter, Most { changes: 50, regions }, Colour::Never);
    let mut lines = text.lines().skip_while(|l| l.is_empty());
    let title = lines.next().unwrap_or_default().to_owned();
    let body: Vec<&str> = lines.map(|l| l.strip_prefix("  ").unwrap_or(l)).collect();
    format!("{}\n\n{}", code(&title), block("diff", &body.join("\n")))
}

/// Text as it is, in a block that it cannot end.
fn fenced(text: &str) -> String {
    block("text", text)
}

fn block(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n\n", text.trim_end())
}

/// A sentence: what stands in backticks as code, all of it without a meaning in Markdown.
fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return plain(text);
    }
    let part = |(at, part): (usize, &&str)| if at % 2 == 1 { code(part) } else { plain(part) };
    parts.iter().enumerate().map(part).collect()
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

/// Text that Markdown and HTML show as it is, and in which GitHub finds nobody to mention and nothing to link.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '@' | '#' => {
                let _ = write!(out, "&#{};<!-- -->", u32::from(letter));
            }
            '&' | '<' | '>' | '"' | '\'' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '\\' | '!' | '$' => {
                let _ = write!(out, "&#{};", u32::from(letter));
            }
            other => push_visible(&mut out, other),
        }
    }
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_no_meaning_in_markdown() {
        let hostile =
            "@team #12 [x](javascript:a) <img src=x> | *b* _c_ ~~d~~ ![e](f) \\ $g$ `h` https://x www.y \u{202e}";
        let shown = plain(hostile);
        assert!(!shown.contains(['@', '[', ']', '|', '*', '`', '~', '$', '\u{202e}']), "{shown}");
        for mark in ["@t", " #1", "[x", "<img", "*b", "_c", "![", "`h", "://", "www."] {
            assert!(!shown.contains(mark), "{mark}: {shown}");
        }
        assert_eq!(prose("a `b|c` d"), "a <code>b&#124;c</code> d");
        assert_eq!(prose("odd ` one"), "odd &#96; one");
    }

    #[test]
    fn a_block_cannot_be_ended_from_inside() {
        assert_eq!(fenced("a\n````\nb"), "`````text\na\n````\nb\n`````\n\n");
    }

    #[test]
    fn a_page_keeps_its_limit_and_says_so() {
        let mut page = Page::new("check", 10_000);
        page.fold("Things", (0..1000).map(|n| format!("- thing {n}\n")));
        let text = page.finish("about");
        assert!(text.len() <= 10_000 && text.contains("**Cut short** to fit: "), "{}", text.len());
        assert!(text.contains("</details>"));
    }
}
