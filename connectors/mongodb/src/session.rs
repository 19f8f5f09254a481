//! Sessions of the driver: one for each call, or one for all calls of a transaction.
//!
//! A transaction that the server has ended, as it does after every command that failed, is over: what comes later is cancelled.
//! <https://www.mongodb.com/docs/manual/core/transactions-in-applications/>

use connector_api::author::{Error, ErrorKind, Result};
use connector_common::sessions::Turn;
use mongodb::options::{ReadConcern, WriteConcern};
use mongodb::{Client, ClientSession};

use crate::error::{self, from_driver};

/// The transactions that are open, by number. The driver undoes one whose session is dropped.
pub(crate) type Sessions = connector_common::sessions::Sessions<ClientSession>;

/// More transactions at a time are refused.
pub(crate) const MAX_SESSIONS: usize = 1024;

/// What a call runs on.
pub(crate) struct Work {
    held: Held,
    /// The server has ended the transaction.
    is_lost: bool,
    /// This call began a transaction of its own.
    is_inside: bool,
}

enum Held {
    /// A session of this call alone.
    Own(ClientSession),
    /// The transaction that the caller began.
    Callers(Turn<ClientSession>),
}

impl Work {
    fn new(held: Held) -> Self {
        Self { held, is_lost: false, is_inside: false }
    }

    /// A session that belongs to one call.
    ///
    /// # Errors
    /// A server that can't be reached.
    pub(crate) async fn alone(client: &Client) -> Result<Self> {
        let session =
            client.start_session().causal_consistency(false).await.map_err(|error| from_driver(&error))?;
        Ok(Self::new(Held::Own(session)))
    }

    /// Part of a transaction, for one call. It goes back with [`Work::keep`]; a call that is dropped before ends it.
    pub(crate) fn of(turn: Turn<ClientSession>) -> Self {
        Self::new(Held::Callers(turn))
    }

    /// The session.
    ///
    /// # Errors
    /// Never before it was given back.
    pub(crate) fn session(&mut self) -> Result<&mut ClientSession> {
        match &mut self.held {
            Held::Own(session) => Ok(session),
            Held::Callers(turn) => turn.held(),
        }
    }

    /// The session of a call of its own, to be kept for others; `None`: it is kept already.
    pub(crate) fn into_own(self) -> Option<ClientSession> {
        match self.held {
            Held::Own(session) => Some(session),
            Held::Callers(_) => None,
        }
    }

    /// Whether the caller began a transaction and will end it.
    fn is_callers(&self) -> bool {
        matches!(self.held, Held::Callers(_))
    }

    /// Whether what it does belongs to a transaction.
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.is_callers() || self.is_inside
    }

    /// Gives a transaction of the caller back for the next call, unless it is lost.
    pub(crate) fn keep(self) {
        if let Held::Callers(turn) = self.held
            && !self.is_lost
        {
            turn.keep();
        }
    }

    /// Begins a transaction: it sees the database as it is now, and its writes fail where others wrote meanwhile.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        let begin = self.session()?.start_transaction();
        let begin = begin.read_concern(ReadConcern::snapshot()).write_concern(WriteConcern::majority());
        begin.await.map_err(|error| from_driver(&error))?;
        self.is_inside = true;
        Ok(())
    }

    /// Makes its work permanent.
    ///
    /// # Errors
    /// The server's; `UnknownOutcome` when no answer came.
    pub(crate) async fn commit(&mut self) -> Result<()> {
        self.is_inside = false;
        commit(self.session()?).await
    }

    /// Undoes its work.
    pub(crate) async fn roll_back(&mut self) {
        self.is_inside = false;
        if let Ok(session) = self.session() {
            roll_back(session).await;
        }
    }

    /// Gives a transaction of the caller up: there are no savepoints, so a part of its work can only be undone with all of it.
    pub(crate) fn lose(&mut self) {
        self.is_lost |= self.is_callers();
    }

    /// What a failed read means. With it a transaction is over.
    pub(crate) fn failed(&mut self, error: &mongodb::error::Error) -> Error {
        self.lose();
        match from_driver(error) {
            // Nobody but the server has ended it, and it may be tried again.
            ended if ended.kind == ErrorKind::Cancelled && !self.is_callers() => error::contention(),
            error => error,
        }
    }

    /// As [`Work::failed`], of a write.
    pub(crate) fn failed_write(&mut self, error: &mongodb::error::Error) -> Error {
        // What a transaction has written is undone when it is not committed.
        if self.is_in_transaction() { self.failed(error) } else { error::of_write(error) }
    }
}

/// Makes the work of a session permanent.
///
/// # Errors
/// As [`Work::commit`].
pub(crate) async fn commit(session: &mut ClientSession) -> Result<()> {
    session.commit_transaction().await.map_err(|error| from_driver(&error))
}

/// Undoes the work of a session.
pub(crate) async fn roll_back(session: &mut ClientSession) {
    // When it can't be said, the server undoes it by itself after a while.
    let _ = session.abort_transaction().await;
}
