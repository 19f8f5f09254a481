//! The gateway behind TLS of its own: who is let in, what others are told, which certificate is shown after a reload.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream as Bare;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::client::{Answer, LIMIT, RUNTIME, get};
use crate::gateway::{Gateway, Setup, eventually};
use crate::postgres_tls::{certificates, openssl};
use crate::process::{REFUSED, RELOADED, reload};
use crate::shop::{self, READER, reading};
use crate::streaming;

const PAIR: &str = "certificate = \"server.crt\"\nkey = \"server.key\"\n";
const ORDERS: &str = "shop/_table/orders?count_only=1";

/// The services of the shop behind TLS, with certificates for `localhost`.
fn setup(tls: &str, server: &str) -> Setup {
    let setup = shop::setup(&format!("[server]\n{server}\n[server.tls]\n{tls}"));
    certificates(&setup.path(""));
    setup
}

/// What a client believes and brings.
struct Client {
    authority: &'static str,
    own: Option<&'static str>,
    versions: &'static [&'static SupportedProtocolVersion],
    host: &'static str,
}

const OLDER: &[&SupportedProtocolVersion] = &[&TLS12];
const NEWER: &[&SupportedProtocolVersion] = &[&TLS13];
const CLIENT: Client = Client { authority: "ca", own: None, versions: NEWER, host: "localhost" };

impl Client {
    fn config(&self, folder: &Path) -> ClientConfig {
        let file = |name: &str, kind: &str| folder.join(format!("{name}.{kind}"));
        let certificate = |name: &str| CertificateDer::from_pem_file(file(name, "crt")).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate(self.authority)).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_protocol_versions(self.versions).unwrap().with_root_certificates(roots);
        let mut config = match self.own {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let key = PrivateKeyDer::from_pem_file(file(name, "key")).unwrap();
                builder.with_client_auth_cert(vec![certificate(name)], key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }

    fn connect(&self, gateway: &Gateway) -> io::Result<TlsStream<TcpStream>> {
        let connector = TlsConnector::from(Arc::new(self.config(&gateway.setup.path(""))));
        let host = ServerName::try_from(self.host).unwrap();
        RUNTIME.block_on(async { connector.connect(host, TcpStream::connect(gateway.address).await?).await })
    }

    /// A count of rows over a connection of its own.
    #[track_caller]
    fn asks(&self, gateway: &Gateway) -> Answer {
        reading(ORDERS).send_over(self.connect(gateway).unwrap(), "localhost")
    }
}

/// All that comes until the connection ends.
fn last_bytes(stream: &mut Bare) -> Vec<u8> {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn requests_are_answered_over_both_versions() {
    let gateway = setup(PAIR, "").start();
    assert!(gateway.output.text().contains(&format!("https://{}", gateway.address)));
    for versions in [OLDER, NEWER] {
        let stream = Client { versions, ..CLIENT }.connect(&gateway).unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let answer = reading(ORDERS).send_over(stream, "localhost");
        answer.is_ok("5");
        assert_eq!(answer.header("strict-transport-security"), "");
    }
}

#[test]
fn a_whole_table_comes_through() {
    let gateway = setup(PAIR, "").start();
    let path = "shop/_table/numbers?order=n&limit=10";
    let answer = reading(path).send_over(CLIENT.connect(&gateway).unwrap(), "localhost");
    assert_eq!((answer.status, answer.json()["resource"].as_array().unwrap().len()), (200, 10));
}

#[test]
fn browsers_are_told_to_stay_with_tls_where_that_is_configured_and_to_forget_it() {
    for (age, told) in [("2h", "max-age=7200"), ("0s", "max-age=0")] {
        let gateway = setup(&format!("{PAIR}hsts_max_age = {age:?}\n"), "").start();
        for request in [reading(ORDERS), get("/health"), get("/api/v2/shop")] {
            let answer = request.send_over(CLIENT.connect(&gateway).unwrap(), "localhost");
            assert_eq!(answer.header("strict-transport-security"), told, "{answer:?}");
        }
    }
}

#[test]
fn a_client_that_believes_another_name_or_authority_goes_away() {
    let gateway = setup(PAIR, "\n[logging]\nlevel = \"debug\"\n").start();
    for (client, fault) in [
        (Client { host: "gateway.example", ..CLIENT }, "not valid for name"),
        (Client { authority: "other", ..CLIENT }, "UnknownIssuer"),
    ] {
        let error = client.connect(&gateway).map(drop).unwrap_err().to_string();
        assert!(error.contains(fault), "{error}");
    }
    let told = gateway.log.find("a TLS handshake failed").unwrap();
    assert!(told.contains("DEBUG") && told.contains("127.0.0.1"), "{told}");
    CLIENT.asks(&gateway).is_ok("5");
}

/// A greeting of TLS 1.1: a suite of its time (ECDHE with AES-128 and SHA-1), no compression, signatures of P-256.
fn old_greeting() -> Vec<u8> {
    let random = [7; 32];
    let rest = [0, 0, 2, 0xc0, 0x13, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3];
    [&[0x16, 3, 1, 0, 55, 1, 0, 0, 51, 3, 2], &random[..], &rest[..]].concat()
}

#[test]
fn old_versions_are_refused() {
    let gateway = setup(PAIR, "").start();
    let mut stream = Bare::connect(gateway.address).unwrap();
    stream.write_all(&old_greeting()).unwrap();
    let answer = last_bytes(&mut stream);
    // An alert, fatal, of the version.
    assert_eq!((answer.first(), answer.get(5..)), (Some(&0x15), Some(&[2, 70][..])), "{answer:?}");
}

#[test]
fn plain_http_is_told_what_is_spoken() {
    let gateway = setup(PAIR, "").start();
    for path in ["/api/v2/shop/_table/orders", "/health"] {
        let message =
            "This port speaks TLS only; use https://. Whatever was sent in this request was not encrypted.";
        gateway.send(get(path)).is_error(400, message);
    }
    let mut stream = Bare::connect(gateway.address).unwrap();
    stream.write_all(b"this is no request\r\n\r\n").unwrap();
    assert!(String::from_utf8(last_bytes(&mut stream)).unwrap().starts_with("HTTP/1.1 400 "));
}

#[test]
fn bytes_inside_of_tls_that_are_no_http_are_answered_as_without() {
    let gateway = setup(PAIR, "").start();
    let mut stream = CLIENT.connect(&gateway).unwrap();
    let answer = RUNTIME.block_on(async {
        stream.write_all(b"this is no request\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("This is no request of HTTP/1.1."),
        "{answer}"
    );
}

#[test]
fn only_clients_with_a_certificate_are_let_in_where_it_is_asked_for() {
    let gateway = setup(&format!("{PAIR}client_ca = \"ca.crt\"\n"), "").start();
    Client { own: Some("client"), ..CLIENT }.asks(&gateway).is_ok("5");
    for own in [None, Some("other")] {
        // With TLS 1.2 the handshake itself fails; with 1.3 a client learns it at its first read.
        let client = Client { own, versions: OLDER, ..CLIENT };
        assert!(client.connect(&gateway).is_err(), "{own:?}");
    }
}

/// Has the other authority make a certificate for this key.
fn certify(folder: &Path, name: &str) {
    openssl(folder, &format!("req -new -key {name}.key -out {name}.csr -subj /CN=localhost"));
    let signed = "-CA other.crt -CAkey other.key -CAcreateserial -extfile server.ext -days 2";
    openssl(folder, &format!("x509 -req -in {name}.csr -out {name}.crt {signed}"));
}

/// Puts the files of another pair in place of the first.
fn replace(folder: &Path, certificate: &str, key: &str) {
    std::fs::copy(folder.join(certificate), folder.join("server.crt")).unwrap();
    std::fs::copy(folder.join(key), folder.join("server.key")).unwrap();
}

#[test]
fn a_reload_shows_the_new_certificate_and_keeps_open_connections() {
    let gateway = setup(PAIR, "header_timeout = \"10m\"").start();
    let folder = gateway.setup.path("");
    let mut open = CLIENT.connect(&gateway).unwrap();
    // A wrong pair: the old one stays in force.
    std::fs::copy(folder.join("server.key"), folder.join("first.key")).unwrap();
    std::fs::copy(folder.join("other.key"), folder.join("server.key")).unwrap();
    reload(&gateway, REFUSED);
    gateway.log.find("`server.key` is not the key of `server.crt`").unwrap();
    CLIENT.asks(&gateway).is_ok("5");

    openssl(&folder, "ecparam -name secp384r1 -genkey -noout -out new.key");
    certify(&folder, "new");
    replace(&folder, "new.crt", "new.key");
    reload(&gateway, RELOADED);
    Client { authority: "other", ..CLIENT }.asks(&gateway).is_ok("5");
    assert!(CLIENT.connect(&gateway).is_err(), "the old certificate is shown");
    // What was open before goes on.
    RUNTIME.block_on(async { open.flush().await }).unwrap();
    reading(ORDERS).send_over(open, "localhost").is_ok("5");
}

#[test]
fn a_reload_turns_tls_on_and_off() {
    let gateway = shop::setup("").start();
    let folder = gateway.setup.path("");
    certificates(&folder);
    let plain = std::fs::read_to_string(folder.join("gateway.toml")).unwrap();
    gateway.setup.write("gateway.toml", &format!("{plain}\n[server.tls]\n{PAIR}"));
    reload(&gateway, RELOADED);
    CLIENT.asks(&gateway).is_ok("5");
    gateway.send(reading(ORDERS)).is_error(
        400,
        "This port speaks TLS only; use https://. Whatever was sent in this request was not encrypted.",
    );
    gateway.setup.write("gateway.toml", &plain);
    reload(&gateway, RELOADED);
    gateway.send(reading(ORDERS)).is_ok("5");
}

#[test]
fn keys_of_every_usual_form_are_read() {
    let gateway = setup(PAIR, "").start();
    let folder = gateway.setup.path("");
    openssl(&folder, "ec -in server.key -out sec1.key");
    openssl(&folder, "genrsa -traditional -out pkcs1.key 2048");
    certify(&folder, "pkcs1");
    let check = |certificate: &str, key: &str, form: &str, authority: &'static str| {
        assert!(
            std::fs::read_to_string(folder.join(key))
                .unwrap()
                .starts_with(&format!("-----BEGIN {form}-----"))
        );
        replace(&folder, certificate, key);
        reload(&gateway, RELOADED);
        Client { authority, ..CLIENT }.asks(&gateway).is_ok("5");
    };
    std::fs::copy(folder.join("server.crt"), folder.join("first.crt")).unwrap();
    check("first.crt", "sec1.key", "EC PRIVATE KEY", "ca");
    check("pkcs1.crt", "pkcs1.key", "RSA PRIVATE KEY", "other");
}

#[test]
fn what_is_wrong_with_the_files_is_said_in_words() {
    let setup = setup(PAIR, "");
    let folder = setup.path("");
    let own = std::fs::read(folder.join("server.key")).unwrap();
    let told = || String::from_utf8(setup.run(&["check"]).stderr).unwrap();
    openssl(&folder, "pkey -in server.key -aes256 -passout pass:x -out locked.key");
    let check = |key: Option<&str>, expected: &str| {
        match key {
            Some(key) => drop(std::fs::copy(folder.join(key), folder.join("server.key")).unwrap()),
            None => std::fs::remove_file(folder.join("server.key")).unwrap(),
        }
        let told = told();
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("BEGIN"), "{told}");
    };
    check(
        Some("other.key"),
        "`key` in [server.tls]: `server.key` is not the key of `server.crt`; name the key",
    );
    check(
        Some("server.crt"),
        "`key` in [server.tls]: `server.key` does not hold it in PEM form; a key with a password",
    );
    check(
        Some("locked.key"),
        "`key` in [server.tls]: `server.key` does not hold it in PEM form; a key with a password",
    );
    check(None, "`key` in [server.tls]: `server.key` can't be read: no such file; check the path");
    std::fs::write(folder.join("server.key"), &own).unwrap();
    let mode = |mode| {
        std::fs::set_permissions(
            folder.join("server.key"),
            std::os::unix::fs::PermissionsExt::from_mode(mode),
        )
        .unwrap()
    };
    mode(0o644);
    let open = told();
    assert!(
        open.contains("`server.key` can be read by every user of this machine; `chmod o-r server.key`"),
        "{open}"
    );
    mode(0o640);
    assert_eq!(told(), "");
    replace(&folder, "expired.crt", "expired.key");
    mode(0o600);
    eventually("the certificate has expired", || {
        told().contains("`certificate` in [server.tls]: `server.crt` expired 0 day(s) ago; clients refuse it")
    });
    // A restart must not make it worse.
    let gateway = setup.start();
    assert!(CLIENT.connect(&gateway).map(drop).unwrap_err().to_string().contains("expired"));
    gateway.log.find("`server.crt` expired").unwrap();
}

#[test]
fn every_file_that_is_wrong_is_named_with_the_line_of_its_key() {
    let setup = setup("certificate = \"a.crt\"\nkey = \"b.key\"\nclient_ca = \"c.crt\"\n", "");
    setup.write("c.crt", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    let told = String::from_utf8(setup.run(&["check"]).stderr).unwrap();
    let config = std::fs::read_to_string(setup.path("gateway.toml")).unwrap();
    let line = config.lines().position(|line| line.starts_with("certificate")).unwrap() + 1;
    for (line, what) in [
        (line, "`certificate` in [server.tls]: `a.crt` can't be read: no such file; check"),
        (line + 1, "`key` in [server.tls]: `b.key` can't be read: no such file; check"),
        (line + 2, "`client_ca` in [server.tls]: `c.crt` holds what is no certificate of an authority; put"),
    ] {
        assert!(told.contains(&format!("gateway.toml:{line}: {what}")), "{line} {what}: {told}");
    }
    assert!(told.contains("3 problems in the configuration"), "{told}");
}

#[test]
fn a_certificate_of_version_1_is_told_with_what_to_do() {
    let setup = setup(PAIR, "");
    let folder = setup.path("");
    openssl(&folder, "x509 -req -in server.csr -out server.crt -CA ca.crt -CAkey ca.key -CAcreateserial");
    let told = || String::from_utf8(setup.run(&["check"]).stderr).unwrap();
    let old = told();
    let what = "`certificate` in [server.tls]: `server.crt` holds a certificate of X.509 version 1, which TLS has no use for; make one of \
                version 3";
    assert!(old.contains(what) && old.contains("`subjectAltName=DNS:HOST`"), "{old}");
    setup.write("server.crt", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    let none = told();
    assert!(none.contains("`server.crt` holds what is no certificate; put the gateway's own"), "{none}");
}

#[test]
fn a_key_in_place_of_its_path_is_not_shown() {
    let written = "-----BEGIN PRIVATE KEY-----hunter2";
    let setup = setup(&format!("certificate = \"server.crt\"\nkey = \"{written}\"\n"), "");
    let told = String::from_utf8(setup.run(&["check"]).stderr).unwrap();
    assert!(told.contains("`key` in [server.tls]: `**********` can't be read"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn a_certificate_that_ends_soon_is_told_in_the_log() {
    let gateway = setup(PAIR, "").start();
    let told = gateway.log.find("the certificate of server.tls expires soon").unwrap();
    assert!(told.contains("WARN") && (told.contains("days=1") || told.contains("days=2")), "{told}");
}

#[test]
fn who_does_not_shake_hands_has_a_place_and_loses_it() {
    let gateway = setup(PAIR, "max_connections_per_address = 1\nheader_timeout = \"3s\"").start();
    let mut silent = Bare::connect(gateway.address).unwrap();
    let mut second = Bare::connect(gateway.address).unwrap();
    assert_eq!(last_bytes(&mut second), b"", "there is no room, and no handshake to say so");
    assert_eq!(last_bytes(&mut silent), b"");
    eventually("there is room", || CLIENT.connect(&gateway).is_ok());
}

#[test]
fn who_does_not_shake_hands_does_not_hold_up_the_end() {
    let gateway = setup(PAIR, "header_timeout = \"1h\"\nshutdown_timeout = \"1h\"").start();
    let mut silent = Bare::connect(gateway.address).unwrap();
    silent.write_all(&[0x16]).unwrap();
    CLIENT.asks(&gateway).is_ok("5");
    gateway.signal("TERM");
    assert!(gateway.wait().success());
}

#[test]
fn a_reader_that_stops_is_given_up_under_tls_too() {
    let limits = "[server]\nrequest_timeout = \"10m\"\nmax_request_time = \"1s\"\n";
    let setup = streaming::setup(&format!("{limits}[server.tls]\n{PAIR}"));
    certificates(&setup.path(""));
    let gateway = setup.start();
    let mut stopped = CLIENT.connect(&gateway).unwrap();
    let asked = format!(
        "GET /api/v2/big/_table/endless HTTP/1.1\r\nHost: x\r\nX-DreamFactory-API-Key: {READER}\r\n\r\n"
    );
    RUNTIME.block_on(async {
        stopped.write_all(asked.as_bytes()).await.unwrap();
        stopped.read_u8().await.unwrap();
    });
    // Whether the socket or the body notices it first depends on how fast the machine fills the buffers between.
    eventually("the only thread of the service is free again", || {
        let request = reading("big/_table/large?limit=1&fields=n");
        request.send_over(CLIENT.connect(&gateway).unwrap(), "localhost").status == 200
    });
}
