//! Creations with a key against repetition, over both services: done once, answered again, bounded to their caller and request.

use serde_json::json;

use crate::client::{Answer, Request, request};
use crate::conditional::at_once;
use crate::gateway::eventually;
use crate::stock::{OWNER, SERVICES, Stock, UNTOUCHED, WRITER, setup, shared};

const D: &str = r#"[{"name":"d"}]"#;
const WITH_D: &str = "1 a new 1 7|2 b new 2 7|3 c old 3 8|4 d new - -";

fn create(stock: &Stock, service: &str, key: &str, body: &str) -> Request {
    let request = request("POST", &stock.path(service, "")).key(WRITER).body(body);
    request.header("Idempotency-Key", key)
}

#[track_caller]
fn is_replayed(answer: &Answer, is_replayed: bool) {
    assert_eq!(answer.header("idempotency-replayed"), if is_replayed { "true" } else { "" });
}

#[test]
fn a_request_that_comes_again_is_answered_as_the_first_time_and_not_done() {
    let stock = Stock::new();
    for service in SERVICES {
        for number in 0..3 {
            let answer = shared().send(create(&stock, service, "one", D));
            answer.is_ok(r#"{"resource":[{"id":4}]}"#);
            is_replayed(&answer, number > 0);
        }
        // The same document, written otherwise.
        let answer = shared().send(create(&stock, service, "one", " [ {\"name\" : \"d\"} ] "));
        is_replayed(&answer, true);
        assert_eq!(stock.rows(service), WITH_D, "{service}");
    }
}

#[test]
fn a_batch_that_comes_again_is_not_done() {
    let (a, b) = (Stock::new(), Stock::new());
    let operations: Vec<_> = [&a, &b]
        .iter()
        .map(|stock| json!({ "method": "POST", "path": format!("_table/{}", stock.table()), "body": { "resource": [{ "name": "d" }] } }))
        .collect();
    let done = |id: &str| json!({ "id": id, "status": 200, "body": { "resource": [{ "id": 4 }] } });
    let expected = json!({ "resource": [done("0"), done("1")] }).to_string();
    for service in SERVICES {
        for is_again in [false, true] {
            let batch = request("POST", &format!("/api/v2/{service}/_batch")).key(WRITER);
            let batch = batch.header("Idempotency-Key", a.table());
            let answer = shared().send(batch.body(json!({ "operations": operations })));
            answer.is_ok(&expected);
            is_replayed(&answer, is_again);
        }
        assert_eq!((a.rows(service).as_str(), b.rows(service).as_str()), (WITH_D, WITH_D), "{service}");
    }
}

#[test]
fn a_refusal_names_records_as_configured() {
    let gateway = setup("[answers]\nresources_wrapper = \"records\"").start();
    let stock = Stock::new();
    for service in SERVICES {
        for is_again in [false, true] {
            let answer = gateway.send(create(&stock, service, "taken", r#"{"records":[{"name":"a"}]}"#));
            assert!(answer.json()["error"]["context"]["records"].is_array(), "{}", answer.body);
            is_replayed(&answer, is_again);
        }
    }
}

#[test]
fn a_refusal_comes_again_too() {
    let stock = Stock::new();
    for service in SERVICES {
        let send = || shared().send(create(&stock, service, "taken", r#"[{"name":"e"},{"name":"a"}]"#));
        let first = send();
        assert_eq!(first.status, 400, "{}", first.body);
        // Now it would do well.
        stock.send(WRITER, service, ("PATCH", "/1"), r#"{"name":"z"}"#).is_ok(r#"{"id":1}"#);
        let second = send();
        second.is(400, &first.body);
        is_replayed(&second, true);
    }
}

#[test]
fn an_answer_comes_again_in_the_form_that_is_wanted() {
    let stock = Stock::new();
    for service in SERVICES {
        shared().send(create(&stock, service, "form", D)).is_ok(r#"{"resource":[{"id":4}]}"#);
        let answer = shared().send(create(&stock, service, "form", D).header("Accept", "text/csv"));
        answer.is_ok("id\n4\n");
        is_replayed(&answer, true);
    }
}

#[test]
fn the_key_of_another_request_is_refused() {
    let stock = Stock::new();
    let message = "This Idempotency-Key was used with another request; use a new key for each request.";
    for service in SERVICES {
        shared().send(create(&stock, service, "one", D)).is_ok(r#"{"resource":[{"id":4}]}"#);
        shared().send(create(&stock, service, "one", r#"[{"name":"e"}]"#)).is_error(422, message);
        shared().send(create(&stock, service, "one", D).with("fields", "*")).is_error(422, message);
        assert_eq!(stock.rows(service), WITH_D, "{service}");
    }
}

#[test]
fn a_key_is_that_of_its_caller_service_and_table() {
    let (stock, other) = (Stock::new(), Stock::new());
    let body = r#"[{"name":"d","owner":7}]"#;
    for service in SERVICES {
        shared().send(create(&stock, service, "mine", body)).is_ok(r#"{"resource":[{"id":4}]}"#);
        shared().send(create(&other, service, "mine", body)).is_ok(r#"{"resource":[{"id":4}]}"#);
        let request = request("POST", &stock.path(service, "")).key(OWNER).header("Idempotency-Key", "mine");
        let answer = shared().send(request.body(body));
        assert_eq!(answer.status, 400, "the name is taken: {}", answer.body);
        is_replayed(&answer, false);
    }
}

#[test]
fn of_many_requests_with_one_key_one_is_done() {
    let stock = Stock::new();
    for service in SERVICES {
        let answers = at_once(|_| shared().send(create(&stock, service, "many", D)));
        for answer in &answers {
            if answer.status == 409 {
                answer.is_error(
                    409,
                    "The request with this Idempotency-Key is still running; try again in a moment.",
                );
                assert_eq!(answer.header("retry-after"), "1");
            } else {
                answer.is_ok(r#"{"resource":[{"id":4}]}"#);
            }
        }
        let done = answers
            .iter()
            .filter(|answer| answer.status == 200 && answer.header("idempotency-replayed").is_empty());
        assert_eq!(done.count(), 1, "{service}");
        assert_eq!(stock.rows(service), WITH_D, "{service}");
    }
}

#[test]
fn a_request_is_done_although_its_caller_went_away() {
    let gateway = setup("").start();
    let stock = Stock::new();
    let first = create(&stock, "shop", "gone", D);
    // Another request with the key fails in planning and is not remembered, unless the first has begun.
    let other = first.clone().with("related", "x");
    let lock = rusqlite::Connection::open(gateway.setup.path("stock.sqlite")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut callers = Vec::new();
    eventually("the first has begun", || {
        callers.push(first.send_only(gateway.address));
        gateway.send(other.clone()).status == 422
    });
    drop(callers);
    lock.execute_batch("COMMIT").unwrap();
    let mut answer = gateway.send(first.clone());
    eventually("its answer is known", || {
        answer = gateway.send(first.clone());
        answer.status != 409
    });
    answer.is_ok(r#"{"resource":[{"id":4}]}"#);
    is_replayed(&answer, true);
}

#[test]
fn keys_that_can_not_be_kept_are_refused() {
    let stock = Stock::new();
    for service in SERVICES {
        let malformed = "Idempotency-Key must be 1 to 255 visible ASCII characters, sent once.";
        for key in ["", "a b", &"x".repeat(256)] {
            shared().send(create(&stock, service, key, D)).is_error(400, malformed);
        }
        let streamed = "Idempotency-Key does not work with records that are streamed (NDJSON, CSV); send them as one \
                        JSON document.";
        for (form, body) in [("application/x-ndjson", "{\"name\":\"d\"}\n"), ("text/csv", "name\nd\n")] {
            let request = request("POST", &stock.path(service, "")).key(WRITER).header("Content-Type", form);
            let request = request.header("Idempotency-Key", "k").bytes(body);
            shared().send(request).is_error(400, streamed);
        }
        for verb in ["PUT", "PATCH", "DELETE"] {
            let request =
                request(verb, &stock.path(service, "/1")).key(WRITER).header("Idempotency-Key", "k");
            let message = format!("Idempotency-Key works on POST only, not on {verb}.");
            shared().send(request.body(r#"{"qty":9}"#)).is_error(400, &message);
        }
        assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
    }
}

#[test]
fn a_caller_who_may_not_ask_hears_that_first() {
    let stock = Stock::new();
    for service in SERVICES {
        shared().send(create(&stock, service, "one", D)).is_ok(r#"{"resource":[{"id":4}]}"#);
        let request = request("POST", &stock.path(service, "")).key(crate::stock::CHANGER).body(D);
        let answer = shared().send(request.header("Idempotency-Key", "one"));
        answer.is_error(401, "Unauthorized. User is not authenticated.");
    }
}

#[test]
fn a_reload_forgets_no_key() {
    let gateway = setup("").start();
    let stock = Stock::new();
    gateway.send(create(&stock, "mem", "kept", D)).is_ok(r#"{"resource":[{"id":4}]}"#);
    let skipped = gateway.log.count();
    gateway.signal("HUP");
    gateway.log.find_after(skipped, "the configuration was loaded again").unwrap();
    let answer = gateway.send(create(&stock, "mem", "kept", D));
    answer.is_ok(r#"{"resource":[{"id":4}]}"#);
    is_replayed(&answer, true);
    let expected = json!({ "resource": [{ "id": 5 }] }).to_string();
    gateway.send(create(&stock, "mem", "new", r#"[{"name":"e"}]"#)).is_ok(&expected);
}
