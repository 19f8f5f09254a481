//! A statement of a write, run for record after record. Knows nothing of what the statement does.

use std::sync::Arc;

use connector_api::author::{Affected, Cell, Filter, OnError, Path, Request, TableRef, Value};
use connector_api::{Error, Result};
use connector_common::write::{Failure, ambiguous_key, check_failed, missing_row};
use connector_common::written::Returned;
use connector_sql_common::build::TableColumns;
use connector_sql_common::{Bound, Form, Statement, StatementKey};
use rusqlite::types::Value as Stored;

use crate::connection::Database;
use crate::error::from_driver;
use crate::progress::{Progress, Written, keep};
use crate::store::stored;
use crate::table::{ColumnInfo, TableInfo};
use crate::translate::{DIALECT, SqliteDialect};
use crate::types::{Conversion, parameter};
use crate::write::check::{Check, Recheck};

/// Makes the statement for records of one form.
pub(super) trait Build: Fn(&SqliteDialect, &Form) -> Result<Statement> {}

impl<B: Fn(&SqliteDialect, &Form) -> Result<Statement>> Build for B {}

/// The table of a write and the columns of its records.
pub(super) struct Target {
    table: Arc<TableInfo>,
    /// By place in the record.
    cells: Vec<ColumnInfo>,
    returned: Vec<(String, Conversion)>,
    has_check: bool,
    /// Asked of each row behind its statement, where triggers may change it once more.
    recheck: Option<Recheck>,
    /// The columns that name a row may name several.
    is_key_doubtful: bool,
    /// Zero for what is counted.
    counted: Affected,
}

impl Target {
    pub(super) fn new(
        database: &mut Database,
        table: &TableRef,
        columns: &[Path],
        returning: &[Path],
    ) -> Result<Self> {
        let table = database.table(table)?;
        let cells = columns.iter().map(|path| table.column(path).cloned()).collect::<Result<_>>()?;
        let returned = returning
            .iter()
            .map(|path| table.column(path).map(|column| (column.name.clone(), column.conversion)))
            .collect::<Result<_>>()?;
        Ok(Self {
            table,
            cells,
            returned,
            has_check: false,
            recheck: None,
            is_key_doubtful: false,
            counted: Affected::default(),
        })
    }

    /// Rows of this table are checked as they become.
    pub(super) fn checked(self, table: &TableRef, check: Option<&Filter>) -> Self {
        let named_by = self.table.row_names.as_ref().filter(|_| self.table.has_triggers);
        let recheck = named_by.zip(check).map(|(named_by, check)| Recheck {
            table: table.clone(),
            named_by: Arc::clone(named_by),
            check: check.clone(),
        });
        Self { has_check: check.is_some(), recheck, ..self }
    }

    /// Rows are named by these columns.
    pub(super) fn named_by(self, key: &[Path]) -> Self {
        let names = |column: &String| key.iter().any(|path| path.as_column() == Some(column.as_str()));
        let is_primary = !self.table.key.is_empty() && self.table.key.iter().all(names);
        Self { is_key_doubtful: !is_primary, ..self }
    }

    /// What the write counts.
    pub(super) fn counting(self, counted: Affected) -> Self {
        Self { counted, ..self }
    }

    fn nothing(&self) -> Written {
        Written::nothing(Returned::new(self.returned.clone()), self.counted)
    }

    pub(super) fn columns(&self) -> TableColumns<'_> {
        TableColumns { all: &self.table.writable, key: &self.table.key }
    }

    /// A statement that `build` makes; `nth` of those that the request becomes.
    pub(super) fn step<'t, S, B: Build>(&'t self, request: &'t Request<S>, nth: u8, build: B) -> Step<'t, B> {
        let dialect = SqliteDialect {
            overrules_table: self.table.has_conflict_rules,
            checked_later: self.recheck.as_ref().map(|recheck| Arc::clone(&recheck.named_by)),
        };
        let form = Form::of(&dialect, request.params());
        let (shape, params) = (request.key(), request.params());
        Step { target: self, dialect, shape, params, nth, form, build, last: None }
    }

    /// Changes or removes the rows with the records' keys.
    pub(super) fn by_key<S, B: Build>(
        &self,
        database: &mut Database,
        request: &Request<S>,
        on_error: OnError,
        step: &mut Step<'_, B>,
    ) -> Result<Written> {
        self.each_record(database, request, on_error, |database, cells, written| {
            let found = step.run_one(database, cells, written)?;
            if found == 0 {
                return Err(Failure::Record(missing_row()));
            }
            written.count(found);
            Ok(())
        })
    }

    /// Changes or removes all rows that match: one statement, which fails as a whole.
    pub(super) fn matching<S, B: Build>(
        &self,
        database: &mut Database,
        request: &Request<S>,
        step: &mut Step<'_, B>,
    ) -> Result<Written> {
        let mut written = self.nothing();
        let mut run = |cells: &[Cell<'_>]| {
            let found = step.run(database, cells, &mut written).map_err(Failure::into_error)?;
            written.count(found);
            Ok(())
        };
        match request.records().len() {
            0 => run(&[])?,
            1 => request.records().for_each(self.cells.len(), |_, cells| run(cells))?,
            _ => return Err(Error::internal("a change by filter has more than one record")),
        }
        Ok(written)
    }

    /// Writes record by record, and goes on after a failed one as the request says.
    pub(super) fn each_record<S>(
        &self,
        database: &mut Database,
        request: &Request<S>,
        on_error: OnError,
        mut one: impl FnMut(&mut Database, &[Cell<'_>], &mut Written) -> std::result::Result<(), Failure>,
    ) -> Result<Written> {
        let mut progress = Progress::new(on_error, self.nothing());
        // A statement that fails leaves nothing behind. But a row may be written before its check fails or another one turns out to have
        // the same key, and a trigger may leave things.
        let may_leave = self.has_check || self.is_key_doubtful || self.table.has_triggers;
        let is_undoable = on_error != OnError::Atomic && may_leave;
        request.records().for_each(self.cells.len(), |_, cells| {
            if progress.is_over() {
                progress.not_run();
                return Ok(());
            }
            database.check_cancelled()?;
            let before = progress.written.mark();
            let result = if is_undoable {
                database.undoable(|database| one(database, cells, &mut progress.written))
            } else {
                one(database, cells, &mut progress.written)
            };
            match result {
                Ok(()) => progress.done(),
                Err(Failure::Call(error)) => return Err(error),
                Err(Failure::Record(error)) => {
                    progress.written.back_to(before);
                    progress.failed(error, !database.is_in_transaction());
                }
            }
            Ok(())
        })?;
        Ok(progress.finish())
    }
}

/// One statement of a request, run for record after record.
pub(super) struct Step<'t, B> {
    target: &'t Target,
    dialect: SqliteDialect,
    shape: &'t Arc<[u8]>,
    params: &'t [Value],
    nth: u8,
    form: Form,
    build: B,
    /// The statement for the last record, and which of its cells were absent: most records are alike.
    last: Option<(Vec<bool>, Arc<Statement>)>,
}

impl<B: Build> Step<'_, B> {
    /// Runs the statement for a record; tells how many rows it touched.
    pub(super) fn run(
        &mut self,
        database: &mut Database,
        cells: &[Cell<'_>],
        written: &mut Written,
    ) -> std::result::Result<u64, Failure> {
        let statement = self.statement(database, cells).map_err(Failure::Call)?;
        if written.statement.is_none() {
            written.statement = Some(statement.sql().to_owned());
        }
        let recheck = self.recheck(database).map_err(Failure::Call)?;
        let connection = &database.connection;
        let before = connection.total_changes();
        let mut prepared =
            connection.prepare_cached(statement.sql()).map_err(|error| Failure::Call(from_driver(&error)))?;
        self.bind(&statement, &mut prepared, cells)?;
        if self.target.returned.is_empty() && !self.target.has_check {
            prepared.raw_execute().map_err(|error| from_driver(&error))?;
        } else {
            let mut check = match &recheck {
                Some(statement) => Check::later(connection, statement, self.params).map_err(Failure::Call)?,
                None if self.target.has_check => Check::Within,
                None => Check::Nothing,
            };
            self.read(prepared.raw_query(), &mut check, written)?;
        }
        // Changes behind a view are those of its triggers, which count in the total only.
        Ok(connection.changes().max(u64::from(connection.total_changes() != before)))
    }

    /// Runs the statement for a record that names one row; tells whether there was one.
    pub(super) fn run_one(
        &mut self,
        database: &mut Database,
        cells: &[Cell<'_>],
        written: &mut Written,
    ) -> std::result::Result<u64, Failure> {
        let touched = self.run(database, cells, written)?;
        if touched > 1 {
            return Err(Failure::Record(ambiguous_key()));
        }
        Ok(touched)
    }

    fn statement(&mut self, database: &mut Database, cells: &[Cell<'_>]) -> Result<Arc<Statement>> {
        let is_absent = |cell: &Cell<'_>| *cell == Cell::Absent;
        if let Some((absent, statement)) = &self.last
            && cells.iter().map(is_absent).eq(absent.iter().copied())
        {
            return Ok(Arc::clone(statement));
        }
        let absent: Vec<_> = cells.iter().map(is_absent).collect();
        let key = StatementKey {
            shape: Arc::clone(self.shape),
            nth: self.nth,
            form: self.form.with_absent(&absent),
        };
        let statement = database.statements.get(key, |form| (self.build)(&self.dialect, form))?;
        self.last = Some((absent, Arc::clone(&statement)));
        Ok(statement)
    }

    /// The statement that asks for the check of rows that this one gives back.
    fn recheck(&self, database: &mut Database) -> Result<Option<Arc<Statement>>> {
        let Some(recheck) = &self.target.recheck else { return Ok(None) };
        let form = Form::of(&DIALECT, self.params);
        database.statements.get(recheck.key(self.shape, form), |form| recheck.statement(form)).map(Some)
    }

    fn bind(
        &self,
        statement: &Statement,
        prepared: &mut rusqlite::Statement<'_>,
        cells: &[Cell<'_>],
    ) -> Result<()> {
        let mut position = 0_usize;
        statement.bind(&self.dialect, self.params, |bound| {
            position += 1;
            let value = match &bound {
                Bound::Value(value) => prepared.raw_bind_parameter(position, parameter(value)?),
                Bound::Cell(place) => {
                    let (cell, column) = cells
                        .get(*place)
                        .zip(self.target.cells.get(*place))
                        .ok_or_else(|| Error::internal("the record has fewer cells than the request says"))?;
                    prepared.raw_bind_parameter(position, stored(cell, column)?)
                }
            };
            value.map_err(|error| from_driver(&error))
        })
    }

    /// Keeps the rows that the statement gives back. The rows were all written before the first one comes.
    fn read(
        &self,
        mut rows: rusqlite::Rows<'_>,
        check: &mut Check<'_>,
        written: &mut Written,
    ) -> std::result::Result<(), Failure> {
        let width = written.returned.width();
        while let Some(row) = rows.next().map_err(|error| from_driver(&error))? {
            let cell = |index| row.get::<_, Stored>(index).map_err(|error| from_driver(&error));
            if !check.holds(row, width).map_err(Failure::Call)? {
                return Err(Failure::Record(check_failed()));
            }
            if width > 0 {
                let row = (0..width).map(cell).collect::<Result<_>>()?;
                // The row is written already: it can't fail alone.
                keep(written, row).map_err(Failure::Call)?;
            }
        }
        Ok(())
    }
}
