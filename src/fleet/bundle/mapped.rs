//! The files of a device written for a spare, and the proof that both mean the same.

use super::ports::{PortMap, Unmapped};
use super::renamed::{renamed, renamed_routing};
use crate::dialect::mentions::{interface_mentions, rewritten};
use crate::dialect::{InputFile, ReadOptions, read_device};
use crate::diff::{Bounds, ReplayMismatch, diff_filter};
use crate::packet::{Family, IfacePattern, Packet};
use crate::policy::{interface_places, read_device_file};
use crate::routes::{Disagreement, Routing, diff_routing, flow_words, read_routing, route_mentions, split_routes};
use crate::ruleset::{Hook, Ruleset, Unreadable};
use std::collections::BTreeSet;

/// The files of one device, taken apart.
#[derive(Clone, Debug)]
pub struct Composed {
    /// Its ruleset files, in the order in which they are composed.
    pub rulesets: Vec<InputFile>,
    /// The files that those include.
    pub includes: Vec<InputFile>,
    /// Its `device.toml`.
    pub facts: Option<InputFile>,
}

/// The files as they are written for the spare.
#[derive(Clone, Debug)]
pub struct Written {
    /// The files, in the places of the originals.
    pub composed: Composed,
    /// How many names were written anew.
    pub names: usize,
}

/// Why files cannot be written for a spare.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Interfaces without a name there.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unmapped(Vec<Unmapped>),
    /// Files that are not understood, or in which names cannot be written anew.
    #[error("the files are not understood")]
    Unreadable(Unreadable),
    /// Conditions that name a port where nothing can write it anew.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Conditions(Vec<LeftCondition>),
    /// What was written does not mean the same.
    #[error("what would be written for the spare does not mean the same ({hook}, {family})")]
    Differs {
        /// Where.
        hook: Hook,
        /// For packets of which family.
        family: Family,
        /// One packet, with the names of the spare.
        witness: Option<Box<Packet>>,
    },
    /// What was written does not send packets where they should go.
    #[error("what would be written for the spare does not send packets the same way{}", .0.as_ref().map(|f| format!(": {f}")).unwrap_or_default())]
    RoutesDiffer(Option<String>),
    /// Not every packet was compared.
    #[error("not every packet could be compared")]
    Incomplete,
    /// The comparison of routes has no result.
    #[error(transparent)]
    Routes(#[from] Disagreement),
    /// The engine contradicts the interpreter.
    #[error(transparent)]
    Replay(#[from] ReplayMismatch),
}

/// A condition that would go on naming a port of the device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("the condition `{name}` in {place} names a port, and cannot be written anew")]
pub struct LeftCondition {
    /// The condition.
    pub name: String,
    /// File and line of its rule.
    pub place: String,
}

impl Composed {
    /// How its files are read.
    ///
    /// # Errors
    /// A `device.toml` that is not understood.
    pub fn options(&self) -> Result<ReadOptions, MappingError> {
        let facts = self.facts.as_ref().map(|f| read_device_file(&f.name, &String::from_utf8_lossy(&f.bytes)));
        let facts = facts.transpose().map_err(MappingError::Unreadable)?.unwrap_or_default();
        let dialect = facts.dialect.as_ref().map(|d| d.value.clone());
        Ok(ReadOptions { dialect, facts: facts.facts(), includes: self.includes.clone() })
    }

    /// The ruleset that the files are together.
    ///
    /// # Errors
    /// Files that are not understood.
    pub fn read(&self) -> Result<Ruleset, MappingError> {
        let (routes, rulesets) = split_routes(&self.rulesets);
        match rulesets.is_empty() && !routes.is_empty() {
            true => Ok(Ruleset::default()),
            false => read_device(&rulesets, &self.options()?).map_err(MappingError::Unreadable),
        }
    }

    /// The routes that the files give.
    ///
    /// # Errors
    /// Files that are not understood.
    pub fn routing(&self) -> Result<Routing, MappingError> {
        read_routing(&split_routes(&self.rulesets).0).map_err(MappingError::Unreadable)
    }
}

/// Writes the files of a device with the names of a spare, and proves that they mean the same there.
///
/// # Errors
/// As the variants of [`MappingError`] say; then nothing may be loaded.
pub fn map_device(device: &Composed, ports: &PortMap, bounds: Bounds) -> Result<Written, MappingError> {
    if ports.is_identity() {
        return Ok(Written { composed: device.clone(), names: 0 });
    }
    let (routes, rulesets) = split_routes(&device.rulesets);
    let mut mentions = match rulesets.is_empty() && !routes.is_empty() {
        true => Vec::new(),
        false => interface_mentions(&rulesets, &device.options()?).map_err(MappingError::Unreadable)?,
    };
    mentions.extend(route_mentions(&routes).map_err(MappingError::Unreadable)?);
    let image = |pattern: &IfacePattern| ports.image(pattern);
    let patterns = mentions.iter().map(|m| m.pattern.clone()).collect();
    ports.check(&patterns).map_err(MappingError::Unmapped)?;
    let anew = |file: &InputFile| {
        rewritten(file, &mentions, |m| image(&m.pattern)).map_err(|u| MappingError::Unmapped(vec![u]))
    };
    let composed = Composed {
        rulesets: device.rulesets.iter().map(anew).collect::<Result<_, _>>()?,
        includes: device.includes.iter().map(anew).collect::<Result<_, _>>()?,
        facts: device.facts.as_ref().map(|f| map_facts(f, ports)).transpose()?,
    };
    match prove(device, &composed, ports, bounds) {
        Ok(()) => Ok(Written { composed, names: mentions.len() }),
        Err(MappingError::Differs { hook, family, witness }) => match left_conditions(device, &composed, ports)? {
            left if left.is_empty() => Err(MappingError::Differs { hook, family, witness }),
            left => Err(MappingError::Conditions(left)),
        },
        Err(other) => Err(other),
    }
}

/// The conditions of the device that name a port and have no counterpart in what was written.
fn left_conditions(device: &Composed, written: &Composed, ports: &PortMap) -> Result<Vec<LeftCondition>, MappingError> {
    let (device, written) = (device.read()?, written.read()?);
    let known: BTreeSet<&str> = written.rules().flat_map(|(_, rule)| rule.opaques()).map(|o| &*o.name).collect();
    let mut out = Vec::new();
    for (_, rule) in device.rules() {
        for opaque in rule.opaques() {
            let image = ports.words(&opaque.name);
            if image != *opaque.name && !known.contains(image.as_str()) {
                let place = format!("{}:{}", device.sources.name(rule.span), rule.span.line);
                out.push(LeftCondition { name: opaque.name.to_string(), place });
            }
        }
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// Proves that files mean on the spare what the device's mean on the device: the device's ruleset and routes, their interfaces renamed
/// as a model, against what the files for the spare are read as.
///
/// # Errors
/// They do not, or it cannot be proved.
pub fn prove(device: &Composed, spare: &Composed, ports: &PortMap, bounds: Bounds) -> Result<(), MappingError> {
    let expected = renamed(&device.read()?, ports).map_err(MappingError::Unmapped)?;
    let written = spare.read()?;
    for hook in Hook::of(&[&expected, &written]) {
        for family in Family::ALL {
            let diff = diff_filter(&expected, &written, hook, family, &[], bounds)?;
            if let Some(change) = diff.changes.first() {
                let witness = Some(Box::new(change.witness.clone()));
                return Err(MappingError::Differs { hook, family, witness });
            }
            if !diff.complete {
                return Err(MappingError::Incomplete);
            }
        }
    }
    let same_facts = expected.facts == written.facts
        && (expected.families, expected.conntrack) == (written.families, written.conntrack);
    match same_facts {
        true => prove_routes(device, spare, ports),
        false => Err(MappingError::Differs { hook: Hook::Input, family: Family::V4, witness: None }),
    }
}

/// The same of routes and policy rules: every destination goes where it went, by the port that stands for the old one.
fn prove_routes(device: &Composed, spare: &Composed, ports: &PortMap) -> Result<(), MappingError> {
    let expected = renamed_routing(&device.routing()?, ports).map_err(MappingError::Unmapped)?;
    let written = spare.routing()?;
    let diff = diff_routing(&expected, &written)?;
    let same = diff.is_equivalent()
        && (&expected.families, &expected.ruled) == (&written.families, &written.ruled)
        && expected.routes.len() == written.routes.len();
    match same {
        true => Ok(()),
        false => Err(MappingError::RoutesDiffer(diff.changes.first().map(|c| flow_words(&c.witness)))),
    }
}

/// `device.toml` with the names of the spare.
fn map_facts(file: &InputFile, ports: &PortMap) -> Result<InputFile, MappingError> {
    let text = String::from_utf8_lossy(&file.bytes).into_owned();
    let places = interface_places(&file.name, &text).map_err(MappingError::Unreadable)?;
    let (mut out, mut at) = (String::new(), 0);
    for place in places {
        let (start, end) = (place.span.start as usize, place.span.end as usize);
        let image = ports.image(&IfacePattern::exact(place.value.as_str()));
        let image = image.map_err(|u| MappingError::Unmapped(vec![u]))?;
        out.push_str(text.get(at..start).unwrap_or_default());
        let is_bare = text.get(start..end) == Some(place.value.as_str())
            && image.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        out.push_str(&if is_bare { image.name } else { format!("\"{}\"", image.name) });
        at = end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Ok(InputFile { name: file.name.clone(), bytes: out.into_bytes().into() })
}
