//! Colours. They repeat what signs and words say, and are absent where nobody could see them.

use super::Sign;
use crate::finding::Severity;
use crate::report::Colour;

/// Writes text in colours, or plainly.
#[derive(Clone, Copy, Debug)]
pub struct Paint(pub Colour);

impl Paint {
    /// What matters most in its line.
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What is there for completeness.
    pub fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    /// A sign and the words that it belongs to.
    pub fn signed(self, sign: Sign, text: &str) -> String {
        let code = match sign {
            Sign::Opened => "1;32",
            Sign::Closed => "1;31",
            Sign::Altered => "1;33",
            Sign::Equal => "1",
        };
        self.with(code, &format!("{} {text}", sign.mark()))
    }

    /// A verdict.
    pub fn verdict(self, refused: bool, text: &str) -> String {
        self.with(if refused { "1;31" } else { "1;32" }, text)
    }

    /// A severity and what belongs to it.
    pub fn severity(self, severity: Severity, text: &str) -> String {
        let code = match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Note => "1;36",
        };
        self.with(code, text)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self.0 {
            Colour::Always => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Colour::Never => text.to_owned(),
        }
    }
}
