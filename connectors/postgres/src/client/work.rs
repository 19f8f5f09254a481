//! What a call runs on: a connection of its own or that of a transaction which the caller began, and how far things have come on it.

use std::sync::Arc;
use std::time::Duration;

use connector_api::{Error, Result};
use connector_common::failure::{doubtful, is_lost, too_slow};
use connector_common::sessions::Turn;
use futures_util::TryStreamExt as _;
use tokio_postgres::RowStream;

use super::{Answer, Borrowed, Connection, Params, Parsed};
use crate::error::{from_driver, of_routine, plan_outdated};

/// Inside a transaction of the caller each call is a part of its own: what fails in it does not end the transaction.
const CALL: Words = Words {
    begin: "SAVEPOINT tablegate_call",
    keep: "RELEASE tablegate_call",
    undo: "ROLLBACK TO tablegate_call",
};
const RECORD: Words = Words {
    begin: "SAVEPOINT tablegate_record",
    keep: "RELEASE tablegate_record",
    undo: "ROLLBACK TO tablegate_record; RELEASE tablegate_record",
};

/// How a part of a transaction begins and ends.
struct Words {
    begin: &'static str,
    keep: &'static str,
    undo: &'static str,
}

/// What a call runs on. Dropped before its end, it cancels what runs and closes the connection.
pub(crate) struct Work {
    place: Place,
    timeout: Option<Duration>,
    /// Something was sent, and its end is not known.
    is_busy: bool,
    /// A transaction is open that is the call's own.
    has_begun: bool,
    /// What a failure of the driver means here.
    meaning: fn(&tokio_postgres::Error) -> Error,
    /// Nobody shall have the connection after this call.
    is_used_up: bool,
}

enum Place {
    Alone(Borrowed),
    Within(Turn<Borrowed>),
}

impl Work {
    fn new(place: Place, timeout: Option<Duration>) -> Self {
        Self { place, timeout, is_busy: false, has_begun: false, meaning: from_driver, is_used_up: false }
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
        match &mut self.place {
            Place::Alone(borrowed) => borrowed.connection(),
            Place::Within(turn) => turn.held()?.connection(),
        }
    }

    /// Whether what it does belongs to a transaction.
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.has_begun || self.is_callers()
    }

    fn is_callers(&self) -> bool {
        matches!(self.place, Place::Within(_))
    }

    /// Runs a statement; its rows come as they are read, then [`Work::finished`] has to be told.
    ///
    /// # Errors
    /// The server's; [`connector_api::ErrorKind::Timeout`] when it did not begin to answer in time; when the columns are not what they should be.
    pub(crate) async fn run(&mut self, sql: &str, params: &Params, parsed: Parsed<'_>) -> Result<RowStream> {
        self.is_busy = true;
        let (timeout, is_alone) = (self.timeout, !self.is_in_transaction());
        let run = self.connection()?.run(sql, params, (parsed, is_alone));
        let rows = match timeout {
            Some(limit) => tokio::time::timeout(limit, run).await.map_err(|_| too_slow())?,
            None => run.await,
        };
        match rows {
            Ok(Some(rows)) => Ok(rows),
            Ok(None) => {
                self.is_busy = false;
                Err(plan_outdated())
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Runs a statement without values and without rows.
    ///
    /// # Errors
    /// As [`Work::run`].
    pub(crate) async fn execute(&mut self, sql: &str) -> Result<()> {
        let rows = self.run(sql, &Params::default(), Parsed::Anew).await?;
        rows.try_for_each(|_| async { Ok(()) }).await.map_err(|error| self.failed(&error))?;
        self.finished();
        Ok(())
    }

    /// Runs statements one behind the other, without waiting for an answer in between. The answers come in the same order.
    ///
    /// # Errors
    /// As [`Work::run`]; those of single statements stand among the answers.
    pub(crate) async fn run_all(
        &mut self,
        batch: &[(Arc<str>, Params)],
        parsed: Parsed<'_>,
    ) -> Result<Vec<Answer>> {
        self.is_busy = true;
        let limit = self.timeout.and_then(|limit| limit.checked_mul(u32::try_from(batch.len()).ok()?));
        let run = self.connection()?.run_all(batch, parsed);
        let answers = match limit {
            Some(limit) => tokio::time::timeout(limit, run).await.map_err(|_| too_slow())?,
            None => run.await,
        };
        let answers = answers.map_err(|error| self.failed(&error))?;
        let is_answered = |answer: &Answer| answer.as_ref().err().is_none_or(leaves_usable);
        self.is_busy = !answers.iter().all(is_answered);
        Ok(answers)
    }

    /// All rows of the last statement were read.
    pub(crate) fn finished(&mut self) {
        self.is_busy = false;
    }

    /// What a failure means. After an answer of the server the connection is of use.
    pub(crate) fn failed(&mut self, error: &tokio_postgres::Error) -> Error {
        self.is_busy &= !leaves_usable(error);
        (self.meaning)(error)
    }

    /// From here on a routine runs: what its author raises is told in the author's words. Whatever it leaves behind, settings, temporary
    /// tables, locks, an open transaction, ends with the connection.
    pub(crate) fn is_for_routine(&mut self) {
        self.meaning = of_routine;
        self.is_used_up = true;
    }

    /// Asks the server whether it is there.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn ping(&mut self) -> Result<()> {
        self.words("").await
    }

    async fn words(&mut self, words: &str) -> Result<()> {
        self.is_busy = true;
        let ended = self.connection()?.batch(words).await;
        self.is_busy = ended.as_ref().is_err_and(|error| error.native_code.is_none() || is_lost(error));
        ended
    }

    /// Begins the call.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn open(&mut self) -> Result<()> {
        if self.is_callers() { self.words(CALL.begin).await } else { Ok(()) }
    }

    /// Ends the call and gives the connection back.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn close(mut self) -> Result<()> {
        if self.is_callers() {
            self.words(CALL.keep).await?;
        }
        self.give_back();
        Ok(())
    }

    /// Ends a call that failed: undoes it, and gives the connection back unless it is of no more use.
    pub(crate) async fn recover(mut self) {
        if self.is_busy {
            return;
        }
        let undone = match (self.is_callers(), self.has_begun) {
            (true, _) => {
                async {
                    self.words(CALL.undo).await?;
                    self.words(CALL.keep).await
                }
                .await
            }
            (false, true) => self.words("ROLLBACK").await,
            (false, false) => Ok(()),
        };
        if undone.is_ok() {
            self.give_back();
        }
    }

    fn give_back(self) {
        match self.place {
            Place::Alone(borrowed) if self.is_used_up => borrowed.let_go(),
            Place::Alone(borrowed) => borrowed.give_back(),
            Place::Within(turn) => turn.keep(),
        }
    }

    /// Begins what can be undone as a whole.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        if self.is_callers() {
            return Ok(());
        }
        self.words("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
        self.has_begun = true;
        Ok(())
    }

    /// Makes permanent what was begun; what is the caller's is left to the caller.
    ///
    /// # Errors
    /// Why nothing was kept; [`connector_api::ErrorKind::UnknownOutcome`] when no answer came.
    pub(crate) async fn commit(&mut self) -> Result<()> {
        if !self.has_begun {
            return Ok(());
        }
        let ended = self.words("COMMIT").await;
        // The server undoes what it can't keep.
        self.has_begun = self.is_busy;
        ended.map_err(doubtful)
    }

    /// Undoes what was begun.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn undo(&mut self) -> Result<()> {
        if self.is_callers() {
            return self.words(CALL.undo).await;
        }
        self.words("ROLLBACK").await?;
        self.has_begun = false;
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
}

/// Whether the server has answered and keeps the connection.
fn leaves_usable(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some() && !is_lost(&from_driver(error))
}
