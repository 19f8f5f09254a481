//! Lists of which a record fails: what stays, what is tried, what is undone, and the batch error.

use serde_json::{Value as Json, json};

use crate::client::request;
use crate::stock::{SERVICES, Stock, UNTOUCHED, WRITER, setup, shared};

const NEW: &str = r#"[{"name":"d"},{"name":null},{"name":"f"}]"#;

/// The error of one record, as it stands in the batch error.
fn own(status: u16, message: &str) -> Json {
    json!({ "code": status, "context": null, "message": message, "status_code": status })
}

fn batch_error(failed: &[usize], resource: &Json, done: &str) -> String {
    let message = format!("Batch Error: Not all requested records could be {done}.");
    batch_error_with(failed, resource, &message)
}

fn batch_error_with(failed: &[usize], resource: &Json, message: &str) -> String {
    let context = json!({ "error": failed, "resource": resource });
    json!({ "error": { "code": 1000, "context": context, "message": message, "status_code": 400 } })
        .to_string()
}

#[track_caller]
fn check(order: (&str, &str), body: &str, answer: &str, left: &str) {
    let stock = Stock::new();
    for service in SERVICES {
        stock.send(WRITER, service, order, body).is(400, answer);
        assert_eq!(stock.rows(service), left, "{service} {order:?} {body}");
    }
}

#[test]
fn the_first_record_that_fails_ends_the_list_and_those_before_it_stay() {
    let refused = own(400, "Field 'name' can not be NULL.");
    let answer = batch_error(&[1], &json!([{ "id": 4 }, refused]), "created");
    check(("POST", ""), NEW, &answer, "1 a new 1 7|2 b new 2 7|3 c old 3 8|4 d new - -");
    let missing = own(404, "Record with identifier '99' not found.");
    let answer = batch_error(&[1], &json!([{ "id": 1 }, missing]), "updated");
    let body = r#"[{"id":1,"qty":5},{"id":99,"qty":6},{"id":2,"qty":7}]"#;
    check(("PATCH", ""), body, &answer, "1 a new 5 7|2 b new 2 7|3 c old 3 8");
    let answer = batch_error(&[1], &json!([{ "id": 1 }, missing]), "deleted");
    check(("DELETE", "?ids=1,99,2"), "", &answer, "2 b new 2 7|3 c old 3 8");
}

#[test]
fn with_continue_the_records_after_it_are_written_too() {
    let refused = own(400, "Field 'name' can not be NULL.");
    let answer = batch_error(&[1], &json!([{ "id": 4 }, refused, { "id": 5 }]), "created");
    let left = "1 a new 1 7|2 b new 2 7|3 c old 3 8|4 d new - -|5 f new - -";
    check(("POST", "?continue=true"), NEW, &answer, left);
    let missing = |id: u8| own(404, &format!("Record with identifier '{id}' not found."));
    let body = r#"[{"id":99,"qty":6},{"id":1,"qty":5},{"qty":1},{"id":98},{"id":2,"qty":7}]"#;
    let no_id = own(400, "Required id field(s) not found in record 2: id");
    let entries = json!([missing(99), { "id": 1 }, no_id, missing(98), { "id": 2 }]);
    let answer = batch_error(&[0, 2, 3], &entries, "updated");
    check(("PUT", "?continue=1"), body, &answer, "1 a new 5 7|2 b new 7 7|3 c old 3 8");
    let entries = json!([missing(99), { "id": 3 }, missing(98)]);
    let answer = batch_error(&[0, 2], &entries, "deleted");
    check(("DELETE", "?continue=true&ids=99,3,98"), "", &answer, "1 a new 1 7|2 b new 2 7");
}

#[test]
fn with_rollback_nothing_stays_and_nothing_after_it_is_tried() {
    let check = |order, body, failed: &[usize], entries: Json, done: &str| {
        let message =
            format!("Batch Error: Not all requested records could be {done}. All changes rolled back.");
        check(order, body, &batch_error_with(failed, &entries, &message), UNTOUCHED);
    };
    let refused = own(400, "Field 'name' can not be NULL.");
    check(("POST", "?rollback=true"), NEW, &[1], json!([{ "id": 4 }, refused]), "created");
    let missing = own(404, "Record with identifier '99' not found.");
    let body = r#"[{"id":1,"qty":5},{"id":99,"qty":6},{"id":2,"qty":7}]"#;
    check(("PATCH", "?rollback=true"), body, &[1], json!([{ "id": 1 }, missing]), "updated");
    check(("DELETE", "?rollback=true&ids=1,99,2"), "", &[1], json!([{ "id": 1 }, missing]), "deleted");
}

#[test]
fn with_rollback_all_records_stay_when_all_do_well() {
    let stock = Stock::new();
    for service in SERVICES {
        let body = r#"{"rollback":true,"resource":[{"name":"d"},{"name":"e","qty":1},{"name":"f"}]}"#;
        stock.send(WRITER, service, ("POST", ""), body).is_ok(r#"{"resource":[{"id":4},{"id":5},{"id":6}]}"#);
        stock
            .send(WRITER, service, ("DELETE", "?rollback=1&ids=4,6"), "")
            .is_ok(r#"{"resource":[{"id":4},{"id":6}]}"#);
        assert_eq!(stock.rows(service), "1 a new 1 7|2 b new 2 7|3 c old 3 8|5 e new 1 -");
    }
}

#[test]
fn a_list_of_one_record_answers_the_batch_error_too() {
    let required = own(400, "Required field 'name' can not be NULL.");
    let answer = batch_error(&[0], &json!([required]), "created");
    check(("POST", ""), r#"{"resource":[{"qty":1}]}"#, &answer, UNTOUCHED);
    let missing = own(404, "Record with identifier '99' not found.");
    check(
        ("PATCH", "?ids=99"),
        r#"[{"qty":1}]"#,
        &batch_error(&[0], &json!([missing]), "updated"),
        UNTOUCHED,
    );
    check(("DELETE", "?ids=99"), "", &batch_error(&[0], &json!([missing]), "deleted"), UNTOUCHED);
}

#[test]
fn a_record_deleted_twice_is_missing_the_second_time() {
    let missing = own(404, "Record with identifier '1' not found.");
    let answer = batch_error(&[1], &json!([{ "id": 1 }, missing]), "deleted");
    check(("DELETE", "?ids=1,1,2"), "", &answer, "2 b new 2 7|3 c old 3 8");
}

#[test]
fn records_of_many_forms_keep_their_order_across_calls() {
    let body = r#"[
        {"id":1,"qty":{"expression":"qty + 1"}}, {"id":2,"state":"x"}, {"id":3,"qty":{"expression":"qty + 1"},"state":"y"},
        {"id":1,"qty":{"expression":"qty * 10"}}, {"id":2,"qty":4,"owner":1}, {"id":3}
    ]"#;
    let stock = Stock::new();
    for service in SERVICES {
        let answer = r#"{"resource":[{"id":1},{"id":2},{"id":3},{"id":1},{"id":2},{"id":3}]}"#;
        stock.send(WRITER, service, ("PATCH", ""), body).is_ok(answer);
        assert_eq!(stock.rows(service), "1 a new 20 7|2 b x 4 1|3 c y 4 8");
    }
}

#[test]
fn a_refusal_by_the_store_has_its_sqlstate_and_says_of_what_kind_it_is() {
    let stock = Stock::new();
    for service in SERVICES {
        let refusal = |answer: &Json| {
            assert_eq!(answer["code"], "23505", "{service}");
            let message = answer["message"].as_str().unwrap();
            assert!(message.contains("same") && !message.contains("UNIQUE"), "{service}: {message}");
        };
        let body = r#"[{"name":"d"},{"name":"a"},{"name":"e"}]"#;
        let answer = stock.send(WRITER, service, ("POST", ""), body);
        assert_eq!(answer.status, 400, "{service}");
        let error = &answer.json()["error"];
        assert_eq!((&error["code"], &error["context"]["error"]), (&json!(1000), &json!([1])));
        assert_eq!(error["context"]["resource"][0], json!({ "id": 4 }));
        let entry = &error["context"]["resource"][1];
        refusal(entry);
        assert_eq!(entry.as_object().unwrap().keys().collect::<Vec<_>>(), ["code", "message"], "{service}");
        let details = json!([{ "index": 1, "kind": "unique_violation", "columns": ["name"] }]);
        assert_eq!(error["context"]["error_details"], details, "{service}");
        let single = stock.send(WRITER, service, ("PATCH", "/2"), r#"{"name":"a"}"#);
        assert_eq!(single.status, 400, "{service}");
        let single = &single.json()["error"];
        refusal(single);
        let context = json!({ "kind": "unique_violation", "columns": ["name"] });
        assert_eq!((&single["context"], &single["status_code"]), (&context, &json!(400)), "{service}");
        // Neither does a change of many that comes upon a duplicate change any of them.
        let many = stock.send(WRITER, service, ("PATCH", "?filter=id%20%3C%203"), r#"[{"name":"x"}]"#);
        assert_eq!(many.status, 400, "{service}");
        assert_eq!(stock.rows(service), "1 a new 1 7|2 b new 2 7|3 c old 3 8|4 d new - -");
    }
}

#[test]
fn what_contradicts_stored_rows_is_a_409_where_errors_are_strict_and_a_400_elsewhere() {
    let (stock, strict) = (Stock::new(), setup("[errors]\nstrict = true").start());
    for (gateway, status) in [(shared(), 400), (&strict, 409)] {
        for service in SERVICES {
            let single = request("PUT", &stock.path(service, "/2")).key(WRITER).body(r#"{"name":"a"}"#);
            let single = gateway.send(single);
            assert_eq!((single.status, &single.json()["error"]["status_code"]), (status, &json!(status)));
            let operation = json!({ "method": "PUT", "path": format!("_table/{}/2", stock.table()), "body": { "name": "a" } });
            let batch = request("POST", &format!("/api/v2/{service}/_batch")).key(WRITER);
            let batch = gateway.send(batch.body(json!({ "operations": [operation] })));
            let own = &batch.json()["error"]["context"]["resource"][0];
            assert_eq!((batch.status, &own["status_code"]), (400, &json!(status)), "{service}");
            let list = request("PUT", &stock.path(service, "")).key(WRITER).body(r#"[{"id":2,"name":"a"}]"#);
            assert_eq!(gateway.send(list).status, 400, "{service}");
        }
    }
}

#[test]
fn messages_of_single_records_are_encoded_as_that_of_the_whole() {
    let stock = Stock::new();
    let plain = setup("[errors]\nplain = true").start();
    for (gateway, name) in [(shared(), "&lt;&quot;x&quot;&gt;"), (&plain, r#"<"x">"#)] {
        let message = format!("Record with identifier '{name}' not found.");
        let check = |verb: &str, done: &str| {
            let behind = "?id_field=name&ids=a,%3C%22x%22%3E&fields=id";
            let path = stock.path("shop", behind);
            let entries = json!([{ "id": 1 }, own(404, &message)]);
            gateway.send(request(verb, &path).key(WRITER)).is(400, &batch_error(&[1], &entries, done));
        };
        check("GET", "retrieved");
        check("DELETE", "deleted");
        let operation = json!({ "method": "GET", "path": format!("_table/{}/%3C%22x%22%3E", stock.table()),
            "query": { "id_field": "name" } });
        let body = json!({ "operations": [operation] });
        let answer = gateway.send(request("POST", "/api/v2/shop/_batch").key(WRITER).body(body)).json();
        assert_eq!(answer["error"]["context"]["resource"], json!([own(404, &message)]));
    }
}

#[test]
fn more_records_than_an_answer_of_rows_may_have_are_all_listed() {
    let records: Vec<Json> = (0..700).map(|number| json!({ "name": format!("n{number}") })).collect();
    let stock = Stock::new();
    for service in SERVICES {
        let answer =
            stock.send(WRITER, service, ("POST", ""), &Json::from(records.clone()).to_string()).json();
        let ids: Vec<Json> = (4..704).map(|id| json!({ "id": id })).collect();
        assert_eq!(answer, json!({ "resource": ids }), "{service}");
        let body =
            json!({ "ids": (4..704).collect::<Vec<u32>>(), "resource": [{ "state": "x" }] }).to_string();
        let answer = stock.send(WRITER, service, ("PATCH", ""), &body).json();
        assert_eq!(answer, json!({ "resource": ids }), "{service}");
        // By filter the answer names some of them, and says how many there were.
        let answer = stock.send(WRITER, service, ("DELETE", "?filter=id%20%3E%203"), "").json();
        assert_eq!(answer["resource"].as_array().unwrap().len(), 10, "{service}");
        assert_eq!(answer["meta"], json!({ "count": 700 }), "{service}");
        assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
    }
}

#[test]
fn of_more_results_than_fit_into_memory_some_are_listed_and_all_are_counted() {
    let gateway = setup("[server]\nmax_body_size = \"64KiB\"").start();
    for service in SERVICES {
        let stock = Stock::new();
        let send = |query: &str, records: Vec<Json>| {
            let path = stock.path(service, query);
            gateway.send(request("POST", &path).key(WRITER).body(Json::from(records))).json()
        };
        let new = |number: u32| json!({ "name": format!("n{number}") });
        let answer = send("", (0..2000).map(new).collect());
        let listed = answer["resource"].as_array().unwrap();
        assert!((1..100).contains(&listed.len()), "{service}: {}", listed.len());
        assert_eq!(
            (&listed[0], &answer["meta"]),
            (&json!({ "id": 4 }), &json!({ "count": 2000 })),
            "{service}"
        );
        let mut records = vec![json!({ "qty": 1 }); 3000];
        records.push(new(2000));
        let context = &send("?continue=true", records)["error"]["context"];
        let failed = context["error"].as_array().unwrap();
        assert!((1..100).contains(&failed.len()), "{service}: {}", failed.len());
        assert_eq!(context["resource"].as_array().unwrap().len(), failed.len(), "{service}");
        assert_eq!((&context["count"], &context["error_count"]), (&json!(1), &json!(3000)), "{service}");
        gateway.send(request("GET", &stock.path(service, "?count_only=true")).key(WRITER)).is_ok("2004");
    }
}

#[test]
fn identifiers_have_the_bound_that_they_have_in_reads() {
    let body = json!({ "ids": vec![1; 100_001], "resource": [{ "qty": 9 }] }).to_string();
    let stock = Stock::new();
    for service in SERVICES {
        for verb in ["PATCH", "PUT", "DELETE"] {
            let answer = stock.send(WRITER, service, (verb, "?continue=true"), &body);
            let context = json!({ "parameter": "ids", "position": null, "expected": null });
            answer.is_error_with(400, "at most 100000 identifiers can be given at once", &context);
        }
        assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
    }
}

#[test]
fn records_of_megabytes_are_written_in_several_calls() {
    let records: Vec<Json> =
        (0..12).map(|number| json!({ "name": format!("{number}").repeat(60_000) })).collect();
    let stock = Stock::new();
    for service in SERVICES {
        let body = Json::from(records.clone()).to_string();
        let answer = stock.send(WRITER, service, ("POST", "?rollback=true"), &body).json();
        assert_eq!(answer["resource"].as_array().unwrap().len(), 12, "{service}");
        let mut twice = records.clone();
        twice.insert(0, json!({ "name": "first" }));
        let answer = stock.send(WRITER, service, ("POST", "?rollback=true"), &Json::from(twice).to_string());
        assert_eq!(answer.json()["error"]["context"]["error"], json!([1]), "{service}");
        let count = stock.send(WRITER, service, ("GET", "?count_only=true"), "");
        count.is_ok("15");
    }
}
