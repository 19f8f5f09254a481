//! The configuration of a service, in the form a person writes it, and what it means for the driver.

use std::collections::BTreeMap;
use std::path::PathBuf;

use connector_api::author::{Error, ErrorKind, Result};
use connector_common::timeout::{self, Timeout};
use mongodb::options::{ClientOptions, Tls};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::error;

/// Where the server is, and how it is used.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The connection string (`mongodb://…` or `mongodb+srv://…`). With it `host`, `port`, `username`, `password`, `options` and `tls` are
    /// not read. Default: none.
    #[serde(default)]
    pub(crate) dsn: Option<String>,
    /// The server's name or address.
    #[serde(default = "localhost")]
    pub(crate) host: String,
    /// Its port.
    #[serde(default = "standard_port")]
    pub(crate) port: u16,
    /// The database whose collections are served. Needed unless `dsn` names it. Default: none.
    #[serde(default)]
    pub(crate) database: Option<String>,
    /// The account. Default: none.
    #[serde(default)]
    pub(crate) username: Option<String>,
    /// Its password. Default: none.
    #[serde(default)]
    pub(crate) password: Option<String>,
    /// Use TLS. The server's certificate is always verified.
    #[serde(default = "yes")]
    pub(crate) tls: bool,
    /// More options of the connection string by their names there, such as `authSource` or `replicaSet`. Default: none.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, UriOption>,
    /// Files for TLS. Default: none.
    #[serde(default)]
    pub(crate) driver_options: DriverOptions,
    /// How long a connection may take, choosing a server included: milliseconds, or a text like `"500ms"`, `"5s"`, `"1m"`.
    #[serde(default = "five_seconds")]
    pub(crate) connect_timeout: Timeout,
    /// A transaction without a call for so long is undone: milliseconds, or a text like `"500ms"`, `"5s"`, `"1m"`.
    #[serde(default = "thirty_seconds")]
    pub(crate) session_timeout: Timeout,
    /// Documents that are read to guess the columns of a collection without a validator.
    #[serde(default = "hundred")]
    pub(crate) sample_size: u32,
    /// The most documents that one call may bring here because the server can't test a filter or build the groups itself.
    #[serde(default = "hundred_thousand")]
    pub(crate) max_scanned: u64,
}

/// The value of an option.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum UriOption {
    /// A number.
    Number(i64),
    /// True or false.
    Flag(bool),
    /// A text.
    Text(String),
}

/// Files for TLS.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DriverOptions {
    /// Certificates that are trusted, as PEM. Default: the roots that browsers trust.
    #[serde(default)]
    pub(crate) ca_file: Option<PathBuf>,
    /// The client's certificate and key, as PEM. Default: none.
    #[serde(default)]
    pub(crate) pem_file: Option<PathBuf>,
}

fn localhost() -> String {
    "localhost".to_owned()
}

fn standard_port() -> u16 {
    27017
}

fn yes() -> bool {
    true
}

fn five_seconds() -> Timeout {
    Timeout::seconds(5)
}

fn thirty_seconds() -> Timeout {
    Timeout::seconds(30)
}

fn hundred() -> u32 {
    100
}

fn hundred_thousand() -> u64 {
    100_000
}

impl Config {
    /// What the driver is opened with. Reads DNS records for `mongodb+srv`.
    ///
    /// # Errors
    /// Limits of 0; a connection string that is none; records that can't be found.
    pub(crate) async fn client_options(&self) -> Result<ClientOptions> {
        timeout::more_than_zero(&[
            ("connect_timeout", self.connect_timeout),
            ("session_timeout", self.session_timeout),
        ])?;
        let dsn = self.dsn.clone().unwrap_or_else(|| self.uri());
        let mut options = ClientOptions::parse(dsn).await.map_err(|error| wrong_options(&error))?;
        options.app_name.get_or_insert_with(|| "tablegate".to_owned());
        options.connect_timeout = Some(self.connect_timeout.0);
        options.server_selection_timeout = Some(self.connect_timeout.0);
        self.add_files(&mut options)?;
        Ok(options)
    }

    /// The database that is served.
    ///
    /// # Errors
    /// None is named.
    pub(crate) fn database(&self, options: &ClientOptions) -> Result<String> {
        let named = self.database.clone().or_else(|| options.default_database.clone());
        named.filter(|name| !name.is_empty()).ok_or_else(|| {
            error::invalid("the configuration names no database; set 'database' or add it to 'dsn'")
        })
    }

    /// The same as a connection string: the driver then reads all options in one way. It holds the password and is shown nowhere.
    fn uri(&self) -> String {
        let host = if self.host.contains(':') && !self.host.starts_with('[') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let password =
            self.password.as_deref().map(|password| format!(":{}", encoded(password))).unwrap_or_default();
        let account =
            self.username.as_deref().map(|name| format!("{}{password}@", encoded(name))).unwrap_or_default();
        let mut uri = format!("mongodb://{account}{host}:{}/?tls={}", self.port, self.tls);
        for (name, value) in &self.options {
            let value = match value {
                UriOption::Number(number) => number.to_string(),
                UriOption::Flag(flag) => flag.to_string(),
                UriOption::Text(text) => encoded(text),
            };
            uri.push_str(&format!("&{}={value}", encoded(name)));
        }
        uri
    }

    fn add_files(&self, options: &mut ClientOptions) -> Result<()> {
        let DriverOptions { ca_file, pem_file } = &self.driver_options;
        if ca_file.is_none() && pem_file.is_none() {
            return Ok(());
        }
        let Some(Tls::Enabled(tls)) = &mut options.tls else {
            return Err(error::invalid("'driver_options' names files for TLS, and TLS is off"));
        };
        if ca_file.is_some() {
            tls.ca_file_path.clone_from(ca_file);
        }
        if pem_file.is_some() {
            tls.cert_key_file_path.clone_from(pem_file);
        }
        Ok(())
    }
}

/// The driver names the option, and may name its value.
fn wrong_options(error: &mongodb::error::Error) -> Error {
    match &*error.kind {
        mongodb::error::ErrorKind::DnsResolve { .. } => {
            Error::new(ErrorKind::Unavailable, "the records of the server's name can't be read")
                .with_detail(error)
        }
        _ => error::invalid("the connection string or the options of the service are not valid"),
    }
}
