//! Checks: data in, findings out. One file a check.

mod lint;

pub use lint::{Lint, lint};
