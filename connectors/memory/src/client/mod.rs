//! The store: all tables in memory, read as they are and written one writer at a time. No request and no sink here.
//!
//! What is committed is one value, exchanged as a whole: readers take it and keep it, and never wait. A writer holds the lock, works
//! on a copy and puts it in place at its end; when it is dropped half-way, nothing has happened.

mod session;
mod table;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_api::author::{Error, ErrorKind, Result, TableRef};
use connector_common::timeout;
use rpds::RedBlackTreeMapSync;

use crate::config::{self, Config};
use crate::error::{self, invalid};
use session::{Limits, Sessions, Turn, Writer};

pub(crate) use table::{Table, take_turns};

/// All tables at one time, by name. A copy costs nothing.
type Tables = RedBlackTreeMapSync<String, Table>;

/// All tables of a service.
pub(crate) struct Store {
    committed: Mutex<Tables>,
    writer: Arc<tokio::sync::Mutex<()>>,
    sessions: Arc<Sessions>,
    busy_timeout: Duration,
    is_read_only: bool,
}

impl Store {
    /// Loads the tables of the configuration and of its file.
    ///
    /// # Errors
    /// Limits of 0; a file that can't be read; a table, column or row that does not fit, named by table, row number (from 1) and column.
    pub(crate) async fn load(config: Config) -> Result<Self> {
        timeout::more_than_zero(&[
            ("session_timeout", config.session_timeout),
            ("session_lifetime", config.session_lifetime),
        ])?;
        let mut tables = Tables::new_sync();
        for (name, table) in read_file(&config).await?.into_iter().chain(config.tables) {
            if tables.contains_key(&name) {
                return Err(invalid(format!(
                    "table '{name}' stands both in the configuration and in its file"
                )));
            }
            let table = Table::load(&name, &table)?;
            tables.insert_mut(name, table);
        }
        Ok(Self {
            committed: Mutex::new(tables),
            writer: Arc::default(),
            sessions: Sessions::new(Limits {
                idle: config.session_timeout.0,
                life: config.session_lifetime.0,
            }),
            busy_timeout: config.busy_timeout.0,
            is_read_only: config.read_only,
        })
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// The tables as a call sees them: those of its transaction, or what is committed.
    ///
    /// # Errors
    /// *Cancelled* when the transaction has ended.
    pub(crate) fn view(&self, session: Option<u64>) -> Result<View<'_>> {
        let Some(number) = session else { return Ok(View { tables: self.committed().clone(), _turn: None }) };
        let turn = self.sessions.join(number)?;
        Ok(View { tables: turn.tables.clone(), _turn: Some(turn) })
    }

    /// A copy of a table to change, in the call's transaction or by itself.
    ///
    /// # Errors
    /// *Unsupported* where nothing may be written; *busy* when another transaction does not end in time; *not found* for the table;
    /// *cancelled* when the transaction has ended.
    pub(crate) async fn draft(&self, session: Option<u64>, table: &TableRef) -> Result<Draft<'_>> {
        self.check_writable()?;
        let (tables, target) = match session {
            Some(number) => {
                let turn = self.sessions.join(number)?;
                if !turn.may_write {
                    return Err(error::read_only("in a transaction"));
                }
                (turn.tables.clone(), Target::Session(turn))
            }
            None => {
                let writer = self.writer().await?;
                (self.committed().clone(), Target::Committed(writer))
            }
        };
        let table = find(&tables, table)?.clone();
        Ok(Draft { store: self, tables, table, target })
    }

    /// Starts a transaction.
    ///
    /// # Errors
    /// As [`Store::draft`].
    pub(crate) async fn begin(&self, is_read_only: bool) -> Result<u64> {
        self.check_writable()?;
        let writer = if is_read_only { None } else { Some(self.writer().await?) };
        let tables = self.committed().clone();
        self.sessions.begin(tables, writer)
    }

    /// Makes the transaction's tables those that all see.
    ///
    /// # Errors
    /// *Cancelled* when it has ended.
    pub(crate) fn commit(&self, session: Option<u64>) -> Result<()> {
        let session = self.sessions.end(session)?;
        if session.writer.is_some() {
            *self.committed() = session.tables;
        }
        Ok(())
    }

    /// Forgets the transaction's tables.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub(crate) fn rollback(&self, session: Option<u64>) -> Result<()> {
        self.sessions.end(session).map(drop)
    }

    async fn writer(&self) -> Result<Writer> {
        let writer = Arc::clone(&self.writer).lock_owned();
        tokio::time::timeout(self.busy_timeout, writer).await.map_err(|_| error::busy())
    }

    fn check_writable(&self) -> Result<()> {
        if self.is_read_only { Err(error::read_only("to a service")) } else { Ok(()) }
    }

    // A std mutex, held only to copy or to exchange the value.
    fn committed(&self) -> MutexGuard<'_, Tables> {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tables as one call sees them, whatever others write meanwhile.
pub(crate) struct View<'s> {
    tables: Tables,
    _turn: Option<Turn<'s>>,
}

impl View<'_> {
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// # Errors
    /// *Not found* when there is no such table.
    pub(crate) fn table(&self, table: &TableRef) -> Result<&Table> {
        find(&self.tables, table)
    }
}

/// A table that is being changed. Dropped unsaved, it leaves nothing behind.
pub(crate) struct Draft<'s> {
    store: &'s Store,
    tables: Tables,
    table: Table,
    target: Target<'s>,
}

enum Target<'s> {
    Session(Turn<'s>),
    Committed(Writer),
}

impl Draft<'_> {
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// Puts the changed table into its place.
    ///
    /// # Errors
    /// *Cancelled* when the transaction ended meanwhile.
    pub(crate) fn save(mut self, table: Table) -> Result<()> {
        self.tables.insert_mut(table.layout().description.table.name.clone(), table);
        match self.target {
            Target::Session(turn) => turn.keep(self.tables),
            Target::Committed(_writer) => {
                *self.store.committed() = self.tables;
                Ok(())
            }
        }
    }
}

fn find<'t>(tables: &'t Tables, table: &TableRef) -> Result<&'t Table> {
    let found = tables.get(&table.name).filter(|_| table.namespace.is_empty());
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no table '{table}'")))
}

async fn read_file(config: &Config) -> Result<config::Tables> {
    let Some(path) = config.file.clone() else { return Ok(config::Tables::new()) };
    let failed =
        |what: &str, path: &std::path::Path| invalid(format!("the file '{}' {what}", path.display()));
    let bytes = tokio::task::spawn_blocking({
        let path = path.clone();
        move || std::fs::read(path)
    })
    .await
    .map_err(|error| Error::internal("reading the file was interrupted").with_detail(error))?
    .map_err(|error| failed("can't be read", &path).with_detail(error))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        failed("does not hold tables in the form of the configuration", &path).with_detail(error)
    })
}
