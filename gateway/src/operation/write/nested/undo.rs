//! Undoing what no transaction undoes: what was created is deleted, what was changed or deleted is written as it was stored before. That is
//! the end of a write that was permitted, and no request: it is done below rights, events and the rules for fields.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::stored::{Cells, Stored};
use super::within::Within;
use crate::error::ApiError;
use crate::operation::Job;
use crate::request::{Conditions, Record};
use crate::response::Layout;
use crate::roles::Caller;
use crate::snapshot::Snapshot;
use crate::trail::Trail;

/// How often a row is tried: what stands in its way may be undone after it.
const ATTEMPTS: usize = 2;

/// What was done with rows, and how they were before.
#[derive(Debug)]
pub(super) enum Done {
    Created,
    Changed(Vec<Cells>),
    Deleted(Vec<Cells>),
}

/// A step that may have to be undone.
#[derive(Debug)]
pub(super) struct Undo {
    pub(super) service: String,
    /// What clients call the table.
    pub(super) table: String,
    /// The columns by which the caller knows the rows, as clients call them.
    pub(super) names: Vec<String>,
    /// Their values, in the order in which the rows were written.
    pub(super) keys: Vec<Vec<Json>>,
    pub(super) done: Done,
}

/// Undoes what was written down, unless the record did well. Dropped before that is known it undoes all the same: the caller went away.
pub(super) struct Undoing {
    snapshot: Arc<Snapshot>,
    caller: Caller,
    id: Arc<Trail>,
    within: Within,
}

impl Undoing {
    pub(super) fn new(job: Job<'_>, within: &Within) -> Self {
        Self {
            snapshot: Arc::clone(job.snapshot),
            caller: administrator(job.caller),
            id: Arc::clone(job.request_id),
            within: within.clone(),
        }
    }

    /// Nothing is undone any more.
    pub(super) fn keep(self) {
        self.within.take();
    }

    /// The error, after everything is undone; it says what could not be.
    pub(super) async fn undone(self, error: ApiError) -> ApiError {
        let left = undo(&self.snapshot, (&self.caller, &self.id), self.within.take()).await;
        if left.is_empty() { error } else { error.with_left(left) }
    }
}

impl Drop for Undoing {
    fn drop(&mut self) {
        let steps = self.within.take();
        if steps.is_empty() {
            return;
        }
        let (snapshot, caller, id) = (Arc::clone(&self.snapshot), self.caller.clone(), Arc::clone(&self.id));
        // Nobody is there to be told; the log has the failures.
        tokio::spawn(async move { undo(&snapshot, (&caller, &id), steps).await });
    }
}

/// The rows with these keys as they are stored, whatever the caller may see of them.
pub(super) async fn rows_before(
    job: Job<'_>,
    table: &str,
    (names, keys): (&[String], &[Vec<Json>]),
) -> Result<Vec<Cells>, ApiError> {
    let caller = administrator(job.caller);
    Stored::find(Job { caller: &caller, ..job }, table, names).await?.rows(keys).await
}

/// Who undoes.
fn administrator(caller: &Caller) -> Caller {
    Caller { is_admin: true, ..caller.clone() }
}

/// Undoes steps, in this order; gives the rows that stay as they are, by what the caller knows of them: their keys.
async fn undo(
    snapshot: &Arc<Snapshot>,
    (caller, request_id): (&Caller, &Arc<Trail>),
    steps: Vec<Undo>,
) -> Vec<Json> {
    let (layout, conditions) = (Layout::default(), Conditions::default());
    let mut left = Vec::new();
    for step in steps {
        let records = match snapshot.services.get(&step.service) {
            None => step.all(),
            Some(service) => {
                let (layout, conditions) = (&layout, &conditions);
                let (transaction, within) = (None, None);
                let job =
                    Job { snapshot, service, caller, request_id, layout, conditions, transaction, within };
                step.run(job).await
            }
        };
        if !records.is_empty() {
            left.push(json!({ "service": step.service, "table": step.table, "records": records }));
        }
    }
    left
}

impl Undo {
    /// Undoes it; gives the rows for which that fails.
    async fn run(&self, job: Job<'_>) -> Vec<Record> {
        let found = async {
            let stored = Stored::find(job, &self.table, &self.names).await?;
            let now = stored.rows(&self.keys).await?;
            Ok::<_, ApiError>((stored, now))
        };
        // Why it fails is in the log.
        let Ok((stored, now)) = found.await else { return self.all() };
        let rows = match &self.done {
            Done::Created => &now,
            Done::Changed(before) | Done::Deleted(before) => before,
        };
        // The latest first: those that came later may need those before them, or have what those had.
        let mut left: Vec<&Cells> = rows.iter().rev().collect();
        for _ in 0..ATTEMPTS {
            let mut failed = Vec::new();
            for row in left {
                if self.undo_row(&stored, row, &now).await.is_err() {
                    failed.push(row);
                }
            }
            left = failed;
        }
        left.into_iter().map(|row| stored.name_of(row)).collect()
    }

    /// Undoes what was done with a row; `now` has the rows as they are.
    async fn undo_row(&self, stored: &Stored<'_>, row: &Cells, now: &[Cells]) -> Result<(), ApiError> {
        let found = now.iter().find(|now| stored.is_same(row, now));
        match (&self.done, found) {
            (Done::Created, _) => stored.delete(row).await,
            (Done::Changed(_), Some(now)) => stored.restore(row, now).await,
            (Done::Deleted(_), None) => stored.create(row).await,
            // Deleted by others, or not deleted at all.
            (Done::Changed(_), None) | (Done::Deleted(_), Some(_)) => Ok(()),
        }
    }

    /// All of its rows.
    fn all(&self) -> Vec<Record> {
        let record = |key: &Vec<Json>| self.names.iter().cloned().zip(key.iter().cloned()).collect();
        self.keys.iter().map(record).collect()
    }
}
