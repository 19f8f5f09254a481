//! One connection: statements prepared once, run with values in the server's binary form.

use std::sync::Arc;
use std::time::Duration;

use connector_api::{Error, Result};
use connector_common::failure::is_lost;
use mysql_async::prelude::Queryable as _;
use mysql_async::{BinaryProtocol, Conn, Params, QueryResult, Statement, Value};
use tokio::runtime::Handle;

use super::login::Login;
use crate::error::from_driver;

/// So long the server may take to be told that nobody waits any more.
const END_TIME: Duration = Duration::from_secs(5);

/// A connection.
pub(crate) struct Connection {
    conn: Conn,
    login: Arc<Login>,
    is_mariadb: bool,
    /// It broke: there is nothing left to end on the server.
    is_broken: bool,
    /// The last statement, where the driver keeps none: then it closes none either.
    last: Option<Statement>,
    runtime: Handle,
}

impl Connection {
    /// Asks the server what it is. Within the connector's runtime.
    ///
    /// # Errors
    /// The server's.
    pub(super) async fn new(mut conn: Conn, login: Arc<Login>) -> Result<Self> {
        let version: Option<String> =
            conn.query_first("SELECT VERSION()").await.map_err(|error| from_driver(&error))?;
        let is_mariadb = version.is_some_and(|version| version.contains("MariaDB"));
        Ok(Self { conn, login, is_mariadb, is_broken: false, last: None, runtime: Handle::current() })
    }

    /// Whether the server is MariaDB, else it is MySQL.
    pub(crate) fn is_mariadb(&self) -> bool {
        self.is_mariadb
    }

    /// Runs words without values, several statements perhaps.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn words(&mut self, words: &str) -> Result<()> {
        let ended = self.conn.query_drop(words).await;
        ended.map_err(|error| self.failed(&error))
    }

    fn failed(&mut self, error: &mysql_async::Error) -> Error {
        let error = from_driver(error);
        self.is_broken |= is_lost(&error);
        error
    }

    /// It turned out to be of no more use.
    pub(super) fn broke(&mut self) {
        self.is_broken = true;
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Runs a statement; its rows come as they are read.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) async fn run(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> mysql_async::Result<QueryResult<'_, 'static, BinaryProtocol>> {
        let params = if values.is_empty() { Params::Empty } else { Params::Positional(values) };
        if self.conn.opts().stmt_cache_size() > 0 {
            return self.conn.exec_iter(sql, params).await;
        }
        if let Some(last) = self.last.take() {
            self.conn.close(last).await?;
        }
        let statement = self.conn.prep(sql).await?;
        self.last = Some(statement.clone());
        self.conn.exec_iter(statement, params).await
    }

    /// Asks the server whether it is there.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn ping(&mut self) -> Result<()> {
        let ended = self.conn.ping().await;
        ended.map_err(|error| self.failed(&error))
    }

    /// Ends it on the server, and with it what runs there.
    pub(super) fn abandon(self) {
        let Self { conn, login, is_broken, runtime, .. } = self;
        runtime.spawn(async move {
            if !is_broken && !matches!(tokio::time::timeout(END_TIME, login.end(conn.id())).await, Ok(Ok(())))
            {
                // A routine that runs with its definer's rights is the definer's, and another account may not end it without the right to.
                tracing::warn!(
                    "a call that nobody waits for could not be ended on the server, and may go on there"
                );
            }
            // Dropped as it is, the driver would read all that still comes before it closes it, if ever anything comes.
            let _ = tokio::time::timeout(END_TIME, conn.disconnect()).await;
        });
    }
}
