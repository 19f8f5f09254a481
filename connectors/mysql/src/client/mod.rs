//! The connections of one service: a bounded pool, the transactions that hold some of them, and what a call runs on.

mod connection;
mod login;
mod manager;
mod work;

use std::sync::Arc;
use std::time::Duration;

use connector_api::Result;
use connector_api::author::Context;
use connector_common::failure::{session_lost, up_to_twice};
use connector_common::pool::{Connections, Limits};
use connector_common::sessions::Sessions;

use crate::config::Config;
pub(crate) use connection::Connection;
use manager::Manager;
pub(crate) use work::Work;

type Borrowed = connector_common::pool::Borrowed<Manager>;

/// A transaction that only reads sees all as it was at its beginning.
const BEGIN_READING: &str =
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
/// In any other one what was read is locked: the default would let others change it before it is written.
/// <https://dev.mysql.com/doc/refman/8.4/en/innodb-transaction-isolation-levels.html>
const BEGIN_WRITING: &str = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; START TRANSACTION READ WRITE";

/// The connections of one service.
pub(crate) struct Client {
    connections: Connections<Manager>,
    sessions: Arc<Sessions<Borrowed>>,
    statement_timeout: Option<Duration>,
}

impl Client {
    /// Opens the service; connects with the first call. Within the connector's runtime.
    ///
    /// # Errors
    /// [`connector_api::ErrorKind::InvalidRequest`] for files of certificates that can't be read.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let size = config.pool_size();
        let limits = Limits {
            size,
            queue: config.queue,
            acquire: config.acquire_timeout.0,
            connect: config.connect_timeout.0,
        };
        let statement_timeout = config.statement_timeout.0;
        Ok(Self {
            connections: Connections::new(Manager::new(config)?, limits)?,
            sessions: Sessions::new(size, config.session_timeout.0),
            statement_timeout: (!statement_timeout.is_zero()).then_some(statement_timeout),
        })
    }

    /// What a call runs on: the transaction that its context names, or a connection of its own.
    ///
    /// # Errors
    /// [`connector_api::ErrorKind::Cancelled`] for a transaction that has ended; [`connector_api::ErrorKind::Busy`] when all connections are
    /// in use for too long; why no connection could be made.
    pub(crate) async fn work(&self, session: Option<u64>) -> Result<Work> {
        match session {
            Some(number) => Ok(Work::within(self.sessions.join(number)?, self.statement_timeout)),
            None => Ok(Work::alone(self.connections.get().await?, self.statement_timeout)),
        }
    }

    /// Whether the server was asked beside all connections, since they are in use.
    ///
    /// # Errors
    /// It is not there.
    pub(crate) async fn answers_beside(&self) -> Result<bool> {
        self.connections.answers_beside().await
    }

    /// Begins a transaction and gives its number.
    ///
    /// # Errors
    /// As [`Client::work`].
    pub(crate) async fn begin(&self, read_only: bool) -> Result<u64> {
        let words = if read_only { BEGIN_READING } else { BEGIN_WRITING };
        let begun = up_to_twice(|| async {
            let mut borrowed = self.connections.get_for_transaction().await?;
            borrowed.connection()?.words(words).await?;
            Ok(borrowed)
        });
        self.sessions.begin(begun.await?)
    }

    /// Ends a transaction and keeps its work.
    ///
    /// # Errors
    /// Why nothing was kept; [`connector_api::ErrorKind::UnknownOutcome`] when no answer came.
    pub(crate) async fn commit(&self, context: &Context) -> Result<()> {
        let held = self.sessions.end(context.session)?.ok_or_else(session_lost)?;
        let mut work = Work::begun(held);
        let committed = work.commit().await;
        match &committed {
            Ok(()) => work.give_back(),
            Err(error) => work.recover(error).await,
        }
        committed
    }

    /// Ends a transaction and undoes its work.
    ///
    /// # Errors
    /// [`connector_api::ErrorKind::Cancelled`] when it has ended already.
    pub(crate) async fn rollback(&self, context: &Context) -> Result<()> {
        // Of one that is lost nothing is left to undo.
        if let Some(held) = self.sessions.end(context.session)? {
            let mut work = Work::begun(held);
            if work.undo().await.is_ok() {
                work.give_back();
            }
        }
        Ok(())
    }
}
