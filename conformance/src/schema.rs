//! Changes of tables: what is made is there at once and as it was asked for, what can't be done leaves everything as it was, and no text of
//! a caller becomes more than a name, a type or a value. Each case makes tables of its own.

mod columns;
mod hostile;
mod identity;
mod keys;
mod tables;

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{Change, ChangeSchema, Column, ColumnType, Operation, Table, TableRef, Value};
use tablegate::connectors::Params;
use tablegate::connectors::rows::Bounds;

use super::change::{self, End, record_ends};
use super::peer::{CALL_TIME, Peer, Rows, context, full, read_rows};
use super::{Case, Outcome, holds, same, sent};

/// What every case needs.
const NEEDS: &[&str] = &["query", "insert", "schema_changes"];
const KEYS: &[&str] = &["query", "insert", "schema_changes", "store.unique_keys"];
const REFERENCES: &[&str] = &["query", "insert", "schema_changes", "store.foreign_keys"];
const DEFAULTS: &[&str] = &["query", "insert", "schema_changes", "store.defaults"];
const NUMBERED: &[&str] = &["query", "insert", "schema_changes", "store.generated_keys"];

pub(super) fn cases() -> Vec<Case> {
    let all = [tables::cases(), columns::cases(), keys::cases(), hostile::cases(), identity::cases()];
    all.into_iter().flatten().collect()
}

/// Sends changes; the end of each.
async fn change(peer: &Peer, changes: Vec<Change>) -> Result<Vec<End>, String> {
    let count = changes.len();
    let shape = ChangeSchema { changes };
    sent::note(Operation::ChangeSchema, &shape);
    let head = serde_json::to_vec(&shape).map_err(|error| error.to_string())?;
    let body = Params::default().frames().into_bytes();
    let bounds = Bounds { rows: 0, outcomes: count };
    let answer = peer.service.call(Operation::ChangeSchema, (&head, &body), context(CALL_TIME), bounds).await;
    let mut answer = answer.map_err(|error| full(&error))?;
    read_rows(&mut answer, &[]).await.map_err(|error| full(&error))?;
    record_ends(&answer, count).map_err(|error| full(&error))
}

/// Changes that all have to be done.
async fn changed(peer: &Peer, changes: Vec<Change>) -> Outcome {
    let expected = vec![End::Done; changes.len()];
    same("ends of changes", &change(peer, changes).await?, &expected)
}

/// One change that has to be refused with this kind of error.
async fn refused(peer: &Peer, what: &str, refused: Change, kind: ErrorKind) -> Outcome {
    let ends = change(peer, vec![refused]).await?;
    let is_refused = matches!(ends.as_slice(), [End::Failed(found, _)] if *found == kind);
    holds(is_refused, || format!("{what}: expected {kind:?}, found {ends:?}"))
}

/// A table with this name in the store, of these columns behind a key `id`.
fn table(peer: &Peer, name: &str, columns: Vec<Column>) -> Table {
    let columns = std::iter::once(required("id", ColumnType::Integer)).chain(columns).collect();
    Table { table: peer.name(name), columns, primary_key: vec!["id".to_owned()], ..Table::default() }
}

fn required(name: &str, data_type: ColumnType) -> Column {
    Column { is_nullable: false, ..Column::new(name, data_type) }
}

fn bounded(name: &str, length: u64) -> Column {
    Column { length: Some(length), ..Column::new(name, ColumnType::String) }
}

/// Makes a table of these columns behind a key `id`.
async fn made(peer: &Peer, name: &str, columns: Vec<Column>) -> Outcome {
    changed(peer, vec![Change::CreateTable(table(peer, name, columns))]).await
}

/// What the store says of a table; `None`: there is none.
async fn described(peer: &Peer, name: &TableRef) -> Result<Option<Table>, String> {
    let found = peer.service.describe_tables(vec![name.clone()], context(CALL_TIME)).await;
    found.map(|found| found.into_iter().next()).map_err(|error| full(&error))
}

/// The same of one that has to be there.
async fn there(peer: &Peer, name: &str) -> Result<Table, String> {
    let found = described(peer, &peer.name(name)).await?;
    found.ok_or_else(|| format!("expected a table '{name}', found none"))
}

/// One of its columns.
async fn column(peer: &Peer, table: &str, name: &str) -> Result<Column, String> {
    let table = there(peer, table).await?;
    let found = table.columns.into_iter().find(|column| column.name == name);
    found.ok_or_else(|| format!("expected a column '{name}', found none"))
}

/// Writes a row; its end.
async fn insert(peer: &Peer, table: &str, columns: &[&str], row: Vec<Value>) -> Result<End, String> {
    let shape = change::insert(peer.name(table), columns);
    let answer = change::send(&peer.service, &shape, (&[row], &[]), context(CALL_TIME)).await;
    let ends = answer.map_err(|error| full(&error))?.ends;
    ends.into_iter().next().ok_or_else(|| "a record without an end".to_owned())
}

/// Writes a row that has to be taken.
async fn inserted(peer: &Peer, table: &str, columns: &[&str], row: Vec<Value>) -> Outcome {
    same("end of a record", &insert(peer, table, columns, row).await?, &End::Done)
}

/// The rows of a table by their first column.
async fn rows(peer: &Peer, table: &str, columns: &[&str]) -> Result<Rows, String> {
    super::read::all(peer, table, columns).await
}

/// A case that is about tables of this store as they are named there.
fn case<F, R>(name: &str, needs: &'static [&'static str], run: F) -> Case
where
    F: Fn(Arc<Peer>) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + Send + 'static,
{
    Case::new(format!("schema::{name}"), needs, run)
}
