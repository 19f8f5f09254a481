//! The configuration of a service.

use std::collections::BTreeMap;
use std::path::PathBuf;

use connector_api::{Error, ErrorKind, Result};
use connector_common::server::{self, TlsFiles};
pub(crate) use connector_common::server::{Setting, SslMode};
use connector_common::timeout::{self, Timeout};
use schemars::JsonSchema;
use serde::Deserialize;

/// Configuration of a service of type `mysql` or `mariadb`. It holds a password, so it is never printed.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The server's name or address. Required unless `unix_socket` is given.
    #[serde(default)]
    pub(crate) host: String,
    /// The server's port.
    #[serde(default = "port")]
    pub(crate) port: u16,
    /// The server's unix socket, such as `/run/mysqld/mysqld.sock`; used instead of `host`.
    #[serde(default)]
    pub(crate) unix_socket: Option<PathBuf>,
    /// The database.
    pub(crate) database: String,
    /// The account.
    #[serde(default)]
    pub(crate) username: Option<String>,
    /// The account's password.
    #[serde(default)]
    pub(crate) password: Option<String>,
    /// Empty, `default` or the name of `database`: these servers have no schemas inside a database.
    #[serde(default)]
    pub(crate) schema: String,
    /// The encoding of texts between gateway and server: `utf8mb4` (or `utf8`), whatever the tables have.
    #[serde(default = "utf8mb4")]
    pub(crate) charset: String,
    /// The collation by which values of a request are compared with each other. Columns are compared by their own.
    #[serde(default = "collation")]
    pub(crate) collation: String,
    /// The time zone in which the server tells the time: `+00:00`, since points in time are exact only there.
    #[serde(default = "utc")]
    pub(crate) timezone: String,
    /// Values that do not fit are refused (`STRICT_ALL_TABLES`), not bent to fit.
    #[serde(default = "server::yes")]
    pub(crate) strict: bool,
    /// Further SQL modes of each connection: `["ONLY_FULL_GROUP_BY", "NO_ZERO_DATE"]`.
    #[serde(default)]
    pub(crate) modes: Vec<String>,
    /// `disable`, `prefer` (unencrypted if the server has no TLS), `require` (encrypted, the server is not verified), `verify-ca` (its
    /// certificate is), `verify-full` (its name too).
    #[serde(default)]
    pub(crate) sslmode: SslMode,
    /// A PEM file with the authorities that may sign the server's certificate; without it the public ones count.
    #[serde(default)]
    pub(crate) sslrootcert: Option<PathBuf>,
    /// A PEM file with the client's certificate and its chain.
    #[serde(default)]
    pub(crate) sslcert: Option<PathBuf>,
    /// A PEM file with the key of `sslcert`.
    #[serde(default)]
    pub(crate) sslkey: Option<PathBuf>,
    /// Variables of the server for each connection, by name: `{"sort_buffer_size": 1048576}`.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, Setting>,
    /// The same as `options`, set after them.
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, Setting>,
    /// SQL that is run once on each new connection, behind `options`.
    #[serde(default)]
    pub(crate) statements: Vec<String>,
    /// The most connections, those of transactions included. 1 to 1000; without it twice the processors.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) pool_size: Option<usize>,
    /// Calls that may wait for a connection; one more is refused as busy. 0 to 100000.
    #[serde(default = "server::queue_length")]
    #[schemars(range(max = 100_000))]
    pub(crate) queue: usize,
    /// How long a call waits for a connection: milliseconds, or a text like `"500ms"`, `"5s"`, `"1m"`.
    #[serde(default = "server::five_seconds")]
    pub(crate) acquire_timeout: Timeout,
    /// How long a new connection may take, TLS and login included; as `acquire_timeout` is written.
    #[serde(default = "server::five_seconds")]
    pub(crate) connect_timeout: Timeout,
    /// How long a statement may take until its first row or its end, then it is ended on the server; as `acquire_timeout` is written.
    /// `0`: as long as the request may take.
    #[serde(default = "server::no_limit")]
    pub(crate) statement_timeout: Timeout,
    /// How long a statement waits for rows that another transaction has locked; as `acquire_timeout` is written, in whole seconds from 1 on.
    #[serde(default = "server::five_seconds")]
    pub(crate) lock_timeout: Timeout,
    /// How long a transaction may be idle between two calls before it is undone; as `acquire_timeout` is written.
    #[serde(default = "server::five_seconds")]
    pub(crate) session_timeout: Timeout,
    /// Keep prepared statements on the server. Off for proxies that give a connection to several clients.
    #[serde(default = "server::yes")]
    pub(crate) statement_cache: bool,
}

fn port() -> u16 {
    3306
}

fn utf8mb4() -> String {
    "utf8mb4".to_owned()
}

fn collation() -> String {
    "utf8mb4_bin".to_owned()
}

fn utc() -> String {
    "+00:00".to_owned()
}

impl Config {
    /// Checks what the types alone can't.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] that names the key and what it takes.
    pub(crate) fn validate(&self) -> Result<()> {
        let is_one_of = |text: &str, known: &[&str]| known.contains(&text.to_ascii_lowercase().as_str());
        let files = TlsFiles {
            has_authorities: self.sslrootcert.is_some(),
            has_certificate: self.sslcert.is_some(),
            has_key: self.sslkey.is_some(),
        };
        let problem = if self.database.is_empty() {
            "'database' is empty; give the name of a database"
        } else if self.host.is_empty() && self.unix_socket.is_none() {
            "'host' is missing; give the server's name, or its socket in 'unix_socket'"
        } else if !is_one_of(&self.schema, &["", "all", "default"]) && self.schema != self.database {
            "'schema' must be empty or the name of 'database': there are no schemas inside a database"
        } else if !is_one_of(&self.charset, &["utf8mb4", "utf8", "utf-8"]) {
            "'charset' must be utf8mb4: texts are sent so, and the server converts them for its tables"
        } else if !is_one_of(&self.timezone, &["", "+00:00", "utc"]) {
            "'timezone' must be +00:00: in any other one some points in time have two names or none"
        } else if self.sets_time_zone() {
            "'options' and 'attributes' must not set time_zone: points in time are sent and read in +00:00"
        } else if let Some(problem) = server::tls_problem(self.sslmode, files) {
            problem
        } else if let Some(problem) = server::pool_problem(self.pool_size, self.queue) {
            problem
        } else {
            return timeout::more_than_zero(&[
                ("connect_timeout", self.connect_timeout),
                ("session_timeout", self.session_timeout),
            ]);
        };
        Err(Error::new(ErrorKind::InvalidRequest, problem))
    }

    fn sets_time_zone(&self) -> bool {
        let mut names = self.options.keys().chain(self.attributes.keys());
        names.any(|name| name.to_ascii_lowercase().ends_with("time_zone"))
    }

    /// The most connections.
    pub(crate) fn pool_size(&self) -> usize {
        server::pool_size(self.pool_size)
    }

    /// Whole seconds, as the server counts them.
    pub(crate) fn lock_seconds(&self) -> u64 {
        self.lock_timeout.0.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: serde_json::Value) -> std::result::Result<Config, String> {
        let config: Config = serde_json::from_value(value).map_err(|error| error.to_string())?;
        config.validate().map_err(|error| error.message)?;
        Ok(config)
    }

    #[test]
    fn host_and_database_are_enough() {
        let config = parse(json!({"host": "db", "database": "shop"})).ok().unwrap();
        assert_eq!((config.port, config.sslmode, config.strict), (3306, SslMode::Prefer, true));
        assert!(config.pool_size() >= 4);
    }

    #[test]
    fn locks_are_waited_for_in_whole_seconds() {
        for (timeout, seconds) in [("1ms", 1), ("1s", 1), ("1500ms", 2), ("0s", 1)] {
            let config = parse(json!({"host": "db", "database": "d", "lock_timeout": timeout})).ok().unwrap();
            assert_eq!(config.lock_seconds(), seconds, "{timeout}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let base = json!({"host": "db", "database": "shop"});
        for (key, value) in [
            ("database", json!("")),
            ("host", json!("")),
            ("schema", json!("public")),
            ("charset", json!("latin1")),
            ("timezone", json!("Europe/Berlin")),
            ("attributes", json!({"TIME_ZONE": "+05:00"})),
            ("sslcert", json!("a.pem")),
            ("sslrootcert", json!("ca.pem")),
            ("pool_size", json!(0)),
            ("queue", json!(100_001)),
            ("session_timeout", json!("0s")),
            ("connect_timeout", json!(0)),
            ("pool", json!(5)),
        ] {
            let mut config = base.clone();
            config[key] = value;
            let message = parse(config).err().unwrap_or_default();
            assert!(message.contains(key), "{key}: {message}");
        }
    }
}
