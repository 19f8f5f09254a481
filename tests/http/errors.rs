//! Errors: their form and status, what is never in them, and the headers of every answer.

use std::fs::OpenOptions;
use std::io::Write;

use rusqlite::Connection;
use serde_json::json;

use crate::client::{Answer, get, request};
use crate::gateway::Gateway;
use crate::shop::{READER, admin_token, read, reading, setup, shared};

#[test]
fn the_error_object_has_its_members_in_order_and_its_message_encoded() {
    read("shop/_table/a%22%3C%26%3E'").is(
        404,
        r#"{"error":{"code":404,"context":null,"message":"Table &quot;a&quot;&lt;&amp;&gt;'&quot; does not exist in the database.","status_code":404}}"#,
    );
}

#[test]
fn plain_errors_are_not_encoded() {
    let gateway = setup("[errors]\nplain = true").start();
    let answer = gateway.send(reading("shop/_table/a%22%3C%26%3E'"));
    answer.is(
        404,
        r#"{"error":{"code":404,"context":null,"message":"Table \"a\"<&>'\" does not exist in the database.","status_code":404}}"#,
    );
}

#[test]
fn a_body_that_is_not_json_is_refused_with_the_place() {
    let check = |body: &str, message: &str| {
        let request =
            request("POST", "/api/v2/shop/_table/orders").header("X-HTTP-Method", "GET").key(READER);
        request.body(body).send(shared().address).is_error(400, message);
    };
    check("{\"filter\":\n  id = 1}", "Invalid or malformed JSON at line 2, column 3.");
    check("{", "Invalid or malformed JSON at line 1, column 1.");
    check("id=1", "Invalid or malformed JSON at line 1, column 1.");
    check("{} {}", "Invalid or malformed JSON at line 1, column 4.");
    check("[1]", "The body must be a JSON object.");
    check("\"text\"", "The body must be a JSON object.");
}

#[test]
fn an_address_that_is_not_utf_8_is_refused() {
    let check = |path: &str, part: &str| {
        let message = format!("The {part} of the address is not percent-encoded UTF-8.");
        get(path).key(READER).send(shared().address).is_error(400, &message);
    };
    check("/api/v2/shop/_table/%ff", "path");
    check("/api/v2/shop/_table/orders?filter=name=%ff", "query string");
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let gateway = setup("[server]\nmax_body_size = \"1KiB\"").start();
    let body = |size: usize| json!({ "limit": 1, "fields": "id", "x": "x".repeat(size) }).to_string();
    let request = || request("POST", "/api/v2/shop/_table/orders").header("X-HTTP-Method", "GET").key(READER);
    let overhead = body(0).len();
    gateway.send(request().body(body(1024 - overhead))).is_ok(r#"{"resource":[{"id":1}]}"#);
    let message = "The body is larger than the 1024 bytes that this server accepts.";
    gateway.send(request().body(body(1025 - overhead))).is_error(413, message);
}

#[test]
fn an_answer_has_the_headers_of_the_interface() {
    for answer in [read("shop/_table/orders"), read("shop/_table/nope"), get("/").send(shared().address)] {
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-cache, private");
        assert_eq!(answer.header("vary"), "accept, accept-encoding");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        for name in ["server", "strict-transport-security", "access-control-allow-origin"] {
            assert_eq!(answer.header(name), "", "{name}");
        }
    }
    let refused = request("DELETE", "/api/v2/shop/_table/orders").key(READER).send(shared().address);
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, "Tablegate"));
}

#[test]
fn an_answer_with_a_session_is_kept_nowhere() {
    let session = get("/api/v2/system/admin/session").token(admin_token()).send(shared().address);
    assert_eq!((session.status, session.header("cache-control")), (200, "no-store"));
}

#[test]
fn every_answer_has_a_request_id() {
    let mut seen = std::collections::HashSet::new();
    for path in [
        "/",
        "/health",
        "/ready",
        "/api/v2",
        "/api/v2/shop/_table/orders",
        "/api/v2/%ff",
        "/api/v2/shop/_table/nope",
    ] {
        let answer = get(path).send(shared().address);
        let id = answer.header("x-request-id").to_owned();
        assert!(!id.is_empty() && seen.insert(id), "{path}");
    }
    let refused = request("BREW", "/api/v2/shop").send(shared().address);
    assert!(!refused.header("x-request-id").is_empty());
}

#[test]
fn the_callers_own_request_id_is_kept_when_it_is_harmless() {
    let id_for = |given: &str| {
        let answer = reading("shop").header("X-Request-Id", given).send(shared().address);
        answer.header("x-request-id").to_owned()
    };
    for harmless in ["abc-123", "a.b:c_d", &"x".repeat(64)] {
        assert_eq!(id_for(harmless), harmless);
    }
    for harmful in ["a b", "a\"b", "a=1", &"x".repeat(65), ""] {
        assert_ne!(id_for(harmful), harmful);
    }
    let failed = reading("shop/_table/nope").header("X-Request-Id", "mine").send(shared().address);
    assert_eq!(failed.header("x-request-id"), "mine");
    let health = get("/health").header("X-Request-Id", "mine").send(shared().address);
    assert_eq!(health.header("x-request-id"), "mine");
}

/// The answer is this error, and nothing of the database, of the statement or of the folder is in it.
#[track_caller]
pub(crate) fn is_safe(gateway: &Gateway, answer: &Answer, status: u16, message: &str) {
    let error = &answer.json()["error"];
    let told = error["message"].as_str().unwrap();
    // What may be tried again begins with the name of the service.
    let told =
        told.split_once("': ").filter(|_| told.starts_with("Service '")).map_or(told, |(_, told)| told);
    assert_eq!((answer.status, told), (status, message), "{}", answer.body);
    let folder = gateway.setup.path("");
    for hidden in ["SELECT", "select", "rusqlite", "SQLITE", ".sqlite", "malformed", folder.to_str().unwrap()]
    {
        assert!(!answer.body.contains(hidden), "{}", answer.body);
    }
}

#[test]
fn a_missing_database_is_unavailable_and_nothing_of_it_is_shown() {
    let setup = setup("");
    std::fs::remove_file(setup.path("shop.sqlite")).unwrap();
    let gateway = setup.start();
    let answer = gateway.send(reading("shop/_table/orders"));
    is_safe(&gateway, &answer, 503, "the database file does not exist");
    assert_eq!(gateway.send(reading("mem/_table/people?count_only=1")).body, "7", "others go on");
}

#[test]
fn a_damaged_database_is_unavailable_and_nothing_of_it_is_shown() {
    let gateway = setup("").start();
    gateway.send(reading("shop/_table/orders?count_only=1")).is_ok("5");
    let mut file = OpenOptions::new().write(true).open(gateway.setup.path("shop.sqlite")).unwrap();
    file.write_all(&[0x5a; 64 * 1024]).unwrap();
    drop(file);
    let answer = gateway.send(reading("shop/_table/orders"));
    is_safe(&gateway, &answer, 503, "the file is not a database");
    let log = gateway.log.find("a connector failed").unwrap();
    assert!(log.contains("Shop") && log.contains("not_a_database"), "{log}");
}

#[test]
fn a_table_that_is_dropped_meanwhile_is_not_found() {
    let gateway = setup("").start();
    gateway.send(reading("shop/_table/logs?count_only=1")).is_ok("2");
    let database = Connection::open(gateway.setup.path("shop.sqlite")).unwrap();
    database.execute_batch("DROP TABLE logs").unwrap();
    let answer = gateway.send(reading("shop/_table/logs"));
    is_safe(&gateway, &answer, 404, "the table does not exist");
    let message = "Table &quot;logs&quot; does not exist in the database.";
    gateway.send(reading("shop/_table/logs")).is_error(404, message);
}

#[test]
fn a_calculation_that_leaves_its_range_is_the_callers_error() {
    let request = reading("shop/_table/people").with("filter", "id > (serial * 9223372036854775807)");
    let answer = request.send(shared().address);
    is_safe(shared(), &answer, 400, "the result of a calculation is out of range");
}
