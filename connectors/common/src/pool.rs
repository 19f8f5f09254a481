//! Connections of a service in a bounded pool, with a bounded queue before it. How one is made and tried is the connector's matter; when an
//! old one is tried, and what becomes of one that is of no more use, is decided here for all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use connector_api::author::{Error, ErrorKind, Result};
use deadpool::Runtime;
use deadpool::managed::{
    Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult, TimeoutType, Timeouts,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::no_answer;

/// So long an old connection may take to answer before a new one is made in its place.
const TRIAL_TIME: Duration = Duration::from_secs(2);

/// How connections are made, tried and ended.
pub trait Connect: Send + Sync + 'static {
    /// A connection.
    type Connection: Send;

    /// A connection that nobody has used for so long is tried before it is used.
    const TRUSTED: Duration;

    /// Makes one.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection>> + Send;

    /// Whether it is known to be closed. `false`: it has to be tried to know.
    fn is_closed(connection: &Self::Connection) -> bool;

    /// Asks the server whether it is there.
    fn try_out(connection: &mut Self::Connection) -> impl Future<Output = Result<()>> + Send;

    /// Ends it, and on the server what runs on it. Does not wait.
    fn abandon(connection: Self::Connection);
}

/// How many connections, and how long one is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most connections.
    pub size: usize,
    /// Calls that may wait for one.
    pub queue: usize,
    /// How long a call waits for one.
    pub acquire: Duration,
    /// How long a new one may take.
    pub connect: Duration,
}

/// Connections that are made when they are needed, and kept.
pub struct Connections<C: Connect> {
    pool: Pool<Maker<C>>,
    /// As many transactions of callers as may run.
    transactions: Arc<Semaphore>,
    waiting: AtomicUsize,
    limits: Limits,
}

/// Counts how often a connection turned out to be dead: so may be all others that answered last before.
#[derive(Clone, Default)]
struct Doubts(Arc<AtomicU64>);

struct Maker<C> {
    connect: C,
    doubts: Doubts,
}

struct Tried<T> {
    connection: T,
    /// How many doubts there were when it last answered.
    doubts: u64,
}

impl<C: Connect> Manager for Maker<C> {
    type Type = Tried<C::Connection>;
    type Error = Error;

    async fn create(&self) -> Result<Self::Type> {
        let doubts = self.doubts.count();
        Ok(Tried { connection: self.connect.connect().await?, doubts })
    }

    /// One that the server closed is mostly known to be so. One that was idle for long may be cut off without a word.
    async fn recycle(&self, tried: &mut Self::Type, metrics: &Metrics) -> RecycleResult<Error> {
        if C::is_closed(&tried.connection) {
            return Err(RecycleError::message("closed"));
        }
        let doubts = self.doubts.count();
        if metrics.last_used() > C::TRUSTED || tried.doubts != doubts {
            C::try_out(&mut tried.connection).await?;
            tried.doubts = doubts;
        }
        Ok(())
    }
}

impl Doubts {
    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl<C: Connect> Connections<C> {
    /// No connection so far. Within a runtime of tokio.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when there is no runtime.
    pub fn new(connect: C, limits: Limits) -> Result<Self> {
        let maker = Maker { connect, doubts: Doubts::default() };
        let pool = Pool::builder(maker).max_size(limits.size).runtime(Runtime::Tokio1).build();
        let pool = pool
            .map_err(|error| Error::internal("the pool of connections can't be made").with_detail(error))?;
        // One connection is left for calls outside of transactions, where there is another one.
        let transactions = Arc::new(Semaphore::new(limits.size.saturating_sub(1).max(1)));
        Ok(Self { pool, transactions, waiting: AtomicUsize::new(0), limits })
    }

    /// A connection that nobody else has, until it is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when all connections are in use for too long; why no connection could be made.
    pub async fn get(&self) -> Result<Borrowed<C>> {
        match self.within(Duration::ZERO).await {
            Err(PoolError::Timeout(TimeoutType::Wait)) => {}
            ended => return ended.map_err(refused),
        }
        let _place = self.queue_up()?;
        self.within(self.limits.acquire).await.map_err(refused)
    }

    /// The same for a transaction of the caller. All together they leave one connection to others: what a transaction waits for in the midst of
    /// its work, such as the description of a table, must not wait for transactions again.
    ///
    /// # Errors
    /// As [`Connections::get`].
    pub async fn get_for_transaction(&self) -> Result<Borrowed<C>> {
        let turn = self.turn().await?;
        let mut borrowed = self.get().await?;
        borrowed.turn = Some(turn);
        Ok(borrowed)
    }

    /// For who only asks whether the server is there: while all connections are in use, one beside them is made for the question. `false`:
    /// they are not all in use, so one of them can be asked.
    ///
    /// # Errors
    /// Why no connection could be made, and what the server says.
    pub async fn answers_beside(&self) -> Result<bool> {
        let status = self.pool.status();
        if status.size < status.max_size || status.available > 0 {
            return Ok(false);
        }
        let made = tokio::time::timeout(self.limits.connect, self.pool.manager().connect.connect());
        let mut connection = made.await.map_err(|_| no_answer())??;
        let answer = C::try_out(&mut connection).await;
        C::abandon(connection);
        answer.map(|()| true)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(turn) = Arc::clone(&self.transactions).try_acquire_owned() {
            return Ok(turn);
        }
        let _place = self.queue_up()?;
        let turn = tokio::time::timeout(self.limits.acquire, Arc::clone(&self.transactions).acquire_owned());
        turn.await.ok().and_then(std::result::Result::ok).ok_or_else(exhausted)
    }

    async fn within(&self, wait: Duration) -> std::result::Result<Borrowed<C>, PoolError<Error>> {
        let (create, recycle) = (self.limits.connect, self.limits.connect.min(TRIAL_TIME));
        let limits = Timeouts { wait: Some(wait), create: Some(create), recycle: Some(recycle) };
        let object = self.pool.timeout_get(&limits).await?;
        Ok(Borrowed { object: Some(object), doubts: self.pool.manager().doubts.clone(), turn: None })
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

/// A connection for one call or one transaction. Dropped before it is given back, it is ended with what runs on it: so nothing of it ever
/// meets somebody else.
pub struct Borrowed<C: Connect> {
    /// There, until it is dropped.
    object: Option<Object<Maker<C>>>,
    doubts: Doubts,
    /// Of a transaction: others wait for its end.
    turn: Option<OwnedSemaphorePermit>,
}

impl<C: Connect> Borrowed<C> {
    /// The connection.
    ///
    /// # Errors
    /// Never before it was given back.
    pub fn connection(&mut self) -> Result<&mut C::Connection> {
        let object = self.object.as_mut().ok_or_else(|| Error::internal("the connection was given back"))?;
        Ok(&mut object.connection)
    }

    /// Nothing runs on it any more: others may have it.
    pub fn give_back(mut self) {
        self.object = None;
    }

    /// Nothing runs on it any more, but nobody shall have it after this call. Nothing is wrong with the others.
    pub fn let_go(mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}

impl<C: Connect> Drop for Borrowed<C> {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            // It broke, or it did not answer in time: who knows of the others.
            self.doubts.add();
            C::abandon(Object::take(object).connection);
        }
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
        PoolError::Timeout(TimeoutType::Wait) => exhausted(),
        PoolError::Timeout(_) => no_answer(),
        other => Error::internal("the pool of connections failed").with_detail(other),
    }
}

fn exhausted() -> Error {
    Error::new(ErrorKind::Busy, "all connections are in use; try again later, or raise 'pool_size'")
        .with_reason("pool_exhausted")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Connections are numbers, and it is known what befell each.
    #[derive(Default)]
    struct Numbers {
        hangs: bool,
        made: AtomicUsize,
        log: Log,
    }

    type Log = Arc<Mutex<Vec<String>>>;

    struct Number(usize, Log);

    impl Number {
        fn tell(&self, what: &str) {
            self.1.lock().unwrap().push(format!("{what} {}", self.0));
        }
    }

    impl Connect for Numbers {
        type Connection = Number;

        const TRUSTED: Duration = Duration::from_secs(60);

        async fn connect(&self) -> Result<Number> {
            if self.hangs {
                std::future::pending::<()>().await;
            }
            Ok(Number(self.made.fetch_add(1, Ordering::Relaxed), Arc::clone(&self.log)))
        }

        fn is_closed(_: &Number) -> bool {
            false
        }

        async fn try_out(number: &mut Number) -> Result<()> {
            number.tell("tried");
            Ok(())
        }

        fn abandon(number: Number) {
            number.tell("abandoned");
        }
    }

    fn connections(numbers: Numbers, size: usize, queue: usize) -> Connections<Numbers> {
        let second = Duration::from_secs(1);
        Connections::new(numbers, Limits { size, queue, acquire: second, connect: second }).unwrap()
    }

    fn one(hangs: bool, queue: usize) -> Connections<Numbers> {
        connections(Numbers { hangs, ..Numbers::default() }, 1, queue)
    }

    async fn check(connections: &Connections<Numbers>, kind: ErrorKind, reason: &str) {
        let error = connections.get().await.err().unwrap();
        assert_eq!((error.kind, error.reason.as_deref()), (kind, Some(reason)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_use_is_waited_for_and_then_refused() {
        let one = one(false, 1);
        let held = one.get().await.unwrap();
        check(&one, ErrorKind::Busy, "pool_exhausted").await;
        let (_, waited) = tokio::join!(async { held.give_back() }, one.get());
        assert_eq!(waited.unwrap().connection().unwrap().0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn transactions_leave_a_connection_to_others() {
        let two = connections(Numbers::default(), 2, 1);
        let held = two.get_for_transaction().await.unwrap();
        let refused = two.get_for_transaction().await.err().unwrap();
        assert_eq!(refused.reason.as_deref(), Some("pool_exhausted"));
        let other = two.get().await.unwrap();
        other.give_back();
        let (_, waited) = tokio::join!(async { held.give_back() }, two.get_for_transaction());
        assert!(waited.is_ok());
        let alone = one(false, 1);
        alone.get_for_transaction().await.unwrap().give_back();
    }

    #[tokio::test]
    async fn only_while_all_connections_are_in_use_the_server_is_asked_beside_them() {
        let one = one(false, 1);
        assert_eq!(one.answers_beside().await, Ok(false));
        let held = one.get().await.unwrap();
        assert_eq!(one.answers_beside().await, Ok(true));
        held.give_back();
        assert_eq!(one.answers_beside().await, Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_queue_holds_may_wait() {
        let none = one(false, 0);
        let _held = none.get().await.unwrap();
        check(&none, ErrorKind::Busy, "queue_full").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_does_not_come_is_given_up() {
        check(&one(true, 1), ErrorKind::Unavailable, "connect_timeout").await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_dropped_in_use_is_ended_and_the_others_are_tried_once() {
        let numbers = Numbers::default();
        let log = Arc::clone(&numbers.log);
        let two = connections(numbers, 2, 0);
        let (first, second) = (two.get().await.unwrap(), two.get().await.unwrap());
        first.give_back();
        drop(second);
        for _ in 0..2 {
            two.get().await.unwrap().give_back();
        }
        assert_eq!(*log.lock().unwrap(), ["abandoned 1", "tried 0"]);
    }
}
