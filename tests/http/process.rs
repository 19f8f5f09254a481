//! The process: health, readiness, reload, and how it ends.

use std::net::TcpStream;

use serde_json::json;

use crate::client::{Answer, get, request};
use crate::gateway::{Gateway, eventually};
use crate::shop::{log_in, reading, setup, shared};
use crate::streaming;

/// A service of rows in memory, of which the first has this number.
fn service(name: &str, number: u8) -> String {
    format!(
        r#"
[[services]]
name = "{name}"
type = "memory"

[services.config.tables.t]
columns = [{{ name = "id", type = "integer" }}]
primary_key = ["id"]
rows = [{{ id = {number} }}]
"#
    )
}

pub(crate) fn reload(gateway: &Gateway, outcome: &str) -> String {
    let before = gateway.log.count();
    gateway.signal("HUP");
    gateway.log.find_after(before, outcome).unwrap()
}

pub(crate) const RELOADED: &str = "the configuration was loaded again";
pub(crate) const REFUSED: &str = "the new configuration is not used, the old one stays in force";

fn first_row(gateway: &Gateway, service: &str) -> Answer {
    gateway.send(reading(&format!("{service}/_table/t")))
}

#[test]
fn the_process_is_up_and_ready() {
    get("/health").send(shared().address).is_ok(r#"{"status":"up"}"#);
    get("/ready").send(shared().address).is_ok(r#"{"status":"ready"}"#);
    for path in ["/health", "/ready"] {
        let message = "The method POST is not supported at this address; use GET.";
        request("POST", path).send(shared().address).is_error(405, message);
        request("HEAD", path).send(shared().address).is_ok("");
    }
}

#[test]
fn readiness_names_the_services_that_do_not_answer() {
    let setup = setup("");
    let (database, elsewhere) = (setup.path("shop.sqlite"), setup.path("elsewhere"));
    std::fs::rename(&database, &elsewhere).unwrap();
    let gateway = setup.start();
    gateway.send(get("/ready")).is_error(503, "Not ready: Shop.");
    get("/health").send(gateway.address).is_ok(r#"{"status":"up"}"#);
    std::fs::rename(&elsewhere, &database).unwrap();
    eventually("the service is ready", || gateway.send(get("/ready")).body == r#"{"status":"ready"}"#);
    gateway.send(reading("shop/_table/orders?count_only=1")).is_ok("5");
    std::fs::write(&database, [0x5a; 4096]).unwrap();
    eventually("the service is not ready", || gateway.send(get("/ready")).status == 503);
    gateway.send(get("/ready")).is_error(503, "Not ready: Shop.");
}

#[test]
fn a_service_whose_connections_are_all_in_use_is_ready() {
    let gateway = streaming::setup("[server]\nrequest_timeout = \"10m\"").start();
    let mut slow = reading("big/_table/endless").open(gateway.address);
    assert!(slow.piece().is_some());
    gateway.send(get("/ready")).is_ok(r#"{"status":"ready"}"#);
    assert_eq!(gateway.send(reading("big/_table/large?limit=1&fields=n")).status, 503);
    assert!(slow.piece().is_some());
}

#[test]
fn a_deleted_database_is_not_ready() {
    let gateway = setup("").start();
    gateway.send(get("/ready")).is_ok(r#"{"status":"ready"}"#);
    std::fs::remove_file(gateway.setup.path("shop.sqlite")).unwrap();
    eventually("the service is not ready", || gateway.send(get("/ready")).status == 503);
    gateway.send(get("/ready")).is_error(503, "Not ready: Shop.");
}

#[test]
fn a_reload_takes_over_the_new_configuration() {
    let setup = setup("");
    setup.write("services.d/one.toml", &service("one", 1));
    let gateway = setup.start();
    let token = log_in(&gateway);
    let one = r#"{"resource":[{"id":1}]}"#;
    first_row(&gateway, "one").is_ok(one);
    gateway.send(get("/api/v2/two/_table/t").token(&token)).is_error(404, "Could not find a service for two");

    gateway.setup.write("services.d/two.toml", &service("two", 2));
    reload(&gateway, RELOADED);
    first_row(&gateway, "one").is_ok(one);
    first_row(&gateway, "two").is_ok(r#"{"resource":[{"id":2}]}"#);

    // Rows, roles, keys and services that are no longer there.
    std::fs::remove_file(gateway.setup.path("services.d/one.toml")).unwrap();
    gateway.setup.write("services.d/two.toml", &service("two", 3));
    reload(&gateway, RELOADED);
    first_row(&gateway, "two").is_ok(r#"{"resource":[{"id":3}]}"#);
    gateway.send(get("/api/v2/one").token(&token)).is_error(404, "Could not find a service for one");
}

#[test]
fn a_reload_changes_keys_limits_and_the_log() {
    let gateway = setup("").start();
    let config = std::fs::read_to_string(gateway.setup.path("gateway.toml")).unwrap();
    let numbers = |key: &str| gateway.send(get("/api/v2/shop/_table/numbers?fields=n").key(key));
    assert!(numbers("key-of-readers").body.ends_with(r#","meta":{"count":25,"next":10}}"#));
    assert!(!gateway.log.text().contains("statement"));
    let changed = config.replace("key-of-readers", "new-key").replace("max_records = 10", "max_records = 24");
    gateway.setup.write("gateway.toml", &format!("{changed}\n[logging]\nquery_log = true\n"));
    reload(&gateway, RELOADED);
    assert_eq!(numbers("key-of-readers").status, 401);
    assert!(numbers("new-key").body.ends_with(r#","meta":{"count":25,"next":24}}"#));
    gateway.log.find("statement").unwrap();
}

#[test]
fn a_reload_names_the_changed_settings_that_need_a_restart() {
    let gateway = setup("").start();
    let config = std::fs::read_to_string(gateway.setup.path("gateway.toml")).unwrap();
    reload(&gateway, RELOADED);
    assert!(!gateway.log.text().contains("only a restart"));
    let changed = format!("{config}\n[server]\nworkers = 3\n[logging]\nformat = \"json\"\n");
    gateway.setup.write("gateway.toml", &changed);
    let warning = reload(&gateway, "only a restart");
    assert!(warning.contains("into force: server.workers, logging.format"), "{warning}");
}

#[test]
fn a_configuration_with_mistakes_leaves_the_old_one_in_force() {
    let setup = setup("");
    setup.write("services.d/one.toml", &service("one", 1));
    let gateway = setup.start();
    gateway
        .setup
        .write("services.d/one.toml", &service("one", 2).replace("type = \"memory\"", "typ = \"memory\""));
    reload(&gateway, REFUSED);
    let mistake = gateway.log.find("one.toml:4").unwrap();
    assert!(mistake.contains("did you mean `type`?"), "{mistake}");
    first_row(&gateway, "one").is_ok(r#"{"resource":[{"id":1}]}"#);

    gateway.setup.write("services.d/one.toml", "services = ");
    reload(&gateway, REFUSED);
    first_row(&gateway, "one").is_ok(r#"{"resource":[{"id":1}]}"#);

    let misspelt = service("one", 2).replace("type = \"memory\"", "type = \"memery\"");
    gateway.setup.write("services.d/one.toml", &misspelt);
    reload(&gateway, REFUSED);
    first_row(&gateway, "one").is_ok(r#"{"resource":[{"id":1}]}"#);

    gateway.setup.write("services.d/one.toml", &service("one", 3));
    reload(&gateway, RELOADED);
    first_row(&gateway, "one").is_ok(r#"{"resource":[{"id":3}]}"#);
}

#[test]
fn a_service_without_its_connector_does_not_hold_up_the_others() {
    let gateway = setup("[[services]]\nname = \"far\"\ntype = \"faraway\"\n").start();
    let answer = gateway.send(reading("far/_table"));
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.json()["error"]["context"], json!({ "kind": "no_connector" }));
    let log = gateway.log.find("no connector offers the type `faraway`").unwrap();
    assert!(log.contains("gateway.toml:"), "{log}");
    gateway.send(reading("mem/_table/people?count_only=1")).is_ok("7");
}

#[test]
fn asked_to_stop_it_lets_a_running_answer_end() {
    let gateway = streaming::setup("").start();
    let mut download = reading("big/_table/large").open(gateway.address);
    let mut size = download.piece().unwrap().len();
    gateway.signal("TERM");
    gateway.log.find("stopping").unwrap();
    eventually("no connection is taken any more", || TcpStream::connect(gateway.address).is_err());
    let mut end = Vec::new();
    while let Some(piece) = download.piece() {
        size += piece.len();
        end = piece.to_vec();
    }
    assert_eq!(size, streaming::LARGE_SIZE);
    assert!(end.ends_with(b"]}"), "{}", String::from_utf8_lossy(&end));
    assert_eq!(gateway.wait().code(), Some(0));
    assert!(!gateway.log.text().contains("still running"));
}

#[test]
fn an_answer_that_does_not_end_is_cut_off_in_the_end() {
    let gateway = streaming::setup("[server]\nshutdown_timeout = \"100ms\"").start();
    let mut download = reading("big/_table/endless").open(gateway.address);
    assert!(download.piece().is_some());
    gateway.signal("TERM");
    assert_eq!(gateway.wait().code(), Some(0));
    gateway.log.find("requests were still running").unwrap();
}

#[test]
fn an_idle_gateway_stops_at_once() {
    for name in ["INT", "TERM"] {
        let gateway = setup("").start();
        gateway.signal(name);
        assert_eq!(gateway.wait().code(), Some(0), "{name}");
    }
}
