//! Property tests: the exact engine against the plain interpreter, packet by packet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod effect;
mod habits;
mod matrix;
mod meaning;
mod native;
mod nft_texts;
mod random;
mod reach;
mod sets;
mod shadow;
mod trace;
