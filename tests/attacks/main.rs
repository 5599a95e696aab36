//! The threat list as tests: each attack is staged in a repository with a bare remote, real keys and signed commits, and
//! the built binary is asked for a permit. `coverage.rs` holds the list.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
mod evidence;
#[allow(dead_code, unused_imports)]
#[path = "../gate/scene/mod.rs"]
mod scene;
#[allow(dead_code)]
mod stage;
#[allow(dead_code)]
mod verdict;

mod controls;
mod coverage;
mod histories;
mod identity;
mod invariants;
mod keys;
mod malformed;
#[cfg(feature = "openpgp")]
mod openpgp;
mod paths;
mod policies;
mod records;
mod replay;
mod rollbacks;
mod times;
mod two_estate;
mod two_fleet;
mod two_input;
mod two_memory;
mod two_names;
mod two_pairs;
mod two_push;
mod two_time;
mod two_trust;
mod two_urgent;
