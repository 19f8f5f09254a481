//! The transactions of a service by their number: what each holds, between two calls or lent to the one that runs. Knows no driver.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use connector_api::author::{Error, ErrorKind, Result};
use tokio::time::Instant;

use crate::failure::session_lost;

/// Open transactions. What is held (a connection, say) undoes its transaction when it is dropped.
pub struct Sessions<T> {
    open: Mutex<HashMap<u64, State<T>>>,
    last: AtomicU64,
    idle: Duration,
    most: usize,
}

enum State<T> {
    /// Between two calls, since then.
    Idle(T, Instant),
    /// A call runs in it.
    Running,
    /// A call in it was dropped, or left it of no more use.
    Lost(Instant),
}

impl<T: Send + 'static> Sessions<T> {
    /// At most so many, each undone when no call came for `idle`.
    #[must_use]
    pub fn new(most: usize, idle: Duration) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), last: AtomicU64::new(0), idle, most })
    }

    /// Takes a transaction in and gives its number. Within a runtime of tokio.
    ///
    /// # Errors
    /// *Busy* when too many are open.
    pub fn begin(self: &Arc<Self>, held: T) -> Result<u64> {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut open = self.open();
        if open.len() >= self.most {
            let message = format!("{} transactions are open; try again when some have ended", self.most);
            return Err(Error::new(ErrorKind::Busy, message).with_reason("too_many_sessions"));
        }
        open.insert(number, State::Idle(held, Instant::now()));
        tokio::spawn(undo_when_idle(Arc::downgrade(self), number));
        Ok(number)
    }

    /// Lends a transaction to a call.
    ///
    /// # Errors
    /// *Cancelled* when it has ended.
    pub fn join(self: &Arc<Self>, number: u64) -> Result<Turn<T>> {
        let mut open = self.open();
        let state = open.get_mut(&number).ok_or_else(session_lost)?;
        match std::mem::replace(state, State::Running) {
            State::Idle(held, _) => Ok(Turn { sessions: Arc::clone(self), number, held: Some(held) }),
            other => {
                *state = other;
                Err(session_lost())
            }
        }
    }

    /// Takes a transaction out, to end it; `None`: there is nothing left to end.
    ///
    /// # Errors
    /// *Cancelled* when it has ended already.
    pub fn end(&self, number: Option<u64>) -> Result<Option<T>> {
        let number = number.ok_or_else(|| Error::internal("the call names no transaction"))?;
        match self.open().remove(&number).ok_or_else(session_lost)? {
            State::Idle(held, _) => Ok(Some(held)),
            State::Running | State::Lost(_) => Ok(None),
        }
    }

    /// Undoes a transaction whose time is over; else says when to look again. `None`: it has ended.
    fn undo_if_idle(&self, number: u64) -> Option<Instant> {
        let mut open = self.open();
        let now = Instant::now();
        let until = match open.get(&number)? {
            State::Running => now + self.idle,
            State::Idle(_, since) | State::Lost(since) => *since + self.idle,
        };
        if until > now {
            return Some(until);
        }
        let ended = open.remove(&number);
        // Dropped when others may look again.
        drop(open);
        drop(ended);
        None
    }

    // A std mutex: nothing awaits while it is held.
    fn open(&self) -> MutexGuard<'_, HashMap<u64, State<T>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn undo_when_idle<T: Send + 'static>(sessions: Weak<Sessions<T>>, number: u64) {
    while let Some(until) = sessions.upgrade().and_then(|sessions| sessions.undo_if_idle(number)) {
        tokio::time::sleep_until(until).await;
    }
}

/// What a transaction holds, for one call. Dropped without [`Turn::keep`], it is lost, and with it the transaction.
pub struct Turn<T: Send + 'static> {
    sessions: Arc<Sessions<T>>,
    number: u64,
    /// There, until it is kept or dropped.
    held: Option<T>,
}

impl<T: Send + 'static> Turn<T> {
    /// What is held.
    ///
    /// # Errors
    /// Never before it was kept.
    pub fn held(&mut self) -> Result<&mut T> {
        self.held.as_mut().ok_or_else(session_lost)
    }

    /// Gives it back for the next call.
    pub fn keep(mut self) {
        let Some(held) = self.held.take() else { return };
        if let Some(state) = self.sessions.open().get_mut(&self.number) {
            *state = State::Idle(held, Instant::now());
        }
    }

    /// The transaction is over on the server: the next call in it learns that. Gives what was held.
    #[must_use]
    pub fn end(mut self) -> Option<T> {
        self.lose();
        self.held.take()
    }

    fn lose(&self) {
        if let Some(state @ State::Running) = self.sessions.open().get_mut(&self.number) {
            *state = State::Lost(Instant::now());
        }
    }
}

impl<T: Send + 'static> Drop for Turn<T> {
    fn drop(&mut self) {
        if self.held.is_some() {
            self.lose();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stand-in for a connection: shared with the test, so that it sees when it is dropped.
    type Held = Arc<()>;

    fn sessions(idle: u64) -> Arc<Sessions<Held>> {
        Sessions::new(2, Duration::from_secs(idle))
    }

    /// So many seconds pass, and who waits for them runs.
    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_is_lent_to_one_call_at_a_time() {
        let sessions = sessions(60);
        let number = sessions.begin(Held::default()).unwrap();
        let mut turn = sessions.join(number).unwrap();
        assert!(turn.held().is_ok());
        assert_eq!(sessions.join(number).err().map(|error| error.kind), Some(ErrorKind::Cancelled));
        turn.keep();
        assert!(sessions.join(number).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_given_up_loses_its_transaction() {
        let (sessions, held) = (sessions(60), Held::default());
        let number = sessions.begin(Arc::clone(&held)).unwrap();
        drop(sessions.join(number).unwrap());
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(sessions.join(number).err().map(|error| error.kind), Some(ErrorKind::Cancelled));
        assert!(sessions.end(Some(number)).unwrap().is_none());
        assert!(sessions.end(Some(number)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_transaction_held_that_is_over_can_be_used_again() {
        let sessions = sessions(60);
        let number = sessions.begin(Held::default()).unwrap();
        assert!(sessions.join(number).unwrap().end().is_some());
        assert_eq!(sessions.join(number).err().map(|error| error.kind), Some(ErrorKind::Cancelled));
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_one_is_dropped_when_its_time_is_over() {
        let (sessions, held) = (sessions(5), Held::default());
        let number = sessions.begin(Arc::clone(&held)).unwrap();
        pass(4).await;
        sessions.join(number).unwrap().keep();
        pass(4).await;
        assert_eq!(Arc::strong_count(&held), 2);
        pass(2).await;
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(sessions.end(Some(number)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_the_most_are_refused() {
        let sessions = sessions(60);
        for expected in [true, true, false] {
            assert_eq!(sessions.begin(Held::default()).is_ok(), expected);
        }
    }
}
