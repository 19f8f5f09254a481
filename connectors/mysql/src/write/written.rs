//! What came of a write: how many rows were touched, which go back, which records failed. Kept until the write is permanent.

use connector_api::author::{Affected, Outcome, RowSink};
use connector_api::{Error, ErrorKind, Result};
use mysql_async::Value;

use crate::types::{Reader, write_row};

/// The most that the rows which go back may take in memory.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The answer of a write.
#[derive(Default)]
pub(crate) struct Written {
    columns: Vec<(String, Reader)>,
    pub(super) rows: Vec<Vec<Value>>,
    bytes: usize,
    pub(super) outcomes: Vec<Outcome>,
    affected: Affected,
    pub(super) statement: Option<String>,
    /// Nothing of it may stay.
    pub(super) is_undone: bool,
}

impl Written {
    /// Nothing so far. `counted` has a zero for what is to be counted.
    pub(super) fn nothing(columns: Vec<(String, Reader)>, counted: Affected) -> Self {
        Self { columns, affected: counted, ..Self::default() }
    }

    /// Keeps a row.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] when all rows together are too large.
    pub(super) fn push(&mut self, row: Vec<Value>) -> Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        self.bytes += row.iter().map(size).sum::<usize>();
        if self.bytes > MAX_BYTES {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "the rows that the write gives back are larger than 64 MB; write fewer rows at once, or ask for fewer columns",
            )
            .with_reason("too_many_rows"));
        }
        self.rows.push(row);
        Ok(())
    }

    /// Adds to what is counted.
    pub(super) fn count(&mut self, touched: u64) {
        for count in [&mut self.affected.matched, &mut self.affected.changed].into_iter().flatten() {
            *count = count.saturating_add(touched);
        }
    }

    /// All of it is to be undone.
    pub(super) fn undo(&mut self, counted: Affected) {
        self.is_undone = true;
        self.rows.clear();
        self.affected = counted;
    }

    /// Hands the answer to the gateway.
    ///
    /// # Errors
    /// When nobody waits for it any more.
    pub(crate) async fn send(self, out: &mut RowSink) -> Result<()> {
        let summary = out.summary();
        summary.statement = self.statement;
        summary.affected = Some(self.affected);
        self.outcomes.into_iter().for_each(|outcome| out.outcome(outcome));
        if self.columns.is_empty() {
            return Ok(());
        }
        let (names, readers): (Vec<_>, Vec<_>) = self.columns.into_iter().unzip();
        out.columns(names.iter().map(String::as_str));
        for row in &self.rows {
            write_row(out, |place| row.get(place), &readers)?;
            out.end_row().await?;
        }
        Ok(())
    }
}

fn size(value: &Value) -> usize {
    let inner = if let Value::Bytes(bytes) = value { bytes.len() } else { 0 };
    size_of::<Value>() + inner
}
