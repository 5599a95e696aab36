//! Fewer and wider requirements out of the same flows.

use super::Passing;
use std::collections::BTreeMap;

/// Flows that differ in one list only become one: first the devices, then the sources, then the destinations.
pub(super) fn merged(found: Vec<Passing>) -> Vec<Passing> {
    [devices as Part, from, to].into_iter().fold(found, by)
}

type Part = fn(&mut Passing) -> &mut Vec<String>;

fn devices(flow: &mut Passing) -> &mut Vec<String> {
    &mut flow.devices
}

fn from(flow: &mut Passing) -> &mut Vec<String> {
    &mut flow.from
}

fn to(flow: &mut Passing) -> &mut Vec<String> {
    &mut flow.to
}

fn by(found: Vec<Passing>, part: Part) -> Vec<Passing> {
    let mut groups: BTreeMap<Passing, Vec<String>> = BTreeMap::new();
    for mut flow in found {
        let own = std::mem::take(part(&mut flow));
        groups.entry(flow).or_default().extend(own);
    }
    let whole = |(mut flow, mut list): (Passing, Vec<String>)| {
        list.sort();
        list.dedup();
        *part(&mut flow) = list;
        flow
    };
    groups.into_iter().map(whole).collect()
}
