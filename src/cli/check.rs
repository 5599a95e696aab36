//! `fwgate check`: the verdict about a change.

mod next;
mod remind;

use super::estate::Estates;
use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::input::{CheckArguments, Judged, PolicyInput, PolicySource, Reader, Surroundings};
use super::lint::FailOn;
use super::output::{check_writable, write_atomically};
use super::progress::Progress;
use super::reporting::ReportArguments;
use super::rulesets::{Ready, is_ruleset, parse_dialect, policy_files, read_sides};
use super::screen::Screen;
use crate::check::{CheckInput, CheckReport, excuse_known, run as judge};
use crate::diff::{Bounds, DevicePair};
use crate::fleet::tree::TreeFile;
use crate::fleet::{EvidenceDigest, same_evidence};
use crate::policy::{ChangeRequest, Date, KnownFindings, Policy, PolicyFiles, read_change, read_known, read_policy};
use crate::report::{
    CheckFrame, CheckView, DiffView, FilterView, KnownDocument, PolicyOrigin, check_markdown, is_refused, json_text,
    visible,
};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// The arguments of `fwgate check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Inside a git repository everything has a default: the policy is that of the protected branch; at a terminal the \
                  working tree is judged against the merge base, in CI (CI=true) or with --merged the merge of HEAD onto the protected branch against \
                  its tip.\n\nExamples:\n  fwgate check\n  fwgate check --merged --format json\n  \
                  fwgate check --baseline old/ --proposed new/ --policy fwgate.toml\n  fwgate check --change changes/CHG-2042.toml\n  \
                  fwgate check --report sarif=out.sarif --report html=out.html\n  fwgate check --known rev:origin/main:known.json"
)]
pub struct Arguments {
    /// What is in force: a folder or a revision; `merge-base` for the author's part of the change
    #[arg(long, value_name = "DIR|REV")]
    pub baseline: Option<OsString>,
    /// What is proposed: a folder or a revision
    #[arg(long, value_name = "DIR|REV")]
    pub proposed: Option<OsString>,
    /// What must hold, instead of the protected branch's policy; no permit rests on it
    #[arg(long, value_name = "FILE|DIR")]
    pub policy: Option<OsString>,
    /// The protected branch
    #[arg(long, value_name = "REF")]
    pub policy_ref: Option<String>,
    /// What the change is declared to do
    #[arg(long, value_name = "FILE")]
    pub change: Option<OsString>,
    /// Judge the merge of HEAD onto the protected branch, as CI does
    #[arg(long)]
    pub merged: bool,
    /// The formats
    #[command(flatten)]
    pub reporting: ReportArguments,
    /// The root of trust, from outside of the repository (or the variable FWGATE_ROOT): where the change of a merge is announced,
    /// what it may do next is said beside the verdict
    #[arg(long, value_name = "FILE")]
    pub root: Option<OsString>,
    /// Refuse where a finding weighs at least this
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    pub fail_on: FailOn,
    /// Findings that this file lists are told and do not fail; no permit rests on it
    #[arg(long, value_name = "FILE")]
    pub known: Option<OsString>,
    /// Write what is found to a file for `--known`, but what nothing excuses
    #[arg(long, value_name = "FILE")]
    pub write_known: Option<PathBuf>,
    /// Most regions of one filter; beyond it there is no verdict
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_regions: u64,
    /// Show every region of a change, not only the first few
    #[arg(long)]
    pub all_regions: bool,
    /// Read the files as this dialect, where `device.toml` does not say
    #[arg(long, value_name = "NAME", value_parser = parse_dialect)]
    pub dialect: Option<String>,
    /// The folder of the devices in a repository
    #[arg(long, value_name = "PATH", default_value = "devices")]
    pub devices: String,
}

/// Judges the change.
///
/// # Errors
/// Input that cannot be read or is not understood; a bound that keeps the change from being judged as a whole.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    arguments.reporting.outlets().probe()?;
    arguments.write_known.iter().try_for_each(|path| check_writable(path))?;
    let surroundings = Surroundings::of_process()?;
    let reader = Reader::new(&surroundings, &is_ruleset).with_devices(&arguments.devices)?;
    let progress = Progress::begin("reading", screen);
    let mut judged = reader.judged(&CheckArguments {
        baseline: arguments.baseline.as_deref(),
        proposed: arguments.proposed.as_deref(),
        policy: arguments.policy.as_deref(),
        policy_ref: arguments.policy_ref.as_deref(),
        merged: arguments.merged,
    })?;
    let change_file = arguments.change.as_ref().map(|given| reader.named_file(given)).transpose()?;
    let known = arguments.known.as_ref().map(|given| read_the_known(&reader.named_file(given)?)).transpose()?;
    let mut frame = frame(arguments, &judged, change_file.as_ref());
    frame.next = next::next_steps(arguments, &surroundings, &judged);
    remind::remind(arguments, &surroundings, (&reader, &judged, &frame), screen);
    if frame.is_unchanged {
        drop(progress);
        return unchanged(arguments, &judged, &frame, screen);
    }
    let policy = read_the_policy(&judged.policy)?;
    let change = change_file.as_ref().map(|file| read_the_change(file, &policy)).transpose()?;
    let estates = Estates::read(&policy, &mut judged.baseline.tree, &mut judged.proposed.tree)?;
    let ready = read_sides(&judged.baseline.tree, &judged.proposed.tree, arguments.dialect.as_deref())?;
    progress.now("judging");
    let now = now();
    let regions = usize::try_from(arguments.max_regions).unwrap_or(usize::MAX);
    let mut report = judge(&CheckInput {
        baseline: &ready.baseline,
        proposed: &ready.proposed,
        policy: &policy,
        change: change.as_ref(),
        estate: estates.at(i64::try_from(now).unwrap_or(i64::MAX)),
        bounds: Bounds { regions, ..Bounds::default() },
        today: Date::of_unix_seconds(now),
    })?;
    drop(progress);
    if !report.complete {
        return Err(Failure::new("no verdict: a bound was reached, so not every packet was judged")
            .help("`--max-regions` raises the bound; smaller changes need less"));
    }
    write_known(arguments, &report, screen)?;
    known.iter().for_each(|known| excuse_known(&mut report, known, &policy));
    tell(arguments, &Told { report: &report, frame: &frame, policy: &policy, ready: &ready }, screen)
}

/// Writes down what is found, where that was asked for.
fn write_known(arguments: &Arguments, report: &CheckReport, screen: &Screen) -> Result<(), Failure> {
    let Some(path) = &arguments.write_known else { return Ok(()) };
    let document = KnownDocument::of(&report.findings);
    write_atomically(path, json_text(&document)?.as_bytes())?;
    let never = report.findings.iter().filter(|f| !f.code.is_excusable()).count();
    let left = if never > 0 { format!(", {never} left out, which nothing excuses") } else { String::new() };
    screen.hint(&format!("written to `{}`: {} known{left}\n", visible(&path.to_string_lossy()), document.len()));
    Ok(())
}

/// Both sides hold the same evidence: nothing is judged, but everything must be readable. (What is to be written down is
/// judged all the same.)
fn unchanged(arguments: &Arguments, judged: &Judged, frame: &CheckFrame, screen: &Screen) -> Result<Exit, Failure> {
    if let Err(failure) = read_the_policy(&judged.policy) {
        screen.aside("warning: the policy cannot be read; the next firewall change will be refused\n");
        screen.fail(&failure);
    }
    let ready = read_sides(&judged.proposed.tree, &judged.proposed.tree, arguments.dialect.as_deref())?;
    let rules = ready.proposed.iter().map(|d| d.ruleset.rule_count()).sum();
    let report = CheckReport { devices: ready.proposed.len(), rules, complete: true, ..CheckReport::default() };
    tell(arguments, &Told { report: &report, frame, policy: &Policy::default(), ready: &ready }, screen)
}

/// What reports are made of.
struct Told<'a> {
    report: &'a CheckReport,
    frame: &'a CheckFrame,
    policy: &'a Policy,
    ready: &'a Ready,
}

fn tell(arguments: &Arguments, told: &Told<'_>, screen: &Screen) -> Result<Exit, Failure> {
    let Told { report, frame, policy, ready } = *told;
    let (effects, pairs) = (effects(report, ready), ready.pairs());
    let most_regions = if arguments.all_regions { usize::MAX } else { DiffView::REGIONS };
    let view =
        CheckView { report, frame, effects: &effects, pairs: &pairs, policy, most_regions, colour: screen.colour };
    arguments.reporting.outlets().summarise(|limit| check_markdown(&view, limit))?;
    arguments.reporting.outlets().write(screen, |format, colour| (format.check)(&CheckView { colour, ..view }))?;
    Ok(if is_refused(report, frame) { REFUSED } else { PASSED })
}

/// The filters on which the change has an effect, with the rulesets that their rules are quoted from.
fn effects<'a>(report: &'a CheckReport, ready: &'a Ready) -> Vec<FilterView<'a>> {
    let view = |effect: &'a crate::check::FilterEffect| FilterView {
        pair: DevicePair {
            name: &effect.device,
            old: Ready::ruleset(&ready.baseline, &effect.device),
            new: Ready::ruleset(&ready.proposed, &effect.device),
        },
        hook: effect.hook,
        family: effect.family,
        name: &effect.filter,
        diff: &effect.diff,
    };
    report.effects.iter().map(view).collect()
}

fn frame(arguments: &Arguments, judged: &Judged, change: Option<&TreeFile>) -> CheckFrame {
    let given = arguments.policy.as_ref().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
    let policy = match &judged.policy.source {
        PolicySource::Protected(revision) => {
            PolicyOrigin::Protected { branch: revision.name.clone(), is_empty: judged.policy.files.is_empty() }
        }
        PolicySource::Unprotected => PolicyOrigin::Unprotected(given),
        PolicySource::Absent => PolicyOrigin::Absent,
    };
    let mut digest = EvidenceDigest::default();
    digest.tree("baseline", &judged.baseline.tree);
    digest.tree("proposed", &judged.proposed.tree);
    digest.files("policy", judged.policy.files.iter().map(|f| (f.path.as_str(), &*f.bytes)));
    digest.files("change", change.iter().map(|f| (f.path.as_str(), &*f.bytes)));
    CheckFrame {
        baseline: judged.baseline.words.clone(),
        proposed: judged.proposed.words.clone(),
        policy,
        digest: digest.finish(),
        fail_on: arguments.fail_on.severity(),
        known: arguments.known.as_ref().map(|k| k.to_string_lossy().into_owned()),
        next: Vec::new(),
        is_unchanged: change.is_none()
            && arguments.write_known.is_none()
            && same_evidence(&judged.baseline.tree, &judged.proposed.tree),
    }
}

/// The policy that counts; one that is nowhere demands nothing.
pub(super) fn read_the_policy(input: &PolicyInput) -> Result<Policy, Failure> {
    let files = policy_files(&input.files)?;
    let files = match input.source {
        PolicySource::Protected(_) => PolicyFiles::of_repository(files.main),
        PolicySource::Unprotected => files,
        PolicySource::Absent => return Ok(Policy::default()),
    };
    if files.main.is_empty() && input.source != PolicySource::Unprotected {
        return Ok(Policy::default());
    }
    Ok(read_policy(&files)?)
}

fn read_the_change(file: &TreeFile, policy: &Policy) -> Result<ChangeRequest, Failure> {
    match std::str::from_utf8(&file.bytes) {
        Ok(text) => Ok(read_change(&file.path, text, &policy.names)?),
        Err(_) => Err(Failure::new(format!("`{}` is not UTF-8", file.path))),
    }
}

fn read_the_known(file: &TreeFile) -> Result<KnownFindings, Failure> {
    match std::str::from_utf8(&file.bytes) {
        Ok(text) => Ok(read_known(&file.path, text)?),
        Err(_) => Err(Failure::new(format!("`{}` is not UTF-8", file.path))),
    }
}

/// Seconds since 1970: the one reading of the clock of a run.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
