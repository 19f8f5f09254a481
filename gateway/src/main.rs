//! The `tablegate` program: reads its arguments and does one thing.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    tablegate::cli::run(&tablegate::cli::Arguments::parse())
}
