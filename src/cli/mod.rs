//! The command line: the edge where files, the environment and the terminal are touched.

pub mod input;
pub mod output;
