//! `fwgate change new`: the author announces what HEAD proposes. Where there is no change file yet, one is written to begin
//! with; announcing needs it committed, because the announcement pins commits.

use super::pen::{Pen, SigningArguments};
use super::uncommitted::Uncommitted;
use crate::cli::exit::{Exit, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::failure::system_words;
use crate::cli::gate::{Drafted, GateArguments, Session, now};
use crate::cli::input::InputError;
use crate::cli::output::write_new;
use crate::cli::screen::Screen;
use crate::fleet::{Naming, check_device_name};
use crate::gate::{Change, Digest, Reason, ReasonCode, Record, policy_digest, sha256};
use crate::policy::canonical_change;
use crate::report::{Colour, finding_human, reasons_human};
use crate::vcs::{CommitId, EvidenceSource};
use clap::Args;
use std::collections::BTreeSet;
use std::path::Path;

/// The arguments of `fwgate change new`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fwgate change new CHG-2042 --title 'Open HTTPS to the new web tier'   writes changes/CHG-2042.toml to begin with\n  \
                  git commit -a && git push && fwgate change new CHG-2042               announces what HEAD proposes"
)]
pub struct Arguments {
    /// The change and the root.
    #[command(flatten)]
    pub gate: GateArguments,
    /// The key.
    #[command(flatten)]
    pub signing: SigningArguments,
    /// The title of a change file that is written to begin with
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Announce it although the checks refuse it: no permit comes of it as it is
    #[arg(long)]
    pub anyway: bool,
}

/// Announces HEAD as a change, or writes the file to begin with.
///
/// # Errors
/// No repository, no root, no common history; a change that cannot be judged; nothing that can be signed or reached.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(&arguments.gate)?;
    let id = arguments.gate.change.as_str();
    let file = session.repository.root().join(format!("changes/{id}.toml"));
    let uncommitted = Uncommitted::of_head(&session, id);
    if !file.exists() && !file.with_extension("json").exists() {
        let devices = touched(&session, &uncommitted, &arguments.gate.root.devices);
        return begin(&file, id, arguments.title.as_deref(), (&devices, &uncommitted), screen);
    }
    session.refresh()?;
    let range = Range::of_head(&session)?;
    let now = now();
    let drafted = session.draft(id, range.base, range.head, now);
    let record = match record_of(id, &session, &drafted, &range) {
        Some(record) => record,
        None => return Err(undecidable(id, &drafted, &uncommitted)),
    };
    let refused = drafted.analysis.as_ref().is_some_and(|a| a.is_refused) || !drafted.obstacles.is_empty();
    if refused && !arguments.anyway {
        screen.answer(&told(id, &drafted, &uncommitted, screen.colour))?;
        return Ok(REFUSED);
    }
    let written = Pen::of_user(&session, &arguments.signing)?.append(id, &Record::Change(record.clone()), now)?;
    let short = range.head.short();
    if !uncommitted.is_empty() {
        screen.aside(&format!("note: {}: {LEFT_OUT}\n", uncommitted.words()));
    }
    screen.answer(&format!(
        "announced {id}: {}\n  pinned: {} to {short}\n  signed and pushed: {}\n",
        record.says,
        range.base.short(),
        written.digest
    ))?;
    if !session.remote_has(range.head) {
        screen.aside(&format!("the remote has no {short} yet: push your branch, or nobody else can look at it\n"));
    }
    screen.hint(&format!("next: `fwgate change show {id}`\n"));
    Ok(PASSED)
}

/// What is announced: from the merge base to HEAD.
struct Range {
    base: CommitId,
    head: CommitId,
}

impl Range {
    fn of_head(session: &Session) -> Result<Range, Failure> {
        let failed = |e: crate::vcs::VcsError| Failure::Input(InputError::from(e));
        let repo = &session.repository;
        let name = session.root.as_ref().map(|r| r.protected.clone()).unwrap_or_default();
        let tip = repo.remote_branch(&EvidenceSource::Fetched, &name).map_err(failed)?;
        let tip =
            tip.ok_or_else(|| Failure::new(format!("the remote has no branch `{name}`")).help("push it first"))?;
        let head = repo.head().map_err(failed)?.commit;
        Ok(Range { base: repo.merge_base(tip, head).map_err(failed)?, head })
    }
}

fn record_of(id: &str, session: &Session, drafted: &Drafted, range: &Range) -> Option<Change> {
    let trees = drafted.trees.as_ref()?;
    let text = String::from_utf8_lossy(&trees.request.bytes).into_owned();
    let canonical = canonical_change(&trees.request.path, &text).ok()?;
    let of_policy = || {
        let version = session.repository.policy_at(range.head).ok()?;
        let digest = policy_digest(&version);
        Some((digest, digest, Vec::new(), "changes the policy".to_owned()))
    };
    let (content, meaning, devices, says) = match &drafted.analysis {
        Some(a) => (a.content, a.meaning, a.devices.iter().map(|(d, _)| d.clone()).collect(), a.says.clone()),
        None if drafted.is_of_policy => of_policy()?,
        None => return None,
    };
    Some(Change {
        change: id.to_owned(),
        file: file_digest(&canonical),
        base: range.base.to_string(),
        head: range.head.to_string(),
        content,
        meaning,
        devices,
        contributors: drafted.contributors.clone(),
        says,
    })
}

fn file_digest(canonical: &str) -> Digest {
    sha256(canonical.as_bytes())
}

/// What files are that are changed and not committed.
const LEFT_OUT: &str = "what is announced is of commits, so these edits are no part of it";

/// How they become a part of it.
fn commit_first(id: &str) -> String {
    format!("commit them, push your branch, and `fwgate change new {id}` again")
}

fn undecidable(id: &str, drafted: &Drafted, uncommitted: &Uncommitted) -> Failure {
    let failure = |r: &Reason| Failure::new(format!("{} [{}]", r.message, r.code)).help(r.fix.clone());
    let mut failures = Vec::new();
    if !uncommitted.is_empty() {
        failures.push(Failure::new(format!("{}: {LEFT_OUT}", uncommitted.words())).help(commit_first(id)));
    }
    // That nothing was changed is not so: it was not committed.
    let is_so = |r: &&Reason| uncommitted.is_empty() || r.code != ReasonCode::EmptyChange;
    failures.extend(drafted.obstacles.iter().filter(is_so).map(failure));
    match failures.is_empty() {
        true => {
            Failure::new("the change cannot be judged: no policy is in force").help("`fwgate policy verify` says why")
        }
        false => Failure::Several(failures),
    }
}

fn told(id: &str, drafted: &Drafted, uncommitted: &Uncommitted, colour: Colour) -> String {
    let mut out = match uncommitted.is_empty() {
        true => String::new(),
        false => format!("{}: {LEFT_OUT}\n  = help: {}\n", uncommitted.words(), commit_first(id)),
    };
    out += "not announced: no permit could come of it as it is (`--anyway` announces it all the same)\n";
    out += &reasons_human(&drafted.obstacles, colour);
    for finding in drafted.analysis.iter().flat_map(|a| &a.report.findings) {
        out += &format!("\n{}", finding_human(finding, colour));
    }
    out
}

/// Writes the change file that the author fills in.
fn begin(
    file: &Path,
    id: &str,
    title: Option<&str>,
    (devices, uncommitted): (&[String], &Uncommitted),
    screen: &Screen,
) -> Result<Exit, Failure> {
    let title = title.unwrap_or("What this change is for, in one line");
    if title.contains(['"', '\\']) || title.chars().any(char::is_control) {
        return Err(Failure::new("the title must be plain words on one line").help("leave out quotes and backslashes"));
    }
    let unwritten =
        |e: std::io::Error| Failure::new(format!("`{}` cannot be written: {}", file.display(), system_words(e.kind())));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(unwritten)?;
    }
    write_new(file, template(id, title, devices).as_bytes()).map_err(|e| Failure::new(e.to_string()).help(e.help()))?;
    let first = if uncommitted.is_empty() { String::new() } else { format!("{}\n", uncommitted.words()) };
    let with = if uncommitted.is_empty() { "it with the rulesets" } else { "it with them" };
    screen.answer(&format!(
        "{first}wrote changes/{id}.toml to begin with; nothing is announced yet\n\
         next: say in it what the change will do, commit {with}, push your branch, and `fwgate change new {id}` again\n"
    ))?;
    Ok(PASSED)
}

/// The devices that differ from what the change begins with, in commits or in the working tree; all of them where none does.
fn touched(session: &Session, uncommitted: &Uncommitted, folder: &str) -> Vec<String> {
    let repo = &session.repository;
    let committed = Range::of_head(session).ok().and_then(|range| {
        let [base, head] = [range.base, range.head].map(|commit| repo.tree(commit));
        Some(base.ok()?.differing(&head.ok()?))
    });
    let committed = committed.unwrap_or_default();
    let paths = committed.iter().map(String::as_str).chain(uncommitted.paths());
    let inside = paths.filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/')?.split('/').next());
    let inside: BTreeSet<&str> = inside.collect();
    let all = device_names(&repo.root().join(folder));
    let some: Vec<String> = all.iter().filter(|name| inside.contains(name.as_str())).cloned().collect();
    if some.is_empty() { all } else { some }
}

/// The folders of the devices, as they are there now.
fn device_names(folder: &Path) -> Vec<String> {
    let names = folder.read_dir().into_iter().flatten().flatten().filter(|e| e.path().is_dir());
    let mut names: Vec<String> = names.filter_map(|e| e.file_name().into_string().ok()).collect();
    names.retain(|name| check_device_name(name, Naming::Repository).is_none());
    names.sort();
    names
}

fn template(id: &str, title: &str, devices: &[String]) -> String {
    let names: Vec<String> = devices.iter().map(|name| format!("\"{name}\"")).collect();
    let devices = if names.is_empty() { "\"edge1\"".to_owned() } else { names.join(", ") };
    format!(
        r#"id = "{id}"
title = "{title}"
class = "normal"                          # normal, standard, emergency, test, policy
reason = "why, in one line"
devices = [{devices}]

# The declared effect, once for each part of it. Everything else must stay as it was, and is refused otherwise:
# `fwgate check --change changes/{id}.toml` shows what is over and what is missing.
[[intent]]
effect = "opened"                         # opened, closed, refusal, translated
from = ["any"]
to = ["192.0.2.0/24"]
service = ["tcp/443"]
hook = "forward"                          # input, output, forward

# When you would like it; without it, the next window of the policy after the lead time.
# [window]
# start = "2026-12-01T22:00:00[America/Toronto]"
# end   = "2026-12-02T00:00:00[America/Toronto]"
"#
    )
}
