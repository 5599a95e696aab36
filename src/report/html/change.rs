//! The page of a change request: whether it may go, who has signed, what is missing and what supplies it; then everything
//! that the page of a check has.

use super::check::{glance, sections, standings};
use super::{Evidence, Mood, Page, Section, facts, prose};
use crate::gate::{Missing, Reason, Record};
use crate::report::format::ChangePage;
use crate::report::human::{counted, intent_words, record_words};
use crate::report::markup::escaped;

/// Most regions of a change that the page shows.
const REGIONS: usize = 8;

/// The page.
pub(super) fn change(page: &ChangePage<'_>) -> String {
    let granted = page.decision.is_granted();
    let title = page.request.map(|r| r.title.as_str()).unwrap_or("no change file that can be read");
    let verdict = match page.decision.reasons.len() {
        0 => "may go now".to_owned(),
        n => format!("may not go: {}", counted(n, "reason")),
    };
    Page {
        title: format!("{} {verdict} - fwgate", page.id),
        mood: if granted { Mood::Good } else { Mood::Bad },
        answer: format!("{} {verdict}", page.id),
        under: under(page, title),
        sections: parts(page),
    }
    .text()
}

fn under(page: &ChangePage<'_>, title: &str) -> String {
    let devices = page.analysis.map(|a| a.devices.iter().map(|(d, _)| d.as_str()).collect::<Vec<_>>().join(", "));
    let window = page.decision.window.map(|w| format!("{} to {}", w.start, w.end));
    let checked = page.analysis.map(|a| {
        let verdict = if a.is_refused { "refused" } else { "passed" };
        let held = standings(&a.report.requirements);
        if held.is_empty() { verdict.to_owned() } else { format!("{verdict}; {held}") }
    });
    let at_a_glance = page.analysis.map(|a| glance(&a.report, page.effects)).unwrap_or_default();
    let assumed = match page.assumed {
        [] => String::new(),
        devices => {
            format!("the protected branch stands in for {}, of which no receipt is known", escaped(&devices.join(", ")))
        }
    };
    let says = page.analysis.map(|a| format!("<p class=\"says\">{}</p>\n", prose(&a.says))).unwrap_or_default();
    format!("<p class=\"subject\">{}</p>\n{says}{at_a_glance}", prose(title))
        + &facts([
            ("State", page.decision.state.name().to_owned()),
            ("Class", page.decision.class.name().to_owned()),
            ("Devices", escaped(&devices.unwrap_or_default())),
            ("Checked", checked.unwrap_or_default()),
            ("Window", window.unwrap_or_default()),
            ("As of", page.now.to_string()),
            ("In force", assumed),
        ])
}

fn parts(page: &ChangePage<'_>) -> Vec<Section> {
    let reasons = &page.decision.reasons;
    let mut out = vec![
        Section::new("signatures", "Who has signed", Some(page.testimony.records.len()), signatures(page)),
        Section::new("against", "What stands against it", Some(reasons.len()), against(reasons)),
        Section::new("declared", "What is declared", None, declared(page)),
    ];
    if let Some(analysis) = page.analysis {
        let evidence = Evidence {
            report: &analysis.report,
            effects: page.effects,
            pairs: page.pairs,
            policy: page.policy,
            most_regions: REGIONS,
        };
        out.extend(sections(&evidence));
    }
    let notes: String = page.decision.notes.iter().map(|n| format!("<li>{}</li>", prose(n))).collect();
    let notes = if notes.is_empty() { notes } else { format!("<ul class=\"grounds\">{notes}</ul>\n") };
    let digests = page.analysis.map(|a| {
        let code = |text: String| format!("<code>{}</code>", escaped(&text));
        facts([("Content", code(a.content.to_string())), ("Meaning", code(a.meaning.to_string()))])
    });
    out.push(Section::new("grounds", "What it rests on", None, notes + &digests.unwrap_or_default()));
    out
}

/// What the quorum has and lacks, then every record.
fn signatures(page: &ChangePage<'_>) -> String {
    let missing: String = page.decision.missing.iter().map(|m| lacking(page.id, m)).collect();
    let missing = match missing.is_empty() {
        true => {
            "<p class=\"complete\"><span aria-hidden=\"true\">\u{2713}</span> No approval is missing.</p>\n".to_owned()
        }
        false => format!("<ul class=\"quorum\">{missing}</ul>\n"),
    };
    let records = page.testimony.records.iter().map(|record| {
        let counts = page.decision.counted.iter().any(|c| c.record == record.digest);
        let (class, sign) = match &record.said {
            Record::Approve(_) if counts => ("good", "\u{2713}"),
            Record::Approve(_) => ("idle", "\u{25cb}"),
            Record::Reject(_) | Record::Hold(_) | Record::Withdraw(_) => ("bad", "\u{2715}"),
            _ => ("idle", "\u{2022}"),
        };
        let words = prose(&record_words(record, page.decision));
        format!("<li class=\"{class}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span> {words}</li>")
    });
    let receipts = page.testimony.receipts.iter().map(|receipt| {
        let said = &receipt.said;
        let devices = said.devices.iter().map(|(d, _)| d.as_str()).collect::<Vec<_>>().join(", ");
        let words =
            format!("{} receipt of {devices} by {} at {}, on {}", said.kind.name(), receipt.by, said.at, said.on);
        format!("<li class=\"idle\"><span class=\"sign\" aria-hidden=\"true\">\u{2022}</span> {}</li>", escaped(&words))
    });
    let all: String = records.chain(receipts).collect();
    let all = if all.is_empty() { "<li class=\"idle\">nothing yet</li>".to_owned() } else { all };
    format!("{missing}<ol class=\"records\">{all}</ol>\n")
}

/// A role that lacks approvals: how many there are, who could give the next one, and the very command.
fn lacking(id: &str, missing: &Missing) -> String {
    let who = match missing.eligible.is_empty() {
        true => "nobody is left who could".to_owned(),
        false => missing.eligible.join(" or "),
    };
    let marks: String =
        (0..missing.needed.min(20)).map(|n| if n < missing.counted { '\u{25cf}' } else { '\u{25cb}' }).collect();
    format!(
        "<li><span class=\"marks\" aria-hidden=\"true\">{marks}</span> <b>{} of {} {}</b> <span>{}</span> \
         <code>{}</code></li>",
        missing.counted,
        missing.needed,
        escaped(&missing.role),
        escaped(&who),
        escaped(&format!("fwgate change approve {id} --role {}", missing.role))
    )
}

fn against(reasons: &[Reason]) -> String {
    let reason = |r: &Reason| {
        let detail = r.detail.as_ref().map(|d| format!(" ({})", escaped(d))).unwrap_or_default();
        format!(
            "<li><b>{}</b>{detail} {}<span class=\"fix\">{}</span></li>",
            escaped(r.code.name()),
            prose(&r.message),
            prose(&r.fix)
        )
    };
    let all: String = reasons.iter().map(reason).collect();
    if all.is_empty() { all } else { format!("<ul class=\"reasons\">{all}</ul>\n") }
}

fn declared(page: &ChangePage<'_>) -> String {
    let Some(request) = page.request else { return String::new() };
    let intents =
        request.intents.iter().map(|i| format!("<li><code>{}</code></li>", escaped(&intent_words(request, i.span))));
    let intents: String = intents.collect();
    format!("<p>{}</p>\n<ul class=\"grounds\">{intents}</ul>\n", prose(&request.reason))
}
