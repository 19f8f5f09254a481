//! The time limit of a request: not for the whole of it, but for how long too little may move. A long upload that goes on is never cut.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::ApiError;
use crate::settings::Timeout;

/// Bytes that are worth waiting for: a client that sends or takes fewer in the time that it has holds up others for nothing.
pub(super) const WORTH: usize = 64 * 1024;

/// When all of a request has to be done, however much it moves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetime {
    pub(super) end: Instant,
    limit: Timeout,
}

impl Lifetime {
    /// That of a request which begins now.
    pub(super) fn new(limit: Timeout) -> Self {
        Self { end: Instant::now() + limit.get(), limit }
    }

    /// The error of a request that lasts longer.
    pub(super) fn over(&self) -> ApiError {
        ApiError::lasted_too_long(self.limit)
    }
}

/// How a body arrives.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// When enough had arrived; at first, when the request began.
    last: Instant,
    /// Bytes since then.
    bytes: usize,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { last: Instant::now(), bytes: 0 })))
    }

    /// So many bytes have arrived.
    pub(super) fn note(&self, bytes: usize) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes = state.bytes.saturating_add(bytes);
        if state.bytes >= WORTH {
            *state = State { last: Instant::now(), bytes: 0 };
        }
    }

    /// Everything has arrived.
    pub(super) fn end(&self) {
        self.note(WORTH);
    }

    fn last(&self) -> Instant {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last
    }

    /// Waits for `work` as long as less than `limit` has passed since enough arrived, and not past the end of its `lifetime`.
    ///
    /// # Errors
    /// When the time is over; the work is for the caller to drop.
    pub(super) async fn within<T>(
        &self,
        limit: Duration,
        lifetime: Option<Lifetime>,
        mut work: Pin<&mut impl Future<Output = Result<T, ApiError>>>,
    ) -> Result<T, ApiError> {
        loop {
            let end = self.last() + limit;
            let nearest = lifetime.map_or(end, |lifetime| lifetime.end.min(end));
            match timeout_at(nearest, work.as_mut()).await {
                Ok(done) => return done,
                Err(_) => match lifetime.filter(|lifetime| lifetime.end <= end) {
                    Some(lifetime) => return Err(lifetime.over()),
                    None if self.last() + limit > end => {}
                    None => return Err(ApiError::timed_out()),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn work_that_moves_may_take_any_time() {
        let progress = Progress::new();
        let began = Instant::now();
        let work = async {
            for _ in 0..10 {
                tokio::time::sleep(LIMIT - Duration::from_secs(1)).await;
                progress.note(WORTH / 2);
                progress.note(WORTH / 2);
            }
            Ok(7)
        };
        assert_eq!(progress.within(LIMIT, None, pin!(work)).await, Ok(7));
        assert_eq!(began.elapsed(), Duration::from_secs(290));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_stands_still_is_cut_when_its_time_is_over() {
        let progress = Progress::new();
        let began = Instant::now();
        let work = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            progress.end();
            std::future::pending().await
        };
        assert_eq!(progress.within::<()>(LIMIT, None, pin!(work)).await, Err(ApiError::timed_out()));
        assert_eq!(began.elapsed(), Duration::from_secs(50));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_moves_too_little_is_cut_too() {
        let progress = Progress::new();
        let began = Instant::now();
        let work = async {
            loop {
                tokio::time::sleep(Duration::from_secs(4)).await;
                progress.note(500);
            }
        };
        assert_eq!(progress.within::<()>(LIMIT, None, pin!(work)).await, Err(ApiError::timed_out()));
        assert_eq!(began.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_moves_is_cut_at_the_end_of_its_lifetime() {
        let progress = Progress::new();
        let began = Instant::now();
        let work = async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                progress.note(WORTH);
            }
        };
        let limit = Timeout::from_secs(100);
        let ended = progress.within::<()>(LIMIT, Some(Lifetime::new(limit)), pin!(work)).await;
        assert_eq!(ended, Err(ApiError::lasted_too_long("100s")));
        assert_eq!(began.elapsed(), limit.get());
    }
}
