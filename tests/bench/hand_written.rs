//! What somebody would write who needs just these answers: axum handlers with fixed SQL over the driver. No authentication, no
//! parsing beyond a number in the path, no catalogue, no limits, no cancellation. One module for each store, which does what the store's
//! connector does by default: the same driver, as many connections with the same settings, the same statements; rows become JSON directly.

use std::io::Write as _;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::Failure;
use crate::process::serve_router;
use crate::store::Address;

mod landing;
mod mysql;
mod postgres;
mod related;
mod sqlite;

/// Bytes from which on a piece of an export is sent.
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait for the client.
const WAITING_CHUNKS: usize = 2;
/// Rows of an export.
const EXPORTED: u32 = 100_000;

/// The columns of a flight.
const COLUMNS: [&str; 20] = [
    "id",
    "year",
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "air_time",
    "distance",
    "hour",
    "minute",
    "time_hour",
];

/// Serves the flights of this store.
pub(crate) fn serve(address: &Address) -> Result<(), Failure> {
    let router = Router::new().route("/health", get(async || "ok"));
    match address {
        Address::File(database) => serve_router(async { Ok(router.merge(sqlite::router(database)?)) }),
        Address::Server { store, config } if store == "postgres" => {
            serve_router(async { Ok(router.merge(postgres::router(config).await?)) })
        }
        Address::Server { store, config } if store == "mysql" => {
            serve_router(async { Ok(router.merge(mysql::router(config)?)) })
        }
        Address::Server { store, .. } => Err(format!("nobody has written a server for {store}").into()),
    }
}

/// The columns of a statement, each between these quotes.
fn columns(names: &[&str], quote: char) -> String {
    names.iter().map(|name| format!("{quote}{name}{quote}")).collect::<Vec<_>>().join(", ")
}

/// The bytes `"name":` of each column.
fn keys(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| format!("\"{name}\":").into_bytes()).collect()
}

/// Writes a value as JSON.
fn write<V: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &V) {
    // Writing into memory can't fail.
    let _ = serde_json::to_writer(out, value);
}

/// A list of rows that is written whole.
struct List {
    body: Vec<u8>,
}

impl List {
    fn new(capacity: usize) -> Self {
        let mut body = Vec::with_capacity(capacity);
        body.extend_from_slice(b"{\"resource\":[");
        Self { body }
    }

    /// Where the next row is written.
    fn row(&mut self) -> &mut Vec<u8> {
        if !self.body.ends_with(b"[") {
            self.body.push(b',');
        }
        &mut self.body
    }

    fn end(mut self) -> Vec<u8> {
        self.body.extend_from_slice(b"]}");
        self.body
    }
}

/// Pieces of an answer.
type Chunks = mpsc::Sender<Result<Bytes, Failure>>;

/// A list of rows that is sent in pieces.
struct Pieces {
    chunk: Vec<u8>,
    is_first: bool,
}

impl Pieces {
    fn new() -> Self {
        let mut chunk = Vec::with_capacity(CHUNK + 1024);
        chunk.extend_from_slice(b"{\"resource\":[");
        Self { chunk, is_first: true }
    }

    /// Where the next row is written.
    fn row(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.is_first) {
            self.chunk.push(b',');
        }
        &mut self.chunk
    }

    /// A piece that is large enough to be sent.
    fn full(&mut self) -> Option<Bytes> {
        let is_full = self.chunk.len() >= CHUNK;
        is_full.then(|| std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK + 1024)).into())
    }

    fn end(mut self) -> Bytes {
        self.chunk.extend_from_slice(b"]}");
        self.chunk.into()
    }
}

/// An answer in pieces, and where they go.
fn streamed() -> (Chunks, Response) {
    let (chunks, body) = mpsc::channel(WAITING_CHUNKS);
    let body = futures_util::stream::unfold(body, async |mut body| {
        let chunk = body.recv().await?;
        Some((chunk, body))
    });
    (chunks, json(Body::from_stream(body)))
}

fn json(body: Body) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache, private")], body).into_response()
}

/// An answer that is there, or what went wrong, on the screen of whoever measures.
fn answered(body: Result<Vec<u8>, Failure>) -> Response {
    match body {
        Ok(body) => json(Body::from(body)),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "hand-written server: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
