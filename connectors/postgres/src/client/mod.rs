//! The connections of one service: a bounded pool, the transactions that hold some of them, and what a call runs on.

mod connection;
mod manager;
mod tls;
mod work;

use std::sync::Arc;
use std::time::Duration;

use connector_api::Result;
use connector_api::author::Context;
use connector_common::failure::{session_lost, up_to_twice};
use connector_common::pool::{Connections, Limits};
use connector_common::sessions::Sessions;

use crate::config::Config;
use connection::Connection;
pub(crate) use connection::{Answer, Params, Parsed};
use manager::{Login, Manager};
pub(crate) use work::Work;

type Borrowed = connector_common::pool::Borrowed<Manager>;

/// The connections of one service.
pub(crate) struct Client {
    connections: Connections<Manager>,
    sessions: Arc<Sessions<Borrowed>>,
    statement_timeout: Option<Duration>,
    login: Arc<Login>,
}

impl Client {
    /// Opens the service; connects with the first call. Within the connector's runtime.
    ///
    /// # Errors
    /// [`connector_api::ErrorKind::InvalidRequest`] for files of certificates that can't be used.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let size = config.pool_size();
        let limits = Limits {
            size,
            queue: config.queue,
            acquire: config.acquire_timeout.0,
            connect: config.connect_timeout.0,
        };
        let statement_timeout = config.statement_timeout.0;
        let manager = Manager::new(config)?;
        Ok(Self {
            login: manager.login(),
            connections: Connections::new(manager, limits)?,
            sessions: Sessions::new(size, config.session_timeout.0),
            statement_timeout: (!statement_timeout.is_zero()).then_some(statement_timeout),
        })
    }

    /// A table may have changed: what the connections keep prepared is of no more use.
    pub(crate) fn changed(&self) {
        self.login.tell_of_change();
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
        // What it reads is as it was at its beginning, and what it writes was not changed since, or the write fails.
        let words = match read_only {
            true => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            false => "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE",
        };
        let begun = up_to_twice(|| async {
            let mut borrowed = self.connections.get_for_transaction().await?;
            borrowed.connection()?.batch(words).await?;
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
        work.recover().await;
        committed
    }

    /// Ends a transaction and undoes its work.
    ///
    /// # Errors
    /// [`connector_api::ErrorKind::Cancelled`] when it has ended already.
    pub(crate) async fn rollback(&self, context: &Context) -> Result<()> {
        // Of one that is lost nothing is left to undo.
        if let Some(held) = self.sessions.end(context.session)? {
            Work::begun(held).recover().await;
        }
        Ok(())
    }
}
