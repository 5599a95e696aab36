//! What a decision about one change is computed from, once commits have been believed and trees analysed.

use crate::policy::Environment;

/// A device that a change touches, with the facts that the protected branch gives about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Its name.
    pub device: String,
    /// Its role and the roles that it is composed from.
    pub roles: Vec<String>,
    /// What it is there for.
    pub environment: Environment,
}
