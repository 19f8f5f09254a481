//! Transactions: each sees the tables as they were when it began, with its own writes.
//!
//! One that may write holds the writer's lock from its beginning to its end, so it never meets another one's writes and never has to
//! be repeated. One without a call for `session_timeout`, or open for `session_lifetime`, is undone, which gives the lock back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use connector_api::author::{Error, ErrorKind, Result};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use super::Tables;
use crate::error;

/// More transactions at a time are refused.
const MAX_SESSIONS: usize = 1024;

/// The right to write, held by one at a time.
pub(super) type Writer = OwnedMutexGuard<()>;

/// The transactions that are open, by number.
pub(super) struct Sessions {
    open: Mutex<HashMap<u64, Session>>,
    last: AtomicU64,
    limits: Limits,
}

/// How long a transaction may last.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Without a call.
    pub(super) idle: Duration,
    /// In all.
    pub(super) life: Duration,
}

/// One transaction.
pub(super) struct Session {
    pub(super) tables: Tables,
    /// `None`: it only reads.
    pub(super) writer: Option<Writer>,
    calls: u32,
    idle_since: Instant,
    until: Instant,
}

impl Sessions {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), last: AtomicU64::new(0), limits })
    }

    /// Starts a transaction and gives its number.
    ///
    /// # Errors
    /// *Busy* when too many are open.
    pub(super) fn begin(self: &Arc<Self>, tables: Tables, writer: Option<Writer>) -> Result<u64> {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut open = self.open();
        if open.len() >= MAX_SESSIONS {
            let message = format!("{MAX_SESSIONS} transactions are open; try again when some have ended");
            return Err(Error::new(ErrorKind::Busy, message).with_reason("too_many_sessions"));
        }
        let now = Instant::now();
        let until = now + self.limits.life;
        open.insert(number, Session { tables, writer, calls: 0, idle_since: now, until });
        tokio::spawn(undo_when_over(Arc::downgrade(self), number));
        Ok(number)
    }

    /// Takes part in a transaction, for one call.
    ///
    /// # Errors
    /// *Cancelled* when it has ended.
    pub(super) fn join(&self, number: u64) -> Result<Turn<'_>> {
        let mut open = self.open();
        let session = open.get_mut(&number).ok_or_else(error::session_lost)?;
        session.calls += 1;
        let (tables, may_write) = (session.tables.clone(), session.writer.is_some());
        Ok(Turn { sessions: self, number, tables, may_write })
    }

    /// Ends a transaction and gives what it held.
    ///
    /// # Errors
    /// *Cancelled* when it has ended already.
    pub(super) fn end(&self, number: Option<u64>) -> Result<Session> {
        let number = number.ok_or_else(|| Error::internal("the call names no transaction"))?;
        self.open().remove(&number).ok_or_else(error::session_lost)
    }

    /// Undoes a transaction whose time is over; else says when to look again. `None`: it has ended.
    fn undo_if_over(&self, number: u64) -> Option<Instant> {
        let mut open = self.open();
        let session = open.get(&number)?;
        let now = Instant::now();
        let is_idle = session.calls == 0;
        let idle_until = if is_idle { session.idle_since } else { now } + self.limits.idle;
        if session.until <= now || (is_idle && idle_until <= now) {
            open.remove(&number);
            return None;
        }
        Some(idle_until.min(session.until))
    }

    // A std mutex: nothing awaits while it is held.
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn undo_when_over(sessions: Weak<Sessions>, number: u64) {
    while let Some(until) = sessions.upgrade().and_then(|sessions| sessions.undo_if_over(number)) {
        tokio::time::sleep_until(until).await;
    }
}

/// A call of a transaction: keeps it from being idle, until it is dropped.
pub(super) struct Turn<'s> {
    sessions: &'s Sessions,
    number: u64,
    pub(super) tables: Tables,
    pub(super) may_write: bool,
}

impl Turn<'_> {
    /// Gives the transaction other tables.
    ///
    /// # Errors
    /// *Cancelled* when it ended meanwhile.
    pub(super) fn keep(&self, tables: Tables) -> Result<()> {
        let mut open = self.sessions.open();
        open.get_mut(&self.number).ok_or_else(error::session_lost)?.tables = tables;
        Ok(())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.sessions.open().get_mut(&self.number) {
            session.calls -= 1;
            session.idle_since = Instant::now();
        }
    }
}
