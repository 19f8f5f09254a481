//! Undoing what no transaction undoes: what was created is deleted, what was changed or deleted is written as it was read before. It goes
//! through the pipeline with the rights of an administrator, for who may create a row need not be allowed to delete it.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::within::Within;
use crate::error::ApiError;
use crate::hooks::HookRequest;
use crate::operation::Job;
use crate::operation::inner::enter;
use crate::operation::records::{Target, first_row};
use crate::pipeline::Request;
use crate::plan;
use crate::request::{Conditions, Fields, Id, Record, TableRead};
use crate::response::{Layout, RowFormat};
use crate::roles::{Caller, Verb};
use crate::snapshot::Snapshot;
use crate::trail::Trail;

/// A step back.
#[derive(Debug, Clone)]
pub(super) struct Undo {
    pub(super) verb: Verb,
    pub(super) service: String,
    /// The table's public name.
    pub(super) table: String,
    pub(super) records: Vec<Record>,
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
        let mut left = Vec::new();
        for undo in self.within.take() {
            let what = json!({ "service": &undo.service, "table": &undo.table, "records": &undo.records });
            if run(&self.snapshot, (&self.caller, &self.id), undo).await.is_err() {
                left.push(what);
            }
        }
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
        tokio::spawn(async move {
            for undo in steps {
                // Nobody is there to be told; the log has the failure of the request.
                let _ = run(&snapshot, (&caller, &id), undo).await;
            }
        });
    }
}

/// A row as it is, whatever the caller may see of it.
pub(super) async fn row_before(
    job: Job<'_>,
    table: &str,
    id: &Id,
    id_field: &[String],
) -> Result<Option<Record>, ApiError> {
    let caller = administrator(job.caller);
    let target = Target::find(Job { caller: &caller, ..job }, table, Verb::Get, false).await?;
    let read = TableRead { fields: Fields::All, id_field: id_field.to_vec(), ..TableRead::default() };
    let plan = target.plan(|scope| plan::single(id, &read, scope))?;
    let Some(row) = first_row(&target, &plan, RowFormat::Objects, &[]).await? else { return Ok(None) };
    serde_json::from_slice(&row.json).map(Some).map_err(|_| ApiError::internal())
}

/// Who undoes.
fn administrator(caller: &Caller) -> Caller {
    Caller { is_admin: true, ..caller.clone() }
}

async fn run(
    snapshot: &Arc<Snapshot>,
    (caller, id): (&Caller, &Arc<Trail>),
    undo: Undo,
) -> Result<(), ApiError> {
    let Undo { verb, service, table, records } = undo;
    let body: Json = json!({ "resource": records, "continue": true });
    let resource = vec!["_table".to_owned(), table];
    let what = HookRequest { verb, service, resource, query: Vec::new(), body: Some(body) };
    let request = Request {
        what,
        records: None,
        are_texts: false,
        caller: caller.clone(),
        id: Arc::clone(id),
        layout: Layout::default(),
        conditions: Conditions::default(),
        key: None,
        transaction: None,
        within: None,
    };
    enter(snapshot, request).await.map(drop)
}
