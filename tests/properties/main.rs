//! Property tests: the exact engine against the plain interpreter, packet by packet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod effect;
mod random;
mod sets;
mod trace;
