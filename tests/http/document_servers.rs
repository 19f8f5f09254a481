//! Servers of documents as administrators run them: with accounts, with TLS, without a replica set.

use conformance::peer::{CALL_TIME, Peer, context};
use conformance::prepare::Prepared;
use connector_api::ErrorKind;
use serde_json::{Value as Json, json};
use tests::fixture::Fixture;
use tests::libraries::library;

use crate::client::RUNTIME;
use crate::documents::{STORE, ask, ask_with, fixture, gateway, guessed, service_config};

fn start(fixture: &Fixture, options: &[&str]) -> Prepared {
    fixture.start_with(options, fixture.versions.first().unwrap(), &[guessed()]).unwrap()
}

/// Opens a service, asks whether its store is there, and for its tables, since a ping needs no account. Why not, if not.
fn ping(fixture: &Fixture, config: &Json) -> Result<(), (ErrorKind, String)> {
    RUNTIME.block_on(async {
        let known = (fixture.facts.clone(), fixture.quirks.clone(), Vec::new());
        let peer = Peer::open(&library(STORE).unwrap(), config.clone(), known, 2).await.unwrap();
        let mut answer = peer.service.ping(context(CALL_TIME)).await;
        if answer.is_ok() {
            answer = peer.service.list_tables(context(CALL_TIME)).await.map(drop);
        }
        peer.service.close().await;
        answer.map_err(|error| (error.kind, error.reason.unwrap_or_default().into()))
    })
}

fn with(config: &Json, more: &Json) -> Json {
    let mut config = config.clone();
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

#[test]
fn an_account_is_taken_with_its_password_and_refused_with_another() {
    let fixture = fixture();
    let store = start(&fixture, &["--auth"]);
    let refused = || Err((ErrorKind::AuthFailed, "auth_failed".to_owned()));
    for (change, expected) in [
        (json!({}), Ok(())),
        (json!({ "password": "another" }), refused()),
        (json!({ "username": "nobody" }), refused()),
        (
            json!({ "username": null, "password": null }),
            Err((ErrorKind::PermissionDenied, "permission_denied".to_owned())),
        ),
    ] {
        let found = ping(&fixture, &with(&store.config, &change));
        assert_eq!(found, expected, "{change}");
    }
}

#[test]
fn a_server_is_trusted_by_its_certificate_and_its_name() {
    let fixture = fixture();
    let file = |name: &str| fixture.file(&format!("tls/{name}")).to_str().unwrap().to_owned();
    let store = start(&fixture, &["--tls", &file("server.pem"), &file("server-key.pem")]);
    let config = |more: Json| with(&with(&store.config, &json!({ "connect_timeout": "2s" })), &more);
    let trusting = |authority: &str| json!({ "tls": true, "driver_options": { "ca_file": file(authority) } });
    let refused = || Err((ErrorKind::Unavailable, "tls_failed".to_owned()));
    for (more, expected) in [
        (trusting("ca.pem"), Ok(())),
        (trusting("other-ca.pem"), refused()),
        // The roots that browsers trust did not sign it.
        (json!({ "tls": true }), refused()),
        (with(&trusting("ca.pem"), &json!({ "host": "localhost" })), refused()),
    ] {
        assert_eq!(ping(&fixture, &config(more.clone())), expected, "{more}");
    }
    let plain = ping(&fixture, &config(json!({ "tls": false }))).unwrap_err();
    assert_eq!(plain.0, ErrorKind::Unavailable);
}

#[test]
fn without_a_replica_set_what_needs_a_transaction_is_refused_before_the_first_write() {
    let fixture = fixture();
    let store = start(&fixture, &["--standalone"]);
    let gateway = gateway(&[("doc", &service_config(&store))]);
    let send = |method: &str, path: &str, body: Json| gateway.send(ask_with(method, path, &body));
    let made =
        send("POST", "guessed", json!({ "resource": [{ "_id": "a", "n": 1, "inner": { "at": 1.5 } }] }));
    assert_eq!(made.status, 200, "{}", made.body);
    let many = json!({ "resource": [{ "_id": "b" }, { "_id": "c" }] });
    for (method, path, body) in [
        ("POST", "guessed?rollback=true", many.clone()),
        ("PATCH", "guessed?filter=n%3D1", json!({ "resource": [{ "n": 2 }] })),
        ("PATCH", "guessed/a", json!({ "n": { "expression": { "type": "string", "value": "n + 1" } } })),
        ("DELETE", "guessed?filter=n%3D1", Json::Null),
    ] {
        let answer = send(method, path, body);
        assert_eq!(answer.status, 501, "{method} {path}: {}", answer.body);
    }
    let conditional = ask("PATCH", "guessed/a").header("If-Match", "\"x\"").body(json!({ "n": 2 }));
    assert_eq!(gateway.send(conditional).status, 501);
    // One row by its key needs none.
    assert_eq!(send("PATCH", "guessed/a", json!({ "n": 2, "inner": { "at": 2 } })).status, 200);
    let rows =
        send("GET", "guessed?filter=_id%20in%20(a,b,c)&fields=n", Json::Null).json()["resource"].clone();
    assert_eq!(rows, json!([{ "n": 2 }]));
}
