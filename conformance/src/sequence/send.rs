//! A step sent to the store, and its answer beside what the model says.

use connector_api::Result;
use connector_api::model::{Affected, Delete, Filter, Insert, Selector, Update, Upsert, Value};

use super::super::change::{Answer, End, paths};
use super::super::peer::{Rows, full};
use super::super::stock::{Stock, id, int};
use super::super::{Outcome, holds, same};
use super::model::Expected;
use super::step::{Action, COLUMNS, Record, Rule, Write};

/// Compares an answer with what the model says.
pub(super) fn compare(answer: Result<Answer>, write: &Write, expected: &Expected) -> Outcome {
    let answer = match (answer, expected.failure.as_slice()) {
        (Ok(answer), []) => answer,
        (Ok(_), failure) => return Err(format!("{write:?} is done, expected one of {failure:?}")),
        (Err(error), failure) => {
            let end = End::Failed(error.kind, error.reason.clone());
            let is_expected = failure.contains(&end);
            return holds(is_expected, || format!("{write:?}: expected {failure:?}, found {}", full(&error)));
        }
    };
    same(format_args!("records of {write:?}"), &answer.ends.len(), &expected.ends.len())?;
    for (at, (found, allowed)) in answer.ends.iter().zip(&expected.ends).enumerate() {
        holds(allowed.contains(found), || {
            format!("{write:?}: record {at}: expected one of {allowed:?}, found {found:?}")
        })?;
    }
    check_counts(answer.affected, write, expected)?;
    let expected = if write.returning { expected.rows.clone() } else { Rows::new() };
    same(format_args!("rows that come back from {write:?}"), &in_order(answer.rows, write), &expected)
}

/// What is not known is not said; what is said has to be right.
fn check_counts(found: Affected, write: &Write, expected: &Expected) -> Outcome {
    let Affected { matched, changed } = expected.affected;
    holds(found.matched.is_none() || found.matched == matched, || {
        format!("rows found by {write:?}: expected {matched:?}, said {:?}", found.matched)
    })?;
    let least = expected.changed_at_least;
    holds(found.changed.is_none_or(|said| said >= least && Some(said) <= changed), || {
        format!("rows changed by {write:?}: expected {least} to {changed:?}, said {:?}", found.changed)
    })
}

/// Rows of a write by filter come in any order.
fn in_order(mut rows: Rows, write: &Write) -> Rows {
    if write.action.is_by_filter() {
        rows.sort_by_key(|row| id(row));
    }
    rows
}

/// Sends a write.
pub(super) async fn send(stock: &Stock, write: &Write) -> Result<Answer> {
    let mut params = Vec::new();
    let mut filter = |rule: Rule| {
        let (filter, value) = rule.filter(params.len());
        params.push(value);
        filter
    };
    let (guard, check) = (write.guard.map(&mut filter), write.check.map(&mut filter));
    let condition = match write.action {
        Action::UpdateWhere(rule) | Action::DeleteWhere(rule) => filter(rule),
        _ => Filter::Always(true),
    };
    let returning = if write.returning { paths(&COLUMNS) } else { vec![] };
    let with_key: Vec<&str> = std::iter::once("id").chain(write.columns.iter().copied()).collect();
    let on_error = write.on_error;
    let records: Vec<Vec<Value>> = write.records.iter().map(|record| cells(record, write)).collect();
    match write.action {
        Action::Insert => {
            let shape = Insert { check, on_error, returning, ..stock.insert(&with_key) };
            stock.write(&shape, &records, &params).await
        }
        Action::Update(mode) => {
            let rows = by_id_if(guard);
            let shape = Update { rows, mode, check, on_error, returning, ..stock.update(&write.columns) };
            stock.write(&shape, &records, &params).await
        }
        Action::UpdateWhere(_) => {
            let shape = Update { check, returning, ..stock.update_where(condition, &write.columns) };
            stock.write(&shape, &records, &params).await
        }
        Action::Upsert(existing) => {
            let shape = Upsert { existing, guard, check, on_error, returning, ..stock.upsert(&with_key) };
            stock.write(&shape, &records, &params).await
        }
        Action::Delete => {
            let shape = Delete { rows: by_id_if(guard), on_error, returning, ..stock.delete() };
            stock.write(&shape, &records, &params).await
        }
        Action::DeleteWhere(_) => {
            let shape = Delete { returning, ..stock.delete_where(condition) };
            stock.write(&shape, &records, &params).await
        }
    }
}

/// Rows by their key, if this holds.
fn by_id_if(guard: Option<Filter>) -> Selector {
    Selector::Keys { columns: paths(&["id"]), guard }
}

/// A record as it is sent: with its key, unless a filter says which rows are meant.
fn cells(record: &Record, write: &Write) -> Vec<Value> {
    let key = (!write.action.is_by_filter()).then(|| int(record.id));
    key.into_iter().chain(record.cells.iter().cloned()).collect()
}
