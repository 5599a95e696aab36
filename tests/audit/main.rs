//! Ledger, log and audit by the built command, on real repositories with real keys.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audits;
mod broken;
mod closing;
mod desk;
mod devices;
mod documents;
#[cfg(unix)]
mod hooks;
mod ledger;
#[allow(dead_code, unused_imports)]
#[path = "../gate/scene/mod.rs"]
mod scene;
