//! The flights in MySQL or MariaDB: the driver's own pool, which keeps statements prepared.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder, Params, Pool, PoolConstraints, PoolOpts, Row, Value};
use serde_json::Value as Json;

use super::landing::{Landing, single};
use super::related::{
    ABOVE, AIRLINE, AIRPORT, BELOW, ByKey, FLIGHTS, Flight, NAME, distinct, joined, place, placeholders,
};
use super::{COLUMNS, Chunks, EXPORTED, List, Pieces, answered, columns, keys, streamed, write};
use crate::Failure;

/// The handlers, on the database of this configuration.
pub(super) fn router(config: &Json) -> Result<Router, Failure> {
    let text = |name: &str| config.get(name).and_then(Json::as_str);
    let connections = 2 * std::thread::available_parallelism()?.get();
    let constraints = PoolConstraints::new(connections, connections).ok_or("a pool without connections")?;
    let options = OptsBuilder::default()
        .ip_or_hostname(text("host").unwrap_or_default())
        .tcp_port(u16::try_from(config.get("port").and_then(Json::as_u64).unwrap_or_default())?)
        .db_name(text("database"))
        .user(text("username"))
        .pass(text("password"))
        .setup(vec!["SET time_zone = '+00:00'"])
        // Given back, a connection keeps its prepared statements, as in the connector.
        .pool_opts(PoolOpts::default().with_constraints(constraints).with_reset_connection(false));
    Ok(Router::new()
        .route("/row/{id}", get(row))
        .route("/page/{origin}", get(page))
        .route("/thousand", get(thousand))
        .route("/export", get(export))
        .route("/related", get(related))
        .route("/semi", get(semi))
        .route("/landings", post(insert))
        .with_state(Pool::new(options)))
}

async fn row(State(pool): State<Pool>, Path(id): Path<i32>) -> Response {
    answered(one(&pool, id).await)
}

async fn one(pool: &Pool, id: i32) -> Result<Vec<u8>, Failure> {
    let sql = format!("SELECT {} FROM `flights` WHERE `id` = ? LIMIT ?", columns(&COLUMNS, '`'));
    let row: Option<Row> = pool.get_conn().await?.exec_first(sql, (id, 1)).await?;
    let mut body = Vec::with_capacity(512);
    write_row(&mut body, &row.ok_or("no such flight")?, &keys(&COLUMNS));
    Ok(body)
}

async fn insert(State(pool): State<Pool>, body: Bytes) -> Response {
    answered(insert_one(&pool, &body).await)
}

async fn insert_one(pool: &Pool, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let Landing { carrier, flight, origin, dest, delay, note } = single(body)?;
    let mut connection = pool.get_conn().await?;
    let sql = "INSERT INTO `landings` (`carrier`, `flight`, `origin`, `dest`, `delay`, `note`) VALUES (?, ?, ?, ?, ?, ?)";
    connection.exec_drop(sql, (carrier, flight, origin, dest, delay, note)).await?;
    let id = connection.last_insert_id().ok_or("a row without a key")?;
    Ok(format!("{{\"resource\":[{{\"id\":{id}}}]}}").into_bytes())
}

async fn page(State(pool): State<Pool>, Path(origin): Path<String>) -> Response {
    let sql = format!(
        "SELECT {} FROM `flights` WHERE `origin` = ? AND `dep_delay` > ? ORDER BY `dep_delay` DESC, `id` DESC LIMIT ?",
        columns(&COLUMNS, '`')
    );
    answered(list(&pool, sql, (origin, 60, 25).into(), 16 * 1024).await)
}

async fn thousand(State(pool): State<Pool>) -> Response {
    answered(list(&pool, in_order(), (1000,).into(), 512 * 1024).await)
}

async fn semi(State(pool): State<Pool>) -> Response {
    let sql = format!(
        "SELECT {} FROM `flights` WHERE `id` > ? AND `id` < ? AND EXISTS (SELECT 1 FROM `airlines` WHERE `airlines`.`carrier` = `flights`.`carrier` AND `name` = ?) ORDER BY `id` LIMIT ?",
        columns(&COLUMNS, '`')
    );
    answered(list(&pool, sql, (ABOVE, BELOW, NAME, FLIGHTS).into(), 16 * 1024).await)
}

async fn related(State(pool): State<Pool>) -> Response {
    answered(with_related(&pool).await)
}

async fn with_related(pool: &Pool) -> Result<Vec<u8>, Failure> {
    let mut connection = pool.get_conn().await?;
    let keys = keys(&COLUMNS);
    let (carrier, origin) = (place("carrier"), place("origin"));
    let mut flights = Vec::new();
    let mut rows = connection.exec_iter(in_order(), (FLIGHTS,)).await?;
    while let Some(row) = rows.next().await? {
        let mut json = Vec::with_capacity(512);
        write_row(&mut json, &row, &keys);
        let text = |place: usize| row.get(place).ok_or("a flight without an airline or airport");
        flights.push(Flight { json, carrier: text(carrier)?, origin: text(origin)? });
    }
    drop(rows);
    let carriers = distinct(&flights, |flight| &flight.carrier);
    let airlines = by_key(&mut connection, "airlines", &carriers, &AIRLINE).await?;
    let origins = distinct(&flights, |flight| &flight.origin);
    let airports = by_key(&mut connection, "airports", &origins, &AIRPORT).await?;
    Ok(joined(&flights, &airlines, &airports))
}

async fn by_key(
    connection: &mut Conn,
    table: &str,
    wanted: &[&str],
    names: &[&str],
) -> Result<ByKey, Failure> {
    let (mut found, keys) = (ByKey::new(), keys(names));
    let key = names.first().copied().unwrap_or_default();
    let (columns, places) = (columns(names, '`'), placeholders(wanted));
    let sql = format!("SELECT {columns} FROM `{table}` WHERE `{key}` IN ({places})");
    let values = wanted.iter().map(Value::from).collect();
    let mut rows = connection.exec_iter(sql, Params::Positional(values)).await?;
    while let Some(row) = rows.next().await? {
        let mut json = Vec::with_capacity(256);
        write_row(&mut json, &row, &keys);
        found.insert(row.get(0).ok_or("a row without a key")?, json);
    }
    Ok(found)
}

fn in_order() -> String {
    format!("SELECT {} FROM `flights` ORDER BY `id` LIMIT ?", columns(&COLUMNS, '`'))
}

async fn list(pool: &Pool, sql: String, values: Params, capacity: usize) -> Result<Vec<u8>, Failure> {
    let (mut list, keys) = (List::new(capacity), keys(&COLUMNS));
    let mut connection = pool.get_conn().await?;
    let mut rows = connection.exec_iter(sql, values).await?;
    while let Some(row) = rows.next().await? {
        write_row(list.row(), &row, &keys);
    }
    Ok(list.end())
}

async fn export(State(pool): State<Pool>) -> Response {
    let (chunks, response) = streamed();
    tokio::spawn(async move {
        if let Err(error) = export_rows(&pool, &chunks).await {
            let _ = chunks.send(Err(error)).await;
        }
    });
    response
}

async fn export_rows(pool: &Pool, chunks: &Chunks) -> Result<(), Failure> {
    let (mut pieces, keys) = (Pieces::new(), keys(&COLUMNS));
    let mut connection = pool.get_conn().await?;
    let mut rows = connection.exec_iter(in_order(), (EXPORTED,)).await?;
    while let Some(row) = rows.next().await? {
        write_row(pieces.row(), &row, &keys);
        if let Some(full) = pieces.full() {
            chunks.send(Ok(full)).await?;
        }
    }
    Ok(chunks.send(Ok(pieces.end())).await?)
}

fn write_row(out: &mut Vec<u8>, row: &Row, keys: &[Vec<u8>]) {
    for (index, key) in keys.iter().enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        out.extend_from_slice(key);
        match row.as_ref(index) {
            Some(Value::Double(number)) => write(out, number),
            Some(Value::Int(number)) => write(out, number),
            Some(Value::Bytes(text)) => write(out, std::str::from_utf8(text).unwrap_or_default()),
            Some(Value::Date(year, month, day, hour, minute, second, _)) => {
                write(out, &format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"));
            }
            _ => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
}
