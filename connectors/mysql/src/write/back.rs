//! The rows that a write gives back or has to check. The statements that write give nothing back in MySQL, so rows are read by others in
//! the same transaction: those that are removed before, those that are changed or created behind, by their key.

use connector_api::author::{Expr, Path, Selector, Update};
use connector_api::{Error, Result};
use connector_common::write::{Failure, Write, check_failed};
use connector_sql_common::build::{self, Reread};
use mysql_async::Value;

use super::step::{At, Ended, Run};
use super::written::{Written, keep_row};
use crate::client::Work;
use crate::table::{TableInfo, UniqueKey};
use crate::types::integer;

/// Statements of a request behind the two of an upsert: the one that locks, then one for each key by which rows are read.
const LOCK: u8 = 2;
const READ: u8 = 3;

type Row = Vec<Value>;

/// How rows go back.
pub(super) enum Back {
    /// Not at all.
    Nothing,
    /// Read before they are removed.
    Before,
    /// Read behind the write, and checked.
    Behind,
    /// New rows of which only the number is wanted that the server gives them.
    Number,
}

impl Back {
    /// # Errors
    /// [`connector_api::ErrorKind::Unsupported`] for rows that can't be found again.
    pub(super) fn of(write: Write<'_>, table: &TableInfo) -> Result<Self> {
        if write.returning().is_empty() && !write.has_check() {
            return Ok(Self::Nothing);
        }
        let is_number =
            |path: &Path| path.as_column().is_some() && path.as_column() == table.numbered.as_deref();
        match write {
            Write::Delete(_) => return Ok(Self::Before),
            Write::Insert(request) if request.check.is_none() && request.returning.iter().all(is_number) => {
                let is_computed = request.compute.iter().any(|computed| is_number(&computed.column));
                return Ok(if is_computed { Self::Behind } else { Self::Number });
            }
            Write::Update(request) => is_findable(request, table)?,
            Write::Insert(_) | Write::Upsert(_) => {}
        }
        Ok(Self::Behind)
    }

    /// Whether rows are read.
    pub(super) fn is_read(&self) -> bool {
        matches!(self, Self::Before | Self::Behind)
    }

    /// Whether a new row has to be given back by the statement that creates it, because no key of it will be known: the server makes one by
    /// an expression, or there is none.
    pub(super) fn comes_with_the_row(&self, run: &Run<'_>, at: At<'_>) -> bool {
        // A number that the server will make is as good as known.
        let is_known = |name: &String| known(run, at, Some(0), name).is_some();
        let has_key = || run.table.keys.iter().any(|key| key.columns.iter().all(is_known));
        matches!(self, Self::Behind) && run.table.is_mariadb && !has_key()
    }

    /// Reads and locks what is about to be removed, or the keys of what is about to be changed by a filter.
    ///
    /// # Errors
    /// The server's.
    pub(super) async fn before(
        &self,
        run: &Run<'_>,
        at: At<'_>,
        written: &mut Written,
        work: &mut Work,
    ) -> Ended<Vec<Row>> {
        match (self, run.write) {
            (Self::Before, Write::Delete(request)) => {
                for row in locked(run, &request.rows, &request.returning, at, work).await? {
                    keep_row(written, row).map_err(Failure::Call)?;
                }
                Ok(Vec::new())
            }
            (Self::Behind, Write::Update(request)) if run.write.is_by_filter() => {
                let key: Vec<_> = run.table.primary_key().iter().map(Path::column).collect();
                locked(run, &request.rows, &key, at, work).await
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Reads the rows with these keys behind a change by filter.
    ///
    /// # Errors
    /// The server's; those of the check.
    pub(super) async fn behind_all(
        &self,
        run: &Run<'_>,
        keys: Vec<Row>,
        written: &mut Written,
        work: &mut Work,
    ) -> Ended<()> {
        let columns: Vec<_> = run.table.primary_key().iter().map(Path::column).collect();
        for key in keys {
            read(run, READ, (&columns, &key), written, work).await?;
        }
        Ok(())
    }

    /// Reads the row that was changed, by its key as it is now.
    ///
    /// # Errors
    /// The server's; that of the check.
    pub(super) async fn behind_one(
        &self,
        run: &Run<'_>,
        (records, index): At<'_>,
        written: &mut Written,
        work: &mut Work,
    ) -> Ended<()> {
        if !matches!(self, Self::Behind) {
            return Ok(());
        }
        let columns = run.write.columns();
        // A column that is set stands behind the keys.
        let cell = |path: &Path| {
            let places = (0..columns.len()).rev().filter(|place| columns.get(*place) == Some(&path));
            let mut cells = places.filter_map(|place| records.cell(index, place));
            cells.next().cloned().unwrap_or(Value::NULL)
        };
        let key: Row = run.write.key().iter().map(cell).collect();
        read(run, READ, (run.write.key(), &key), written, work).await
    }

    /// Reads the new row, by the first of its keys that is known.
    ///
    /// # Errors
    /// The server's; that of the check; [`connector_api::ErrorKind::Unsupported`] when no key is known.
    pub(super) async fn behind_new(
        &self,
        run: &Run<'_>,
        (at, new_key): (At<'_>, Option<u64>),
        written: &mut Written,
        work: &mut Work,
    ) -> Ended<()> {
        match self {
            Self::Nothing | Self::Before => Ok(()),
            Self::Number => {
                let number = run.table.numbered.as_ref().and_then(|name| known(run, at, new_key, name));
                let row = number.ok_or_else(|| Failure::Call(not_found_again()))?;
                let row = vec![row; run.write.returning().len()];
                keep_row(written, row).map_err(Failure::Call)
            }
            Self::Behind => {
                let key_of = |key: &UniqueKey| -> Option<Row> {
                    key.columns.iter().map(|name| known(run, at, new_key, name)).collect()
                };
                let mut keys = (READ..).zip(&run.table.keys);
                let found = keys.find_map(|(nth, key)| Some((nth, key, key_of(key)?)));
                let (nth, key, values) = found.ok_or_else(|| Failure::Call(not_found_again()))?;
                let columns: Vec<_> = key.columns.iter().map(Path::column).collect();
                read(run, nth, (&columns, &values), written, work).await
            }
        }
    }
}

/// The value of a new row's column, as far as it is known without reading it.
fn known(run: &Run<'_>, (records, index): At<'_>, new_key: Option<u64>, name: &str) -> Option<Value> {
    let columns = run.write.columns();
    let place = columns.iter().position(|path| path.as_column() == Some(name));
    match place.and_then(|place| records.cell(index, place)) {
        Some(Value::NULL) => None,
        Some(value) => Some(value.clone()),
        None if run.table.numbered.as_deref() == Some(name) => new_key.map(Value::UInt),
        None => None,
    }
}

/// Rows are found again by keys that the request does not compute, and a filter changes no key.
fn is_findable(request: &Update, table: &TableInfo) -> Result<()> {
    let is_key = |path: &Path| match &request.rows {
        Selector::Keys { columns, .. } => columns.contains(path),
        Selector::Where(_) => table.primary_key().iter().any(|name| path.as_column() == Some(name.as_str())),
    };
    let is_by_filter = matches!(request.rows, Selector::Where(_));
    let is_set = is_by_filter && request.set.iter().any(is_key);
    let is_computed = request.compute.iter().any(|computed| is_key(&computed.column));
    if is_set || is_computed || is_by_filter && table.primary_key().is_empty() {
        return Err(Error::unsupported("reading rows back whose key is changed, or that have none"));
    }
    Ok(())
}

/// MySQL assigns from left to right, and a column that stands on the right of a later assignment has its new value by then.
///
/// # Errors
/// [`connector_api::ErrorKind::Unsupported`] for assignments that depend on each other.
pub(super) fn in_order(request: &Update) -> Result<()> {
    let mut assigned: Vec<&Path> = request.set.iter().collect();
    for computed in &request.compute {
        if assigned.iter().any(|path| **path != computed.column && names(&computed.value, path)) {
            return Err(Error::unsupported("computing a column from another one that is changed as well"));
        }
        assigned.push(&computed.column);
    }
    Ok(())
}

fn names(expr: &Expr, column: &Path) -> bool {
    match expr {
        Expr::Column(path) => path == column,
        Expr::Param(_) => false,
        Expr::Arithmetic { left, right, .. } => names(left, column) || names(right, column),
        Expr::Call { args, .. } => args.iter().any(|arg| names(arg, column)),
    }
}

async fn locked(
    run: &Run<'_>,
    rows: &Selector,
    columns: &[Path],
    (records, index): At<'_>,
    work: &mut Work,
) -> Ended<Vec<Row>> {
    let statement = run.kept(LOCK, run.form.clone(), |dialect, form| {
        build::locked(dialect, run.write.table(), rows, columns, form)
    });
    let statement = statement.map_err(Failure::Call)?;
    let values = run.bind(&statement, |cell| records.cell(index, cell).cloned())?;
    let rows = work.run(statement.sql(), values).await?.all().await?;
    Ok(rows.into_iter().map(mysql_async::Row::unwrap).collect())
}

/// Reads the row with this key, keeps it and checks it.
async fn read(
    run: &Run<'_>,
    nth: u8,
    (columns, key): (&[Path], &[Value]),
    written: &mut Written,
    work: &mut Work,
) -> Ended<()> {
    let (returning, check) = (run.write.returning(), run.write.check());
    let name: Vec<_> = columns.iter().enumerate().collect();
    let wanted = Reread { table: run.write.table(), name: &name, columns: returning, check };
    let statement = run.kept(nth, run.form.clone(), |dialect, form| build::reread(dialect, &wanted, form));
    let statement = statement.map_err(Failure::Call)?;
    let values = run.bind(&statement, |cell| key.get(cell).cloned())?;
    let rows = work.run(statement.sql(), values).await?.all().await?;
    match rows.into_iter().next() {
        Some(row) => keep(run.write, row, written),
        None if check.is_some() => Err(Failure::Record(check_failed())),
        None => Err(Failure::Call(not_found_again())),
    }
}

/// Keeps a row that goes back, unless what its check says, behind the columns, is no.
///
/// # Errors
/// That of the check; [`connector_api::ErrorKind::LimitExceeded`] for too many rows.
pub(super) fn keep(write: Write<'_>, row: mysql_async::Row, written: &mut Written) -> Ended<()> {
    if write.has_check() && integer(&row, write.returning().len()) != Some(1) {
        return Err(Failure::Record(check_failed()));
    }
    keep_row(written, row.unwrap()).map_err(Failure::Call)
}

fn not_found_again() -> Error {
    Error::unsupported(
        "reading a row back whose key is not known: name a key whose values the request gives, or that numbers rows",
    )
}
