//! The gate on real repositories with real keys: what is believed, and what is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod commits;
mod grammar;
#[allow(dead_code)]
mod scene;
mod signatures;
