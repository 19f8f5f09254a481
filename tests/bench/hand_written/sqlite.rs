//! The flights in a SQLite file. As the connector does it by default, two threads with a connection each take jobs from one queue.

use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, ToSql};
use tokio::sync::oneshot;

use super::related::{
    ABOVE, AIRLINE, AIRPORT, BELOW, ByKey, FLIGHTS, Flight, NAME, distinct, joined, place, placeholders,
};
use super::{COLUMNS, Chunks, EXPORTED, List, Pieces, answered, columns, keys, streamed, write};
use crate::Failure;

mod insert;

const CONNECTIONS: usize = 2;

type Job = Box<dyn FnOnce(&Connection) + Send>;
type Queue = mpsc::Sender<Job>;

/// The handlers, on this database.
pub(super) fn router(database: &FilePath) -> Result<Router, Failure> {
    let (queue, jobs) = mpsc::channel::<Job>();
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..CONNECTIONS {
        let (jobs, database) = (Arc::clone(&jobs), database.to_path_buf());
        std::thread::Builder::new().spawn(move || work(&jobs, &database))?;
    }
    Ok(Router::new()
        .route("/row/{id}", get(row))
        .route("/page/{origin}", get(page))
        .route("/thousand", get(thousand))
        .route("/export", get(export))
        .route("/related", get(related))
        .route("/semi", get(semi))
        .route("/landings", post(insert::insert))
        .layer(DefaultBodyLimit::disable())
        .with_state(queue))
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
        let sql = format!(r#"SELECT {} FROM "flights" WHERE "id" = ? LIMIT ?"#, columns(&COLUMNS, '"'));
        let mut body = Vec::with_capacity(512);
        each_row(connection, (&sql, &COLUMNS), &[&id, &1], |row, keys| write_row(&mut body, row, keys))?;
        Ok(body)
    })
    .await
}

async fn page(State(queue): State<Queue>, Path(origin): Path<String>) -> Response {
    whole(&queue, move |connection| {
        let sql = format!(
            r#"SELECT {} FROM "flights" WHERE "origin" = ? AND "dep_delay" > ? ORDER BY "dep_delay" DESC, "id" DESC LIMIT ?"#,
            columns(&COLUMNS, '"')
        );
        list(connection, &sql, &[&origin, &60, &25], 16 * 1024)
    })
    .await
}

async fn thousand(State(queue): State<Queue>) -> Response {
    whole(&queue, |connection| list(connection, &in_order(), &[&1000], 512 * 1024)).await
}

async fn semi(State(queue): State<Queue>) -> Response {
    whole(&queue, |connection| {
        let sql = format!(
            r#"SELECT {} FROM "flights" WHERE "id" > ? AND "id" < ? AND EXISTS (SELECT 1 FROM "airlines" WHERE "airlines"."carrier" = "flights"."carrier" AND "name" = ?) ORDER BY "id" LIMIT ?"#,
            columns(&COLUMNS, '"')
        );
        list(connection, &sql, &[&ABOVE, &BELOW, &NAME, &FLIGHTS], 16 * 1024)
    })
    .await
}

async fn related(State(queue): State<Queue>) -> Response {
    whole(&queue, with_related).await
}

fn with_related(connection: &Connection) -> rusqlite::Result<Vec<u8>> {
    let (carrier, origin) = (place("carrier"), place("origin"));
    let mut flights = Vec::new();
    each_row(connection, (&in_order(), &COLUMNS), &[&FLIGHTS], |row, keys| {
        let mut json = Vec::with_capacity(512);
        write_row(&mut json, row, keys)?;
        flights.push(Flight { json, carrier: row.get(carrier)?, origin: row.get(origin)? });
        Ok(())
    })?;
    let carriers = distinct(&flights, |flight| &flight.carrier);
    let airlines = by_key(connection, "airlines", &carriers, &AIRLINE)?;
    let origins = distinct(&flights, |flight| &flight.origin);
    let airports = by_key(connection, "airports", &origins, &AIRPORT)?;
    Ok(joined(&flights, &airlines, &airports))
}

fn by_key(connection: &Connection, table: &str, wanted: &[&str], names: &[&str]) -> rusqlite::Result<ByKey> {
    let mut found = ByKey::new();
    let key = names.first().copied().unwrap_or_default();
    let (columns, places) = (columns(names, '"'), placeholders(wanted));
    let sql = format!(r#"SELECT {columns} FROM "{table}" WHERE "{key}" IN ({places})"#);
    let values: Vec<&dyn ToSql> = wanted.iter().map(|key| key as &dyn ToSql).collect();
    each_row(connection, (&sql, names), &values, |row, keys| {
        let mut json = Vec::with_capacity(256);
        write_row(&mut json, row, keys)?;
        found.insert(row.get(0)?, json);
        Ok(())
    })?;
    Ok(found)
}

fn in_order() -> String {
    format!(r#"SELECT {} FROM "flights" ORDER BY "id" LIMIT ?"#, columns(&COLUMNS, '"'))
}

async fn export(State(queue): State<Queue>) -> Response {
    let (chunks, response) = streamed();
    let job: Job = Box::new(move |connection| {
        if let Err(error) = export_rows(connection, &chunks) {
            let _ = chunks.blocking_send(Err(error.into()));
        }
    });
    if queue.send(job).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    response
}

fn export_rows(connection: &Connection, chunks: &Chunks) -> rusqlite::Result<()> {
    let mut pieces = Pieces::new();
    each_row(connection, (&in_order(), &COLUMNS), &[&EXPORTED], |row, keys| {
        write_row(pieces.row(), row, keys)?;
        if let Some(full) = pieces.full() {
            // The client is gone.
            chunks.blocking_send(Ok(full)).map_err(|_| rusqlite::Error::InvalidQuery)?;
        }
        Ok(())
    })?;
    let _ = chunks.blocking_send(Ok(pieces.end()));
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
        Ok(body) => answered(body.map_err(Failure::from)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn list(
    connection: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
    capacity: usize,
) -> rusqlite::Result<Vec<u8>> {
    let mut list = List::new(capacity);
    each_row(connection, (sql, &COLUMNS), values, |row, keys| write_row(list.row(), row, keys))?;
    Ok(list.end())
}

/// Runs a cached statement and hands over each row with the bytes `"name":` of its columns.
fn each_row(
    connection: &Connection,
    (sql, names): (&str, &[&str]),
    values: &[&dyn ToSql],
    mut each: impl FnMut(&rusqlite::Row<'_>, &[Vec<u8>]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let keys = keys(names);
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
        match row.get_ref(index)? {
            ValueRef::Integer(value) => write(out, &value),
            ValueRef::Real(value) => write(out, &value),
            ValueRef::Text(text) => write(out, std::str::from_utf8(text).unwrap_or_default()),
            ValueRef::Null | ValueRef::Blob(_) => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
    Ok(())
}
