//! Records with related records in them: what the record refers to is written first, then the record, then what refers to it and what is
//! linked with it. All of a record is done or nothing: in one transaction, and where there is none what was done is undone.
//!
//! Nothing is decided here for a related row: its steps are requests of their own through the pipeline, so the caller's rights, the row rules
//! and the rules for fields of its table hold, and its own related records come here again. What is wanted of each is sorted in `plan/nested`.

mod belongs_to;
mod children;
mod links;
mod row;
mod steps;
mod stored;
mod undo;
mod within;
mod work;

use std::sync::Arc;

use connector_api::model::Begin;
use serde_json::Value as Json;

pub use self::within::Within;

use self::steps::Steps;
use self::undo::Undoing;
use self::work::Work;
use crate::error::ApiError;
use crate::operation::records::{Target, name_of};
use crate::operation::session::Session;
use crate::operation::{Job, Owner as Calls};
use crate::plan::{Kind, Nested, Selection, Write};
use crate::request::{Id, Record, TableWrite};
use crate::roles::Verb;
use crate::schema::relationships::RelationshipKind;

/// A record with related records.
pub(super) struct Order<'a, 'j> {
    pub(super) target: &'a Target<'j>,
    /// Whose calls write the record: those of a transaction, if it is written in one already.
    pub(super) calls: &'a Calls,
    pub(super) kind: Kind,
    pub(super) options: &'a TableWrite,
    /// For the record alone.
    pub(super) write: Write,
    pub(super) index: usize,
    /// Its row, where the record does not name it.
    pub(super) id: Option<Id>,
    /// The record without what is nested.
    pub(super) record: Record,
    pub(super) nested: Vec<Nested>,
}

/// The row of the record, as those see it that refer to it.
pub(super) struct Owner {
    /// The columns that relationships start from.
    values: Record,
    /// Nothing can refer to it yet.
    is_new: bool,
}

/// As [`run`], on a task of its own, which goes on when the caller goes: what no transaction undoes is finished or undone then, too.
///
/// # Errors
/// As [`run`].
pub(super) async fn run_apart(order: Order<'_, '_>) -> Result<Vec<u8>, ApiError> {
    let Order { target, kind, index, id, record, nested, .. } = order;
    let Job { snapshot, service, caller, request_id, layout, conditions, .. } = target.job;
    let name = target.job.name_of(&target.table.table);
    let (snapshot, service, request_id) = (Arc::clone(snapshot), Arc::clone(service), Arc::clone(request_id));
    let (caller, layout, conditions) = (caller.clone(), layout.clone(), conditions.clone());
    let options = order.options.clone();
    let verb = match kind {
        Kind::Insert => Verb::Post,
        _ if options.is_replacement => Verb::Put,
        _ => Verb::Patch,
    };
    let task = tokio::spawn(async move {
        let (snapshot, service, caller, request_id) = (&snapshot, &service, &caller, &request_id);
        let (layout, conditions) = (&layout, &conditions);
        let job = Job {
            snapshot,
            service,
            caller,
            request_id,
            layout,
            conditions,
            transaction: None,
            within: None,
        };
        let mut target = Target::find(job, &name, verb, false).await?;
        if kind == Kind::Upsert {
            target = target.creating_too(job, &name, options.is_upsert)?;
        }
        let write = target.plan(|scope| Write::new(kind, Selection::Keys, &options, scope))?;
        let (target, options, calls) = (&target, &options, &target.owner);
        run(Order { target, calls, kind, options, write, index, id, record, nested }).await
    });
    task.await.unwrap_or_else(|_| Err(ApiError::internal()))
}

/// Writes the record with all that is nested; gives its row as it is shown.
///
/// # Errors
/// Whatever refuses a part of it; nothing is left of the others then, or the error says what is.
pub(super) async fn run(mut order: Order<'_, '_>) -> Result<Vec<u8>, ApiError> {
    let job = order.target.job;
    let outer = job.within.cloned();
    // Who is nested itself leaves the undoing to the outermost record.
    let is_outermost = outer.is_none();
    let within = outer.unwrap_or_else(|| Within::outermost(order.calls.session.is_some()));
    let mut steps = Steps::new(job, order.calls.clone(), within.clone());
    (steps.removes, steps.are_texts) = (order.options.removes_related, order.options.are_texts);
    // What is wrong with it at first sight, and what the tables are like, is known before a transaction holds a connection.
    steps.check_undoable(&steps.own(order.target))?;
    let mut works = Vec::with_capacity(order.nested.len());
    for nested in std::mem::take(&mut order.nested) {
        works.push(Work::of(&steps, nested, &order.target.table).await?);
    }
    let session = match is_to_begin(order.calls, &within) {
        true => Some(Session::begin(order.calls, &Begin::default()).await?),
        false => None,
    };
    if let Some(session) = &session {
        steps.owner = session.owner().clone();
    }
    let undoing = is_outermost.then(|| Undoing::new(job, &within));
    let done = write(&steps, &works, order).await;
    let done = match session {
        Some(session) => session.end(done).await,
        None => done,
    };
    match (done, undoing) {
        (Ok(row), undoing) => {
            undoing.into_iter().for_each(Undoing::keep);
            Ok(row)
        }
        (Err(error), Some(undoing)) => Err(undoing.undone(error).await),
        (Err(error), None) => Err(error),
    }
}

/// Whether the record has a transaction of its own: it is in none, and what is written down is undone without one.
fn is_to_begin(calls: &Calls, within: &Within) -> bool {
    calls.session.is_none() && !within.is_logged && calls.connection.capabilities().transactions
}

/// The steps, in their order.
async fn write(steps: &Steps<'_>, works: &[Work], mut order: Order<'_, '_>) -> Result<Vec<u8>, ApiError> {
    for work in works.iter().filter(|work| work.is_first()) {
        belongs_to::write(steps, work, &mut order.record).await.map_err(|error| work.failed(error))?;
    }
    let later = || works.iter().filter(|work| !work.is_first());
    let links: Vec<String> = later().flat_map(|work| work.relationship.columns.clone()).collect();
    let row = row::write(steps, order, &links).await?;
    for work in later() {
        let done = match work.relationship.kind {
            RelationshipKind::ManyMany => links::write(steps, work, &row.owner).await,
            _ => children::write(steps, work, &row.owner).await,
        };
        done.map_err(|error| work.failed(error))?;
    }
    Ok(row.shown)
}

impl Owner {
    /// Its values in these columns.
    ///
    /// # Errors
    /// One of them is null: nothing can refer to that.
    fn values(&self, columns: &[String]) -> Result<Vec<Json>, ApiError> {
        let value = |column: &String| {
            let value = self.values.get(column).filter(|value| !value.is_null());
            value.cloned().ok_or_else(|| ApiError::nested_without_key(column))
        };
        columns.iter().map(value).collect()
    }
}

/// A record with these values in these columns, before the others.
fn joined(columns: &[String], values: &[Json], rest: &Record) -> Record {
    let own = columns.iter().cloned().zip(values.iter().cloned());
    own.chain(rest.iter().map(|(name, value)| (name.clone(), value.clone()))).collect()
}

/// The values of a row in these columns; `None`: one of them is not there.
fn values_of(row: &Record, columns: &[String]) -> Option<Vec<Json>> {
    columns.iter().map(|column| row.get(column).cloned()).collect()
}

/// No row has this key, as far as the caller may see.
fn missing(mut key: Vec<Json>) -> ApiError {
    let id = if key.len() == 1 { Id::Value(key.remove(0)) } else { Id::Tuple(key) };
    ApiError::unknown_record(name_of(&id))
}
