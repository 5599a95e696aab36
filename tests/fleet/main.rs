//! Pushes to a fleet of network namespaces: real rulesets of nft, real packets, the shipped transports, and a fault at every
//! step; what `fwgate fleet status` and `fwgate drift` say afterwards.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
#[path = "../attacks/evidence.rs"]
mod evidence;
#[allow(dead_code, unused_imports)]
#[path = "../gate/scene/mod.rs"]
mod scene;
#[allow(dead_code, unused_imports)]
#[path = "../attacks/stage.rs"]
mod stage;
#[allow(dead_code)]
#[path = "../attacks/verdict.rs"]
mod verdict;

mod ansible;
mod device;
mod drift;
mod faults;
mod kills;
mod nets;
mod snippets;
mod ssh;
mod status;
mod waves;
mod world;
