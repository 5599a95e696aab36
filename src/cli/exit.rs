//! Exit codes: the part of the machine contract that every caller sees.

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

/// Asked and answered, and nothing speaks against it.
pub const PASSED: Exit = Exit(0);
/// Refused: a finding, a denied permit, a difference that was asked about.
pub const REFUSED: Exit = Exit(1);
/// No verdict: bad usage, input that is not understood, a bound, an internal error. Callers must treat it as a
/// refusal.
pub const NO_VERDICT: Exit = Exit(2);

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> std::process::ExitCode {
        std::process::ExitCode::from(exit.0)
    }
}
