//! What devices run: asked by their transports' `read`, or out of a folder of dumps; each distinct reading once.

use super::super::gate::DeviceFiles;
use super::super::input::Herd;
use super::super::permit::nonce;
use super::super::push::port::Line;
use super::super::push::printed::files_of;
use super::expected::Estate;
use crate::dialect::InputFile;
use crate::fleet::normal::normalised;
use crate::gate::push::route::{Target, reading_transport};
use crate::policy::{DeviceFile, Policy};
use crate::routes::is_routing;
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a fleet runs.
#[derive(Clone, Debug, Default)]
pub struct Running {
    /// Distinct readings.
    pub readings: Vec<Vec<InputFile>>,
    /// The reading of each device, or why there is none.
    pub devices: BTreeMap<String, Result<usize, String>>,
}

/// Out of a folder.
pub fn dumped(herd: &Herd) -> Running {
    let reading = |kind: &crate::fleet::tree::DeviceInput| match kind.files.as_slice() {
        [one] => apart(one),
        several => several.to_vec(),
    };
    let readings = herd.kinds.iter().map(reading).collect();
    let devices = herd.devices.iter().map(|(device, kind)| (device.clone(), Ok(*kind))).collect();
    Running { readings, devices }
}

/// One file with the dumps of both families, sets and nftables' listing becomes one file for each.
fn apart(file: &InputFile) -> Vec<InputFile> {
    let Ok(text) = std::str::from_utf8(&file.bytes) else { return vec![file.clone()] };
    let own = DeviceFiles {
        name: String::new(),
        files: vec![file.clone()],
        includes: Vec::new(),
        facts: DeviceFile::default(),
    };
    let parts = files_of(text, &own);
    if parts.len() > 1 { parts } else { vec![file.clone()] }
}

/// Asks every device, so many at the same time.
pub fn live(policy: &Policy, estate: &Estate, parallel: usize) -> Running {
    let names: Vec<&String> = estate.devices.keys().collect();
    let (next, collected) = (AtomicUsize::new(0), Mutex::new(Collected::default()));
    let work = || {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let read = ask(policy, estate, name);
            if let Ok(mut collected) = collected.lock() {
                collected.note(name, read);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..parallel.min(names.len()) {
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    collected.into_inner().map(|c| c.running).unwrap_or_default()
}

/// What one device prints.
fn ask(policy: &Policy, estate: &Estate, name: &str) -> Result<Vec<InputFile>, String> {
    let unknown = || "it is not known what it should run".to_owned();
    let wanted = estate.devices.get(name).ok_or_else(unknown)?;
    let place = wanted.expected.clone()?;
    let files = estate.files(place).ok_or_else(unknown)?;
    let target = Target { name: name.to_owned(), roles: wanted.roles.clone(), environment: wanted.environment };
    let (transport, read) = reading_transport(policy, &target).map_err(|reason| reason.message)?;
    let line = Line { device: name, transport };
    let fresh = nonce().map_err(|failure| failure.text(crate::report::Colour::Never))?;
    line.identity(files).map_err(|reason| reason.message)?;
    let text = line.printed(read, &fresh, (files, files)).map_err(|reason| reason.message)?;
    let mut seen = files_of(&text, files);
    // Routes differ from device to device; where nobody expects any, they must not keep equal rulesets apart.
    if !files.files.iter().any(is_routing) && !seen.iter().all(is_routing) {
        seen.retain(|file| !is_routing(file));
    }
    Ok(seen)
}

/// Readings as they come, each kept once.
#[derive(Default)]
struct Collected {
    running: Running,
    known: HashMap<Vec<(String, Vec<u8>)>, usize>,
}

impl Collected {
    fn note(&mut self, device: &str, read: Result<Vec<InputFile>, String>) {
        let place = read.map(|files| {
            let signature = files.iter().map(|f| (f.name.clone(), normalised(&f.bytes))).collect();
            let next = self.running.readings.len();
            let place = *self.known.entry(signature).or_insert(next);
            if place == next {
                self.running.readings.push(files);
            }
            place
        });
        self.running.devices.insert(device.to_owned(), place);
    }
}
