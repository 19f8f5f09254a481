//! `tablegate connector test`: shows a judgement of a library while it is made and when it is done.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use conformance::Case;
use conformance::config::Config;
use conformance::judge::{Judgement, Unjudged, Wanted, judge, needed};
use conformance::report::End;
use conformance::tables::to_lines;

/// The judgement is: as declared.
const PASSED: u8 = 0;
/// The judgement is: not as declared.
const FAILED: u8 = 1;
/// There is no judgement, because of what was asked for. The same as for arguments that can't be read.
const USAGE: u8 = 2;

#[derive(Debug, Args)]
pub(crate) struct Judge {
    /// The library file.
    #[arg(value_name = "LIB")]
    library: PathBuf,
    /// Compare random requests on this table of the store, and write nothing. Can be given several times.
    #[arg(long, value_name = "NAME")]
    table: Vec<String>,
    /// Run only the cases whose name contains this, for example `order::`.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Print the tables that the suite needs and their rows, a line of JSON each, and run nothing.
    #[arg(long)]
    print_tables: bool,
}

/// Judges the library as the configuration says; without one as a service that needs none.
pub(crate) fn run(judge: &Judge, config: Option<&PathBuf>) -> ExitCode {
    let config = match config.map_or_else(|| Ok(Config::default()), |path| Config::read(path)) {
        Ok(config) => config,
        Err(what) => return complain(&what, USAGE),
    };
    let end = if judge.print_tables { print_tables(&config) } else { judged(judge, &config) };
    end.unwrap_or_else(|error| complain(&error.to_string(), FAILED))
}

fn complain(what: &str, code: u8) -> ExitCode {
    // A closed output is no reason to give another code.
    let _ = writeln!(std::io::stderr(), "{what}");
    ExitCode::from(code)
}

fn print_tables(config: &Config) -> std::io::Result<ExitCode> {
    if config.store.types.is_empty() {
        return Ok(complain(
            "name the `types` of the store's columns in the [store] of a --config file",
            USAGE,
        ));
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
    let wanted = Wanted { tables: asked.table.clone(), only: asked.only.clone(), workers };
    let mut progress = Progress::default();
    let told = |case: &Case, end: &End, number: (usize, usize)| progress.tell(case, end, number);
    let judgement = runtime.block_on(judge(&asked.library, config, &wanted, told));
    progress.end_line();
    // A connector may have threads that do not return.
    runtime.shutdown_background();
    match judgement {
        Ok(judgement) => print(&judgement, judgement.is_prepared && asked.only.is_empty()),
        Err(Unjudged::Asked(what)) => Ok(complain(&what, USAGE)),
        Err(Unjudged::Library(what)) => Ok(complain(&what, FAILED)),
    }
}

fn print(judgement: &Judgement, is_whole: bool) -> std::io::Result<ExitCode> {
    let Judgement { declared, report, by_capability, failures, is_prepared, left_out } = judgement;
    let mut out = std::io::stdout().lock();
    for (name, what) in failures {
        writeln!(out, "FAILED {name}\n    {what}\n")?;
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
    let word = match (failures.is_empty(), is_whole) {
        (false, _) => "the connector does NOT do what it declares",
        (true, true) => "the connector does what it declares",
        (true, false) => "nothing wrong was found in what was tried",
    };
    writeln!(out, "{} case(s), {} failed: {word}", report.run(), failures.len())?;
    Ok(ExitCode::from(if failures.is_empty() { PASSED } else { FAILED }))
}

/// How far it is, on the error stream: a line for each group of cases, on a terminal rewritten with each case.
#[derive(Default)]
struct Progress {
    group: String,
    run: usize,
    failed: usize,
    place: (usize, usize),
}

impl Progress {
    fn tell(&mut self, case: &Case, end: &End, place: (usize, usize)) {
        let group = case.name.split("::").next().unwrap_or_default();
        if group != self.group {
            self.end_line();
            *self = Self { group: group.to_owned(), ..Self::default() };
        }
        self.run += 1;
        self.failed += usize::from(matches!(end, End::Failed(_)));
        self.place = place;
        if std::io::stderr().is_terminal() {
            self.write("\r", "");
        }
    }

    fn end_line(&self) {
        if self.run > 0 {
            self.write(if std::io::stderr().is_terminal() { "\r" } else { "" }, "\n");
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
