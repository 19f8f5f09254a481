//! What somebody would write who needs just these answers: axum handlers with fixed SQL over the driver. No authentication, no
//! parsing beyond a number in the path, no catalogue, no limits, no cancellation. As the connector does it by default, two threads with
//! a connection each take jobs from one queue, and rows become JSON directly.

use std::io::Write;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, ToSql};
use tokio::sync::{mpsc as stream, oneshot};

use crate::Failure;
use crate::process::serve_router;

mod insert;

const CONNECTIONS: usize = 2;
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait for the client.
const WAITING_CHUNKS: usize = 2;

const COLUMNS: &str = r#""id", "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay", "carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour""#;

type Job = Box<dyn FnOnce(&Connection) + Send>;
type Queue = mpsc::Sender<Job>;
type Chunks = stream::Sender<Result<Bytes, rusqlite::Error>>;

/// Serves this database.
pub(crate) fn serve(database: &FilePath) -> Result<(), Failure> {
    let (queue, jobs) = mpsc::channel::<Job>();
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..CONNECTIONS {
        let (jobs, database) = (Arc::clone(&jobs), database.to_path_buf());
        std::thread::Builder::new().spawn(move || work(&jobs, &database))?;
    }
    let router = Router::new()
        .route("/health", get(async || "ok"))
        .route("/row/{id}", get(row))
        .route("/page/{origin}", get(page))
        .route("/thousand", get(thousand))
        .route("/export", get(export))
        .route("/landings", post(insert::insert))
        .layer(DefaultBodyLimit::disable())
        .with_state(queue);
    serve_router(router)
}

fn work(jobs: &Mutex<mpsc::Receiver<Job>>, database: &PathBuf) {
    let Ok(connection) = open(database) else { return };
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        job(&connection);
    }
}

/// A connection set up as the connector sets its own up.
fn open(database: &PathBuf) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -8_000)?;
    connection.pragma_update(None, "query_only", false)?;
    Ok(connection)
}

async fn row(State(queue): State<Queue>, Path(id): Path<i64>) -> Response {
    whole(&queue, move |connection| {
        let sql = format!(r#"SELECT {COLUMNS} FROM "flights" WHERE "id" = ? LIMIT ?"#);
        let mut body = Vec::with_capacity(512);
        each_row(connection, &sql, &[&id, &1], |row, keys| write_row(&mut body, row, keys))?;
        Ok(body)
    })
    .await
}

async fn page(State(queue): State<Queue>, Path(origin): Path<String>) -> Response {
    whole(&queue, move |connection| {
        let sql = format!(
            r#"SELECT {COLUMNS} FROM "flights" WHERE "origin" = ? AND "dep_delay" > ? ORDER BY "dep_delay" DESC, "id" DESC LIMIT ?"#
        );
        list(connection, &sql, &[&origin, &60, &25], 16 * 1024)
    })
    .await
}

async fn thousand(State(queue): State<Queue>) -> Response {
    whole(&queue, |connection| {
        let sql = format!(r#"SELECT {COLUMNS} FROM "flights" ORDER BY "id" LIMIT ?"#);
        list(connection, &sql, &[&1000], 512 * 1024)
    })
    .await
}

async fn export(State(queue): State<Queue>) -> Response {
    let (chunks, body) = stream::channel(WAITING_CHUNKS);
    let job: Job = Box::new(move |connection| {
        if let Err(error) = export_rows(connection, &chunks) {
            let _ = chunks.blocking_send(Err(error));
        }
    });
    if queue.send(job).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    json(Body::from_stream(futures_util::stream::unfold(body, async |mut body| {
        let chunk = body.recv().await?;
        Some((chunk, body))
    })))
}

fn export_rows(connection: &Connection, chunks: &Chunks) -> rusqlite::Result<()> {
    let sql = format!(r#"SELECT {COLUMNS} FROM "flights" ORDER BY "id" LIMIT ?"#);
    let mut chunk = Vec::with_capacity(CHUNK + 1024);
    chunk.extend_from_slice(b"{\"resource\":[");
    let mut is_first = true;
    each_row(connection, &sql, &[&400_000], |row, keys| {
        separate(&mut chunk, &mut is_first);
        write_row(&mut chunk, row, keys)?;
        if chunk.len() >= CHUNK {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK + 1024));
            // The client is gone.
            chunks.blocking_send(Ok(full.into())).map_err(|_| rusqlite::Error::InvalidQuery)?;
        }
        Ok(())
    })?;
    chunk.extend_from_slice(b"]}");
    let _ = chunks.blocking_send(Ok(chunk.into()));
    Ok(())
}

/// Runs a job on one of the threads and answers with its bytes.
async fn whole(
    queue: &Queue,
    job: impl FnOnce(&Connection) -> rusqlite::Result<Vec<u8>> + Send + 'static,
) -> Response {
    let (send, receive) = oneshot::channel();
    let job: Job = Box::new(move |connection| drop(send.send(job(connection))));
    if queue.send(job).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    match receive.await {
        Ok(Ok(body)) => json(Body::from(body)),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn json(body: Body) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache, private")], body).into_response()
}

fn list(
    connection: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
    capacity: usize,
) -> rusqlite::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(capacity);
    body.extend_from_slice(b"{\"resource\":[");
    let mut is_first = true;
    each_row(connection, sql, values, |row, keys| {
        separate(&mut body, &mut is_first);
        write_row(&mut body, row, keys)
    })?;
    body.extend_from_slice(b"]}");
    Ok(body)
}

fn separate(out: &mut Vec<u8>, is_first: &mut bool) {
    if !std::mem::take(is_first) {
        out.push(b',');
    }
}

/// Runs a cached statement and hands over each row with the bytes `"name":` of its columns.
fn each_row(
    connection: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
    mut each: impl FnMut(&rusqlite::Row<'_>, &[Vec<u8>]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let keys: Vec<Vec<u8>> =
        statement.column_names().map(|name| format!("\"{name}\":").into_bytes()).collect();
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        each(row, &keys)?;
    }
    Ok(())
}

fn write_row(out: &mut Vec<u8>, row: &rusqlite::Row<'_>, keys: &[Vec<u8>]) -> rusqlite::Result<()> {
    for (index, key) in keys.iter().enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        out.extend_from_slice(key);
        write_value(out, row.get_ref(index)?);
    }
    out.push(b'}');
    Ok(())
}

fn write_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    // Writing into memory can't fail.
    let _ = match value {
        ValueRef::Integer(value) => serde_json::to_writer(out, &value),
        ValueRef::Real(value) => serde_json::to_writer(out, &value),
        ValueRef::Text(text) => serde_json::to_writer(out, std::str::from_utf8(text).unwrap_or_default()),
        ValueRef::Null | ValueRef::Blob(_) => out.write_all(b"null").map_err(serde_json::Error::io),
    };
}
