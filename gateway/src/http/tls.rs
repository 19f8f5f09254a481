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
use tokio_rustls::rustls::server::{ParsedCertificate, ServerConfig, WebPkiClientVerifier};
use tokio_rustls::rustls::{CertificateError, Error, InconsistentKeys, RootCertStore, version};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use crate::events;
use crate::settings::{self, MASK, PRIVATE_KEY, Problem, Settings};

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
    /// Reads certificate and key; `None` where the configuration has none.
    ///
    /// # Errors
    /// Every file that can't be read or does not hold what it should, and a key that is not that of the certificate.
    pub fn load(settings: &Settings) -> Result<Option<Self>, Vec<Problem>> {
        let Some(tls) = &settings.server.tls else { return Ok(None) };
        let files = Files { settings, tls };
        let provider = Arc::new(ring::default_provider());
        let (chain, key, verifier) = files.read(&provider)?;
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(|error| vec![files.problem("certificate", &tls.certificate, &error.to_string())])?;
        let builder = builder.with_client_cert_verifier(verifier);
        let mut config = builder.with_single_cert(chain, key).map_err(|error| vec![files.unfit(&error)])?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let hsts = tls.hsts_max_age.map(|age| format!("max-age={}", age.seconds()));
        let hsts = hsts.and_then(|value| HeaderValue::try_from(value).ok());
        Ok(Some(Self { config: Arc::new(config), hsts }))
    }

    /// Everything that is wrong with certificate and key: first that with which the gateway serves all the same.
    #[must_use]
    pub fn problems(settings: &Settings) -> (Vec<Problem>, Vec<Problem>) {
        let worries = || settings.server.tls.as_ref().map(|tls| Files { settings, tls }.worries());
        match Self::load(settings) {
            Ok(_) => (worries().unwrap_or_default(), Vec::new()),
            Err(problems) => (Vec::new(), problems),
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

/// What kept a file from being read. The library's words may have lines of the file in them.
fn words(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => format!("can't be read: {}", settings::reason(error)),
        pem::Error::NoItemsFound => "does not hold it in PEM form".to_owned(),
        _ => "is no whole PEM file".to_owned(),
    }
}

/// What the files hold: the certificate with those above it, its key, and who judges the certificates of clients.
type Held = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>, Arc<dyn ClientCertVerifier>);

/// The files of a configuration, and what can be said about them.
struct Files<'a> {
    settings: &'a Settings,
    tls: &'a settings::Tls,
}

impl Files<'_> {
    fn read(&self, provider: &Arc<CryptoProvider>) -> Result<Held, Vec<Problem>> {
        match (self.chain(), self.private_key(), self.client_verifier(provider)) {
            (Ok(chain), Ok(key), Ok(verifier)) => Ok((chain, key, verifier)),
            (chain, key, verifier) => {
                Err([chain.err(), key.err(), verifier.err()].into_iter().flatten().collect())
            }
        }
    }

    fn problem(&self, key: &str, path: &Path, what: &str) -> Problem {
        let path = path.display().to_string();
        // Who writes a key in place of its path must not find it in the log.
        let path = if path.contains(PRIVATE_KEY) { MASK } else { &path };
        let message = format!("`{key}` in [server.tls]: `{path}` {what}");
        self.settings.problem(&format!("/server/tls/{key}"), message)
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Problem> {
        let path = &self.tls.certificate;
        let chain = self.certificates("certificate", path)?;
        match chain.first().filter(|own| ParsedCertificate::try_from(*own).is_err()) {
            None => Ok(chain),
            Some(own) if is_of_version_1(own) => {
                let what = "holds a certificate of X.509 version 1, which TLS has no use for";
                let remedy = "make one of version 3: `openssl x509 -req` does with `-extfile FILE`, where the file says \
                              `subjectAltName=DNS:HOST`";
                Err(self.problem("certificate", path, what).remedy(remedy.to_owned()))
            }
            Some(_) => Err(self.no_certificate()),
        }
    }

    fn no_certificate(&self) -> Problem {
        let remedy =
            "put the gateway's own certificate there first, and behind it those that lead to its authority";
        self.problem("certificate", &self.tls.certificate, "holds what is no certificate")
            .remedy(remedy.to_owned())
    }

    fn certificates(&self, key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Problem> {
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
        match read {
            Ok(certificates) if Vec::is_empty(&certificates) => Err(pem::Error::NoItemsFound),
            read => read,
        }
        .map_err(|error| {
            self.problem(key, path, &words(&error))
                .remedy("check the path, its permissions and what it holds".to_owned())
        })
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, Problem> {
        PrivateKeyDer::from_pem_file(&self.tls.key).map_err(|error| {
            let is_empty = matches!(error, pem::Error::NoItemsFound);
            let remedy = if is_empty {
                "a key with a password can be used after `openssl pkey -in OLD -out NEW`"
            } else {
                "check the path and its permissions: the gateway's user must be able to read it, and nobody else"
            };
            self.problem("key", &self.tls.key, &words(&error)).remedy(remedy.to_owned())
        })
    }

    fn client_verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, Problem> {
        let Some(path) = &self.tls.client_ca else { return Ok(WebPkiClientVerifier::no_client_auth()) };
        let mut roots = RootCertStore::empty();
        for authority in self.certificates("client_ca", path)? {
            roots.add(authority).map_err(|_| {
                self.problem("client_ca", path, "holds what is no certificate of an authority")
                    .remedy("put the certificates of authorities there as PEM, and nothing else".to_owned())
            })?;
        }
        let provider = Arc::clone(provider);
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        verifier.map_err(|error| self.problem("client_ca", path, &format!("can't be used: {error}")))
    }

    /// Why a pair of files is none.
    fn unfit(&self, error: &Error) -> Problem {
        match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                let what = format!("is not the key of `{}`", self.tls.certificate.display());
                let remedy = "name the key for which the certificate was made; in a file with several certificates, its own comes first";
                self.problem("key", &self.tls.key, &what).remedy(remedy.to_owned())
            }
            Error::InvalidCertificate(_) => self.no_certificate(),
            _ => self
                .problem("key", &self.tls.key, "is no key that TLS can use")
                .remedy("make one of P-256, P-384, Ed25519 or RSA with 2048 bits or more".to_owned()),
        }
    }

    /// What clients or others on this machine may suffer from.
    fn worries(&self) -> Vec<Problem> {
        let mut worries = Vec::new();
        let key = &self.tls.key;
        if std::fs::metadata(key).is_ok_and(|found| found.permissions().mode() & 0o004 != 0) {
            let remedy = format!("`chmod o-r {}`", key.display());
            worries
                .push(self.problem("key", key, "can be read by every user of this machine").remedy(remedy));
        }
        let chain = self.certificates("certificate", &self.tls.certificate).unwrap_or_default();
        if let Some(own) = chain.first() {
            worries.extend(self.out_of_time(own, UnixTime::now()));
        }
        worries
    }

    /// A certificate whose time is over or has not come. That its time is nearly over is for the log.
    fn out_of_time(&self, own: &CertificateDer<'_>, now: UnixTime) -> Option<Problem> {
        let path = &self.tls.certificate;
        match time_fault(own, now) {
            Some(CertificateError::ExpiredContext { not_after, .. }) => {
                let days = now.as_secs().saturating_sub(not_after.as_secs()) / DAY;
                let remedy = "clients refuse it: put a new one there and reload with `kill -HUP`";
                let what = format!("expired {days} day(s) ago");
                Some(self.problem("certificate", path, &what).remedy(remedy.to_owned()))
            }
            Some(CertificateError::NotValidYetContext { .. }) => {
                let remedy = "clients refuse it: check the clock of this machine";
                Some(self.problem("certificate", path, "is not valid yet").remedy(remedy.to_owned()))
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
}

/// Whether it is a certificate as they were before version 3: good for an authority, whose name and key are all that counts, and for nobody
/// else.
fn is_of_version_1(certificate: &CertificateDer<'_>) -> bool {
    let is_authority = RootCertStore::empty().add(certificate.clone().into_owned()).is_ok();
    is_authority && ParsedCertificate::try_from(certificate).is_err()
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
