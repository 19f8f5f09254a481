//! The configuration of a service.

use std::collections::BTreeMap;
use std::path::PathBuf;

use connector_api::{Error, ErrorKind, Result};
use connector_common::server::{self, TlsFiles};
pub(crate) use connector_common::server::{Setting, SslMode};
use connector_common::timeout::{self, Timeout};
use schemars::JsonSchema;
use serde::Deserialize;

/// Configuration of a service of type `pgsql` or `alloydb`. It holds a password, so it is never printed.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The server's name or address. Required unless `unix_socket` is given.
    #[serde(default)]
    pub(crate) host: String,
    /// The server's port.
    #[serde(default = "port")]
    pub(crate) port: u16,
    /// The folder of the server's unix socket, such as `/run/postgresql`; used instead of `host`.
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
    /// Which tables are served. Empty or `all`: those of every schema but the system's, without a prefix where the schema is the
    /// connection's default. `default`: those of the default schema. Anything else: those of that schema.
    #[serde(default)]
    pub(crate) schema: String,
    /// The encoding of texts between gateway and server: `utf8`, whatever the database itself has.
    #[serde(default = "utf8")]
    pub(crate) charset: String,
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
    /// The time zone of each connection, such as `Europe/Berlin`; without it the account's or the server's.
    #[serde(default)]
    pub(crate) timezone: Option<String>,
    /// The name that the server shows for the connections.
    #[serde(default = "application_name")]
    pub(crate) application_name: String,
    /// Settings of the server for each connection, by name: `{"work_mem": "64MB"}`.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, Setting>,
    /// The same as `options`, set after them.
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, Setting>,
    /// SQL that is run once on each new connection, behind `options`: `SET search_path TO "$user", public, postgis`.
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
    /// How long a statement may take until its first row or its end, then it is cancelled on the server; as `acquire_timeout` is written.
    /// `0`: as long as the request may take.
    #[serde(default = "server::no_limit")]
    pub(crate) statement_timeout: Timeout,
    /// How long a transaction may be idle between two calls before it is undone; as `acquire_timeout` is written.
    #[serde(default = "server::five_seconds")]
    pub(crate) session_timeout: Timeout,
    /// Keep prepared statements on the server. Off for poolers that hand out another connection for each transaction and do not know
    /// prepared statements (PgBouncer before 1.21).
    #[serde(default = "server::yes")]
    pub(crate) statement_cache: bool,
    /// Ask the server to end statements that nobody waits for. Off for poolers that do not stand it (PgBouncer 1.18 ends itself): then the
    /// connection is closed, and the statement ends when the server notices.
    #[serde(default = "server::yes")]
    pub(crate) cancel: bool,
}

fn port() -> u16 {
    5432
}

fn utf8() -> String {
    "utf8".to_owned()
}

fn application_name() -> String {
    "tablegate".to_owned()
}

impl Config {
    /// Checks what the types alone can't.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] that names the key and what it takes.
    pub(crate) fn validate(&self) -> Result<()> {
        let is_utf8 = ["utf8", "utf-8", "unicode"].contains(&self.charset.to_ascii_lowercase().as_str());
        let files = TlsFiles {
            has_authorities: self.sslrootcert.is_some(),
            has_certificate: self.sslcert.is_some(),
            has_key: self.sslkey.is_some(),
        };
        let problem = if self.database.is_empty() {
            "'database' is empty; give the name of a database"
        } else if self.host.is_empty() && self.unix_socket.is_none() {
            "'host' is missing; give the server's name, or the folder of its socket in 'unix_socket'"
        } else if !is_utf8 {
            "'charset' must be utf8: texts are sent so, and the server converts them for its database"
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

    /// The most connections.
    pub(crate) fn pool_size(&self) -> usize {
        server::pool_size(self.pool_size)
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
        assert_eq!((config.port, config.sslmode, config.statement_cache), (5432, SslMode::Prefer, true));
        assert!(config.pool_size() >= 4);
    }

    #[test]
    fn settings_are_told_as_the_server_reads_them() {
        let config =
            parse(json!({"host": "db", "database": "d", "options": {"a": true, "b": 5, "c": "x", "d": 0.5}}));
        let texts: Vec<_> = config.ok().unwrap().options.values().map(Setting::text).collect();
        assert_eq!(texts, ["on", "5", "x", "0.5"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let base = json!({"host": "db", "database": "shop"});
        for (key, value) in [
            ("database", json!("")),
            ("host", json!("")),
            ("port", json!(70_000)),
            ("charset", json!("latin1")),
            ("sslmode", json!("sometimes")),
            ("sslcert", json!("a.pem")),
            ("sslrootcert", json!("ca.pem")),
            ("pool_size", json!(0)),
            ("queue", json!(100_001)),
            ("session_timeout", json!("0s")),
            ("connect_timeout", json!(0)),
            ("acquire_timeout", json!("soon")),
            ("pool", json!(5)),
        ] {
            let mut config = base.clone();
            config[key] = value;
            let message = parse(config).err().unwrap_or_default();
            // Where numbers are held as text, which is so when the whole workspace is tested at once, serde says less.
            let words = ["verify", "u16", "invalid number", "untagged", "milliseconds"];
            let is_told = message.contains(key) || words.iter().any(|word| message.contains(word));
            assert!(is_told, "{key}: {message}");
        }
    }
}
