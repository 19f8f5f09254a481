//! Connections to PostgreSQL over TLS: what of the server is verified, and the client's own certificate instead of a password.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conformance::prepare::Prepared;

use crate::client::get;
use crate::gateway::{Gateway, Setup, eventually};
use crate::postgres::{fixture, sql};
use crate::shop::READER;

/// Runs OpenSSL's program in a folder.
pub(crate) fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An authority, and certificates that it signed: for the server `localhost`, the same but expired, and for the client `certified`.
pub(crate) fn certificates(folder: &Path) {
    const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    std::fs::write(folder.join("server.ext"), "subjectAltName=DNS:localhost").unwrap();
    std::fs::write(folder.join("client.ext"), "extendedKeyUsage=clientAuth").unwrap();
    for name in ["ca", "other"] {
        openssl(
            folder,
            &format!("req -x509 {KEY} -keyout {name}.key -out {name}.crt -days 2 -subj /CN={name}"),
        );
    }
    for (name, subject, extensions, days) in [
        ("server", "localhost", "server", 2),
        ("expired", "localhost", "server", 0),
        ("client", "certified", "client", 2),
    ] {
        openssl(folder, &format!("req -new {KEY} -keyout {name}.key -out {name}.csr -subj /CN={subject}"));
        let signed =
            format!("-CA ca.crt -CAkey ca.key -CAcreateserial -extfile {extensions}.ext -days {days}");
        openssl(folder, &format!("x509 -req -in {name}.csr -out {name}.crt {signed}"));
    }
}

/// Makes certificates in a folder, and gives the server one for `localhost` that `ca.crt` has signed.
pub(crate) fn encrypt(store: &Prepared, folder: &Path) {
    certificates(folder);
    serve(store, folder, "server");
}

/// Gives the server a certificate. It writes the files itself, because they have to be its own.
fn serve(store: &Prepared, folder: &Path, name: &str) {
    let file = |from: &str, to: &str| {
        let text = STANDARD.encode(std::fs::read(folder.join(from)).unwrap());
        format!("COPY (SELECT '{text}') TO PROGRAM 'umask 077; base64 -d > {to}';\n")
    };
    let access = STANDARD.encode("hostssl all certified all cert\nhost all all all scram-sha-256\n");
    let script = [
        file(&format!("{name}.crt"), "server.crt"),
        file(&format!("{name}.key"), "server.key"),
        file("ca.crt", "ca.crt"),
        format!("COPY (SELECT '{access}') TO PROGRAM 'base64 -d > pg_hba.conf';\n"),
        "ALTER SYSTEM SET ssl_ca_file = 'ca.crt';\nALTER SYSTEM SET ssl = on;\nSELECT pg_reload_conf();\n"
            .to_owned(),
    ];
    sql(store, &script.concat());
    eventually("the server speaks TLS", || sql(store, "SHOW ssl") == "on");
}

const ROLE: &str = r#"
[[roles]]
name = "everything"

[[roles.access]]
service = "*"
component = "*"
verbs = ["GET"]

[[apps]]
name = "everything"
role = "everything"
api_key = "key-of-readers"
"#;

fn service(store: &Prepared, name: &str, host: &str, more: &str) -> String {
    format!(
        "[[services]]\nname = \"{name}\"\ntype = \"pgsql\"\n\n[services.config]\nhost = \"{host}\"\nport = {}\n\
         database = \"suite\"\n{more}\n\n",
        store.config["port"]
    )
}

const ACCOUNT: &str = "username = \"gateway\"\npassword = \"${env:STORE_PASSWORD}\"\n";

/// A gateway with a service for each of these: name, host, keys of TLS.
fn gateway(store: &Prepared, services: &[(&str, &str, &str)], connector: &str) -> Gateway {
    let one = |(name, host, more): &(&str, &str, &str)| {
        let account = if more.contains("username") { "" } else { ACCOUNT };
        service(store, name, host, &format!("{account}{more}"))
    };
    let config: String = services.iter().map(one).chain([ROLE.to_owned()]).collect();
    let setup = Setup::new(&config)
        .connector(connector)
        .variable("STORE_PASSWORD", store.config["password"].as_str().unwrap());
    encrypt(store, &setup.path(""));
    setup.start()
}

#[track_caller]
fn answers(gateway: &Gateway, service: &str, expected: u16) {
    let answer = gateway.send(get(&format!("/api/v2/{service}/_table/encrypted")).key(READER));
    assert_eq!(answer.status, expected, "{service}: {}", answer.body);
    if expected == 200 {
        assert_eq!(answer.body, r#"{"resource":[{"id":1,"is_encrypted":true}]}"#, "{service}");
    }
}

#[test]
fn the_server_is_verified_as_far_as_the_mode_says() {
    let fixture = fixture();
    let store = fixture.start("15", &[]).unwrap();
    sql(&store, "CREATE ROLE certified LOGIN;
        CREATE VIEW encrypted AS SELECT 1 AS id, ssl AS is_encrypted FROM pg_stat_ssl WHERE pid = pg_backend_pid();
        GRANT SELECT ON encrypted TO certified");
    let ca = "sslrootcert = \"ca.crt\"";
    let services = [
        ("prefer", "127.0.0.1", "sslmode = \"prefer\"".to_owned()),
        ("require", "127.0.0.1", "sslmode = \"require\"".to_owned()),
        ("authority", "127.0.0.1", format!("sslmode = \"verify-ca\"\n{ca}")),
        ("full", "localhost", format!("sslmode = \"verify-full\"\n{ca}")),
        ("wrong_host", "127.0.0.1", format!("sslmode = \"verify-full\"\n{ca}")),
        ("other_authority", "localhost", "sslmode = \"verify-ca\"\nsslrootcert = \"other.crt\"".to_owned()),
        (
            "certified",
            "localhost",
            format!(
                "username = \"certified\"\nsslmode = \"verify-full\"\n{ca}\nsslcert = \"client.crt\"\nsslkey = \"client.key\""
            ),
        ),
        ("uncertified", "localhost", format!("username = \"certified\"\nsslmode = \"verify-full\"\n{ca}")),
    ];
    let services: Vec<_> = services.iter().map(|(name, host, more)| (*name, *host, more.as_str())).collect();
    let gateway = gateway(&store, &services, &fixture.connector);
    for service in ["prefer", "require", "authority", "full", "certified"] {
        answers(&gateway, service, 200);
    }
    for (service, status) in [("wrong_host", 503), ("other_authority", 503), ("uncertified", 502)] {
        answers(&gateway, service, status);
    }
    serve(&store, &gateway.setup.path(""), "expired");
    eventually("the expired certificate is refused", || {
        // The server may not have read the new one yet.
        sql(
            &store,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tablegate'",
        );
        gateway.send(get("/api/v2/full/_table/encrypted").key(READER)).status == 503
    });
    answers(&gateway, "require", 200);
}
