//! What it costs to be watched: the gateway as it is, and with each way of watching it switched on, in turn, asked for rows by their key.

use std::path::Path;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use tests::libraries::clone_folder;

use crate::Failure;
use crate::load::{self, Request};
use crate::measure::{RUNS, run};
use crate::process::{Server, gateway_command, this_program};
use crate::report::{self, Spread, median, say};
use crate::scenario;
use crate::store::Store;

const CONNECTIONS: usize = 16;

/// One way of watching.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) way: &'static str,
    pub(crate) cpu_us: f64,
    pub(crate) plain_cpu_us: f64,
    /// Watched through plain, of runs that followed each other.
    pub(crate) cpu_ratio: Spread,
}

/// How a gateway is watched: the title, variables of its environment, what its requests ask for.
type Way<'a> = (&'static str, &'a [(&'a str, &'a str)], &'static str);

/// Measures each way beside a gateway that nobody watches.
pub(crate) async fn measure(store: &Store, folder: &Path, time: Duration) -> Result<Vec<Row>, Failure> {
    let collector = Server::start(this_program()?.arg("--serve-fixed"))?;
    let endpoint = format!("http://{}", collector.address());
    let traced = [("TABLEGATE_TRACES__ENDPOINT", endpoint.as_str())];
    let ways: [Way<'_>; 5] = [
        ("not at all", &[], ""),
        ("times of each request", &[], "?timing=true"),
        ("access log", &[("TABLEGATE_LOGGING__ACCESS", "true")], ""),
        ("slow statements", &[("TABLEGATE_LOGGING__SLOW_STATEMENT", "1s")], ""),
        ("traces", &traced, ""),
    ];
    let mut rows = Vec::new();
    for (way, variables, query) in ways {
        let row = row(way, (store, folder), (variables, query), time).await?;
        say(report::watched_line(&row, rows.is_empty()))?;
        rows.push(row);
    }
    Ok(rows)
}

async fn row(
    way: &'static str,
    (store, folder): (&Store, &Path),
    (variables, query): (&[(&str, &str)], &str),
    time: Duration,
) -> Result<Row, Failure> {
    let plugins = clone_folder().join("plugins");
    let plain = Server::start(gateway_command(store, folder, &plugins)?.stderr(Stdio::null()))?;
    let mut command = gateway_command(store, folder, &plugins)?;
    let watched = Server::start(command.envs(variables.iter().copied()).stderr(Stdio::null()))?;
    let (asked, asked_watched) = (questions(&plain, "").await?, questions(&watched, query).await?);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        without.push(run(&plain, &asked, CONNECTIONS, time).await?.cpu_us);
        with.push(run(&watched, &asked_watched, CONNECTIONS, time).await?.cpu_us);
    }
    let cpu_ratio = Spread::of(with.iter().zip(&without).map(|(with, without)| with / without).collect());
    Ok(Row { way, cpu_us: median(with), plain_cpu_us: median(without), cpu_ratio })
}

/// Rows by their key, with this at the end of each address.
async fn questions(server: &Server, query: &str) -> Result<Rc<[Request]>, Failure> {
    let mut requests = Vec::new();
    for target in
        scenario::reads().into_iter().filter(|known| known.name == "row").flat_map(|row| row.targets)
    {
        let path = format!("{}{query}", target.gateway);
        let length = load::answer(server.address(), &Request::new(&path, 0)?).await?.len();
        requests.push(Request::new(&path, length)?);
    }
    Ok(requests.into())
}
