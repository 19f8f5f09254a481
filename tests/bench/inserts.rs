//! New rows: one, a thousand and a hundred thousand in a request, gateway and hand-written server in turn, each on a database of its
//! own. Afterwards both tables have to hold every row that was sent.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;
use tests::libraries::clone_folder;

use crate::Failure;
use crate::load::{self, Request};
use crate::measure::RUNS;
use crate::process::{API_KEY, Server, gateway_with};
use crate::report::{self, Spread, median, say};
use crate::store::Address;

/// The keys of new rows follow it, so that each has the same number of digits and every answer the same length.
const FIRST_KEY: u32 = 1_000_000_000;

/// One size of request: its rows, and how many such requests make a run.
struct Size {
    rows: u32,
    requests: u32,
    media: &'static str,
}

const SIZES: [Size; 3] = [
    Size { rows: 1, requests: 1000, media: "application/json" },
    Size { rows: 1000, requests: 20, media: "application/json" },
    Size { rows: 100_000, requests: 1, media: "application/x-ndjson" },
];

/// One size. Rates and times are medians of the runs, of rows and not of requests.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) rows_per_request: u32,
    pub(crate) body_bytes: usize,
    pub(crate) gateway_per_second: f64,
    pub(crate) hand_written_per_second: f64,
    /// Gateway through hand-written, of runs that followed each other.
    pub(crate) ratio: Spread,
    pub(crate) gateway_cpu_us: f64,
    pub(crate) hand_written_cpu_us: f64,
    /// Hand-written through gateway, so that more is better here too.
    pub(crate) cpu_ratio: Spread,
}

/// A server and the database that it alone writes.
struct Writer {
    server: Server,
    database: PathBuf,
    path: &'static str,
}

/// One run.
struct Run {
    per_second: f64,
    cpu_us: f64,
}

/// Measures each size.
pub(crate) async fn measure(folder: &Path) -> Result<Vec<Row>, Failure> {
    let (gateway, hand_written) = (gateway(folder)?, hand_written(folder)?);
    let (mut measured, mut sent) = (Vec::new(), 0);
    for size in &SIZES {
        let row = row(size, &gateway, &hand_written).await?;
        say(report::insert_line(&row, measured.is_empty()))?;
        measured.push(row);
        let runs = u64::try_from(RUNS)?;
        sent += u64::from(size.rows) * (1 + u64::from(size.requests) * runs);
        for writer in [&gateway, &hand_written] {
            let found = rows_of(&writer.database)?;
            if found != sent {
                return Err(format!("{}: {found} rows are there, {sent} were sent", writer.path).into());
            }
        }
    }
    Ok(measured)
}

fn gateway(folder: &Path) -> Result<Writer, Failure> {
    let database = database(folder, "gateway")?;
    let config = folder.join("inserts.toml");
    std::fs::write(&config, settings(&database))?;
    let server = Server::start(&mut gateway_with(&config)?)?;
    Ok(Writer { server, database, path: "/api/v2/landings/_table/landings" })
}

fn hand_written(folder: &Path) -> Result<Writer, Failure> {
    let database = database(folder, "hand_written")?;
    let server = Server::hand_written(&Address::File(database.clone()))?;
    Ok(Writer { server, database, path: "/landings" })
}

/// A database with an empty table whose next key is known, in the mode that the connector's page recommends for services that write.
fn database(folder: &Path, name: &str) -> Result<PathBuf, Failure> {
    let path = folder.join(format!("landings-{name}.sqlite"));
    Connection::open(&path)?.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE landings (id INTEGER PRIMARY KEY AUTOINCREMENT, carrier TEXT NOT NULL, flight INTEGER NOT NULL,
             origin TEXT NOT NULL, dest TEXT NOT NULL, delay REAL, note TEXT);
         INSERT INTO sqlite_sequence VALUES ('landings', {FIRST_KEY});"
    ))?;
    Ok(path)
}

fn rows_of(database: &Path) -> Result<u64, Failure> {
    let count = Connection::open(database)?
        .query_row("SELECT count(*) FROM landings", [], |row| row.get::<_, i64>(0))?;
    Ok(u64::try_from(count)?)
}

/// The defaults, but for the log.
fn settings(database: &Path) -> String {
    let plugins = clone_folder().join("plugins");
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[logging]\nlevel = \"warn\"\n[plugins]\ndirectories = [{plugins:?}]\n\
         [[services]]\nname = \"landings\"\ntype = \"sqlite\"\nconfig = {{ database = {database:?} }}\n\
         [[roles]]\nname = \"writer\"\n[[roles.access]]\nservice = \"landings\"\ncomponent = \"_table/*\"\nverbs = [\"POST\"]\n\
         [[apps]]\nname = \"bench\"\nrole = \"writer\"\napi_key = {API_KEY:?}\n"
    )
}

/// The same rows for both servers.
fn body(size: &Size) -> String {
    let record = |nth: u32| {
        serde_json::json!({
            "carrier": "UA", "flight": nth, "origin": "EWR", "dest": "IAH",
            "delay": f64::from(nth % 90) - 10.5, "note": format!("row {nth} of the \"benchmark\""),
        })
        .to_string()
    };
    let records: Vec<String> = (0..size.rows).map(record).collect();
    match size.media {
        "application/json" => format!("{{\"resource\":[{}]}}", records.join(",")),
        _ => records.join("\n"),
    }
}

/// Both have to give the same answer to the first request, byte for byte; of a stream the gateway lists fewer rows. Then they take turns.
async fn row(size: &Size, gateway: &Writer, hand_written: &Writer) -> Result<Row, Failure> {
    let body = body(size);
    let first = |writer: &Writer| {
        let request = Request::post(writer.path, (size.media, &body), None);
        let address = writer.server.address();
        async move { load::answer(address, &request).await }
    };
    let (ours, theirs) = (first(gateway).await?, first(hand_written).await?);
    if size.media == "application/json" && ours != theirs {
        return Err(format!("the answers to {} new rows differ", size.rows).into());
    }
    let lengths = [ours.len(), theirs.len()];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(
            run(gateway, size, &Request::post(gateway.path, (size.media, &body), Some(lengths[0]))).await?,
        );
        theirs.push(
            run(hand_written, size, &Request::post(hand_written.path, (size.media, &body), Some(lengths[1])))
                .await?,
        );
    }
    let middle = |runs: &[Run], of: fn(&Run) -> f64| median(runs.iter().map(of).collect());
    let pairs = || ours.iter().zip(&theirs);
    Ok(Row {
        rows_per_request: size.rows,
        body_bytes: body.len(),
        gateway_per_second: middle(&ours, |run| run.per_second),
        hand_written_per_second: middle(&theirs, |run| run.per_second),
        ratio: Spread::of(pairs().map(|(ours, theirs)| ours.per_second / theirs.per_second).collect()),
        gateway_cpu_us: middle(&ours, |run| run.cpu_us),
        hand_written_cpu_us: middle(&theirs, |run| run.cpu_us),
        cpu_ratio: Spread::of(pairs().map(|(ours, theirs)| theirs.cpu_us / ours.cpu_us).collect()),
    })
}

async fn run(writer: &Writer, size: &Size, request: &Request) -> Result<Run, Failure> {
    let before = writer.server.cpu()?;
    let time = load::in_turn(writer.server.address(), request, size.requests).await?;
    let cpu = writer.server.cpu()?.saturating_sub(before);
    let rows = f64::from(size.rows) * f64::from(size.requests);
    Ok(Run { per_second: rows / time.as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / rows })
}
