//! Findings with the packet that shows them, and what both rulesets say about that packet, side by side.

use super::{Evidence, prose};
use crate::finding::{Finding, Severity};
use crate::packet::Packet;
use crate::query::trace;
use crate::report::human::{counted, packet_words, place_of, place_words, rule_words};
use crate::report::markup::escaped;
use crate::report::rule::QuotedRule;
use crate::ruleset::{Hook, Ruleset};
use std::fmt::Write;

/// Most findings on a page.
const MOST: usize = 300;
/// Most findings whose packets are followed through both rulesets.
const MOST_FOLLOWED: usize = 100;
/// Up to so many findings are open from the start.
const MOST_OPEN: usize = 12;

/// Every finding, the gravest first. Where there is evidence of two sides, each packet is followed through both.
pub(super) fn findings(all: &[Finding], evidence: Option<&Evidence<'_>>) -> String {
    let mut findings: Vec<&Finding> = all.iter().collect();
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    let few = findings.len() <= MOST_OPEN;
    let shown = findings.iter().take(MOST).enumerate();
    let mut out: String = shown
        .map(|(at, f)| {
            card(evidence.filter(|_| at < MOST_FOLLOWED), f, few || f.severity == Severity::Error && at < MOST_OPEN)
        })
        .collect();
    if findings.len() > MOST {
        let more = counted(findings.len() - MOST, "more finding");
        let _ = writeln!(out, "<p class=\"more\">and {more}, which <code>--format json</code> has</p>");
    }
    out
}

fn card(evidence: Option<&Evidence<'_>>, finding: &Finding, is_open: bool) -> String {
    let open = if is_open { " open" } else { "" };
    let mut out = format!(
        "<details class=\"finding {0}\"{open}>\n<summary><span class=\"badge\">{0}</span> <span class=\"code\">{1}</span> \
         <span class=\"message\">{2}</span>{3}</summary>\n<div class=\"inside\">\n",
        finding.severity,
        finding.code.id,
        prose(&finding.message),
        excuse(finding)
    );
    let place = place_of(finding);
    if !place.is_empty() {
        let _ = writeln!(out, "<p class=\"place\">{}</p>", escaped(&place));
    }
    if let Some(packet) = &finding.witness {
        let direction = finding.direction.map(|d| format!(" ({d})")).unwrap_or_default();
        let _ = writeln!(
            out,
            "<p class=\"packet\"><span>packet{direction}</span> <code>{}</code></p>",
            escaped(&packet_words(packet))
        );
    }
    out += &conditions(finding);
    out += &evidence.and_then(|e| both_sides(e, finding)).unwrap_or_else(|| blamed(finding));
    if let Some(help) = &finding.help {
        let _ = writeln!(out, "<p class=\"help\"><b>To mend it:</b> {}</p>", prose(help));
    }
    out + &page(finding) + "</div>\n</details>\n"
}

fn excuse(finding: &Finding) -> String {
    match (&finding.waived, finding.known) {
        (Some(w), _) => {
            format!(
                " <span class=\"excuse\">waived until {} by {}: {}</span>",
                w.expires,
                escaped(&w.owner),
                prose(&w.reason)
            )
        }
        (None, Some(severity)) => format!(" <span class=\"excuse\">known before; otherwise {severity}</span>"),
        (None, None) => String::new(),
    }
}

fn conditions(finding: &Finding) -> String {
    let line = |condition: &String| match condition.strip_prefix('!') {
        Some(name) => format!("<li>where <code>{}</code> does not hold</li>", escaped(name)),
        None => format!("<li>where <code>{}</code> holds</li>", escaped(condition)),
    };
    let lines: String = finding.conditions.iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("<ul class=\"conditions\">{lines}</ul>\n") }
}

/// What both rulesets do with the packet, and by which rule.
fn both_sides(evidence: &Evidence<'_>, finding: &Finding) -> Option<String> {
    let (packet, hook) = (finding.witness.as_ref()?, finding.hook?);
    let pair = evidence.pair(finding.device.as_deref()?)?;
    let [before, after] = [pair.old, pair.new].map(|side| side.map(|r| followed(r, hook, packet)));
    if before.as_ref().is_some_and(Option::is_none) || after.as_ref().is_some_and(Option::is_none) {
        return None;
    }
    let side = |word: &str, end: Option<[String; 3]>| {
        let [verdict, place, text] =
            end.unwrap_or_else(|| ["accept", "", "no device: everything is accepted"].map(str::to_owned));
        format!(
            "<div class=\"side\"><p class=\"label\">{word} <span class=\"verdict {verdict}\">{verdict}</span></p>\
             <p class=\"place\">{}</p><pre>{}</pre></div>",
            escaped(&place),
            escaped(&text)
        )
    };
    let (before, after) = (side("before", before.flatten()), side("after", after.flatten()));
    Some(format!("<div class=\"sides\">{before}{after}</div>\n"))
}

/// The verdict about a packet, and the rule that gives it: its place and its text.
fn followed(ruleset: &Ruleset, hook: Hook, packet: &Packet) -> Option<[String; 3]> {
    let trace = trace(ruleset, hook, packet).ok()?;
    let rule = QuotedRule::of(ruleset, trace.place);
    Some([trace.verdict.name().to_owned(), place_words(&rule), rule_words(&rule)])
}

/// The text to blame, where no packet tells both sides.
fn blamed(finding: &Finding) -> String {
    let text = finding.location.as_ref().map(|l| l.text.trim()).filter(|t| !t.is_empty());
    let lines = |text: &str| text.lines().take(4).map(escaped).collect::<Vec<_>>().join("\n");
    text.map(|t| format!("<pre>{}</pre>\n", lines(t))).unwrap_or_default()
}

/// Why such a finding is bad, folded.
fn page(finding: &Finding) -> String {
    let page = &finding.code.page;
    format!(
        "<details class=\"why\"><summary>What {} means</summary>\n<p>{}</p><p>{}</p><p>{}</p></details>\n",
        finding.code.name,
        prose(page.what),
        prose(page.why),
        prose(page.mend)
    )
}
