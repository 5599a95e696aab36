//! fwgate: the gate in front of a firewall push.

pub mod check;
pub mod dialect;
pub mod diff;
pub mod finding;
pub mod packet;
pub mod policy;
pub mod report;
pub mod ruleset;
