//! The `fwgate` command. Whatever goes wrong in here, the exit code never says that a change is safe.

use fwgate::cli::{self, exit};
use std::process::ExitCode;

/// Musl's own allocator is many times slower than the work it serves.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(cli::tell_panic));
    match std::panic::catch_unwind(|| cli::run(std::env::args_os())) {
        Ok(exit) => exit.into(),
        Err(_) => exit::NO_VERDICT.into(),
    }
}
