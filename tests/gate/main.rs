//! The gate on real repositories with real keys: what is believed, and what is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod branches;
mod commits;
mod grammar;
mod ledger;
mod ranges;
mod remote;
#[allow(dead_code, unused_imports)]
mod scene;
mod signatures;
mod signing;
