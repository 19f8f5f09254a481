//! How connections are made, and tried again before they are used.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use connector_api::{Error, ErrorKind, Result};
use connector_sql_common::{Bind, SqlWriter};
use deadpool::managed::{self, Metrics, RecycleResult};
use mysql_async::{ClientIdentity, Conn, DriverError, Opts, OptsBuilder, SslOpts, Value};

use super::{Connection, TRUSTED};
use crate::config::{Config, Setting, SslMode};
use crate::error::from_driver;
use crate::translate::VALUES;

/// Statements that a connection keeps prepared.
const PREPARED: usize = 256;
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

/// How the server is reached, also to end what runs there.
pub(super) struct Login {
    opts: Opts,
    /// The same without TLS, where that is allowed.
    plain: Option<Opts>,
    /// When a connection turned out to be dead. What was used last before is asked before it is used again.
    doubted: Mutex<Option<Instant>>,
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

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection> {
        let conn = self.login.connect().await?;
        let mut connection = Connection::new(conn, Arc::clone(&self.login)).await?;
        self.set_up(&mut connection).await?;
        Ok(connection)
    }

    /// One that was idle for long may be cut off without a word, and one that was there when another one broke, too.
    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<Error> {
        let idle = metrics.last_used();
        if idle > TRUSTED || self.login.doubted_since().is_some_and(|since| since.elapsed() < idle) {
            connection.ping().await?;
        }
        Ok(())
    }
}

impl Login {
    fn new(config: &Config) -> Result<Self> {
        // Each library has its own choice of a provider, and the driver takes the one that is installed. It is there already when another
        // service was opened before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = OptsBuilder::default()
            .ip_or_hostname(config.host.clone())
            .tcp_port(config.port)
            .socket(config.unix_socket.as_ref().map(|path| path.to_string_lossy().into_owned()))
            .user(config.username.clone())
            .pass(config.password.clone())
            .db_name(Some(config.database.clone()))
            // Two that the driver would else ask the server for.
            .prefer_socket(false)
            .wait_timeout(Some(0))
            .stmt_cache_size(if config.statement_cache { PREPARED } else { 0 })
            // A row that is set to what it has counts as found.
            .client_found_rows(true)
            .tcp_nodelay(true);
        let plain: Opts = builder.clone().into();
        let opts = match tls(config)? {
            Some(tls) => builder.ssl_opts(tls).into(),
            None => plain.clone(),
        };
        let plain = (config.sslmode == SslMode::Prefer).then_some(plain);
        Ok(Self { opts, plain, doubted: Mutex::default() })
    }

    pub(super) fn doubt(&self) {
        *self.doubted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn doubted_since(&self) -> Option<Instant> {
        *self.doubted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<Conn> {
        let connected = Conn::new(self.opts.clone()).await;
        let connected = match (connected, &self.plain) {
            (Err(mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer)), Some(plain)) => {
                Conn::new(plain.clone()).await
            }
            (connected, _) => connected,
        };
        connected.map_err(|error| from_driver(&error))
    }

    /// Ends a connection on the server.
    pub(super) async fn end(&self, number: u32) -> Result<()> {
        use mysql_async::prelude::Queryable as _;

        let mut conn = self.connect().await?;
        let ended = conn.query_drop(format!("KILL {number}")).await;
        ended.map_err(|error| from_driver(&error))?;
        conn.disconnect().await.map_err(|error| from_driver(&error))
    }
}

/// How connections are encrypted; `None`: they are not. There is nothing to encrypt on the way through a socket.
fn tls(config: &Config) -> Result<Option<SslOpts>> {
    if config.sslmode == SslMode::Disable || config.unix_socket.is_some() {
        return Ok(None);
    }
    let verifies = matches!(config.sslmode, SslMode::VerifyCa | SslMode::VerifyFull);
    let mut tls = SslOpts::default()
        .with_danger_accept_invalid_certs(!verifies)
        .with_danger_skip_domain_validation(config.sslmode != SslMode::VerifyFull);
    if let Some(path) = &config.sslrootcert {
        let authorities = read("sslrootcert", path)?;
        tls = tls.with_root_certs(vec![authorities.into()]).with_disable_built_in_roots(true);
    }
    if let (Some(certificate), Some(key)) = (&config.sslcert, &config.sslkey) {
        let identity = ClientIdentity::new(read("sslcert", certificate)?.into(), read("sslkey", key)?.into());
        tls = tls.with_client_identity(Some(identity));
    }
    Ok(Some(tls))
}

/// A PEM file.
fn read(key: &str, path: &Path) -> Result<Vec<u8>> {
    let refused = |what: &str| Error::new(ErrorKind::InvalidRequest, format!("the file of '{key}' {what}"));
    let text = std::fs::read(path).map_err(|error| refused("can't be read").with_detail(error))?;
    let has_mark = text.windows(11).any(|part| part == b"-----BEGIN ");
    if has_mark { Ok(text) } else { Err(refused("is no PEM file")) }
}
