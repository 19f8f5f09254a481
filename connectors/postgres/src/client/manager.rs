//! How connections are made and tried again before they are used.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connector_api::Result;
use connector_common::failure::configuration_refused;
use connector_common::pool::Connect;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode as DriverMode;

use super::connection::{Connection, Params};
use super::tls::Tls;
use crate::config::{Config, Setting, SslMode};
use crate::error::from_driver;

/// What values rely on when they become texts and texts values, whatever the account's own settings are. The configuration's come later.
/// Compiling a statement with many conditions takes seconds, where running it takes milliseconds.
const PINNED: &str = "SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex'; \
    SET array_nulls = on; SET jit = off; SET standard_conforming_strings = on; SET xmloption = 'content'; SET transform_null_equals = off";

/// Makes connections.
pub(crate) struct Manager {
    login: Arc<Login>,
    /// In order.
    settings: Vec<Asked>,
    statements: Vec<String>,
    caches_statements: bool,
}

/// A setting of the server that the configuration asks for.
struct Asked {
    /// The key of the configuration.
    key: &'static str,
    name: String,
    value: String,
}

impl Asked {
    fn all(config: &Config) -> Vec<Self> {
        let zone = config.timezone.iter().map(|zone| Self {
            key: "timezone",
            name: "TimeZone".to_owned(),
            value: zone.clone(),
        });
        let of = |key, settings: &BTreeMap<String, Setting>| {
            let asked =
                |(name, value): (&String, &Setting)| Self { key, name: name.clone(), value: value.text() };
            settings.iter().map(asked).collect::<Vec<_>>()
        };
        zone.chain(of("options", &config.options)).chain(of("attributes", &config.attributes)).collect()
    }

    async fn set(&self, connection: &mut Connection) -> Result<()> {
        let mut params = Params::default();
        params.text(&self.name);
        params.text(&self.value);
        let set = connection.execute("SELECT set_config($1::text, $2::text, false)", &params).await;
        set.map_err(|error| match self.key {
            "timezone" => configuration_refused(error, "the time zone in 'timezone'"),
            key => configuration_refused(error, &format!("the setting '{}' in '{key}'", self.name)),
        })
    }
}

/// What connections share: how the server is reached, also to cancel what runs there, and whether what they keep is of use.
pub(super) struct Login {
    driver: tokio_postgres::Config,
    /// `None`: unencrypted.
    tls: Option<Tls>,
    /// Whether the server may be asked to end a statement.
    cancels: bool,
    /// How often a table turned out to have changed.
    changes: AtomicU64,
}

impl Manager {
    pub(super) fn new(config: &Config) -> Result<Self> {
        Ok(Self {
            login: Arc::new(Login {
                driver: driver_config(config),
                tls: Tls::of(config)?,
                cancels: config.cancel,
                changes: AtomicU64::default(),
            }),
            settings: Asked::all(config),
            statements: config.statements.clone(),
            caches_statements: config.statement_cache,
        })
    }

    /// What its connections share.
    pub(super) fn login(&self) -> Arc<Login> {
        Arc::clone(&self.login)
    }

    async fn set_up(&self, connection: &mut Connection) -> Result<()> {
        connection.batch(PINNED).await?;
        for asked in &self.settings {
            asked.set(connection).await?;
        }
        for statement in &self.statements {
            let ran = connection.batch(statement).await;
            ran.map_err(|error| {
                let what = format!("a statement ({}) in 'statements'", error.message);
                configuration_refused(error, &what)
            })?;
        }
        Ok(())
    }
}

impl Connect for Manager {
    type Connection = Connection;

    /// A connection that the server closes is known to be so at once; one that is cut off without a word is not.
    const TRUSTED: Duration = Duration::from_secs(30);

    async fn connect(&self) -> Result<Connection> {
        let mut connection = self.login.connect(self.caches_statements).await?;
        self.set_up(&mut connection).await?;
        Ok(connection)
    }

    fn is_closed(connection: &Connection) -> bool {
        connection.is_closed()
    }

    async fn try_out(connection: &mut Connection) -> Result<()> {
        connection.batch("").await
    }

    fn abandon(connection: Connection) {
        connection.abandon();
    }
}

impl Login {
    async fn connect(self: &Arc<Self>, caches_statements: bool) -> Result<Connection> {
        let failed = |error: tokio_postgres::Error| from_driver(&error);
        match &self.tls {
            Some(tls) => {
                let (client, task) = self.driver.connect(tls.connect()).await.map_err(failed)?;
                Ok(Connection::start(client, task, Arc::clone(self), caches_statements))
            }
            None => {
                let (client, task) = self.driver.connect(NoTls).await.map_err(failed)?;
                Ok(Connection::start(client, task, Arc::clone(self), caches_statements))
            }
        }
    }

    /// A table has changed: each connection notices before its next statement.
    pub(super) fn tell_of_change(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// How often a table turned out to have changed.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Asks the server to end what runs on a connection, if it may be asked.
    pub(super) async fn cancel(&self, token: &tokio_postgres::CancelToken) {
        if !self.cancels {
            return;
        }
        // If it can't be told, the connection is closed all the same.
        let _ = match &self.tls {
            Some(tls) => token.cancel_query(tls.connect()).await,
            None => token.cancel_query(NoTls).await,
        };
    }
}

fn driver_config(config: &Config) -> tokio_postgres::Config {
    let mut driver = tokio_postgres::Config::new();
    driver.port(config.port).dbname(&config.database).application_name(&config.application_name);
    match &config.unix_socket {
        Some(folder) => driver.host_path(folder),
        None => driver.host(&config.host),
    };
    if let Some(user) = &config.username {
        driver.user(user);
    }
    if let Some(password) = &config.password {
        driver.password(password);
    }
    driver.connect_timeout(config.connect_timeout.0);
    driver.ssl_mode(match config.sslmode {
        // There is nothing to encrypt on the way through a socket.
        _ if config.unix_socket.is_some() => DriverMode::Disable,
        SslMode::Disable => DriverMode::Disable,
        SslMode::Prefer => DriverMode::Prefer,
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverMode::Require,
    });
    driver
}
