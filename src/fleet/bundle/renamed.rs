//! A ruleset with other names of interfaces: the model itself, whatever the text was.

use super::ports::{PortMap, Unmapped};
use crate::packet::IfacePattern;
use crate::routes::{Dimension, Part, Routing};
use crate::ruleset::{Lookup, Match, Opaque, Ruleset, Step, Verdict};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The ruleset as it would be if every interface had always been called as on the spare.
///
/// # Errors
/// Every interface that the map does not carry over.
pub(super) fn renamed(ruleset: &Ruleset, ports: &PortMap) -> Result<Ruleset, Vec<Unmapped>> {
    let facts = ruleset.facts.interfaces.iter().flatten().map(|name| IfacePattern::exact(name.as_str()));
    let patterns: BTreeSet<IfacePattern> = ruleset.interface_patterns().cloned().chain(facts).collect();
    ports.check(&patterns)?;
    let mut out = ruleset.clone();
    if let Some(interfaces) = &mut out.facts.interfaces {
        interfaces.iter_mut().for_each(|name| *name = image(ports, &IfacePattern::exact(name.as_str())).name);
    }
    for step in out.chains.iter_mut().flat_map(|c| &mut c.rules).flat_map(|r| &mut r.steps) {
        match step {
            Step::If(condition) => rename(condition, ports),
            Step::Choose(entries) => {
                let renamed = entries.iter().cloned().map(|(mut condition, verdict)| {
                    rename(&mut condition, ports);
                    (condition, verdict)
                });
                *entries = renamed.collect();
            }
            Step::Then(Verdict::Ask(opaque)) => rename_opaque(opaque, ports),
            Step::Then(_) | Step::Set(_) => {}
        }
    }
    Ok(out)
}

/// The routing as it would be if every interface had always been called as on the spare.
///
/// # Errors
/// Every interface that the map does not carry over.
pub(super) fn renamed_routing(routing: &Routing, ports: &PortMap) -> Result<Routing, Vec<Unmapped>> {
    let mut out = routing.clone();
    let mut wrong = BTreeSet::new();
    let mut anew = |name: &str| match ports.image(&IfacePattern::exact(name)) {
        Ok(image) => image.name,
        Err(unmapped) => {
            wrong.insert(unmapped);
            name.to_owned()
        }
    };
    for dev in out.routes.iter_mut().flat_map(|r| &mut r.hops).filter_map(|hop| hop.dev.as_mut()) {
        *dev = anew(dev);
    }
    for rule in out.rules.values_mut().flatten() {
        for dimension in [Dimension::Iif, Dimension::Oif] {
            let part = match rule.zone.get(dimension) {
                Some(Part::Only(names)) => Part::Only(names.iter().map(|name| anew(name)).collect()),
                Some(Part::But(names)) => Part::But(names.iter().map(|name| anew(name)).collect()),
                _ => continue,
            };
            rule.zone = rule.zone.clone().with(dimension, part);
        }
    }
    if wrong.is_empty() { Ok(out) } else { Err(wrong.into_iter().collect()) }
}

/// The image; all patterns were checked before.
fn image(ports: &PortMap, pattern: &IfacePattern) -> IfacePattern {
    ports.image(pattern).unwrap_or_else(|_| pattern.clone())
}

fn rename(condition: &mut Match, ports: &PortMap) {
    match condition {
        Match::Interface(_, pattern) => *pattern = image(ports, pattern),
        Match::Lookup(lookup) => *lookup = Arc::new(renamed_set(lookup, ports)),
        Match::Opaque(opaque) => rename_opaque(opaque, ports),
        Match::All(inner) | Match::Any(inner) => inner.iter_mut().for_each(|m| rename(m, ports)),
        Match::Not(inner) => rename(inner, ports),
        _ => {}
    }
}

fn renamed_set(lookup: &Lookup, ports: &PortMap) -> Lookup {
    let mut out = lookup.clone();
    for (_, pattern) in out.entries.iter_mut().flat_map(|entry| &mut entry.interfaces) {
        *pattern = image(ports, pattern);
    }
    out
}

fn rename_opaque(opaque: &mut Opaque, ports: &PortMap) {
    opaque.name = ports.words(&opaque.name).into();
}
