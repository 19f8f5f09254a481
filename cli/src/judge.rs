//! `tablegate connector test`: shows a judgement of a library while it is made and when it is done.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use conformance::Case;
use conformance::advice::{hint, rule};
use conformance::config::Config;
use conformance::judge::{Judgement, Wanted, judge, needed};
use conformance::report::End;
use conformance::run::CASE_TIME;
use conformance::tables::to_lines;
use tablegate::settings::{LogLevel, Logging};
use tablegate::telemetry;

/// The judgement is: as declared.
const PASSED: u8 = 0;
/// The judgement is: not as declared.
const FAILED: u8 = 1;
/// There is no judgement. The same as for arguments that can't be read.
const UNJUDGED: u8 = 2;

/// Shown under the options.
const MORE: &str = "\
Exit code:
  0  the connector does what it declares, in all that was asked
  1  it does not: each case that failed is printed with its rule
  2  it could not be judged: a wrong argument, a mistake in the file, a library that is refused,
     a store that is not there

The --config file:
  [config]         what [services.config] holds in the gateway, secret references included
  [store]          what the store can have: types, features, names, ...
  [prepare]        who makes the tables of the suite: command = [\"program\"] or by_hand = true
  [[quirks....]]   where the store differs from what the suite expects, each with its manual
  The guide has every key: connector-api/docs/write-a-connector.md in the folder of a connector.

The result goes to the standard output, progress and the log to the error stream.";

/// Shown under failures.
const WHEN_THE_STORE_CAN_NOT: &str = "\
Each failure is a defect of the connector, a fact that [store] does not say, or a difference that the store can't help:
[[quirks.deviation]] with `case`, `because` and the `manual` where it is written.
`--only NAME` runs one case again, `--log debug` shows what the connector logs.";

#[derive(Debug, Args)]
#[command(after_long_help = MORE)]
pub(crate) struct Judge {
    /// The library file.
    #[arg(value_name = "LIB")]
    library: PathBuf,
    /// Compare random requests on this table of the store, and write nothing. Can be given several times.
    #[arg(long, value_name = "NAME")]
    table: Vec<String>,
    /// Run only the cases whose name contains this, for example `order::`.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    only: String,
    /// A case that takes longer has failed.
    #[arg(long, value_name = "SECONDS", default_value_t = CASE_TIME.as_secs(), value_parser = clap::value_parser!(u64).range(1..))]
    case_time: u64,
    /// Show what the connector and its loader log, from this level on: `error`, `warn`, `info`, `debug` or `trace`.
    #[arg(long, value_name = "LEVEL")]
    log: Option<LogLevel>,
    /// Print the tables that the suite needs and their rows, a line of JSON each, and run nothing.
    #[arg(long)]
    print_tables: bool,
}

/// Judges the library as the configuration says; without one as a service that needs none.
pub(crate) fn run(judge: &Judge, config: Option<&PathBuf>) -> ExitCode {
    let logging = judge.log.clone().map(|level| Logging { level, ..Logging::default() });
    if let Some(Err(error)) = logging.as_ref().map(telemetry::install) {
        return complain(&error.to_string());
    }
    let config = match config.map_or_else(|| Ok(Config::default()), |path| Config::read(path)) {
        Ok(config) => config,
        Err(what) => return complain(&what),
    };
    let end = if judge.print_tables { print_tables(&config) } else { judged(judge, &config) };
    end.unwrap_or_else(|error| complain(&format!("the result can't be written: {error}")))
}

fn complain(what: &str) -> ExitCode {
    // A closed output is no reason to give another code.
    let _ = writeln!(std::io::stderr(), "{what}");
    ExitCode::from(UNJUDGED)
}

fn print_tables(config: &Config) -> std::io::Result<ExitCode> {
    if config.store.types.is_empty() {
        return Ok(complain("name the `types` of the store's columns in the [store] of a --config file"));
    }
    let mut out = std::io::stdout().lock();
    for stored in needed(&config.store, &config.quirks) {
        for line in to_lines(&stored, &config.store) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(ExitCode::from(PASSED))
}

fn judged(asked: &Judge, config: &Config) -> std::io::Result<ExitCode> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers.max(2)).enable_all().build()?;
    let case_time = Duration::from_secs(asked.case_time);
    let wanted = Wanted { tables: asked.table.clone(), only: asked.only.clone(), case_time, workers };
    let mut progress = Progress::default();
    let told = |case: &Case, end: Option<&End>, number: (usize, usize)| progress.tell(case, end, number);
    let judgement = runtime.block_on(async {
        tokio::select! {
            // First, so that it is heard also while the tables are made.
            biased;
            // The judgement is dropped, so the program of [prepare] takes its tables away again.
            Ok(()) = tokio::signal::ctrl_c() => Err("\nstopped before the end, so there is no judgement".to_owned()),
            judgement = judge(&asked.library, config, &wanted, told) => judgement,
        }
    });
    progress.end_line();
    // A connector may have threads that do not return.
    runtime.shutdown_background();
    match judgement {
        Ok(judgement) => print(&judgement, judgement.is_prepared && asked.only.is_empty()),
        Err(what) => Ok(complain(&what)),
    }
}

fn print(judgement: &Judgement, is_whole: bool) -> std::io::Result<ExitCode> {
    let Judgement { declared, report, by_capability, failures, is_prepared, left_out } = judgement;
    let mut out = std::io::stdout().lock();
    let mut hinted = BTreeSet::new();
    for (name, what) in failures {
        writeln!(out, "FAILED {name}\n    the contract: {}\n    {what}", rule(name))?;
        // Said once: one cause often has many failures.
        if let Some(hint) = hint(name).filter(|hint| hinted.insert(*hint)) {
            writeln!(out, "    if the store is like that, say so: {hint}")?;
        }
        writeln!(out)?;
    }
    if !failures.is_empty() {
        writeln!(out, "{WHEN_THE_STORE_CAN_NOT}\n")?;
    }
    writeln!(out, "{}\n", by_capability.table(declared))?;
    for table in left_out {
        writeln!(out, "left out: {table}")?;
    }
    if !is_prepared {
        writeln!(
            out,
            "Only tables that were there already were read: a [prepare] in the --config file has all of it judged."
        )?;
    }
    if let Some(why) = &report.over {
        writeln!(out, "The run has ended early: {why}")?;
    }
    let word = match (failures.is_empty(), is_whole) {
        (false, _) => "the connector does NOT do what it declares",
        (true, true) => "the connector does what it declares",
        (true, false) => "nothing wrong was found in what was tried",
    };
    writeln!(out, "{} case(s), {} failed: {word}", report.run(), failures.len())?;
    Ok(ExitCode::from(if failures.is_empty() { PASSED } else { FAILED }))
}

/// How far it is, on the error stream: a line for each group of cases. On a terminal it is rewritten with each case and names the one
/// that runs.
#[derive(Default)]
struct Progress {
    group: String,
    run: usize,
    failed: usize,
    place: (usize, usize),
}

/// Moves to the start of the line of a terminal and clears it.
const REWRITE: &str = "\r\x1b[K";

impl Progress {
    fn tell(&mut self, case: &Case, end: Option<&End>, place: (usize, usize)) {
        let group = case.name.split("::").next().unwrap_or_default();
        if group != self.group {
            self.end_line();
            *self = Self { group: group.to_owned(), ..Self::default() };
        }
        self.run += usize::from(end.is_some());
        self.failed += usize::from(matches!(end, Some(End::Failed(_))));
        self.place = place;
        if std::io::stderr().is_terminal() {
            let running = if end.is_none() { case.name.as_str() } else { "" };
            self.write(REWRITE, &format!("  {running}"));
        }
    }

    fn end_line(&self) {
        if self.run > 0 {
            self.write(if std::io::stderr().is_terminal() { REWRITE } else { "" }, "\n");
        }
    }

    fn write(&self, before: &str, after: &str) {
        let Self { group, run, failed, place: (number, count) } = self;
        // Progress is a courtesy: without a reader nothing is lost.
        let _ = write!(
            std::io::stderr(),
            "{before}{number:>4}/{count} {group:<12} {run:>3} run, {failed} failed{after}"
        );
    }
}
