//! What the binary answered, and what a test expects of it.

use std::path::Path;
use std::process::Output;

/// What the binary answered.
#[derive(Debug)]
pub struct Verdict {
    pub exit: Option<i32>,
    /// The document on standard output; `Null` where there is none.
    pub document: serde_json::Value,
    /// Standard output as it is.
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// The permit file.
    pub permit: Option<String>,
}

impl Verdict {
    pub(super) fn of(output: Output, out: &Path) -> Verdict {
        Verdict {
            exit: output.status.code(),
            document: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            permit: std::fs::read_to_string(out).ok(),
        }
    }

    /// The codes of the reasons.
    pub fn codes(&self) -> Vec<&str> {
        let reasons = self.document["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
        reasons.iter().filter_map(|r| r["code"].as_str()).collect()
    }

    /// The details of the reasons.
    pub fn details(&self) -> Vec<&str> {
        let reasons = self.document["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
        reasons.iter().filter_map(|r| r["detail"].as_str()).collect()
    }

    /// The notes.
    pub fn notes(&self) -> String {
        let notes = self.document["notes"].as_array().map(Vec::as_slice).unwrap_or_default();
        notes.iter().filter_map(|n| n.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The document without what the second at which it was asked for decides: the permit, and the end of an endless window.
    pub fn settled(&self) -> serde_json::Value {
        let mut document = self.document.clone();
        document["permit"] = serde_json::Value::Null;
        document["window"] = serde_json::Value::Null;
        document
    }

    /// A permit was given.
    #[track_caller]
    pub fn granted(self) -> Verdict {
        assert_eq!((self.exit, self.document["decision"].as_str()), (Some(0), Some("granted")), "{self}");
        assert!(self.permit.as_ref().is_some_and(|p| p.starts_with("fwgate-permit/")), "{self}");
        self
    }

    /// Refused, with this code among the reasons.
    #[track_caller]
    pub fn denied(self, code: &str) -> Verdict {
        self.refused(1, code)
    }

    /// Refused with these codes and no other.
    #[track_caller]
    pub fn denied_only(self, codes: &[&str]) -> Verdict {
        let verdict = self.refused(1, codes[0]);
        let sorted = |codes: &[&str]| codes.iter().map(|c| (*c).to_owned()).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(sorted(&verdict.codes()), sorted(codes), "{verdict}");
        verdict
    }

    /// No verdict, with this code among the reasons.
    #[track_caller]
    pub fn no_verdict(self, code: &str) -> Verdict {
        self.refused(2, code)
    }

    #[track_caller]
    fn refused(self, exit: i32, code: &str) -> Verdict {
        assert_eq!((self.exit, self.document["decision"].as_str()), (Some(exit), Some("denied")), "{self}");
        assert!(self.codes().contains(&code), "{code} is not among the reasons: {self}");
        assert_eq!(self.permit, None, "a permit was written: {self}");
        assert_eq!(self.document["schema"], "fwgate.permit/1", "{self}");
        self
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let document = serde_json::to_string_pretty(&self.document).unwrap_or_default();
        write!(f, "exit {:?}\n{document}\n{}", self.exit, self.stderr)
    }
}
