//! Writes: which rows are meant, the records one after the other, what becomes of them, the answer.
//!
//! Nothing is read to decide what to write: whether a row exists and whether the row rules hold is for the store to say, in the same
//! step. The exceptions share a transaction between reading and writing: a condition on a row's version (`versioned`), and a filter with a
//! limit (`limited`). Whether a row is there is looked up where a function of a field has to know it (`either`). Where the store has no such transactions, the store tests in the step of the write that the row still is what was
//! read (`guarded`).

mod batch;
mod either;
mod guarded;
mod input;
mod limited;
mod matching;
mod nested;
mod outcome;
mod relations;
mod reread;
mod send;
mod tally;
mod versioned;

use serde_json::Value as Json;

use self::batch::Batch;
use self::input::Input;
pub use self::nested::Within;
pub(super) use self::reread::Reread;
use self::versioned::Order;
use super::Job;
use super::records::{Target, is_of_change};
use crate::error::ApiError;
use crate::pipeline::{Answer, RecordStream};
use crate::plan::{Kind, Selection, may_be_nested};
use crate::request::filter::Node;
use crate::request::{self, Id, Record, Records, TableWrite, records, single_record};
use crate::response::Layout;
use crate::roles::Verb;

/// A write as the path and the parameters have it.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteOrder {
    /// POST, PUT, PATCH or DELETE.
    pub verb: Verb,
    /// The table's public name.
    pub table: String,
    /// The one row that is meant; `None`: a collection.
    pub id: Option<Id>,
    /// Options.
    pub options: TableWrite,
}

impl WriteOrder {
    /// Checks that the verb may do it.
    ///
    /// # Errors
    /// A creation by identifier; `upsert` with another verb than PUT and PATCH.
    pub fn check(self) -> Result<Self, ApiError> {
        let is_change = matches!(self.verb, Verb::Put | Verb::Patch);
        if self.options.is_upsert && !is_change {
            return Err(ApiError::upsert_by_other_verb());
        }
        if self.verb == Verb::Post && self.id.is_some() {
            return Err(ApiError::no_create_by_id());
        }
        Ok(self)
    }
}

/// Where the records are.
pub(super) enum Brought {
    /// In the body, if there is one.
    Body(Option<Json>),
    /// They come as they are asked for.
    Stream(RecordStream),
}

/// What is to be done, and with which rows.
enum Task {
    /// Record by record.
    Records(Input),
    /// Everything that matches: a record for a change, none for a removal.
    Matching(Selection, Option<Record>),
}

impl Task {
    /// The filter, where one says which rows are meant.
    fn filter(&self) -> Option<&Node> {
        match self {
            Self::Matching(Selection::Matching(filter), _) => Some(filter),
            _ => None,
        }
    }

    /// The record, where one is all there is.
    fn only_record(&self) -> Option<&Record> {
        match self {
            Self::Records(Input::Ids(_, record)) | Self::Matching(_, Some(record)) => Some(record),
            _ => None,
        }
    }
}

/// Writes.
///
/// # Errors
/// Whatever refuses the write as a whole, and the batch error when a record failed.
pub(super) async fn run(job: Job<'_>, order: WriteOrder, brought: Brought) -> Result<Answer, ApiError> {
    let WriteOrder { verb, table, id, mut options } = order;
    let is_single = id.is_some();
    if is_single {
        versioned::check_required(job.conditions, &job.service.settings().config)?;
    }
    options.as_list &= !is_single;
    options.is_replacement = verb == Verb::Put;
    let is_streamed = matches!(brought, Brought::Stream(_));
    let task = match verb {
        Verb::Post => Task::Records(created(brought, job.layout)?),
        Verb::Delete => removed(id, brought, &mut options, job.layout)?,
        _ => changed(id, brought, &mut options, job.layout).await?,
    };
    let mut target = Target::find(job, &table, verb, false).await?;
    if verb != Verb::Delete {
        target.reread = Reread::of(job, &target, &mut options).await?;
    }
    // What belongs to a transaction is undone with all of it.
    options.is_rolled_back &= target.owner.session.is_none();
    let kind = kind(verb, &task, options.is_upsert || job.service.settings().config.allow_upsert);
    if kind == Kind::Upsert {
        target = target.creating_too(job, &table, options.is_upsert)?;
    }
    target.reach(job, task.filter()).await?;
    if let Some(record) = task.only_record().filter(|record| !may_be_nested(record, &target.table)) {
        target.renew_for(record).await?;
    }
    match task {
        Task::Records(input) => {
            let conditions = job.conditions;
            let input = input.settled(&target, &options.id_field, kind == Kind::Upsert).await?;
            let single = input.id().filter(|_| is_single).cloned();
            if let Some(id) = &single
                && versioned::is_wanted(&target, conditions, &options)
            {
                return versioned::run(target, Order { kind, id, conditions, options }, input).await;
            }
            let batch = Batch::new(&target, (kind, Selection::Keys), &options)?;
            let tally = batch.run(input, is_streamed).await;
            let tally = or_renewed(&mut target, tally).await?;
            if is_single { tally.into_row() } else { tally.into_list(kind, &options, &job.layout.wrapper) }
        }
        Task::Matching(Selection::Matching(filter), record)
            if options.limit.is_some_and(|limit| limit > 0) =>
        {
            let record = record.unwrap_or_default();
            limited::run(target, limited::Order { kind, filter, record, options }).await
        }
        Task::Matching(selection, record) => {
            matching::run(&mut target, (kind, selection), record, &options).await
        }
    }
}

/// The records of a write that failed are used up; but who sends them again is to meet the table as it is.
async fn or_renewed<T>(target: &mut Target<'_>, ended: Result<T, ApiError>) -> Result<T, ApiError> {
    if ended.as_ref().is_err_and(is_of_change) {
        target.is_renewed().await?;
    }
    ended
}

fn kind(verb: Verb, task: &Task, creates_missing: bool) -> Kind {
    match (verb, task) {
        (Verb::Post, _) => Kind::Insert,
        (Verb::Delete, _) => Kind::Delete,
        (_, Task::Records(_)) if creates_missing => Kind::Upsert,
        _ => Kind::Update,
    }
}

fn created(brought: Brought, layout: &Layout) -> Result<Input, ApiError> {
    match brought {
        Brought::Stream(stream) => Ok(Input::Stream(stream)),
        Brought::Body(body) => match records(body)? {
            Records::Given(records) => Ok(Input::of_records(records)),
            Records::Absent | Records::Missing => Err(no_records(layout)),
        },
    }
}

/// By identifiers, else by filter, else by the records' own identifiers.
async fn changed(
    id: Option<Id>,
    brought: Brought,
    options: &mut TableWrite,
    layout: &Layout,
) -> Result<Task, ApiError> {
    if let Some(id) = id {
        let record = match brought {
            Brought::Body(body) => single_record(body)?.ok_or_else(|| no_records(layout))?,
            stream => first(stream, layout).await?,
        };
        return Ok(Task::Records(Input::of_ids(vec![id], record)));
    }
    if let Some(ids) = options.ids.take().filter(|ids| !ids.is_empty()) {
        return Ok(Task::Records(Input::of_ids(ids, first(brought, layout).await?)));
    }
    match options.filter.take() {
        Some(filter) => {
            let record = first(brought, layout).await?;
            Ok(Task::Matching(Selection::Matching(Box::new(filter)), Some(record)))
        }
        None => Ok(Task::Records(created(brought, layout)?)),
    }
}

/// The first record, where only one counts.
async fn first(brought: Brought, layout: &Layout) -> Result<Record, ApiError> {
    let mut input = created(brought, layout)?;
    let item = input.next().await.ok_or_else(|| no_records(layout))??;
    Ok(item.record.into_owned())
}

/// By identifiers, else by the records' own, else by filter, else everything if that is forced. A list that was given and is empty removes
/// nothing by force.
fn removed(
    id: Option<Id>,
    brought: Brought,
    options: &mut TableWrite,
    layout: &Layout,
) -> Result<Task, ApiError> {
    let ids = id.map_or_else(|| options.ids.take(), |id| Some(vec![id]));
    let are_ids_given = ids.is_some();
    if let Some(ids) = ids.filter(|ids| !ids.is_empty()) {
        return Ok(Task::Records(Input::of_ids(ids, Record::new())));
    }
    match brought {
        Brought::Stream(stream) => return Ok(Task::Records(Input::Stream(stream))),
        Brought::Body(body) => match records(body)? {
            Records::Given(records) => return Ok(Task::Records(Input::of_records(records))),
            Records::Missing => return Err(no_records(layout)),
            Records::Absent => {}
        },
    }
    if let Some(filter) = options.filter.take() {
        return Ok(Task::Matching(Selection::Matching(Box::new(filter)), None));
    }
    if options.has_empty_filter {
        return Err(ApiError::empty_delete_filter());
    }
    if options.is_forced && !are_ids_given {
        return Ok(Task::Matching(Selection::All, None));
    }
    Err(ApiError::nothing_to_delete())
}

fn no_records(layout: &Layout) -> ApiError {
    request::no_records(layout.is_wrapped.then_some(&*layout.wrapper)).into()
}
