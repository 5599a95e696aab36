//! `fwgate adopt` and `fwgate quarantine`: what persons say about a device instead of a push. Nothing is applied to it.

use super::change::{Pen, SigningArguments};
use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{DeviceFiles, RootArguments, Session, Survey, difference_words, now};
use super::input::{InputError, bytes_of};
use super::ledger::listed;
use super::push::port::{Way, Ways};
use super::push::printed::files_of;
use super::screen::Screen;
use crate::cli::failure::system_words;
use crate::dialect::{ReadOptions, nearest};
use crate::diff::Bounds;
use crate::fleet::{Readback, compare_readback};
use crate::gate::push::route::{ProductionTransport, Target};
use crate::gate::{
    Adopt, Digest, Instant, Quarantine, Reason, ReasonCode, Record, device_digest, quarantined, read_branch,
};
use crate::policy::{Policy, is_change_id};
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The longest quarantine.
const LONGEST: Duration = Duration::from_secs(14 * 86_400);

/// What both commands need.
#[derive(Debug, Args)]
pub struct Saying {
    /// The device
    #[arg(value_name = "DEVICE")]
    pub device: String,
    /// The change on whose branch the record goes: a new id, or the change that left the device as it is
    #[arg(long, value_name = "CHANGE", value_parser = parse_change)]
    pub change: String,
    /// Where trust comes from
    #[command(flatten)]
    pub root: RootArguments,
    /// The key.
    #[command(flatten)]
    pub signing: SigningArguments,
    /// Why, in one line
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// The arguments of `fwgate adopt`.
#[derive(Debug, Args)]
#[command(
    after_help = "Commit what the device runs under devices/DEVICE/ first. Everybody who adopts it signs the same bytes: the first is the author, and\n\
                  the quorum of class normal signs after them. Then the bytes are what is in force.\n\n\
                  Example:\n  fwgate adopt edge1 --change CHG-7 --role network --reason 'day one' --file edge1.running"
)]
pub struct Arguments {
    /// Device, change, root, key, reason.
    #[command(flatten)]
    pub saying: Saying,
    /// The role in which you say so
    #[arg(long, value_name = "ROLE")]
    pub role: String,
    /// What the device runs, as it prints it; else it is read through its transport
    #[arg(long, value_name = "FILE")]
    pub file: Vec<PathBuf>,
    /// The commit that holds the bytes
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub head: String,
}

/// The arguments of `fwgate quarantine`.
#[derive(Debug, Args)]
#[command(
    after_help = "Needs the right to operate. The device counts as unconverged on every report and blocks no other change.\n\n\
                  Example:\n  fwgate quarantine edge7 --change CHG-2042 --for 7d --reason 'no power at the site'"
)]
pub struct QuarantineArguments {
    /// Device, change, root, key, reason.
    #[command(flatten)]
    pub saying: Saying,
    /// For how long, 14 days at most
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    pub time: Duration,
}

fn parse_change(text: &str) -> Result<String, String> {
    let fits = is_change_id(text);
    fits.then(|| text.to_owned()).ok_or_else(|| "a change is called by its id, such as `CHG-2042`".to_owned())
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let time = crate::policy::duration(text).ok_or("write a number and a unit: `12h`, `7d` or `2w`")?;
    match time > LONGEST || time.is_zero() {
        true => Err("a quarantine lasts 14 days at most".to_owned()),
        false => Ok(time),
    }
}

/// Signs that what a device runs becomes its baseline.
///
/// # Errors
/// No repository, no root; a commit or file that cannot be read; nothing that can be signed or reached.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open_root(&arguments.saying.root)?;
    session.refresh()?;
    let now = now();
    let survey = session.survey_again(now, Vec::new());
    let policy = survey.chain.policy().cloned().unwrap_or_default();
    let held = held(&session, &survey, arguments)?;
    if let Err(reason) = compare(&session, arguments, &held, &policy) {
        screen.answer(&listed(&[reason]))?;
        return Ok(REFUSED);
    }
    let Saying { device, change, reason, .. } = &arguments.saying;
    let record = Record::Adopt(Adopt {
        change: change.clone(),
        device: device.clone(),
        bytes: held.digest,
        head: held.commit.clone(),
        role: arguments.role.clone(),
        reason: reason.clone(),
    });
    append(&session, &arguments.saying, &record, now)?;
    let after = session.survey_again(now, Vec::new());
    let is_in_force = after.in_force.get(device).is_some_and(|known| known.bytes == held.digest);
    let state = match is_in_force {
        true => "in force now",
        false => "not in force yet: others of the quorum of class normal sign the same",
    };
    screen.answer(&format!("adopt of `{device}` signed: {}, {state}\n", held.digest))?;
    Ok(PASSED)
}

/// What the commit holds of the device, and what the protected branch says of it.
struct Held {
    commit: String,
    files: DeviceFiles,
    digest: Digest,
    /// What it is there for and its roles: a commit cannot say by which transport it is read.
    target: Target,
}

fn held(session: &Session, survey: &Survey, arguments: &Arguments) -> Result<Held, Failure> {
    let repository = &session.repository;
    let commit = repository.resolve(&arguments.head).map_err(InputError::from)?.commit;
    let tree = repository.tree(commit).map_err(InputError::from)?;
    let tree = session.devices_at(&tree)?;
    let device = &arguments.saying.device;
    let missing = || {
        let failure = Failure::new(format!("the commit {} holds no device `{device}`", commit.short()));
        match nearest(device, tree.devices.iter().map(|d| d.name.as_str())) {
            Some(near) => {
                failure.help(format!("did you mean `{near}`? Else write what it runs into its folder, and commit it"))
            }
            None => failure.help("write what it runs into its folder, and commit it"),
        }
    };
    let bytes = tree.devices.iter().find(|d| d.name == *device).map(bytes_of).ok_or_else(missing)?;
    let inventory = session.inventory_of(survey)?;
    let files = DeviceFiles::of(&bytes, inventory.as_ref()).map_err(|r| Failure::new(r.message).help(r.fix))?;
    let target = Target::of(&session.target_of(survey, device));
    Ok(Held { commit: commit.to_string(), digest: device_digest(Some(&bytes)), files, target })
}

/// Holds what the device runs against what is committed, by meaning.
fn compare(session: &Session, arguments: &Arguments, held: &Held, policy: &Policy) -> Result<(), Reason> {
    let device = &arguments.saying.device;
    let differs = match arguments.file.is_empty() {
        false => by_files(session, arguments, held, policy)?,
        true => by_transport(held, policy)?,
    };
    let fix = "write what it runs into its folder, commit that, and adopt it";
    match differs {
        None => Ok(()),
        Some(words) => {
            let message = format!("`{device}` runs something else than the commit holds: {words}");
            Err(Reason::new(ReasonCode::Drift, message, fix))
        }
    }
}

fn by_files(session: &Session, arguments: &Arguments, held: &Held, policy: &Policy) -> Result<Option<String>, Reason> {
    let invalid = |message: String| Reason::new(ReasonCode::ReadbackInvalid, message, "give what the device prints");
    let mut seen = Vec::new();
    for path in &arguments.file {
        let bytes = std::fs::read(session.surroundings.cwd.join(path));
        let bytes =
            bytes.map_err(|e| invalid(format!("`{}` cannot be read: {}", path.display(), system_words(e.kind()))))?;
        let text = String::from_utf8(bytes).map_err(|_| invalid(format!("`{}` is not UTF-8", path.display())))?;
        seen.extend(files_of(&text, &held.files));
    }
    let compared = compare_readback(&Readback {
        device: &held.files.name,
        roles: &held.target.roles,
        expected: &held.files.files,
        seen: &seen,
        options: &ReadOptions { dialect: None, ..held.files.options() },
        unmanaged: &policy.unmanaged,
        bounds: Bounds::default(),
    });
    let compared = compared.map_err(|e| invalid(format!("it is not understood: {e}")))?;
    Ok((!compared.is_equal()).then(|| difference_words(&compared)))
}

fn by_transport(held: &Held, policy: &Policy) -> Result<Option<String>, Reason> {
    let Held { files, target, .. } = held;
    let device = &target.name;
    let first = |reasons: Vec<Reason>| {
        let none = || {
            Reason::new(ReasonCode::TransportUnsafe, format!("no transport reaches `{device}`"), "give `--file FILE`")
        };
        reasons.into_iter().next().unwrap_or_else(none)
    };
    let transport = ProductionTransport::of(policy, target).map_err(first)?;
    let roles = target.roles.clone();
    let way = Way { transport, roles, proposal: files.clone(), baseline: files.clone(), instead: None };
    let ways = BTreeMap::from([(device.clone(), way)]);
    let nonce = super::permit::nonce();
    let nonce =
        nonce.map_err(|_| Reason::new(ReasonCode::ReadbackInvalid, "there are no random bytes", "try again"))?;
    let seen = Ways { policy, ways }.read(device, &nonce)?;
    Ok((!seen.is_baseline).then_some(seen.differs))
}

fn append(session: &Session, saying: &Saying, record: &Record, now: Instant) -> Result<(), Failure> {
    if let Err(flaw) = Record::read(&record.text()) {
        return Err(Failure::new(format!("this cannot be a record: {}", flaw.message)));
    }
    Pen::of_user(session, &saying.signing)?.append(&saying.change, record, now).map(drop)
}

/// Signs that a device blocks nobody for a while.
///
/// # Errors
/// No repository, no root; nothing that can be signed or reached.
pub fn quarantine(arguments: &QuarantineArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open_root(&arguments.saying.root)?;
    session.refresh()?;
    let now = now();
    let Saying { device, change, reason, .. } = &arguments.saying;
    let until = now.after(arguments.time);
    let (change, reason) = (change.clone(), reason.clone());
    let record = Record::Quarantine(Quarantine { change, device: device.clone(), until, reason });
    append(&session, &arguments.saying, &record, now)?;
    let counts = is_in_quarantine(&session.survey_again(now, Vec::new()), &arguments.saying);
    if counts {
        screen.answer(&format!("`{device}` is in quarantine until {until}\n"))?;
        return Ok(PASSED);
    }
    let message = format!(
        "the record stands and does not count: whoever signed it has no right to operate, so `{device}` is in no quarantine"
    );
    let reason = Reason::new(ReasonCode::RoleMissing, message, "a person with the right to operate signs it");
    screen.answer(&listed(&[reason]))?;
    Ok(REFUSED)
}

fn is_in_quarantine(survey: &Survey, saying: &Saying) -> bool {
    let branch = survey.branches.get(&format!("refs/heads/fwgate/changes/{}", saying.change));
    let testimony = branch.map(|b| read_branch(b, &survey.roster, &survey.ledger, survey.now));
    quarantined(testimony.iter(), survey.chain.policy(), survey.now).contains(&saying.device)
}
