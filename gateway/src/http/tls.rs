//! TLS: from files to what a handshake needs, or to what is wrong with them; and the handshake. Knows no HTTP but the name under which
//! clients ask for it.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier as _;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{ServerConfig, WebPkiClientVerifier};
use tokio_rustls::rustls::{CertificateError, Error, InconsistentKeys, RootCertStore, version};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use crate::events;
use crate::settings::{self, Problem};

/// The bytes of a connection, in the clear or inside of TLS.
pub(super) type Wire = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// How a TLS connection begins.
const HANDSHAKE: u8 = 0x16;
/// So many days before a certificate ends the log says so.
const SOON_DAYS: u64 = 14;
const DAY: u64 = 24 * 60 * 60;

/// What is offered to clients that speak TLS, and only to those.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    /// The value of `Strict-Transport-Security`.
    pub(super) hsts: Option<HeaderValue>,
}

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// Files that can't be read or do not hold what they should, and a key that is not that of the certificate.
    pub fn load(settings: &settings::Tls) -> Result<Self, Problem> {
        let chain = certificates("certificate", &settings.certificate)?;
        let key = private_key(&settings.key)?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(|error| problem("certificate", &settings.certificate, &error.to_string()))?;
        let builder = match &settings.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => builder.with_client_cert_verifier(client_verifier(path, provider)?),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| unfit(settings, &error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let hsts = settings.hsts_max_age.map(|age| format!("max-age={}", age.seconds()));
        Ok(Self { config: Arc::new(config), hsts: hsts.and_then(|value| HeaderValue::try_from(value).ok()) })
    }

    /// Everything that is wrong with certificate and key: first that with which the gateway serves all the same.
    #[must_use]
    pub fn problems(settings: &settings::Tls) -> (Vec<Problem>, Vec<Problem>) {
        match Self::load(settings) {
            Ok(_) => (worries(settings), Vec::new()),
            Err(problem) => (Vec::new(), vec![problem]),
        }
    }

    /// Shakes hands with a client. One that speaks something else is left as it is.
    pub(super) async fn open(&self, stream: TcpStream) -> io::Result<Wire> {
        let mut first = [HANDSHAKE];
        stream.peek(&mut first).await?;
        if first != [HANDSHAKE] {
            return Ok(Wire::Left(stream));
        }
        let stream = TlsAcceptor::from(Arc::clone(&self.config)).accept(stream).await?;
        Ok(Wire::Right(Box::new(stream)))
    }
}

/// The connection below.
pub(super) fn bare(wire: &Wire) -> &TcpStream {
    match wire {
        Wire::Left(stream) => stream,
        Wire::Right(stream) => stream.get_ref().0,
    }
}

fn problem(key: &str, path: &Path, what: &str) -> Problem {
    Problem::new(None, format!("`{key}` in [server.tls]: `{}` {what}", path.display()))
}

/// What kept a file from being read. The library's words may have lines of the file in them.
fn words(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => format!("can't be read: {}", error.kind()),
        pem::Error::NoItemsFound => "does not hold it in PEM form".to_owned(),
        _ => "is no whole PEM file".to_owned(),
    }
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match read {
        Ok(certificates) if Vec::is_empty(&certificates) => Err(pem::Error::NoItemsFound),
        read => read,
    }
    .map_err(|error| {
        problem(key, path, &words(&error))
            .remedy("check the path, its permissions and what it holds".to_owned())
    })
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Problem> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| {
        let is_empty = matches!(error, pem::Error::NoItemsFound);
        let remedy = if is_empty {
            "a key with a password can be used after `openssl pkey -in OLD -out NEW`"
        } else {
            "check the path and its permissions: the gateway's user must be able to read it, and nobody else"
        };
        problem("key", path, &words(&error)).remedy(remedy.to_owned())
    })
}

fn client_verifier(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Problem> {
    let mut roots = RootCertStore::empty();
    for authority in certificates("client_ca", path)? {
        roots
            .add(authority)
            .map_err(|_| problem("client_ca", path, "holds what is no certificate of an authority"))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|error| problem("client_ca", path, &format!("can't be used: {error}")))
}

/// Why a pair of files is none.
fn unfit(settings: &settings::Tls, error: &Error) -> Problem {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            let what = format!("is not the key of `{}`", settings.certificate.display());
            let remedy = "name the key for which the certificate was made; in a file with several certificates, its own comes first";
            problem("key", &settings.key, &what).remedy(remedy.to_owned())
        }
        Error::InvalidCertificate(_) => {
            problem("certificate", &settings.certificate, "holds what is no certificate")
        }
        _ => problem("key", &settings.key, "is no key that TLS can use")
            .remedy("make one of P-256, P-384, Ed25519 or RSA with 2048 bits or more".to_owned()),
    }
}

/// What clients or others on this machine may suffer from.
fn worries(settings: &settings::Tls) -> Vec<Problem> {
    let mut worries = Vec::new();
    if std::fs::metadata(&settings.key).is_ok_and(|found| found.permissions().mode() & 0o004 != 0) {
        let remedy = format!("`chmod o-r {}`", settings.key.display());
        worries
            .push(problem("key", &settings.key, "can be read by every user of this machine").remedy(remedy));
    }
    let chain = certificates("certificate", &settings.certificate).unwrap_or_default();
    if let Some(own) = chain.first() {
        worries.extend(out_of_time(settings, own, UnixTime::now()));
    }
    worries
}

/// A certificate whose time is over or has not come. That its time is nearly over is for the log.
fn out_of_time(settings: &settings::Tls, own: &CertificateDer<'_>, now: UnixTime) -> Option<Problem> {
    let path = &settings.certificate;
    match time_fault(own, now) {
        Some(CertificateError::ExpiredContext { not_after, .. }) => {
            let days = now.as_secs().saturating_sub(not_after.as_secs()) / DAY;
            let remedy = "clients refuse it: put a new one there and reload with `kill -HUP`";
            Some(
                problem("certificate", path, &format!("expired {days} day(s) ago")).remedy(remedy.to_owned()),
            )
        }
        Some(CertificateError::NotValidYetContext { .. }) => {
            let remedy = "clients refuse it: check the clock of this machine";
            Some(problem("certificate", path, "is not valid yet").remedy(remedy.to_owned()))
        }
        _ => {
            let soon = UnixTime::since_unix_epoch(Duration::from_secs(
                now.as_secs().saturating_add(SOON_DAYS * DAY),
            ));
            if let Some(CertificateError::ExpiredContext { not_after, .. }) = time_fault(own, soon) {
                events::certificate_ends(not_after.as_secs().saturating_sub(now.as_secs()) / DAY);
            }
            None
        }
    }
}

/// What is wrong with a certificate at a time. The verifier of clients looks at the time before all else, so it does not matter here that it
/// would find fault with the rest.
fn time_fault(own: &CertificateDer<'_>, at: UnixTime) -> Option<CertificateError> {
    let mut roots = RootCertStore::empty();
    roots.add(own.clone().into_owned()).ok()?;
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
    let anyone = ServerName::try_from("localhost").ok()?;
    match verifier.verify_server_cert(own, &[], &anyone, &[], at) {
        Err(Error::InvalidCertificate(fault)) => Some(fault),
        _ => None,
    }
}
