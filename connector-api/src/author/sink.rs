//! Where a connector writes its rows.

use tokio::sync::mpsc;

use crate::model::batch::{CellWriter, FrameWriter, OpenRows, SetRole, TARGET_BATCH_BYTES};
use crate::model::{Error, ErrorKind, Outcome, Result, Summary};

const LIMIT_REACHED: &str = "limit_reached";
/// Room that is made at once when columns are announced: that of a row as most are, with its columns.
const FIRST_BYTES: usize = 1024;

/// Takes rows and hands them to the gateway in batches of about 32 KiB. When the gateway is slower, [`RowSink::end_row`] waits: that is
/// the back-pressure, and with the drop of the call the cancellation.
///
/// Announce the columns, then write one cell per column (the methods of [`CellWriter`]) and end the row.
#[derive(Debug)]
pub struct RowSink {
    frames: FrameWriter,
    open: Option<OpenRows>,
    set: u16,
    columns: usize,
    cells_in_row: usize,
    rows_in_batch: u32,
    rows_left: u64,
    outcomes: Vec<Outcome>,
    summary: Summary,
    batches: Option<mpsc::Sender<Vec<u8>>>,
}

impl CellWriter for RowSink {
    fn cell(&mut self) -> &mut Vec<u8> {
        self.cells_in_row += 1;
        self.frames.buffer()
    }
}

impl RowSink {
    pub(super) fn new(batches: mpsc::Sender<Vec<u8>>) -> Self {
        Self { batches: Some(batches), ..Self::closed() }
    }

    /// Ends the answer after so many rows.
    pub(super) fn limit_rows(&mut self, limit: u64) {
        self.rows_left = limit;
    }

    /// A sink that takes nothing: what [`RowSink::take`] leaves behind.
    fn closed() -> Self {
        Self {
            frames: FrameWriter::default(),
            open: None,
            set: 0,
            columns: 0,
            cells_in_row: 0,
            rows_in_batch: 0,
            rows_left: u64::MAX,
            outcomes: Vec::new(),
            summary: Summary::default(),
            batches: None,
        }
    }

    /// Moves the sink out, for a thread of one's own; put it back (`*out = sink`) before the call returns.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::closed())
    }

    /// Announces the columns of the rows to come. Called again before other rows, it changes the columns from there on.
    pub fn columns<'a>(&mut self, names: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>) {
        self.begin_set(self.set, SetRole::Rows, names.into_iter());
    }

    /// Starts a further result set, for routines.
    pub fn next_set<'a>(
        &mut self,
        role: SetRole,
        names: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>,
    ) {
        self.begin_set(self.set.saturating_add(1), role, names.into_iter());
    }

    fn begin_set<'a>(&mut self, set: u16, role: SetRole, names: impl ExactSizeIterator<Item = &'a str>) {
        self.close_batch();
        self.set = set;
        self.columns = names.len();
        self.frames.buffer().reserve(FIRST_BYTES);
        self.frames.set(set, role, names);
        self.open_batch();
    }

    /// Ends a row; waits when a batch is full and the gateway is busy. Once the request's limit is reached it answers an error that `?`
    /// passes on and the kit takes as the normal end, so a connector need not count.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] when nobody waits for rows any more or the limit is reached; [`ErrorKind::Internal`] when the row has not one cell
    /// per announced column.
    pub async fn end_row(&mut self) -> Result<()> {
        if let Some(FullBatch { batch, to }) = self.row_ended()? {
            to.send(batch).await.map_err(|_| gone())?;
        }
        self.check_limit()
    }

    /// [`RowSink::end_row`] for a thread of one's own.
    ///
    /// # Errors
    /// As [`RowSink::end_row`].
    pub fn end_row_blocking(&mut self) -> Result<()> {
        if let Some(FullBatch { batch, to }) = self.row_ended()? {
            to.blocking_send(batch).map_err(|_| gone())?;
        }
        self.check_limit()
    }

    /// Says what became of records of a write. Records without an outcome count as done.
    pub fn outcome(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    /// How the answer ends: count, affected rows, next page, statement.
    pub fn summary(&mut self) -> &mut Summary {
        &mut self.summary
    }

    /// Counts the row; when the batch is full, takes it out for sending.
    fn row_ended(&mut self) -> Result<Option<FullBatch>> {
        if self.cells_in_row != self.columns || self.open.is_none() {
            let (cells, columns) = (self.cells_in_row, self.columns);
            return Err(Error::internal("the connector sent a malformed row")
                .with_detail(format_args!("a row has {cells} cells, its set {columns} columns")));
        }
        self.cells_in_row = 0;
        self.rows_in_batch += 1;
        self.rows_left = self.rows_left.saturating_sub(1);
        if self.frames.len() < TARGET_BATCH_BYTES {
            return Ok(None);
        }
        self.close_batch();
        let batch = std::mem::replace(
            &mut self.frames,
            FrameWriter::with_capacity(TARGET_BATCH_BYTES + TARGET_BATCH_BYTES / 8),
        )
        .into_bytes();
        self.open_batch();
        Ok(Some(FullBatch { batch, to: self.batches.clone().ok_or_else(gone)? }))
    }

    fn check_limit(&self) -> Result<()> {
        if self.rows_left > 0 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Cancelled, "the row limit is reached").with_reason(LIMIT_REACHED))
    }

    fn open_batch(&mut self) {
        self.open = Some(self.frames.begin_rows(self.set));
        self.rows_in_batch = 0;
    }

    fn close_batch(&mut self) {
        if let Some(open) = self.open.take() {
            self.frames.end_rows(open, self.rows_in_batch);
        }
    }

    /// The last message: rows that are left, outcomes, the end.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.close_batch();
        if !self.outcomes.is_empty() {
            self.frames.outcomes(&self.outcomes);
        }
        self.frames.done(&self.summary);
        std::mem::take(&mut self.frames).into_bytes()
    }
}

/// A batch that is to be sent, and where to.
struct FullBatch {
    batch: Vec<u8>,
    to: mpsc::Sender<Vec<u8>>,
}

/// Whether an error is the normal end that [`RowSink::end_row`] gives at the limit.
pub(super) fn is_limit_reached(error: &Error) -> bool {
    error.kind == ErrorKind::Cancelled && error.reason.as_deref() == Some(LIMIT_REACHED)
}

fn gone() -> Error {
    Error::new(ErrorKind::Cancelled, "nobody waits for the rows any more")
}
