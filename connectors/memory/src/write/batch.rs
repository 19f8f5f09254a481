//! Records one by one: which of them failed, and what that means for the others.

use connector_api::author::{Affected, OnError, Result, Value};
use connector_common::outcome::after_failure;

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
        let outcomes = after_failure(on_error, (index, records.len()), error);
        match on_error {
            OnError::Continue => written.outcomes.extend(outcomes),
            OnError::Stop => {
                written.outcomes.extend(outcomes);
                return written;
            }
            OnError::Atomic => return Written { outcomes, ..Written::nothing(table) },
        }
    }
    written
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
