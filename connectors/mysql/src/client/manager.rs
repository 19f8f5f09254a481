//! How connections are made, and tried again before they are used.

use std::sync::Arc;
use std::time::Duration;

use connector_api::{Error, Result};
use connector_common::pool::Connect;
use connector_sql_common::{Bind, SqlWriter};
use mysql_async::Value;

use super::Connection;
use super::login::Login;
use crate::config::{Config, Setting};
use crate::error::from_driver;
use crate::translate::VALUES;

/// What statements of this connector rely on, whatever the server's own modes: new rows may have the key 0, unsigned numbers subtract to
/// signed ones, and a table is never made in another engine.
const MODES: &[&str] = &["NO_AUTO_VALUE_ON_ZERO", "NO_UNSIGNED_SUBTRACTION", "NO_ENGINE_SUBSTITUTION"];
const STRICT: &[&str] = &["STRICT_ALL_TABLES", "ERROR_FOR_DIVISION_BY_ZERO"];
/// Each assignment of an update sees the row as it was. MySQL has no such mode.
/// <https://mariadb.com/docs/server/server-management/variables-and-modes/sql_mode#simultaneous_assignment>
const MARIADB: &str = "SIMULTANEOUS_ASSIGNMENT";

/// Makes connections.
pub(crate) struct Manager {
    login: Arc<Login>,
    modes: String,
    collation: String,
    lock_seconds: u64,
    /// Variables by name, in order, as statements.
    settings: Vec<(String, Value)>,
    statements: Vec<String>,
}

impl Manager {
    pub(super) fn new(config: &Config) -> Result<Self> {
        let strict = if config.strict { STRICT } else { &[] };
        let modes = MODES.iter().chain(strict).copied().chain(config.modes.iter().map(String::as_str));
        let settings = config.options.iter().chain(&config.attributes);
        let settings = settings.map(|(name, setting)| Ok((assignment(name)?, value(setting))));
        Ok(Self {
            login: Arc::new(Login::new(config)?),
            modes: modes.collect::<Vec<_>>().join(","),
            collation: config.collation.clone(),
            lock_seconds: config.lock_seconds(),
            settings: settings.collect::<Result<_>>()?,
            statements: config.statements.clone(),
        })
    }

    async fn set_up(&self, connection: &mut Connection) -> Result<()> {
        connection
            .words("SET NAMES utf8mb4; SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            .await?;
        let modes = match connection.is_mariadb() {
            true => format!("{},{MARIADB}", self.modes),
            false => self.modes.clone(),
        };
        let values = vec![
            Value::from("+00:00"),
            Value::from(modes),
            Value::from(&self.collation),
            Value::from(self.lock_seconds),
        ];
        let sql =
            "SET SESSION time_zone = ?, sql_mode = ?, collation_connection = ?, innodb_lock_wait_timeout = ?";
        set(connection, sql, values, "'modes' or 'collation'").await?;
        for (sql, value) in &self.settings {
            set(connection, sql, vec![value.clone()], "'options' or 'attributes'").await?;
        }
        for statement in &self.statements {
            connection.words(statement).await.map_err(|error| refused(error, "'statements'"))?;
        }
        Ok(())
    }
}

async fn set(connection: &mut Connection, sql: &str, values: Vec<Value>, keys: &str) -> Result<()> {
    let ended = connection.run(sql, values).await.map(drop);
    ended.map_err(|error| refused(from_driver(&error), keys))
}

/// The server does not take something of the configuration.
fn refused(error: Error, keys: &str) -> Error {
    let message = format!("the server refuses something in {keys} of the configuration: {}", error.message);
    Error { message, ..error }
}

/// The statement that sets a variable of the session.
fn assignment(name: &str) -> Result<String> {
    let mut sql = SqlWriter::new(&VALUES);
    sql.keyword("SET SESSION ");
    sql.ident(name)?;
    sql.keyword(" = ");
    sql.param(Bind::Cell(0));
    Ok(sql.finish().sql().to_owned())
}

fn value(setting: &Setting) -> Value {
    match setting {
        Setting::Flag(flag) => Value::from(*flag),
        Setting::Number(number) => Value::from(*number),
        Setting::Text(text) => Value::from(text),
    }
}

impl Connect for Manager {
    type Connection = Connection;

    /// The driver does not notice by itself when the server closes a connection. One in steady use is not asked each time.
    const TRUSTED: Duration = Duration::from_millis(100);

    async fn connect(&self) -> Result<Connection> {
        let conn = self.login.connect().await?;
        let mut connection = Connection::new(conn, Arc::clone(&self.login)).await?;
        self.set_up(&mut connection).await?;
        Ok(connection)
    }

    fn is_closed(connection: &Connection) -> bool {
        connection.is_broken()
    }

    async fn try_out(connection: &mut Connection) -> Result<()> {
        connection.ping().await
    }

    fn abandon(connection: Connection) {
        connection.abandon();
    }
}
