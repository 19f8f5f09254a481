//! Records one by one: which of them failed, and what that means for the others.

use connector_api::author::{Affected, Error, OnError, Outcome, OutcomeStatus, Result, Value};

use super::Written;
use crate::client::{Table, take_turns};
use crate::schema::Row;

/// What became of a record that did not fail.
pub(super) struct Done {
    /// The row to give back.
    pub(super) row: Row,
    /// It was there before.
    pub(super) is_matched: bool,
    /// Its content differs now.
    pub(super) is_changed: bool,
}

/// Does `step` for each record, each on a copy of the table that is kept when it succeeds.
pub(super) async fn each_record(
    table: &Table,
    records: &[Vec<Value>],
    on_error: OnError,
    mut step: impl FnMut(&mut Table, &[Value]) -> Result<Done>,
) -> Written {
    let mut written = Written::nothing(table);
    for (index, record) in records.iter().enumerate() {
        take_turns(index).await;
        let mut attempt = written.table.clone();
        let error = match step(&mut attempt, record) {
            Ok(done) => {
                written.table = attempt;
                written.add(done);
                continue;
            }
            Err(error) => error,
        };
        let rest = run_of(OutcomeStatus::NotRun, index + 1, records.len());
        match on_error {
            OnError::Continue => written.outcomes.push(failed(index, error)),
            OnError::Stop => {
                written.outcomes.push(failed(index, error));
                written.outcomes.extend(rest);
                return written;
            }
            OnError::Atomic => {
                let undone = run_of(OutcomeStatus::RolledBack, 0, index);
                let outcomes = undone.into_iter().chain([failed(index, error)]).chain(rest);
                return Written { outcomes: outcomes.collect(), ..Written::nothing(table) };
            }
        }
    }
    written
}

fn failed(index: usize, error: Error) -> Outcome {
    Outcome { index: number(index), count: 1, status: OutcomeStatus::Failed, error: Some(error) }
}

/// The records from `start` to before `end`, if there are any.
fn run_of(status: OutcomeStatus, start: usize, end: usize) -> Option<Outcome> {
    let count = number(end.saturating_sub(start));
    (count > 0).then(|| Outcome { index: number(start), count, status, error: None })
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Written {
    pub(super) fn nothing(table: &Table) -> Self {
        Self {
            table: table.clone(),
            affected: Affected { matched: Some(0), changed: Some(0) },
            outcomes: Vec::new(),
            rows: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, done: Done) {
        let Affected { matched, changed } = &mut self.affected;
        *matched = matched.map(|count| count + u64::from(done.is_matched));
        *changed = changed.map(|count| count + u64::from(done.is_changed));
        self.rows.push(done.row);
    }
}
