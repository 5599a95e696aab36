//! The whole meaning of a change as one text: `fwgate.meaning/1`, defined in `docs/meaning.md`.

use super::{Sides, meaning_bounds, too_large};
use crate::check::{CheckReport, Device, FilterEffect};
use crate::diff::{Bounds, FilterDiff, Meaning, MeaningError, canonical_meaning, diff_filter};
use crate::finding::Finding;
use crate::gate::content::Target;
use crate::gate::reason::{Reason, ReasonCode};
use crate::packet::Family;
use crate::routes::canonical_routes;
use crate::ruleset::{Hook, Ruleset};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What a change means as a whole.
pub(super) struct Whole {
    /// The text: devices with their filters, then what does not hold.
    pub text: String,
    /// The meaning of every effect of the report, in its order; empty for devices that are no targets.
    pub effects: Vec<Rc<Meaning>>,
}

/// The meaning of a change.
///
/// # Errors
/// A bound; a contradiction of the engine.
pub(super) fn meaning(
    repository: &str,
    report: &CheckReport,
    targets: &[Target],
    sides: &Sides<'_>,
    bounds: Bounds,
) -> Result<Whole, Vec<Reason>> {
    let mut writer =
        Writer { bounds, known: BTreeMap::new(), out: format!("fwgate.meaning/1\nrepository {repository}\n") };
    for target in targets {
        let own = report.effects.iter().filter(|e| e.device == target.device);
        writer.device(&target.device, sides.of(&target.device), own.collect()).map_err(|reason| vec![reason])?;
        if let Some(routes) = report.routes.iter().find(|r| r.device == target.device) {
            let lines = canonical_routes(&routes.old, &routes.new, &routes.diff);
            writer.out +=
                &lines.ok_or_else(|| vec![too_large("the change of routes is too large to be put into words")])?;
        }
    }
    for line in verdicts(report, targets) {
        writer.out += &line;
    }
    let known = |e: &FilterEffect| writer.known.get(&Rc::as_ptr(&e.diff)).cloned().unwrap_or_default();
    Ok(Whole { effects: report.effects.iter().map(known).collect(), text: writer.out })
}

struct Writer {
    bounds: Bounds,
    /// Meanings of effects, which devices share, by address.
    known: BTreeMap<*const FilterDiff, Rc<Meaning>>,
    out: String,
}

impl Writer {
    fn device(&mut self, name: &str, sides: [Option<&Device>; 2], effects: Vec<&FilterEffect>) -> Result<(), Reason> {
        let presence = match sides {
            [Some(_), Some(_)] => "both",
            [None, _] => "after",
            [Some(_), None] => "before",
        };
        self.out += &format!("device {name} {presence}\n");
        for hook in Hook::ALL {
            for family in Family::ALL {
                if let Some(effect) = effects.iter().find(|e| (e.hook, e.family) == (hook, family)) {
                    let meaning = self.meaning(&effect.diff)?;
                    self.filter(hook, family, "both", &meaning.text);
                }
            }
        }
        if let [Some(old), Some(new)] = sides {
            self.families_of_one_side(&old.ruleset, &new.ruleset)?;
        }
        Ok(())
    }

    /// What only one side gives is compared with a device that lets everything pass, and marked.
    fn families_of_one_side(&mut self, old: &Ruleset, new: &Ruleset) -> Result<(), Reason> {
        let nothing = Ruleset::default();
        for family in Family::ALL {
            let (given, sides) = match (old.families.contains(family), new.families.contains(family)) {
                (true, false) => ("before", [old, &nothing]),
                (false, true) => ("after", [&nothing, new]),
                _ => continue,
            };
            for hook in Hook::ALL {
                let diff = diff_filter(sides[0], sides[1], hook, family, &[], self.bounds).map_err(|error| {
                    let fix = "this is a bug in fwgate; report it with the input that causes it";
                    Reason::new(ReasonCode::UnparsedInput, error.to_string(), fix)
                })?;
                let meaning = canonical_meaning(&diff, meaning_bounds(self.bounds)).map_err(refused)?;
                self.filter(hook, family, given, &meaning.text);
            }
        }
        Ok(())
    }

    fn filter(&mut self, hook: Hook, family: Family, given: &str, lines: &str) {
        if !lines.is_empty() || given != "both" {
            self.out += &format!("filter {hook} {} {given}\n{lines}", family.number());
        }
    }

    fn meaning(&mut self, diff: &Rc<FilterDiff>) -> Result<Rc<Meaning>, Reason> {
        if let Some(known) = self.known.get(&Rc::as_ptr(diff)) {
            return Ok(known.clone());
        }
        let meaning = Rc::new(canonical_meaning(diff, meaning_bounds(self.bounds)).map_err(refused)?);
        self.known.insert(Rc::as_ptr(diff), meaning.clone());
        Ok(meaning)
    }
}

fn refused(error: MeaningError) -> Reason {
    match error {
        MeaningError::Incomplete | MeaningError::TooLarge => too_large(&error.to_string()),
        MeaningError::Overlap => {
            let fix = "this is a bug in fwgate; report it with the input that causes it";
            Reason::new(ReasonCode::UnparsedInput, error.to_string(), fix)
        }
    }
}

/// One line for every requirement and prohibition that does not simply hold on a target, or is judged nowhere.
fn verdicts(report: &CheckReport, targets: &[Target]) -> BTreeSet<String> {
    let names: BTreeSet<&str> = targets.iter().map(|t| t.device.as_str()).collect();
    let concerns = |f: &&Finding| f.device.as_deref().is_none_or(|device| names.contains(device));
    let line = |f: &Finding| {
        let requirement = f.requirement.as_ref()?;
        let hook = f.hook.map_or("-", |h| h.name());
        let family = f.family.map_or_else(|| "-".to_owned(), |f| f.number().to_string());
        let direction = f.direction.map_or("-", |d| d.name());
        let device = f.device.as_deref().unwrap_or("-");
        Some(format!("verdict {} {requirement} {device} {hook} {family} {direction}\n", f.code.id))
    };
    report.findings.iter().filter(concerns).filter_map(line).collect()
}
