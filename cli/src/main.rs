//! The `tablegate` program: reads its arguments and does one thing.

mod commands;
mod doctor;
mod judge;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    commands::run(&commands::Arguments::parse())
}
