//! Tables that the author has made by hand: each has to hold the rows of the list. One that is empty, or not there yet in a store that
//! makes tables on the first write, is filled through the connector.

use connector_api::ErrorKind;
use connector_api::model::{ColumnType, Value};

use super::Outcome;
use super::change::{self, End};
use super::peer::{CALL_TIME, Peer, context, full};
use super::quirks::normal;
use super::tables::Stored;

/// Records of one insert.
const RECORDS: usize = 100;

/// Checks and fills the tables, in their order. Nothing is ever deleted.
///
/// # Errors
/// The first table that holds something else, or can't be filled.
pub async fn fill(peer: &Peer, tables: &[Stored]) -> Outcome {
    for stored in tables {
        let of = stored.view_of.as_ref().and_then(|name| tables.iter().find(|table| table.name() == name));
        one(peer, stored, &of.unwrap_or(stored).rows).await.map_err(|what| {
            format!(
                "table '{}' of the suite: {what}; make the tables anew, as `--print-tables` lists them",
                stored.name()
            )
        })?;
    }
    Ok(())
}

async fn one(peer: &Peer, stored: &Stored, rows: &[Vec<Value>]) -> Outcome {
    let columns = columns(peer, stored);
    let expected = sorted(as_read(peer, stored, rows)?);
    let found = match peer.rows(&peer.ask(stored.name(), &columns)).await {
        Ok(rows) => sorted(rows),
        Err(error) if error.kind == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(full(&error)),
    };
    if found == expected {
        return Ok(());
    }
    if !found.is_empty() || stored.view_of.is_some() {
        return Err(format!(
            "it holds {} rows, which are not the {} of the list",
            found.len(),
            expected.len()
        ));
    }
    if !peer.offers("insert") {
        return Err("it is empty, and the connector does not declare `insert`".to_owned());
    }
    let shape = change::insert(peer.name(stored.name()), &columns);
    let rows = as_written(stored, rows);
    let most = peer.service.capabilities().max_records.and_then(|most| usize::try_from(most).ok());
    for records in rows.chunks(most.unwrap_or(RECORDS).clamp(1, RECORDS)) {
        let answer = change::send(&peer.service, &shape, (records, &[]), context(CALL_TIME)).await;
        let ends = answer.map_err(|error| full(&error))?.ends;
        if let Some(end) = ends.iter().find(|end| **end != End::Done) {
            return Err(format!(
                "the connector can't write a row of the list ({end:?}), so fill it by other means"
            ));
        }
    }
    Ok(())
}

/// The columns that can be written: those that no description names only where the service takes them.
fn columns<'s>(peer: &Peer, stored: &'s Stored) -> Vec<&'s str> {
    let others = stored.undescribed.iter().filter(|_| peer.offers("open_columns"));
    stored.columns().into_iter().chain(others.map(String::as_str)).collect()
}

/// The rows as this store gives them back, with as many cells as there are columns.
fn as_read(peer: &Peer, stored: &Stored, rows: &[Vec<Value>]) -> Result<Vec<Vec<Value>>, String> {
    let described = stored.table.columns.iter().map(|column| Some(column.data_type));
    let types: Vec<_> = described.chain(stored.undescribed.iter().map(|_| None)).collect();
    let types = types.get(..columns(peer, stored).len()).unwrap_or_default();
    let cell = |(data_type, value): (&Option<ColumnType>, &Value)| match data_type {
        Some(data_type) => peer.quirks.read(*data_type, value),
        None => Ok(peer.quirks.held(&normal(value))),
    };
    rows.iter().map(|row| types.iter().zip(row).map(cell).collect()).collect()
}

/// The rows as they are sent: one that has no value for a column that no description names does not have the column.
fn as_written(stored: &Stored, rows: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let described = stored.table.columns.len();
    let mut rows = rows.to_vec();
    for cell in rows.iter_mut().flat_map(|row| row.iter_mut().skip(described)) {
        if *cell == Value::Null {
            *cell = Value::Absent;
        }
    }
    rows
}

/// Rows have no order of their own.
fn sorted(rows: Vec<Vec<Value>>) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort_unstable();
    rows
}
