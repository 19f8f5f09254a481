//! Transactions of a connection: one for each write, or the caller's own with a savepoint for each write in it.

use connector_api::{Error, ErrorKind, Result};

use crate::connection::Database;
use crate::error::from_driver;

/// Whether what was written is to be kept.
pub(crate) trait Outcome {
    /// Nothing of it may stay.
    fn is_undone(&self) -> bool;
}

impl Database {
    /// Runs `write` so that all of it is kept or nothing, and nobody sees a part of it.
    ///
    /// # Errors
    /// What `write` answers; why it could not begin; why it could not be kept, and then nothing was.
    pub(crate) fn all_or_nothing<T: Outcome>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let words = if self.is_in_transaction() { &SAVEPOINT } else { &TRANSACTION };
        self.execute(words.begin)?;
        let written = write(self).and_then(|written| {
            // The caller may have gone between two statements.
            self.check_cancelled()?;
            Ok(written)
        });
        if written.as_ref().is_ok_and(|written| !written.is_undone()) {
            if let Err(error) = self.execute(words.keep) {
                self.undo(words)?;
                return Err(error);
            }
            return written;
        }
        self.undo(words)?;
        written
    }

    /// Runs `write` so that it can be undone alone.
    ///
    /// # Errors
    /// What `write` answers, undone then; of the savepoint.
    pub(crate) fn undoable<T, E: From<Error>>(
        &mut self,
        write: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.execute(RECORD.begin)?;
        let written = write(self);
        match written {
            Ok(_) => self.execute(RECORD.keep)?,
            Err(_) => self.undo(&RECORD)?,
        }
        written
    }

    /// Begins a transaction of the caller's own. Unless it is for reading, it takes the write lock at once: so nothing that it reads
    /// changes before it writes.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when another process keeps the lock for too long.
    pub(crate) fn begin(&mut self, read_only: bool) -> Result<()> {
        self.execute(if read_only { "BEGIN" } else { TRANSACTION.begin })
    }

    /// Ends it and keeps its work. If that fails, its work is undone.
    ///
    /// # Errors
    /// Why nothing was kept.
    pub(crate) fn commit(&mut self) -> Result<()> {
        if let Err(error) = self.execute(TRANSACTION.keep) {
            self.undo(&TRANSACTION)?;
            return Err(error);
        }
        Ok(())
    }

    /// Ends it and undoes its work.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] when the connection is of no more use; closing it undoes the work.
    pub(crate) fn rollback(&mut self) -> Result<()> {
        self.undo(&TRANSACTION)
    }

    /// Whether a transaction is open. SQLite ends one by itself after some errors.
    pub(crate) fn is_in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    fn undo(&mut self, words: &Words) -> Result<()> {
        if !self.is_in_transaction() {
            return Ok(());
        }
        words.undo.iter().try_for_each(|words| self.execute(words)).map_err(|error| {
            Error::new(
                ErrorKind::Unavailable,
                "a write could not be undone; its connection was closed, which undoes it",
            )
            .with_reason("rollback_failed")
            .with_detail(error.detail.unwrap_or_default())
        })
    }

    fn execute(&self, words: &'static str) -> Result<()> {
        let mut prepared = self.connection.prepare_cached(words).map_err(|error| from_driver(&error))?;
        prepared.raw_execute().map(|_| ()).map_err(|error| from_driver(&error))
    }
}

/// How a transaction or a part of one begins and ends.
struct Words {
    begin: &'static str,
    keep: &'static str,
    undo: &'static [&'static str],
}

const TRANSACTION: Words = Words { begin: "BEGIN IMMEDIATE", keep: "COMMIT", undo: &["ROLLBACK"] };
const SAVEPOINT: Words = Words {
    begin: "SAVEPOINT tablegate_call",
    keep: "RELEASE tablegate_call",
    undo: &["ROLLBACK TO tablegate_call", "RELEASE tablegate_call"],
};
const RECORD: Words = Words {
    begin: "SAVEPOINT tablegate_record",
    keep: "RELEASE tablegate_record",
    undo: &["ROLLBACK TO tablegate_record", "RELEASE tablegate_record"],
};
