//! Calls that write: shapes with records, routines, and the transactions around them. What a record means is the shape's matter.

use connector_api::model::{Begin, Call, Delete, Insert, Operation, Selector, Update, Upsert};
use connector_api::{Error, Result};
use serde::Serialize;

use super::Params;
use super::rows::{Bounds, RowStream, protocol_error};
use super::service::{CallContext, Service, SessionId, to_json};

/// The records of a call, encoded by whoever planned them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Records<'a> {
    /// Cells, one record after the other.
    pub cells: &'a [u8],
    /// How many records.
    pub count: u32,
}

impl Records<'_> {
    fn body(&self, params: &Params) -> Vec<u8> {
        let mut frames = params.frames();
        if self.count > 0 {
            let open = frames.begin_rows(0);
            frames.buffer().extend_from_slice(self.cells);
            frames.end_rows(open, self.count);
        }
        frames.into_bytes()
    }

    /// One row at most for each record, if rows are wanted at all.
    fn bounds(&self, returning: usize) -> Bounds {
        Bounds { rows: if returning == 0 { 0 } else { u64::from(self.count) }, outcomes: self.outcomes() }
    }

    /// Rows of a change or removal: by filter any number, and so by a single key, which need not be unique.
    fn bounds_of(&self, rows: &Selector, returning: usize) -> Bounds {
        let is_open = matches!(rows, Selector::Where(_)) || self.count == 1;
        if is_open && returning > 0 {
            return Bounds { rows: u64::MAX, outcomes: self.outcomes() };
        }
        self.bounds(returning)
    }

    fn outcomes(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }
}

impl Service {
    /// Creates rows.
    ///
    /// # Errors
    /// The connector's, as a whole; more come up while the answer is read, and as outcomes of single records.
    pub async fn insert(
        &self,
        shape: &Insert,
        params: &Params,
        records: Records<'_>,
        context: CallContext<'_>,
    ) -> Result<RowStream> {
        let bounds = records.bounds(shape.returning.len());
        self.write(Operation::Insert, shape, &records.body(params), (context, bounds)).await
    }

    /// Changes rows.
    ///
    /// # Errors
    /// As [`Service::insert`].
    pub async fn update(
        &self,
        shape: &Update,
        params: &Params,
        records: Records<'_>,
        context: CallContext<'_>,
    ) -> Result<RowStream> {
        let bounds = records.bounds_of(&shape.rows, shape.returning.len());
        self.write(Operation::Update, shape, &records.body(params), (context, bounds)).await
    }

    /// Creates rows or changes those that exist.
    ///
    /// # Errors
    /// As [`Service::insert`].
    pub async fn upsert(
        &self,
        shape: &Upsert,
        params: &Params,
        records: Records<'_>,
        context: CallContext<'_>,
    ) -> Result<RowStream> {
        let bounds = records.bounds(shape.returning.len());
        self.write(Operation::Upsert, shape, &records.body(params), (context, bounds)).await
    }

    /// Removes rows.
    ///
    /// # Errors
    /// As [`Service::insert`].
    pub async fn delete(
        &self,
        shape: &Delete,
        params: &Params,
        records: Records<'_>,
        context: CallContext<'_>,
    ) -> Result<RowStream> {
        let bounds = records.bounds_of(&shape.rows, shape.returning.len());
        self.write(Operation::Delete, shape, &records.body(params), (context, bounds)).await
    }

    /// Calls a routine. How many rows come is known to nobody, so whoever reads them counts.
    ///
    /// # Errors
    /// The connector's; more come up while the answer is read.
    pub async fn call_routine(
        &self,
        shape: &Call,
        params: &Params,
        context: CallContext<'_>,
    ) -> Result<RowStream> {
        let bounds = Bounds { rows: u64::MAX, outcomes: 0 };
        self.write(Operation::Call, shape, &params.frames().into_bytes(), (context, bounds)).await
    }

    async fn write(
        &self,
        operation: Operation,
        shape: &impl Serialize,
        body: &[u8],
        (context, bounds): (CallContext<'_>, Bounds),
    ) -> Result<RowStream> {
        self.call(operation, (&to_json(shape)?, body), context, bounds).await
    }

    /// Starts a transaction; gives what its calls carry as [`CallContext::session`].
    ///
    /// # Errors
    /// The connector's.
    pub async fn begin(&self, shape: &Begin, context: CallContext<'_>) -> Result<SessionId> {
        let process = self.connector().module().process();
        let none = Bounds { rows: 0, outcomes: 0 };
        let answer = self.call(Operation::Begin, (&to_json(shape)?, &[]), context, none).await?;
        let (summary, _) = answer.finish().await?;
        let number = summary.session.ok_or_else(|| protocol_error("a transaction without a number"))?;
        Ok(SessionId { number, process })
    }

    /// Makes the work of the context's transaction permanent.
    ///
    /// # Errors
    /// The connector's; nothing of the work is kept then, unless the kind says that nobody knows.
    pub async fn commit(&self, context: CallContext<'_>) -> Result<()> {
        self.end(Operation::Commit, context).await
    }

    /// Undoes the work of the context's transaction.
    ///
    /// # Errors
    /// The connector's; the work is then undone when the connector drops the transaction.
    pub async fn rollback(&self, context: CallContext<'_>) -> Result<()> {
        self.end(Operation::Rollback, context).await
    }

    async fn end(&self, operation: Operation, context: CallContext<'_>) -> Result<()> {
        if context.session.is_none() {
            return Err(Error::internal("a transaction was to be ended and none was named"));
        }
        let none = Bounds { rows: 0, outcomes: 0 };
        self.call(operation, (&[], &[]), context, none).await?.finish().await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use connector_api::model::batch::{CellWriter as _, Frame, FrameReader};
    use connector_api::model::{Filter, Path, Value};

    use super::*;

    #[test]
    fn parameters_and_records_stand_in_one_body() {
        let mut cells = Vec::new();
        cells.i64(1);
        cells.absent();
        let params: Params = [Value::Bool(true)].iter().collect();
        let body = Records { cells: &cells, count: 1 }.body(&params);
        let mut frames = FrameReader::new(&body);
        assert!(matches!(frames.next_frame(), Ok(Some(Frame::Parameters(row))) if row.count == 1));
        assert!(matches!(frames.next_frame(), Ok(Some(Frame::Rows(rows))) if rows.count == 1));
        assert_eq!(frames.next_frame(), Ok(None));
    }

    #[test]
    fn rows_are_bounded_by_records_where_each_has_one() {
        let keys = Selector::Keys { columns: vec![Path::column("id")], guard: None };
        let filter = Selector::Where(Filter::Always(true));
        let check = |count: u32, selector: &Selector, returning: usize, rows: u64| {
            let bounds = Records { cells: &[], count }.bounds_of(selector, returning);
            assert_eq!((bounds.rows, bounds.outcomes), (rows, count as usize), "{count} {selector:?}");
        };
        check(3, &keys, 1, 3);
        check(1, &keys, 1, u64::MAX);
        check(3, &keys, 0, 0);
        check(0, &filter, 1, u64::MAX);
        check(1, &filter, 0, 0);
    }
}
