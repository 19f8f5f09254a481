//! What came of a write: how many rows were touched, which go back, which records failed. Kept until the write is permanent.

use connector_api::author::{Affected, Outcome, RowSink};
use connector_api::{Error, ErrorKind, Result};
use tokio_postgres::Row;

use crate::types::{Reader, write_row};

/// The most that the rows which go back may take in memory.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The answer of a write.
#[derive(Default)]
pub(crate) struct Written {
    columns: Vec<String>,
    rows: Vec<Row>,
    bytes: usize,
    pub(super) outcomes: Vec<Outcome>,
    affected: Affected,
    pub(super) statement: Option<String>,
    /// Nothing of it may stay.
    pub(super) is_undone: bool,
}

impl Written {
    /// Nothing so far. `counted` has a zero for what is to be counted.
    pub(super) fn nothing(columns: Vec<String>, counted: Affected) -> Self {
        Self { columns, affected: counted, ..Self::default() }
    }

    /// Cells of a row that goes back.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Keeps a row.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] when all rows together are too large.
    pub(super) fn push(&mut self, row: Row) -> Result<()> {
        self.bytes += size(&row);
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

    /// How far it has come, to go back there.
    pub(super) fn mark(&self) -> (usize, Affected) {
        (self.rows.len(), self.affected)
    }

    /// Forgets what came after the mark.
    pub(super) fn back_to(&mut self, (rows, affected): (usize, Affected)) {
        let forgotten = self.rows.drain(rows..);
        self.bytes -= forgotten.map(|row| size(&row)).sum::<usize>();
        self.affected = affected;
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
        out.columns(self.columns.iter().map(String::as_str));
        let (mut readers, mut scratch) = (Vec::new(), String::new());
        for row in &self.rows {
            // Behind the columns there may be what the check says.
            let columns = row.columns().get(..self.columns.len()).unwrap_or_default();
            if readers.is_empty() {
                readers = Reader::of_columns(columns)?;
            }
            write_row(out, row, &readers, &mut scratch)?;
            out.end_row().await?;
        }
        Ok(())
    }
}

/// What a row takes in memory.
fn size(row: &Row) -> usize {
    row.raw_size_bytes() + size_of::<Row>()
}
