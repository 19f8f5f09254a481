//! What PostgreSQL's own load generator gets out of the server for one row by key: the floor under both servers.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;
use serde_json::Value as Json;

use crate::Failure;
use crate::arguments::Arguments;
use crate::report::say;
use crate::store::{Address, Store};

/// The question of `row`, with a statement that is prepared once.
const SCRIPT: &str = "\\set id random(1, 64) * 5000\nSELECT * FROM flights WHERE id = :id LIMIT 1;\n";
/// Where Debian puts it.
const DEBIAN: &str = "/usr/lib/postgresql/15/bin";

/// Requests per second at one number of connections.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    connections: usize,
    per_second: f64,
}

/// Runs it, where the store is PostgreSQL and the program is there.
pub(crate) fn measure(store: &Store, arguments: &Arguments) -> Result<Vec<Row>, Failure> {
    let Address::Server { store: name, config } = &store.address else { return Ok(Vec::new()) };
    if name != "postgres" || !arguments.selects("row") {
        return Ok(Vec::new());
    }
    let Some(program) = program() else {
        say("pgbench is not installed: no floor")?;
        return Ok(Vec::new());
    };
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("row.sql");
    std::fs::write(&script, SCRIPT)?;
    say("\npgbench, one row by key\n| connections | requests per second |\n|---|---|")?;
    let seconds = arguments.time.as_secs().max(1);
    crate::measure::CONNECTIONS
        .into_iter()
        .map(|connections| {
            let per_second = run(&program, &script, config, (connections, seconds))?;
            say(format_args!("| {connections} | {per_second:.0} |"))?;
            Ok(Row { connections, per_second })
        })
        .collect()
}

fn program() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&folders).chain([PathBuf::from(DEBIAN)]);
    folders.map(|folder| folder.join("pgbench")).find(|program| program.is_file())
}

fn run(
    program: &Path,
    script: &Path,
    config: &Json,
    (connections, seconds): (usize, u64),
) -> Result<f64, Failure> {
    let text = |name: &str| config.get(name).and_then(Json::as_str).unwrap_or_default();
    let port = config.get("port").and_then(Json::as_u64).unwrap_or_default();
    let mut command = Command::new(program);
    command.env("PGPASSWORD", text("password")).args(["--no-vacuum", "--protocol=prepared", "--jobs=1"]);
    command.arg(format!("--client={connections}")).arg(format!("--time={seconds}"));
    command.arg(format!("--file={}", script.display()));
    command.args(["--host", text("host"), "--username", text("username")]);
    let output = command.arg(format!("--port={port}")).arg(text("database")).output()?;
    if !output.status.success() {
        return Err(format!("pgbench: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.and_then(|rate| rate.split_whitespace().next()).ok_or("pgbench told no rate")?;
    Ok(rate.parse()?)
}
