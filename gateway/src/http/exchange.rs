//! Whether a connection is in the middle of a request, and since when: what the side that answers requests tells the socket. Knows no HTTP.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// The requests of a connection, which come one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchange(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// When the request came whose answer is not written yet.
    since: Option<Instant>,
    /// More of the answer may come.
    is_running: bool,
}

/// A request that is being answered: from its head to the end of the answer's body.
#[derive(Debug)]
pub(super) struct Running(Exchange);

impl Exchange {
    /// A request has come.
    pub(super) fn begin(&self) -> Running {
        *self.lock() = State { since: Some(Instant::now()), is_running: true };
        Running(self.clone())
    }

    /// All that there was is written.
    pub(super) fn written(&self) {
        let mut state = self.lock();
        if !state.is_running {
            state.since = None;
        }
    }

    /// When the request came whose answer is not written yet; `None`: there is none.
    pub(super) fn since(&self) -> Option<Instant> {
        self.lock().since
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().is_running = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_lasts_until_its_answer_is_written() {
        let exchange = Exchange::default();
        assert_eq!(exchange.since(), None);
        let running = exchange.begin();
        exchange.written();
        assert!(exchange.since().is_some(), "more of the answer may come");
        drop(running);
        assert!(exchange.since().is_some(), "its end is not written");
        exchange.written();
        assert_eq!(exchange.since(), None);
    }
}
