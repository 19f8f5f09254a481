//! The answer of a routine as it comes, counted.

use std::time::Instant;

use connector_api::Error;

use crate::connectors::{Batch, RowStream};
use crate::operation::Owner;

/// An answer on its way.
pub(super) struct Rows {
    stream: RowStream,
    first: Option<Batch>,
    began: Instant,
    count: u64,
}

impl Rows {
    /// Waits until the routine has begun to answer, or has ended.
    ///
    /// # Errors
    /// The connector's.
    pub(super) async fn begin(mut stream: RowStream) -> Result<Self, Error> {
        let began = Instant::now();
        let first = stream.next().await.transpose()?;
        Ok(Self { stream, first, began, count: 0 })
    }

    /// The next rows; `None`: there are no more.
    pub(super) async fn next(&mut self) -> Option<Result<Batch, Error>> {
        let batch = match self.first.take() {
            Some(first) => Some(Ok(first)),
            None => self.stream.next().await,
        };
        if let Some(Ok(batch)) = &batch {
            self.count += batch.row_count();
        }
        batch
    }

    /// How many rows came so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether everything has come: what is left needs no waiting.
    pub(super) fn is_over(&self) -> bool {
        self.stream.is_over()
    }

    /// Logs the statement, at the end.
    pub(super) fn log(&self, owner: &Owner) {
        let statement = self.stream.summary().and_then(|summary| summary.statement.as_deref());
        owner.log_statement(statement, self.began.elapsed(), self.count);
    }
}
