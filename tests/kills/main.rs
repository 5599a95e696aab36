//! The process dies, at every place between two writes and at any moment: what it leaves is the old state or the new one, no lock
//! blocks anybody, and the same command run again comes to the end that it would have had.
#![cfg(all(unix, debug_assertions))]
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
#[path = "../attacks/two_fleet.rs"]
mod two_fleet;
#[allow(dead_code)]
#[path = "../attacks/verdict.rs"]
mod verdict;

mod crashes;
mod files;
mod hanging;
mod outside;
mod points;
