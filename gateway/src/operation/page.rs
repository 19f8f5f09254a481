//! A page of rows as an answer: streamed while it comes, whole when it fits into one batch.

use std::time::Instant;

use bytes::Bytes;
use connector_api::Error;
use connector_api::model::{Count, Value};
use serde_json::{Map, Value as Json};

use super::Owner;
use super::records::Target;
use crate::connectors::{Batch, RowStream};
use crate::error::ApiError;
use crate::pipeline::{Answer, AnswerBody};
use crate::plan;
use crate::request::TableRead;
use crate::response::Document;

/// What stands beside the rows.
#[derive(Debug)]
pub(super) struct Meta {
    /// All rows that match, where the request asked for it.
    pub(super) count: Option<u64>,
    /// The table's description, where the request asked for it.
    pub(super) schema: Option<Json>,
    /// The most rows of this page.
    pub(super) limit: u64,
    /// Rows skipped.
    pub(super) offset: u64,
    /// The limit is the service's own, and one row more was asked for.
    pub(super) is_capped: bool,
}

/// Starts the read and answers as soon as its first batch is there.
pub(super) async fn answer(
    target: &Target<'_>,
    read: &plan::Read,
    mut document: Document,
    mut meta: Meta,
    request: &TableRead,
) -> Result<Answer, ApiError> {
    let owner = target.owner.clone();
    let count = how_to_count(target, &document, &mut meta, request).await?;
    let total = meta.count;
    let began = Instant::now();
    let stream = target.start(read).await?;
    let mut body = Vec::with_capacity(1024);
    document.begin(&mut body, meta.is_capped || meta.count.is_some() || meta.schema.is_some());
    let mut page = Page { owner, stream, document, meta, count, began, has_more: false, is_over: false };
    page.advance(&mut body).await?;
    if page.stream.is_over() {
        page.finish(&mut body).await?;
        return Ok(Answer { total, ..Answer::new(AnswerBody::Ready(body.into())) });
    }
    let rest = futures_util::stream::try_unfold(page, |mut page| async move {
        Ok(page.chunk().await?.map(|chunk| (chunk, page)))
    });
    let first = futures_util::stream::iter([Ok(Bytes::from(body))]);
    let chunks = Box::pin(futures_util::StreamExt::chain(first, rest));
    Ok(Answer { total, ..Answer::new(AnswerBody::Streamed(chunks)) })
}

/// How to count the rows of a page that the service's maximum may cut, where nobody asked for their number; `None`: not needed. A bare
/// list can't be begun before it is known that nothing will stand beside it, so there they are counted first.
async fn how_to_count(
    target: &Target<'_>,
    document: &Document,
    meta: &mut Meta,
    request: &TableRead,
) -> Result<Option<(Count, Vec<Value>)>, ApiError> {
    meta.is_capped &= document.has_meta();
    if !meta.is_capped || meta.count.is_some() {
        return Ok(None);
    }
    let count = target.plan(|scope| plan::count(request, scope)).ok();
    if let Some((shape, params)) = count.as_ref().filter(|_| document.is_bare()) {
        meta.is_capped = target.owner.count(shape, params).await? > meta.limit;
    }
    Ok(count)
}

/// A page on its way.
struct Page {
    owner: Owner,
    stream: RowStream,
    document: Document,
    meta: Meta,
    /// How to count, should the page turn out not to be the last.
    count: Option<(Count, Vec<Value>)>,
    began: Instant,
    has_more: bool,
    is_over: bool,
}

impl Page {
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
        let Some(batch) = self.stream.next().await else { return Ok(false) };
        let written = batch.and_then(|batch| self.write(&batch, body));
        written.map(|()| true).map_err(|error| self.owner.failed(error))
    }

    fn write(&mut self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), Error> {
        let mut row = Vec::new();
        for mut section in batch.sections() {
            self.document.columns(&section.columns().names)?;
            let is_direct = self.document.is_direct();
            while if is_direct { section.next_row()? } else { section.read_row(&mut row)? } {
                if self.document.rows() == self.meta.limit {
                    self.has_more = true;
                    break;
                }
                if is_direct {
                    self.document.row_of_cells(body, || section.next_cell())?;
                } else {
                    self.document.row(body, &row)?;
                }
            }
        }
        Ok(())
    }

    /// Appends what stands behind the rows.
    async fn finish(&mut self, body: &mut Vec<u8>) -> Result<(), ApiError> {
        let rows = self.document.rows();
        let statement = self.stream.summary().and_then(|summary| summary.statement.as_deref());
        self.owner.log_statement(statement, self.began, rows);
        let meta = self.meta(rows).await?;
        self.document.end(body, meta);
        Ok(())
    }

    /// The count is shown when it was asked for, or when the service's maximum cut the answer; the next offset then too.
    async fn meta(&mut self, rows: u64) -> Result<Map<String, Json>, ApiError> {
        let Meta { limit, offset, is_capped, .. } = self.meta;
        let is_asked = self.meta.count.is_some();
        let total = match self.meta.count {
            Some(count) => Some(count),
            None if !is_capped => None,
            // Behind the last row of a page that is not full there is nothing.
            None if !self.has_more && (rows > 0 || offset == 0) => Some(offset.saturating_add(rows)),
            None => self.total().await?,
        };
        let mut meta = Map::new();
        if let Some(total) = total.filter(|total| is_asked || *total > limit) {
            meta.insert("count".to_owned(), Json::from(total));
        }
        let is_more = match total {
            Some(total) if is_asked => total.saturating_sub(offset) > limit,
            _ => self.has_more,
        };
        if is_more {
            meta.insert("next".to_owned(), Json::from(offset.saturating_add(limit)));
        }
        if let Some(schema) = self.meta.schema.take() {
            meta.insert("schema".to_owned(), schema);
        }
        Ok(meta)
    }

    async fn total(&mut self) -> Result<Option<u64>, ApiError> {
        match self.count.take() {
            Some((shape, params)) => self.owner.count(&shape, &params).await.map(Some),
            None => Ok(None),
        }
    }
}

/// Rows that are already JSON, wrapped, with what stands beside them.
pub(super) fn wrapped<'r>(rows: impl Iterator<Item = &'r [u8]>, meta: Map<String, Json>) -> Answer {
    let mut body = b"{\"resource\":[".to_vec();
    for (index, row) in rows.enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(row);
    }
    body.push(b']');
    if !meta.is_empty() {
        body.extend_from_slice(b",\"meta\":");
        body.extend_from_slice(Json::Object(meta).to_string().as_bytes());
    }
    body.push(b'}');
    Answer::json(body)
}
