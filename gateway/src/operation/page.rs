//! A page of rows as an answer: streamed while it comes, whole when it fits into one batch.

use std::time::Duration;

use bytes::Bytes;
use connector_api::Error;
use connector_api::model::batch::Cell;
use connector_api::model::{Count, Value};
use serde_json::{Map, Value as Json};

use super::Owner;
use super::cursor::{Cursor, placeless};
use super::keys::json_of_cell;
use super::related::Row;
use crate::connectors::{Batch, RowStream};
use crate::error::ApiError;
use crate::pipeline::{Answer, AnswerBody};
use crate::plan;
use crate::response::{Document, RowEncoder, append_list};
use crate::trail::Kind;

/// What stands beside the rows.
#[derive(Debug)]
pub(super) struct Meta {
    /// How `meta.count` is found.
    pub(super) counting: Counting,
    /// The table's description, where the request asked for it.
    pub(super) schema: Option<Json>,
    /// What goes on from this page, where the request goes by cursor.
    pub(super) cursor: Option<Cursor>,
    /// Something may stand beside the rows, so that a bare list will not do.
    pub(super) is_expected: bool,
    /// The most rows of this page. Where the answer says whether there are more, one more is asked for.
    pub(super) limit: u64,
    /// Rows skipped.
    pub(super) offset: u64,
    /// The service can skip a number of rows.
    pub(super) can_skip: bool,
    /// All rows that a cursor goes through, whatever the page.
    pub(super) base: Option<plan::Read>,
}

/// How `meta.count` is found.
#[derive(Debug)]
pub(super) enum Counting {
    /// It was asked for and is known.
    Asked(u64),
    /// It is shown when the service's maximum cuts the answer.
    IfCut {
        /// How to count, should the page turn out not to be the last.
        shape: Box<Count>,
        /// The parameters of the count.
        params: Vec<Value>,
        /// Rows of the answer are rows of the table: behind the last one there is nothing to count.
        is_by_row: bool,
    },
    /// It is not shown.
    Off,
}

/// Starts the read and answers as soon as its first batch is there. Of several reads each goes on where the one before had no more rows.
pub(super) async fn answer(
    owner: &Owner,
    reads: Vec<plan::Read>,
    mut document: Document,
    meta: Meta,
) -> Result<Answer, ApiError> {
    let total = meta.total();
    let mut body = Vec::with_capacity(1024);
    document.begin(&mut body, meta.is_expected);
    let mut page = Page::start(owner, reads, document, meta).await?;
    loop {
        if !page.advance(&mut body).await? {
            page.finish(&mut body).await?;
            return Ok(Answer { total, ..Answer::new(AnswerBody::Ready(body.into())) });
        }
        // What is left of an answer that is there needs no waiting.
        if page.stream.as_ref().is_some_and(|stream| !stream.is_over()) {
            break;
        }
    }
    let rest = futures_util::stream::try_unfold(page, |mut page| async move {
        Ok(page.chunk().await?.map(|chunk| (chunk, page)))
    });
    let first = futures_util::stream::iter([Ok(Bytes::from(body))]);
    let chunks = Box::pin(futures_util::StreamExt::chain(first, rest));
    Ok(Answer { total, ..Answer::new(AnswerBody::Streamed(chunks)) })
}

/// The rows of a page, of which no more than `room` bytes are held, and what stands beside them. The rows have the values of `lead`.
pub(super) async fn held(
    owner: &Owner,
    reads: Vec<plan::Read>,
    document: Document,
    meta: Meta,
    held: Held,
) -> Result<(Vec<Row>, Map<String, Json>), ApiError> {
    let mut page = Page::start(owner, reads, document, meta).await?;
    page.held = Some(held);
    let mut nothing = Vec::new();
    while page.advance(&mut nothing).await? {
        if page.held.as_ref().is_some_and(|held| held.is_full) {
            break;
        }
    }
    let meta = page.meta().await?;
    let held = page.held.take().ok_or_else(ApiError::internal)?;
    Ok((held.into_rows()?, meta))
}

/// Rows that are not written yet, because something is still put into them.
pub(super) struct Held {
    encoder: RowEncoder,
    lead: Vec<String>,
    rows: Vec<Row>,
    /// How many bytes there may be, and how many more.
    most: usize,
    room: usize,
    is_full: bool,
}

impl Held {
    /// Holds rows with the values of these columns, as many bytes as this.
    pub(super) fn new(encoder: RowEncoder, lead: Vec<String>, most: usize) -> Self {
        Self { encoder, lead, rows: Vec::new(), most, room: most, is_full: false }
    }

    pub(super) fn take(&mut self, names: &[String], row: &[Cell<'_>]) -> Result<(), Error> {
        let mut json = Vec::with_capacity(256);
        self.encoder.columns(names)?;
        self.encoder.write_alone(&mut json, row)?;
        let places = RowEncoder::places_of(names, &self.lead)?;
        let lead = places.iter().filter_map(|place| row.get(*place)).copied().map(json_of_cell);
        let row = Row { json, lead: lead.collect::<Result<_, _>>()? };
        match self.room.checked_sub(row.json.len()) {
            Some(room) if !self.is_full => {
                self.room = room;
                self.rows.push(row);
            }
            _ => self.is_full = true,
        }
        Ok(())
    }

    /// # Errors
    /// There were more bytes.
    pub(super) fn into_rows(self) -> Result<Vec<Row>, ApiError> {
        if self.is_full { Err(ApiError::rows_too_large(self.most)) } else { Ok(self.rows) }
    }
}

impl Meta {
    /// How many rows match in all, where that was asked for.
    pub(super) fn total(&self) -> Option<u64> {
        if let Counting::Asked(total) = self.counting { Some(total) } else { None }
    }
}

/// A page on its way.
struct Page {
    owner: Owner,
    /// `None`: nothing is left to read.
    stream: Option<RowStream>,
    /// What goes on where the stream ends.
    reads: std::vec::IntoIter<plan::Read>,
    document: Document,
    meta: Meta,
    /// Rows of the reads that are over.
    rows_before: u64,
    has_more: bool,
    is_over: bool,
    /// Rows go here instead of into the document.
    held: Option<Held>,
}

impl Page {
    async fn start(
        owner: &Owner,
        reads: Vec<plan::Read>,
        document: Document,
        meta: Meta,
    ) -> Result<Self, ApiError> {
        let mut reads = reads.into_iter();
        let stream = match reads.next() {
            Some(read) => Some(owner.start(&read).await?),
            None => None,
        };
        let (owner, rows_before, has_more, is_over) = (owner.clone(), 0, false, false);
        Ok(Self { owner, stream, reads, document, meta, rows_before, has_more, is_over, held: None })
    }

    /// The next bytes; `None` after the end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        if self.is_over {
            return Ok(None);
        }
        let mut body = Vec::with_capacity(64 * 1024);
        if !self.advance(&mut body).await? {
            self.finish(&mut body).await?;
            self.is_over = true;
        }
        Ok(Some(body.into()))
    }

    /// Appends the next batch of rows; `false`: there was none.
    async fn advance(&mut self, body: &mut Vec<u8>) -> Result<bool, ApiError> {
        while let Some(stream) = &mut self.stream {
            if let Some(batch) = stream.next().await {
                let began = self.owner.request_id.begin();
                let written = batch.and_then(|batch| self.write(&batch, body));
                self.owner.request_id.end(Kind::Encode, began);
                return written.map(|()| true).map_err(|error| self.owner.failed(error));
            }
            self.go_on().await?;
        }
        Ok(false)
    }

    /// The stream has ended: the next read begins, unless the page is full.
    async fn go_on(&mut self) -> Result<(), ApiError> {
        let statement = self.stream.as_ref().and_then(|stream| stream.summary()?.statement.as_deref());
        let rows = self.document.rows().saturating_sub(self.rows_before);
        let took = self.stream.as_ref().map_or(Duration::ZERO, RowStream::waited);
        self.owner.log_statement(statement, took, rows);
        let token = self.stream.as_ref().and_then(|stream| stream.summary()?.next.as_deref());
        if let (Some(token), Some(cursor)) =
            (token, self.meta.cursor.as_mut().filter(|cursor| !cursor.is_by_row()))
        {
            cursor.keep_token(token);
            self.has_more = true;
        }
        self.rows_before = self.document.rows();
        let next = if self.has_more { None } else { self.reads.next() };
        self.stream = match next {
            Some(read) => Some(self.owner.start(&read).await?),
            None => None,
        };
        Ok(())
    }

    fn write(&mut self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), Error> {
        // As JSON most rows are larger than they came, for each of them has the names of its columns.
        body.reserve(2 * batch.bytes());
        let mut row = Vec::new();
        for mut section in batch.sections() {
            self.document.columns(&section.columns().names)?;
            loop {
                // The last row of a page by cursor is looked at once more, and so is the one behind it.
                let is_by_row = self.meta.cursor.as_ref().is_some_and(Cursor::is_by_row);
                let has_guesses = self.meta.cursor.as_ref().is_some_and(Cursor::has_guesses);
                let is_kept = is_by_row && (has_guesses || self.document.rows() + 1 >= self.meta.limit);
                let is_direct = self.document.is_direct() && !is_kept && self.held.is_none();
                if !(if is_direct { section.next_row()? } else { section.read_row(&mut row)? }) {
                    break;
                }
                if self.document.rows() == self.meta.limit {
                    self.has_more = true;
                    if let Some(cursor) = &self.meta.cursor {
                        cursor.check_next(&section.columns().names, &row)?;
                    }
                    break;
                }
                if let Some(held) = &mut self.held {
                    held.take(&section.columns().names, &row)?;
                    self.document.skip_row();
                } else if is_direct {
                    self.document.row_of_cells(body, || section.next_cell())?;
                } else {
                    self.document.row(body, &row)?;
                }
                if let (true, Some(cursor)) = (is_kept, &mut self.meta.cursor) {
                    cursor.keep(&section.columns().names, &row)?;
                }
            }
        }
        Ok(())
    }

    /// Appends what stands behind the rows.
    async fn finish(&mut self, body: &mut Vec<u8>) -> Result<(), ApiError> {
        let meta = self.meta().await?;
        self.document.end(body, meta);
        Ok(())
    }

    /// At the end of a walk: refuses rows that were behind none of those that were shown, for their values can't be compared with them.
    async fn refuse_strays(&mut self) -> Result<(), ApiError> {
        let (Some(cursor), Some(base)) = (&self.meta.cursor, &self.meta.base) else { return Ok(()) };
        let reads: Vec<plan::Read> =
            cursor.guesses().map(|(column, value)| base.incomparable(column, value)).collect();
        for read in reads {
            if has_rows(self.owner.clone(), read).await? {
                return Err(ApiError::from_connector(&placeless()));
            }
        }
        Ok(())
    }

    /// The count, what goes on from here, the description of the table: each where there is one.
    async fn meta(&mut self) -> Result<Map<String, Json>, ApiError> {
        if !self.has_more {
            self.refuse_strays().await?;
        }
        let mut meta = Map::new();
        if let Some(count) = self.count().await? {
            meta.insert("count".to_owned(), Json::from(count));
        }
        match &self.meta.cursor {
            _ if !self.has_more => {}
            Some(cursor) => {
                let token = cursor.token()?.map(Json::from);
                // A store's own token may stand for an offset as well.
                let as_offset = token.clone().filter(|_| !cursor.is_by_row());
                meta.extend(as_offset.map(|token| ("next".to_owned(), token)));
                meta.extend(token.map(|token| ("next_cursor".to_owned(), token)));
            }
            None if !self.meta.can_skip => {}
            None => {
                let next = self.meta.offset.saturating_add(self.meta.limit);
                meta.insert("next".to_owned(), Json::from(next));
            }
        }
        if let Some(schema) = self.meta.schema.take() {
            meta.insert("schema".to_owned(), schema);
        }
        Ok(meta)
    }

    /// The count as it is shown: where it was asked for, or where the service's maximum cut the answer.
    async fn count(&mut self) -> Result<Option<u64>, ApiError> {
        let Meta { limit, offset, .. } = self.meta;
        let rows = self.document.rows();
        let total = match &self.meta.counting {
            Counting::Asked(count) => return Ok(Some(*count)),
            Counting::Off => return Ok(None),
            Counting::IfCut { is_by_row: false, .. } if !self.has_more => return Ok(None),
            // Behind the last row of a page that is not full there is nothing.
            Counting::IfCut { .. } if !self.has_more && (rows > 0 || offset == 0) => {
                offset.saturating_add(rows)
            }
            Counting::IfCut { shape, params, .. } => self.owner.count(shape, params).await?,
        };
        Ok(Some(total).filter(|total| *total > limit))
    }
}

async fn has_rows(owner: Owner, read: plan::Read) -> Result<bool, ApiError> {
    let (mut stream, mut count) = (owner.start(&read).await?, 0);
    while let Some(batch) = stream.next().await {
        count += batch.map_err(|error| owner.failed(error))?.row_count();
    }
    Ok(count > 0)
}

/// Rows that are already JSON, wrapped, with what stands beside them.
pub(super) fn wrapped<'r>(rows: impl Iterator<Item = &'r [u8]>, meta: Map<String, Json>) -> Answer {
    let mut body = b"{\"resource\":".to_vec();
    append_list(&mut body, rows);
    if !meta.is_empty() {
        body.extend_from_slice(b",\"meta\":");
        body.extend_from_slice(Json::Object(meta).to_string().as_bytes());
    }
    body.push(b'}');
    Answer::json(body)
}
