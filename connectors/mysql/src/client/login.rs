//! How the server is reached: address, account, TLS.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use connector_api::{Error, ErrorKind, Result};
use mysql_async::prelude::Queryable as _;
use mysql_async::{ClientIdentity, Conn, DriverError, IoError, Opts, OptsBuilder, SslOpts};
use rustls::CertificateError;

use crate::config::{Config, SslMode};
use crate::error::from_driver;

/// Statements that a connection keeps prepared.
const PREPARED: usize = 256;

/// How the server is reached, also to end what runs there.
pub(super) struct Login {
    opts: Opts,
    /// The same without TLS, where that is allowed.
    plain: Option<Opts>,
    /// A name that the server's certificate has, where no other one is asked for.
    certified: Mutex<Option<String>>,
    mode: SslMode,
}

impl Login {
    pub(super) fn new(config: &Config) -> Result<Self> {
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
        Ok(Self { opts, plain, certified: Mutex::default(), mode: config.sslmode })
    }

    pub(super) async fn connect(&self) -> Result<Conn> {
        let connected = match (Conn::new(self.certified_opts()).await, &self.plain) {
            (Err(mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer)), Some(plain)) => {
                Conn::new(plain.clone()).await
            }
            (Err(error), _) if self.learns_name(&error) => Conn::new(self.certified_opts()).await,
            (connected, _) => connected,
        };
        connected.map_err(|error| from_driver(&error))
    }

    fn certified_opts(&self) -> Opts {
        match (lock(&self.certified).clone(), self.opts.ssl_opts()) {
            (Some(name), Some(tls)) => {
                let tls = tls.clone().with_danger_tls_hostname_override(Some(name));
                OptsBuilder::from_opts(self.opts.clone()).ssl_opts(tls).into()
            }
            _ => self.opts.clone(),
        }
    }

    /// Whether nothing but the name was wrong, and any name will do. The driver can be told to verify all but the name, and then does not
    /// know what its TLS library says of names (mysql_async 0.37.1, rustls 0.23.46): so it is told a name that the certificate has.
    fn learns_name(&self, error: &mysql_async::Error) -> bool {
        let name = certified_name(error).filter(|_| self.mode == SslMode::VerifyCa);
        let is_learned = name.is_some();
        if is_learned {
            *lock(&self.certified) = name;
        }
        is_learned
    }

    /// Ends a connection on the server, unless it is another server by now: one that was started again counts from the beginning, and what
    /// has the number there is somebody else's.
    pub(super) async fn end(&self, number: u32) -> Result<()> {
        let mut conn = self.connect().await?;
        if conn.id() < number {
            return conn.disconnect().await.map_err(|error| from_driver(&error));
        }
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

// A std mutex: nothing awaits while it is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name that the certificate has which was refused for its names alone.
fn certified_name(error: &mysql_async::Error) -> Option<String> {
    let mysql_async::Error::Io(IoError::Io(error)) = error else { return None };
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) => {
            presented.iter().find_map(|name| bare(name))
        }
        _ => None,
    }
}

/// `DnsName("*.example.com")` to `any.example.com`.
fn bare(name: &str) -> Option<String> {
    let dns = name.strip_prefix("DnsName(\"").and_then(|name| name.strip_suffix("\")"));
    let address = || name.strip_prefix("IpAddress(").and_then(|name| name.strip_suffix(')'));
    dns.or_else(address).map(|name| name.replacen('*', "any", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_certificates_are_read() {
        for (name, expected) in [
            ("DnsName(\"db.example.com\")", Some("db.example.com")),
            ("DnsName(\"*.example.com\")", Some("any.example.com")),
            ("IpAddress(127.0.0.1)", Some("127.0.0.1")),
            ("DirectoryName", None),
        ] {
            assert_eq!(bare(name).as_deref(), expected);
        }
    }
}
