//! Writes. One record is one conditional write of the store, in which existence and row rules are the condition; all or nothing is one
//! transaction of them. A write by filter reads first which rows match, then writes each on the condition that it still does.
//!
//! * `job`: what is the same for all records of a call;
//! * `record`: one record as a conditional write;
//! * `atomic`: several of them as one transaction.

mod atomic;
mod job;
mod record;

use connector_api::author::{
    Affected, Delete, Error, ErrorKind, Insert, OnError, Outcome, Path, Request, Result, RowSink, Selector,
    Update, Upsert, Value,
};
use connector_common::outcome::after_failure;
use ring::rand::SystemRandom;

use crate::connector::Store;
use crate::error::contention;
use crate::read::{Shown, matching};
use crate::translate::Question;
use crate::types::{Item, document};
pub(crate) use atomic::MAX_ITEMS;
use job::Job;

/// What a write came to.
#[derive(Default)]
struct Written {
    done: u64,
    /// Of the records that did not end well.
    outcomes: Vec<Outcome>,
    /// The rows as they became, or as they were when they are deleted.
    rows: Vec<Item>,
}

impl Written {
    fn add(&mut self, row: Item) {
        self.done += 1;
        self.rows.push(row);
    }
}

/// Creates rows.
///
/// # Errors
/// What is wrong with the request or the store. What is wrong with a record is its outcome; so it is with all writes by record.
pub(crate) async fn insert(store: &Store, request: &Request<Insert>, out: &mut RowSink) -> Result<()> {
    let job = Job::insert(store, request).await?;
    let records = request.records().values(request.columns.len())?;
    let written = store.noticed(&request.into, by_record(&job, &records, request.on_error).await)?;
    let affected = Affected { matched: None, changed: Some(written.done) };
    answer(written, affected, (&request.returning, request.others), out).await
}

/// Changes rows.
///
/// # Errors
/// As [`insert`]; for a write by filter also what is wrong with a row.
pub(crate) async fn update(store: &Store, request: &Request<Update>, out: &mut RowSink) -> Result<()> {
    let job = Job::update(store, request).await?;
    let named_by = if let Selector::Keys { columns, .. } = &request.rows { columns.len() } else { 0 };
    let records = request.records().values(named_by + request.set.len())?;
    let written = match &request.rows {
        Selector::Where(filter) => {
            let cells = match records.as_slice() {
                [] if request.set.is_empty() => &[],
                [only] => only.as_slice(),
                _ => return Err(Error::internal("a write by filter needs one record")),
            };
            let question = Question { filter: Some(filter), order: &[], params: request.params() };
            by_filter(&job, question, cells, request.on_error).await
        }
        Selector::Keys { .. } => by_record(&job, &records, request.on_error).await,
    };
    let written = store.noticed(&request.table, written)?;
    let affected = Affected { matched: Some(written.done), changed: None };
    answer(written, affected, (&request.returning, request.others), out).await
}

/// Creates rows or changes those that exist.
///
/// # Errors
/// As [`insert`].
pub(crate) async fn upsert(store: &Store, request: &Request<Upsert>, out: &mut RowSink) -> Result<()> {
    let job = Job::upsert(store, request).await?;
    let records = request.records().values(request.columns.len())?;
    let written = store.noticed(&request.into, by_record(&job, &records, request.on_error).await)?;
    answer(written, Affected::default(), (&request.returning, request.others), out).await
}

/// Removes rows.
///
/// # Errors
/// As [`update`].
pub(crate) async fn delete(store: &Store, request: &Request<Delete>, out: &mut RowSink) -> Result<()> {
    let job = Job::delete(store, request).await?;
    let written = match &request.rows {
        Selector::Where(filter) => {
            let question = Question { filter: Some(filter), order: &[], params: request.params() };
            by_filter(&job, question, &[], request.on_error).await
        }
        Selector::Keys { columns, .. } => {
            by_record(&job, &request.records().values(columns.len())?, request.on_error).await
        }
    };
    let written = store.noticed(&request.from, written)?;
    let affected = Affected { matched: Some(written.done), changed: Some(written.done) };
    answer(written, affected, (&request.returning, request.others), out).await
}

/// Writes record by record, or all of them in one transaction.
async fn by_record(job: &Job<'_>, records: &[Vec<Value>], on_error: OnError) -> Result<Written> {
    if on_error == OnError::Atomic {
        return atomic::write(job, records).await;
    }
    let mut written = Written::default();
    for (index, record) in records.iter().enumerate() {
        let error = match job.write(record).await {
            Ok(row) => {
                written.add(row);
                continue;
            }
            Err(error) => error,
        };
        // The store itself fails: nothing is to be said of the records.
        let is_of_the_store = is_of_the_store(&error);
        if is_of_the_store && index == 0 {
            return Err(error);
        }
        let on_error = if is_of_the_store { OnError::Stop } else { on_error };
        written.outcomes.extend(after_failure(on_error, (index, records.len()), error));
        if on_error == OnError::Stop {
            break;
        }
    }
    Ok(written)
}

/// A text that nobody had before.
fn unique() -> Result<String> {
    let bytes = ring::rand::generate::<[u8; 16]>(&SystemRandom::new());
    let bytes = bytes.map_err(|_| Error::internal("the system gives no random numbers"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes.expose())))
}

fn is_of_the_store(error: &Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::AuthFailed
            | ErrorKind::PermissionDenied
            | ErrorKind::Unavailable
            | ErrorKind::Busy
            | ErrorKind::Timeout
    )
}

/// Writes all rows that match. What can be known to be wrong is found before the first of them is written. All or none is one transaction of
/// the store, which takes a hundred rows.
async fn by_filter(
    job: &Job<'_>,
    question: Question<'_>,
    cells: &[Value],
    on_error: OnError,
) -> Result<Written> {
    let mut attempt = 0;
    loop {
        let items = matching(job.store, (&job.layout, job.table), question, job.deadline).await?;
        for item in &items {
            job.check(cells, item)?;
        }
        if on_error != OnError::Atomic {
            return row_by_row(job, cells, items).await;
        }
        if let Some(written) = atomic::write_found(job, cells, items).await? {
            return Ok(written);
        }
        if !job.deadline.pause(attempt).await {
            return Err(contention());
        }
        attempt += 1;
    }
}

async fn row_by_row(job: &Job<'_>, cells: &[Value], items: Vec<Item>) -> Result<Written> {
    let mut written = Written::default();
    for item in items {
        match job.write_found(cells, item).await {
            Ok(row) => written.add(row),
            // It was changed or removed meanwhile and does not match any more.
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) if written.done == 0 => return Err(error),
            Err(error) => return Err(in_part(error, written.done)),
        }
    }
    Ok(written)
}

fn in_part(error: Error, done: u64) -> Error {
    let message = format!("{}; {done} rows were written before and stay written", error.message);
    Error { message, ..error }.with_reason("written_in_part").temporary(false)
}

async fn answer(
    written: Written,
    affected: Affected,
    (returning, others): (&[Path], bool),
    out: &mut RowSink,
) -> Result<()> {
    out.summary().affected = Some(affected);
    written.outcomes.into_iter().for_each(|outcome| out.outcome(outcome));
    if returning.is_empty() {
        return Ok(());
    }
    let mut shown = Shown::new(returning, others);
    shown.announce(out);
    for row in written.rows {
        shown.row(&document(row), out).await?;
    }
    Ok(())
}
