//! The time limit of a request: not for the whole of it, but for how long nothing may move. A long upload that goes on is never cut.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::ApiError;

/// When bytes of a body last arrived; at first, when the request began.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Mutex<Instant>>);

impl Progress {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Something has arrived.
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `work` as long as less than `limit` has passed since something arrived.
    ///
    /// # Errors
    /// When the time is over; the work is for the caller to drop.
    pub(super) async fn within<T>(
        &self,
        limit: Duration,
        mut work: Pin<&mut impl Future<Output = Result<T, ApiError>>>,
    ) -> Result<T, ApiError> {
        loop {
            let end = self.last() + limit;
            match timeout_at(end, work.as_mut()).await {
                Ok(done) => return done,
                Err(_) if self.last() + limit > end => {}
                Err(_) => return Err(ApiError::timed_out()),
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
                progress.note();
            }
            Ok(7)
        };
        assert_eq!(progress.within(LIMIT, pin!(work)).await, Ok(7));
        assert_eq!(began.elapsed(), Duration::from_secs(290));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_stands_still_is_cut_when_its_time_is_over() {
        let progress = Progress::new();
        let began = Instant::now();
        let work = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            progress.note();
            std::future::pending().await
        };
        assert_eq!(progress.within::<()>(LIMIT, pin!(work)).await, Err(ApiError::timed_out()));
        assert_eq!(began.elapsed(), Duration::from_secs(50));
    }
}
