//! The files of a device written for a spare, and the proof that both mean the same.

use super::ports::{PortMap, Unmapped};
use super::renamed::renamed;
use crate::dialect::mentions::{interface_mentions, rewritten};
use crate::dialect::{InputFile, ReadOptions, read_device};
use crate::diff::{Bounds, ReplayMismatch, diff_filter};
use crate::packet::{Family, IfacePattern, Packet};
use crate::policy::{interface_places, read_device_file};
use crate::routes::{Routing, is_routing, read_routing, split_routes};
use crate::ruleset::{Hook, Problem, Ruleset, Sources, Span, Unreadable};

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
    /// Not every packet was compared.
    #[error("not every packet could be compared")]
    Incomplete,
    /// The engine contradicts the interpreter.
    #[error(transparent)]
    Replay(#[from] ReplayMismatch),
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

    /// Routes name interfaces too, and nothing here writes them anew: with other names they would lead nowhere.
    fn refuse_routes(&self) -> Result<(), MappingError> {
        let Some(file) = self.rulesets.iter().find(|f| is_routing(f)) else { return Ok(()) };
        let mut sources = Sources::default();
        let source = sources.add(file.name.as_str(), String::from_utf8_lossy(&file.bytes).as_ref());
        let span = Span { source, line: 1, ..Span::default() };
        let problem = Problem::new(span, "routes are not written with other names of interfaces")
            .help("give the spare the same names, or keep routes apart from the files that it gets");
        Err(MappingError::Unreadable(Unreadable { sources, problems: vec![problem] }))
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
    device.refuse_routes()?;
    let mentions = interface_mentions(&device.rulesets, &device.options()?).map_err(MappingError::Unreadable)?;
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
    prove(device, &composed, ports, bounds)?;
    Ok(Written { composed, names: mentions.len() })
}

/// Proves that files mean on the spare what the device's mean on the device: the device's ruleset, its interfaces renamed as a
/// model, against what the files for the spare are read as.
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
        true => Ok(()),
        false => Err(MappingError::Differs { hook: Hook::Input, family: Family::V4, witness: None }),
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
    Ok(InputFile { name: file.name.clone(), bytes: out.into_bytes() })
}
