//! The flights in PostgreSQL: a pool of connections, each with its statements prepared once.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use connector_api::model::Timestamp;
use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use futures_util::TryStreamExt as _;
use serde_json::Value as Json;
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, NoTls, Row, Statement};

use super::landing::{Landing, single};
use super::related::{ABOVE, AIRLINE, AIRPORT, BELOW, ByKey, FLIGHTS, Flight, NAME, distinct, joined, place};
use super::{COLUMNS, Chunks, EXPORTED, List, Pieces, answered, columns, keys, streamed, write};
use crate::Failure;

type Pool = managed::Pool<Manager>;

/// The handlers, on the database of this configuration.
pub(super) async fn router(config: &Json) -> Result<Router, Failure> {
    let text = |name: &str| config.get(name).and_then(Json::as_str).unwrap_or_default();
    let mut login = tokio_postgres::Config::new();
    login.host(text("host")).dbname(text("database")).user(text("username")).password(text("password"));
    login.port(u16::try_from(config.get("port").and_then(Json::as_u64).unwrap_or_default())?);
    let connections = 2 * std::thread::available_parallelism()?.get();
    let pool = Pool::builder(Manager { login }).max_size(connections).build()?;
    // A wrong configuration is told at once.
    drop(pool.get().await.map_err(|error| error.to_string())?);
    Ok(Router::new()
        .route("/row/{id}", get(row))
        .route("/page/{origin}", get(page))
        .route("/thousand", get(thousand))
        .route("/export", get(export))
        .route("/related", get(related))
        .route("/semi", get(semi))
        .route("/landings", post(insert))
        .with_state(pool))
}

const INSERT: &str = r#"INSERT INTO "landings" ("carrier", "flight", "origin", "dest", "delay", "note") VALUES ($1, $2, $3, $4, $5, $6) RETURNING "id""#;

struct Manager {
    login: tokio_postgres::Config,
}

/// A connection and its statements.
struct Connection {
    client: Client,
    row: Statement,
    page: Statement,
    in_order: Statement,
    airlines: Statement,
    airports: Statement,
    semi: Statement,
    insert: Statement,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        let (client, connection) = self.login.connect(NoTls).await?;
        tokio::spawn(connection);
        let of_airline = columns(&AIRLINE, '"');
        let of_airport = columns(&AIRPORT, '"');
        let columns = columns(&COLUMNS, '"');
        let row = format!(r#"SELECT {columns} FROM "flights" WHERE "id" = $1 LIMIT $2"#);
        let page = format!(
            r#"SELECT {columns} FROM "flights" WHERE "origin" = $1 AND "dep_delay" > $2 ORDER BY "dep_delay" DESC, "id" DESC LIMIT $3"#
        );
        let in_order = format!(r#"SELECT {columns} FROM "flights" ORDER BY "id" LIMIT $1"#);
        let airlines = format!(r#"SELECT {of_airline} FROM "airlines" WHERE "carrier" = ANY($1)"#);
        let airports = format!(r#"SELECT {of_airport} FROM "airports" WHERE "faa" = ANY($1)"#);
        let semi = format!(
            r#"SELECT {columns} FROM "flights" WHERE "id" > $1 AND "id" < $2 AND EXISTS (SELECT 1 FROM "airlines" WHERE "airlines"."carrier" = "flights"."carrier" AND "name" = $3) ORDER BY "id" LIMIT $4"#
        );
        Ok(Connection {
            row: client.prepare(&row).await?,
            page: client.prepare(&page).await?,
            in_order: client.prepare(&in_order).await?,
            airlines: client.prepare(&airlines).await?,
            airports: client.prepare(&airports).await?,
            semi: client.prepare(&semi).await?,
            insert: client.prepare(INSERT).await?,
            client,
        })
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<tokio_postgres::Error> {
        if connection.client.is_closed() { Err(RecycleError::message("closed")) } else { Ok(()) }
    }
}

async fn row(State(pool): State<Pool>, Path(id): Path<i32>) -> Response {
    answered(one(&pool, id).await)
}

async fn one(pool: &Pool, id: i32) -> Result<Vec<u8>, Failure> {
    let connection = pool.get().await.map_err(|error| error.to_string())?;
    let row = connection.client.query_one(&connection.row, &[&id, &1_i64]).await?;
    let mut body = Vec::with_capacity(512);
    write_row(&mut body, &row, &keys(&COLUMNS))?;
    Ok(body)
}

async fn insert(State(pool): State<Pool>, body: Bytes) -> Response {
    answered(insert_one(&pool, &body).await)
}

async fn insert_one(pool: &Pool, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let Landing { carrier, flight, origin, dest, delay, note } = single(body)?;
    let connection = pool.get().await.map_err(|error| error.to_string())?;
    let values: [&(dyn ToSql + Sync); 6] = [&carrier, &flight, &origin, &dest, &delay, &note];
    let row = connection.client.query_one(&connection.insert, &values).await?;
    Ok(format!("{{\"resource\":[{{\"id\":{}}}]}}", row.try_get::<_, i32>(0)?).into_bytes())
}

async fn page(State(pool): State<Pool>, Path(origin): Path<String>) -> Response {
    answered(list(&pool, |connection| &connection.page, &[&origin, &60_i32, &25_i64], 16 * 1024).await)
}

async fn thousand(State(pool): State<Pool>) -> Response {
    answered(list(&pool, |connection| &connection.in_order, &[&1000_i64], 512 * 1024).await)
}

async fn semi(State(pool): State<Pool>) -> Response {
    let limit = i64::from(FLIGHTS);
    answered(list(&pool, |connection| &connection.semi, &[&ABOVE, &BELOW, &NAME, &limit], 16 * 1024).await)
}

async fn related(State(pool): State<Pool>) -> Response {
    answered(with_related(&pool).await)
}

async fn with_related(pool: &Pool) -> Result<Vec<u8>, Failure> {
    let connection = pool.get().await.map_err(|error| error.to_string())?;
    let keys = keys(&COLUMNS);
    let (carrier, origin) = (place("carrier"), place("origin"));
    let mut flights = Vec::new();
    for row in connection.client.query(&connection.in_order, &[&i64::from(FLIGHTS)]).await? {
        let mut json = Vec::with_capacity(512);
        write_row(&mut json, &row, &keys)?;
        flights.push(Flight { json, carrier: row.try_get(carrier)?, origin: row.try_get(origin)? });
    }
    let carriers = distinct(&flights, |flight| &flight.carrier);
    let airlines = by_key(&connection.client, &connection.airlines, &carriers, &AIRLINE).await?;
    let origins = distinct(&flights, |flight| &flight.origin);
    let airports = by_key(&connection.client, &connection.airports, &origins, &AIRPORT).await?;
    Ok(joined(&flights, &airlines, &airports))
}

async fn by_key(
    client: &Client,
    statement: &Statement,
    wanted: &[&str],
    names: &[&str],
) -> Result<ByKey, Failure> {
    let (mut found, keys) = (ByKey::new(), keys(names));
    for row in client.query(statement, &[&wanted]).await? {
        let mut json = Vec::with_capacity(256);
        write_row(&mut json, &row, &keys)?;
        found.insert(row.try_get(0)?, json);
    }
    Ok(found)
}

async fn list(
    pool: &Pool,
    statement: fn(&Connection) -> &Statement,
    values: &[&(dyn ToSql + Sync)],
    capacity: usize,
) -> Result<Vec<u8>, Failure> {
    let connection = pool.get().await.map_err(|error| error.to_string())?;
    let (mut list, keys) = (List::new(capacity), keys(&COLUMNS));
    for row in connection.client.query(statement(&connection), values).await? {
        write_row(list.row(), &row, &keys)?;
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
    let connection = pool.get().await.map_err(|error| error.to_string())?;
    let (mut pieces, keys) = (Pieces::new(), keys(&COLUMNS));
    let rows = connection.client.query_raw(&connection.in_order, [i64::from(EXPORTED)]).await?;
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await? {
        write_row(pieces.row(), &row, &keys)?;
        if let Some(full) = pieces.full() {
            chunks.send(Ok(full)).await?;
        }
    }
    Ok(chunks.send(Ok(pieces.end())).await?)
}

fn write_row(out: &mut Vec<u8>, row: &Row, keys: &[Vec<u8>]) -> Result<(), tokio_postgres::Error> {
    for (index, (key, column)) in keys.iter().zip(row.columns()).enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        out.extend_from_slice(key);
        match *column.type_() {
            Type::FLOAT8 => write(out, &row.try_get::<_, Option<f64>>(index)?),
            Type::INT4 => write(out, &row.try_get::<_, Option<i32>>(index)?),
            Type::TIMESTAMP => write(out, &row.try_get::<_, Option<Moment>>(index)?.map(|moment| moment.0)),
            _ => write(out, &row.try_get::<_, Option<&str>>(index)?),
        }
    }
    out.push(b'}');
    Ok(())
}

/// A day and time as it is written. The server sends microseconds since 2000-01-01.
/// <https://www.postgresql.org/docs/15/protocol-overview.html#PROTOCOL-FORMAT-CODES>
struct Moment(String);

impl<'a> FromSql<'a> for Moment {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        let micros = i64::from_sql(kind, raw)? + 946_684_800_000_000;
        let nanos = u32::try_from(micros.rem_euclid(1_000_000))? * 1000;
        let moment = Timestamp { seconds: micros.div_euclid(1_000_000), nanos };
        Ok(Self(moment.to_string()))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMP
    }
}
