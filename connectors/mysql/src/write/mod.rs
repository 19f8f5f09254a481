//! The four writes. Each call is one transaction (or a part of the caller's) unless it is one statement alone. What runs for a record is in
//! `step`, how rows are read that a write gives back in `back`, what became of all of them in `written`; `record` holds the records.
//!
//! Both servers undo a statement that fails and leave the transaction open, so only what is more than one statement needs a savepoint.

mod back;
mod record;
mod step;
mod written;

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

/// A write on its way.
pub(crate) struct Writing<'r>(pub(crate) Write<'r>);

impl Call for Writing<'_> {
    type Answer = Written;

    async fn once(&mut self, store: &Store, work: &mut Work) -> Result<Written> {
        let table = store.table(self.0.table(), work).await?;
        let run = Run::new(store, self.0, &table)?;
        let records = run.records()?;
        if records.len() > 1 || run.may_leave() {
            work.begin().await?;
        }
        let written = if self.0.is_by_filter() {
            matching(&run, &records, work).await
        } else {
            each_record(&run, &records, work).await
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

/// Changes or removes all rows that match: it fails as a whole.
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
async fn each_record(run: &Run<'_>, records: &Records, work: &mut Work) -> Result<Written> {
    let (on_error, total) = (run.write.on_error(), records.len());
    let mut written = run.nothing();
    let is_undoable = on_error != OnError::Atomic && total > 1 && run.may_leave();
    for index in 0..total {
        let before = written.mark();
        if is_undoable {
            work.begin_record().await?;
        }
        let ended = run.record(records, index, &mut written, work).await;
        let ended = match ended {
            Err(Failure::Call(error)) => return Err(error),
            Err(Failure::Record(error)) => Err(error),
            Ok(()) => Ok(()),
        };
        if is_undoable {
            work.end_record(ended.is_ok()).await?;
        }
        let Err(error) = ended else { continue };
        written.back_to(before);
        written.outcomes.extend(after_failure(on_error, (index, total), error));
        match on_error {
            OnError::Continue => {}
            OnError::Stop => break,
            OnError::Atomic => {
                written.undo(run.write.counted());
                break;
            }
        }
    }
    // Of a single record that failed nothing may be left.
    written.is_undone |= total == 1 && !written.outcomes.is_empty();
    Ok(written)
}
