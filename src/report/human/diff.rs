//! The effect of a change for people, in the manner of a plan: what is opened, closed or altered, where, by which
//! rules, with one packet each.

use super::count::{flows, least_flows};
use super::paint::Paint;
use super::region::{region_lines, region_words};
use super::routes::{RouteView, routes_human};
use super::{Sign, counted, packet_words, place_words, rule_words};
use crate::diff::{Change, DeviceDiff, EffectKind, Fate};
use crate::report::diff_json::{FilterView, WrittenEnd};
use crate::report::format::DiffView;
use crate::report::{Colour, visible};
use crate::routes::RouteChangeKind;
use std::fmt::Write;

/// The whole report.
pub fn diff_human(view: &DiffView<'_>) -> String {
    let (colour, paint) = (view.colour, Paint(view.colour));
    let mut out = paint.bold(&headline_of_diff(view)) + "\n";
    for (at, (pair, diff)) in view.pairs.iter().zip(view.diffs).enumerate() {
        for filter in FilterView::of_device(*pair, diff) {
            let most = Most { changes: usize::MAX, regions: view.most_regions };
            out += &filter_human(&filter, most, colour);
        }
        out += &structure(diff, paint);
        out += &view.routes.get(at).map_or_else(String::new, |routes| routes_human(routes, usize::MAX, colour));
        if let Some(text) = view.texts.get(at).filter(|t| !t.is_empty()) {
            let _ = write!(
                out,
                "\n{}\n{}",
                paint.bold(&format!("{}: edited lines", visible(pair.name))),
                edited(text, paint)
            );
        }
    }
    out
}

/// The answer in one line.
pub fn headline_of_diff(view: &DiffView<'_>) -> String {
    let changes = || view.diffs.iter().flat_map(|d| &d.filters).flat_map(|f| &f.diff.changes);
    let filters: usize = view.diffs.iter().map(|d| d.filters.len()).sum();
    let mut scope = format!("{}, {}", counted(view.diffs.len(), "device"), counted(filters, "filter"));
    let routed = view.routes.iter().any(RouteView::is_there);
    if routed {
        let routes = view.routes.iter().map(|r| r.old.routes.len().max(r.new.routes.len())).sum();
        scope += &format!(", {}", counted(routes, "route"));
    }
    if view.is_equivalent() {
        let routed = if routed { " and goes its way as before" } else { " as before" };
        return format!("= equivalent: every packet is treated{routed} ({scope})");
    }
    let kinds = EffectKind::ALL.into_iter().filter_map(|kind| {
        let n = changes().filter(|c| c.effect == kind).count();
        (n > 0).then(|| format!("{n} {}", effect_word(kind)))
    });
    let routes = RouteChangeKind::ALL.into_iter().filter_map(|kind| {
        let n = view.routes.iter().flat_map(|r| &r.diff.changes).filter(|c| c.kind == kind).count();
        (n > 0).then(|| format!("{n} {} {}", if n == 1 { "route" } else { "routes" }, kind.name()))
    });
    let kinds = kinds.chain(routes).collect::<Vec<_>>().join(", ");
    let total = changes().count() + view.routes.iter().map(|r| r.diff.changes.len()).sum::<usize>();
    let mut line = match total {
        0 => "no difference found in what was compared".to_owned(),
        n => format!("{}: {kinds}", counted(n, "change")),
    };
    let _ = write!(line, " ({scope})");
    if !view.is_complete() {
        line += "; NOT COMPLETE: the bound was reached";
    }
    let one_sided = view.routes.iter().any(|r| !r.diff.one_sided.is_empty());
    if one_sided || view.diffs.iter().flat_map(|d| &d.structure).any(|s| s.fate == Fate::NotCompared) {
        line += "; not everything could be compared";
    }
    line
}

/// What becomes of which packets, in one line: `- closed: from 10.0.0.0/8 to any tcp to port 22, such as ...; now dropped by ...`.
pub fn change_words(filter: &FilterView<'_>, change: &Change) -> String {
    let sign = sign(change.effect).mark();
    let regions = filter.regions(change);
    let first = regions.first().map(region_words).unwrap_or_default();
    let more = regions.len().saturating_sub(1);
    let more = if more > 0 { format!(" and {}", counted(more, "more region")) } else { String::new() };
    let [_, new] = filter.ends(change);
    let by = format!("now {} by {}", end_words(&new), rule_words(&new.rule));
    format!("{sign} {}: {first}{more}, such as {}; {by}", effect_word(change.effect), packet_words(&change.witness))
}

/// The sign of a kind of effect.
pub fn sign(effect: EffectKind) -> Sign {
    match effect {
        EffectKind::Opened => Sign::Opened,
        EffectKind::Closed => Sign::Closed,
        EffectKind::Refusal | EffectKind::Translated => Sign::Altered,
    }
}

/// `opened`, `closed`, or in which other way.
pub fn effect_word(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::Opened => "opened",
        EffectKind::Closed => "closed",
        EffectKind::Refusal => "refused otherwise",
        EffectKind::Translated => "translated otherwise",
    }
}

/// The effect on one filter; nothing where there is none.
pub fn filter_human(filter: &FilterView<'_>, most: Most, colour: Colour) -> String {
    let paint = Paint(colour);
    if filter.diff.changes.is_empty() && filter.diff.complete {
        return String::new();
    }
    let (device, name) = (visible(filter.pair.name), visible(filter.name));
    let title = format!("{device} {name} ({}, {})", filter.hook, filter.family);
    let mut out = format!("\n{}\n", paint.bold(&title));
    if !filter.diff.complete {
        out += "  not complete: the bound was reached, so there may be more; --max-regions raises it\n";
    }
    for change in filter.diff.changes.iter().take(most.changes) {
        out += &change_text(filter, change, most.regions, paint);
    }
    let hidden = filter.diff.changes.len().saturating_sub(most.changes);
    if hidden > 0 {
        let more = format!("and {} (`fwgate diff` shows them all)", counted(hidden, "more change"));
        let _ = writeln!(out, "  {}", paint.faint(&more));
    }
    out
}

/// How much of a filter's effect is shown.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// Most changes of a filter.
    pub changes: usize,
    /// Most regions of a change.
    pub regions: usize,
}

fn change_text(filter: &FilterView<'_>, change: &Change, most: usize, paint: Paint) -> String {
    let sign = sign(change.effect);
    let packets = change.packets.to_string();
    let count = if filter.diff.complete { flows(&packets) } else { least_flows(&packets) };
    let count = paint.faint(&format!("({count})"));
    let mut out = format!("  {} {count}\n", paint.signed(sign, effect_word(change.effect)));
    let (lines, more) = region_lines(&filter.regions(change), most);
    for line in lines {
        let _ = writeln!(out, "      {line}");
    }
    if more > 0 {
        let more = format!("and {} (--all-regions shows them)", counted(more, "more region"));
        let _ = writeln!(out, "      {}", paint.faint(&more));
    }
    let _ = writeln!(out, "    such as {}", packet_words(&change.witness));
    let [old, new] = filter.ends(change);
    out + &ends(&old, &new, paint)
}

/// Both rules, aligned.
fn ends(old: &WrittenEnd, new: &WrittenEnd, paint: Paint) -> String {
    let (was, now) = (end_words(old), end_words(new));
    let (here, there) = (place_words(&old.rule), place_words(&new.rule));
    let verdicts = was.chars().count().max(now.chars().count());
    let places = here.chars().count().max(there.chars().count());
    let line = |word: &str, verdict: &str, place: &str, end: &WrittenEnd| {
        let quoted = rule_words(&end.rule);
        format!("    {word}     {verdict:<verdicts$}  {}  {quoted}\n", paint.faint(&format!("{place:<places$}")))
    };
    line("was", &was, &here, old) + &line("now", &now, &there, new)
}

/// A verdict with what belongs to it: `reject with tcp-reset`.
pub fn end_words(end: &WrittenEnd) -> String {
    let mut out = end.verdict.to_owned();
    if let Some(kind) = &end.reject_with {
        let _ = write!(out, " with {}", visible(kind));
    }
    if let Some(translation) = &end.translation {
        let _ = write!(out, " {}", translation.words());
    }
    out
}

fn structure(diff: &DeviceDiff, paint: Paint) -> String {
    let mut out = String::new();
    if !diff.structure.is_empty() {
        let _ = writeln!(out, "\n{}", paint.bold(&format!("{} structure", visible(&diff.device))));
    }
    for one in &diff.structure {
        let sign = match one.fate {
            Fate::Added => '+',
            Fate::Removed => '-',
            Fate::Renamed => '~',
            Fate::NotCompared => '!',
        };
        let _ = writeln!(out, "  {sign} {}", visible(&one.message));
    }
    out
}

/// A unified diff, with invisible characters shown.
fn edited(text: &str, paint: Paint) -> String {
    let line = |line: &str| {
        let shown = visible(line).into_owned();
        match line.bytes().next() {
            Some(b'@') => paint.faint(&shown),
            _ => shown,
        }
    };
    text.lines().map(|l| format!("  {}\n", line(l))).collect()
}
