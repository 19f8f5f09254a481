//! The `tablegate` program: reads its arguments and does one thing.

mod commands;
mod judge;

use std::process::ExitCode;

use clap::Parser;

/// A request makes some hundred small allocations, most of them freed by the same thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commands::run(&commands::Arguments::parse())
}
