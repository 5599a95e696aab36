//! The gate's decisions, computed from evidence that is believed already.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calendar;
mod chain;
mod classes;
mod documents;
mod model;
mod properties;
mod quorum;
mod scene;
mod standing;
mod validity;
