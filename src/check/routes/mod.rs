//! Checks of routes: one file a check, one registry line each. Their scenes are devices, not rulesets.

mod declared;
mod default_route;
mod family;
mod range;
mod required;
mod scene;
mod undeclared;

use super::report::{CheckError, RouteEffect};
use super::scene::Pair;
use super::tally::Tally;
use super::{CheckInput, CheckReport};
use crate::finding::Code;
use crate::routes::{Routing, RoutingDiff, diff_routing};
use scene::RouteScene;
pub(super) use scene::place_of;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

pub(super) use scene::carried;

/// One check of routes.
pub(super) struct RouteCheck {
    /// The codes of its findings.
    pub codes: &'static [&'static Code],
    /// Judges one device.
    on_device: fn(&RouteScene<'_>, &mut Tally) -> Result<(), CheckError>,
}

/// Every check of routes.
pub(super) const CHECKS: &[RouteCheck] =
    &[required::CHECK, range::CHECK, default_route::CHECK, family::CHECK, undeclared::CHECK, declared::CHECK];

/// Judges the routes of every device.
///
/// # Errors
/// A comparison that has no result.
pub(super) fn judge(
    input: &CheckInput<'_>,
    pairs: &[Pair<'_>],
    tally: &mut Tally,
    report: &mut CheckReport,
) -> Result<(), CheckError> {
    let nothing = Arc::new(Routing::default());
    let mut known: BTreeMap<(usize, usize), Rc<RoutingDiff>> = BTreeMap::new();
    for pair in pairs {
        let [old, new] = [pair.old, pair.new].map(|d| d.map_or_else(|| nothing.clone(), |d| d.routing.clone()));
        if old.is_empty() && new.is_empty() {
            continue;
        }
        let key = (Arc::as_ptr(&old) as usize, Arc::as_ptr(&new) as usize);
        let diff = match known.get(&key) {
            Some(known) => known.clone(),
            None => Rc::new(diff_routing(&old, &new)?),
        };
        known.insert(key, diff.clone());
        let scene = RouteScene { input, pair, old: &old, new: &new, diff: &diff };
        for check in CHECKS {
            (check.on_device)(&scene, tally)?;
        }
        if !diff.is_equivalent() {
            report.routes.push(RouteEffect { device: pair.name.to_owned(), old: old.clone(), new: new.clone(), diff });
        }
    }
    required::conclude(input, pairs, tally);
    declared::conclude(input, tally);
    Ok(())
}
