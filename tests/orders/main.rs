//! Orders of real commands on real repositories, against a plain model of what must hold: a bare server, clones, throw-away keys, the
//! built binary, and devices that are folders.
//!
//! `FWGATE_ORDERS` says how many histories of each kind are tried, `FWGATE_ORDERS_SEED` from which seed on. A failure prints its seed
//! and its history as commands.
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

mod config;
mod history;
mod model;
mod ways;
mod world;
