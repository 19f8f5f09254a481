//! Sessions of the driver: one for each call, or one for all calls of a transaction.
//!
//! A transaction that the server has ended, as it does after every command that failed, is over: what comes later is cancelled.
//! <https://www.mongodb.com/docs/manual/core/transactions-in-applications/>

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use connector_api::author::{Error, ErrorKind, Result};
use mongodb::options::{ReadConcern, WriteConcern};
use mongodb::{Client, ClientSession};
use tokio::time::Instant;

use crate::error::{self, from_driver};

/// More transactions at a time are refused.
const MAX_SESSIONS: usize = 1024;

/// The transactions that are open, by number.
pub(crate) struct Sessions {
    open: Mutex<HashMap<u64, State>>,
    last: AtomicU64,
    timeout: Duration,
}

/// One transaction.
enum State {
    /// Between two calls, since then.
    Idle(Box<ClientSession>, Instant),
    /// A call runs in it.
    Running,
    /// The server has ended it, or a call was dropped in the middle.
    Lost(Instant),
}

impl Sessions {
    pub(crate) fn new(timeout: Duration) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), last: AtomicU64::new(0), timeout })
    }

    /// Takes a transaction in and gives its number.
    ///
    /// # Errors
    /// *Busy* when too many are open.
    pub(crate) fn begin(self: &Arc<Self>, work: Work) -> Result<u64> {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut open = self.open();
        if open.len() >= MAX_SESSIONS {
            let message = format!("{MAX_SESSIONS} transactions are open; try again when some have ended");
            return Err(Error::new(ErrorKind::Busy, message).with_reason("too_many_sessions"));
        }
        open.insert(number, State::Idle(Box::new(work.session), Instant::now()));
        tokio::spawn(undo_when_idle(Arc::downgrade(self), number));
        Ok(number)
    }

    /// Takes part in a transaction, for one call. It goes back with [`Work::keep`]; a call that is dropped before ends it.
    ///
    /// # Errors
    /// *Cancelled* when it has ended.
    pub(crate) fn join(self: &Arc<Self>, number: u64) -> Result<Work> {
        let mut open = self.open();
        let state = open.get_mut(&number).ok_or_else(error::session_lost)?;
        match std::mem::replace(state, State::Running) {
            State::Idle(session, _) => {
                let turn = Turn { sessions: Arc::clone(self), number };
                Ok(Work { session: *session, turn: Some(turn), is_lost: false, is_inside: false })
            }
            other => {
                *state = other;
                Err(error::session_lost())
            }
        }
    }

    /// Ends a transaction and gives its session; `None`: there is nothing left to end.
    ///
    /// # Errors
    /// *Cancelled* when it has ended already.
    pub(crate) fn end(&self, number: Option<u64>) -> Result<Option<ClientSession>> {
        let number = number.ok_or_else(|| Error::internal("the call names no transaction"))?;
        match self.open().remove(&number).ok_or_else(error::session_lost)? {
            State::Idle(session, _) => Ok(Some(*session)),
            State::Running | State::Lost(_) => Ok(None),
        }
    }

    /// Undoes a transaction whose time is over; else says when to look again. `None`: it has ended.
    fn undo_if_idle(&self, number: u64) -> Option<Instant> {
        let mut open = self.open();
        let now = Instant::now();
        let until = match open.get(&number)? {
            State::Running => now + self.timeout,
            State::Idle(_, since) | State::Lost(since) => *since + self.timeout,
        };
        if until > now {
            return Some(until);
        }
        open.remove(&number);
        None
    }

    // A std mutex: nothing awaits while it is held.
    fn open(&self) -> MutexGuard<'_, HashMap<u64, State>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn undo_when_idle(sessions: Weak<Sessions>, number: u64) {
    while let Some(until) = sessions.upgrade().and_then(|sessions| sessions.undo_if_idle(number)) {
        tokio::time::sleep_until(until).await;
    }
}

/// A call of a transaction. Dropped before its session is back, it leaves the transaction lost.
struct Turn {
    sessions: Arc<Sessions>,
    number: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(state @ State::Running) = self.sessions.open().get_mut(&self.number) {
            *state = State::Lost(Instant::now());
        }
    }
}

/// What a call runs on. The driver undoes a transaction whose session is dropped.
pub(crate) struct Work {
    pub(crate) session: ClientSession,
    /// The transaction that the caller began.
    turn: Option<Turn>,
    /// The server has ended the transaction.
    is_lost: bool,
    /// This call began a transaction of its own.
    is_inside: bool,
}

impl Work {
    /// A session that belongs to one call.
    ///
    /// # Errors
    /// A server that can't be reached.
    pub(crate) async fn alone(client: &Client) -> Result<Self> {
        let session =
            client.start_session().causal_consistency(false).await.map_err(|error| from_driver(&error))?;
        Ok(Self { session, turn: None, is_lost: false, is_inside: false })
    }

    /// Whether the caller began a transaction and will end it.
    fn is_callers(&self) -> bool {
        self.turn.is_some()
    }

    /// Whether what it does belongs to a transaction.
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.is_callers() || self.is_inside
    }

    /// Gives a transaction of the caller back for the next call, unless it is lost.
    pub(crate) fn keep(self) {
        let Some(turn) = self.turn.filter(|_| !self.is_lost) else { return };
        if let Some(state) = turn.sessions.open().get_mut(&turn.number) {
            *state = State::Idle(Box::new(self.session), Instant::now());
        }
    }

    /// Begins a transaction: it sees the database as it is now, and its writes fail where others wrote meanwhile.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        let begin = self.session.start_transaction();
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
        commit(&mut self.session).await
    }

    /// Undoes its work.
    pub(crate) async fn roll_back(&mut self) {
        self.is_inside = false;
        roll_back(&mut self.session).await;
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
