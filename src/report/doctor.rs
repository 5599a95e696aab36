//! What `fwgate doctor` found, for people and for machines.

use super::{Colour, visible};
use serde::Serialize;
use std::fmt::Write;

/// The name of the document's form.
pub const DOCTOR_SCHEMA: &str = "fwgate.doctor/1";

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Well,
    /// Worth knowing; something that not everybody needs.
    Note,
    /// Missing or wrong.
    Lacks,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// What was looked at: words joined by `-`.
    pub id: &'static str,
    /// How it stands.
    pub state: Health,
    /// That, in one sentence.
    pub says: String,
    /// The command or the setting that mends it; null where nothing is to be mended.
    pub mend: Option<String>,
}

/// What `fwgate doctor --format json` prints.
#[derive(Debug, Serialize)]
pub struct DoctorDocument {
    schema: &'static str,
    /// How many things lack.
    pub lacks: usize,
    checks: Vec<Diagnosis>,
}

impl DoctorDocument {
    /// The document of everything that was looked at, in order.
    pub fn of(checks: Vec<Diagnosis>) -> DoctorDocument {
        let lacks = checks.iter().filter(|c| c.state == Health::Lacks).count();
        DoctorDocument { schema: DOCTOR_SCHEMA, lacks, checks }
    }
}

/// The answer first; then a line for each thing, with a sign, and what mends it.
pub fn doctor_human(document: &DoctorDocument, colour: Colour) -> String {
    let mut out = match document.lacks {
        0 => "nothing lacks\n\n".to_owned(),
        1 => "1 thing lacks\n\n".to_owned(),
        count => format!("{count} things lack\n\n"),
    };
    for check in &document.checks {
        let (sign, paint) = match check.state {
            Health::Well => ("+", "\u{1b}[32m"),
            Health::Note => ("~", "\u{1b}[33m"),
            Health::Lacks => ("-", "\u{1b}[31m"),
        };
        let sign = match colour {
            Colour::Always => format!("{paint}{sign}\u{1b}[0m"),
            Colour::Never => sign.to_owned(),
        };
        let _ = writeln!(out, "{sign} {}", visible(&check.says));
        if let Some(mend) = &check.mend {
            let _ = writeln!(out, "    {}", visible(mend));
        }
    }
    out
}
