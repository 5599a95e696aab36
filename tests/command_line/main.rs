//! The command line as its users see it: whole outputs, both streams and the exit code, in a scrubbed environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_input;
mod beginning;
mod book;
mod bundle;
mod check;
mod convert;
mod determinism;
mod diff;
mod doctor;
mod estate;
mod excuses;
mod explain;
mod first_minutes;
#[cfg(unix)]
mod forge;
mod formats;
mod hostile_text;
mod lint;
mod pages;
mod policy;
mod query;
mod regions;
mod scene;
mod schemas;
mod trace;
