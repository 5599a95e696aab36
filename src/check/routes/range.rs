//! FW754, FW755 and FW756: production ranges that a change takes over, discards, or leaves without a route, and that nobody
//! declared. The list of demands that forgot a range must not be its only guard.

use super::RouteCheck;
use super::default_route::is_about_default;
use super::scene::RouteScene;
use crate::check::report::CheckError;
use crate::check::tally::Tally;
use crate::finding::{Code, Finding, RANGE_BLACKHOLED, RANGE_CAPTURED, RANGE_UNROUTED};
use crate::packet::{Ranges, address_texts};
use crate::routes::{RouteChange, RouteChangeKind, flow_words, outcome_words};

/// The registry line.
pub(super) const CHECK: RouteCheck =
    RouteCheck { codes: &[&RANGE_CAPTURED, &RANGE_BLACKHOLED, &RANGE_UNROUTED], on_device: run };

fn run(scene: &RouteScene<'_>, tally: &mut Tally) -> Result<(), CheckError> {
    for change in &scene.diff.changes {
        if let Some(finding) = judge(scene, change) {
            tally.findings.push(finding);
        }
    }
    Ok(())
}

/// The code for a kind of change, where this file has one.
fn code_of(kind: RouteChangeKind) -> Option<&'static Code> {
    match kind {
        RouteChangeKind::Captured => Some(&RANGE_CAPTURED),
        RouteChangeKind::Blackholed => Some(&RANGE_BLACKHOLED),
        RouteChangeKind::Lost => Some(&RANGE_UNROUTED),
        _ => None,
    }
}

/// The finding about a change, where it is one about production that nobody declared.
pub(super) fn judge(scene: &RouteScene<'_>, change: &RouteChange) -> Option<Finding> {
    let code = code_of(change.kind).filter(|_| !is_about_default(scene, change))?;
    let production = scene.production(change.family);
    let regions = scene.undeclared(change);
    let touched = |r: &crate::routes::RouteRegion| r.to.intersect(&production);
    let to = regions.iter().map(touched).fold(Ranges::empty(), |all, to| all.union(&to));
    if to.is_empty() {
        return None;
    }
    let what = words(scene, change, &to);
    let found = scene.finding(code, change, what).helped_by(help(change.kind));
    Some(found.about_range(address_texts(&to, change.family).first().cloned().unwrap_or_default()))
}

fn words(scene: &RouteScene<'_>, change: &RouteChange, to: &Ranges) -> String {
    let texts = address_texts(to, change.family);
    let more = texts.len().saturating_sub(1);
    let more = if more > 0 { format!(" and {more} more ranges") } else { String::new() };
    let names = scene.names(to, change.family);
    let of = if names.is_empty() { String::new() } else { format!(" of {names}") };
    let (was, is) = (outcome_words(scene.old, &change.old), outcome_words(scene.new, &change.new));
    let range = format!("{}{more}{of}", texts.first().map_or("", String::as_str));
    let rest = match change.kind {
        RouteChangeKind::Captured => format!("is taken over: it goes {is}, and went {was}"),
        RouteChangeKind::Blackholed => format!("is discarded ({is}), and went {was}"),
        _ => format!("has no route any more, and went {was}"),
    };
    format!("{range} {rest}; such as {}", flow_words(&change.witness))
}

fn help(kind: RouteChangeKind) -> &'static str {
    match kind {
        RouteChangeKind::Captured => {
            "narrow the new route to what it is meant for, or declare a [[reroute]] in the change request"
        }
        RouteChangeKind::Blackholed => "take the route out, or declare a [[reroute]] in the change request",
        _ => "put the route back, or declare a [[reroute]] in the change request",
    }
}
