//! `fwgate ledger`: the scheduled job on the protected branch that lets the ledger machine write down what it sees, and the
//! beginning of ledger and log.
//!
//! A ledger that is gone is not begun again by the job: that is exactly what somebody who deletes it would want.

use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{
    MachineKeys, RootArguments, Session, Survey, append_by_machine, machine_of, need_key, now, of_remote,
};
use super::screen::Screen;
use crate::gate::{Instant, LEDGER_BRANCH, LOG_BRANCH, LedgerEntry, MAX_TEXT, Reason, ReasonCode, Witness};
use crate::policy::Purpose;
use crate::report::visible;
use crate::vcs::CommitId;
use clap::{Args, Subcommand};
use std::collections::BTreeMap;
use std::path::Path;

/// What the full name of a change's branch begins with.
const CHANGES: &str = "refs/heads/fwgate/changes/";

/// How often a ledger that moved is tried again.
const TRIES: usize = 3;

/// How long a witness stands for what has not moved since, in seconds. A job that comes by every ten minutes would otherwise write fifty
/// thousand entries a year, which everybody verifies at every call.
const STANDS: i64 = 3600;

/// The arguments of `fwgate ledger`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fwgate ledger init --root root.toml --key-ledger ledger.key      once\n  fwgate ledger witness --root root.toml --key-ledger ledger.key   every few minutes, by a scheduled job"
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with the ledger.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write down what the remote has now; for a scheduled job on the protected branch
    #[command(
        after_help = "Examples:\n  fwgate ledger witness --root root.toml --key-ledger ledger.key\n  FWGATE_KEY_LEDGER=ledger.key fwgate ledger witness --root root.toml"
    )]
    Witness(WritingArguments),
    /// Begin the ledger with a first witness, and the log, where the remote has neither
    #[command(after_help = "Example:\n  fwgate ledger init --root root.toml --key-ledger ledger.key")]
    Init(WritingArguments),
}

/// Root and key.
#[derive(Debug, Args)]
pub struct WritingArguments {
    /// Where trust comes from
    #[command(flatten)]
    pub root: RootArguments,
    /// Key of the machine that keeps the ledger (or FWGATE_KEY_LEDGER)
    #[arg(long, value_name = "FILE")]
    pub key_ledger: Option<std::path::PathBuf>,
}

/// A witness that stands on the remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The commit.
    pub commit: CommitId,
    /// Whether it was written now: where nothing has moved since the last one, that stands for an hour.
    pub is_new: bool,
    /// What it says.
    pub said: Witness,
    /// What keeps branches out of it.
    pub refused: Vec<Reason>,
}

/// Runs what the arguments name.
///
/// # Errors
/// No repository, no key.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let (writing, begins) = match &arguments.command {
        Command::Witness(writing) => (writing, Begins::Never),
        Command::Init(writing) => (writing, Begins::WhereNone),
    };
    let keys = MachineKeys { key_ledger: writing.key_ledger.clone(), ..MachineKeys::default() }.or_environment();
    let session = Session::open_root(&writing.root)?;
    let key = need_key(keys.key_ledger.as_ref(), "--key-ledger", "FWGATE_KEY_LEDGER")?;
    match witness(&session, key, begins, now()) {
        Ok(written) => {
            screen.answer(&told(&written, begins))?;
            if begins == Begins::WhereNone {
                screen.hint("next: let a scheduled job on the protected branch run `fwgate ledger witness`, every ten minutes or so\n");
            }
            Ok(if written.refused.is_empty() { PASSED } else { REFUSED })
        }
        Err(reasons) => {
            screen.answer(&listed(&reasons))?;
            let is_unread = reasons.iter().any(|r| r.code.is_no_verdict());
            Ok(if is_unread { super::exit::NO_VERDICT } else { REFUSED })
        }
    }
}

/// Whether a ledger may be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// It must be there.
    Never,
    /// It is begun where the remote has neither ledger nor log.
    WhereNone,
}

/// Appends a witness by compare-and-swap, at most three times.
///
/// # Errors
/// Whatever makes the ledger, or the policy that it names, unfit; a remote that cannot be reached or refuses.
pub fn witness(session: &Session, key: &Path, begins: Begins, now: Instant) -> Result<Witnessed, Vec<Reason>> {
    for _ in 0..TRIES {
        let survey = session.survey(now);
        let is_new = is_new(&survey, begins)?;
        let (said, refused) = seen(&survey)?;
        machine_of(&survey.roster, Purpose::Ledger, key, now).map_err(|reason| vec![reason])?;
        if is_new && !survey.branches.contains_key(LOG_BRANCH) {
            begin_log(session)?;
        }
        if let Some((commit, last)) = standing(&survey, &said).filter(|_| refused.is_empty()) {
            let commit = session.repository.commit_id(commit).map_err(|e| vec![unwritten(&e.to_string())])?;
            return Ok(Witnessed { commit, is_new: false, said: last.clone(), refused });
        }
        let parents = survey.ledger.entries.last().map(|last| session.repository.commit_id(&last.commit));
        let parents = parents.transpose().map_err(|e| vec![unwritten(&e.to_string())])?.map(|last| vec![last]);
        let text = LedgerEntry::Witness(said.clone()).text();
        let written = append_by_machine(session, LEDGER_BRANCH, parents, (now, &text), key);
        if let Some(commit) = written.map_err(|reason| vec![reason])? {
            return Ok(Witnessed { commit, is_new: true, said, refused });
        }
    }
    Err(vec![unwritten(&format!("the ledger moved {TRIES} times"))])
}

/// Whether this is the first entry.
fn is_new(survey: &Survey, begins: Begins) -> Result<bool, Vec<Reason>> {
    let is_there = survey.branches.contains_key(LEDGER_BRANCH);
    let has_log = survey.branches.get(LOG_BRANCH).is_some_and(|log| !log.commits.is_empty());
    match (is_there, begins) {
        (false, Begins::WhereNone) if !has_log => Ok(true),
        (true, Begins::WhereNone) => {
            let message = "the remote has a ledger already";
            Err(vec![Reason::new(ReasonCode::LedgerFork, message, "`fwgate ledger witness` appends to it")])
        }
        _ => match survey.ledger.refusals.clone() {
            refusals if refusals.is_empty() => Ok(false),
            refusals => Err(refusals),
        },
    }
}

/// The log begins as every branch of evidence does; somebody else may have begun it first.
fn begin_log(session: &Session) -> Result<(), Vec<Reason>> {
    let root = session.repository.store_evidence_root().map_err(|e| vec![unwritten(&e.to_string())])?;
    let remote = session.remote().map_err(|reason| vec![reason])?;
    match remote.push(root, LOG_BRANCH) {
        Ok(()) | Err(crate::vcs::RemoteError::Moved { .. }) => Ok(()),
        Err(error) => Err(vec![of_remote(&error)]),
    }
}

/// What the next witness says: the head of every branch that still has what was witnessed of it.
fn seen(survey: &Survey) -> Result<(Witness, Vec<Reason>), Vec<Reason>> {
    let Some(policy) = survey.chain.in_force() else {
        let all = survey.obstacles.iter().chain(&survey.chain.reasons).cloned().collect();
        return Err(all);
    };
    // An entry behind a ledger that was rewound would make the shorter one the ledger.
    let unfit = |r: &&Reason| matches!(r.code, ReasonCode::LedgerUnreachable | ReasonCode::LedgerFork);
    let unfit: Vec<Reason> = survey.obstacles.iter().filter(unfit).cloned().collect();
    if !unfit.is_empty() {
        return Err(unfit);
    }
    let mut refused = survey.obstacles.clone();
    refused.extend(survey.ledger.check_heads(&survey.branches));
    refused.sort();
    refused.dedup();
    let is_rewritten = |name: &str| refused.iter().any(|r| r.message.contains(&format!("`{name}`")));
    let evidence = survey.branches.values().filter(|b| b.name != LEDGER_BRANCH && !is_rewritten(&b.name));
    let heads = evidence.filter_map(|b| Some((b.name.clone(), b.head()?.to_owned()))).collect();
    let previous = survey.ledger.entries.last().map(|e| e.digest);
    let empty = Witness { previous, at: survey.now, policy: policy.version, heads: Vec::new() };
    let (said, left_out) = naming(empty, heads, survey);
    refused.extend(left_out);
    Ok((said, refused))
}

/// The last witness and its commit, where it says all that this one would, and is not old.
fn standing<'s>(survey: &'s Survey, said: &Witness) -> Option<(&'s String, &'s Witness)> {
    let mut entries = survey.ledger.entries.iter().rev();
    let (commit, last) = entries.find_map(|entry| match &entry.said {
        LedgerEntry::Witness(witness) => Some((&entry.commit, witness)),
        _ => None,
    })?;
    let seen = seen_before(survey);
    let is_same = said.heads.iter().all(|(name, head)| seen.get(name.as_str()) == Some(&head.as_str()));
    (is_same && last.policy == said.policy && said.at.0 < last.at.0.saturating_add(STANDS)).then_some((commit, last))
}

/// Where a witness saw every branch last.
fn seen_before(survey: &Survey) -> BTreeMap<&str, &str> {
    survey.ledger.witnesses().flat_map(|w| &w.heads).map(|(name, head)| (name.as_str(), head.as_str())).collect()
}

/// The witness with the heads that it names: of every branch that has moved since a witness named it, and of changes that are not
/// closed, as many as an entry holds. A branch that no later witness names is where it was. What did not fit and has moved is told:
/// the next witness names it.
fn naming(mut said: Witness, heads: Vec<(String, String)>, survey: &Survey) -> (Witness, Option<Reason>) {
    let seen = seen_before(survey);
    let has_moved = |(name, head): &(String, String)| seen.get(name.as_str()) != Some(&head.as_str());
    let is_closed = |name: &str| name.strip_prefix(CHANGES).is_some_and(|id| survey.log.is_closed(id));
    let (moved, still): (Vec<_>, Vec<_>) = heads.into_iter().partition(has_moved);
    let count = moved.len();
    let wanted = moved.into_iter().chain(still.into_iter().filter(|(name, _)| !is_closed(name)));
    let mut room = MAX_TEXT.saturating_sub(LedgerEntry::Witness(said.clone()).text().len());
    let fits = |(name, head): &(String, String)| {
        let line = format!("head: {name} {head}\n").len();
        let fits = line <= room;
        room = room.saturating_sub(line);
        fits
    };
    said.heads = wanted.take_while(fits).collect();
    let missing = count.saturating_sub(said.heads.len());
    said.heads.sort();
    let reason = || {
        let message = format!("{missing} branches have moved that do not fit into one witness any more");
        Reason::new(ReasonCode::LimitExceeded, message, "witness again: `fwgate ledger witness`")
    };
    (said, (missing > 0).then(reason))
}

fn unwritten(message: &str) -> Reason {
    Reason::new(ReasonCode::EvidenceUnavailable, message, "try again")
}

fn told(written: &Witnessed, begins: Begins) -> String {
    let Witness { at, policy, heads, .. } = &written.said;
    let what = match (begins, heads.len()) {
        _ if !written.is_new => "nothing has moved since the witness".to_owned(),
        (Begins::WhereNone, 0) => "the ledger and the log begin".to_owned(),
        (_, 1) => "witnessed 1 branch".to_owned(),
        (_, n) => format!("witnessed {n} branches"),
    };
    let commit = written.commit.short();
    let mut out = format!("{what} at {at}, version {policy} of the policy in force ({commit})\n");
    out += &listed(&written.refused);
    out
}

/// Reasons, each once and with what mends it. Where there is no root, whatever the policy and the ledger lack follows from that.
pub fn listed(reasons: &[Reason]) -> String {
    let is_rootless = reasons.iter().any(|r| r.code == ReasonCode::RootMissing);
    let follows = |r: &Reason| is_rootless && [ReasonCode::PolicyMissing, ReasonCode::LedgerFork].contains(&r.code);
    let mut lines: Vec<String> = Vec::new();
    for reason in reasons.iter().filter(|r| !follows(r)) {
        let (message, fix) = (visible(&reason.message), visible(&reason.fix));
        let line = format!("- {}: {message}\n  = help: {fix}\n", reason.code);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.concat()
}
