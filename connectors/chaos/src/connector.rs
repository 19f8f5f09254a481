//! Faults that an author can make with the kit.
#![allow(clippy::panic, reason = "panics are what this connector is for")]

use std::time::Duration;

use connector_api::author::*;

use crate::knobs::{self, Fault};
use crate::liar;

/// The connector; the service's configuration chooses what happens outside of queries.
pub(crate) struct Chaos {
    config: Config,
}

/// What goes wrong outside of queries.
#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
// A service that lies has keys of its own, and those of the honest one.
#[schemars(extend("additionalProperties" = true))]
pub(crate) struct Config {
    /// `open` panics.
    open_panics: bool,
    /// `open` never ends.
    open_hangs: bool,
    /// `ping` panics.
    ping_panics: bool,
    /// Dropping the service panics.
    close_panics: bool,
    /// Dropping the service never ends.
    close_hangs: bool,
}

impl Connector for Chaos {
    type Config = Config;

    fn describe() -> Descriptor {
        match knobs::fault() {
            Fault::DescribeHangs => knobs::block_for_ever(),
            Fault::DescribePanics => panic!("describe, as asked"),
            _ => {}
        }
        let digits = knobs::digits();
        let service_type = |suffix: &str| ServiceType::new(format!("chaos_{digits}{suffix}"), "Chaos");
        let liar = service_type(liar::SUFFIX).capabilities(all());
        Descriptor::new("chaos", env!("CARGO_PKG_VERSION"), vec![service_type(""), service_type("_b"), liar])
    }

    async fn open(open: Open<Config>) -> Result<Self> {
        if open.config.open_panics {
            panic!("open, as asked");
        }
        if open.config.open_hangs {
            std::future::pending::<()>().await;
        }
        Ok(Self { config: open.config })
    }

    async fn ping(&self) -> Result<()> {
        if self.config.ping_panics {
            panic!("ping, as asked");
        }
        Ok(())
    }

    async fn list_tables(&self) -> Result<Vec<TableName>> {
        // Those that a request over HTTP may name.
        let names = ["good", "abort", "crash", "fill_memory", "raw_far_oversized"];
        Ok(names.map(|name| TableName { table: TableRef::new(name), kind: TableKind::Table }).into())
    }

    async fn describe_tables(&self, tables: &[TableRef]) -> Result<Vec<Table>> {
        if tables.iter().any(|table| table.name == "panic") {
            panic!("describe_tables, as asked");
        }
        let column = || Column::new("n", ColumnType::BigInt);
        Ok(tables
            .iter()
            .map(|table| Table { table: table.clone(), columns: vec![column()], ..Table::default() })
            .collect())
    }

    async fn query(&self, request: Request<Query>, out: &mut RowSink) -> Result<()> {
        match request.from.name.as_str() {
            "panic" => panic!("query, as asked"),
            "panic_in_drop" => {
                let _bomb = Bomb;
                std::future::pending::<()>().await;
            }
            "hang" => std::future::pending::<()>().await,
            "block" => knobs::block_for_ever(),
            "block_a_while" => block_for(Duration::from_secs(2)),
            "abort" => std::process::abort(),
            "crash" => crash(),
            "fill_memory" => return fill_memory(),
            "wrong_cells" => {
                out.columns(["n", "m"]);
                out.i64(1);
                out.end_row().await?;
            }
            "log" => log(),
            "fail" => {
                return Err(Error::new(ErrorKind::Conflict, "as asked")
                    .with_sqlstate("23505")
                    .with_detail("driver\ntext"));
            }
            "endless" => return rows(out, u64::MAX).await,
            "slow_rows" => return slow_rows(out).await,
            _ => {}
        }
        rows(out, 3).await
    }
}

/// Every capability: the honest connector behind the liar says which of them its service has.
fn all() -> Capabilities {
    let flags: serde_json::Map<_, _> =
        Capabilities::FLAGS.iter().map(|flag| ((*flag).to_owned(), true.into())).collect();
    // Names and values are those of the type itself.
    serde_json::from_value(flags.into()).unwrap_or_default()
}

impl Drop for Chaos {
    fn drop(&mut self) {
        if self.config.close_hangs {
            knobs::block_for_ever();
        }
        if self.config.close_panics {
            panic!("close, as asked");
        }
    }
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("drop, as asked");
    }
}

async fn rows(out: &mut RowSink, count: u64) -> Result<()> {
    out.columns(["n"]);
    for n in 0..count {
        out.u64(n);
        out.end_row().await?;
    }
    Ok(())
}

/// Ten rows, each a message of its own, with a pause before each.
async fn slow_rows(out: &mut RowSink) -> Result<()> {
    let text = "x".repeat(64 * 1024);
    out.columns(["n"]);
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        out.text(&text);
        out.end_row().await?;
    }
    Ok(())
}

/// Ends the process as a wrong pointer does.
fn crash() -> ! {
    // The first one only takes the handler away that the runtime has for stacks that overflow.
    loop {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::SEGV);
    }
}

/// Takes memory until there is no more, but never so much that the machine suffers.
fn fill_memory() -> Result<()> {
    let held: Vec<Vec<u8>> = (0..1024).map(|_| vec![1; 1024 * 1024]).collect();
    Err(Error::new(
        ErrorKind::LimitExceeded,
        format!("{} MiB were to be had", std::hint::black_box(held).len()),
    ))
}

/// Holds the thread for so long.
fn block_for(time: Duration) {
    let until = std::time::Instant::now() + time;
    while let Some(left) =
        until.checked_duration_since(std::time::Instant::now()).filter(|left| !left.is_zero())
    {
        std::thread::park_timeout(left);
    }
}

fn log() {
    tracing::error!(number = 1, "chaos event");
    tracing::warn!(number = 2, "chaos event");
    tracing::info!(number = 3, "chaos event");
    tracing::debug!(number = 4, "chaos event");
    tracing::trace!(number = 5, "chaos event");
}
