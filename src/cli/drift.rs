//! `fwgate drift`: whether devices run what they should, by meaning: asked themselves, or by a folder of what they print.

mod expected;
mod running;

use super::answer::Format;
use super::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{RootArguments, Session, Survey, now};
use super::input::{Herd, Reader, Surroundings};
use super::ledger::listed;
use super::rulesets::{is_ruleset, read_policy_at};
use super::screen::Screen;
use crate::diff::Bounds;
use crate::finding::{DEVICE_DRIFTED, DEVICE_UNKNOWN, DEVICE_UNREAD, FOREIGN_FIRST, Finding};
use crate::fleet::drift::{Compared, Fleet, Subject, drift};
use crate::fleet::tree::Beside;
use crate::fleet::{Converged, Difference, ReadbackError, RoutesRead};
use crate::gate::inventory_of;
use crate::policy::Policy;
use crate::report::{DriftDifference, DriftDocument, DriftState, DriftView, drift_human, json_text};
use clap::Args;
use expected::{Estate, Wanted};
use running::{Running, dumped, live};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use wildmatch::WildMatch;

/// The arguments of `fwgate drift`.
#[derive(Debug, Args)]
#[command(
    after_help = "What is in force comes from the ledger; the protected branch stands in for devices that it does not know. Dumps are laid out\n\
                  as a tree: a folder for each device, or files called after it.\n\
                  Exit codes: 0 no drift; 1 some device drifted; 2 none did, and some could not be read.\n\n\
                  Examples:\n  fwgate drift --root root.toml                     (asks every device by its transport's `read`)\n  \
                  fwgate drift --root root.toml --from dumps/\n  fwgate drift --from dumps/ --against devices/     (without git, ledger or root)"
)]
pub struct Arguments {
    /// A folder of what devices print, instead of asking them
    #[arg(long, value_name = "DIR")]
    pub from: Option<OsString>,
    /// What they should run, instead of what the ledger says: a tree of devices, or `rev:NAME`
    #[arg(long, value_name = "TREE")]
    pub against: Option<OsString>,
    /// With --against: the policy that says what other programs manage, and how devices are reached
    #[arg(long, value_name = "FILE|DIR", requires = "against")]
    pub policy: Option<OsString>,
    /// Only devices of these names; `*` and `?` stand for letters
    #[arg(long, value_name = "GLOB")]
    pub device: Vec<String>,
    /// How many devices are asked at the same time; `parallel` of the policy where it is not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallel: Option<u16>,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Where trust comes from
    #[command(flatten)]
    pub root: RootArguments,
}

/// Looks at every device.
///
/// # Errors
/// No repository where one is needed; trees that cannot be read.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let (known, dumps) = both_sides(arguments)?;
    let (policy, estate) = match known {
        Ok(found) => found,
        Err(reasons) => {
            arguments.format.tell_unanswered(&format!("no verdict\n{reasons}"), screen)?;
            return Ok(NO_VERDICT);
        }
    };
    let globs: Vec<WildMatch> = arguments.device.iter().map(|g| WildMatch::new(g)).collect();
    let estate = estate.only(|name| globs.is_empty() || globs.iter().any(|g| g.matches(name)))?;
    let progress = super::progress::Progress::begin("reading what runs, and comparing", screen);
    let (running, read) = match dumps {
        Some(herd) => (dumped(&herd), "folder"),
        None => {
            let parallel = arguments.parallel.map(u32::from).or(policy.push.parallel).unwrap_or(1);
            (live(&policy, &estate, parallel as usize), "live")
        }
    };
    let is_meant = |name: &str| globs.is_empty() || globs.iter().any(|g| g.matches(name));
    let looked = look(&policy, &estate, &running, is_meant);
    drop(progress);
    let document = DriftDocument::of(read, looked.comparisons, &looked.devices, &looked.findings);
    screen.answer(&match arguments.format {
        Format::Human => drift_human(&document, &looked.devices, &looked.findings, screen.colour),
        Format::Json => json_text(&document)?,
    })?;
    Ok(match document.verdict {
        "drifted" => REFUSED,
        "unknown" => NO_VERDICT,
        _ => PASSED,
    })
}

/// What devices should run with the policy in force, or why neither is known; and the dumps, where there are any.
type Sides = (Result<(Policy, Estate), String>, Option<Herd>);

/// Reads what devices should run, and at the same time the folder of dumps.
fn both_sides(arguments: &Arguments) -> Result<Sides, Failure> {
    let surroundings = Surroundings::of_process()?;
    let reader = || Reader::new(&surroundings, &is_ruleset).with_devices(&arguments.root.devices);
    let herd = |tree: &OsString| -> Result<Herd, Failure> { Ok(reader()?.herd(tree)?) };
    std::thread::scope(|scope| {
        let reading = arguments.from.as_ref().map(|folder| scope.spawn(|| herd(folder)));
        let known = match &arguments.against {
            Some(tree) => {
                let policy = arguments.policy.as_deref().map(read_policy_at).transpose()?.unwrap_or_default();
                let reader = reader()?.with_beside(Beside::of(&policy));
                let herd = reader.herd(tree)?;
                let inventory = inventory_of(&policy, &herd.beside)?;
                Ok((policy, Estate::of_herd(&herd, inventory.as_ref())?))
            }
            None => by_ledger(arguments)?,
        };
        let failed = || Failure::new("the folder of dumps could not be read");
        let dumps = reading.map(|thread| thread.join().unwrap_or_else(|_| Err(failed()))).transpose()?;
        Ok((known, dumps))
    })
}

/// What the ledger says is in force, and the policy in force; or why neither is known.
fn by_ledger(arguments: &Arguments) -> Result<Result<(Policy, Estate), String>, Failure> {
    let session = Session::open_root(&arguments.root)?;
    let survey: Survey = session.survey(now());
    let reasons = survey.unanswered();
    let Some(policy) = survey.chain.policy().cloned().filter(|_| reasons.is_empty()) else {
        return Ok(Err(listed(&reasons)));
    };
    Ok(Ok((policy, Estate::of_ledger(&session, &survey)?)))
}

/// Everything that was found.
struct Looked {
    devices: Vec<DriftView>,
    findings: Vec<Finding>,
    comparisons: usize,
}

fn look(policy: &Policy, estate: &Estate, running: &Running, is_meant: impl Fn(&str) -> bool) -> Looked {
    let (mut subjects, mut views) = (Vec::new(), BTreeMap::new());
    for (name, wanted) in &estate.devices {
        let view = |state| DriftView {
            device: name.clone(),
            against: wanted.expected.as_ref().ok().map(|_| wanted.against),
            in_force: wanted.in_force.clone(),
            state,
            comparison: None,
        };
        match (&wanted.expected, running.devices.get(name)) {
            (Err(why), _) => drop(views.insert(name.clone(), view(DriftState::Unread(why.clone())))),
            (_, None) => {
                let why = "there is no dump of it".to_owned();
                views.insert(name.clone(), view(DriftState::Unread(why)));
            }
            (_, Some(Err(why))) => drop(views.insert(name.clone(), view(DriftState::Unread(why.clone())))),
            (Ok(expected), Some(Ok(seen))) => {
                subjects.push(subject(name, wanted, *expected, *seen));
                views.insert(name.clone(), view(DriftState::Same));
            }
        }
    }
    for name in running.devices.keys().filter(|n| !estate.devices.contains_key(*n) && is_meant(n)) {
        let (device, state) = (name.clone(), DriftState::Unknown);
        views.insert(name.clone(), DriftView { device, against: None, in_force: None, state, comparison: None });
    }
    let fleet = Fleet {
        subjects: &subjects,
        expected: &estate.configurations,
        seen: &running.readings,
        unmanaged: &policy.unmanaged,
        bounds: Bounds::default(),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let found = drift(&fleet, threads);
    let foreign = note(&subjects, &found.compared, &mut views);
    let devices: Vec<DriftView> = views.into_values().collect();
    let mut findings: Vec<Finding> = devices.iter().filter_map(finding).collect();
    findings.extend(foreign);
    Looked { devices, findings, comparisons: found.distinct }
}

fn subject(name: &str, wanted: &Wanted, expected: usize, seen: usize) -> Subject {
    Subject { device: name.to_owned(), roles: wanted.roles.clone(), expected, seen }
}

/// Writes what was compared into the views; chains of other programs that decide first, of the first device of each comparison.
fn note(subjects: &[Subject], compared: &[Compared], views: &mut BTreeMap<String, DriftView>) -> Vec<Finding> {
    let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
    let mut foreign = Vec::new();
    for (subject, compared) in subjects.iter().zip(compared) {
        let next = numbers.len();
        let number = *numbers.entry(Arc::as_ptr(compared) as usize).or_insert(next);
        if let Ok(converged) = compared.as_ref() {
            foreign.extend(converged.foreign.iter().map(|f| foreign_first(&subject.device, f)));
            // A device that filters otherwise is told as such; that its routes were not read is told beside it.
            let unread = converged.routes.words().filter(|_| matches!(converged.routes, RoutesRead::Unread(_)));
            foreign.extend(
                unread.filter(|_| !converged.differences.is_empty()).map(|why| unread_finding(&subject.device, &why)),
            );
        }
        if let Some(view) = views.get_mut(&subject.device) {
            (view.state, view.comparison) = (state(compared.as_ref()), Some(number));
        }
    }
    foreign
}

fn state(compared: &Result<Converged, ReadbackError>) -> DriftState {
    match compared {
        Ok(converged) if converged.is_equal() => DriftState::Same,
        Ok(Converged { differences, routes: RoutesRead::Differ(routes), .. }) => {
            DriftState::Drifted(differences.iter().map(written).collect(), routes.clone())
        }
        Ok(converged) if converged.differences.is_empty() => {
            DriftState::Unread(super::gate::difference_words(converged))
        }
        Ok(converged) => DriftState::Drifted(converged.differences.iter().map(written).collect(), Vec::new()),
        Err(error @ (ReadbackError::Expected(unread) | ReadbackError::Seen(unread))) => {
            let first = unread.problems.first().map(|p| format!(": {}", p.message)).unwrap_or_default();
            DriftState::Unread(format!("{error}{first}"))
        }
        Err(error) => DriftState::Unread(error.to_string()),
    }
}

fn written(difference: &Difference) -> DriftDifference {
    DriftDifference {
        hook: difference.hook.name(),
        family: difference.family.number(),
        effect: difference.effect.map(|e| e.name()),
        witness: difference.witness.clone(),
    }
}

fn foreign_first(device: &str, foreign: &crate::fleet::Foreign) -> Finding {
    let message =
        format!("`{}` of `{device}` is another program's and can decide before `{}`", foreign.chain, foreign.before);
    Finding::without_place(&FOREIGN_FIRST, message).on_device(device).helped_by("load the own rules in front of it")
}

fn unread_finding(name: &str, why: &str) -> Finding {
    let message = format!("`{name}` could not be judged: {why}");
    Finding::without_place(&DEVICE_UNREAD, message)
        .helped_by("see what its `read` prints, or add its dump")
        .on_device(name)
}

fn finding(view: &DriftView) -> Option<Finding> {
    let name = &view.device;
    let finding = match &view.state {
        DriftState::Same => return None,
        DriftState::Drifted(all, routes) => {
            let goes = routes.first().map(|r| format!(": {r}")).filter(|_| all.is_empty()).unwrap_or_default();
            let message = format!("`{name}` runs something else than what is in force{goes}");
            let help = format!("`fwgate rollback {name}` brings it back, `fwgate adopt {name}` makes it the baseline");
            let witness = all.iter().find_map(|d| d.witness.clone());
            let finding = Finding::without_place(&DEVICE_DRIFTED, message).helped_by(help);
            witness.into_iter().fold(finding, Finding::shown_by)
        }
        DriftState::Unread(why) => return Some(unread_finding(name, why)),
        DriftState::Unknown => {
            let message = format!("there is a dump of `{name}`, which is no device of the fleet");
            Finding::without_place(&DEVICE_UNKNOWN, message).helped_by("add the device, or name the dump after its own")
        }
    };
    Some(finding.on_device(name.clone()))
}
