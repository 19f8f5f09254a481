//! The arguments of the benchmark: which part runs, how long, and where the numbers go. The servers that it starts are further modes.

use std::path::PathBuf;
use std::time::Duration;

use crate::Failure;

const USAGE: &str = "usage: cargo bench -p tests -- [--json FILE] [PART…]
parts: row page thousand export insert memory start; without one, all of them
BENCH_SECONDS is the length of one run, 1 by default";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) mode: Mode,
    /// Length of one run.
    pub(crate) time: Duration,
    /// Where the numbers go beside the table.
    pub(crate) json: Option<PathBuf>,
    parts: Vec<String>,
}

/// Which program this is.
#[derive(Debug)]
pub(crate) enum Mode {
    /// The benchmark.
    Measure,
    /// The hand-written server.
    HandWritten { database: PathBuf },
    /// The server with fixed answers.
    Fixed,
}

const PARTS: [&str; 7] = ["row", "page", "thousand", "export", "insert", "memory", "start"];

impl Arguments {
    /// Reads the command line and `BENCH_SECONDS`.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let seconds = match std::env::var("BENCH_SECONDS") {
            Ok(text) => text.parse().map_err(|_| format!("BENCH_SECONDS: {text} is no number of seconds"))?,
            Err(_) => 1.0,
        };
        let time = Duration::try_from_secs_f64(seconds)?;
        let mut arguments = Self { mode: Mode::Measure, time, json: None, parts: Vec::new() };
        while let Some(word) = words.next() {
            match word.as_str() {
                // Cargo's own word for what it runs.
                "--bench" => {}
                "--json" => arguments.json = Some(words.next().ok_or(USAGE)?.into()),
                "--serve-hand-written" => {
                    arguments.mode = Mode::HandWritten { database: words.next().ok_or(USAGE)?.into() };
                }
                "--serve-fixed" => arguments.mode = Mode::Fixed,
                part if PARTS.contains(&part) => arguments.parts.push(word),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(arguments)
    }

    /// Whether this part is to run.
    pub(crate) fn selects(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }
}
