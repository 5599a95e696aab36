//! `fwgate check`: the verdict about a change.

use super::estate::Estates;
use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::input::{CheckArguments, Judged, PolicyInput, PolicySource, Reader, Surroundings};
use super::lint::FailOn;
use super::rulesets::{Ready, is_ruleset, parse_dialect, policy_files, read_sides};
use super::screen::Screen;
use crate::check::{CheckInput, CheckReport, run as judge};
use crate::diff::{Bounds, DevicePair};
use crate::fleet::tree::TreeFile;
use crate::fleet::{EvidenceDigest, same_evidence};
use crate::policy::{ChangeRequest, Date, Policy, PolicyFiles, read_change, read_policy};
use crate::report::{
    CheckDocument, CheckFrame, DiffView, FilterView, PolicyOrigin, check_human, is_refused, json_text,
};
use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::time::{SystemTime, UNIX_EPOCH};

/// The arguments of `fwgate check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Inside a git repository everything has a default: the policy is that of the protected branch; at a terminal the \
                  working tree is judged against the merge base, in CI (CI=true) or with --merged the merge of HEAD onto the protected branch against \
                  its tip.\n\nExamples:\n  fwgate check\n  fwgate check --merged --format json\n  \
                  fwgate check --baseline old/ --proposed new/ --policy fwgate.toml\n  fwgate check --change changes/CHG-2042.toml"
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
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Refuse where a finding weighs at least this
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    pub fail_on: FailOn,
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

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// One document, `fwgate.check/1`
    Json,
}

/// Judges the change.
///
/// # Errors
/// Input that cannot be read or is not understood; a bound that keeps the change from being judged as a whole.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let surroundings = Surroundings::of_process()?;
    let reader = Reader::new(&surroundings, &is_ruleset).with_devices(&arguments.devices)?;
    let mut judged = reader.judged(&CheckArguments {
        baseline: arguments.baseline.as_deref(),
        proposed: arguments.proposed.as_deref(),
        policy: arguments.policy.as_deref(),
        policy_ref: arguments.policy_ref.as_deref(),
        merged: arguments.merged,
    })?;
    let change_file = arguments.change.as_ref().map(|given| reader.named_file(given)).transpose()?;
    let frame = frame(arguments, &judged, change_file.as_ref());
    if frame.is_unchanged {
        return unchanged(arguments, &judged, &frame, screen);
    }
    let policy = read_the_policy(&judged.policy)?;
    let change = change_file.as_ref().map(|file| read_the_change(file, &policy)).transpose()?;
    let estates = Estates::read(&policy, &mut judged.baseline.tree, &mut judged.proposed.tree)?;
    let ready = read_sides(&judged.baseline.tree, &judged.proposed.tree, arguments.dialect.as_deref())?;
    let now = now();
    let regions = usize::try_from(arguments.max_regions).unwrap_or(usize::MAX);
    let report = judge(&CheckInput {
        baseline: &ready.baseline,
        proposed: &ready.proposed,
        policy: &policy,
        change: change.as_ref(),
        estate: estates.at(i64::try_from(now).unwrap_or(i64::MAX)),
        bounds: Bounds { regions, ..Bounds::default() },
        today: Date::of_unix_seconds(now),
    })?;
    if !report.complete {
        return Err(Failure::new("no verdict: a bound was reached, so not every packet was judged")
            .help("`--max-regions` raises the bound; smaller changes need less"));
    }
    tell(arguments, &report, &frame, &ready, screen)
}

/// Both sides hold the same evidence: nothing is judged, but everything must be readable.
fn unchanged(arguments: &Arguments, judged: &Judged, frame: &CheckFrame, screen: &Screen) -> Result<Exit, Failure> {
    if let Err(failure) = read_the_policy(&judged.policy) {
        screen.aside("warning: the policy cannot be read; the next firewall change will be refused\n");
        screen.fail(&failure);
    }
    let ready = read_sides(&judged.proposed.tree, &judged.proposed.tree, arguments.dialect.as_deref())?;
    let rules = ready.proposed.iter().map(|d| d.ruleset.rule_count()).sum();
    let report = CheckReport { devices: ready.proposed.len(), rules, complete: true, ..CheckReport::default() };
    tell(arguments, &report, frame, &ready, screen)
}

fn tell(
    arguments: &Arguments,
    report: &CheckReport,
    frame: &CheckFrame,
    ready: &Ready,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let text = match arguments.format {
        Format::Json => json_text(&CheckDocument::of(report, frame))?,
        Format::Human => {
            let most_regions = if arguments.all_regions { usize::MAX } else { DiffView::REGIONS };
            check_human(report, frame, &effects(report, ready), most_regions, screen.colour)
        }
    };
    screen.answer(&text)?;
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
    digest.files("policy", judged.policy.files.iter().map(|f| (f.path.as_str(), f.bytes.as_slice())));
    digest.files("change", change.iter().map(|f| (f.path.as_str(), f.bytes.as_slice())));
    CheckFrame {
        baseline: judged.baseline.words.clone(),
        proposed: judged.proposed.words.clone(),
        policy,
        digest: digest.finish(),
        fail_on: arguments.fail_on.severity(),
        is_unchanged: change.is_none() && same_evidence(&judged.baseline.tree, &judged.proposed.tree),
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

/// Seconds since 1970: the one reading of the clock of a run.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
