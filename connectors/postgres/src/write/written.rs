//! The answer of a write: the server's own rows, kept as they came.

use connector_api::Result;
use connector_api::author::RowSink;
use connector_common::written;
use tokio_postgres::Row;

use crate::types::{Reader, write_row};

/// Rows know how they are read.
pub(crate) type Written = written::Written<(), Row>;

/// Keeps a row that goes back.
///
/// # Errors
/// Too many rows.
pub(super) fn keep(written: &mut Written, row: Row) -> Result<()> {
    let bytes = row.raw_size_bytes() + size_of::<Row>();
    written.returned.push(row, bytes)
}

/// Hands the answer to the gateway.
///
/// # Errors
/// When nobody waits for it any more.
pub(crate) async fn send(written: Written, out: &mut RowSink) -> Result<()> {
    let (columns, rows) = written.announce(out);
    let (mut readers, mut scratch) = (Vec::new(), String::new());
    for row in &rows {
        // Behind the columns there may be what the check says.
        let columns = row.columns().get(..columns.len()).unwrap_or_default();
        if readers.is_empty() {
            readers = Reader::of_columns(columns)?;
        }
        write_row(out, row, &readers, &mut scratch)?;
        out.end_row().await?;
    }
    Ok(())
}
