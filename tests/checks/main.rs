//! The checks against real iptables text: what each finds, and what it must not find.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod concessions;
mod conversations;
mod cost;
mod estate;
mod intents;
mod inventory;
mod names;
mod order;
mod packs;
mod prohibitions;
mod ranges;
mod requirements;
mod translations;

use fwgate::check::{CheckInput, CheckReport, Device, run};
use fwgate::dialect::{InputFile, ReadOptions, read_device};
use fwgate::finding::Finding;
use fwgate::policy::*;
use fwgate::report::{Colour, render_problems};
use fwgate::ruleset::{DeviceFacts, Ruleset, Unreadable};
use std::sync::Arc;

/// The day on which every test takes place.
pub const TODAY: Date = Date { year: 2026, month: 6, day: 15 };

fn good<T>(read: Result<T, Unreadable>) -> T {
    read.unwrap_or_else(|e| panic!("{}", render_problems(&e.problems, &e.sources, Colour::Never)))
}

/// A ruleset out of one IPv4 dump.
pub fn ruleset(text: &str) -> Arc<Ruleset> {
    read(&[("rules.v4", text)], DeviceFacts::default())
}

/// A ruleset out of several files.
pub fn read(files: &[(&str, &str)], facts: DeviceFacts) -> Arc<Ruleset> {
    let file = |(name, text): &(&str, &str)| InputFile { name: (*name).into(), bytes: text.as_bytes().into() };
    let files: Vec<InputFile> = files.iter().map(file).collect();
    Arc::new(good(read_device(&files, &ReadOptions { facts, ..ReadOptions::default() })))
}

/// A dump with the filter table only: the policies of input, forward and output, and the rules.
pub fn filter(policies: [&str; 3], rules: &str) -> String {
    let [input, forward, output] = policies;
    format!("*filter\n:INPUT {input} [0:0]\n:FORWARD {forward} [0:0]\n:OUTPUT {output} [0:0]\n{rules}\nCOMMIT\n")
}

/// A dump whose FORWARD chain drops what these rules do not decide.
pub fn forward(rules: &str) -> String {
    filter(["ACCEPT", "DROP", "ACCEPT"], rules)
}

/// A policy out of the text of its entries.
pub fn policy(text: &str) -> Policy {
    good(read_policy(&PolicyFiles::single("fwgate.toml", format!("version = 1\n{text}"))))
}

/// One run, from the text of both sides on.
pub struct Case {
    baseline: Vec<Device>,
    proposed: Vec<Device>,
    policy: Policy,
    change: Option<ChangeRequest>,
}

impl Case {
    /// One device `edge1` on both sides.
    pub fn new(old: &str, new: &str) -> Case {
        let device = |text: &str| vec![Device::new("edge1", ruleset(text))];
        Case { baseline: device(old), proposed: device(new), policy: Policy::default(), change: None }
    }

    /// Any devices on both sides.
    pub fn of_devices(baseline: Vec<Device>, proposed: Vec<Device>) -> Case {
        Case { baseline, proposed, policy: Policy::default(), change: None }
    }

    /// Under a policy.
    pub fn policy(self, text: &str) -> Case {
        Case { policy: policy(text), ..self }
    }

    /// With a change request for `edge1` that has these intents.
    pub fn change(self, intents: &str) -> Case {
        self.change_on("edge1", intents)
    }

    /// With a change request for other devices.
    pub fn change_on(self, devices: &str, intents: &str) -> Case {
        let head = format!(
            "id = \"CHG-1\"\ntitle = \"t\"\nclass = \"normal\"\nreason = \"r\"\ndevices = [\"{devices}\"]\n{intents}"
        );
        let change = good(read_change("changes/CHG-1.toml", &head, &self.policy.names));
        Case { change: Some(change), ..self }
    }

    /// Everything that the run gives.
    pub fn report(&self) -> CheckReport {
        let input = CheckInput {
            baseline: &self.baseline,
            proposed: &self.proposed,
            policy: &self.policy,
            change: self.change.as_ref(),
            estate: fwgate::check::Estate::default(),
            bounds: fwgate::diff::Bounds::default(),
            today: TODAY,
        };
        run(&input).unwrap()
    }

    /// The findings of some codes.
    pub fn found(&self, codes: &[&str]) -> Vec<Finding> {
        self.report().findings.into_iter().filter(|f| codes.contains(&f.code.id)).collect()
    }

    /// The ids of all findings, in order of reports.
    pub fn ids(&self) -> Vec<&'static str> {
        self.report().findings.iter().map(|f| f.code.id).collect()
    }
}

/// What a finding says, in short: code, direction, flags or state of the witness.
pub fn brief(finding: &Finding) -> String {
    let direction = finding.direction.map_or("", |d| d.name());
    format!("{} {direction}", finding.code.id).trim_end().to_owned()
}

/// The witness as JSON.
pub fn witness(finding: &Finding) -> serde_json::Value {
    fwgate::packet::packet_to_json(finding.witness.as_ref().expect("a witness"))
}

/// The text of the rule at the finding's location.
pub fn rule(finding: &Finding) -> &str {
    &finding.location.as_ref().expect("a location").text
}
