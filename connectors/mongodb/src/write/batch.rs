//! Records one by one: in which transaction, which of them failed, and what that means for the others.

use std::time::Duration;

use connector_api::author::{Affected, Error, ErrorKind, OnError, Result, Value};
use connector_common::outcome::after_failure;

use super::{Done, Step, Written};
use crate::error::is_of_the_call;
use crate::session::Work;

/// A transaction that lost against another one is tried again so often.
const ATTEMPTS: u32 = 10;
/// Between two attempts; the more, the longer.
const PAUSE: Duration = Duration::from_millis(5);

/// Does the step for each record.
///
/// # Errors
/// A failure that is no record's own, before anything was written.
pub(super) async fn each_record(
    step: &impl Step,
    work: &mut Work,
    records: &[Vec<Value>],
    on_error: OnError,
) -> Result<Written> {
    if on_error == OnError::Atomic && !work.is_in_transaction() {
        return all_or_none(step, work, records).await;
    }
    let mut written = Written::counting();
    for (index, record) in records.iter().enumerate() {
        match one(step, work, record).await {
            Ok(done) => written.join(done),
            Err(error) if is_of_the_call(&error) && index == 0 => return Err(error),
            Err(error) => {
                let goes_on = on_error == OnError::Continue && !is_of_the_call(&error);
                let on_error = if goes_on || on_error == OnError::Atomic { on_error } else { OnError::Stop };
                if on_error == OnError::Atomic && index > 0 {
                    work.lose();
                }
                written.fail(on_error, (index, records.len()), error);
                if !goes_on {
                    return Ok(written);
                }
            }
        }
    }
    Ok(written)
}

/// One record, with a transaction of its own where the step needs one.
async fn one(step: &impl Step, work: &mut Work, record: &[Value]) -> Result<Written> {
    let all = All { step, records: std::slice::from_ref(&record) };
    let ended = if step.looks_first() { in_transaction(&all, work).await } else { all.run(work).await };
    ended.map_err(|failure| failure.error)
}

/// All records or none.
async fn all_or_none(step: &impl Step, work: &mut Work, records: &[Vec<Value>]) -> Result<Written> {
    match in_transaction(&All { step, records }, work).await {
        Err(Failure { index: Some(index), error }) if !is_of_the_call(&error) => {
            let mut written = Written::counting();
            written.fail(OnError::Atomic, (index, records.len()), error);
            Ok(written)
        }
        ended => ended.map_err(|failure| failure.error),
    }
}

/// Records that are written one after the other, up to the first that fails.
struct All<'a, S, R> {
    step: &'a S,
    records: &'a [R],
}

impl<S: Step, R: AsRef<[Value]> + Sync> Task for All<'_, S, R> {
    async fn run(&self, work: &mut Work) -> std::result::Result<Written, Failure> {
        let mut written = Written::counting();
        for (index, record) in self.records.iter().enumerate() {
            let done = self.step.run(work, record.as_ref()).await;
            written.add(done.map_err(|error| Failure { index: Some(index), error })?);
        }
        Ok(written)
    }
}

/// Work of which all is done or nothing.
pub(super) trait Task: Sync {
    fn run(&self, work: &mut Work) -> impl Future<Output = std::result::Result<Written, Failure>> + Send;
}

/// What failed, and the record that it belongs to, if it is one's.
pub(super) struct Failure {
    pub(super) index: Option<usize>,
    pub(super) error: Error,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { index: None, error }
    }
}

/// Does the work in a transaction: the caller's if there is one, else one of its own, tried again where it lost against another one.
pub(super) async fn in_transaction(
    task: &impl Task,
    work: &mut Work,
) -> std::result::Result<Written, Failure> {
    if work.is_in_transaction() {
        return task.run(work).await;
    }
    let mut attempt = 0;
    loop {
        attempt += 1;
        work.begin().await?;
        let ended = match task.run(work).await {
            Ok(written) => work.commit().await.map(|()| written).map_err(Failure::from),
            Err(failure) => {
                work.roll_back().await;
                Err(failure)
            }
        };
        match ended {
            Err(failure) if may_try_again(&failure.error, attempt) => {
                tokio::time::sleep(PAUSE * attempt).await
            }
            ended => return ended,
        }
    }
}

fn may_try_again(error: &Error, attempt: u32) -> bool {
    error.kind == ErrorKind::Contention && attempt < ATTEMPTS
}

impl Written {
    pub(super) fn counting() -> Self {
        Self { affected: Affected { matched: Some(0), changed: Some(0) }, ..Self::default() }
    }

    pub(super) fn add(&mut self, done: Done) {
        let Affected { matched, changed } = &mut self.affected;
        *matched = matched.zip(done.is_matched).map(|(count, is_matched)| count + u64::from(is_matched));
        *changed = changed.zip(done.is_changed).map(|(count, is_changed)| count + u64::from(is_changed));
        self.rows.extend(done.row);
    }

    fn join(&mut self, other: Self) {
        let Affected { matched, changed } = &mut self.affected;
        *matched = matched.zip(other.affected.matched).map(|(one, other)| one + other);
        *changed = changed.zip(other.affected.changed).map(|(one, other)| one + other);
        self.rows.extend(other.rows);
    }

    /// The record at this place of so many failed, and what that means for the others.
    pub(super) fn fail(&mut self, on_error: OnError, place: (usize, usize), error: Error) {
        if on_error == OnError::Atomic {
            *self = Self::counting();
        }
        self.outcomes.extend(after_failure(on_error, place, error));
    }
}
