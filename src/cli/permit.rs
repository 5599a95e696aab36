//! `fwgate permit`: asks the gate, and where nothing stands against the change, signs a permit.
//!
//! A denial leaves no permit: a file that an earlier call wrote to the same place is taken away, so that nobody mistakes
//! it for the answer of this one.

use super::answer::Format;
use super::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{GateArguments, Gathered, MachineKeys, Session, machine_of, now};
use super::output::{check_writable, write_atomically};
use super::screen::Screen;
use crate::gate::push::route::{ProductionTransport, Target, isolation, transport_digest};
use crate::gate::{
    Decision, Instant, PERMIT_NAMESPACE, Permit, PermittedDevice, Reason, ReasonCode, State, TargetDevice,
};
use crate::policy::{ChangeClass, Policy, Purpose};
use crate::report::{Colour, PermitDocument, decision_human, json_text};
use crate::vcs::sign_by_machine;
use clap::Args;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The arguments of `fwgate permit`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 granted, 1 denied, 2 no verdict (treat it as denied).\n\nExamples:\n  fwgate permit CHG-2042 --root root.toml\n  \
                  fwgate permit CHG-2042 --root root.toml --key-permit permit.key --holder runner-7 --out CHG-2042.permit"
)]
pub struct Arguments {
    /// The change, and where trust comes from
    #[command(flatten)]
    pub gate: GateArguments,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Who may spend the permit (or FWGATE_HOLDER)
    #[arg(long, value_name = "NAME")]
    pub holder: Option<String>,
    /// Where to write the permit
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Keys of machines
    #[command(flatten)]
    pub keys: MachineKeys,
}

/// Asks for a permit.
///
/// # Errors
/// There is no repository, the key cannot be used, the file cannot be written.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let out = arguments.out.as_deref();
    let answer = match Session::open(&arguments.gate) {
        Ok(session) => ask(arguments, &session),
        Err(failure) => tell_unopened(arguments, &failure, screen).and(Err(failure)),
    };
    let is_given = answer.as_ref().is_ok_and(|(_, permit)| permit.is_some());
    if let Some(path) = out.filter(|_| !is_given) {
        take_away(path);
    }
    let (gathered, permit) = answer?;
    let decision = &gathered.decision;
    if let (Some(path), Some(text)) = (out, &permit) {
        write_atomically(path, text.as_bytes())?;
    }
    let change = &arguments.gate.change;
    let text = match arguments.format {
        Format::Json => json_text(&PermitDocument::of(change, decision, permit.as_deref()))?,
        Format::Human => decision_human(change, decision),
    };
    screen.answer(&text)?;
    if let (Some(path), Some(_)) = (out, &permit) {
        let (holder, until) = (holder(arguments.holder.as_deref()), decision.permit_until);
        screen.hint(&format!("wrote {}: for `{holder}`, to be spent once, until {until}\n", path.display()));
    }
    Ok(exit_of(decision))
}

/// 0, 1 or 2, by the worst of the reasons.
pub fn exit_of(decision: &Decision) -> Exit {
    match () {
        () if decision.reasons.iter().any(|r| r.code.is_no_verdict()) => NO_VERDICT,
        () if decision.is_granted() => PASSED,
        () => REFUSED,
    }
}

/// The document of a repository in which nothing can be asked: whoever reads answers finds a denial.
fn tell_unopened(arguments: &Arguments, failure: &Failure, screen: &Screen) -> Result<(), Failure> {
    let reasons = match failure {
        Failure::Input(error) => super::input::reasons(error),
        other => {
            let fix = "ask in a clone of the repository that the root names";
            vec![Reason::new(ReasonCode::HistoryUnverifiable, other.text(Colour::Never), fix)]
        }
    };
    let decision = Decision {
        reasons,
        state: State::Draft,
        missing: Vec::new(),
        notes: Vec::new(),
        class: ChangeClass::Normal,
        counted: Vec::new(),
        vetting: Vec::new(),
        window: None,
        permit_until: now(),
    };
    match arguments.format {
        Format::Json => screen.answer(&json_text(&PermitDocument::of(&arguments.gate.change, &decision, None))?),
        Format::Human => Ok(()),
    }
}

fn ask(arguments: &Arguments, session: &Session) -> Result<(Gathered, Option<String>), Failure> {
    let keys = arguments.keys.or_environment();
    if let Some(path) = &arguments.out {
        check_writable(path)?;
    }
    let holder = holder(arguments.holder.as_deref());
    let mut gathered = session.gather(&arguments.gate.change, now());
    let wanted = draft(session, &gathered, &holder)?;
    add_reasons(&mut gathered.decision, wanted.as_ref().err().cloned().unwrap_or_default());
    if let Some(key) = keys.key_permit.as_ref().filter(|_| gathered.decision.is_granted()) {
        let strange = machine_of(&gathered.roster, Purpose::Permit, key, gathered.now).err();
        add_reasons(&mut gathered.decision, strange.into_iter().collect());
    }
    match (wanted, &keys.key_permit) {
        (Ok(permit), Some(key)) if gathered.decision.is_granted() => {
            let text = signed(&permit, key)?;
            Ok((gathered, Some(text)))
        }
        (_, None) if gathered.decision.is_granted() && arguments.out.is_some() => {
            Err(Failure::new("the permit would be granted, and there is no key to sign it with")
                .help("`--key-permit FILE` or FWGATE_KEY_PERMIT names the key of the machine with purpose `permit`"))
        }
        _ => Ok((gathered, None)),
    }
}

/// More that stands against a permit.
pub fn add_reasons(decision: &mut Decision, more: Vec<Reason>) {
    decision.reasons.extend(more);
    decision.reasons.sort();
    decision.reasons.dedup();
}

/// Who presents or gets a permit.
pub fn holder(given: Option<&str>) -> String {
    let of_environment = || std::env::var("FWGATE_HOLDER").ok().filter(|h| !h.is_empty());
    given.map(str::to_owned).or_else(of_environment).unwrap_or_else(|| "operator".to_owned())
}

/// A signed permit file.
///
/// # Errors
/// The key cannot be used.
pub fn signed(permit: &Permit, key: &Path) -> Result<String, Failure> {
    let signature = sign_by_machine(key, PERMIT_NAMESPACE, permit.message().as_bytes());
    let signature = signature.map_err(|e| Failure::new(e.to_string()).help(e.help()))?;
    Ok(permit.file(&signature))
}

/// The permit that the evidence allows, or what more stands against it.
///
/// # Errors
/// No random number can be had.
pub fn draft(session: &Session, gathered: &Gathered, holder: &str) -> Result<Result<Permit, Vec<Reason>>, Failure> {
    let nonce = nonce()?;
    Ok(drafted(session, gathered, holder, nonce))
}

fn drafted(session: &Session, gathered: &Gathered, holder: &str, nonce: String) -> Result<Permit, Vec<Reason>> {
    let (Some(analysis), Some(policy), Some(announced), Some(root)) =
        (&gathered.analysis, gathered.policy(), &gathered.announced, &session.root)
    else {
        return Err(of_policy(gathered).into_iter().collect());
    };
    let mut reasons = isolation(policy, &targets(&gathered.fleet));
    reasons.extend(of_policy(gathered));
    reasons.extend(without_way_back(gathered));
    let confirm = confirm_timer(policy, &targets(&gathered.targets), &mut reasons);
    let device = |((name, proposal), (_, rollback)): (&(String, _), &(String, _))| PermittedDevice {
        name: name.clone(),
        proposal: *proposal,
        rollback: *rollback,
    };
    let until = gathered.decision.permit_until;
    let mut approvals: Vec<_> = gathered.decision.counted.iter().map(|c| c.record).collect();
    approvals.sort();
    approvals.dedup();
    let permit = Permit {
        repository: root.repository.clone(),
        change: gathered.testimony.change.clone(),
        content: analysis.content,
        transport: transport_digest(policy, &targets(&gathered.targets)),
        head: announced.head.clone(),
        holder: holder.to_owned(),
        window: gathered.decision.window.map_or((gathered.now, until), |w| (w.start, w.end)),
        nonce,
        issued: gathered.now,
        expires: until,
        confirm,
        devices: analysis.devices.iter().zip(&analysis.rollback).map(device).collect(),
        approvals,
    };
    if gathered.decision.is_granted() {
        reasons.extend(permit.untimely(gathered.now));
    }
    if reasons.is_empty() { Ok(permit) } else { Err(reasons) }
}

/// A change of the policy has nothing to push: its records put it into force.
fn of_policy(gathered: &Gathered) -> Option<Reason> {
    let id = &gathered.testimony.change;
    let message =
        format!("{id} changes the policy, which goes into force by its records: there is nothing to permit or push");
    let fix = format!(
        "`fwgate policy change {id}` says which signatures it lacks; firewall changes go in a change of their own"
    );
    (gathered.decision.class == ChangeClass::Policy).then(|| Reason::new(ReasonCode::EmptyChange, message, fix))
}

/// Devices whose baseline is nothing.
fn without_way_back(gathered: &Gathered) -> Vec<Reason> {
    let Some(trees) = &gathered.trees else { return Vec::new() };
    let has_none = |t: &&TargetDevice| !trees.baseline.iter().any(|b| b.device == t.device && !b.files.is_empty());
    let reason = |t: &TargetDevice| {
        let message = format!("`{}` has no baseline to go back to", t.device);
        let fix = format!("make what it runs the baseline first: fwgate adopt {}", t.device);
        Reason::new(ReasonCode::NoRollback, message, fix)
    };
    gathered.targets.iter().filter(has_none).map(reason).collect()
}

/// The longest confirmation timer of the devices' transports. A device that no transport reaches is for the push to refuse.
fn confirm_timer(policy: &Policy, targets: &[Target], reasons: &mut Vec<Reason>) -> Duration {
    let mut longest = Duration::from_secs(1);
    for target in targets {
        match ProductionTransport::of(policy, target) {
            Ok(transport) => longest = longest.max(transport.policy().confirm_timer.unwrap_or_default()),
            Err(all) => reasons.extend(all.into_iter().filter(|r| r.detail.as_deref() != Some("missing"))),
        }
    }
    reasons.sort();
    reasons.dedup();
    longest
}

/// Devices as transports see them.
pub fn targets(devices: &[TargetDevice]) -> Vec<Target> {
    devices.iter().map(Target::of).collect()
}

/// 32 hexadecimal digits that nobody could have known before.
///
/// # Errors
/// The system gives no random bytes.
pub fn nonce() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut bytes));
    read.map_err(|e| Failure::new(format!("the system gives no random bytes: {}", e.kind())))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// Removes a permit of an earlier call; a file that is none stays.
fn take_away(path: &Path) {
    let is_permit = std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"fwgate-permit/"));
    if is_permit {
        let _ = std::fs::remove_file(path);
    }
}

/// How long from now to an instant.
pub fn until(now: Instant, end: Instant) -> Duration {
    Duration::from_secs(u64::try_from(end.0.saturating_sub(now.0)).unwrap_or_default())
}
