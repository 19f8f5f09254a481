//! Tables that the author has made by hand: each has to hold the rows of the list. One that is empty, or not there yet in a store that
//! makes tables on the first write, is filled through the connector.

use connector_api::ErrorKind;
use connector_api::model::Value;

use super::change::{self, End};
use super::peer::{CALL_TIME, Peer, context, full};
use super::tables::Stored;
use super::{Outcome, same};

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
    let expected = sorted(as_read(peer, stored, rows)?);
    let found = match peer.rows(&peer.ask(stored.name(), &stored.columns())).await {
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
    let shape = change::insert(peer.name(stored.name()), &stored.columns());
    let most = peer.service.capabilities().max_records.and_then(|most| usize::try_from(most).ok());
    for records in rows.chunks(most.unwrap_or(RECORDS).clamp(1, RECORDS)) {
        let answer = change::send(&peer.service, &shape, (records, &[]), context(CALL_TIME)).await;
        let ends = answer.map_err(|error| full(&error))?.ends;
        let refused = ends.iter().find(|end| **end != End::Done);
        same("why the connector can't fill it", &refused, &None)?;
    }
    Ok(())
}

/// The rows as this store gives them back.
fn as_read(peer: &Peer, stored: &Stored, rows: &[Vec<Value>]) -> Result<Vec<Vec<Value>>, String> {
    let columns = &stored.table.columns;
    let row = |row: &Vec<Value>| {
        columns.iter().zip(row).map(|(column, value)| peer.quirks.read(column.data_type, value)).collect()
    };
    rows.iter().map(row).collect()
}

/// Rows have no order of their own.
fn sorted(rows: Vec<Vec<Value>>) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort_unstable();
    rows
}
