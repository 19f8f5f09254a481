//! New rows as somebody would write it who needs just this table: the body is read whole into a type of its own, and all of its rows are
//! one transaction with one statement. The answer is the keys.

use std::io::Write as _;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::super::landing::{Landing, list};
use super::{List as Rows, Queue, whole};

/// Takes `{"resource": […]}`, or a record on each line.
pub(super) async fn insert(State(queue): State<Queue>, headers: HeaderMap, body: Bytes) -> Response {
    let is_list = headers.get(CONTENT_TYPE).is_some_and(|form| form == "application/json");
    whole(&queue, move |connection| {
        let rows = if is_list { list(&body) } else { lines(&body) };
        let rows = rows.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        insert_all(connection, &rows)
    })
    .await
}

fn lines(body: &[u8]) -> serde_json::Result<Vec<Landing>> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(serde_json::from_slice).collect()
}

fn insert_all(connection: &Connection, rows: &[Landing]) -> rusqlite::Result<Vec<u8>> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let mut answer = Rows::new(rows.len() * 20 + 16);
    {
        let mut statement = transaction.prepare_cached(
            r#"INSERT INTO "landings" ("carrier", "flight", "origin", "dest", "delay", "note") VALUES (?, ?, ?, ?, ?, ?)"#,
        )?;
        for row in rows {
            let Landing { carrier, flight, origin, dest, delay, note } = row;
            let id = statement.insert(params![carrier, flight, origin, dest, delay, note])?;
            // Writing into memory can't fail.
            let _ = write!(answer.row(), "{{\"id\":{id}}}");
        }
    }
    transaction.commit()?;
    Ok(answer.end())
}
