//! What the gateway writes into its log, and what it never does.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value as Json, json};

use crate::client::{Answer, Request, get, request};
use crate::gateway::{ADMIN, Gateway, eventually};
use crate::shop::{READER, log_in, reading, setup};

/// What stands in requests and must stand nowhere else.
const NEEDLE: &str = "needle-7f3a";

/// The JSON lines of a gateway's log that have this message.
pub(crate) fn lines(gateway: &Gateway, message: &str) -> Vec<Json> {
    let log = gateway.log.text();
    let all = log
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    all.filter(|line| line["message"] == message).collect()
}

/// Sends a request and waits until all of its lines are in: the statements that it was logged with, and its answer.
#[track_caller]
pub(crate) fn statements_of(gateway: &Gateway, request: Request) -> (Vec<Json>, Answer) {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let id = format!("asked-{}-", ASKED.fetch_add(1, Ordering::Relaxed));
    let answer = gateway.send(request.header("X-Request-Id", &id));
    let is_of_it = |line: &Json| line["request_id"] == id.as_str();
    eventually("the answer is logged", || lines(gateway, "answered").iter().any(is_of_it));
    (lines(gateway, "statement").into_iter().filter(is_of_it).collect(), answer)
}

#[test]
fn a_statement_is_logged_with_placeholders_time_and_rows() {
    let gateway = setup("[logging]\nquery_log = true\nformat = \"json\"").start();
    let filtered = reading("shop/_table/customers?fields=id,name&order=id").header("X-Request-Id", "mine");
    gateway
        .send(filtered.with("filter", format!("country = US or name = {NEEDLE}")))
        .is_ok(r#"{"resource":[{"id":2,"name":"Bob"},{"id":3,"name":"Cy"}]}"#);
    gateway.log.find("answered").unwrap();
    let logged = lines(&gateway, "statement");
    let [line] = logged.as_slice() else { panic!("{logged:?}") };
    assert_eq!(
        (&line["service"], &line["request_id"], &line["rows"]),
        (&json!("Shop"), &json!("mine"), &json!(2))
    );
    assert_eq!(line["target"], "tablegate::query");
    assert!(line["milliseconds"].as_f64().unwrap() >= 0.0);
    let statement = line["statement"].as_str().unwrap();
    assert!(
        statement.starts_with("SELECT \"id\", \"name\" FROM \"customers\" WHERE") && statement.contains('?'),
        "{statement}"
    );
    assert!(!gateway.log.text().contains(NEEDLE), "{}", gateway.log.text());
}

#[test]
fn every_way_to_read_logs_its_statement_without_values() {
    let gateway = setup("[logging]\nquery_log = true\nformat = \"json\"").start();
    let check = |query: &str, rows: &[u64]| {
        let (logged, _) = statements_of(&gateway, reading(&format!("shop/_table/customers{query}")));
        let logged: Vec<u64> = logged.iter().map(|line| line["rows"].as_u64().unwrap()).collect();
        assert_eq!(logged, rows, "{query}");
    };
    check("", &[4]);
    check("?limit=2", &[2]);
    check("?count_only=true", &[1]);
    check("?limit=1&include_count=true", &[1, 1]);
    check("/2", &[1]);
    check("?ids=1,2", &[2]);
    check(&format!("?id_field=name&ids=Ada,{NEEDLE}"), &[1, 0]);
    check(&format!("?filter=name%20contains%20{NEEDLE}"), &[0]);
    let mem = gateway.log.count();
    gateway.send(reading("mem/_table/people?fields=id"));
    let line: Json = serde_json::from_str(&gateway.log.find_after(mem, "statement").unwrap()).unwrap();
    assert_eq!(
        (&line["service"], &line["statement"], &line["rows"]),
        (&json!("mem"), &json!("(no text)"), &json!(7))
    );
    assert!(!gateway.log.text().contains(NEEDLE), "{}", gateway.log.text());
}

#[test]
fn a_streamed_answer_logs_its_statement_at_its_end() {
    let gateway = crate::streaming::setup("[logging]\nquery_log = true").start();
    gateway.send(reading("big/_table/large?limit=5000&fields=n"));
    let line = gateway.log.find("statement").unwrap();
    assert!(line.contains("rows=5000") && line.contains("service=\"big\""), "{line}");
}

#[test]
fn statements_are_not_logged_unless_asked_for() {
    let gateway = setup("[logging]\nlevel = \"debug\"").start();
    gateway.send(reading("shop/_table/orders"));
    gateway.log.find("answered").unwrap();
    assert!(!gateway.log.text().contains("SELECT"), "{}", gateway.log.text());
}

#[test]
fn a_request_is_logged_with_its_id_and_status() {
    let gateway = setup("[logging]\nformat = \"json\"").start();
    gateway.send(request("POST", "/api/v2/shop/_table?x=y").header("X-Request-Id", "mine").key(READER));
    gateway.log.find("answered").unwrap();
    let logged = lines(&gateway, "answered");
    let [line] = logged.as_slice() else { panic!("{logged:?}") };
    assert_eq!(
        (&line["method"], &line["path"], &line["status"], &line["request_id"]),
        (&json!("POST"), &json!("/api/v2/shop/_table"), &json!(401), &json!("mine"))
    );
    gateway.send(get("/health"));
    gateway.send(get("/ready"));
    assert_eq!(lines(&gateway, "answered").len(), 1, "probes are not logged");
}

#[test]
fn secrets_stand_neither_in_the_log_nor_in_answers() {
    let secret = "secret-4711";
    let app = "[[apps]]\nname = \"hidden\"\nrole = \"reader\"\napi_key = \"${env:HIDDEN_KEY}\"\n[logging]\nlevel = \"trace\"\nquery_log = true\n";
    let gateway = setup(app).variable("HIDDEN_KEY", secret).start();
    let mut answers = vec![
        gateway.send(get("/api/v2/shop/_table/orders").key(secret)),
        gateway.send(get("/api/v2/shop/_table/orders").with("api_key", secret)),
        gateway.send(get("/api/v2/shop/_table/orders").with("api_key", format!("{secret}x"))),
        gateway.send(get("/api/v2").key(secret)),
        gateway.send(get("/api/v2/shop").header("Authorization", format!("Bearer {secret}"))),
        gateway.send(get("/api/v2/shop/_table/customers?filter=name={app.api_key}").key(secret)),
        gateway.send(
            request("POST", "/api/v2/system/admin/session")
                .body(json!({ "email": secret, "password": secret })),
        ),
    ];
    let token = log_in(&gateway);
    for verb in ["GET", "PUT", "PUT", "DELETE"] {
        let answer = gateway.send(request(verb, "/api/v2/system/admin/session").token(&token).key(secret));
        // The session itself holds its token.
        if answer.status != 200 {
            answers.push(answer);
        }
    }
    gateway.signal("TERM");
    assert_eq!(gateway.wait().code(), Some(0));
    let printed = gateway.log.whole() + &gateway.output.whole();
    assert!(printed.contains("statement=SELECT") || printed.contains("statement=\"SELECT"), "{printed}");
    for hidden in [secret, ADMIN.1, &token] {
        assert!(!printed.contains(hidden), "{printed}");
        assert!(answers.iter().all(|answer| !answer.body.contains(hidden)), "{answers:?}");
    }
}
