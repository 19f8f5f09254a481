//! One connection: opened, set up, asked. It stays on the thread that opened it.

use std::path::Path;
use std::sync::Arc;

use connector_api::author::{AggregateFunction, Count, Query, Request, RowSink, TableRef};
use connector_api::{Error, ErrorKind, Result};
use connector_common::threads::{Cancelled, Owned};
use connector_sql_common::{Bound, Form, Statement, StatementCache, StatementKey, build};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{CachedStatement, Connection, OpenFlags};
use serde::de::DeserializeOwned;

use crate::config::Config;
use crate::error::from_driver;
use crate::functions;
use crate::table::{TableCache, TableInfo};
use crate::translate::DIALECT;
use crate::types::{Conversion, parameter, write_cell};

/// Statements that each connection keeps, as text and compiled.
const CACHED_STATEMENTS: usize = 256;
/// Page cache of each connection, in KiB; negative, as SQLite wants it.
const CACHE_KIB: i64 = -8_000;
/// The longest text, blob or row, in bytes: what fits into one message of the contract.
const MAX_VALUE_BYTES: i32 = 60 * 1024 * 1024;
/// The longest statement, in bytes; with the most parameters allowed it is well below.
const MAX_SQL_BYTES: i32 = 4 * 1024 * 1024;
/// Steps of SQLite's machine between two looks at whether anybody still waits: well under a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It never writes, also by mistake.
    Reading,
    /// It may write.
    Writing,
}

/// Opens a connection, on the thread that will own it.
///
/// # Errors
/// Why the file can't be opened.
pub(crate) fn open(config: &Config, purpose: Purpose, cancelled: &Cancelled) -> Result<Owned<Database>> {
    let path = config.path();
    let access = if config.read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else if config.create {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    };
    // A connection stays on its thread, so SQLite need not lock it.
    let connection = Connection::open_with_flags(&path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| refused(&path, &error))?;
    let connection =
        configured(connection, config, purpose, cancelled).map_err(|error| from_driver(&error))?;
    let interrupt = connection.get_interrupt_handle();
    let state = Database {
        connection,
        statements: StatementCache::new(CACHED_STATEMENTS),
        tables: TableCache::default(),
        cancelled: cancelled.clone(),
    };
    Ok(Owned { state, cancel: Arc::new(move || interrupt.interrupt()) })
}

/// SQLite says only that it can't open a file; the system says why.
fn refused(path: &Path, error: &rusqlite::Error) -> Error {
    let unavailable = |message: &str, reason: &str| {
        Error::new(ErrorKind::Unavailable, message)
            .with_reason(reason)
            .with_sqlstate("08001")
            .temporary(false)
    };
    match std::fs::metadata(path) {
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => {
            unavailable("the database file does not exist", "database_missing").with_detail(path.display())
        }
        Ok(metadata) if metadata.is_dir() => {
            unavailable("the database path is a directory; expected a file", "not_a_database")
        }
        _ => match std::fs::File::open(path) {
            Err(denied) if denied.kind() == std::io::ErrorKind::PermissionDenied => {
                Error::new(ErrorKind::PermissionDenied, "the database file may not be read by the gateway")
                    .with_reason("permission_denied")
                    .with_detail(path.display())
            }
            _ => from_driver(error),
        },
    }
}

fn configured(
    mut connection: Connection,
    config: &Config,
    purpose: Purpose,
    cancelled: &Cancelled,
) -> rusqlite::Result<Connection> {
    for (setting, is_on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        // A plan belongs to a statement, not to the values bound to it: otherwise SQLite compiles many statements anew with every
        // value (https://www.sqlite.org/queryplanner-ng.html#qpstab).
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
        // Otherwise a quoted name that no column has would be taken for a text.
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(setting, is_on)?;
    }
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.busy_timeout(config.busy_timeout.0)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.pragma_update(None, "query_only", purpose == Purpose::Reading)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    functions::install(&connection)?;
    // An interrupt is forgotten when it comes just before the first step; this is not.
    let cancelled = cancelled.clone();
    connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || cancelled.is_set()))?;
    Ok(connection)
}

/// A connection with the statements and tables it knows.
pub(crate) struct Database {
    pub(crate) connection: Connection,
    pub(crate) statements: StatementCache,
    tables: TableCache,
    /// For work of many short statements: SQLite itself looks within long ones only.
    cancelled: Cancelled,
}

impl Database {
    /// Reads the first page: enough to know that the file is a database that can be read.
    ///
    /// # Errors
    /// Why it can't.
    pub(crate) fn ping(&self) -> Result<()> {
        self.schema_version().map(|_| ())
    }

    /// Reads rows into the sink.
    ///
    /// # Errors
    /// Of the statement or the sink.
    pub(crate) fn query(&mut self, request: &Request<Query>, out: &mut RowSink) -> Result<()> {
        let statement = self.statements.get(key(request), |form| build::query(&DIALECT, request, form))?;
        let aggregates = self.aggregates(request)?;
        if request.context().wants_statement {
            out.summary().statement = Some(statement.sql().to_owned());
        }
        let mut prepared = prepared(&self.connection, &statement, request.params())?;
        let selected = request.select.iter().map(|path| path.as_column().unwrap_or_default());
        let computed = request.compute.iter().map(|computed| computed.name.as_str());
        let names: Vec<_> =
            selected.chain(aggregates.iter().map(|(name, _)| name.as_str())).chain(computed).collect();
        out.columns(names);
        let mut rows = prepared.raw_query();
        // Asked for behind the first step, because a changed table makes SQLite compile the statement anew there.
        let mut conversions = Vec::new();
        while let Some(row) = rows.next().map_err(|error| from_driver(&error))? {
            if conversions.is_empty() {
                conversions.extend(row.as_ref().columns().map(|column| Conversion::of(column.decl_type())));
                conversions.truncate(request.select.len());
                conversions.extend(aggregates.iter().map(|(_, conversion)| *conversion));
                conversions.extend(request.compute.iter().map(|_| Conversion::Plain));
            }
            for (index, conversion) in conversions.iter().enumerate() {
                let value = row.get_ref(index).map_err(|error| from_driver(&error))?;
                write_cell(out, value, *conversion);
            }
            out.end_row_blocking()?;
        }
        Ok(())
    }

    /// Name and conversion of each aggregate. The smallest and the greatest value of a column are values of that column; SQLite gives
    /// the results of functions no type.
    fn aggregates(&mut self, request: &Query) -> Result<Vec<(String, Conversion)>> {
        let aggregates = request.group.as_ref().map_or(&[][..], |group| &group.aggregates);
        let mut named = Vec::with_capacity(aggregates.len());
        for aggregate in aggregates {
            let conversion = match (aggregate.function, &aggregate.of) {
                (AggregateFunction::Min | AggregateFunction::Max, Some(column)) => {
                    self.table(&request.from)?.column(column)?.conversion
                }
                _ => Conversion::Plain,
            };
            named.push((aggregate.name.clone(), conversion));
        }
        Ok(named)
    }

    /// Counts rows into the sink's summary.
    ///
    /// # Errors
    /// Of the statement.
    pub(crate) fn count(&mut self, request: &Request<Count>, out: &mut RowSink) -> Result<()> {
        let statement = self.statements.get(key(request), |form| build::count(&DIALECT, request, form))?;
        if request.context().wants_statement {
            out.summary().statement = Some(statement.sql().to_owned());
        }
        let mut prepared = prepared(&self.connection, &statement, request.params())?;
        let mut rows = prepared.raw_query();
        let row = rows.next().map_err(|error| from_driver(&error))?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0)).map_err(|error| from_driver(&error))?;
        out.summary().count = u64::try_from(count).ok();
        Ok(())
    }

    /// What is known of a table, as it is now.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none; of the catalogue queries.
    pub(crate) fn table(&mut self, table: &TableRef) -> Result<Arc<TableInfo>> {
        let version = self.schema_version()?;
        if self.tables.forget_unless(version) {
            self.statements.clear();
        }
        if let Some(known) = self.tables.get(table) {
            return Ok(known);
        }
        let found = Arc::new(TableInfo::read(self, table)?);
        self.tables.keep(table, &found);
        Ok(found)
    }

    fn schema_version(&self) -> Result<i64> {
        let mut pragma =
            self.connection.prepare_cached("PRAGMA schema_version").map_err(|error| from_driver(&error))?;
        pragma.query_row([], |row| row.get(0)).map_err(|error| from_driver(&error))
    }

    /// Ends work for which nobody waits any more.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] then.
    pub(crate) fn check_cancelled(&self) -> Result<()> {
        if self.cancelled.is_set() {
            return Err(Error::new(ErrorKind::Cancelled, "the statement was cancelled")
                .with_reason("interrupted")
                .with_sqlstate("57014"));
        }
        Ok(())
    }

    /// Runs `read` on one state of the database, whatever other connections do meanwhile.
    ///
    /// # Errors
    /// Of the transaction, or what `read` answers.
    pub(crate) fn snapshot<T>(&self, read: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let _transaction = self.connection.unchecked_transaction().map_err(|error| from_driver(&error))?;
        read(self)
    }

    /// The rows of a fixed catalogue query that gives one JSON object a row and takes one text.
    ///
    /// # Errors
    /// Of the statement; [`ErrorKind::Internal`] when a row is not what the caller expects.
    pub(crate) fn objects<T: DeserializeOwned>(&self, sql: &'static str, parameter: &str) -> Result<Vec<T>> {
        let mut prepared = self.connection.prepare_cached(sql).map_err(|error| from_driver(&error))?;
        let mut rows = prepared.query([parameter]).map_err(|error| from_driver(&error))?;
        let mut objects = Vec::new();
        while let Some(row) = rows.next().map_err(|error| from_driver(&error))? {
            let json = row.get_ref(0).map_err(|error| from_driver(&error))?;
            objects.push(serde_json::from_slice(json.as_bytes().unwrap_or_default()).map_err(|error| {
                Error::internal("the catalogue of the database can't be read").with_detail(error)
            })?);
        }
        Ok(objects)
    }
}

/// The key of the one statement that a read becomes.
fn key<S>(request: &Request<S>) -> StatementKey {
    StatementKey { shape: Arc::clone(request.key()), nth: 0, form: Form::of(&DIALECT, request.params()) }
}

/// The statement of a read, compiled or taken from the cache, its values bound.
fn prepared<'c>(
    connection: &'c Connection,
    statement: &Statement,
    params: &[connector_api::author::Value],
) -> Result<CachedStatement<'c>> {
    let mut prepared = connection.prepare_cached(statement.sql()).map_err(|error| from_driver(&error))?;
    let mut position = 0_usize;
    statement.bind(&DIALECT, params, |bound| {
        let Bound::Value(value) = bound else { return Err(Error::internal("a read has no record")) };
        position += 1;
        prepared.raw_bind_parameter(position, parameter(&value)?).map_err(|error| from_driver(&error))
    })?;
    Ok(prepared)
}
