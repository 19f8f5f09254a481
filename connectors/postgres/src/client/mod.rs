//! The connections of one service: a bounded pool, the transactions that hold some of them, and what a call runs on.

mod connection;
mod manager;
mod tls;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use connector_api::author::Context;
use connector_api::{Error, ErrorKind, Result};
use connector_common::sessions::Sessions;
use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolError, TimeoutType, Timeouts};

use crate::config::Config;
use crate::error::session_lost;
use connection::Connection;
pub(crate) use connection::{Answer, Params};
use manager::Manager;
pub(crate) use work::Work;

/// A connection that nobody has used for so long is asked before it is used.
const TRUSTED: Duration = Duration::from_secs(30);

/// The connections of one service.
pub(crate) struct Client {
    pool: Pool<Manager>,
    /// Calls that wait for a connection.
    waiting: AtomicUsize,
    queue: usize,
    acquire: Duration,
    connect: Duration,
    sessions: Arc<Sessions<Borrowed>>,
    statement_timeout: Option<Duration>,
}

impl Client {
    /// Opens the service; connects with the first call. Within the connector's runtime.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for files of certificates that can't be used.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let size = config.pool_size();
        let pool =
            Pool::builder(Manager::new(config)?).max_size(size).runtime(Runtime::Tokio1).build().map_err(
                |error| Error::internal("the pool of connections can't be made").with_detail(error),
            )?;
        let statement_timeout = config.statement_timeout.0;
        Ok(Self {
            pool,
            waiting: AtomicUsize::new(0),
            queue: config.queue,
            acquire: config.acquire_timeout.0,
            connect: config.connect_timeout.0,
            sessions: Sessions::new(size, config.session_timeout.0),
            statement_timeout: (!statement_timeout.is_zero()).then_some(statement_timeout),
        })
    }

    /// What a call runs on: the transaction that its context names, or a connection of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] for a transaction that has ended; [`ErrorKind::Busy`] when all connections are in use for too long; why
    /// no connection could be made.
    pub(crate) async fn work(&self, session: Option<u64>) -> Result<Work> {
        match session {
            Some(number) => Ok(Work::within(self.sessions.join(number)?, self.statement_timeout)),
            None => Ok(Work::alone(self.borrow().await?, self.statement_timeout)),
        }
    }

    /// A connection turned out to be dead: the others are asked before they are used again.
    pub(crate) fn doubt(&self) {
        self.pool.manager().doubt();
    }

    /// Begins a transaction and gives its number.
    ///
    /// # Errors
    /// As [`Client::work`].
    pub(crate) async fn begin(&self, read_only: bool) -> Result<u64> {
        let mut borrowed = self.borrow().await?;
        // What it reads is as it was at its beginning, and what it writes was not changed since, or the write fails.
        let words = match read_only {
            true => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            false => "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE",
        };
        borrowed.connection()?.batch(words).await?;
        self.sessions.begin(borrowed)
    }

    /// Ends a transaction and keeps its work.
    ///
    /// # Errors
    /// Why nothing was kept; [`ErrorKind::UnknownOutcome`] when no answer came.
    pub(crate) async fn commit(&self, context: &Context) -> Result<()> {
        let held = self.sessions.end(context.session)?.ok_or_else(session_lost)?;
        let mut work = Work::begun(held);
        let committed = work.commit().await;
        work.recover().await;
        committed
    }

    /// Ends a transaction and undoes its work.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] when it has ended already.
    pub(crate) async fn rollback(&self, context: &Context) -> Result<()> {
        // Of one that is lost nothing is left to undo.
        if let Some(held) = self.sessions.end(context.session)? {
            Work::begun(held).recover().await;
        }
        Ok(())
    }

    async fn borrow(&self) -> Result<Borrowed> {
        match self.get(Duration::ZERO).await {
            Err(PoolError::Timeout(TimeoutType::Wait)) => {}
            ended => return ended.map(Borrowed::new).map_err(refused),
        }
        let _place = self.queue_up()?;
        self.get(self.acquire).await.map(Borrowed::new).map_err(refused)
    }

    async fn get(&self, wait: Duration) -> std::result::Result<Object<Manager>, PoolError<Error>> {
        let timeouts = Timeouts { wait: Some(wait), create: Some(self.connect), recycle: Some(self.connect) };
        self.pool.timeout_get(&timeouts).await
    }

    fn queue_up(&self) -> Result<Waiting<'_>> {
        let place = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.queue {
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

/// A connection for one call or one transaction. Dropped before it is idle again, what runs on it is cancelled on the server and the
/// connection is closed: so a cancel request never meets the statement of somebody else.
pub(crate) struct Borrowed {
    /// There, until it is dropped.
    object: Option<Object<Manager>>,
    is_idle: bool,
}

impl Borrowed {
    fn new(object: Object<Manager>) -> Self {
        Self { object: Some(object), is_idle: false }
    }

    pub(crate) fn connection(&mut self) -> Result<&mut Connection> {
        self.object.as_deref_mut().ok_or_else(|| Error::internal("the connection was given back"))
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(object) = self.object.take().filter(|_| !self.is_idle) {
            Object::take(object).abandon();
        }
    }
}
