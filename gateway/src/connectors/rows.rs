//! What a call answers: batches of rows, then outcomes and a summary. Checks the frames and their order; cells are decoded once,
//! by whoever writes them out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use connector_api::abi::Buffer;
use connector_api::model::batch::{
    Cell, Frame, FrameReader, MAX_MESSAGE_BYTES, Malformed, RowsFrame, SetFrame, SetRole,
};
use connector_api::model::{Outcome, Summary};
use connector_api::{Error, Result};
use tokio::sync::OwnedSemaphorePermit;

use super::guard::GuardedCall;
use super::service::Service;
use super::watched::Timing;

/// Messages without a row that one answer may hold: the announcement of columns, outcomes, the end, and many more than that.
const MAX_EMPTY_MESSAGES: u32 = 10_000;

/// The most that an answer may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Rows of all sets together.
    pub rows: u64,
    /// Outcomes.
    pub outcomes: usize,
}

/// What columns are called, by the store's names of those that are called otherwise.
pub type Renames = Arc<HashMap<String, String>>;

/// The columns of a result set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Number of the set, ascending.
    pub set: u16,
    /// What its rows are.
    pub role: SetRole,
    /// In the order of the cells.
    pub names: Arc<[String]>,
}

impl Columns {
    /// The columns that a frame announces.
    fn announced(frame: SetFrame<'_>, expected: Option<&Arc<[String]>>, renames: Option<&Renames>) -> Self {
        let (set, role) = (frame.set, frame.role);
        if let Some(renames) = renames {
            let wanted = |name: &str| expected.is_some_and(|names| names.iter().any(|known| known == name));
            let names = frame.columns.iter().map(|name| renamed(name, renames, wanted).into_owned());
            return Self { set, role, names: names.collect() };
        }
        let is_same = |names: &&Arc<[String]>| frame.columns.iter().eq(names.iter());
        let names = expected.filter(is_same).cloned();
        let names = names.unwrap_or_else(|| frame.columns.iter().map(str::to_owned).collect());
        Self { set, role, names }
    }
}

/// What a column is called, or a member inside of one, where that is what was asked for.
fn renamed<'n>(name: &'n str, renames: &'n Renames, is_wanted: impl Fn(&str) -> bool) -> Cow<'n, str> {
    if let Some(alias) = renames.get(name) {
        return Cow::Borrowed(alias);
    }
    let inside = name.split_once('.').and_then(|(outer, inner)| Some((renames.get(outer)?, inner)));
    let inside = inside.map(|(alias, inner)| format!("{alias}.{inner}")).filter(|name| is_wanted(name));
    inside.map_or(Cow::Borrowed(name), Cow::Owned)
}

/// A running answer. Dropping it cancels the call.
#[derive(Debug)]
pub struct RowStream {
    call: GuardedCall,
    service: Arc<Service>,
    order: Order,
    is_over: bool,
    timing: Option<Timing>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl RowStream {
    pub(super) fn new(
        call: GuardedCall,
        service: Arc<Service>,
        bounds: Bounds,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { call, service, order: Order::new(bounds), is_over: false, timing: None, _permit: permit }
    }

    /// Takes the time of the call, where somebody wants to know.
    pub(super) fn timed(mut self, timing: Option<Timing>) -> Self {
        self.timing = timing;
        self
    }

    /// For how long the connector was waited for; zero where nobody wants to know.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.timing.as_ref().map_or(Duration::ZERO, Timing::waited)
    }

    /// Says which names the columns of the answer most likely have, so that all answers to one question share them.
    #[must_use]
    pub fn expecting(mut self, names: &Arc<[String]>) -> Self {
        self.order.expected = Some(Arc::clone(names));
        self
    }

    /// Says what the columns of the answer are called.
    #[must_use]
    pub fn renaming(mut self, renames: &Renames) -> Self {
        self.order.renames = Some(Arc::clone(renames));
        self
    }

    /// The next rows; `None` at the regular end, after which [`RowStream::summary`] is known. After an error comes `None`.
    pub async fn next(&mut self) -> Option<Result<Batch>> {
        while !self.is_over {
            match self.take().await {
                Ok(batch) if batch.is_empty() => {}
                Ok(batch) => return Some(Ok(batch)),
                Err(error) => {
                    self.is_over = true;
                    self.call.release();
                    self.service.failed(&error);
                    return Some(Err(error));
                }
            }
        }
        None
    }

    async fn take(&mut self) -> Result<Batch> {
        if let Some(timing) = &mut self.timing {
            timing.waits();
        }
        let message = self.call.next().await;
        if let Some(timing) = &mut self.timing {
            timing.waits_no_more();
        }
        let Some(message) = message? else {
            return Err(protocol_error("the answer was cut off: it has no closing frame"));
        };
        let batch = self.order.check(message)?;
        if batch.row_count() > 0 {
            // A long answer is not cut as long as rows come.
            self.call.renew();
        }
        if let Some(timing) = &mut self.timing {
            timing.came(batch.row_count(), self.order.summary.as_ref());
        }
        if self.order.summary.is_some() {
            self.is_over = true;
            self.call.release();
        }
        Ok(batch)
    }

    /// Reads to the end and gives how the call ended; rows are dropped.
    ///
    /// # Errors
    /// The connector's, or a broken rule of the contract.
    pub async fn finish(mut self) -> Result<(Summary, Vec<Outcome>)> {
        while let Some(batch) = self.next().await {
            batch?;
        }
        let summary = self.order.summary.take();
        summary
            .map(|summary| (summary, self.order.outcomes))
            .ok_or_else(|| Error::internal("the call has failed"))
    }

    /// Whether everything has come: what is left of the answer needs no waiting.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The columns announced last; `None` before the first batch.
    #[must_use]
    pub fn columns(&self) -> Option<&Arc<Columns>> {
        self.order.columns.as_ref()
    }

    /// How the call ended; `None` until then.
    #[must_use]
    pub fn summary(&self) -> Option<&Summary> {
        self.order.summary.as_ref()
    }

    /// Outcomes of single records so far.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.order.outcomes
    }
}

/// What has been seen of an answer, and what may still come.
#[derive(Debug)]
struct Order {
    bounds: Bounds,
    empty_messages: u32,
    /// See [`RowStream::expecting`].
    expected: Option<Arc<[String]>>,
    /// See [`RowStream::renaming`].
    renames: Option<Renames>,
    columns: Option<Arc<Columns>>,
    outcomes: Vec<Outcome>,
    summary: Option<Summary>,
}

impl Order {
    fn new(bounds: Bounds) -> Self {
        let (expected, renames, columns, summary) = (None, None, None, None);
        Self { bounds, empty_messages: 0, expected, renames, columns, outcomes: Vec::new(), summary }
    }

    /// Checks the frames of a message and their order.
    fn check(&mut self, message: Buffer) -> Result<Batch> {
        let size = message.as_ref().len();
        if size > MAX_MESSAGE_BYTES {
            return Err(protocol_error(format_args!(
                "a message of {size} bytes, at most {MAX_MESSAGE_BYTES} are allowed"
            )));
        }
        let (mut sections, mut rows) = (Vec::new(), 0);
        let mut reader = FrameReader::new(message.as_ref());
        loop {
            let place = size - reader.rest().len();
            let Some(frame) = reader.next_frame()? else { break };
            if self.summary.is_some() {
                return Err(protocol_error("a frame behind the closing frame"));
            }
            match frame {
                Frame::Set(set) => self.announced(set)?,
                Frame::Rows(frame) => {
                    let columns = self.columns_of(&frame)?;
                    rows += self.counted(&frame, &columns)?;
                    sections.push((place, columns));
                }
                Frame::Outcomes(outcomes) => self.outcomes(outcomes)?,
                Frame::Done(summary) => self.summary = Some(summary),
                Frame::Parameters(_) => return Err(protocol_error("parameters in an answer")),
            }
        }
        self.progress(rows)?;
        Ok(Batch { message, sections, rows })
    }

    fn announced(&mut self, set: SetFrame<'_>) -> Result<()> {
        if self.columns.as_ref().is_some_and(|columns| columns.set > set.set) {
            return Err(protocol_error("a result set that was over is announced again"));
        }
        let columns = Arc::new(Columns::announced(set, self.expected.as_ref(), self.renames.as_ref()));
        self.columns = Some(columns);
        Ok(())
    }

    /// The columns of the rows of a frame.
    fn columns_of(&self, frame: &RowsFrame<'_>) -> Result<Arc<Columns>> {
        let columns = self.columns.clone().filter(|columns| columns.set == frame.set);
        columns.ok_or_else(|| protocol_error("rows without columns announced for them"))
    }

    /// The number of rows in a frame, when so many may come.
    fn counted(&mut self, frame: &RowsFrame<'_>, columns: &Columns) -> Result<u64> {
        let rows = u64::from(frame.count);
        if rows > 0 && columns.names.is_empty() {
            return Err(protocol_error("rows without columns"));
        }
        self.bounds.rows = self
            .bounds
            .rows
            .checked_sub(rows)
            .ok_or_else(|| protocol_error("more rows than were asked for"))?;
        Ok(rows)
    }

    fn outcomes(&mut self, outcomes: Vec<Outcome>) -> Result<()> {
        self.outcomes.extend(outcomes);
        if self.outcomes.len() > self.bounds.outcomes {
            return Err(protocol_error("more outcomes than records"));
        }
        Ok(())
    }

    /// A connector that sends nothing but empty messages would keep a worker busy for ever.
    fn progress(&mut self, rows: u64) -> Result<()> {
        self.empty_messages += u32::from(rows == 0);
        if self.empty_messages > MAX_EMPTY_MESSAGES {
            return Err(protocol_error("too many messages without rows"));
        }
        Ok(())
    }
}

/// The batches of an answer that came in these messages.
#[cfg(fuzzing)]
pub(crate) fn batches(messages: Vec<Vec<u8>>, bounds: Bounds) -> Result<Vec<Batch>> {
    let mut order = Order::new(bounds);
    messages.into_iter().map(|message| order.check(message.into())).collect()
}

pub(super) fn protocol_error(detail: impl std::fmt::Display) -> Error {
    Error::internal("the connector broke the rules of the boundary")
        .with_reason("protocol_error")
        .with_detail(detail)
}

/// Rows as they came, about 32 KiB, at most [`MAX_MESSAGE_BYTES`].
#[derive(Debug)]
pub struct Batch {
    message: Buffer,
    /// Where in the message each frame of rows begins, and what its columns are.
    sections: Vec<(usize, Arc<Columns>)>,
    rows: u64,
}

impl Batch {
    /// Neither rows nor the place for some in it.
    fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// Its size as it came.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.message.as_ref().len()
    }

    /// How many rows, of all sections together, as the connector says: cells that are missing come up while they are read.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.rows
    }

    /// The runs of rows with the same columns, nearly always one.
    pub fn sections(&self) -> impl Iterator<Item = Section<'_>> {
        self.sections.iter().filter_map(|(place, columns)| {
            let frames = self.message.as_ref().get(*place..)?;
            // Every frame was read once when the message came, so nothing is lost here.
            match FrameReader::new(frames).next_frame() {
                Ok(Some(Frame::Rows(rows))) => Some(Section { columns, rows, rows_left: rows.count }),
                _ => None,
            }
        })
    }
}

/// Rows with the same columns.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    columns: &'a Arc<Columns>,
    rows: RowsFrame<'a>,
    rows_left: u32,
}

impl<'a> Section<'a> {
    /// Their columns; the same allocation as in the section before when nothing has changed.
    #[must_use]
    pub fn columns(&self) -> &'a Arc<Columns> {
        self.columns
    }

    /// Goes on to the next row; `false`: no more rows. Its cells come from [`Section::next_cell`], to be called once for each column.
    ///
    /// # Errors
    /// When the bytes break the rules.
    pub fn next_row(&mut self) -> std::result::Result<bool, Malformed> {
        match self.rows_left.checked_sub(1) {
            Some(left) => {
                self.rows_left = left;
                Ok(true)
            }
            None => self.rows.finish().map(|()| false),
        }
    }

    /// The next cell of the row.
    ///
    /// # Errors
    /// When the bytes break the rules.
    #[inline]
    pub fn next_cell(&mut self) -> std::result::Result<Cell<'a>, Malformed> {
        self.rows.next_cell()
    }

    /// Puts the cells of the next row into `row`, one for each column, in place of what was there; `false`: no more rows. Use one
    /// vector for all rows of a batch: no row allocates then.
    ///
    /// # Errors
    /// When the bytes break the rules.
    pub fn read_row(&mut self, row: &mut Vec<Cell<'a>>) -> std::result::Result<bool, Malformed> {
        row.clear();
        if !self.next_row()? {
            return Ok(false);
        }
        for _ in 0..self.columns.names.len() {
            row.push(self.next_cell()?);
        }
        Ok(true)
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
