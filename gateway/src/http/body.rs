//! Bodies of requests: bytes off the socket, counted, into a document or a stream of records.

use std::pin::Pin;

use axum::body::{Body, HttpBody};
use bytes::{Buf, Bytes, BytesMut};
use serde_json::Value as Json;

use super::gzip::Gzip;
use super::progress::Progress;
use crate::error::ApiError;
use crate::pipeline::RecordStream;
use crate::request::Record;
use crate::request::body::{Records, document};
use crate::request::media::BodyMedia;

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The largest document, and the largest single record, in bytes.
    pub(super) document: u64,
    /// All records of a stream together, in bytes; `None`: any number.
    pub(super) stream: Option<u64>,
}

/// What a body was.
pub(super) enum Payload {
    /// Nothing.
    None,
    /// JSON, or what was made JSON of another form.
    Document(BodyMedia, Json),
    /// Records, still to be read.
    Records(BodyMedia, RecordStream),
}

/// What is known about a body before its bytes.
pub(super) struct Announced<'a> {
    /// `Content-Type`, if there was one.
    pub(super) content_type: Option<&'a str>,
    /// `Content-Encoding`, if there was one.
    pub(super) encoding: Option<&'a str>,
    /// Records are read one by one here, where the form allows it.
    pub(super) takes_records: bool,
}

/// Reads a document to its end, or begins to read records.
///
/// # Errors
/// A form that is not read, a body that is not what it is said to be, is too large or can't be read.
pub(super) async fn read(
    body: Body,
    announced: Announced<'_>,
    limits: Limits,
    progress: Progress,
) -> Result<Payload, ApiError> {
    if body.is_end_stream() {
        return Ok(Payload::None);
    }
    // Who waits for the word to go on (`Expect: 100-continue`) is told before sending anything.
    if body.size_hint().lower() > limits.document && !announced.may_be_records() {
        return Err(ApiError::body_too_large(limits.document));
    }
    let gzip = if announced.is_compressed()? { Some(Gzip::new()) } else { None };
    let mut chunks = Chunks { body, gzip, progress, limit: None, taken: 0 };
    let Some(begun) = chunks.begin(limits.document).await? else { return Ok(Payload::None) };
    let media = media(&announced, &begun)?;
    if announced.takes_records && media.is_records() {
        chunks.limit(limits.stream)?;
        let largest = usize::try_from(limits.document).unwrap_or(usize::MAX);
        let records = records(chunks, begun, Records::new(media, largest));
        return Ok(Payload::Records(media, records));
    }
    chunks.limit(Some(limits.document))?;
    let bytes = chunks.rest(begun).await?;
    Ok(Payload::Document(media, document(media, &bytes)?))
}

impl Announced<'_> {
    /// # Errors
    /// A compression that is not undone.
    fn is_compressed(&self) -> Result<bool, ApiError> {
        match self.encoding {
            None => Ok(false),
            Some(name) if name.eq_ignore_ascii_case("identity") => Ok(false),
            Some(name) if name.eq_ignore_ascii_case("gzip") => Ok(true),
            Some(name) => Err(ApiError::unsupported_encoding(name)),
        }
    }

    fn may_be_records(&self) -> bool {
        let said = self.content_type.and_then(BodyMedia::of);
        self.takes_records && said.is_none_or(BodyMedia::is_records)
    }
}

/// The form of a body. What is sent as a form and begins as JSON is JSON: a form has its braces encoded, and `curl -d` calls
/// everything a form.
fn media(announced: &Announced<'_>, begun: &[u8]) -> Result<BodyMedia, ApiError> {
    let first = begun.trim_ascii_start().strip_prefix(b"\xef\xbb\xbf").unwrap_or(begun);
    let looks_like =
        first.trim_ascii_start().first().map_or(BodyMedia::Json, |byte| BodyMedia::of_first_byte(*byte));
    match announced.content_type.filter(|name| !name.trim().is_empty()) {
        None => Ok(looks_like),
        Some(name) => match BodyMedia::of(name) {
            Some(BodyMedia::Form) if looks_like == BodyMedia::Json => Ok(BodyMedia::Json),
            Some(media) => Ok(media),
            None => Err(ApiError::unsupported_body(BodyMedia::names())),
        },
    }
}

/// The bytes of a body as they come.
struct Chunks {
    body: Body,
    gzip: Option<Gzip>,
    progress: Progress,
    /// Bytes at most, decompressed; `None`: any number.
    limit: Option<u64>,
    taken: u64,
}

impl Chunks {
    /// The next bytes; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let bytes = self.plain().await?;
        let size = bytes.as_ref().map_or(0, Bytes::len);
        self.taken = self.taken.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
        self.limit(self.limit)?;
        Ok(bytes)
    }

    /// The next bytes, decompressed.
    async fn plain(&mut self) -> Result<Option<Bytes>, ApiError> {
        let broken = |_| ApiError::broken_body();
        loop {
            if let Some(bytes) = self.gzip.as_mut().map_or(Ok(None), Gzip::next).map_err(broken)? {
                return Ok(Some(bytes));
            }
            let sent = self.sent().await?;
            match (sent, &mut self.gzip) {
                (Some(bytes), Some(gzip)) => gzip.take(bytes),
                (None, Some(gzip)) => return gzip.end().map_err(broken),
                (sent, None) => return Ok(sent),
            }
        }
    }

    /// The next bytes as they were sent.
    async fn sent(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let frame = std::future::poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await;
            let Some(frame) = frame else {
                self.progress.end();
                return Ok(None);
            };
            let frame = frame.map_err(|_| ApiError::broken_body())?;
            match frame.into_data() {
                Ok(bytes) if !bytes.is_empty() => {
                    self.progress.note(bytes.len());
                    return Ok(Some(bytes));
                }
                _ => {}
            }
        }
    }

    /// Sets the limit, which must not have been passed already.
    fn limit(&mut self, limit: Option<u64>) -> Result<(), ApiError> {
        self.limit = limit;
        match limit {
            Some(limit) if self.taken > limit => Err(ApiError::body_too_large(limit)),
            _ => Ok(()),
        }
    }

    /// Bytes up to one that is not blank; `None`: the body is empty. So many may be blank.
    async fn begin(&mut self, blank: u64) -> Result<Option<Bytes>, ApiError> {
        let Some(begun) = self.next().await? else { return Ok(None) };
        if !is_blank(&begun) {
            return Ok(Some(begun));
        }
        let mut begun = BytesMut::from(begun);
        // So many are blank and never looked at again: they may come one by one.
        let mut passed: usize = 0;
        while let Some(rest) = begun.get(passed..).filter(|rest| is_blank(rest)) {
            passed = begun.len().saturating_sub(rest.trim_ascii_start().len());
            if self.taken > blank {
                return Err(ApiError::body_too_large(blank));
            }
            let Some(more) = self.next().await? else { break };
            begun.extend_from_slice(&more);
        }
        Ok(Some(begun.freeze()))
    }

    async fn rest(&mut self, begun: Bytes) -> Result<Bytes, ApiError> {
        let Some(more) = self.next().await? else { return Ok(begun) };
        let mut all = BytesMut::from(begun);
        all.extend_from_slice(&more);
        while let Some(more) = self.next().await? {
            all.extend_from_slice(&more);
        }
        Ok(all.freeze())
    }
}

/// Whether these bytes do not say yet what they are the beginning of.
fn is_blank(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start(), [] | [0xef] | [0xef, 0xbb] | [0xef, 0xbb, 0xbf])
}

/// Records on their way.
struct Reading {
    chunks: Chunks,
    /// Bytes that came and are not read yet.
    held: Bytes,
    records: Records,
    /// Nothing can be read any more.
    is_over: bool,
}

fn records(chunks: Chunks, held: Bytes, records: Records) -> RecordStream {
    let reading = Reading { chunks, held, records, is_over: false };
    Box::pin(futures_util::stream::unfold(Some(reading), |reading| async move {
        let mut reading = reading?;
        let record = reading.next().await.transpose()?;
        let rest = (!reading.is_over).then_some(reading);
        Some((record, rest))
    }))
}

impl Reading {
    /// The next record or the error of one, after which the next may be read, unless it is over.
    async fn next(&mut self) -> Result<Option<Record>, ApiError> {
        loop {
            let mut rest = &*self.held;
            let found = self.records.next(&mut rest);
            let read = self.held.len() - rest.len();
            self.held.advance(read);
            match found {
                Ok(None) => {}
                Err(error) if error.ends_body() => return Err(self.over(error.into())),
                found => return Ok(found?),
            }
            match self.chunks.next().await {
                Ok(Some(bytes)) => self.held = bytes,
                Ok(None) => {
                    self.is_over = true;
                    return Ok(self.records.end()?);
                }
                Err(error) => return Err(self.over(error)),
            }
        }
    }

    fn over(&mut self, error: ApiError) -> ApiError {
        self.is_over = true;
        error
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
