//! What a script or listing means: the commands are applied one after the other as the kernel would, and the tables
//! that they leave become the dialect-neutral ruleset.
//!
//! `apply` and `declare` keep the state, `build` makes chains of it, `rule` and `statement` read rules, `select` knows
//! what expressions read of a packet, `relation` what comparisons ask of it.

mod apply;
mod bits;
mod build;
mod declare;
mod hooks;
mod keys;
mod known;
mod relation;
mod rule;
mod select;
mod sets;
mod state;
mod statement;
mod support;
mod types;
mod value;

use super::syntax::Command;
use crate::dialect::{Draft, Problem};
use state::State;
pub use support::support_table;

/// What reading anything gives.
pub type Parsed<T> = Result<T, Problem>;

/// Adds what the commands of a device's files leave to the draft. Problems are noted there.
pub fn lower(commands: &[Command], draft: &mut Draft) {
    let mut state = State::default();
    for command in commands {
        if let Err(problem) = apply::apply(&mut state, command) {
            draft.refuse(problem);
        }
    }
    state.tables.iter_mut().for_each(declare::note_filled);
    build::build(&state, draft);
}
