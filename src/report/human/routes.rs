//! Changes of routes for people: what goes where, what it did before, and the two lines responsible.

use super::paint::Paint;
use super::{Sign, counted, place_words, rule_words};
use crate::packet::Family;
use crate::report::routes_json::WrittenWay;
use crate::report::{Colour, visible};
use crate::routes::{RouteChange, RouteChangeKind, Routing, RoutingDiff, flow_words, region_words};
use std::fmt::Write;

/// The routes of one device on both sides.
#[derive(Clone, Copy, Debug)]
pub struct RouteView<'a> {
    /// The device.
    pub device: &'a str,
    /// Before.
    pub old: &'a Routing,
    /// After.
    pub new: &'a Routing,
    /// What changes.
    pub diff: &'a RoutingDiff,
}

impl RouteView<'_> {
    /// Whether either side gives any routes.
    pub fn is_there(&self) -> bool {
        !self.old.is_empty() || !self.new.is_empty()
    }
}

/// One change of routes in one line.
#[derive(Clone, Debug)]
pub struct RouteLine {
    /// The device.
    pub device: String,
    /// What kind of change it is; `None` where only one side gives routes.
    pub kind: Option<RouteChangeKind>,
    /// Their family.
    pub family: Family,
    /// The file and line of the route or rule that decides now, or that decided.
    pub place: Option<(String, u32)>,
    /// The line itself.
    pub quoted: String,
    /// What changes: `captured 10.30.8.0/21: via 10.0.0.9 dev test0, was via 10.0.0.1 dev eth0; such as 10.30.8.1`.
    pub text: String,
}

/// Every change of a device's routes, each in one line.
pub fn route_lines(view: &RouteView<'_>) -> Vec<RouteLine> {
    let line = |change: &RouteChange| {
        let old = WrittenWay::of(view.old, &change.old, change.family);
        let new = WrittenWay::of(view.new, &change.new, change.family);
        let decides = new.lines.first().or(old.lines.first()).filter(|l| l.line > 0);
        let place = decides.map(|l| (l.file.clone(), l.line));
        let quoted = decides.map(|l| l.text.clone()).unwrap_or_default();
        let regions: Vec<String> = change.regions.iter().map(|r| region_words(r, change.family)).collect();
        let table = change.table.as_ref().map(|t| format!(" in table {t}")).unwrap_or_default();
        let text = format!(
            "{} {}{table}: {}, was {}; such as {}",
            change.kind.name(),
            regions.join(" and "),
            new.way,
            old.way,
            flow_words(&change.witness)
        );
        let (device, text) = (view.device.to_owned(), visible(&text).into_owned());
        RouteLine { device, kind: Some(change.kind), family: change.family, place, quoted, text }
    };
    let one_sided = view.diff.one_sided.iter().map(|(family, _)| RouteLine {
        device: view.device.to_owned(),
        kind: None,
        family: *family,
        place: None,
        quoted: String::new(),
        text: format!("only one side gives routes for {family}; none were compared"),
    });
    view.diff.changes.iter().map(line).chain(one_sided).collect()
}

/// Every change of a device's routes; nothing where there is none.
pub fn routes_human(view: &RouteView<'_>, most: usize, colour: Colour) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    for family in Family::ALL {
        let changes: Vec<&RouteChange> = view.diff.changes.iter().filter(|c| c.family == family).collect();
        if changes.is_empty() {
            continue;
        }
        let title = format!("{} routes ({family})", visible(view.device));
        let _ = writeln!(out, "\n{}", paint.bold(&title));
        for change in changes.iter().take(most) {
            out += &one(view, change, paint);
        }
        let hidden = changes.len().saturating_sub(most);
        if hidden > 0 {
            let more = format!("and {} (`fwgate diff` shows them all)", counted(hidden, "more change"));
            let _ = writeln!(out, "  {}", paint.faint(&more));
        }
    }
    for (family, is_new) in &view.diff.one_sided {
        let side = if *is_new { "old" } else { "new" };
        let _ = writeln!(
            out,
            "\n  ! the {side} side gives no routes of {} for {family}; none were compared",
            visible(view.device)
        );
    }
    out
}

fn one(view: &RouteView<'_>, change: &RouteChange, paint: Paint) -> String {
    let sign = match change.kind {
        RouteChangeKind::Lost | RouteChangeKind::Blackholed => Sign::Closed,
        RouteChangeKind::Gained | RouteChangeKind::Restored => Sign::Opened,
        RouteChangeKind::Captured | RouteChangeKind::Rerouted | RouteChangeKind::Altered => Sign::Altered,
    };
    let table = change.table.as_ref().map(|t| format!(" (table {t}, which no rule asks)")).unwrap_or_default();
    let mut out = format!("  {}{}\n", paint.signed(sign, change.kind.name()), visible(&table));
    for region in &change.regions {
        let _ = writeln!(out, "      {}", visible(&region_words(region, change.family)));
    }
    let _ = writeln!(out, "    such as {}", visible(&flow_words(&change.witness)));
    let old = WrittenWay::of(view.old, &change.old, change.family);
    let new = WrittenWay::of(view.new, &change.new, change.family);
    out + &ends(&old, &new, paint)
}

/// Both sides, aligned.
fn ends(old: &WrittenWay, new: &WrittenWay, paint: Paint) -> String {
    let place = |way: &WrittenWay| way.lines.first().map(place_words).unwrap_or_default();
    let (here, there) = (place(old), place(new));
    let width = here.chars().count().max(there.chars().count());
    let line = |word: &str, way: &WrittenWay, place: &str| {
        let text = match way.lines.first() {
            Some(line) => rule_words(line),
            None => visible(&way.way).into_owned(),
        };
        let more = way.lines.len().saturating_sub(1);
        let more = if more > 0 { format!(" (or one of {})", counted(more, "more route")) } else { String::new() };
        format!("    {word}     {}  {text}{more}\n", paint.faint(&format!("{place:<width$}")))
    };
    line("was", old, &here) + &line("now", new, &there)
}
