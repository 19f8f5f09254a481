//! What exports cost in memory, and how soon their first bytes come, gateway and hand-written server.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;

use crate::Failure;
use crate::load::{self, Request};
use crate::measure::RUNS;
use crate::process::Server;
use crate::report::{self, median, say};
use crate::scenario;
use crate::store::Store;

const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// One number of exports at the same time.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) store: String,
    pub(crate) server: &'static str,
    pub(crate) connections: usize,
    /// The most memory after a few small requests.
    pub(crate) idle_kib: u64,
    /// What exports added to that.
    pub(crate) added_kib: u64,
    /// Until the first bytes of one export's body, median.
    pub(crate) first_bytes_ms: f64,
}

/// Measures with a new process for each row, because the system keeps the highest mark.
pub(crate) async fn measure(store: &Store, folder: &Path, time: Duration) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        for name in ["gateway", "hand-written"] {
            let server = if name == "gateway" {
                Server::gateway(store, folder)?
            } else {
                Server::hand_written(&store.address)?
            };
            let row = row(store, (name, &server), connections, time).await?;
            say(report::memory_line(&row, rows.is_empty()))?;
            rows.push(row);
        }
    }
    Ok(rows)
}

async fn row(
    store: &Store,
    (name, server): (&'static str, &Server),
    connections: usize,
    time: Duration,
) -> Result<Row, Failure> {
    let pick = |target: &scenario::Target| match name {
        "gateway" => target.gateway.clone(),
        _ => target.hand_written.clone(),
    };
    let scenarios = scenario::reads();
    let target_of = |name: &str| {
        let found = scenarios.iter().find(|scenario| scenario.name == name);
        found.and_then(|scenario| scenario.targets.first()).map(pick).ok_or("no such scenario")
    };
    // Each of the two connections of the server is opened before memory counts.
    for _ in 0..20 {
        load::fetch(server.address(), &target_of("row")?).await?;
    }
    let idle_kib = server.peak_memory()?;
    let length = load::fetch(server.address(), &target_of("export")?).await?.len();
    let export = Request::new(&target_of("export")?, length)?;
    let mut first_bytes = Vec::new();
    for _ in 0..RUNS {
        first_bytes.push(load::first_bytes(server.address(), &export).await?.as_secs_f64() * 1000.0);
    }
    let exports: Rc<[Request]> = [export].into();
    load::run(server.address(), (&exports, connections), [Duration::ZERO, time * 3], || Ok(())).await?;
    let added_kib = server.peak_memory()?.saturating_sub(idle_kib);
    let store = store.title.clone();
    Ok(Row { store, server: name, connections, idle_kib, added_kib, first_bytes_ms: median(first_bytes) })
}
