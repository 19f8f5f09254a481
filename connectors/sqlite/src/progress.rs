//! How far a write has come: what became of each record, how many rows were touched, which rows go back. Knows nothing of statements.

use connector_api::author::{Affected, OnError, Outcome, OutcomeStatus, RowSink};
use connector_api::{Error, Result};
use connector_common::written;
use rusqlite::types::Value as Stored;

use crate::transaction;
use crate::types::{Conversion, write_cell};

/// The answer of a write: rows with what reads their cells.
pub(crate) type Written = written::Written<Conversion, Vec<Stored>>;

/// What became of the records, as they come.
#[derive(Debug)]
pub(crate) struct Progress {
    on_error: OnError,
    /// Runs of records with the same end, those that went well included.
    outcomes: Vec<Outcome>,
    is_over: bool,
    /// What was touched before the first record: zeros, for what is counted.
    none: Affected,
    pub(crate) written: Written,
}

impl Progress {
    pub(crate) fn new(on_error: OnError, written: Written) -> Self {
        Self { on_error, outcomes: Vec::new(), is_over: false, none: written.affected, written }
    }

    /// No further record is to be tried.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(crate) fn done(&mut self) {
        self.add(OutcomeStatus::Ok, None);
    }

    pub(crate) fn not_run(&mut self) {
        self.add(OutcomeStatus::NotRun, None);
    }

    /// A record failed. `is_lost`: the database has undone the whole transaction with it.
    pub(crate) fn failed(&mut self, error: Error, is_lost: bool) {
        self.add(OutcomeStatus::Failed, Some(error));
        self.written.is_undone |= is_lost || self.on_error == OnError::Atomic;
        self.is_over |= self.written.is_undone || self.on_error == OnError::Stop;
    }

    fn add(&mut self, status: OutcomeStatus, error: Option<Error>) {
        let index = self.outcomes.last().map_or(0, |last| last.index + last.count);
        match self.outcomes.last_mut() {
            Some(last) if last.status == status && error.is_none() => last.count += 1,
            _ => self.outcomes.push(Outcome { index, count: 1, status, error }),
        }
    }

    pub(crate) fn finish(self) -> Written {
        let Self { outcomes, none, mut written, .. } = self;
        written.outcomes = outcomes;
        if written.is_undone {
            written.undo(none);
            let went_well = written.outcomes.iter_mut().filter(|outcome| outcome.status == OutcomeStatus::Ok);
            went_well.for_each(|outcome| outcome.status = OutcomeStatus::RolledBack);
        }
        written.outcomes.retain(|outcome| outcome.status != OutcomeStatus::Ok);
        written
    }
}

impl transaction::Outcome for Written {
    fn is_undone(&self) -> bool {
        self.is_undone
    }
}

/// Keeps a row that goes back.
///
/// # Errors
/// Too many rows.
pub(crate) fn keep(written: &mut Written, row: Vec<Stored>) -> Result<()> {
    let inner = |value: &Stored| match value {
        Stored::Text(text) => text.len(),
        Stored::Blob(blob) => blob.len(),
        _ => 0,
    };
    let bytes = row.iter().map(|value| size_of::<Stored>() + inner(value)).sum();
    written.returned.push(row, bytes)
}

/// Hands the answer to the gateway, once the write is permanent or undone.
///
/// # Errors
/// When nobody waits for it any more.
pub(crate) async fn send(written: Written, out: &mut RowSink) -> Result<()> {
    let (conversions, rows) = written.announce(out);
    for row in &rows {
        for (value, conversion) in row.iter().zip(&conversions) {
            write_cell(out, value.into(), *conversion);
        }
        out.end_row().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use connector_api::ErrorKind;

    use super::*;

    fn error() -> Error {
        Error::new(ErrorKind::Conflict, "duplicate")
    }

    fn outcomes(progress: Progress) -> Vec<(u64, u64, OutcomeStatus)> {
        let outcomes = progress.finish().outcomes;
        outcomes.iter().map(|outcome| (outcome.index, outcome.count, outcome.status)).collect()
    }

    /// Two records that go well, one that fails, then what is left of three more.
    fn run(on_error: OnError, is_lost: bool) -> Vec<(u64, u64, OutcomeStatus)> {
        let mut progress = Progress::new(on_error, Written::default());
        progress.done();
        progress.done();
        progress.failed(error(), is_lost);
        for _ in 0..3 {
            if progress.is_over() { progress.not_run() } else { progress.done() }
        }
        outcomes(progress)
    }

    #[test]
    fn records_end_as_the_request_says() {
        use OutcomeStatus::{Failed, NotRun, RolledBack};
        assert_eq!(run(OnError::Stop, false), [(2, 1, Failed), (3, 3, NotRun)]);
        assert_eq!(run(OnError::Continue, false), [(2, 1, Failed)]);
        let undone = [(0, 2, RolledBack), (2, 1, Failed), (3, 3, NotRun)];
        assert_eq!(run(OnError::Atomic, false), undone);
        assert_eq!(run(OnError::Continue, true), undone);
    }
}
