//! The answer of a call: rows of a function as they come, everything else when it is known how it ends.

use std::sync::Arc;

use bytes::Bytes;
use connector_api::model::{ResultSets, Routine, RoutineKind};
use futures_util::StreamExt as _;

use super::gathered::{Gathered, TooMuch, shown};
use super::rows::Rows;
use crate::connectors::Batch;
use crate::error::ApiError;
use crate::operation::{Job, Owner};
use crate::pipeline::{Answer, AnswerBody};
use crate::request::RoutineCall;
use crate::request::media::Media;
use crate::response::{Document, Layout, RowFormat, write_cell};

/// Bytes that are held before an answer is begun: until then what goes wrong has a status of its own.
const HELD: usize = 64 * 1024;

/// The name of a column that is a value wherever it stands alone in a row.
const OUTPUT: &str = "output";

/// Reads what the routine gives and answers it.
pub(super) async fn of(
    job: Job<'_>,
    owner: Owner,
    routine: &Routine,
    call: RoutineCall,
    rows: Rows,
) -> Result<Answer, ApiError> {
    let is_plain = call.casts.is_empty() && call.returns.is_none();
    if routine.sets == ResultSets::One && is_plain {
        return Streaming::new(job, owner, routine, &call, rows).answer().await;
    }
    held(job, &owner, routine, &call, rows).await
}

async fn held(
    job: Job<'_>,
    owner: &Owner,
    routine: &Routine,
    call: &RoutineCall,
    mut rows: Rows,
) -> Result<Answer, ApiError> {
    let (most_rows, most_bytes) = (owner.service.max_records(), job.max_held());
    let mut gathered = Gathered::new(&call.casts, job.layout.numbers(), (most_bytes, most_rows));
    while let Some(batch) = rows.next().await {
        let taken = batch.and_then(|batch| gathered.take(&batch));
        taken.map_err(|error| owner.failed(error))?;
        if gathered.excess().is_some() && routine.is_read_only {
            break;
        }
    }
    rows.log(owner);
    match gathered.excess() {
        Some(TooMuch::Rows) => return Err(ApiError::call_of_many_rows(most_rows)),
        Some(TooMuch::Bytes) => return Err(ApiError::call_too_large(most_bytes)),
        None => {}
    }
    let is_rows = call.is_table || call.wrapper.is_some();
    let is_function = routine.kind == RoutineKind::Function;
    let only = if is_function && !is_rows { gathered.only([OUTPUT, &routine.routine.name]) } else { None };
    let body = match (call.returns, gathered.value().or(only)) {
        (Some(to), _) => gathered.single(to),
        (None, Some(value)) => value.to_vec(),
        (None, None) => gathered.body(call.wrapper.as_deref(), &job.layout.wrapper),
    };
    Ok(finished(job.layout, body))
}

/// JSON is sent as it is: names and bare lists were asked for by the call itself.
fn finished(layout: &Layout, body: Vec<u8>) -> Answer {
    match layout.media {
        Media::Json => Answer::new(AnswerBody::Ready(body.into())),
        _ => Answer::json(body),
    }
}

/// The rows of a function on their way.
struct Streaming {
    owner: Owner,
    rows: Rows,
    layout: Layout,
    /// `None`: no columns are known yet.
    document: Option<Document>,
    /// The name of the function, where one value in one row is the answer.
    value_of: Option<String>,
    /// That value.
    value: Option<Vec<u8>>,
    is_over: bool,
}

impl Streaming {
    fn new(job: Job<'_>, owner: Owner, routine: &Routine, call: &RoutineCall, rows: Rows) -> Self {
        let mut layout = job.layout.of_rows();
        layout.numbers = job.layout.numbers;
        layout.is_wrapped = call.wrapper.is_some();
        if let Some(wrapper) = &call.wrapper {
            layout.wrapper = wrapper.as_str().into();
        }
        let is_rows = call.is_table || call.wrapper.is_some() || layout.media != Media::Json;
        let value_of = (!is_rows).then(|| routine.routine.name.clone());
        Self { owner, rows, layout, document: None, value_of, value: None, is_over: false }
    }

    async fn answer(mut self) -> Result<Answer, ApiError> {
        let mut body = Vec::with_capacity(1024);
        while body.len() < HELD || self.rows.is_over() {
            if !self.advance(&mut body).await? {
                return Ok(Answer::new(AnswerBody::Ready(self.whole(body).into())));
            }
        }
        let rest = futures_util::stream::try_unfold(self, |mut streaming| async move {
            Ok(streaming.chunk().await?.map(|chunk| (chunk, streaming)))
        });
        let first = futures_util::stream::iter([Ok(Bytes::from(body))]);
        Ok(Answer::new(AnswerBody::Streamed(Box::pin(first.chain(rest)))))
    }

    /// The next bytes; `None` after the end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        if self.is_over {
            return Ok(None);
        }
        let mut body = Vec::with_capacity(HELD);
        self.is_over = !self.advance(&mut body).await?;
        Ok(Some(body.into()))
    }

    /// Appends the next rows; `false`: there were none, and the end was appended.
    async fn advance(&mut self, body: &mut Vec<u8>) -> Result<bool, ApiError> {
        let Some(batch) = self.rows.next().await else {
            self.document(&[], body).end(body, serde_json::Map::new());
            self.rows.log(&self.owner);
            return Ok(false);
        };
        let most = self.owner.service.max_records();
        if self.rows.count() > most {
            // Nothing of it is shown as if it were all; and a client that got a part already sees the answer break off.
            return Err(ApiError::call_of_many_rows(most));
        }
        let written = batch.and_then(|batch| self.write(&batch, body));
        written.map(|()| true).map_err(|error| self.owner.failed(error))
    }

    fn write(&mut self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), connector_api::Error> {
        body.reserve(2 * batch.bytes());
        let mut row = Vec::new();
        for mut section in batch.sections() {
            let names = Arc::clone(&section.columns().names);
            self.document(&names, body).columns(&names)?;
            while section.read_row(&mut row)? {
                let is_value = |name: &String| {
                    let known = self.value_of.as_deref();
                    known.is_some_and(|known| {
                        [OUTPUT, known].iter().any(|known| known.eq_ignore_ascii_case(name))
                    })
                };
                if let ([name], [cell]) = (&*names, row.as_slice())
                    && is_value(name)
                {
                    let mut value = Vec::new();
                    write_cell(&mut value, *cell, self.layout.numbers())?;
                    self.value = Some(value);
                }
                self.document(&names, body).row(body, &row)?;
            }
        }
        Ok(())
    }

    /// The document, begun with the first columns.
    fn document(&mut self, names: &[String], body: &mut Vec<u8>) -> &mut Document {
        self.document.get_or_insert_with(|| {
            let shown = Arc::new(shown(names));
            let mut document = Document::new(&shown, RowFormat::Objects, self.layout.clone());
            document.begin(body, false);
            document
        })
    }

    /// One value in one row is the answer by itself.
    fn whole(self, body: Vec<u8>) -> Vec<u8> {
        match self.value {
            Some(value) if self.rows.count() == 1 => value,
            _ => body,
        }
    }
}
