//! Whether the devices of a fleet run what they should, by meaning: equal work is done once, on as many threads as there are.

use super::readback::{Converged, Readback, ReadbackError, compare_readback};
use crate::dialect::{InputFile, ReadOptions};
use crate::diff::Bounds;
use crate::policy::Unmanaged;
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

/// Sides, and which rules of the policy about other programs' objects hold: devices that agree in that agree in everything.
type Key = (usize, usize, Vec<usize>);

/// Compares every device, on so many threads. The answer does not depend on their number.
pub fn drift(fleet: &Fleet<'_>, threads: usize) -> Drift {
    let mut jobs: Vec<&Subject> = Vec::new();
    let mut known: BTreeMap<Key, usize> = BTreeMap::new();
    let place = |subject| -> usize {
        let key = key_of(fleet, subject);
        *known.entry(key).or_insert_with(|| {
            jobs.push(subject);
            jobs.len() - 1
        })
    };
    let places: Vec<usize> = fleet.subjects.iter().map(place).collect();
    let done = compare_all(fleet, &jobs, threads);
    let compared = places.iter().filter_map(|at| done.get(*at).cloned()).collect();
    Drift { compared, distinct: jobs.len() }
}

fn key_of(fleet: &Fleet<'_>, subject: &Subject) -> Key {
    let rules = fleet.unmanaged.iter().enumerate();
    let own = rules.filter(|(_, u)| u.devices.selects(&subject.device, &subject.roles)).map(|(at, _)| at).collect();
    (subject.expected, subject.seen, own)
}

/// Each thread takes the next job that nobody has; every result lands in its job's place.
fn compare_all(fleet: &Fleet<'_>, jobs: &[&Subject], threads: usize) -> Vec<Compared> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(subject) = jobs.get(at) else { break };
            let compared: Compared = Arc::new(compare(fleet, subject));
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

fn compare(fleet: &Fleet<'_>, subject: &Subject) -> Result<Converged, ReadbackError> {
    let none = Configuration { files: Arc::default(), options: ReadOptions::default() };
    let expected = fleet.expected.get(subject.expected).unwrap_or(&none);
    compare_readback(&Readback {
        device: &subject.device,
        roles: &subject.roles,
        expected: &expected.files,
        seen: fleet.seen.get(subject.seen).map(Vec::as_slice).unwrap_or_default(),
        options: &expected.options,
        unmanaged: fleet.unmanaged,
        bounds: fleet.bounds,
    })
}

#[cfg(test)]
mod tests;
