//! How connections are made, and tried again before they are used.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector_api::Result;
use connector_common::failure::configuration_refused;
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
    /// Variables in order.
    settings: Vec<Asked>,
    statements: Vec<String>,
}

impl Manager {
    pub(super) fn new(config: &Config) -> Result<Self> {
        let strict = if config.strict { STRICT } else { &[] };
        let modes = MODES.iter().chain(strict).copied().chain(config.modes.iter().map(String::as_str));
        Ok(Self {
            login: Arc::new(Login::new(config)?),
            modes: modes.collect::<Vec<_>>().join(","),
            collation: config.collation.clone(),
            lock_seconds: config.lock_seconds(),
            settings: Asked::all(config)?,
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
        set(connection, sql, values, "something in 'modes' or 'collation'").await?;
        for asked in &self.settings {
            set(connection, &asked.sql, vec![asked.value.clone()], &asked.what).await?;
        }
        for statement in &self.statements {
            let ran = connection.words(statement).await;
            ran.map_err(|error| {
                let what = format!("a statement ({}) in 'statements'", error.message);
                configuration_refused(error, &what)
            })?;
        }
        Ok(())
    }
}

/// A variable of the server that the configuration asks for.
struct Asked {
    /// Where, for messages.
    what: String,
    /// The statement that sets it.
    sql: String,
    value: Value,
}

impl Asked {
    fn all(config: &Config) -> Result<Vec<Self>> {
        let of = |key, settings: &BTreeMap<String, Setting>| {
            let asked = |(name, setting): (&String, &Setting)| {
                let what = format!("the variable '{name}' in '{key}'");
                Ok(Self { what, sql: assignment(name)?, value: value(setting) })
            };
            settings.iter().map(asked).collect::<Result<Vec<_>>>()
        };
        Ok([of("options", &config.options)?, of("attributes", &config.attributes)?]
            .into_iter()
            .flatten()
            .collect())
    }
}

async fn set(connection: &mut Connection, sql: &str, values: Vec<Value>, what: &str) -> Result<()> {
    let ended = connection.run(sql, values).await.map(drop);
    ended.map_err(|error| configuration_refused(from_driver(&error), what))
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
        Setting::Fraction(number) => Value::from(*number),
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
