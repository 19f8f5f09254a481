//! All records or none: one transaction of the store, of at most a hundred items, which the declared limit of records keeps to.

use connector_api::author::{Error, ErrorKind, OnError, Result, Value};
use connector_common::outcome::after_failure;
use serde::Serialize;

use super::job::Job;
use super::record::Prepared;
use super::{Written, unique};
use crate::client::{Failure, ItemAnswer, Write};
use crate::error::{Exception, contention, transaction_too_large};
use crate::types::Item;

/// The most items that one transaction takes.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
pub(crate) const MAX_ITEMS: u32 = 100;

/// The most bytes of all its items.
const MAX_BYTES: usize = 4 * 1024 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Transaction {
    transact_items: Vec<Write>,
    /// Different for each transaction, so that the store takes none for the repetition of another.
    client_request_token: String,
}

/// What one attempt came to.
enum End {
    Done(Vec<Item>),
    /// The record at this place made all of it fail.
    Failed(usize, Error),
    /// Somebody came between.
    Again,
}

/// Writes all records or none.
pub(super) async fn write(job: &Job<'_>, records: &[Vec<Value>]) -> Result<Written> {
    let mut attempt = 0;
    while !records.is_empty() {
        match try_once(job, records).await? {
            End::Done(rows) => {
                let mut written = Written::default();
                rows.into_iter().for_each(|row| written.add(row));
                return Ok(written);
            }
            End::Failed(index, error) => {
                let outcomes = after_failure(OnError::Atomic, (index, records.len()), error);
                return Ok(Written { outcomes, ..Written::default() });
            }
            End::Again if !job.deadline.pause(attempt).await => return Err(contention()),
            End::Again => attempt += 1,
        }
    }
    Ok(Written::default())
}

async fn try_once(job: &Job<'_>, records: &[Vec<Value>]) -> Result<End> {
    let (mut writes, mut rows, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for (index, record) in records.iter().enumerate() {
        match prepare(job, record, &mut keys).await {
            Ok(Prepared { write, row }) => {
                writes.push(write);
                rows.push(row);
            }
            Err(error) if super::is_of_the_store(&error) => return Err(error),
            Err(error) => return Ok(End::Failed(index, error)),
        }
    }
    match send(job, writes).await {
        Ok(_) => Ok(End::Done(rows)),
        Err(Failure::Refused(exception)) => judged(job, exception),
        Err(failure) => Err(failure.into()),
    }
}

async fn send(job: &Job<'_>, writes: Vec<Write>) -> std::result::Result<ItemAnswer, Failure> {
    let client_request_token = unique().map_err(Failure::Lost)?;
    let transaction = Transaction { transact_items: writes, client_request_token };
    let sent = job.store.client.write("TransactWriteItems", &transaction, job.deadline).await;
    match sent {
        // What the store says of a transaction that is too large says nothing of its size.
        Err(Failure::Refused(exception)) if exception.is_unexplained() && is_large(&transaction) => {
            Err(Failure::Lost(transaction_too_large()))
        }
        sent => sent,
    }
}

/// Whether it may have more bytes than the store takes: it travels in a longer form than the store counts.
fn is_large(transaction: &Transaction) -> bool {
    serde_json::to_vec(transaction).is_ok_and(|bytes| bytes.len() > MAX_BYTES)
}

/// Writes all rows that were found, or none. `None`: one of them is not as it was found, so they have to be looked for again.
///
/// # Errors
/// *Limit exceeded* for more rows than a transaction takes.
pub(super) async fn write_found(job: &Job<'_>, cells: &[Value], items: Vec<Item>) -> Result<Option<Written>> {
    if items.len() > usize::try_from(MAX_ITEMS).unwrap_or(usize::MAX) {
        let message = format!(
            "a write of all matching rows or none takes at most {MAX_ITEMS} of them; narrow the filter"
        );
        return Err(Error::new(ErrorKind::LimitExceeded, message).with_reason("too_many_rows"));
    }
    if items.is_empty() {
        return Ok(Some(Written::default()));
    }
    let prepared = items.iter().map(|item| job.prepare(cells, &job.layout.key_of(item), Some(item)));
    let prepared = prepared.collect::<Result<Vec<_>>>()?;
    let (writes, rows): (Vec<_>, Vec<_>) =
        prepared.into_iter().map(|Prepared { write, row }| (write, row)).unzip();
    match send(job, writes).await {
        Ok(_) => {
            let mut written = Written::default();
            rows.into_iter().for_each(|row| written.add(row));
            Ok(Some(written))
        }
        Err(Failure::Refused(exception)) => match guilty(exception)? {
            (_, reason) if reason.is_conflict() || reason.is_condition() => Ok(None),
            (_, reason) => Err(reason.into()),
        },
        Err(failure) => Err(failure.into()),
    }
}

async fn prepare(job: &Job<'_>, record: &[Value], keys: &mut Vec<Item>) -> Result<Prepared> {
    let key = job.key(record)?;
    if keys.contains(&key) {
        return Err(named_twice());
    }
    let old = if job.needs_old { job.read(&key).await? } else { None };
    keys.push(key);
    let key = keys.last().ok_or_else(|| Error::internal("a key is lost"))?;
    job.prepare(record, key, old.as_ref())
}

fn named_twice() -> Error {
    let message = "an all-or-nothing write may name each row once";
    Error::new(ErrorKind::InvalidRequest, message).with_reason("row_named_twice")
}

fn judged(job: &Job<'_>, exception: Exception) -> Result<End> {
    let (index, reason) = guilty(exception)?;
    Ok(match (reason.is_condition(), job.needs_old) {
        _ if reason.is_conflict() => End::Again,
        (true, true) => End::Again,
        (true, false) => End::Failed(index, job.refusal()),
        (false, _) => End::Failed(index, reason.into()),
    })
}

/// Which item made the transaction fail, and why.
///
/// # Errors
/// The exception, where no item did.
fn guilty(mut exception: Exception) -> Result<(usize, Exception)> {
    if exception.is_conflict() {
        return Ok((0, exception));
    }
    let reasons = std::mem::take(&mut exception.reasons);
    let guilty = reasons.into_iter().enumerate().find(|(_, reason)| reason.code != "None");
    guilty.map(|(index, reason)| (index, reason.into_exception())).ok_or_else(|| exception.into())
}
