//! `fwgate push`: only permitted bytes, to permitted devices, inside the window, read back, and undone by itself where the
//! proof does not hold on the live system.

pub mod port;
pub mod printed;

use super::change::SigningArguments;
use super::change::close::{Spent, fold};
use super::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{
    DeviceFiles, GateArguments, Gathered, MachineKeys, ReceiptBranch, RemoteLedger, Session, need_key, now,
};
use super::permit::{draft, exit_of, holder, nonce, signed, targets};
use super::rollback::{Means, Wanted, roll_back};
use super::screen::Screen;
use super::stage::staged;
use super::vet::signed as sign_vetting;
use crate::fleet::transport::Bounds;
use crate::gate::push::route::ProductionTransport;
use crate::gate::push::{Clock, DeviceEnd, Gate, Mode, Orders, PushReport, Running, Trouble, WhenStopped, World, push};
use crate::gate::{
    Expected, Instant, PermitFile, PermitRoster, PermittedDevice, Reason, ReasonCode, State, VerifiedPermit,
};
use crate::policy::{Command, Environment, OnStop, Policy, PushMode};
use crate::report::{decision_human, visible};
use clap::Args;
use port::{Way, Ways};
use std::collections::BTreeMap;
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

/// How long a claim holds without being renewed.
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
        let means = Means { signing: &arguments.signing, keys: &keys };
        return roll_back(&session, Wanted::Change(id), &means, screen);
    }
    let mut gathered = session.gather(id, now());
    if arguments.permit.is_none() {
        gathered = vetted_if_needed(&session, gathered, &keys)?;
    }
    let permit = match permit(arguments, &session, &gathered, &keys, &holder)? {
        Ok(permit) => permit,
        Err(reasons) => return refuse(gathered, reasons, screen),
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
        return refuse(gathered, reasons, screen);
    }
    let key_ledger = need_key(keys.key_ledger.as_ref(), "--key-ledger", "FWGATE_KEY_LEDGER")?;
    let key_production = need_key(keys.key_production.as_ref(), "--key-production", "FWGATE_KEY_PRODUCTION")?;
    let mut port = Ways { policy: &policy, ways, bounds: Bounds::default() };
    let report = pushed(&session, &gathered, &permit, &holder, &mut port, (key_ledger, key_production))?;
    screen.answer(&told(id, &report))?;
    if report.devices.iter().any(|device| device.end != DeviceEnd::Untouched) {
        keep(&session, id, key_ledger, &permit, screen);
    }
    Ok(exit_of_run(&report))
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
            let message = "there is no permit, and no key to take one with";
            let fix = format!("fwgate permit {} --out FILE, then --permit FILE", arguments.gate.change);
            return Ok(Err(vec![Reason::new(ReasonCode::PermitUntrusted, message, fix)]));
        }
    };
    let trust = PermitRoster { roster: &gathered.roster, now: gathered.now };
    Ok(PermitFile::read(&bytes).and_then(|file| file.verify(&trust)).map_err(|reason| vec![reason]))
}

fn read_permit(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable =
        |e: std::io::Error| Failure::new(format!("the permit `{}` cannot be read: {}", path.display(), e.kind()));
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
    let reason = || Reason::new(ReasonCode::PermitSpent, message, format!("fwgate permit {}", permit.permit().change));
    history.finish.map(|_| reason())
}

/// The way to every device of the change, or everything that is wrong with some.
fn ways<'p>(policy: &'p Policy, gathered: &Gathered) -> Result<BTreeMap<String, Way<'p>>, Vec<Reason>> {
    let Some(trees) = &gathered.trees else { return Ok(BTreeMap::new()) };
    let mut reasons = Vec::new();
    let mut out = BTreeMap::new();
    for target in targets(&gathered.targets) {
        let side = |all: &[crate::gate::DeviceBytes]| all.iter().find(|b| b.device == target.name).map(DeviceFiles::of);
        let transport = ProductionTransport::of(policy, &target);
        match (transport, side(&trees.proposal), side(&trees.baseline)) {
            (Ok(transport), Some(Ok(proposal)), Some(Ok(baseline))) => {
                out.insert(target.name.clone(), Way { transport, proposal, baseline, instead: None });
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

fn pushed(
    session: &Session,
    gathered: &Gathered,
    permit: &VerifiedPermit,
    holder: &str,
    port: &mut Ways<'_>,
    (key_ledger, key_production): (&Path, &Path),
) -> Result<PushReport, Failure> {
    let run = nonce()?;
    let rule = &port.policy.push;
    let heads = baseline_heads(session, gathered, permit);
    let order: Vec<String> = port
        .ways
        .values()
        .filter_map(|w| w.transport.policy().canary.as_ref())
        .flatten()
        .map(|c| c.value.clone())
        .collect();
    let orders = Orders {
        permit,
        holder,
        run: &run,
        mode: mode(port),
        when_stopped: if rule.on_stop == OnStop::RollBack { WhenStopped::RollBack } else { WhenStopped::Leave },
        lease: LEASE.max(permit.permit().confirm.saturating_mul(3)),
        order: &order,
        baseline_heads: &heads,
    };
    let mut gate = Again { session, id: &gathered.testimony.change, permit, holder };
    let mut ledger = RemoteLedger { session, roster: &gathered.roster, key: key_ledger, last: None };
    let mut receipts = ReceiptBranch { session, key: key_production };
    let mut clock = Wall;
    let world = &mut World { gate: &mut gate, ledger: &mut ledger, port, receipts: &mut receipts, clock: &mut clock };
    Ok(push(&orders, world))
}

/// The commit that holds each device's baseline: the one that the ledger names, else the beginning of the range or the
/// protected branch, whichever has these bytes.
fn baseline_heads(session: &Session, gathered: &Gathered, permit: &VerifiedPermit) -> Vec<(String, String)> {
    let announced = gathered.announced.iter().map(|a| a.base.clone());
    let tip = session.survey_again(gathered.now, Vec::new()).tip.map(|tip| tip.to_string());
    let others: Vec<String> = announced.chain(tip).collect();
    let head = |device: &PermittedDevice| {
        let known = gathered.in_force.get(&device.name).map(|known| known.head.clone());
        let places: Vec<String> = known.into_iter().chain(others.iter().cloned()).collect();
        let (head, _) = session.device_held(&places, &device.name, device.rollback).ok()?;
        Some((device.name.clone(), head))
    };
    permit.permit().devices.iter().filter_map(head).collect()
}

/// Eventual where some device is, with the longest deadline.
fn mode(ways: &Ways<'_>) -> Mode {
    let eventual = ways.ways.values().map(|w| w.transport.policy()).filter(|t| t.mode == PushMode::Eventual);
    match eventual.filter_map(|t| t.deadline).max() {
        Some(deadline) => Mode::Eventual { deadline, every: Duration::from_secs(30).min(deadline / 10) },
        None => Mode::Immediate,
    }
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

fn refuse(mut gathered: Gathered, reasons: Vec<Reason>, screen: &Screen) -> Result<Exit, Failure> {
    super::permit::add_reasons(&mut gathered.decision, reasons);
    let text = decision_human(&gathered.testimony.change, &gathered.decision);
    screen.answer(&format!("nothing was pushed\n{text}"))?;
    Ok(match exit_of(&gathered.decision) {
        PASSED => REFUSED,
        other => other,
    })
}

fn told(id: &str, report: &PushReport) -> String {
    let mut out = format!("{id}: {}\n", report.state.name());
    for device in &report.devices {
        let (sign, end) = match device.end {
            DeviceEnd::Applied => ('+', "applied"),
            DeviceEnd::RolledBack => ('=', "rolled back"),
            DeviceEnd::Failed => ('!', "failed"),
            DeviceEnd::Untouched => ('~', "not begun"),
        };
        let running = match device.running {
            Running::Baseline => "the baseline",
            Running::Proposal => "the proposal",
            Running::Unknown => "nobody knows what",
        };
        out += &format!("{sign} {}: {end}, runs {running}\n", device.device);
        device.words.iter().for_each(|word| out += &format!("    {}\n", visible(word)));
        out += &device.receipt.map(|r| format!("    receipt {r}\n")).unwrap_or_default();
    }
    for reason in &report.reasons {
        out += &format!("- {}: {}\n  = help: {}\n", reason.code, visible(&reason.message), visible(&reason.fix));
    }
    out
}
