//! fwgate: the gate in front of a firewall push.

pub mod check;
pub mod cli;
pub mod dialect;
pub mod diff;
pub mod document;
pub mod finding;
pub mod fleet;
pub mod gate;
pub mod inventory;
pub mod packet;
pub mod policy;
pub mod query;
pub mod report;
pub mod ruleset;
pub mod vcs;
