//! Short words for writes: the plain shapes, sending them with their records, and what became of each record.

use std::sync::Arc;

use connector_api::model::batch::CellWriter as _;
use connector_api::model::{
    Affected, Delete, Existing, Insert, OnError, Operation, OutcomeStatus, Path, Selector, TableRef, Update,
    UpdateMode, Upsert, Value,
};
use connector_api::{Error, ErrorKind, Result};
use serde::Serialize;
use tablegate::connectors::{CallContext, Params, Records, RowStream, Service};
use tokio::time::Instant;

use super::peer::{CALL_TIME, Peer, Rows, read_rows};
use super::{Case, Outcome, same, sent};

/// Plain columns.
#[must_use]
pub fn paths(columns: &[&str]) -> Vec<Path> {
    columns.iter().map(|name| Path::column(*name)).collect()
}

/// New rows with cells for these columns.
#[must_use]
pub fn insert(into: TableRef, columns: &[&str]) -> Insert {
    Insert {
        into,
        columns: paths(columns),
        compute: vec![],
        on_error: OnError::Stop,
        check: None,
        returning: vec![],
        others: false,
        need: vec![],
    }
}

/// Other cells in these columns.
#[must_use]
pub fn update(table: TableRef, rows: Selector, set: &[&str]) -> Update {
    Update {
        table,
        rows,
        set: paths(set),
        compute: vec![],
        mode: UpdateMode::Merge,
        check: None,
        on_error: OnError::Stop,
        returning: vec![],
        others: false,
        need: vec![],
    }
}

/// Rows with cells for these columns, of which the first is the key.
#[must_use]
pub fn upsert(into: TableRef, columns: &[&str]) -> Upsert {
    let columns = paths(columns);
    Upsert {
        into,
        key: columns.iter().take(1).cloned().collect(),
        columns,
        existing: Existing::Merge,
        guard: None,
        check: None,
        on_error: OnError::Stop,
        returning: vec![],
        others: false,
        need: vec![],
    }
}

/// Rows away.
#[must_use]
pub fn delete(from: TableRef, rows: Selector) -> Delete {
    Delete { from, rows, on_error: OnError::Stop, returning: vec![], others: false, need: vec![] }
}

/// Rows named by their `id`.
#[must_use]
pub fn by_id() -> Selector {
    Selector::Keys { columns: paths(&["id"]), guard: None }
}

/// A shape that writes.
pub trait Shape: Sync + Serialize {
    /// The operation that takes it.
    const OPERATION: Operation;

    /// The columns wanted back.
    fn returning(&self) -> &[Path];

    /// Sends it.
    fn send(
        &self,
        service: &Service,
        params: &Params,
        records: Records<'_>,
        context: CallContext<'_>,
    ) -> impl Future<Output = Result<RowStream>> + Send;
}

macro_rules! shapes {
    ($($shape:ident: $method:ident,)*) => {$(
        impl Shape for $shape {
            const OPERATION: Operation = Operation::$shape;

            fn returning(&self) -> &[Path] {
                &self.returning
            }

            async fn send(
                &self,
                service: &Service,
                params: &Params,
                records: Records<'_>,
                context: CallContext<'_>,
            ) -> Result<RowStream> {
                service.$method(self, params, records, context).await
            }
        }
    )*};
}

shapes! {
    Insert: insert,
    Update: update,
    Upsert: upsert,
    Delete: delete,
}

/// How a record ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Done.
    Done,
    /// Refused, with this kind and reason.
    Failed(ErrorKind, Option<Box<str>>),
    /// Not tried.
    NotRun,
    /// Done and undone.
    RolledBack,
    /// Nobody knows.
    Unknown,
}

/// A record that failed.
#[must_use]
pub fn failed(kind: ErrorKind, reason: &str) -> End {
    End::Failed(kind, Some(reason.into()))
}

/// A record whose row exists already, by one of its unique keys.
#[must_use]
pub fn exists() -> End {
    failed(ErrorKind::Conflict, "unique_violation")
}

/// A record whose row does not exist, or is hidden.
#[must_use]
pub fn missing() -> End {
    failed(ErrorKind::NotFound, "row_not_found")
}

/// A record that has a null where none may stand.
#[must_use]
pub fn null_refused() -> End {
    failed(ErrorKind::InvalidRequest, "not_null_violation")
}

/// A record that a row rule does not allow.
#[must_use]
pub fn against_the_rules(reason: &str) -> End {
    failed(ErrorKind::RuleViolated, reason)
}

/// How three records end of which the second fails.
#[must_use]
pub fn ends(on_error: OnError, second: End) -> Vec<End> {
    let (first, third) = match on_error {
        OnError::Stop => (End::Done, End::NotRun),
        OnError::Continue => (End::Done, End::Done),
        OnError::Atomic => (End::RolledBack, End::NotRun),
    };
    vec![first, second, third]
}

/// What belongs to the records that are done.
#[must_use]
pub fn done<T>(of_records: impl IntoIterator<Item = T>, ends: &[End]) -> Vec<T> {
    let all = of_records.into_iter().zip(ends);
    all.filter(|(_, end)| **end == End::Done).map(|(item, _)| item).collect()
}

/// The three cases of an operation whose second record of three fails.
pub(super) fn failing<F, R>(operation: &str, needs: [&'static [&'static str]; 3], run: F) -> [Case; 3]
where
    F: Fn(Arc<Peer>, OnError) -> R + Send + Sync + Copy + 'static,
    R: Future<Output = Outcome> + Send + 'static,
{
    let [stop, go_on, atomic] = needs;
    let case = |rule: &str, needs, on_error| {
        Case::new(format!("{operation}::{rule}"), needs, move |peer| run(peer, on_error))
    };
    [
        case("a_failed_record_stops_the_rest", stop, OnError::Stop),
        case("a_failed_record_is_passed_over", go_on, OnError::Continue),
        case("a_failed_record_undoes_all", atomic, OnError::Atomic),
    ]
}

/// The answer of a write.
#[derive(Debug)]
pub struct Answer {
    /// The rows that came back, their columns as they were asked for.
    pub rows: Rows,
    /// How many were touched.
    pub affected: Affected,
    /// The end of each record.
    pub ends: Vec<End>,
}

impl Answer {
    /// Checks that so many rows were found, and all of them changed if the connector knows.
    pub(super) fn check_touched(&self, rows: u64) -> Outcome {
        same("rows found", &self.affected.matched, &Some(rows))?;
        same("rows changed", &self.affected.changed.unwrap_or(rows), &rows)
    }
}

/// Sends a write and reads its answer to the end.
///
/// # Errors
/// The connector's, of the call as a whole.
pub async fn send(
    service: &Service,
    shape: &impl Shape,
    (records, params): (&[impl AsRef<[Value]>], &[Value]),
    context: CallContext<'_>,
) -> Result<Answer> {
    let mut answer = start(service, shape, (records, params), context).await?;
    let wanted: Vec<String> = shape.returning().iter().map(|path| path.segments().join(".")).collect();
    let rows = read_rows(&mut answer, &wanted).await?;
    let affected = answer.summary().and_then(|summary| summary.affected);
    let affected =
        affected.ok_or_else(|| Error::internal("the answer does not say how many were touched"))?;
    Ok(Answer { rows, affected, ends: record_ends(&answer, records.len())? })
}

/// Sends a write.
///
/// # Errors
/// As [`send`].
pub async fn start<S: Shape>(
    service: &Service,
    shape: &S,
    (records, params): (&[impl AsRef<[Value]>], &[Value]),
    context: CallContext<'_>,
) -> Result<RowStream> {
    sent::note(S::OPERATION, shape);
    let mut cells = Vec::new();
    records.iter().flat_map(AsRef::as_ref).for_each(|value| cells.value(value));
    let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
    shape.send(service, &params.iter().collect(), Records { cells: &cells, count }, context).await
}

/// Tries again as long as the store asks for that, up to the time of a call.
///
/// # Errors
/// The last one.
pub(super) async fn retried<T, F>(attempt: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let until = Instant::now() + CALL_TIME;
    loop {
        match attempt().await {
            Err(error) if error.is_temporary && Instant::now() < until => tokio::task::yield_now().await,
            ended => return ended,
        }
    }
}

/// The end of each record; one without an outcome is done.
pub(super) fn record_ends(answer: &RowStream, records: usize) -> Result<Vec<End>> {
    let mut ends = vec![End::Done; records];
    for outcome in answer.outcomes() {
        let end = match (outcome.status, &outcome.error) {
            (OutcomeStatus::Failed, Some(error)) => End::Failed(error.kind, error.reason.clone()),
            (OutcomeStatus::Failed, None) => return Err(Error::internal("a failed record does not say why")),
            (OutcomeStatus::Ok, _) => End::Done,
            (OutcomeStatus::NotRun, _) => End::NotRun,
            (OutcomeStatus::RolledBack, _) => End::RolledBack,
            (OutcomeStatus::Unknown, _) => End::Unknown,
        };
        let start = usize::try_from(outcome.index).unwrap_or(usize::MAX);
        let count = usize::try_from(outcome.count).unwrap_or(usize::MAX);
        let run = ends.get_mut(start..start.saturating_add(count));
        run.ok_or_else(|| Error::internal("an outcome of no record"))?.fill(end);
    }
    Ok(ends)
}
