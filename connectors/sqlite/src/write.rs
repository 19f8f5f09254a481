//! The four writes. Each call is one transaction (or a part of the caller's), each record one statement, or two for an upsert. How
//! statements are run for record after record is in `step`.

mod check;
mod step;

use connector_api::author::{
    Affected, Assignment, Cell, Delete, Expr, Insert, Param, Request, Selector, Update, Upsert, Value,
};
use connector_api::{Error, ErrorKind, Result};
use connector_common::write::{Failure, guard_failed, has_key, key_columns, not_created};
use connector_sql_common::build;

use crate::connection::Database;
use crate::progress::Written;
use crate::store::exact;
use step::Target;

impl Database {
    /// Creates rows.
    ///
    /// # Errors
    /// Of the request as a whole; then nothing was written. Errors of records are outcomes.
    pub(crate) fn insert(&mut self, request: &Request<Insert>) -> Result<Written> {
        self.all_or_nothing(|database| {
            let target = Target::new(database, &request.into, &request.columns, &request.returning)?
                .checked(&request.into, request.check.as_ref())
                .counting(Affected { changed: Some(0), matched: None });
            literals_are_exact(&request.compute, request.params())?;
            let mut step = target.step(request, 0, |dialect, form| build::insert(dialect, request, form));
            target.each_record(database, request, request.on_error, |database, cells, written| {
                let created = step.run(database, cells, written)?;
                if created == 0 {
                    // A trigger may end a statement without an error (`RAISE(IGNORE)`).
                    return Err(Failure::Record(not_created()));
                }
                written.count(created);
                Ok(())
            })
        })
    }

    /// Changes rows.
    ///
    /// # Errors
    /// As [`Database::insert`]; with a filter also those of the rows.
    pub(crate) fn update(&mut self, request: &Request<Update>) -> Result<Written> {
        self.all_or_nothing(|database| {
            let columns = [key_columns(&request.rows), &request.set].concat();
            let target = Target::new(database, &request.table, &columns, &request.returning)?
                .checked(&request.table, request.check.as_ref())
                .named_by(key_columns(&request.rows))
                .counting(Affected { matched: Some(0), changed: None });
            literals_are_exact(&request.compute, request.params())?;
            let mut step = target
                .step(request, 0, |dialect, form| build::update(dialect, request, form, target.columns()));
            match &request.rows {
                Selector::Where(_) => target.matching(database, request, &mut step),
                Selector::Keys { .. } => target.by_key(database, request, request.on_error, &mut step),
            }
        })
    }

    /// Removes rows.
    ///
    /// # Errors
    /// As [`Database::update`].
    pub(crate) fn delete(&mut self, request: &Request<Delete>) -> Result<Written> {
        self.all_or_nothing(|database| {
            let key = key_columns(&request.rows);
            let target = Target::new(database, &request.from, key, &request.returning)?
                .named_by(key)
                .counting(Affected { matched: Some(0), changed: Some(0) });
            let mut step = target.step(request, 0, |dialect, form| build::delete(dialect, request, form));
            match &request.rows {
                Selector::Where(_) => target.matching(database, request, &mut step),
                Selector::Keys { .. } => target.by_key(database, request, request.on_error, &mut step),
            }
        })
    }

    /// Creates rows or changes those that exist. The write lock is held, so nothing comes between the two statements.
    ///
    /// # Errors
    /// As [`Database::insert`].
    pub(crate) fn upsert(&mut self, request: &Request<Upsert>) -> Result<Written> {
        self.all_or_nothing(|database| {
            let target = Target::new(database, &request.into, &request.columns, &request.returning)?
                .checked(&request.into, request.check.as_ref())
                .named_by(&request.key)
                .counting(Affected { matched: Some(0), changed: None });
            let mut existing = target.step(request, 0, |dialect, form| {
                build::upsert_existing(dialect, request, form, target.columns())
            });
            let mut missing =
                target.step(request, 1, |dialect, form| build::upsert_missing(dialect, request, form));
            target.each_record(database, request, request.on_error, |database, cells, written| {
                let has_key = has_key(request, cells.iter().map(|cell| *cell == Cell::Absent));
                let found = if has_key { existing.run_one(database, cells, written)? } else { 0 };
                written.count(found);
                if found == 0 && missing.run(database, cells, written)? == 0 {
                    let is_hidden = has_key && request.guard.is_some();
                    return Err(Failure::Record(if is_hidden { guard_failed() } else { not_created() }));
                }
                Ok(())
            })
        })
    }
}

/// Numbers in expressions are calculated as SQLite has them, so they have to fit before.
fn literals_are_exact(compute: &[Assignment], params: &[Value]) -> Result<()> {
    let mut literals = Vec::new();
    compute.iter().for_each(|computed| collect(&computed.value, &mut literals));
    let is_exact = |param: &Param| match params.get(*param) {
        Some(Value::U64(number)) => i64::try_from(*number).is_ok(),
        Some(Value::Decimal(digits)) => exact(digits).is_some(),
        _ => true,
    };
    if literals.iter().all(is_exact) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidRequest,
        "a number in an expression has more digits than the database can calculate with; round it",
    )
    .with_reason("out_of_range")
    .with_sqlstate("22003"))
}

fn collect(expr: &Expr, params: &mut Vec<Param>) {
    match expr {
        Expr::Column(_) => {}
        Expr::Param(param) => params.push(*param),
        Expr::Arithmetic { left, right, .. } => {
            collect(left, params);
            collect(right, params);
        }
        Expr::Call { args, .. } => args.iter().for_each(|arg| collect(arg, params)),
    }
}
