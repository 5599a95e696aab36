//! What a change does, computed from bytes: the verdict of the checks, the digests, the words, and what kind of effect it is.
//!
//! Pure: bytes of devices come in, as they are in force and as they are proposed, with the policy in force and the change
//! request. A library keeps what was read, so that one change is analysed against several baselines cheaply.

mod extent;
mod passing;
mod read;
mod text;

pub use passing::{Passing, unsafe_passing};
pub use read::Library;

use super::content::{Target, content_digest, device_digest, sha256};
use super::estate::EstateSide;
use super::evidence::{Analysis, DeviceBytes};
use super::reason::{Reason, ReasonCode};
use super::says::{Said, Subject, says};
use crate::check::{CheckError, CheckInput, CheckReport, Device, Estate, Goes, run};
use crate::diff::{Bounds, MeaningBounds};
use crate::finding::Severity;
use crate::fleet::tree::TreeFile;
use crate::packet::Family;
use crate::policy::{ChangeRequest, Contradiction, Date, Policy, canonical_change, read_change, subject_of};
use crate::routes::{Disagreement, canonical_says};
use read::Read;
use std::collections::BTreeMap;

/// Everything that an analysis is about.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The id of the repository.
    pub repository: &'a str,
    /// Every device as it is in force.
    pub baseline: &'a [DeviceBytes],
    /// Every device as it is proposed.
    pub proposal: &'a [DeviceBytes],
    /// The devices at the beginning of the author's range: their facts are compared with the proposal's, because a change of
    /// facts that decide how a device is judged is a change of the policy.
    pub base: &'a [DeviceBytes],
    /// The policy in force.
    pub policy: &'a Policy,
    /// The change request.
    pub request: &'a ChangeRequest,
    /// The change request in canonical form, as `policy::canonical_change` gives it.
    pub canonical_request: &'a str,
    /// When comparisons give up.
    pub bounds: Bounds,
    /// The day on which waivers are judged, in UTC.
    pub today: Date,
}

/// Analyses a change.
///
/// # Errors
/// Everything that keeps the change from being judged: input that is not understood, nothing that changes, a bound.
pub fn analyse(case: &Case<'_>, library: &mut Library) -> Result<Analysis, Vec<Reason>> {
    analyse_within(case, &BesideDevices::default(), library)
}

/// What stands beside the devices: zones and snapshots of the inventory, as in force and as proposed, and the time.
#[derive(Clone, Copy, Debug, Default)]
pub struct BesideDevices<'a> {
    /// As in force.
    pub baseline: &'a [TreeFile],
    /// As proposed.
    pub proposal: &'a [TreeFile],
    /// Seconds since 1970.
    pub now: Option<i64>,
    /// When the change goes.
    pub goes: Goes,
}

/// Analyses a change with what stands beside the devices.
///
/// # Errors
/// As [`analyse`]; zones and snapshots that are not understood, and an inventory that the policy names and the proposal lacks.
pub fn analyse_within(
    case: &Case<'_>,
    around: &BesideDevices<'_>,
    library: &mut Library,
) -> Result<Analysis, Vec<Reason>> {
    let (mut old, mut new) = estates(case.policy, around)?;
    refuse_missing(case.policy, &new)?;
    let targets = targets(case.baseline, case.proposal);
    refuse_empty(case, &targets)?;
    let (before, after) = both(
        library.side(case.baseline, old.inventory.as_ref()).map_err(no_way_back),
        library.side(case.proposal, new.inventory.as_ref()),
    )?;
    (old.contradictions, new.contradictions) = (contradictions(&before), contradictions(&after));
    let mut subjects = subjects(&targets, &before, &after);
    let (baseline, proposed) = (devices(&before), devices(&after));
    let input = CheckInput {
        baseline: &baseline,
        proposed: &proposed,
        policy: case.policy,
        change: Some(case.request),
        estate: Estate { baseline: old.known(), proposed: new.known(), now: around.now, goes: around.goes },
        bounds: case.bounds,
        today: case.today,
    };
    let report = checked(&input)?;
    let meaning = text::meaning(
        case.repository,
        &report,
        &targets,
        &Sides { baseline: &baseline, proposed: &proposed },
        case.bounds,
    )?;
    let origin = library.side(case.base, old.inventory.as_ref()).unwrap_or_default();
    let extent = extent::extent(&extent::Seen {
        input: &input,
        report: &report,
        targets: &targets,
        before: &before,
        after: &after,
        origin: &origin,
    })?;
    let effects: Vec<Said<'_>> =
        report.effects.iter().zip(&meaning.effects).map(|(effect, meaning)| Said { effect, meaning }).collect();
    for subject in &mut subjects {
        let routes = report.routes.iter().filter(|r| r.device == subject.device);
        subject.also.extend(routes.flat_map(|r| canonical_says(&r.old, &r.new, &r.diff)));
    }
    let words = says(&subjects, &effects);
    Ok(Analysis {
        is_refused: report.findings.iter().any(|f| f.severity >= Severity::Error),
        report,
        content: content_digest(case.repository, case.canonical_request, &targets),
        meaning: sha256(meaning.text.as_bytes()),
        says: words,
        devices: targets.iter().map(|t| (t.device.clone(), t.proposal)).collect(),
        rollback: targets.iter().map(|t| (t.device.clone(), t.baseline)).collect(),
        extent,
    })
}

/// What stands beside the devices of both sides.
fn estates(policy: &Policy, around: &BesideDevices<'_>) -> Result<(EstateSide, EstateSide), Vec<Reason>> {
    both(estate(policy, around.baseline), estate(policy, around.proposal))
}

/// What stands beside the devices of one side.
fn estate(policy: &Policy, files: &[TreeFile]) -> Result<EstateSide, Vec<Reason>> {
    EstateSide::of_files(policy, files).map_err(|unreadable| {
        let reason = |p: &crate::ruleset::Problem| {
            let place = format!("{}:{}", unreadable.sources.name(p.span), p.span.line);
            let fix = p.help.clone().unwrap_or_else(|| "mend the file".to_owned());
            Reason::new(ReasonCode::UnparsedInput, format!("{} ({place})", p.message), fix)
        };
        unreadable.problems.iter().take(MAX_PROBLEMS).map(reason).collect()
    })
}

/// Most problems of zones and snapshots that become reasons.
const MAX_PROBLEMS: usize = 20;

/// An inventory that the policy names and the proposal lacks proves nothing.
fn refuse_missing(policy: &Policy, new: &EstateSide) -> Result<(), Vec<Reason>> {
    match policy.inventory.is_some() && new.inventory.is_none() {
        true => {
            let message = "the policy names an inventory, and the proposal has none";
            Err(vec![Reason::new(ReasonCode::UnparsedInput, message, "commit the snapshots that [inventory] names")])
        }
        false => Ok(()),
    }
}

fn contradictions(side: &[Read]) -> Vec<(String, Contradiction)> {
    let of =
        |read: &Read| read.contradictions.iter().map(|c| (read.device.name.clone(), c.clone())).collect::<Vec<_>>();
    side.iter().flat_map(of).collect()
}

/// Reads a change file: the request, and its canonical form.
///
/// # Errors
/// Everything in it that is not understood.
pub fn read_request(path: &str, bytes: &[u8], policy: &Policy) -> Result<(ChangeRequest, String), Vec<Reason>> {
    let unread = |message: String, help: Option<String>| {
        let fix = help.unwrap_or_else(|| format!("mend `{path}`"));
        Reason::new(ReasonCode::UnparsedInput, message, fix)
    };
    let text = std::str::from_utf8(bytes).map_err(|_| vec![unread(format!("`{path}` is not UTF-8"), None)])?;
    let read = read_change(path, text, &policy.names).and_then(|r| Ok((r, canonical_change(path, text)?)));
    read.map_err(|unreadable| {
        let reason = |p: crate::ruleset::Problem| {
            let code = match subject_of(&p) {
                Some(crate::policy::Topic::Time) => ReasonCode::ScheduleInvalid,
                _ => ReasonCode::UnparsedInput,
            };
            Reason { code, ..unread(format!("{} ({path}:{})", p.message, p.span.line), p.help) }
        };
        unreadable.problems.into_iter().map(reason).collect()
    })
}

/// The devices whose bytes change, in order of name. A device that one side lacks has no files there.
pub fn targets(baseline: &[DeviceBytes], proposal: &[DeviceBytes]) -> Vec<Target> {
    let mut sides: BTreeMap<&str, [Option<&DeviceBytes>; 2]> = BTreeMap::new();
    baseline.iter().for_each(|d| sides.entry(&d.device).or_default()[0] = Some(d));
    proposal.iter().for_each(|d| sides.entry(&d.device).or_default()[1] = Some(d));
    let target = |(name, [old, new]): (&str, [Option<&DeviceBytes>; 2])| Target {
        device: name.to_owned(),
        baseline: device_digest(old),
        proposal: device_digest(new),
    };
    sides.into_iter().map(target).filter(|t| t.baseline != t.proposal).collect()
}

/// Both sides as the checks see them.
#[derive(Clone, Copy)]
struct Sides<'a> {
    baseline: &'a [Device],
    proposed: &'a [Device],
}

impl<'a> Sides<'a> {
    /// A device on both sides.
    fn of(&self, name: &str) -> [Option<&'a Device>; 2] {
        [self.baseline, self.proposed].map(|side| side.iter().find(|d| d.name == name))
    }
}

fn refuse_empty(case: &Case<'_>, targets: &[Target]) -> Result<(), Vec<Reason>> {
    let empty = |what: &str, fix: &str| Err(vec![Reason::new(ReasonCode::EmptyChange, what, fix)]);
    match () {
        () if case.baseline.is_empty() => empty("no device is in force", "`fwgate adopt DEVICE` takes in what runs"),
        () if case.proposal.is_empty() => empty("the proposal holds no device", "commit the devices' rulesets"),
        () if targets.is_empty() => empty(
            "the proposal is byte for byte what is in force",
            "nothing needs doing; `fwgate change withdraw` ends it",
        ),
        () => Ok(()),
    }
}

/// What is in force and not understood is no way back either.
fn no_way_back(mut reasons: Vec<Reason>) -> Vec<Reason> {
    let fix = "make what runs there the baseline, in a form that is understood: `fwgate adopt DEVICE`";
    let message = "what is in force is not understood, so that there is no way back to it";
    reasons.push(Reason::new(ReasonCode::NoRollback, message, fix));
    reasons
}

/// Both, or everything that stands against either.
fn both<T>(one: Result<T, Vec<Reason>>, other: Result<T, Vec<Reason>>) -> Result<(T, T), Vec<Reason>> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(one), Ok(_)) => Err(one),
        (Ok(_), Err(other)) => Err(other),
        (Err(mut all), Err(other)) => {
            all.extend(other);
            all.sort();
            all.dedup();
            Err(all)
        }
    }
}

fn devices(side: &[Read]) -> Vec<Device> {
    side.iter().map(|r| r.device.clone()).collect()
}

/// The report, where every packet was judged.
fn checked(input: &CheckInput<'_>) -> Result<CheckReport, Vec<Reason>> {
    let report = run(input).map_err(|error| vec![no_verdict(&error)])?;
    match report.complete {
        true => Ok(report),
        false => Err(vec![too_large("a bound was reached, so not every packet was judged")]),
    }
}

fn no_verdict(error: &CheckError) -> Reason {
    match error {
        CheckError::NoDevice(_) => {
            Reason::new(ReasonCode::EmptyChange, error.to_string(), "commit the devices' rulesets")
        }
        CheckError::Routes(Disagreement::TooMany { .. }) => too_large(&error.to_string()),
        CheckError::Replay(_) | CheckError::Routes(_) | CheckError::SameName { .. } => {
            let fix = "this may be a bug in fwgate; report it with the input that causes it";
            Reason::new(ReasonCode::UnparsedInput, error.to_string(), fix)
        }
    }
}

fn too_large(what: &str) -> Reason {
    Reason::new(ReasonCode::LimitExceeded, what, "split the change: smaller ones need less")
}

/// What is to be said of each target beside its effect.
fn subjects(targets: &[Target], before: &[Read], after: &[Read]) -> Vec<Subject> {
    let find =
        |side: &'_ [Read], name: &str| side.iter().find(|r| r.device.name == name).map(|r| r.device.ruleset.clone());
    let subject = |target: &Target| {
        let also = match (find(before, &target.device), find(after, &target.device)) {
            (None, _) => vec!["(new)".to_owned()],
            (_, None) => vec!["(removed)".to_owned()],
            (Some(old), Some(new)) => Family::ALL
                .into_iter()
                .filter_map(|family| match (old.families.contains(family), new.families.contains(family)) {
                    (false, true) => Some(format!("has {family} rules for the first time, which are not compared")),
                    (true, false) => Some(format!("has no {family} rules any more, which is not compared")),
                    _ => None,
                })
                .collect(),
        };
        Subject { device: target.device.clone(), also }
    };
    targets.iter().map(subject).collect()
}

/// The bounds of a meaning that belongs to a comparison.
fn meaning_bounds(bounds: Bounds) -> MeaningBounds {
    let default = MeaningBounds::default();
    MeaningBounds { steps: default.steps.min(bounds.cells.saturating_mul(25)) }
}

#[cfg(test)]
pub(super) mod tests;
