//! `fwgate push`: only permitted bytes, to permitted devices, inside the window, read back, and undone by itself where the
//! proof does not hold on the live system.

mod crew;
pub mod port;
pub mod printed;
mod progress;

use super::answer::Format;
use super::change::SigningArguments;
use super::change::close::{Spent, fold};
use super::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{
    Commits, DeviceFiles, GateArguments, Gathered, MachineKeys, ReceiptBranch, RemoteLedger, Session, machine_of,
    need_key, now,
};
use super::permit::{draft, exit_of, holder, nonce, signed, targets};
use super::rollback::{Means, Wanted, roll_back};
use super::screen::Screen;
use super::stage::{staged, staging_of};
use super::vet::signed as sign_vetting;
use crate::cli::failure::system_words;
use crate::gate::push::route::ProductionTransport;
use crate::gate::push::wave::{Batch, Course};
use crate::gate::push::{
    Clock, DeviceEnd, DeviceReport, Gate, Mode, Orders, PushReport, Trouble, WhenStopped, World, push,
};
use crate::gate::{
    DeviceBytes, Expected, Instant, PermitFile, PermitRoster, PermittedDevice, Reason, ReasonCode, State,
    VerifiedPermit,
};
use crate::inventory::Inventory;
use crate::policy::{ChangeClass, Command, Environment, OnStop, Policy, Purpose, PushMode, Staging};
use crate::report::{PushDocument, decision_human, json_text, plan_human, push_human, visible};
use clap::Args;
use crew::Crew;
use port::{Way, Ways};
use progress::Progress;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The arguments of `fwgate push`.
#[derive(Debug, Args)]
#[command(
    after_help = "Where the keys of the machines are at hand, the change is vetted and the permit taken along the way.\n\nExamples:\n  \
                  fwgate push CHG-2042 --root root.toml --permit CHG-2042.permit\n  fwgate push CHG-2042 --root root.toml --key-permit permit.key ..."
)]
pub struct Arguments {
    /// The change, and where trust comes from
    #[command(flatten)]
    pub gate: GateArguments,
    /// The permit; without one, it is taken here
    #[arg(long, value_name = "FILE")]
    pub permit: Option<PathBuf>,
    /// Who pushes (or FWGATE_HOLDER)
    #[arg(long, value_name = "NAME")]
    pub holder: Option<String>,
    /// Say which devices would get it in which wave, and push nothing
    #[arg(long, conflicts_with_all = ["permit", "rollback"])]
    pub plan: bool,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Take the change back instead: every device to what ran before it; one operator, at any time, without a permit
    #[arg(long, conflicts_with = "permit")]
    pub rollback: bool,
    /// The key of the operator who takes it back
    #[command(flatten)]
    pub signing: SigningArguments,
    /// Keys of machines
    #[command(flatten)]
    pub keys: MachineKeys,
    /// For devices of the lab only: what applies the bytes in place of the transport's `apply`; `{file}`, `{folder}`, `{device}`,
    /// `{address}` and `{timer}` stand for what they stand for in a transport
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "rollback")]
    pub command: Vec<String>,
}

/// How long a claim holds without being renewed, where policy does not say.
const LEASE: Duration = Duration::from_secs(900);
/// Largest permit file.
const MAX_PERMIT: u64 = 4 << 20;

/// Pushes a change.
///
/// # Errors
/// There is no repository, a key is missing, the permit cannot be read.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let keys = arguments.keys.or_environment();
    let holder = holder(arguments.holder.as_deref());
    let session = Session::open(&arguments.gate)?;
    let id = &arguments.gate.change;
    if arguments.rollback {
        let means = Means { signing: &arguments.signing, keys: &keys, format: arguments.format };
        return roll_back(&session, Wanted::Change(id), &means, screen);
    }
    let mut gathered = session.gather(id, now());
    if arguments.plan {
        return plan(&gathered, arguments.format, screen);
    }
    if arguments.permit.is_none() {
        gathered = vetted_if_needed(&session, gathered, &keys)?;
    }
    let permit = match permit(arguments, &session, &gathered, &keys, &holder)? {
        Ok(permit) => permit,
        Err(reasons) => return refuse(gathered, reasons, arguments.format, screen),
    };
    let mut reasons = gathered.decision.reasons.clone();
    reasons.extend(against(&session, &gathered, &permit, &holder)?);
    let policy = gathered.policy().cloned().unwrap_or_default();
    let mut ways = ways(&policy, &gathered).unwrap_or_else(|more| {
        reasons.extend(more);
        BTreeMap::new()
    });
    if !arguments.command.is_empty() {
        reasons.extend(instead(&arguments.command, &gathered, &mut ways));
    }
    if !reasons.is_empty() {
        return refuse(gathered, reasons, arguments.format, screen);
    }
    let (key_ledger, key_production) = both_keys(&keys)?;
    for (purpose, key) in [(Purpose::Ledger, key_ledger), (Purpose::ReceiptProduction, key_production)] {
        reasons.extend(machine_of(&gathered.roster, purpose, key, gathered.now).err());
    }
    if !reasons.is_empty() {
        return refuse(gathered, reasons, arguments.format, screen);
    }
    let port = Ways { policy: &policy, ways };
    let run = Run { session: &session, gathered: &gathered, permit: &permit, holder: &holder, port: &port };
    let mut report = run.pushed((key_ledger, key_production), screen)?;
    report.devices.iter_mut().for_each(|device| device.words.extend(irreversible(&port, device)));
    screen.answer(&match arguments.format {
        Format::Human => push_human(id, &report),
        Format::Json => json_text(&PushDocument::of(id, &report))?,
    })?;
    if report.devices.iter().any(|device| device.end != DeviceEnd::Untouched) {
        keep(&session, id, key_ledger, &permit, screen);
    }
    Ok(exit_of_run(&report))
}

/// What the policy says that cannot be undone on a device that was touched.
fn irreversible(port: &Ways<'_>, device: &DeviceReport) -> Option<String> {
    let way = port.ways.get(&device.device).filter(|_| device.end != DeviceEnd::Untouched)?;
    way.transport.policy().irreversible.as_ref().map(|text| format!("cannot be undone: {text}"))
}

/// The keys of ledger and receipts, or everything that is missing.
fn both_keys(keys: &MachineKeys) -> Result<(&Path, &Path), Failure> {
    let ledger = need_key(keys.key_ledger.as_ref(), "--key-ledger", "FWGATE_KEY_LEDGER");
    let production = need_key(keys.key_production.as_ref(), "--key-production", "FWGATE_KEY_PRODUCTION");
    match (ledger, production) {
        (Ok(ledger), Ok(production)) => Ok((ledger, production)),
        (ledger, production) => Err(Failure::Several(ledger.err().into_iter().chain(production.err()).collect())),
    }
}

/// 0 where every device has its receipt; else 1, or 2 where some device gave nothing that could be judged.
fn exit_of_run(report: &PushReport) -> Exit {
    match report.state {
        State::Applied => PASSED,
        _ if report.reasons.iter().any(|r| r.code.is_no_verdict()) => NO_VERDICT,
        _ => REFUSED,
    }
}

/// Folds what was pushed into the log. The push stands in any case.
fn keep(session: &Session, id: &str, key: &Path, permit: &VerifiedPermit, screen: &Screen) {
    if let Err(reasons) = fold(session, id, key, Spent::File(permit.file()), now()) {
        let why: Vec<&str> = reasons.iter().map(|r| r.message.as_str()).collect();
        let why = visible(&why.join("; ")).into_owned();
        screen.aside(&format!(
            "warning: {id} is not in the log yet: {why}\n  = help: fwgate change close {id} --permit FILE\n"
        ));
    }
}

/// Vets the change along the way, where that is all that a key can do about it.
fn vetted_if_needed(session: &Session, gathered: Gathered, keys: &MachineKeys) -> Result<Gathered, Failure> {
    let lacks = |g: &Gathered| g.decision.reasons.iter().any(|r| r.code == ReasonCode::NotVetted);
    let (Some(key), true) = (&keys.key_staging, lacks(&gathered)) else { return Ok(gathered) };
    let vetting = staged(&gathered)?;
    if vetting.reasons.is_empty() && !vetting.devices.is_empty() {
        sign_vetting(session, &gathered, &vetting, key)?;
        return Ok(session.gather(&gathered.testimony.change, now()));
    }
    Ok(gathered)
}

/// The permit of the file, or one that is taken here; what stands against either.
fn permit(
    arguments: &Arguments,
    session: &Session,
    gathered: &Gathered,
    keys: &MachineKeys,
    holder: &str,
) -> Result<Result<VerifiedPermit, Vec<Reason>>, Failure> {
    let bytes = match (&arguments.permit, &keys.key_permit) {
        (Some(path), _) => read_permit(path)?,
        (None, Some(key)) => match draft(session, gathered, holder)? {
            Ok(permit) if gathered.decision.is_granted() => signed(&permit, key)?.into_bytes(),
            Ok(_) => return Ok(Err(Vec::new())),
            Err(reasons) => return Ok(Err(reasons)),
        },
        (None, None) => {
            let id = &arguments.gate.change;
            let message = "no permit was given, and no key to take one with";
            let fix =
                format!("`fwgate permit {id} --key-permit KEY --out FILE`, then `fwgate push {id} --permit FILE`");
            return Ok(Err(vec![Reason::new(ReasonCode::PermitUntrusted, message, fix)]));
        }
    };
    let trust = PermitRoster { roster: &gathered.roster, now: gathered.now };
    Ok(PermitFile::read(&bytes).and_then(|file| file.verify(&trust)).map_err(|reason| vec![reason]))
}

fn read_permit(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |e: std::io::Error| {
        Failure::new(format!("the permit `{}` cannot be read: {}", path.display(), system_words(e.kind())))
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_PERMIT {
        return Err(Failure::new(format!("the permit `{}` has {length} bytes", path.display())));
    }
    std::fs::read(path).map_err(unreadable)
}

/// Everything in which the permit is not what the evidence gives now.
fn against(
    session: &Session,
    gathered: &Gathered,
    permit: &VerifiedPermit,
    holder: &str,
) -> Result<Vec<Reason>, Failure> {
    let mut reasons: Vec<Reason> = spent(gathered, permit).into_iter().collect();
    let (repository, content, transport, devices): (String, _, _, Vec<PermittedDevice>) =
        match draft(session, gathered, holder)? {
            Ok(now) => (now.repository, now.content, now.transport, now.devices),
            Err(more) => {
                reasons.extend(more);
                return Ok(reasons);
            }
        };
    let expected = Expected {
        repository: &repository,
        change: &gathered.testimony.change,
        content,
        transport,
        holder,
        devices: &devices,
    };
    reasons.extend(permit.permit().objections(&expected, gathered.now));
    Ok(reasons)
}

/// That the ledger knows the end of a run of this permit. Who may go on with an unfinished one is for the claim to say.
fn spent(gathered: &Gathered, permit: &VerifiedPermit) -> Option<Reason> {
    let history = gathered.ledger.permits().remove(&permit.permit().nonce)?;
    let message = "the permit has been spent";
    let again =
        || format!("`fwgate permit {}` gives another one where the change may still go", permit.permit().change);
    let reason = || Reason::new(ReasonCode::PermitSpent, message, again());
    history.finish.map(|_| reason())
}

/// The way to every device of the change, or everything that is wrong with some.
fn ways<'p>(policy: &'p Policy, gathered: &Gathered) -> Result<BTreeMap<String, Way<'p>>, Vec<Reason>> {
    let Some(trees) = &gathered.trees else { return Ok(BTreeMap::new()) };
    let [old, new] = gathered.inventories();
    let mut reasons = Vec::new();
    let mut out = BTreeMap::new();
    for target in targets(&gathered.targets) {
        let side = |all: &[DeviceBytes], inventory: &Option<Inventory>| {
            let own = all.iter().find(|b| b.device == target.name);
            own.map(|bytes| DeviceFiles::of(bytes, inventory.as_ref()))
        };
        let transport = ProductionTransport::of(policy, &target);
        match (transport, side(&trees.proposal, &new), side(&trees.baseline, &old)) {
            (Ok(transport), Some(Ok(proposal)), Some(Ok(baseline))) => {
                let roles = target.roles.clone();
                out.insert(target.name.clone(), Way { transport, roles, proposal, baseline, instead: None });
            }
            (transport, proposal, baseline) => {
                reasons.extend(transport.err().into_iter().flatten());
                reasons.extend([proposal, baseline].into_iter().flatten().filter_map(Result::err));
            }
        }
    }
    let wanted = gathered.targets.len();
    if reasons.is_empty() && out.len() < wanted {
        let message = "a device of the change has no bytes on one side, so it cannot be pushed and taken back";
        reasons.push(Reason::new(ReasonCode::NoRollback, message, "adopt what it runs first: fwgate adopt DEVICE"));
    }
    if reasons.is_empty() { Ok(out) } else { Err(reasons) }
}

/// A command of one's own in place of `apply`, for devices of the lab; what stands against it for others.
fn instead(words: &[String], gathered: &Gathered, ways: &mut BTreeMap<String, Way<'_>>) -> Vec<Reason> {
    let is_lab = |d: &&crate::gate::TargetDevice| d.environment == Environment::Lab;
    let reason = |device: &crate::gate::TargetDevice| {
        let message = format!(
            "`{}` is of {}, and a command of one's own reaches only the lab",
            device.device,
            device.environment.name()
        );
        Reason::new(ReasonCode::TransportUnsafe, message, "leave the command away: the policy's transport applies it")
    };
    let reasons: Vec<Reason> = gathered.targets.iter().filter(|d| !is_lab(d)).map(reason).collect();
    if reasons.is_empty() {
        ways.values_mut().for_each(|way| way.instead = Some(Command::of_words(words)));
    }
    reasons
}

/// The waves of a change by its policy, with the ways that are known.
fn waves(policy: &Policy, gathered: &Gathered) -> Vec<Batch> {
    let targets = targets(&gathered.targets);
    let transports = targets.iter().filter_map(|t| ProductionTransport::of(policy, t).ok());
    let named = transports.filter_map(|t| t.policy().canary.as_ref()).flatten();
    let canary: BTreeSet<String> = named.map(|c| c.value.clone()).collect();
    let is_slow = !matches!(gathered.decision.class, ChangeClass::Emergency | ChangeClass::Policy);
    let is_unstaged = is_slow && staging_of(gathered) == Some(Staging::None);
    Course { rule: &policy.push, targets: &targets, canary: &canary, is_unstaged }.waves()
}

/// What would be pushed in which order; 0, whatever stands against it now.
fn plan(gathered: &Gathered, format: Format, screen: &Screen) -> Result<Exit, Failure> {
    let policy = gathered.policy().cloned().unwrap_or_default();
    let waves = waves(&policy, gathered);
    if waves.is_empty() {
        return refuse_of(gathered, format, screen);
    }
    let id = &gathered.testimony.change;
    screen.answer(&match format {
        Format::Human => plan_human(id, &waves, policy.push.on_stop),
        Format::Json => json_text(&PushDocument::of_plan(id, &waves))?,
    })?;
    Ok(PASSED)
}

/// One run with everything that it needs.
struct Run<'r, 'p> {
    session: &'r Session,
    gathered: &'r Gathered,
    permit: &'r VerifiedPermit,
    holder: &'r str,
    port: &'r Ways<'p>,
}

impl Run<'_, '_> {
    fn pushed(&self, (key_ledger, key_production): (&Path, &Path), screen: &Screen) -> Result<PushReport, Failure> {
        let Run { session, gathered, permit, holder, port } = *self;
        let run = nonce()?;
        let rule = &port.policy.push;
        let (heads, modes) = (baseline_heads(session, gathered, permit), modes(port));
        let confirm = permit.permit().confirm;
        let orders = Orders {
            permit,
            holder,
            run: &run,
            modes: &modes,
            when_stopped: match rule.on_stop {
                OnStop::Leave => WhenStopped::Leave,
                OnStop::RollBack => WhenStopped::RollBack,
                OnStop::RollBackWave => WhenStopped::RollBackWave,
            },
            unreachable: rule.unreachable,
            lease: rule.lease.unwrap_or(LEASE).max(confirm.saturating_mul(3)),
            waves: &waves(port.policy, gathered),
            baseline_heads: &heads,
        };
        let mut gate = Again { session, id: &gathered.testimony.change, permit, holder };
        let mut ledger = RemoteLedger { session, roster: &gathered.roster, key: key_ledger, last: None };
        let mut receipts = ReceiptBranch { session, key: key_production };
        let (mut clock, mut watch) = (Wall, Progress::on(screen));
        Ok(std::thread::scope(|scope| {
            let mut crew = Crew::new(scope, port);
            let world = &mut World {
                gate: &mut gate,
                ledger: &mut ledger,
                port: &mut crew,
                receipts: &mut receipts,
                clock: &mut clock,
                watch: &mut watch,
            };
            push(&orders, world)
        }))
    }
}

/// The commit that holds each device's baseline: the one that the ledger names, else the beginning of the range or the
/// protected branch, whichever has these bytes.
fn baseline_heads(session: &Session, gathered: &Gathered, permit: &VerifiedPermit) -> Vec<(String, String)> {
    let announced = gathered.announced.iter().map(|a| a.base.clone());
    let tip = session.survey_again(gathered.now, Vec::new()).tip.map(|tip| tip.to_string());
    let others: Vec<String> = announced.chain(tip).collect();
    let mut commits = Commits::of(session);
    let head = |device: &PermittedDevice| {
        let known = gathered.in_force.get(&device.name).map(|known| known.head.clone());
        let places: Vec<String> = known.into_iter().chain(others.iter().cloned()).collect();
        let (head, _) = commits.held(&places, &device.name, device.rollback).ok()?;
        Some((device.name.clone(), head))
    };
    permit.permit().devices.iter().filter_map(head).collect()
}

/// When each device does what it is told.
fn modes(ways: &Ways<'_>) -> BTreeMap<String, Mode> {
    let mode = |way: &Way<'_>| match (way.transport.policy().mode, way.transport.policy().deadline) {
        (PushMode::Eventual, Some(deadline)) => {
            let every = Duration::from_secs(30).min(deadline / 10).max(Duration::from_secs(1));
            Mode::Eventual { deadline, every }
        }
        _ => Mode::Immediate,
    };
    ways.ways.iter().map(|(name, way)| (name.clone(), mode(way))).collect()
}

/// The evidence, fetched and evaluated again, with the permit held against it.
struct Again<'a> {
    session: &'a Session,
    id: &'a str,
    permit: &'a VerifiedPermit,
    holder: &'a str,
}

impl Gate for Again<'_> {
    fn objections(&mut self) -> Vec<Reason> {
        let gathered = self.session.gather(self.id, now());
        let mut reasons = gathered.decision.reasons.clone();
        match against(self.session, &gathered, self.permit, self.holder) {
            Ok(more) => reasons.extend(more),
            Err(failure) => {
                let message = failure.text(crate::report::Colour::Never);
                reasons.push(Reason::new(ReasonCode::EvidenceUnavailable, message, "try again"));
            }
        }
        reasons
    }
}

/// The clock of this machine.
struct Wall;

impl Clock for Wall {
    fn now(&mut self) -> Instant {
        now()
    }

    fn wait(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn nonce(&mut self) -> Result<String, Trouble> {
        nonce().map_err(|failure| Trouble(failure.text(crate::report::Colour::Never)))
    }
}

fn refuse(mut gathered: Gathered, reasons: Vec<Reason>, format: Format, screen: &Screen) -> Result<Exit, Failure> {
    super::permit::add_reasons(&mut gathered.decision, reasons);
    refuse_of(&gathered, format, screen)
}

fn refuse_of(gathered: &Gathered, format: Format, screen: &Screen) -> Result<Exit, Failure> {
    let (id, decision) = (&gathered.testimony.change, &gathered.decision);
    screen.answer(&match format {
        Format::Human => format!("nothing was pushed\n{}", decision_human(id, decision)),
        Format::Json => json_text(&PushDocument::refused(id, decision.state, &decision.reasons))?,
    })?;
    Ok(match exit_of(decision) {
        PASSED => REFUSED,
        other => other,
    })
}
