//! The answer of a write: rows as the driver reads them.

use connector_api::Result;
use connector_api::author::RowSink;
use connector_common::written;
use mysql_async::Value;

use crate::types::{Reader, write_row};

/// Rows with what reads their cells.
pub(crate) type Written = written::Written<Reader, Vec<Value>>;

/// Keeps a row that goes back.
///
/// # Errors
/// Too many rows.
pub(super) fn keep_row(written: &mut Written, row: Vec<Value>) -> Result<()> {
    let bytes = row.iter().map(size).sum();
    written.returned.push(row, bytes)
}

fn size(value: &Value) -> usize {
    let inner = if let Value::Bytes(bytes) = value { bytes.len() } else { 0 };
    size_of::<Value>() + inner
}

/// Hands the answer to the gateway.
///
/// # Errors
/// When nobody waits for it any more.
pub(crate) async fn send(written: Written, out: &mut RowSink) -> Result<()> {
    let (readers, rows) = written.announce(out);
    for row in &rows {
        write_row(out, |place| row.get(place), &readers)?;
        out.end_row().await?;
    }
    Ok(())
}
