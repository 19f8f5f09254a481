//! A plugin folder of its own for each test, with copies of the chaos library, and short ways to call it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use connector_api::model::{OpenRequest, Path as Column, Query, TableRef};
use connector_api::{Error, Result};
use serde_json::{Value as Json, json};
use tablegate::connectors::{CallContext, Limits, Params, Registry, Service};
use tablegate::settings::Plugins;
use tests::libraries::library;
use tracing::level_filters::LevelFilter;

/// Worker threads of the tests' gateway.
pub(crate) const WORKERS: usize = 4;

/// A call may take so long unless a test says otherwise.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A plugin folder.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A copy of the chaos library whose bytes were changed.
    pub(crate) fn add(&self, file: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let mut bytes = std::fs::read(library("chaos").unwrap()).unwrap();
        change(&mut bytes);
        self.add_bytes(file, &bytes)
    }

    pub(crate) fn add_bytes(&self, file: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(file);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A copy that behaves while it is loaded and offers `chaos_NN`.
    pub(crate) fn add_chaos(&self, digits: &str) -> PathBuf {
        self.add(&format!("libchaos_{digits}.so"), |bytes| set_knobs(bytes, '-', digits))
    }

    pub(crate) fn plugins(&self) -> Plugins {
        Plugins {
            directories: vec![self.path().to_path_buf()],
            load_timeout: "10s".parse().unwrap(),
            ..Plugins::default()
        }
    }

    pub(crate) fn load(&self) -> Registry {
        Registry::load(&self.plugins(), WORKERS, LevelFilter::ERROR)
    }
}

/// Chooses what goes wrong while the copy is loaded, and its service types.
pub(crate) fn set_knobs(bytes: &mut [u8], fault: char, digits: &str) {
    tests::libraries::set_knobs(bytes, fault, digits).unwrap();
}

/// Where these bytes stand.
pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Vec<usize> {
    bytes.windows(wanted.len()).enumerate().filter(|(_, found)| *found == wanted).map(|(at, _)| at).collect()
}

/// Runs a test on a gateway-like runtime and leaves threads behind that do not return.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build().unwrap();
    runtime.block_on(test);
    runtime.shutdown_background();
}

pub(crate) fn limits() -> Limits {
    Limits { probe: Duration::from_secs(1), open: Duration::from_secs(2), ..Limits::default() }
}

/// Opens a service of `chaos_NN`.
pub(crate) async fn open_with(
    registry: &Registry,
    digits: &str,
    config: Json,
    allow_inline: bool,
) -> Result<Arc<Service>> {
    let service_type = format!("chaos_{digits}");
    let connector = Arc::clone(registry.connector(&service_type).unwrap());
    let request =
        OpenRequest { service_type, service: "chaos".into(), config, allow_inline, worker_threads: 1 };
    Service::open(connector, request, limits()).await
}

pub(crate) async fn open(registry: &Registry, digits: &str) -> Arc<Service> {
    open_with(registry, digits, json!({}), false).await.unwrap()
}

pub(crate) fn context(time: Duration) -> CallContext<'static> {
    CallContext::new("test", time)
}

/// A query of this table and its parameters.
pub(crate) fn query(table: &str, limit: u64) -> (Query, Params) {
    let mut params = Params::default();
    let limit = params.push_row_count(limit);
    (Query::new(TableRef::new(table), vec![Column::column("n")], limit), params)
}

/// Reads all rows of a table, at most 5,000, and counts their cells.
pub(crate) async fn read(service: &Service, table: &str, time: Duration) -> Result<usize> {
    let (shape, params) = query(table, 5000);
    let mut rows = service.query(&shape, &params, context(time)).await?;
    let mut cells = 0;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let mut row = Vec::new();
        for mut section in batch.sections() {
            while section.read_row(&mut row).map_err(Error::from)? {
                cells += row.len();
            }
        }
    }
    rows.summary().map(|_| cells).ok_or_else(|| Error::internal("the stream ended without a summary"))
}

/// Waits until something holds, at most 20 seconds.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let mut tries = tokio::time::interval(Duration::from_millis(5));
    for _ in 0..4000 {
        if holds() {
            return;
        }
        tries.tick().await;
    }
    panic!("it never held: {what}");
}
