//! TLS: which authorities count, what of the server is verified, the client's own certificate.

use std::path::Path;
use std::sync::Arc;

use connector_api::{Error, ErrorKind, Result};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::{Config, SslMode};

/// How connections are encrypted.
pub(super) struct Tls(MakeRustlsConnect);

impl Tls {
    /// What the configuration asks for; `None`: connections are not encrypted.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for files that can't be read or hold something else.
    pub(super) fn of(config: &Config) -> Result<Option<Self>> {
        if config.sslmode == SslMode::Disable || config.unix_socket.is_some() {
            return Ok(None);
        }
        // Each library has its own choice of a provider; it is named here, so that no other one counts.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = verifier(config, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::internal("TLS can't be set up").with_detail(error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let client = match (&config.sslcert, &config.sslkey) {
            (Some(certificates), Some(key)) => builder
                .with_client_auth_cert(read_certificates("sslcert", certificates)?, read_key(key)?)
                .map_err(|error| {
                    invalid("sslkey", "does not belong to the certificate").with_detail(error)
                })?,
            _ => builder.with_no_client_auth(),
        };
        Ok(Some(Self(MakeRustlsConnect::new(client))))
    }

    /// For one connection.
    pub(super) fn connect(&self) -> MakeRustlsConnect {
        self.0.clone()
    }
}

fn verifier(config: &Config, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    if matches!(config.sslmode, SslMode::Prefer | SslMode::Require) {
        return Ok(Arc::new(Verifier { inner: None, provider: Arc::clone(provider) }));
    }
    let mut roots = RootCertStore::empty();
    match &config.sslrootcert {
        Some(path) => {
            for certificate in read_certificates("sslrootcert", path)? {
                roots.add(certificate).map_err(|error| {
                    invalid("sslrootcert", "holds a certificate that is no authority's").with_detail(error)
                })?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| invalid("sslrootcert", "holds no authority's certificate").with_detail(error))?;
    if config.sslmode == SslMode::VerifyFull {
        return Ok(inner);
    }
    Ok(Arc::new(Verifier { inner: Some(inner), provider: Arc::clone(provider) }))
}

/// Verifies less than everything.
#[derive(Debug)]
struct Verifier {
    /// Who signed the certificate and until when it is valid, whatever the server's name; `None`: neither.
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        // The name is looked at last, when all else was found right.
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn read_certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| invalid(key, "is no readable PEM file").with_detail(error))?;
    if certificates.is_empty() {
        return Err(invalid(key, "holds no certificate"));
    }
    Ok(certificates)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| invalid("sslkey", "is no PEM file with a private key").with_detail(error))
}

fn invalid(key: &str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("the file of '{key}' {what}"))
}
