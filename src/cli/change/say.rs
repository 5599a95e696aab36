//! The records that say one thing: reject, revoke, override, schedule, hold, withdraw, emergency, review, reissue.
//!
//! None of them needs the change to be analysable: a rejection of something that cannot even be read must be possible.

use super::pen::{Pen, SigningArguments};
use crate::cli::exit::{Exit, PASSED};
use crate::cli::failure::Failure;
use crate::cli::gate::{GateArguments, Gathered, Session, neighbour, now};
use crate::cli::screen::Screen;
use crate::gate::{
    Digest, Emergency, Hold, Instant, OverrideReject, Record, Reissue, Reject, Review, Revoke, Schedule, Scope,
    Withdraw, instant_of,
};
use clap::Args;
use std::time::Duration;

/// Which change, which key, and why.
#[derive(Debug, Clone, Args)]
pub struct Saying {
    /// The change and the root.
    #[command(flatten)]
    pub gate: GateArguments,
    /// The key.
    #[command(flatten)]
    pub signing: SigningArguments,
    /// Why, in one line
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// The arguments of `fwgate change reject`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  fwgate change reject CHG-2042 --root root.toml --reason 'it opens the lab to the offices'"
)]
pub struct RejectArguments {
    /// What every record needs.
    #[command(flatten)]
    pub saying: Saying,
}

/// The arguments of `fwgate change revoke`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  fwgate change revoke CHG-2042 --root root.toml --record sha256:9ab1... --reason 'looked at the wrong site'"
)]
pub struct RevokeArguments {
    /// What every record needs.
    #[command(flatten)]
    pub saying: Saying,
    /// The record that is taken back, as `fwgate change show` names it
    #[arg(long, value_name = "SHA256", value_parser = parse_digest)]
    pub record: Digest,
}

/// The arguments of `fwgate change override-reject`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  fwgate change override-reject CHG-2042 --root root.toml --record sha256:9ab1... --role network --reason 'mended in CHG-2043'"
)]
pub struct OverrideArguments {
    /// What every record needs.
    #[command(flatten)]
    pub saying: Saying,
    /// The rejection that is lifted, as `fwgate change show` names it
    #[arg(long, value_name = "SHA256", value_parser = parse_digest)]
    pub record: Digest,
    /// The role in which you say so
    #[arg(long, value_name = "ROLE")]
    pub role: String,
}

/// The arguments of `fwgate change schedule`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  fwgate change schedule CHG-2042 --root root.toml --start '2026-12-01T22:00:00[America/Toronto]' --end '2026-12-02T00:00:00[America/Toronto]'"
)]
pub struct ScheduleArguments {
    /// The change and the root.
    #[command(flatten)]
    pub gate: GateArguments,
    /// The key.
    #[command(flatten)]
    pub signing: SigningArguments,
    /// When it may begin: `2026-12-01T22:00:00[America/Toronto]` or `2026-12-02T03:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = parse_instant)]
    pub start: Instant,
    /// When it must be over
    #[arg(long, value_name = "TIME", value_parser = parse_instant)]
    pub end: Instant,
}

/// The arguments of `fwgate change hold`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fwgate change hold CHG-2042 --root root.toml --reason 'odd load on edge1'\n  fwgate change hold CHG-2042 --root root.toml --all --for 4h --reason 'outage, nothing else moves'"
)]
pub struct HoldArguments {
    /// What every record needs.
    #[command(flatten)]
    pub saying: Saying,
    /// How long: `4h`, `2d`
    #[arg(long = "for", value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub length: Duration,
    /// Hold every change, not only this one
    #[arg(long)]
    pub all: bool,
}

/// The arguments of `fwgate change withdraw`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fwgate change withdraw CHG-2042 --root root.toml --reason 'not needed any more'")]
pub struct WithdrawArguments {
    /// What every record needs.
    #[command(flatten)]
    pub saying: Saying,
}

/// The arguments of `fwgate change emergency`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  fwgate change emergency CHG-2050 --root root.toml --reason 'scan from 203.0.113.7' --for 1h"
)]
pub struct EmergencyArguments {
    /// What every record needs.
    #[command(flatten)]
    pub saying: Saying,
    /// How long it lasts: `1h` at the most where one person declares it alone
    #[arg(long = "for", value_name = "DURATION", default_value = "1h", value_parser = parse_duration)]
    pub length: Duration,
}

/// The arguments of `fwgate change review`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  fwgate change review CHG-2050 --root root.toml --role network --reason 'right, and the block stays'"
)]
pub struct ReviewArguments {
    /// What every record needs.
    #[command(flatten)]
    pub saying: Saying,
    /// The role in which you reviewed it
    #[arg(long, value_name = "ROLE")]
    pub role: String,
}

/// The arguments of `fwgate change reissue`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  fwgate change reissue CHG-2042 --root root.toml --becomes CHG-2044 --reason 'the first one expired'"
)]
pub struct ReissueArguments {
    /// What every record needs.
    #[command(flatten)]
    pub saying: Saying,
    /// The id under which it goes on
    #[arg(long, value_name = "CHANGE")]
    pub becomes: String,
}

/// Signs a rejection.
///
/// # Errors
/// As [`Pen::append`].
pub fn reject(arguments: &RejectArguments, screen: &Screen) -> Result<Exit, Failure> {
    said(&arguments.saying, screen, |change, reason| Ok(Record::Reject(Reject { change, reason })))
}

/// Signs that an own record is taken back.
///
/// # Errors
/// As [`Pen::append`].
pub fn revoke(arguments: &RevokeArguments, screen: &Screen) -> Result<Exit, Failure> {
    let record = arguments.record;
    said(&arguments.saying, screen, |change, reason| Ok(Record::Revoke(Revoke { change, record, reason })))
}

/// Signs a voice that lifts a rejection.
///
/// # Errors
/// As [`Pen::append`].
pub fn override_reject(arguments: &OverrideArguments, screen: &Screen) -> Result<Exit, Failure> {
    let (record, role) = (arguments.record, arguments.role.clone());
    said(&arguments.saying, screen, |change, reason| {
        Ok(Record::OverrideReject(OverrideReject { change, record, role, reason }))
    })
}

/// Signs a window.
///
/// # Errors
/// As [`Pen::append`]; an end before the start.
pub fn schedule(arguments: &ScheduleArguments, screen: &Screen) -> Result<Exit, Failure> {
    let (start, end) = (arguments.start, arguments.end);
    if end <= start {
        let failure = Failure::new(format!("the window would end at {end}, before it begins at {start}"));
        return Err(failure.help("give `--end` a later time [SCHEDULE_INVALID]"));
    }
    let record = Record::Schedule(Schedule { change: arguments.gate.change.clone(), start, end });
    write(&arguments.gate, &arguments.signing, &record, screen)
}

/// Signs a hold.
///
/// # Errors
/// As [`Pen::append`].
pub fn hold(arguments: &HoldArguments, screen: &Screen) -> Result<Exit, Failure> {
    let until = now().after(arguments.length);
    said(&arguments.saying, screen, |change, reason| {
        let scope = if arguments.all { Scope::All } else { Scope::Change(change) };
        Ok(Record::Hold(Hold { scope, until, reason }))
    })
}

/// Signs a withdrawal.
///
/// # Errors
/// As [`Pen::append`].
pub fn withdraw(arguments: &WithdrawArguments, screen: &Screen) -> Result<Exit, Failure> {
    said(&arguments.saying, screen, |change, reason| Ok(Record::Withdraw(Withdraw { change, reason })))
}

/// Signs that there is an emergency, about exactly the present content.
///
/// # Errors
/// As [`Pen::append`]; a change that cannot be analysed.
pub fn emergency(arguments: &EmergencyArguments, screen: &Screen) -> Result<Exit, Failure> {
    let content = content_of(&arguments.saying.gate)?;
    let until = now().after(arguments.length);
    said(&arguments.saying, screen, |change, reason| {
        Ok(Record::Emergency(Emergency { change, content, until, reason }))
    })
}

/// Signs a review of what was pushed in an emergency.
///
/// # Errors
/// As [`Pen::append`]; a change that was never announced.
pub fn review(arguments: &ReviewArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(&arguments.saying.gate)?;
    let gathered = session.gather(&arguments.saying.gate.change, now());
    let never = never_announced(&arguments.saying.gate.change, &gathered);
    let announced = gathered.announced.ok_or(never)?;
    let (content, role) = (announced.content, arguments.role.clone());
    said(&arguments.saying, screen, |change, reason| Ok(Record::Review(Review { change, content, role, reason })))
}

/// Signs that the change goes on under another id.
///
/// # Errors
/// As [`Pen::append`]; an id that is none.
pub fn reissue(arguments: &ReissueArguments, screen: &Screen) -> Result<Exit, Failure> {
    let becomes = arguments.becomes.clone();
    if !crate::policy::is_change_id(&becomes) || becomes == arguments.saying.gate.change {
        let failure = Failure::new(format!("`{becomes}` is no new id of a change"));
        return Err(failure.help("write one such as `CHG-2043`"));
    }
    let exit =
        said(&arguments.saying, screen, |change, reason| Ok(Record::Reissue(Reissue { change, becomes, reason })))?;
    screen.hint(&format!(
        "next: let changes/{1}.toml have the text of changes/{0}.toml with `id = \"{1}\"` (and take {0}'s away only where it is \
         not merged yet), commit, and `fwgate change new {1}`\n",
        arguments.saying.gate.change, arguments.becomes
    ));
    Ok(exit)
}

/// That a change has no announcement that counts.
pub(super) fn never_announced(id: &str, gathered: &Gathered) -> Failure {
    let near = neighbour(id, &gathered.branches);
    let near = near.map(|near| format!("did you mean `{near}`? Else ")).unwrap_or_default();
    Failure::new(format!("`{id}` was never announced by somebody who counts"))
        .help(format!("{near}`fwgate change new {id}`"))
}

fn content_of(gate: &GateArguments) -> Result<Digest, Failure> {
    let session = Session::open(gate)?;
    let gathered = session.gather(&gate.change, now());
    let content = gathered.analysis.as_ref().map(|a| a.content);
    content.ok_or_else(|| {
        let reasons = gathered
            .decision
            .reasons
            .iter()
            .map(|r| Failure::new(format!("{} [{}]", r.message, r.code)).help(r.fix.clone()));
        Failure::Several(reasons.collect())
    })
}

fn said(
    saying: &Saying,
    screen: &Screen,
    record: impl FnOnce(String, String) -> Result<Record, Failure>,
) -> Result<Exit, Failure> {
    let record = record(saying.gate.change.clone(), one_line(&saying.reason)?)?;
    write(&saying.gate, &saying.signing, &record, screen)
}

fn write(gate: &GateArguments, signing: &SigningArguments, record: &Record, screen: &Screen) -> Result<Exit, Failure> {
    if let Err(flaw) = Record::read(&record.text()) {
        return Err(Failure::new(format!("this cannot be a record: {}", flaw.message)).help("use plain words"));
    }
    let session = Session::open(gate)?;
    session.refresh()?;
    let written = Pen::of_user(&session, signing)?.append(&gate.change, record, now())?;
    screen.answer(&format!("signed and pushed: {} of {} ({})\n", record.kind(), gate.change, written.digest))?;
    Ok(PASSED)
}

fn one_line(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    match text.is_empty() || text.contains(['\n', '\r']) {
        true => Err(Failure::new("the reason must be one line that says something").help("`--reason \"...\"`")),
        false => Ok(text.to_owned()),
    }
}

fn parse_digest(text: &str) -> Result<Digest, String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let wrong = || "a record is named by `sha256:` and 64 digits, as `fwgate change show` prints it".to_owned();
    if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err(wrong());
    }
    let mut out = [0u8; 32];
    for (at, byte) in out.iter_mut().enumerate() {
        let pair = hex.get(2 * at..2 * at + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(Digest(out))
}

fn parse_instant(text: &str) -> Result<Instant, String> {
    if let Some(instant) = Instant::read(text) {
        return Ok(instant);
    }
    let wrong = |e: String| format!("{e}; write `2026-12-01T22:00:00[America/Toronto]` or `2026-12-02T03:00:00Z`");
    instant_of(&crate::policy::zoned(text).map_err(wrong)?).map_err(wrong)
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    crate::policy::duration(text).ok_or_else(|| "write a number and a unit: `30m`, `4h`, `2d`".to_owned())
}
