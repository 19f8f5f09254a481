//! Writes: each takes a table and gives the table as it becomes, with what the answer says of it. Nothing is in place before the
//! caller saves it.
//!
//! A write by keys takes record by record. A write by filter is one step: it succeeds as a whole, or the call fails and nothing
//! is written.

mod batch;
mod change;

use std::sync::Arc;

use connector_api::author::{
    Affected, Delete, Error, Existing, Filter, Insert, Outcome, Path, Request, Result, Selector, Update,
    UpdateMode, Upsert, Value,
};
use connector_common::evaluate::Condition;

use crate::client::{Table, take_turns};
use crate::error;
use crate::schema::Row;
use batch::{Done, each_record};
use change::{Change, Creation, Rule, Setting};

/// What a write comes to.
pub(crate) struct Written {
    pub(crate) table: Table,
    pub(crate) affected: Affected,
    /// Of the records that did not end well.
    pub(crate) outcomes: Vec<Outcome>,
    /// What is given back: the rows as they became, or as they were when they are deleted.
    pub(crate) rows: Vec<Row>,
}

/// Creates rows.
///
/// # Errors
/// A request that does not fit the table. What is wrong with a record is its outcome; so it is with all writes by record.
pub(crate) async fn insert(table: &Table, request: &Request<Insert>) -> Result<Written> {
    let params = request.params();
    let creation = Creation {
        setting: Setting::new(table.layout(), &request.columns, &request.compute, params)?,
        check: Rule::new(table, request.check.as_ref(), params)?,
    };
    let records = request.records().values(request.columns.len())?;
    let create = |table: &mut Table, cells: &[Value]| creation.create(table, cells);
    let mut written = each_record(table, &records, request.on_error, create).await;
    written.affected.matched = None;
    Ok(written)
}

/// Changes rows.
///
/// # Errors
/// A request that does not fit the table; for a write by filter, also what is wrong with a row.
pub(crate) async fn update(table: &Table, request: &Request<Update>) -> Result<Written> {
    let (params, layout) = (request.params(), table.layout());
    let named_by = match &request.rows {
        Selector::Where(_) => Vec::new(),
        Selector::Keys { columns, .. } => layout.columns(columns)?,
    };
    let change = Change {
        setting: Setting::new(layout, &request.set, &request.compute, params)?,
        mode: request.mode,
        named_by: named_by.clone(),
        check: Rule::new(table, request.check.as_ref(), params)?,
    };
    let records = request.records().values(named_by.len() + request.set.len())?;
    match &request.rows {
        Selector::Where(filter) => {
            let cells = match records.as_slice() {
                [] if request.set.is_empty() => &[],
                [only] => only.as_slice(),
                _ => return Err(Error::internal("a write by filter needs one record")),
            };
            update_where(table, &Condition::new(Some(filter), params)?, &change, cells).await
        }
        Selector::Keys { guard, .. } => {
            let guard = Rule::new(table, guard.as_ref(), params)?;
            let step = |table: &mut Table, record: &[Value]| {
                let (key, cells) = split(record, named_by.len())?;
                let (number, old) = find(table, &named_by, key, &guard)?;
                change.change(table, number, &old, cells)
            };
            Ok(each_record(table, &records, request.on_error, step).await)
        }
    }
}

async fn update_where(
    table: &Table,
    condition: &Condition<'_>,
    change: &Change<'_>,
    cells: &[Value],
) -> Result<Written> {
    let mut written = Written::nothing(table);
    let mut changes = Vec::new();
    let mut scan = table.scan(condition);
    while let Some((number, old)) = scan.next().await? {
        let row = change.row(table.layout(), old, cells)?;
        written.add(Done { is_changed: row != *old, is_matched: true, row: Arc::clone(&row) });
        changes.push((number, row));
    }
    for (done, (number, _)) in changes.iter().enumerate() {
        take_turns(done).await;
        written.table.remove(*number);
    }
    for (done, (number, row)) in changes.iter().enumerate() {
        take_turns(done).await;
        written.table.put(*number, row)?;
    }
    Ok(written)
}

/// Creates rows or changes those that exist.
///
/// # Errors
/// As [`insert`].
pub(crate) async fn upsert(table: &Table, request: &Request<Upsert>) -> Result<Written> {
    let (params, layout) = (request.params(), table.layout());
    let (columns, key) = (layout.columns(&request.columns)?, layout.columns(&request.key)?);
    let setting = || Setting::new(layout, &request.columns, &[], params);
    let check = || Rule::new(table, request.check.as_ref(), params);
    let creation = Creation { setting: setting()?, check: check()? };
    let mode = match request.existing {
        Existing::Merge => UpdateMode::Merge,
        Existing::Replace => UpdateMode::Replace,
    };
    let change = Change { setting: setting()?, mode, named_by: key.clone(), check: check()? };
    let guard = Rule::new(table, request.guard.as_ref(), params)?;
    let records = request.records().values(columns.len())?;
    let step = |table: &mut Table, cells: &[Value]| {
        let place = |column: &usize| columns.iter().position(|given| given == column);
        let cell = |column: &usize| place(column).and_then(|place| cells.get(place)).cloned();
        let values: Vec<Value> = key.iter().map(|column| cell(column).unwrap_or(Value::Absent)).collect();
        match table.find(&key, &values)? {
            None => creation.create(table, cells),
            Some((_, old)) if !guard.holds(&old)? => Err(error::guard_failed()),
            Some((number, old)) => change.change(table, number, &old, cells),
        }
    };
    Ok(each_record(table, &records, request.on_error, step).await)
}

/// Removes rows.
///
/// # Errors
/// As [`update`].
pub(crate) async fn delete(table: &Table, request: &Request<Delete>) -> Result<Written> {
    let params = request.params();
    match &request.rows {
        Selector::Where(filter) => delete_where(table, filter, params).await,
        Selector::Keys { columns, guard } => {
            let key_columns = table.layout().columns(columns)?;
            let guard = Rule::new(table, guard.as_ref(), params)?;
            let records = request.records().values(columns.len())?;
            let step = |table: &mut Table, key: &[Value]| {
                let (number, row) = find(table, &key_columns, key, &guard)?;
                table.remove(number);
                Ok(Done { row, is_matched: true, is_changed: true })
            };
            Ok(each_record(table, &records, request.on_error, step).await)
        }
    }
}

async fn delete_where(table: &Table, filter: &Filter, params: &[Value]) -> Result<Written> {
    let condition = Condition::new(Some(filter), params)?;
    let mut written = Written::nothing(table);
    let mut scan = table.scan(&condition);
    while let Some((number, row)) = scan.next().await? {
        written.table.remove(number);
        written.add(Done { row: Arc::clone(row), is_matched: true, is_changed: true });
    }
    Ok(written)
}

/// The row of a key. One that the guard hides is as good as missing.
fn find(table: &Table, columns: &[usize], key: &[Value], guard: &Rule<'_>) -> Result<(u64, Row)> {
    match table.find(columns, key)? {
        Some((number, row)) if guard.holds(&row)? => Ok((number, row)),
        _ => Err(error::row_not_found()),
    }
}

fn split(record: &[Value], key: usize) -> Result<(&[Value], &[Value])> {
    record.split_at_checked(key).ok_or_else(|| Error::internal("a record is shorter than its key"))
}

/// Checks before the write that what is to be given back exists.
///
/// # Errors
/// *Not found* for a column that the table does not have.
pub(crate) fn check_returning(table: &Table, returning: &[Path]) -> Result<()> {
    let blank = table.layout().blank();
    returning.iter().try_for_each(|path| table.cell(&blank, path).map(drop))
}
