//! Staging on devices: what a change would push to production goes, renamed, to the device that policy says stands for it, is read
//! back there and compared by meaning. A staging transport comes of a staging device or not at all.

use super::failure::Failure;
use super::gate::{DeviceFiles, Gathered, difference_words};
use super::permit::{nonce, targets};
use super::push::port::Line;
use super::push::printed::files_of;
use super::vet::Vetting;
use crate::dialect::{InputFile, ReadOptions};
use crate::diff::Bounds;
use crate::fleet::{Readback, compare_readback};
use crate::gate::push::Trouble;
use crate::gate::push::route::{StagingTransport, Target};
use crate::gate::{DeviceBytes, Digest, Reason, ReasonCode, renamed};
use crate::inventory::Inventory;
use crate::policy::{Policy, StandsFor};
use std::time::Duration;

/// Stages every device of a change on the one that stands for it.
///
/// # Errors
/// There are no random bytes.
pub fn stage_on_devices(gathered: &Gathered) -> Result<Vetting, Failure> {
    let mut out = Vetting::refused(Vec::new());
    let (Some(analysis), Some(trees), Some(policy)) = (&gathered.analysis, &gathered.trees, gathered.policy()) else {
        out.reasons = gathered.decision.reasons.clone();
        return Ok(out);
    };
    let devices = targets(&gathered.fleet);
    let [_, inventory] = gathered.inventories();
    for (device, digest) in &analysis.devices {
        match trees.proposal.iter().find(|b| b.device == *device) {
            None => out.words.push(format!("{device}: is taken away, nothing to stage")),
            Some(bytes) => {
                let staging = Staging { policy, devices: &devices, inventory: inventory.as_ref() };
                match staging.one(bytes, &nonce()?) {
                    Ok(done) => done.note(device, *digest, &mut out),
                    Err(reasons) => out.reasons.extend(reasons),
                }
            }
        }
    }
    Ok(out)
}

/// One device that was staged.
struct Done {
    on: String,
    identity: String,
}

impl Done {
    fn note(self, device: &str, digest: Digest, out: &mut Vetting) {
        out.words.push(format!("{device}: applied to {}, read back and compared", self.on));
        out.devices.push((device.to_owned(), digest));
        let words = if self.identity == self.on { self.on } else { format!("{} ({})", self.on, self.identity) };
        out.on =
            [std::mem::take(&mut out.on), words].into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(", ");
    }
}

struct Staging<'a> {
    policy: &'a Policy,
    devices: &'a [Target],
    inventory: Option<&'a Inventory>,
}

impl Staging<'_> {
    fn one(&self, bytes: &DeviceBytes, nonce: &str) -> Result<Done, Vec<Reason>> {
        let stands = self.policy.stands_for.iter().find(|s| s.device.value == bytes.device);
        let stands = stands.ok_or_else(|| vec![nobody(&bytes.device)])?;
        let on = &stands.staging.value;
        let target = self.devices.iter().find(|t| t.name == *on).ok_or_else(|| vec![unknown(on)])?;
        let transport = StagingTransport::of(self.policy, target, self.devices)?;
        let files = as_there(&DeviceFiles::of(bytes, self.inventory).map_err(|r| vec![r])?, stands);
        let line = Line { device: on, transport: transport.policy() };
        let identity = line.identity(&files).map_err(|r| vec![r])?;
        let failed = |Trouble(why): Trouble| {
            let message = format!("`{on}` could not be given what `{}` would get: {why}", bytes.device);
            vec![Reason::new(
                ReasonCode::NotStaged,
                message,
                "mend the file, or the staging device; nothing reached production",
            )]
        };
        line.step(Some(transport.apply), &files, Duration::ZERO).map_err(failed)?;
        let text = line.printed(transport.read, nonce, (&files, &files)).map_err(|r| vec![r])?;
        match self.differs(&files, &files_of(&text, &files)) {
            None => Ok(Done { on: on.clone(), identity }),
            Some(why) => {
                let message = format!("`{on}` does not run what `{}` would get: {why}", bytes.device);
                Err(vec![Reason::new(ReasonCode::NotStaged, message, "find out what the device made of it")])
            }
        }
    }

    fn differs(&self, files: &DeviceFiles, seen: &[InputFile]) -> Option<String> {
        let compared = compare_readback(&Readback {
            device: &files.name,
            roles: &files.facts.roles(),
            expected: &files.files,
            seen,
            options: &ReadOptions { dialect: None, ..files.options() },
            unmanaged: &self.policy.unmanaged,
            bounds: Bounds::default(),
        });
        match compared {
            Ok(converged) if converged.is_equal() => None,
            Ok(converged) => Some(difference_words(&converged)),
            Err(error) => Some(error.to_string()),
        }
    }
}

fn nobody(device: &str) -> Reason {
    let message = format!("no staging device stands for `{device}`");
    let fix =
        format!("write a [[stands_for]] with `device = \"{device}\"` into the policy, or `staging = \"namespace\"`");
    Reason::new(ReasonCode::NotStaged, message, fix)
}

fn unknown(staging: &str) -> Reason {
    let message = format!("the protected branch has no device `{staging}`, which should stand for another one");
    let fix = "commit its folder with a `device.toml` that says `environment = \"staging\"`";
    Reason::new(ReasonCode::NotStaged, message, fix)
}

/// The files with interfaces and addresses as they are on the device that stands for theirs.
fn as_there(files: &DeviceFiles, stands: &StandsFor) -> DeviceFiles {
    let renames = stands.interfaces.iter().chain(&stands.addresses).map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let one = |file: &InputFile| match std::str::from_utf8(&file.bytes) {
        Ok(text) => InputFile { name: file.name.clone(), bytes: renamed(text, &renames).into_bytes().into() },
        Err(_) => file.clone(),
    };
    DeviceFiles {
        files: files.files.iter().map(one).collect(),
        includes: files.includes.iter().map(one).collect(),
        ..files.clone()
    }
}
