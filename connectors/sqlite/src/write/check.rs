//! Whether the rows that a statement wrote keep to the row rules. Where the table has triggers, a statement of its own asks for each row,
//! because SQLite gives rows back as they were before the triggers changed them
//! (<https://www.sqlite.org/lang_returning.html#limitations_and_caveats>). May not write.

use std::sync::Arc;

use connector_api::Result;
use connector_api::author::{Filter, TableRef, Value};
use connector_sql_common::{Bound, Form, Statement, StatementKey, build};
use rusqlite::types::Value as Stored;
use rusqlite::{CachedStatement, Connection, Row};

use crate::error::from_driver;
use crate::translate::DIALECT;
use crate::types::parameter;

/// The place of the asking statement among those that a request becomes: behind the two of an upsert.
const NTH: u8 = 2;

/// A check that is asked by a statement of its own.
pub(super) struct Recheck {
    pub(super) table: TableRef,
    pub(super) named_by: Arc<[String]>,
    pub(super) check: Filter,
}

impl Recheck {
    pub(super) fn key(&self, shape: &Arc<[u8]>, form: Form) -> StatementKey {
        StatementKey { shape: Arc::clone(shape), nth: NTH, form }
    }

    pub(super) fn statement(&self, form: &Form) -> Result<Statement> {
        build::recheck(&DIALECT, &self.table, &self.named_by, &self.check, form)
    }
}

/// How the rows of one statement are checked.
pub(super) enum Check<'c> {
    /// Not at all.
    Nothing,
    /// The statement says it itself, behind the columns that are wanted back.
    Within,
    /// This statement says it of the row whose names stand there.
    Later { statement: &'c Statement, prepared: CachedStatement<'c>, params: &'c [Value] },
}

impl<'c> Check<'c> {
    pub(super) fn later(
        connection: &'c Connection,
        statement: &'c Statement,
        params: &'c [Value],
    ) -> Result<Self> {
        let prepared = connection.prepare_cached(statement.sql()).map_err(|error| from_driver(&error))?;
        Ok(Self::Later { statement, prepared, params })
    }

    /// Whether the row may stay, whose wanted columns are `width`. The triggers have run before the first row comes. A row that can't
    /// be found again, because a trigger has removed it or given it another key, may not.
    pub(super) fn holds(&mut self, row: &Row<'_>, width: usize) -> Result<bool> {
        let cell = |index| row.get::<_, Stored>(index).map_err(|error| from_driver(&error));
        let (statement, prepared, params) = match self {
            Self::Nothing => return Ok(true),
            Self::Within => return Ok(cell(width)? == Stored::Integer(1)),
            Self::Later { statement, prepared, params } => (statement, prepared, params),
        };
        let mut position = 0_usize;
        statement.bind(&DIALECT, params, |bound| {
            position += 1;
            match bound {
                Bound::Value(value) => prepared.raw_bind_parameter(position, parameter(&value)?),
                Bound::Cell(place) => prepared.raw_bind_parameter(position, cell(width + place)?),
            }
            .map_err(|error| from_driver(&error))
        })?;
        let mut found = prepared.raw_query();
        let found = found.next().map_err(|error| from_driver(&error))?;
        found.map_or(Ok(false), |row| row.get(0)).map_err(|error| from_driver(&error))
    }
}
