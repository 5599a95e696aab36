//! Real repositories and folders: what is read, what is refused, and that nothing in them is ever executed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arguments;
mod entries;
mod gate;
mod held_once;
mod histories;
mod judged;
mod layouts;
mod merges;
mod nothing_runs;
mod output;
mod revisions;
mod scene;
