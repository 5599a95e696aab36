//! What other programs may use: rulesets in, a verdict out.
//!
//! Pure: texts come in, and no file, clock or environment is read.

use crate::check::{CheckInput, Device, Estate, run};
use crate::dialect::{InputFile, ReadOptions};
use crate::diff::Bounds;
use crate::finding::{Finding, Severity};
use crate::policy::{Date, Policy, PolicyFiles, read_policy};
use crate::report::{Colour, render_problems};
use crate::routes::read_whole;
use crate::ruleset::Unreadable;
use std::fmt;
use std::sync::Arc;

/// The devices of one side of a change.
#[derive(Clone, Debug, Default)]
pub struct Side {
    devices: Vec<Device>,
}

impl Side {
    /// No device yet.
    pub fn new() -> Side {
        Side::default()
    }

    /// The same with a device more. `files` are its ruleset files, by name and text: filter dumps of both families, sets, routes;
    /// the dialect is told by their content.
    ///
    /// # Errors
    /// Every line that is not understood.
    pub fn with_device(mut self, name: &str, files: &[(&str, &str)]) -> Result<Side, NoVerdict> {
        let file = |(name, text): &(&str, &str)| InputFile { name: (*name).to_owned(), bytes: text.as_bytes().into() };
        let files: Vec<InputFile> = files.iter().map(file).collect();
        let (ruleset, routing) =
            read_whole(&files, &ReadOptions::default()).map_err(|unread| NoVerdict::unreadable(&unread))?;
        self.devices.push(Device::new(name, Arc::new(ruleset)).routed_by(Arc::new(routing)));
        self.devices.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(self)
    }
}

/// What must hold, whatever a change does.
#[derive(Clone, Debug)]
pub struct Judge {
    policy: Policy,
}

impl Judge {
    /// The judge of a policy in TOML, with the packs that it includes.
    ///
    /// # Errors
    /// Everything in it that is not understood.
    pub fn of_policy(text: &str) -> Result<Judge, NoVerdict> {
        let files = PolicyFiles::single("fwgate.toml", text);
        read_policy(&files).map(|policy| Judge { policy }).map_err(|e| NoVerdict::unreadable([&e]))
    }

    /// Judges a change. `now`, in seconds since 1970, decides about waivers that expire.
    ///
    /// # Errors
    /// A side without devices, two devices of one name, a bound that was reached: a caller must refuse the change.
    pub fn judge(&self, baseline: &Side, proposed: &Side, now: u64) -> Result<Verdict, NoVerdict> {
        let report = run(&CheckInput {
            baseline: &baseline.devices,
            proposed: &proposed.devices,
            policy: &self.policy,
            change: None,
            estate: Estate::default(),
            bounds: Bounds::default(),
            today: Date::of_unix_seconds(now),
        });
        let report = report.map_err(|e| NoVerdict(e.to_string()))?;
        if !report.complete {
            return Err(NoVerdict("a bound was reached, so not every packet was judged".to_owned()));
        }
        Ok(Verdict { findings: report.findings.iter().filter(|f| f.waived.is_none()).map(Said::of).collect() })
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The findings, without those that the policy waives, in the order of reports.
    pub findings: Vec<Said>,
}

impl Verdict {
    /// Whether nothing speaks against the change: no finding is an error.
    pub fn passed(&self) -> bool {
        self.findings.iter().all(|f| f.severity != "error")
    }
}

/// A finding, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// `FW101`; codes keep their meaning for ever.
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The device.
    pub device: Option<String>,
    /// The id of the requirement or prohibition.
    pub requirement: Option<String>,
    /// What is wrong, in one sentence.
    pub message: String,
}

impl Said {
    fn of(finding: &Finding) -> Said {
        let severity: Severity = finding.severity;
        Said {
            code: finding.code.id,
            severity: severity.name(),
            device: finding.device.clone(),
            requirement: finding.requirement.clone(),
            message: finding.message.clone(),
        }
    }
}

/// Why there is no verdict. A caller must treat it as a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoVerdict(String);

impl NoVerdict {
    fn unreadable<'u>(all: impl IntoIterator<Item = &'u Unreadable>) -> NoVerdict {
        let one = |unread: &Unreadable| render_problems(&unread.problems, &unread.sources, Colour::Never);
        NoVerdict(all.into_iter().map(one).collect())
    }
}

impl fmt::Display for NoVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.trim_end())
    }
}

impl std::error::Error for NoVerdict {}
