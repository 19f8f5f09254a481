//! `make bench`: the running gateway beside a server written by hand for a few fixed requests, on the same data. Prints ratios.
//!
//! Nothing here passes or fails by time. Each server is a process of its own, started as anybody would start it: the release binary of the
//! gateway with the libraries in `plugins/`, and this binary again as the hand-written server (`hand_written`) and as one that answers
//! from memory (`fixed`: the ceiling of HTTP and of the load generator). All of them have as many workers as there are cores; nothing is
//! pinned, and the load generator is one more thread that they share the cores with. See docs/benchmarks.md.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

mod arguments;
mod fixed;
mod floor;
mod hand_written;
mod inserts;
mod load;
mod measure;
mod memory;
mod process;
mod report;
mod scenario;
mod start;
mod store;
mod watched;

use arguments::{Arguments, Mode};
use process::Servers;
use report::say;
use store::Store;

/// Why a measurement can't be made.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
struct Results {
    cores: usize,
    seconds_per_run: f64,
    requests: Vec<measure::Row>,
    floor: Vec<floor::Row>,
    inserts: Vec<inserts::Row>,
    memory: Vec<memory::Row>,
    start: Vec<start::Row>,
    watched: Vec<watched::Row>,
}

fn main() -> ExitCode {
    let done = Arguments::read(std::env::args().skip(1)).and_then(|arguments| match &arguments.mode {
        Mode::Measure => measure_all(&arguments),
        Mode::HandWritten(address) => hand_written::serve(address),
        Mode::Fixed => fixed::serve(),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = say(format_args!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn measure_all(arguments: &Arguments) -> Result<(), Failure> {
    // One thread: the generator must leave the cores to the server that it measures.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let results = runtime.block_on(results(arguments))?;
    if let Some(file) = &arguments.json {
        std::fs::write(file, serde_json::to_string_pretty(&results)?)?;
        say(format_args!("written: {}", file.display()))?;
    }
    Ok(())
}

/// All reads that are asked for, on one store.
async fn requests(arguments: &Arguments, store: &Store, folder: &Path) -> Result<Vec<measure::Row>, Failure> {
    // New rows in a file are a part of their own (`inserts`).
    let insert = store.is_server().then(scenario::insert);
    let scenarios = scenario::reads().into_iter().chain(insert);
    let scenarios = scenarios.filter(|scenario| arguments.selects(scenario.name));
    let servers = Servers::start(store, folder)?;
    let mut rows = Vec::new();
    for scenario in scenarios {
        rows.extend(measure::scenario(&scenario, store, &servers, arguments.time).await?);
    }
    Ok(rows)
}

/// What exports cost, if that is asked for.
async fn memory(arguments: &Arguments, store: &Store, folder: &Path) -> Result<Vec<memory::Row>, Failure> {
    match arguments.selects("memory") {
        true => memory::measure(store, folder, arguments.time).await,
        false => Ok(Vec::new()),
    }
}

async fn results(arguments: &Arguments) -> Result<Results, Failure> {
    let mut results = Results {
        cores: std::thread::available_parallelism()?.get(),
        seconds_per_run: arguments.time.as_secs_f64(),
        ..Results::default()
    };
    let folder = tempfile::tempdir()?;
    if arguments.measures_file() {
        let store = Store::file()?;
        results.requests.extend(requests(arguments, &store, folder.path()).await?);
        results.memory.extend(memory(arguments, &store, folder.path()).await?);
    }
    for name in &arguments.stores {
        let store = Store::of_fixture(name)?;
        results.requests.extend(requests(arguments, &store, folder.path()).await?);
        results.memory.extend(memory(arguments, &store, folder.path()).await?);
        match floor::measure(&store, arguments) {
            Ok(rows) => results.floor.extend(rows),
            Err(error) => say(format_args!("the floor was not measured to its end: {error}"))?,
        }
    }
    if arguments.measures_file() && arguments.selects("insert") {
        results.inserts = inserts::measure(folder.path()).await?;
    }
    if arguments.measures_file() && arguments.selects("start") {
        results.start = start::measure(folder.path()).await?;
    }
    if arguments.measures_file() && arguments.selects("watched") {
        results.watched = watched::measure(&Store::file()?, folder.path(), arguments.time).await?;
    }
    Ok(results)
}
