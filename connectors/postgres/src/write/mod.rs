//! The four writes. Each call is one transaction (or a part of the caller's), each record one statement, or two for an upsert. What runs
//! for a record is in `step`, what became of all of them in `written`; `record` holds the records as the server reads them.

mod record;
mod step;
mod written;

use std::ops::Range;

use connector_api::author::{Filter, OnError, TableRef};
use connector_api::{Error, ErrorKind, Result};
use connector_common::failure::doubtful;
use connector_common::outcome::after_failure;
use connector_common::write::{Failure, Write};

use crate::client::Work;
use crate::store::{Call, Store};
use record::Records;
use step::Run;
pub(crate) use written::{Written, send};

/// Records that are sent without waiting for an answer in between: so many futures `join_all` begins in their order.
const AT_ONCE: usize = 30;

/// A write on its way.
pub(crate) struct Writing<'r>(pub(crate) Write<'r>);

impl Call for Writing<'_> {
    type Answer = Written;

    async fn once(&mut self, store: &Store, work: &mut Work) -> Result<Written> {
        let write = self.0;
        let table = store.table(write.table(), work).await?;
        let run = Run::new(store, write, &table)?;
        let records = run.records()?;
        run.agree(work).await?;
        // A statement alone leaves nothing behind when it fails. But a row is written before its check fails, or before another row turns
        // out to have the same key.
        let may_leave = write.has_check() || !write.key().is_empty() && !table.is_named_by(write.key());
        let is_transaction = records.len() > 1 || may_leave;
        if is_transaction {
            work.begin().await?;
        }
        let written = if write.is_by_filter() {
            matching(&run, &records, work).await
        } else {
            each_record(&run, &records, may_leave, work).await
        };
        let written =
            written.map_err(|error| if work.is_in_transaction() { error } else { doubtful(error) })?;
        if written.is_undone {
            work.undo().await?;
        } else {
            work.commit().await?;
        }
        Ok(written)
    }

    /// A write that was sent may have happened. What is out of date was refused before anything was written, or is undone.
    fn is_repeatable(&self, error: &Error) -> bool {
        error.kind != ErrorKind::Unavailable
    }

    fn table(&self) -> &TableRef {
        self.0.table()
    }

    fn conditions(&self) -> Vec<&Filter> {
        self.0.conditions()
    }
}

/// Changes or removes all rows that match: one statement, which fails as a whole.
async fn matching(run: &Run<'_>, records: &Records, work: &mut Work) -> Result<Written> {
    let mut written = run.nothing();
    if records.len() > 1 {
        return Err(Error::internal("a change by filter has more than one record"));
    }
    let found = run.matching(records, &mut written, work).await.map_err(Failure::into_error)?;
    written.count(found);
    Ok(written)
}

/// Writes record by record, and goes on after a failed one as the request says.
async fn each_record(run: &Run<'_>, records: &Records, may_leave: bool, work: &mut Work) -> Result<Written> {
    let (on_error, total) = (run.write.on_error(), records.len());
    let mut written = run.nothing();
    // The server ends a transaction with the first statement that fails, unless it can go back behind it.
    let is_undoable = on_error != OnError::Atomic && (total > 1 || may_leave) && work.is_in_transaction();
    // Records behind this one were tried together, and one of them failed.
    let mut one_by_one = 0;
    let mut index = 0;
    while index < total {
        let end = (index + AT_ONCE).min(total);
        if index >= one_by_one && end - index > 1 && !run.is_one_by_one() {
            if together(run, records, index..end, &mut written, work).await? {
                index = end;
                continue;
            }
            one_by_one = end;
        }
        let before = written.mark();
        match alone(run, (records, index), is_undoable, &mut written, work).await {
            Ok(()) => {}
            Err(Failure::Call(error)) => return Err(error),
            Err(Failure::Record(error)) => {
                written.back_to(before);
                written.outcomes.extend(after_failure(on_error, (index, total), error));
                if on_error == OnError::Atomic {
                    written.undo(run.write.counted());
                }
                if on_error != OnError::Continue {
                    break;
                }
            }
        }
        index += 1;
    }
    // Nothing of a single record that failed is left, but its transaction is of no use before it has gone back.
    written.is_undone |=
        total == 1 && !written.outcomes.is_empty() && work.is_in_transaction() && !is_undoable;
    Ok(written)
}

async fn alone(
    run: &Run<'_>,
    (records, index): (&Records, usize),
    is_undoable: bool,
    written: &mut Written,
    work: &mut Work,
) -> std::result::Result<(), Failure> {
    if !is_undoable {
        return run.record(records, index, written, work).await;
    }
    work.begin_record().await.map_err(Failure::Call)?;
    let ended = run.record(records, index, written, work).await;
    work.end_record(ended.is_ok()).await.map_err(Failure::Call)?;
    ended
}

/// Sends several records at once. `false`: one of them failed, and nothing of any is left.
async fn together(
    run: &Run<'_>,
    records: &Records,
    range: Range<usize>,
    written: &mut Written,
    work: &mut Work,
) -> Result<bool> {
    let before = written.mark();
    work.begin_record().await?;
    let ended = run.several(records, range, written, work).await;
    work.end_record(ended.is_ok()).await?;
    match ended {
        Ok(()) => Ok(true),
        Err(Failure::Call(error)) => Err(error),
        Err(Failure::Record(_)) => {
            written.back_to(before);
            Ok(false)
        }
    }
}
