//! The arguments of the benchmark: which part runs, how long, and where the numbers go. The servers that it starts are further modes.

use std::path::PathBuf;
use std::time::Duration;

use crate::Failure;
use crate::store::Address;

const USAGE: &str = "usage: cargo bench -p tests -- [--json FILE] [STORE…] [PART…]
parts: row page thousand related semi export insert memory start watched; without one, all of them
stores: sqlite, or a fixture with a hand-written server: postgres mysql; without one, sqlite. Only sqlite has start and watched
BENCH_SECONDS is the length of one run, 1 by default; BENCH_SERVICE is more configuration of the gateway's service, as JSON";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) mode: Mode,
    /// Length of one run.
    pub(crate) time: Duration,
    /// Where the numbers go beside the table.
    pub(crate) json: Option<PathBuf>,
    /// Fixtures whose stores are asked.
    pub(crate) stores: Vec<String>,
    is_file_named: bool,
    parts: Vec<String>,
}

/// Which program this is.
#[derive(Debug)]
pub(crate) enum Mode {
    /// The benchmark.
    Measure,
    /// The hand-written server.
    HandWritten(Address),
    /// The server with fixed answers.
    Fixed,
}

const STORES: [&str; 2] = ["postgres", "mysql"];
const PARTS: [&str; 10] =
    ["row", "page", "thousand", "related", "semi", "export", "insert", "memory", "start", "watched"];

impl Arguments {
    /// Reads the command line and `BENCH_SECONDS`.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let seconds = match std::env::var("BENCH_SECONDS") {
            Ok(text) => text.parse().map_err(|_| format!("BENCH_SECONDS: {text} is no number of seconds"))?,
            Err(_) => 1.0,
        };
        let time = Duration::try_from_secs_f64(seconds)?;
        let mut arguments = Self {
            mode: Mode::Measure,
            time,
            json: None,
            stores: Vec::new(),
            is_file_named: false,
            parts: Vec::new(),
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                // Cargo's own word for what it runs.
                "--bench" => {}
                "--json" => arguments.json = Some(words.next().ok_or(USAGE)?.into()),
                "--serve-hand-written" => {
                    arguments.mode = Mode::HandWritten(Address::parse(words.next(), words.next())?);
                }
                "--serve-fixed" => arguments.mode = Mode::Fixed,
                "sqlite" => arguments.is_file_named = true,
                store if STORES.contains(&store) => arguments.stores.push(word),
                part if PARTS.contains(&part) => arguments.parts.push(word),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(arguments)
    }

    /// Whether the SQLite file is asked.
    pub(crate) fn measures_file(&self) -> bool {
        self.is_file_named || self.stores.is_empty()
    }

    /// Whether this part is to run.
    pub(crate) fn selects(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }
}
