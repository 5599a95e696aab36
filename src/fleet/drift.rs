//! Whether the devices of a fleet run what they should, by meaning: equal work is done once, on as many threads as there are.

use super::readback::{Converged, Readback, ReadbackError, compare_readback};
use crate::dialect::{InputFile, ReadOptions, read_device};
use crate::diff::Bounds;
use crate::policy::Unmanaged;
use crate::routes::split_routes;
use crate::ruleset::DeviceFacts;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What some devices should run.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Its files, which several configurations can share.
    pub files: Arc<[InputFile]>,
    /// Its facts.
    pub options: ReadOptions,
}

/// One device and where its two sides are.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name.
    pub device: String,
    /// Every role that selectors can name.
    pub roles: Vec<String>,
    /// What it should run: a place in [`Fleet::expected`].
    pub expected: usize,
    /// What it runs: a place in [`Fleet::seen`].
    pub seen: usize,
}

/// A fleet of which every device was read.
#[derive(Clone, Copy, Debug)]
pub struct Fleet<'a> {
    /// The devices.
    pub subjects: &'a [Subject],
    /// Distinct configurations.
    pub expected: &'a [Configuration],
    /// Distinct readings.
    pub seen: &'a [Vec<InputFile>],
    /// What other programs manage.
    pub unmanaged: &'a [Unmanaged],
    /// When comparisons give up.
    pub bounds: Bounds,
}

/// What came of one comparison; devices of the same sides share it.
pub type Compared = Arc<Result<Converged, ReadbackError>>;

/// What devices of a fleet do against what they should do.
#[derive(Clone, Debug)]
pub struct Drift {
    /// In the order of the subjects.
    pub compared: Vec<Compared>,
    /// How many comparisons that took.
    pub distinct: usize,
}

/// Sides, whether their facts count, and which rules of the policy about other programs' objects hold: devices that agree in that agree
/// in everything.
type Key = (usize, usize, bool, Vec<usize>);

/// What is compared: a device that stands for all that are like it, with the facts of its configuration or without.
struct Job<'a> {
    subject: &'a Subject,
    has_facts: bool,
}

/// Compares every device, on so many threads. The answer does not depend on their number.
pub fn drift(fleet: &Fleet<'_>, threads: usize) -> Drift {
    let mut jobs: Vec<Job<'_>> = Vec::new();
    let mut known: BTreeMap<Key, usize> = BTreeMap::new();
    let mut facts = Facts::of(fleet);
    let place = |subject| -> usize {
        let key = key_of(fleet, &mut facts, subject);
        let has_facts = key.2;
        *known.entry(key).or_insert_with(|| {
            jobs.push(Job { subject, has_facts });
            jobs.len() - 1
        })
    };
    let places: Vec<usize> = fleet.subjects.iter().map(place).collect();
    let done = compare_all(fleet, &jobs, threads);
    let compared = places.iter().filter_map(|at| done.get(*at).cloned()).collect();
    Drift { compared, distinct: jobs.len() }
}

fn key_of(fleet: &Fleet<'_>, facts: &mut Facts<'_>, subject: &Subject) -> Key {
    let rules = fleet.unmanaged.iter().enumerate();
    let own = rules.filter(|(_, u)| u.devices.selects(&subject.device, &subject.roles)).map(|(at, _)| at).collect();
    match facts.count(subject) {
        true => (subject.expected, subject.seen, true, own),
        false => (facts.kind(subject.expected), subject.seen, false, own),
    }
}

/// Whose facts count: an inventory tells devices apart whose files are the same, and most rulesets mean the same on all of them.
struct Facts<'a> {
    fleet: &'a Fleet<'a>,
    /// The first configuration with the files of each.
    kinds: Vec<usize>,
    /// Whether the files of a kind, and a reading by its options, wait for facts.
    expected: BTreeMap<usize, bool>,
    seen: BTreeMap<(usize, usize), bool>,
}

impl<'a> Facts<'a> {
    fn of(fleet: &'a Fleet<'a>) -> Facts<'a> {
        let mut firsts: BTreeMap<(*const InputFile, &Option<String>), usize> = BTreeMap::new();
        let all = fleet.expected.iter().enumerate();
        let kinds = all.map(|(at, c)| *firsts.entry((c.files.as_ptr(), &c.options.dialect)).or_insert(at)).collect();
        Facts { fleet, kinds, expected: BTreeMap::new(), seen: BTreeMap::new() }
    }

    /// The first configuration with the same files.
    fn kind(&self, expected: usize) -> usize {
        self.kinds.get(expected).copied().unwrap_or(expected)
    }

    /// Whether the comparison of a device depends on its facts.
    fn count(&mut self, subject: &Subject) -> bool {
        let Some(configuration) = self.fleet.expected.get(subject.expected) else { return false };
        if configuration.options.facts == DeviceFacts::default() {
            return false;
        }
        let (kind, options) = (self.kind(subject.expected), without_facts(&configuration.options));
        let reading = || self.fleet.seen.get(subject.seen).map(Vec::as_slice).unwrap_or_default();
        *self.expected.entry(kind).or_insert_with(|| waits(&configuration.files, &options))
            || *self.seen.entry((kind, subject.seen)).or_insert_with(|| waits(reading(), &options))
    }
}

fn without_facts(options: &ReadOptions) -> ReadOptions {
    ReadOptions { facts: DeviceFacts::default(), ..options.clone() }
}

/// Whether files wait for facts. Those that cannot be read are compared with all that is known, and refused.
fn waits(files: &[InputFile], options: &ReadOptions) -> bool {
    let rulesets = split_routes(files).1;
    !rulesets.is_empty() && !read_device(&rulesets, options).is_ok_and(|ruleset| !ruleset.waits_for_facts())
}

/// Each thread takes the next job that nobody has; every result lands in its job's place.
fn compare_all(fleet: &Fleet<'_>, jobs: &[Job<'_>], threads: usize) -> Vec<Compared> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(at) else { break };
            let compared: Compared = Arc::new(compare(fleet, job));
            if let Ok(mut done) = done.lock() {
                done.insert(at, compared);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(jobs.len()) {
            let _ = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        }
        work();
    });
    done.into_inner().unwrap_or_default().into_values().collect()
}

/// Bytes of a thread's stack, those of a main thread: chains call each other.
const STACK: usize = 8 << 20;

fn compare(fleet: &Fleet<'_>, job: &Job<'_>) -> Result<Converged, ReadbackError> {
    let subject = job.subject;
    let none = Configuration { files: Arc::default(), options: ReadOptions::default() };
    let expected = fleet.expected.get(subject.expected).unwrap_or(&none);
    let fewer = (!job.has_facts).then(|| without_facts(&expected.options));
    compare_readback(&Readback {
        device: &subject.device,
        roles: &subject.roles,
        expected: &expected.files,
        seen: fleet.seen.get(subject.seen).map(Vec::as_slice).unwrap_or_default(),
        options: fewer.as_ref().unwrap_or(&expected.options),
        unmanaged: fleet.unmanaged,
        bounds: fleet.bounds,
    })
}

#[cfg(test)]
mod tests;
