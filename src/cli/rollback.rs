//! `fwgate rollback DEVICE` and `fwgate push CHANGE --rollback`: back to the last applied bytes.
//!
//! One person with the right to operate is enough: no window, no approval, no permit. Nothing here waits for the remote: what was
//! fetched last says what to go back to, and what the ledger could not be told is told when the same command runs again.

use super::answer::Format;
use super::change::close::{Spent, fold};
use super::change::{Pen, SigningArguments};
use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{
    Commits, DeviceFiles, MachineKeys, RemoteLedger, RootArguments, Session, Survey, keep_receipt, machine_of, now,
};
use super::ledger::listed;
use super::permit::{nonce, targets};
use super::push::port::{Way, Ways};
use super::screen::Screen;
use crate::dialect::nearest;
use crate::gate::push::route::ProductionTransport;
use crate::gate::push::{Ledger, LedgerTrouble, Seen, Trouble};
use crate::gate::{
    Claim, DeviceBytes, DeviceResult, Digest, Finish, InForce, Instant, LedgerEntry, Reason, ReasonCode, Receipt,
    ReceiptKind, Record, ResultKind, operator, read_branch,
};
use crate::policy::{Policy, Purpose, PushMode};
use crate::report::{RollbackDocument, WrittenRollback, json_text, visible};
use clap::Args;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often an entry of the ledger is tried again.
const TRIES: usize = 5;
/// How long the ledger says that the rollback may be busy.
const LEASE: Duration = Duration::from_secs(900);

/// The arguments of `fwgate rollback`.
#[derive(Debug, Args)]
#[command(
    after_help = "Needs one person with the right to operate, and the transport of the device. No window, no approval, no permit; a remote that does \
                  not answer is told later, by the same command.\n\nExamples:\n  fwgate rollback edge1 --root root.toml\n  \
                  fwgate push CHG-2042 --rollback --root root.toml   (every device of a change, to what ran before it)"
)]
pub struct Arguments {
    /// The device
    #[arg(value_name = "DEVICE")]
    pub device: String,
    /// Where trust comes from
    #[command(flatten)]
    pub root: RootArguments,
    /// The key of the operator
    #[command(flatten)]
    pub signing: SigningArguments,
    /// Keys of machines, for ledger and receipts
    #[command(flatten)]
    pub keys: MachineKeys,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Brings one device back.
///
/// # Errors
/// No repository, no key of a person.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open_root(&arguments.root)?;
    let means = Means { signing: &arguments.signing, keys: &arguments.keys, format: arguments.format };
    roll_back(&session, Wanted::Device(&arguments.device), &means, screen)
}

/// With what it is done.
pub struct Means<'a> {
    /// The operator's key.
    pub signing: &'a SigningArguments,
    /// The machines' keys.
    pub keys: &'a MachineKeys,
    /// How to write the answer.
    pub format: Format,
}

/// What is to be brought back.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// One device, to what the ledger says was applied last.
    Device(&'a str),
    /// Every device of a change, to what ran before it.
    Change(&'a str),
}

/// Brings devices back.
///
/// # Errors
/// No key of a person, no random bytes.
pub fn roll_back(session: &Session, wanted: Wanted<'_>, means: &Means<'_>, screen: &Screen) -> Result<Exit, Failure> {
    let unreachable = session.ask();
    let survey = session.survey_again(now(), Vec::new());
    let Some(policy) = survey.chain.policy().cloned() else {
        let mut reasons: Vec<Reason> = session.root_bytes.as_ref().err().cloned().into_iter().collect();
        reasons.extend(survey.chain.reasons.iter().chain(&unreachable).cloned());
        return refuse(&reasons, means.format, screen);
    };
    let found =
        aims(session, &survey, wanted).and_then(|aims: Vec<Aim>| Ok((ways(session, &survey, &policy, &aims)?, aims)));
    let (ways, aims) = match found {
        Ok(found) => found,
        Err(reasons) => return refuse(&reasons, means.format, screen),
    };
    let text = statement(&aims, survey.now);
    let armor = Pen::of_user(session, means.signing)?.seal(&text)?;
    let person = match operator(&policy, &survey.roster, &text, &armor, survey.now) {
        Ok(person) => person,
        Err(reason) => return refuse(&[reason], means.format, screen),
    };
    let port = Ways { policy: &policy, ways };
    let mut ends = Vec::new();
    for aim in &aims {
        ends.push(one(&port, aim)?);
    }
    if means.format == Format::Human {
        screen.answer(&told(&aims, &ends, &person))?;
    }
    let untold = tell_ledger(session, &survey, &aims, &ends, &person, means.keys)?;
    let unkept = if untold.is_empty() { keep(session, &aims, means.keys) } else { Vec::new() };
    if means.format == Format::Json {
        let devices = aims.iter().zip(&ends).map(|(aim, end)| written(aim, end)).collect();
        let reasons = [untold, unkept].concat();
        screen.answer(&json_text(&RollbackDocument::of(&person, devices, &reasons))?)?;
    } else {
        warn(
            screen,
            "the ledger does not know of this rollback yet; the same command tells it once this is mended",
            &untold,
        );
        warn(
            screen,
            "the log does not know of this rollback yet; `fwgate change close` tells it once this is mended",
            &unkept,
        );
    }
    Ok(if ends.iter().all(End::is_back) { PASSED } else { REFUSED })
}

fn warn(screen: &Screen, what: &str, reasons: &[Reason]) {
    if !reasons.is_empty() {
        screen.aside(&format!("warning: {what}:\n{}", listed(reasons)));
    }
}

/// Lets the log know what was done about changes that it keeps, so that an audit needs nothing else; what kept it from that. The
/// rollback stands in any case.
fn keep(session: &Session, aims: &[Aim], keys: &MachineKeys) -> Vec<Reason> {
    let keys = keys.or_environment();
    let Some(key) = &keys.key_ledger else { return Vec::new() };
    let changes: BTreeSet<&String> = aims.iter().map(|aim| &aim.change).collect();
    let survey = session.survey(now());
    let is_behind =
        |change: &&&String| survey.log.last_of(change).is_some() && !survey.log.has_all(&survey.ledger, change);
    let behind = changes.iter().filter(is_behind);
    behind.filter_map(|change| fold(session, change, key, Spent::Kept, now()).err()).flatten().collect()
}

fn refuse(reasons: &[Reason], format: Format, screen: &Screen) -> Result<Exit, Failure> {
    screen.answer(&match format {
        Format::Human => format!("nothing was rolled back\n{}", listed(reasons)),
        Format::Json => json_text(&RollbackDocument::refused(reasons))?,
    })?;
    Ok(REFUSED)
}

/// A device and what it goes back to.
struct Aim {
    device: String,
    /// The change that the ledger is told about.
    change: String,
    digest: Digest,
    head: String,
    bytes: DeviceBytes,
}

fn aims(session: &Session, survey: &Survey, wanted: Wanted<'_>) -> Result<Vec<Aim>, Vec<Reason>> {
    let known: Vec<(String, InForce)> = match wanted {
        Wanted::Device(device) => {
            let known = survey.in_force.get(device).cloned().or_else(|| before_first(survey, device));
            vec![(known.as_ref().map(|k| k.change.clone()).unwrap_or_default(), known.ok_or_else(|| nothing(device))?)]
        }
        Wanted::Change(change) => before(survey, change)?.into_iter().map(|known| (change.to_owned(), known)).collect(),
    };
    let (mut aims, mut reasons) = (Vec::new(), Vec::new());
    let mut commits = Commits::of(session);
    for (change, known) in known {
        match commits.held(&places(session, survey, &known), &known.device, known.bytes) {
            Ok((head, bytes)) => aims.push(Aim { device: known.device, change, digest: known.bytes, head, bytes }),
            Err(more) => reasons.extend(more),
        }
    }
    if reasons.is_empty() { Ok(aims) } else { Err(reasons) }
}

/// What every device of a change ran before its first push.
fn before(survey: &Survey, change: &str) -> Result<Vec<InForce>, Vec<Reason>> {
    let own: Vec<&DeviceResult> = survey.ledger.results().filter(|r| r.change == change).collect();
    let devices: BTreeSet<&String> = own.iter().map(|r| &r.device).collect();
    if devices.is_empty() {
        let message = format!("the ledger knows of no push of {change}, so there is nothing to take back");
        let fix = "`fwgate rollback DEVICE` brings a device to what was applied last";
        return Err(vec![Reason::new(ReasonCode::NoRollback, message, fix)]);
    }
    let earlier = survey.ledger.in_force_but(Some(change));
    let (mut out, mut reasons) = (Vec::new(), Vec::new());
    for device in devices {
        let later = survey.in_force.get(device).filter(|k| k.change != change && is_later(survey, k, change));
        let begun = own.iter().find(|r| r.device == *device && r.result != ResultKind::Applied).map(|r| of_result(r));
        match (later, begun.or_else(|| earlier.get(device).cloned())) {
            (Some(later), _) => {
                let message = format!("`{device}` was changed by {} after {change}", later.change);
                let fix = format!("take that back first: `fwgate push {} --rollback`", later.change);
                reasons.push(Reason::new(ReasonCode::Conflict, message, fix));
            }
            (None, Some(known)) => out.push(known),
            (None, None) => reasons.extend(nothing(device)),
        }
    }
    if reasons.is_empty() { Ok(out) } else { Err(reasons) }
}

/// Whether a device got this after a change touched it last. Of an adoption, which the ledger does not place, the instants tell;
/// in the same second it counts as later.
fn is_later(survey: &Survey, known: &InForce, change: &str) -> bool {
    let on_device = || survey.ledger.placed_results().filter(|(_, r)| r.device == known.device);
    let own = on_device().filter(|(_, r)| r.change == change).last();
    let place =
        on_device().filter(|(_, r)| r.change == known.change && r.at == known.at && r.bytes == known.bytes).last();
    match (own, place) {
        (Some((own, _)), Some((place, _))) => place > own,
        (Some((_, own)), None) => known.at >= own.at,
        (None, _) => true,
    }
}

/// What a device ran before the first push that the ledger knows of it.
fn before_first(survey: &Survey, device: &str) -> Option<InForce> {
    survey.ledger.results().find(|r| r.device == device && r.result != ResultKind::Applied).map(of_result)
}

fn of_result(result: &DeviceResult) -> InForce {
    InForce {
        device: result.device.clone(),
        bytes: result.bytes,
        head: result.head.clone(),
        change: result.change.clone(),
        result: result.result,
        receipt: result.receipt,
        at: result.at,
    }
}

fn nothing(device: &str) -> Vec<Reason> {
    let message = format!("neither ledger nor an adoption says what `{device}` ran last");
    let fix = format!("mend it by hand, then make what it runs its baseline: `fwgate adopt {device}`");
    vec![Reason::new(ReasonCode::NoRollback, message, fix)]
}

/// Commits that may hold the bytes: the one that the ledger names, the ends of the change's range, the protected branch and what it was.
pub fn places(session: &Session, survey: &Survey, known: &InForce) -> Vec<String> {
    let mut out = vec![known.head.clone()];
    if let Some(branch) = survey.branches.get(&format!("refs/heads/fwgate/changes/{}", known.change)) {
        let testimony = read_branch(branch, &survey.roster, &survey.ledger, survey.now);
        let ends = testimony.records.iter().rev().filter_map(|r| match &r.said {
            Record::Change(change) => Some([change.base.clone(), change.head.clone()]),
            _ => None,
        });
        out.extend(ends.flatten());
    }
    out.extend(session.protected_line(survey.tip));
    out
}

fn ways<'p>(
    session: &Session,
    survey: &Survey,
    policy: &'p Policy,
    aims: &[Aim],
) -> Result<BTreeMap<String, Way<'p>>, Vec<Reason>> {
    let fleet = targets(&session.fleet_of(survey));
    // An inventory that cannot be read keeps nobody from going back.
    let inventory = session.inventory_of(survey).ok().flatten();
    let (mut out, mut reasons) = (BTreeMap::new(), Vec::new());
    for aim in aims {
        let gone = || {
            let message =
                format!("the protected branch has no device `{}`, so nothing says how it is reached", aim.device);
            let near = nearest(&aim.device, fleet.iter().map(|t| t.name.as_str()));
            let fix =
                near.map_or("mend it by hand".to_owned(), |n| format!("did you mean `{n}`? Else mend it by hand"));
            vec![Reason::new(ReasonCode::NoRollback, message, fix)]
        };
        let target = fleet.iter().find(|t| t.name == aim.device);
        let transport = target.ok_or_else(gone).and_then(|target| ProductionTransport::of(policy, target));
        match (transport, DeviceFiles::of(&aim.bytes, inventory.as_ref())) {
            (Ok(transport), Ok(files)) => {
                let roles = target.map(|t| t.roles.clone()).unwrap_or_default();
                let way = Way { transport, roles, proposal: files.clone(), baseline: files, instead: None };
                out.insert(aim.device.clone(), way);
            }
            (transport, files) => reasons.extend(transport.err().into_iter().flatten().chain(files.err())),
        }
    }
    if reasons.is_empty() { Ok(out) } else { Err(reasons) }
}

/// What the operator signs: never sent anywhere, it proves who is at the keyboard.
fn statement(aims: &[Aim], now: Instant) -> String {
    let lines = aims.iter().map(|aim| format!("{} {}\n", aim.device, aim.digest));
    format!("fwgate-rollback/1 {now}\n{}", lines.collect::<String>())
}

/// How it went with one device.
enum End {
    /// It ran it already.
    Already(Seen),
    /// It runs it again.
    Back(Seen),
    /// Nobody knows.
    Unsure(Vec<String>),
}

impl End {
    fn is_back(&self) -> bool {
        !matches!(self, End::Unsure(_))
    }

    fn seen(&self) -> Option<&Seen> {
        match self {
            End::Already(seen) | End::Back(seen) => Some(seen),
            End::Unsure(_) => None,
        }
    }
}

fn one(port: &Ways<'_>, aim: &Aim) -> Result<End, Failure> {
    let mut words = Vec::new();
    match port.read(&aim.device, &nonce()?) {
        Ok(seen) if seen.is_baseline => return Ok(End::Already(seen)),
        Ok(_) => {}
        Err(reason) => words.push(format!("before: {}", reason.message)),
    }
    if let Err(Trouble(why)) = port.roll_back(&aim.device) {
        words.push(format!("the transport's `rollback` failed: {why}"));
    }
    match awaited(port, &aim.device)? {
        Ok(seen) if seen.is_baseline => return Ok(End::Back(seen)),
        Ok(seen) => words.push(format!("it runs something else: {}", seen.differs)),
        Err(reason) => words.push(format!("after: {}", reason.message)),
    }
    Ok(End::Unsure(words))
}

/// The first reading that shows the bytes, or the last one before the deadline of a device that takes its time.
fn awaited(port: &Ways<'_>, device: &str) -> Result<Result<Seen, Reason>, Failure> {
    let rule = port.ways.get(device).map(|way| way.transport.policy());
    let deadline = rule.filter(|t| t.mode == PushMode::Eventual).and_then(|t| t.deadline).unwrap_or_default();
    let end = now().after(deadline);
    loop {
        let seen = port.read(device, &nonce()?);
        if seen.as_ref().is_ok_and(|s| s.is_baseline) || now() >= end {
            return Ok(seen);
        }
        std::thread::sleep(Duration::from_secs(30).min(deadline / 10));
    }
}

/// A device for the document.
fn written(aim: &Aim, end: &End) -> WrittenRollback {
    let (end, words) = match end {
        End::Already(_) => ("already", Vec::new()),
        End::Back(_) => ("back", Vec::new()),
        End::Unsure(words) => ("unknown", words.clone()),
    };
    WrittenRollback {
        device: aim.device.clone(),
        change: aim.change.clone(),
        end,
        bytes: aim.digest.to_string(),
        head: aim.head.clone(),
        words,
    }
}

fn told(aims: &[Aim], ends: &[End], person: &str) -> String {
    let mut out = format!("rollback by {person}\n");
    for (aim, end) in aims.iter().zip(ends) {
        let head = aim.head.get(..12).unwrap_or(&aim.head);
        let (sign, words) = match end {
            End::Already(_) => ('~', format!("runs the bytes of {head} already")),
            End::Back(_) => ('=', format!("runs the bytes of {head} again, read back")),
            End::Unsure(_) => ('!', "nobody knows what it runs: look at it".to_owned()),
        };
        out += &format!("{sign} {}: {words}\n", aim.device);
        if let End::Unsure(words) = end {
            words.iter().for_each(|word| out += &format!("    {}\n", visible(word)));
        }
    }
    out
}

/// Writes what became of the devices to ledger and receipts; what kept it from being written.
fn tell_ledger(
    session: &Session,
    survey: &Survey,
    aims: &[Aim],
    ends: &[End],
    person: &str,
    keys: &MachineKeys,
) -> Result<Vec<Reason>, Failure> {
    let keys = keys.or_environment();
    let (Some(key_ledger), Some(key_production)) = (&keys.key_ledger, &keys.key_production) else {
        let message = "the keys of ledger and receipts are not at hand";
        let fix =
            "run it again with `--key-ledger` and `--key-production`, or FWGATE_KEY_LEDGER and FWGATE_KEY_PRODUCTION";
        return Ok(vec![Reason::new(ReasonCode::LedgerUnreachable, message, fix)]);
    };
    let of =
        |(purpose, key): (Purpose, &std::path::PathBuf)| machine_of(&survey.roster, purpose, key, survey.now).err();
    let own = [(Purpose::Ledger, key_ledger), (Purpose::ReceiptProduction, key_production)];
    let strange: Vec<Reason> = own.into_iter().filter_map(of).collect();
    if !strange.is_empty() {
        return Ok(strange);
    }
    let mut ledger = RemoteLedger { session, roster: &survey.roster, key: key_ledger, last: None };
    let changes: BTreeSet<&String> = aims.iter().map(|aim| &aim.change).collect();
    let mut untold = Vec::new();
    for change in changes {
        let own: Vec<(&Aim, &End)> = aims.iter().zip(ends).filter(|(aim, _)| aim.change == *change).collect();
        let note = Note { session, survey, change, person, run: nonce()?, nonce: nonce()?, key_production };
        untold.extend(note.write(&mut ledger, &own).err());
    }
    Ok(untold)
}

/// One run of the ledger, for one change.
struct Note<'a> {
    session: &'a Session,
    survey: &'a Survey,
    change: &'a str,
    person: &'a str,
    run: String,
    nonce: String,
    key_production: &'a std::path::Path,
}

impl Note<'_> {
    fn write(&self, ledger: &mut RemoteLedger<'_>, own: &[(&Aim, &End)]) -> Result<(), Reason> {
        let devices: Vec<String> = own.iter().map(|(aim, _)| aim.device.clone()).collect();
        append(ledger, || LedgerEntry::Claim(self.claim(&devices)))?;
        for (aim, end) in own {
            let receipt =
                end.seen().map(|seen| keep_receipt(self.session, self.key_production, &self.receipt(aim, seen)));
            let receipt = receipt.transpose()?;
            append(ledger, || LedgerEntry::Result(self.result(aim, receipt)))?;
        }
        let state = if own.iter().all(|(_, end)| end.is_back()) { "rolled-back" } else { "partial" };
        append(ledger, || LedgerEntry::Finish(self.finish(state)))
    }

    /// No permit was asked for.
    fn claim(&self, devices: &[String]) -> Claim {
        let at = now();
        Claim {
            previous: None,
            at,
            change: self.change.to_owned(),
            permit: Claim::NO_PERMIT,
            nonce: self.nonce.clone(),
            holder: self.person.to_owned(),
            run: self.run.clone(),
            lease: at.after(LEASE),
            devices: devices.to_vec(),
        }
    }

    fn result(&self, aim: &Aim, receipt: Option<Digest>) -> DeviceResult {
        DeviceResult {
            previous: None,
            at: now(),
            change: self.change.to_owned(),
            nonce: self.nonce.clone(),
            run: self.run.clone(),
            device: aim.device.clone(),
            result: if receipt.is_some() { ResultKind::RolledBack } else { ResultKind::Failed },
            bytes: aim.digest,
            head: aim.head.clone(),
            receipt,
        }
    }

    fn finish(&self, state: &str) -> Finish {
        let (change, nonce, run) = (self.change.to_owned(), self.nonce.clone(), self.run.clone());
        Finish { previous: None, at: now(), change, nonce, run, state: state.to_owned() }
    }

    fn receipt(&self, aim: &Aim, seen: &Seen) -> Receipt {
        Receipt {
            kind: ReceiptKind::RolledBack,
            change: self.change.to_owned(),
            content: self.content(),
            devices: vec![(aim.device.clone(), aim.digest)],
            on: seen.identity.clone(),
            flows: 0,
            head: aim.head.clone(),
            at: now(),
        }
    }

    /// The content that the change announced last; nothing where it announced none (an adoption).
    fn content(&self) -> Digest {
        let branch = self.survey.branches.get(&format!("refs/heads/fwgate/changes/{}", self.change));
        let testimony = branch.map(|b| read_branch(b, &self.survey.roster, &self.survey.ledger, self.survey.now));
        let contents = testimony.iter().flat_map(|t| t.records.iter().rev()).filter_map(|r| match &r.said {
            Record::Change(change) => Some(change.content),
            _ => None,
        });
        contents.into_iter().next().unwrap_or(Digest([0; 32]))
    }
}

/// Appends an entry, made anew where somebody else was first.
fn append(ledger: &mut RemoteLedger<'_>, entry: impl Fn() -> LedgerEntry) -> Result<(), Reason> {
    for _ in 0..TRIES {
        let written = ledger.view().and_then(|view| ledger.append(&view.head, entry()));
        match written {
            Ok(()) => return Ok(()),
            Err(LedgerTrouble::Refused(reason)) => return Err(reason),
            Err(LedgerTrouble::Moved) => {}
        }
    }
    let message = format!("the ledger moved {TRIES} times while an entry was appended");
    Err(Reason::new(ReasonCode::LedgerUnreachable, message, "try again"))
}
