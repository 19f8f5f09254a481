//! What a call runs on: a connection of its own or that of a transaction which the caller began, and how far things have come on it.

use std::sync::Arc;
use std::time::Duration;

use connector_api::{Error, Result};
use connector_common::failure::{doubtful, is_lost, too_slow};
use connector_common::sessions::Turn;
use mysql_async::{BinaryProtocol, Column, QueryResult, Row, Value};

use super::{Borrowed, Connection};
use crate::error::{ends_transaction, from_driver, of_routine};

/// Inside a transaction of the caller a call is a part of its own: what fails in it does not end the transaction.
const CALL: Words = Words {
    begin: "SAVEPOINT tablegate_call",
    keep: "RELEASE SAVEPOINT tablegate_call",
    undo: "ROLLBACK TO SAVEPOINT tablegate_call",
};
const OWN: Words = Words { begin: "START TRANSACTION READ WRITE", keep: "COMMIT", undo: "ROLLBACK" };
const RECORD: Words = Words {
    begin: "SAVEPOINT tablegate_record",
    keep: "RELEASE SAVEPOINT tablegate_record",
    undo: "ROLLBACK TO SAVEPOINT tablegate_record",
};

/// How a part of a transaction, or all of it, begins and ends.
struct Words {
    begin: &'static str,
    keep: &'static str,
    undo: &'static str,
}

/// What a call runs on. Dropped before its end, it ends the connection with what runs on it.
pub(crate) struct Work {
    place: Place,
    timeout: Option<Duration>,
    /// Something was sent, and its end is not known.
    is_busy: bool,
    /// What the call writes can be undone as a whole.
    has_begun: bool,
    meaning: Meaning,
    /// Nobody shall have the connection after this call.
    is_used_up: bool,
}

/// What a failure of the driver means.
type Meaning = fn(&mysql_async::Error) -> Error;

enum Place {
    Alone(Borrowed),
    Within(Turn<Borrowed>),
}

impl Place {
    fn borrowed(&mut self) -> Result<&mut Borrowed> {
        match self {
            Self::Alone(borrowed) => Ok(borrowed),
            Self::Within(turn) => turn.held(),
        }
    }
}

/// The rows of a statement, as they are read.
pub(crate) struct Rows<'w> {
    result: QueryResult<'w, 'static, BinaryProtocol>,
    is_busy: &'w mut bool,
    meaning: Meaning,
}

impl Rows<'_> {
    /// The next one of a result set; `None`: it has no more.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn next(&mut self) -> Result<Option<Row>> {
        let row = self.result.next().await;
        // After an answer of the server, all sets of it, the connection is of use.
        *self.is_busy = match &row {
            Ok(row) => row.is_some() || !self.result.is_empty(),
            Err(error) => !leaves_usable(error),
        };
        row.map_err(|error| (self.meaning)(&error))
    }

    /// The columns of the result set that is to be read, none where a statement inside gave no rows; `None`: there is no more.
    pub(crate) fn set(&self) -> Option<Arc<[Column]>> {
        (!self.result.is_empty()).then(|| self.result.columns().unwrap_or_default())
    }

    /// All of them.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn all(mut self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        while let Some(row) = self.next().await? {
            rows.push(row);
        }
        Ok(rows)
    }

    /// How many rows a statement touched that has none of its own.
    pub(crate) fn touched(&self) -> u64 {
        self.result.affected_rows()
    }

    /// The key that the server made for a new row.
    pub(crate) fn new_key(&self) -> Option<u64> {
        self.result.last_insert_id().filter(|key| *key != 0)
    }
}

impl Work {
    fn new(place: Place, timeout: Option<Duration>) -> Self {
        Self { place, timeout, is_busy: false, has_begun: false, meaning: from_driver, is_used_up: false }
    }

    /// From here on a routine runs: what its author raises is told in the author's words. Whatever it leaves behind, settings, temporary
    /// tables, locks, an open transaction, ends with the connection.
    pub(crate) fn is_for_routine(&mut self) {
        self.meaning = of_routine;
        self.is_used_up = true;
    }

    pub(super) fn alone(borrowed: Borrowed, timeout: Option<Duration>) -> Self {
        Self::new(Place::Alone(borrowed), timeout)
    }

    pub(super) fn within(turn: Turn<Borrowed>, timeout: Option<Duration>) -> Self {
        Self::new(Place::Within(turn), timeout)
    }

    /// A transaction of the caller, to be ended.
    pub(super) fn begun(borrowed: Borrowed) -> Self {
        Self { has_begun: true, ..Self::alone(borrowed, None) }
    }

    fn connection(&mut self) -> Result<&mut Connection> {
        self.place.borrowed()?.connection()
    }

    /// Whether the server is MariaDB, else it is MySQL.
    ///
    /// # Errors
    /// Never before it was given back.
    pub(crate) fn is_mariadb(&mut self) -> Result<bool> {
        Ok(self.connection()?.is_mariadb())
    }

    /// Whether what it does belongs to a transaction.
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.has_begun || self.is_callers()
    }

    fn is_callers(&self) -> bool {
        matches!(self.place, Place::Within(_))
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// The server's; [`connector_api::ErrorKind::Timeout`] when it did not begin to answer in time.
    pub(crate) async fn run(&mut self, sql: &str, values: Vec<Value>) -> Result<Rows<'_>> {
        self.is_busy = true;
        let timeout = self.timeout;
        let run = self.place.borrowed()?.connection()?.run(sql, values);
        let result = match timeout {
            Some(limit) => tokio::time::timeout(limit, run).await.map_err(|_| too_slow())?,
            None => run.await,
        };
        match result {
            Ok(result) => Ok(Rows { result, is_busy: &mut self.is_busy, meaning: self.meaning }),
            Err(error) => {
                self.is_busy = !leaves_usable(&error);
                Err((self.meaning)(&error))
            }
        }
    }

    /// Asks the server whether it is there.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn ping(&mut self) -> Result<()> {
        self.is_busy = true;
        self.connection()?.ping().await?;
        self.is_busy = false;
        Ok(())
    }

    async fn words(&mut self, words: &str) -> Result<()> {
        self.is_busy = true;
        let ended = self.connection()?.words(words).await;
        self.is_busy = ended.as_ref().is_err_and(|error| error.native_code.is_none() || is_lost(error));
        ended
    }

    fn whole(&self) -> &'static Words {
        if self.is_callers() { &CALL } else { &OWN }
    }

    /// Begins what can be undone as a whole.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.words(self.whole().begin).await?;
        self.has_begun = true;
        Ok(())
    }

    /// Keeps what was begun; what is the caller's is left to the caller.
    ///
    /// # Errors
    /// Why nothing was kept; [`connector_api::ErrorKind::UnknownOutcome`] when no answer came.
    pub(crate) async fn commit(&mut self) -> Result<()> {
        if !self.has_begun {
            return Ok(());
        }
        let ended = self.words(self.whole().keep).await;
        self.has_begun = ended.is_err();
        if self.is_callers() { ended } else { ended.map_err(doubtful) }
    }

    /// Undoes what was begun.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn undo(&mut self) -> Result<()> {
        if self.has_begun {
            self.words(self.whole().undo).await?;
            self.has_begun = false;
        }
        Ok(())
    }

    /// Begins a record that can be undone alone.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn begin_record(&mut self) -> Result<()> {
        self.words(RECORD.begin).await
    }

    /// Ends a record: keeps it or undoes it.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn end_record(&mut self, is_kept: bool) -> Result<()> {
        self.words(if is_kept { RECORD.keep } else { RECORD.undo }).await
    }

    /// Ends a call that failed: undoes it, and gives the connection back unless it is of no more use.
    pub(crate) async fn recover(mut self, error: &Error) {
        if is_lost(error)
            && let Ok(connection) = self.connection()
        {
            connection.broke();
        }
        if self.is_busy {
            return;
        }
        if ends_transaction(error) {
            // Nothing is left of it on the server, so the connection is free; but the caller has to learn that the transaction is over.
            match self.place {
                Place::Alone(borrowed) if self.is_used_up => borrowed.let_go(),
                Place::Alone(borrowed) => borrowed.give_back(),
                Place::Within(turn) => turn.end().map_or((), Borrowed::give_back),
            }
        } else if self.undo().await.is_ok() {
            self.give_back();
        }
    }

    /// Ends a call that went well.
    pub(crate) fn give_back(self) {
        if self.is_busy {
            return;
        }
        match self.place {
            Place::Alone(borrowed) if self.is_used_up => borrowed.let_go(),
            Place::Alone(borrowed) => borrowed.give_back(),
            Place::Within(turn) => turn.keep(),
        }
    }
}

/// Whether the server has answered and keeps the connection.
fn leaves_usable(error: &mysql_async::Error) -> bool {
    !error.is_fatal() && !is_lost(&from_driver(error))
}
