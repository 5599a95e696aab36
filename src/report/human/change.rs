//! One page about a change, for somebody who is asked to sign it: what it does, what was checked, what is declared, who has
//! signed what, what is missing, and the very command that supplies it.

use super::counted;
use super::diff::{Most, filter_human};
use super::finding::finding_human;
use super::paint::Paint;
use crate::gate::{Believed, Decision, Reason, Record, Standing};
use crate::policy::ChangeRequest;
use crate::report::format::ChangePage;
use crate::report::{Colour, visible};
use crate::ruleset::Span;
use std::fmt::Write;

/// Most changes and regions of one filter that the page shows; `fwgate diff` shows all of them.
const MOST: Most = Most { changes: 6, regions: 4 };

/// The page.
pub fn change_human(page: &ChangePage<'_>) -> String {
    let (id, colour) = (page.id, page.colour);
    let paint = Paint(colour);
    let mut out = headline(id, page, paint);
    out += &effect(page, colour);
    out += &declared(page, paint);
    out += &checked(page, colour);
    out += &signed(page, paint);
    out += &missing(id, page, paint);
    out += &against(page, colour);
    for note in &page.decision.notes {
        let _ = writeln!(out, "{}", paint.faint(&visible(&format!("note: {note}"))));
    }
    out
}

/// Reasons with what mends them, one after the other.
pub fn reasons_human(reasons: &[Reason], colour: Colour) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    for reason in reasons {
        let detail = reason.detail.as_ref().map(|d| format!(" ({d})")).unwrap_or_default();
        let code = paint.bold(reason.code.name());
        let _ = writeln!(out, "  - {code}{}: {}", visible(&detail), visible(&reason.message));
        let _ = writeln!(out, "      {}", visible(&reason.fix));
    }
    out
}

fn headline(id: &str, page: &ChangePage<'_>, paint: Paint) -> String {
    let title = page.request.map(|r| r.title.as_str()).unwrap_or("(no change file that can be read)");
    let state = page.decision.state.name();
    let verdict = match page.decision.reasons.len() {
        0 => "may go now".to_owned(),
        _ if page.decision.is_over() => "its devices run it".to_owned(),
        n => format!("may not go: {}", counted(n, "reason")),
    };
    let mut out = paint
        .verdict(!page.decision.is_granted(), &format!("{state}: {} {}; {verdict}", visible(id), visible(title)))
        + "\n";
    let devices = page.analysis.map(|a| a.devices.iter().map(|(d, _)| d.as_str()).collect::<Vec<_>>().join(", "));
    let mut facts = vec![format!("class {}", page.decision.class.name())];
    facts.extend(devices.filter(|d| !d.is_empty()));
    facts.extend(page.announced.map(|a| format!("pinned {} to {}", short(&a.base), short(&a.head))));
    facts.extend(page.decision.window.map(|w| format!("window {} to {}", w.start, w.end)));
    facts.push(format!("as of {}", page.now));
    let _ = writeln!(out, "{}", paint.faint(&visible(&facts.join("; "))));
    if !page.assumed.is_empty() {
        let devices = page.assumed.join(", ");
        let devices = visible(&devices);
        let _ = writeln!(
            out,
            "{}",
            paint.faint(&format!(
                "no receipt is known for {devices}: the protected branch stands in for what is in force"
            ))
        );
    }
    out
}

fn effect(page: &ChangePage<'_>, colour: Colour) -> String {
    let paint = Paint(colour);
    let says = page.analysis.map(|a| &a.says).or_else(|| page.announced.map(|a| &a.says));
    let Some(says) = says else { return String::new() };
    let title = if page.decision.is_over() { "What it did" } else { "What it does" };
    let mut out = format!("\n{}\n  {}\n", paint.bold(title), visible(says));
    page.effects.iter().for_each(|f| out += &filter_human(f, MOST, colour));
    out
}

fn declared(page: &ChangePage<'_>, paint: Paint) -> String {
    let Some(request) = page.request else { return String::new() };
    let mut out = format!("\n{}\n", paint.bold("Declared"));
    let _ = writeln!(out, "  why: {}", visible(&request.reason));
    for intent in &request.intents {
        let _ = writeln!(out, "  {}", visible(&intent_words(request, intent.span)));
    }
    out
}

/// An intent as its author wrote it, on one line.
pub fn intent_words(request: &ChangeRequest, span: Span) -> String {
    let source = request.sources.get(span.source);
    let text = source.and_then(|s| s.text.get(span.start as usize..)).unwrap_or_default();
    let lines =
        text.lines().skip_while(|l| l.trim_start().starts_with("[[")).take_while(|l| !l.trim_start().starts_with('['));
    let plain = lines.map(|l| l.split(" #").next().unwrap_or(l).split_whitespace().collect::<Vec<_>>().join(" "));
    plain.filter(|l| !l.is_empty() && !l.starts_with('#')).collect::<Vec<_>>().join("; ")
}

fn checked(page: &ChangePage<'_>, colour: Colour) -> String {
    let Some(analysis) = page.analysis else { return String::new() };
    let report = &analysis.report;
    let held = counted(report.requirements.held, "requirement");
    let verdict = if analysis.is_refused { "refused" } else { "passed" };
    let mut out = format!(
        "\n{}\n  {verdict}; {held} held on {}\n",
        Paint(colour).bold("Checked"),
        counted(report.devices, "device")
    );
    report.findings.iter().for_each(|f| out += &format!("\n{}", finding_human(f, colour)));
    out
}

fn signed(page: &ChangePage<'_>, paint: Paint) -> String {
    let mut out = format!("\n{}\n", paint.bold("Signed"));
    for record in &page.testimony.records {
        let _ = writeln!(out, "  {}", visible(&record_words(record, page.decision)));
    }
    for receipt in &page.testimony.receipts {
        let said = &receipt.said;
        let devices = said.devices.iter().map(|(d, _)| d.as_str()).collect::<Vec<_>>().join(", ");
        let line = format!("{}: {} receipt of {devices} ({}; on {})", receipt.by, said.kind.name(), said.at, said.on);
        let _ = writeln!(out, "  {}", visible(&line));
    }
    if page.testimony.records.is_empty() && page.testimony.receipts.is_empty() {
        out += "  nothing yet\n";
    }
    out
}

/// Who said what, whether it counts, and the name by which other records call it.
pub fn record_words(record: &Believed<Record>, decision: &Decision) -> String {
    let what = match &record.said {
        Record::Approve(a) => format!("approve as {} for {}", a.role, a.stage.name()),
        Record::Policy(p) => format!("policy version {} as {}", p.version, p.role),
        Record::Reject(r) => format!("reject: {}", r.reason),
        Record::Hold(h) => format!("hold until {}: {}", h.until, h.reason),
        Record::Withdraw(w) => format!("withdraw: {}", w.reason),
        Record::Schedule(s) => format!("schedule {} to {}", s.start, s.end),
        Record::Emergency(e) => format!("emergency until {}: {}", e.until, e.reason),
        Record::Revoke(r) => format!("revoke {}: {}", r.record, r.reason),
        other => other.kind().to_owned(),
    };
    // Two persons may sign the same words.
    let counted = decision.counted.iter().find(|c| c.record == record.digest && c.person == record.by);
    let weight = match (&record.said, counted, record.standing) {
        (Record::Approve(_), Some(c), _) if c.is_carried => ", carried over: same meaning",
        (Record::Approve(_), Some(_), _) => ", counts",
        (Record::Approve(_), None, _) if decision.is_over() => "",
        (Record::Approve(_), None, _) => ", does not count",
        (_, _, Standing::Good) => "",
        _ => ", by a key that does not count now",
    };
    let seen = record.witnessed.map_or_else(|| "not witnessed yet".to_owned(), |at| format!("witnessed {at}"));
    format!("{}: {what}{weight} ({seen}; {})", record.by, record.digest)
}

fn missing(id: &str, page: &ChangePage<'_>, paint: Paint) -> String {
    if page.decision.missing.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", paint.bold("Missing"));
    for part in &page.decision.missing {
        let who =
            if part.eligible.is_empty() { "nobody is left who could".to_owned() } else { part.eligible.join(" or ") };
        let line = format!("{} of {} {}: {who}", part.counted, part.needed, part.role);
        let _ = writeln!(out, "  {}", visible(&line));
        let _ = writeln!(out, "      {}", visible(&format!("fwgate change approve {id} --role {}", part.role)));
    }
    out
}

fn against(page: &ChangePage<'_>, colour: Colour) -> String {
    if page.decision.reasons.is_empty() || page.decision.is_over() {
        return String::new();
    }
    format!("\n{}\n{}", Paint(colour).bold("What stands against it"), reasons_human(&page.decision.reasons, colour))
}

fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}
