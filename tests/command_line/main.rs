//! The command line as its users see it: whole outputs, both streams and the exit code, in a scrubbed environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod astray;
mod bad_input;
mod beginning;
mod book;
mod bundle;
mod check;
mod convert;
mod determinism;
mod did_you_mean;
mod diff;
mod doctor;
mod estate;
mod excuses;
mod explain;
mod first_minutes;
#[cfg(unix)]
mod forge;
#[cfg(target_os = "linux")]
mod forge_gate;
mod formats;
mod hostile_text;
mod lint;
mod pages;
mod policy;
mod query;
mod quiet;
mod regions;
mod scene;
mod schemas;
#[cfg(unix)]
mod terminal;
mod trace;
