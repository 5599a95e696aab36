//! Programs that policy names for devices, and the loaders of a kernel: started with nothing of ours but what they need.
//!
//! A child gets a cleared environment, a home and a working folder that we made for it, bytes as files that it can only
//! read, no input, a bound on its output and on its time, and a process group of its own that is killed when it ends, so
//! that nothing stays behind. What it prints is data: never shown raw, never obeyed.

mod child;
mod complaint;
mod folder;

pub use child::{Bounds, ChildError, Finished, Invocation, find_program, run, shown};
pub use complaint::complaint;
pub use folder::Folder;
