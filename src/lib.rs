//! fwgate: the gate in front of a firewall push.

pub mod dialect;
pub mod diff;
pub mod packet;
pub mod ruleset;
