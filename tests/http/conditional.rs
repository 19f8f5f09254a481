//! Versions of single rows: tags of answers, reads of what the caller has already, writes on condition, over both services.

use serde_json::{Value as Json, json};

use crate::client::{Answer, Request, request};
use crate::stock::{OWNER, SERVICES, Stock, UNTOUCHED, WRITER, setup, shared};

const UNMET: &str = "does not hold: the row is another version, or it exists or is missing against expectation. \
                     Read it again and decide.";

fn ask(stock: &Stock, service: &str, (verb, behind): (&str, &str)) -> Request {
    request(verb, &stock.path(service, behind)).key(WRITER)
}

#[track_caller]
fn send(stock: &Stock, service: &str, order: (&str, &str), headers: &[(&str, &str)], body: &str) -> Answer {
    let request = ask(stock, service, order);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    shared().send(if body.is_empty() { request } else { request.body(body) })
}

/// The tag of a row.
#[track_caller]
fn tag(stock: &Stock, service: &str, behind: &str) -> String {
    let answer = send(stock, service, ("GET", behind), &[], "");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.header("etag").to_owned()
}

#[track_caller]
pub(crate) fn is_unmet(answer: &Answer, header: &str) {
    answer.is_error(412, &format!("The condition {header} {UNMET}"));
}

#[test]
fn a_tag_names_the_whole_row_and_the_form() {
    let stock = Stock::new();
    for service in SERVICES {
        let own = tag(&stock, service, "/1");
        assert_eq!((own.len(), own.starts_with('"'), own.ends_with('"')), (24, true, true), "{own}");
        assert_eq!(tag(&stock, service, "/1?fields=id"), own);
        assert_eq!(tag(&stock, service, "/a?id_field=name"), own);
        assert_ne!(tag(&stock, service, "/2"), own);
        let open = own.trim_end_matches('"');
        for (form, accept) in [("csv", "text/csv"), ("xml", "text/xml"), ("ndjson", "application/ndjson")] {
            let answer = send(&stock, service, ("GET", "/1"), &[("Accept", accept)], "");
            assert_eq!(answer.header("etag"), format!("{open}-{form}\""));
        }
        send(&stock, service, ("PATCH", "/1"), &[], r#"{"data":[1]}"#).is_ok(r#"{"id":1}"#);
        assert_ne!(tag(&stock, service, "/1?fields=id"), own, "a column that is not shown counts");
    }
}

#[test]
fn a_compressed_answer_has_a_tag_of_its_own() {
    let stock = Stock::new();
    for service in SERVICES {
        let long = json!({ "state": "x".repeat(4000) });
        send(&stock, service, ("PATCH", "/1"), &[], &long.to_string()).is_ok(r#"{"id":1}"#);
        let own = tag(&stock, service, "/1");
        let request = ask(&stock, service, ("GET", "/1")).header("Accept-Encoding", "gzip");
        let answer = request.open(shared().address);
        let compressed = answer.headers["etag"].to_str().unwrap().to_owned();
        assert_eq!(compressed, format!("{}-gzip\"", own.trim_end_matches('"')));
        let none = [("If-None-Match", compressed.as_str()), ("Accept-Encoding", "gzip")];
        let answer = send(&stock, service, ("GET", "/1"), &none, "");
        assert_eq!((answer.status, answer.header("etag")), (304, compressed.as_str()));
        let condition = [("If-Match", compressed.as_str())];
        send(&stock, service, ("PATCH", "/1"), &condition, r#"{"qty":5}"#).is_ok(r#"{"id":1}"#);
    }
}

#[test]
fn a_row_that_the_caller_has_is_not_sent_again() {
    let stock = Stock::new();
    for service in SERVICES {
        let own = tag(&stock, service, "/1");
        for value in [own.clone(), format!("W/{own}"), format!("\"x\", {own}"), "*".to_owned()] {
            for verb in ["GET", "HEAD"] {
                let answer = send(&stock, service, (verb, "/1"), &[("If-None-Match", &value)], "");
                answer.is(304, "");
                assert_eq!(answer.header("etag"), own);
                assert_eq!((answer.header("content-type"), answer.header("content-length")), ("", ""));
            }
        }
        let other = [("If-None-Match", "\"x\"")];
        let answer = send(&stock, service, ("GET", "/1?fields=id"), &other, "");
        answer.is_ok(r#"{"id":1}"#);
        assert_eq!(answer.header("etag"), own);
        let csv = [("If-None-Match", own.as_str()), ("Accept", "text/csv")];
        assert_eq!(send(&stock, service, ("GET", "/1?fields=id"), &csv, "").status, 200);
        let head = send(&stock, service, ("HEAD", "/1?fields=id"), &[], "");
        assert_eq!((head.status, head.header("etag"), head.header("content-length")), (200, &*own, "8"));
        send(&stock, service, ("GET", "/9"), &[("If-None-Match", "*")], "")
            .is_error(404, "Record with identifier '9' not found.");
    }
}

#[test]
fn neither_a_batch_nor_its_operations_have_conditions() {
    let stock = Stock::new();
    let row = format!("_table/{}/1", stock.table());
    let plain = json!({ "method": "PATCH", "path": row, "body": { "qty": 9 } });
    for service in SERVICES {
        let send = |headers: &[(&str, &str)], operation: &Json| {
            let batch = request("POST", &format!("/api/v2/{service}/_batch")).key(WRITER);
            let batch = headers.iter().fold(batch, |batch, (name, value)| batch.header(name, value));
            shared().send(batch.body(json!({ "operations": [operation] })))
        };
        for header in ["If-Match", "If-None-Match"] {
            let message = format!(
                "{header} works on single rows only: on GET, PUT, PATCH and DELETE of _table/{{table}}/{{id}}."
            );
            send(&[(header, "*")], &plain).is_error(400, &message);
            let mut conditional = plain.clone();
            conditional["headers"] = json!({ header: "*" });
            let answer = send(&[], &conditional);
            assert_eq!(answer.status, 400, "{}", answer.body);
            assert!(answer.body.contains("Operation '0': unknown field `headers`"), "{}", answer.body);
        }
        assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
    }
}

#[test]
fn a_row_is_read_on_condition_too() {
    let stock = Stock::new();
    for service in SERVICES {
        let own = tag(&stock, service, "/1");
        let read = |value: &str| send(&stock, service, ("GET", "/1?fields=id"), &[("If-Match", value)], "");
        read(&own).is_ok(r#"{"id":1}"#);
        is_unmet(&read("\"x\""), "If-Match");
    }
}

#[test]
fn a_row_is_written_only_in_the_version_that_is_named() {
    let stock = Stock::new();
    for service in SERVICES {
        let first = tag(&stock, service, "/1");
        let write = |order, value: &str, body| send(&stock, service, order, &[("If-Match", value)], body);
        let answer = write(("PATCH", "/1"), &first, r#"{"qty":5}"#);
        answer.is_ok(r#"{"id":1}"#);
        let second = answer.header("etag").to_owned();
        assert_eq!(second, tag(&stock, service, "/1"));
        for order in [("PATCH", "/1"), ("PUT", "/1"), ("DELETE", "/1")] {
            let body = if order.0 == "DELETE" { "" } else { r#"{"qty":6}"# };
            is_unmet(&write(order, &first, body), "If-Match");
            is_unmet(&write(order, &format!("W/{second}"), body), "If-Match");
        }
        is_unmet(&write(("PATCH", "/9"), "*", r#"{"qty":6}"#), "If-Match");
        is_unmet(&write(("PATCH", "/9?upsert=true"), "*", r#"{"name":"n"}"#), "If-Match");
        assert_eq!(stock.rows(service), "1 a new 5 7|2 b new 2 7|3 c old 3 8", "{service}");
        write(("PUT", "/1?fields=qty"), &format!("{first}, {second}"), r#"{"qty":7}"#).is_ok(r#"{"qty":7}"#);
        write(("DELETE", "/2"), "*", "").is_ok(r#"{"id":2}"#);
        assert_eq!(stock.rows(service), "1 a new 7 7|3 c old 3 8", "{service}");
    }
}

#[test]
fn a_row_is_created_only_where_there_is_none() {
    let stock = Stock::new();
    for service in SERVICES {
        let none = [("If-None-Match", "*")];
        let create = |behind, body| send(&stock, service, ("PUT", behind), &none, body);
        let answer = create("/8?upsert=true", r#"{"name":"h"}"#);
        answer.is_ok(r#"{"id":8}"#);
        assert_eq!(answer.header("etag"), tag(&stock, service, "/8"));
        is_unmet(&create("/8?upsert=true", r#"{"name":"i"}"#), "If-None-Match");
        is_unmet(&create("/1", r#"{"name":"i"}"#), "If-None-Match");
        create("/9", r#"{"name":"i"}"#).is_error(404, "Record with identifier '9' not found.");
        assert_eq!(stock.rows(service), format!("{UNTOUCHED}|8 h new - -"), "{service}");
    }
}

#[test]
fn a_write_that_fails_on_condition_leaves_nothing() {
    let stock = Stock::new();
    for service in SERVICES {
        let condition = [("If-Match", "*")];
        send(&stock, service, ("PATCH", "/1"), &condition, r#"{"name":null}"#)
            .is_error(400, "Field 'name' can not be NULL.");
        let answer = send(&stock, service, ("PATCH", "/1"), &condition, r#"{"name":"b"}"#);
        assert_eq!(answer.status, 400, "{}", answer.body);
        // The transaction is over: others write.
        send(&stock, service, ("PATCH", "/3"), &condition, r#"{"qty":4}"#).is_ok(r#"{"id":3}"#);
        assert_eq!(stock.rows(service), "1 a new 1 7|2 b new 2 7|3 c old 4 8", "{service}");
    }
}

#[test]
fn row_rules_hold_for_a_conditional_write() {
    let stock = Stock::new();
    for service in SERVICES {
        let write = |behind: &str, tag: &str, body: &str| {
            let request = request("PATCH", &stock.path(service, behind)).key(OWNER);
            shared().send(request.header("If-Match", tag).body(body))
        };
        let (mine, other) = (tag(&stock, service, "/1"), tag(&stock, service, "/3"));
        is_unmet(&write("/3", &other, r#"{"qty":9}"#), "If-Match");
        write("/1", &mine, r#"{"owner":8}"#).is_error(403, "Denied access to some of the requested fields.");
        assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
        write("/1", &mine, r#"{"qty":9}"#).is_ok(r#"{"id":1}"#);
    }
}

#[test]
fn a_write_in_a_transaction_of_its_own_answers_the_version_that_it_left() {
    let stock = Stock::new();
    for service in SERVICES {
        let answer = send(&stock, service, ("PATCH", "/1?rollback=true"), &[], r#"{"qty":5}"#);
        answer.is_ok(r#"{"id":1}"#);
        assert_eq!(answer.header("etag"), tag(&stock, service, "/1"));
    }
}

#[test]
fn of_many_writers_with_the_same_version_one_succeeds() {
    let stock = Stock::new();
    for service in SERVICES {
        let first = tag(&stock, service, "/1");
        let statuses = at_once(|number| {
            let body = json!({ "qty": 100 + number }).to_string();
            send(&stock, service, ("PATCH", "/1"), &[("If-Match", &first)], &body).status
        });
        assert_eq!(count(&statuses, 200), 1, "{service} {statuses:?}");
        assert_eq!(count(&statuses, 412), statuses.len() - 1, "{service} {statuses:?}");
    }
}

#[test]
fn of_many_creators_of_the_same_row_one_succeeds() {
    let stock = Stock::new();
    for service in SERVICES {
        let statuses = at_once(|number| {
            let body = json!({ "name": format!("n{number}") }).to_string();
            let none = [("If-None-Match", "*")];
            send(&stock, service, ("PUT", "/7?upsert=true"), &none, &body).status
        });
        assert_eq!(count(&statuses, 200), 1, "{service} {statuses:?}");
        assert_eq!(count(&statuses, 412), statuses.len() - 1, "{service} {statuses:?}");
    }
}

pub(crate) fn count(statuses: &[u16], wanted: u16) -> usize {
    statuses.iter().filter(|status| **status == wanted).count()
}

/// What twenty threads get.
pub(crate) fn at_once<T: Send>(ask: impl Fn(usize) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let ask = &ask;
        let threads: Vec<_> = (0..20).map(|number| scope.spawn(move || ask(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn conditions_elsewhere_than_on_a_single_row_are_refused() {
    let stock = Stock::new();
    let check = |order: (&str, &str), header: &str| {
        let message = format!(
            "{header} works on single rows only: on GET, PUT, PATCH and DELETE of _table/{{table}}/{{id}}."
        );
        let body = if matches!(order.0, "GET" | "DELETE") { "" } else { r#"[{"id":1,"qty":9}]"# };
        for service in SERVICES {
            send(&stock, service, order, &[(header, "*")], body).is_error(400, &message);
            assert_eq!(stock.rows(service), UNTOUCHED, "{service} {order:?}");
        }
    };
    for header in ["If-Match", "If-None-Match"] {
        for order in [("POST", ""), ("PUT", ""), ("PATCH", "?ids=1"), ("DELETE", "?ids=1")] {
            check(order, header);
        }
    }
    check(("GET", ""), "If-Match");
    for service in SERVICES {
        let answer = send(&stock, service, ("GET", "?fields=id"), &[("If-None-Match", "*")], "");
        assert_eq!((answer.status, answer.header("etag")), (200, ""));
    }
}

#[test]
fn conditions_that_can_not_be_kept_are_refused_before_anything_is_written() {
    let stock = Stock::new();
    let not_a_tag = "If-Match must be * or a list of tags as the header ETag gives them, in double quotes.";
    let context = json!({ "parameter": "If-Match", "position": null, "expected": "a tag in double quotes" });
    for service in SERVICES {
        let write =
            |behind, value| send(&stock, service, ("PATCH", behind), &[("If-Match", value)], r#"{"qty":9}"#);
        write("/1", "abc").is_error_with(400, not_a_tag, &context);
        write("/1", "").is_error_with(400, not_a_tag, &context);
        write("/new?id_field=state", "*")
            .is_error(400, "If-Match needs the primary key or a unique key as identifying fields.");
        assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
        assert_eq!(tag(&stock, service, "/new?id_field=state"), "", "several rows have no version");
    }
    // A service that can only be read has no transactions.
    let answer = send(&stock, "mem-locked", ("PATCH", "/1"), &[("If-Match", "*")], r#"{"qty":9}"#);
    answer.is_error(501, "If-Match is not supported by this service.");
}

#[test]
fn a_service_may_require_that_a_write_names_its_version() {
    let gateway = setup(
        r#"
        [[services]]
        name = "strict"
        type = "memory"
        config = { file = "stock.json", require_if_match = true }
        "#,
    )
    .start();
    let stock = Stock::new();
    let ask = |verb: &str, behind: &str| request(verb, &stock.path("strict", behind)).key(WRITER);
    let message = "This service changes a row only with the header If-Match: send the ETag of the row as you read it, \
                   or If-None-Match: * to create it.";
    for verb in ["PUT", "PATCH", "DELETE"] {
        gateway.send(ask(verb, "/1").body(r#"{"qty":9}"#)).is_error(428, message);
    }
    let operation =
        json!({ "method": "PATCH", "path": format!("_table/{}/1", stock.table()), "body": { "qty": 9 } });
    let batch =
        request("POST", "/api/v2/strict/_batch").key(WRITER).body(json!({ "operations": [operation] }));
    let own = &gateway.send(batch).json()["error"]["context"]["resource"][0];
    assert_eq!(own["status_code"], 428, "an operation of a batch can't name one");
    let read = gateway.send(ask("GET", "/1?fields=qty"));
    read.is_ok(r#"{"qty":1}"#);
    let write = ask("PATCH", "/1?fields=qty").header("If-Match", read.header("etag"));
    gateway.send(write.body(r#"{"qty":9}"#)).is_ok(r#"{"qty":9}"#);
    let create = ask("PUT", "/8?upsert=true").header("If-None-Match", "*");
    gateway.send(create.body(r#"{"name":"h"}"#)).is_ok(r#"{"id":8}"#);
}
