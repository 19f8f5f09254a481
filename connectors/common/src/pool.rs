//! Connections of a service in a bounded pool, with a bounded queue before it. How one is made and tried is the connector's matter.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use connector_api::author::{Error, ErrorKind, Result};
use deadpool::Runtime;
use deadpool::managed::{Manager, Object, Pool, PoolError, TimeoutType, Timeouts};

/// How many connections, and how long one is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most connections.
    pub size: usize,
    /// Calls that may wait for one.
    pub queue: usize,
    /// How long a call waits for one.
    pub acquire: Duration,
    /// How long a new one may take, or to try an old one.
    pub connect: Duration,
}

/// Connections that are made when they are needed, and kept.
pub struct Connections<M: Manager> {
    pool: Pool<M>,
    waiting: AtomicUsize,
    limits: Limits,
}

impl<M: Manager<Error = Error>> Connections<M> {
    /// No connection so far. Within a runtime of tokio.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when there is no runtime.
    pub fn new(manager: M, limits: Limits) -> Result<Self> {
        let pool = Pool::builder(manager).max_size(limits.size).runtime(Runtime::Tokio1).build();
        let pool = pool
            .map_err(|error| Error::internal("the pool of connections can't be made").with_detail(error))?;
        Ok(Self { pool, waiting: AtomicUsize::new(0), limits })
    }

    /// A connection that nobody else has, until it is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when all connections are in use for too long; why no connection could be made.
    pub async fn get(&self) -> Result<Object<M>> {
        match self.within(Duration::ZERO).await {
            Err(PoolError::Timeout(TimeoutType::Wait)) => {}
            ended => return ended.map_err(refused),
        }
        let _place = self.queue_up()?;
        self.within(self.limits.acquire).await.map_err(refused)
    }

    async fn within(&self, wait: Duration) -> std::result::Result<Object<M>, PoolError<Error>> {
        let connect = Some(self.limits.connect);
        self.pool.timeout_get(&Timeouts { wait: Some(wait), create: connect, recycle: connect }).await
    }

    fn queue_up(&self) -> Result<Waiting<'_>> {
        let place = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.limits.queue {
            return Err(Error::new(
                ErrorKind::Busy,
                "all connections are in use and too many calls wait for one; try again later",
            )
            .with_reason("queue_full"));
        }
        Ok(place)
    }
}

/// A call that waits, until it is dropped.
struct Waiting<'c>(&'c AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn refused(error: PoolError<Error>) -> Error {
    match error {
        PoolError::Backend(error) => error,
        PoolError::Timeout(TimeoutType::Wait) => {
            Error::new(ErrorKind::Busy, "all connections are in use; try again later, or raise 'pool_size'")
                .with_reason("pool_exhausted")
        }
        PoolError::Timeout(_) => {
            Error::new(ErrorKind::Unavailable, "the database server did not answer in time")
                .with_reason("connect_timeout")
                .with_sqlstate("08001")
        }
        other => Error::internal("the pool of connections failed").with_detail(other),
    }
}

#[cfg(test)]
mod tests {
    use deadpool::managed::{Metrics, RecycleResult};

    use super::*;

    /// Makes numbers, or nothing within the time.
    struct Numbers {
        hangs: bool,
    }

    impl Manager for Numbers {
        type Type = u32;
        type Error = Error;

        async fn create(&self) -> Result<u32> {
            if self.hangs {
                std::future::pending::<()>().await;
            }
            Ok(7)
        }

        async fn recycle(&self, _: &mut u32, _: &Metrics) -> RecycleResult<Error> {
            Ok(())
        }
    }

    fn connections(hangs: bool, queue: usize) -> Connections<Numbers> {
        let second = Duration::from_secs(1);
        Connections::new(Numbers { hangs }, Limits { size: 1, queue, acquire: second, connect: second })
            .unwrap()
    }

    async fn check(connections: &Connections<Numbers>, kind: ErrorKind, reason: &str) {
        let error = connections.get().await.err().unwrap();
        assert_eq!((error.kind, error.reason.as_deref()), (kind, Some(reason)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_use_is_waited_for_and_then_refused() {
        let one = connections(false, 1);
        let held = one.get().await.unwrap();
        check(&one, ErrorKind::Busy, "pool_exhausted").await;
        let (_, waited) = tokio::join!(async { drop(held) }, one.get());
        assert_eq!(*waited.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_queue_holds_may_wait() {
        let none = connections(false, 0);
        let _held = none.get().await.unwrap();
        check(&none, ErrorKind::Busy, "queue_full").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_does_not_come_is_given_up() {
        check(&connections(true, 1), ErrorKind::Unavailable, "connect_timeout").await;
    }
}
