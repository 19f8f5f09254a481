//! Batches: unlike operations over several tables in one transaction, with references to earlier answers.

use serde_json::{Value as Json, json};

use crate::client::{Answer, get, request};
use crate::shop::{self, NOBODY};
use crate::stock::{CHANGER, OWNER, SERVICES, Stock, UNTOUCHED, WRITER, setup, shared};

const NOT_ALL: &str = "Batch Error: Not all requested operations could be done. All changes rolled back.";
const UNAUTHORIZED: &str = "Unauthorized. User is not authenticated.";

#[track_caller]
fn send(key: &str, service: &str, operations: &Json) -> Answer {
    let path = format!("/api/v2/{service}/_batch");
    shared().send(request("POST", &path).key(key).body(json!({ "operations": operations })))
}

/// An operation on a table, `behind` being the rest of its path.
fn operation(method: &str, stock: &Stock, behind: &str, body: &Json) -> Json {
    json!({ "method": method, "path": format!("_table/{}{behind}", stock.table()), "body": body })
}

fn records(record: &Json) -> Json {
    json!({ "resource": [record] })
}

/// The batch error: the entries of those that were done, then the error of the operation.
fn batch_error(failed: usize, done: &[Json], (status, message): (u16, &str)) -> String {
    let error = json!({ "code": status, "context": null, "message": message, "status_code": status });
    let resource: Vec<&Json> = done.iter().chain([&error]).collect();
    let context = json!({ "error": [failed], "resource": resource });
    json!({ "error": { "code": 1000, "context": context, "message": NOT_ALL, "status_code": 400 } })
        .to_string()
}

fn entry(id: &str, body: &Json) -> Json {
    json!({ "id": id, "status": 200, "body": body })
}

/// Two tables, untouched before and after.
#[track_caller]
fn fails(key: &str, operations: impl Fn(&Stock, &Stock) -> Json, answer: &str) {
    let (a, b) = (Stock::new(), Stock::new());
    for service in SERVICES {
        send(key, service, &operations(&a, &b)).is(400, answer);
        assert_eq!((a.rows(service).as_str(), b.rows(service).as_str()), (UNTOUCHED, UNTOUCHED), "{service}");
    }
}

#[test]
fn operations_see_those_before_them_and_refer_to_their_answers() {
    let (a, b) = (Stock::new(), Stock::new());
    let mut first =
        operation("POST", &a, "", &records(&json!({ "id": 9_007_199_254_740_993_u64, "name": "big" })));
    first["id"] = json!("new");
    first["query"] = json!({ "fields": "id,name,state" });
    let copied =
        json!({ "name": { "$ref": "new#/resource/0/name" }, "qty": { "$ref": "new#/resource/0/id" } });
    let mut read = operation("GET", &b, "", &json!({ "ids": [{ "$ref": "1#/resource/0/id" }] }));
    read["query"] = json!({ "fields": "name,qty" });
    let by_path = json!({ "state": { "$ref": "2#/resource/0/name" } });
    let mut count = operation("GET", &a, "", &Json::Null);
    count["query"] =
        json!({ "count_only": true, "filter": "id = :id", "params[:id]": { "$ref": "new#/resource/0/id" } });
    let operations = json!([
        first,
        operation("POST", &b, "", &records(&copied)),
        read,
        operation("PATCH", &b, "/{1#/resource/0/id}", &by_path),
        count,
        operation("delete", &a, "/{new#/resource/0/id}", &Json::Null),
        count,
    ]);
    let expected = concat!(
        r#"{"resource":[{"id":"new","status":200,"body":{"resource":[{"id":9007199254740993,"name":"big","state":"new"}]}},"#,
        r#"{"id":"1","status":200,"body":{"resource":[{"id":4}]}},"#,
        r#"{"id":"2","status":200,"body":{"resource":[{"name":"big","qty":9007199254740993}]}},"#,
        r#"{"id":"3","status":200,"body":{"id":4}},"#,
        r#"{"id":"4","status":200,"body":1},"#,
        r#"{"id":"5","status":200,"body":{"id":9007199254740993}},"#,
        r#"{"id":"6","status":200,"body":0}]}"#
    );
    for service in SERVICES {
        send(WRITER, service, &operations).is_ok(expected);
        assert_eq!(a.rows(service), UNTOUCHED, "{service}");
        assert_eq!(b.rows(service), format!("{UNTOUCHED}|4 big big 9007199254740993 -"), "{service}");
    }
}

#[test]
fn content_that_looks_like_a_reference_is_written_as_a_literal() {
    let stock = Stock::new();
    let schema = json!({ "$ref": "#/definitions/a" });
    let mut write = operation("PATCH", &stock, "/1", &json!({ "data": { "$literal": schema } }));
    write["query"] = json!({ "fields": "data" });
    let bare = json!([operation("PATCH", &stock, "/1", &json!({ "data": schema }))]);
    for service in SERVICES {
        let answer = send(WRITER, service, &json!([write])).json();
        let data = &answer["resource"][0]["body"]["data"];
        let data = data.as_str().map_or_else(|| data.clone(), |text| serde_json::from_str(text).unwrap());
        assert_eq!(data, schema, "{service}");
        let refused = "Operation '0': '$ref' must be a text such as &quot;order#/resource/0/id&quot;; a value that \
                       only looks like a reference is written {&quot;$literal&quot;: value}.";
        send(WRITER, service, &bare).is_error(400, refused);
    }
}

#[test]
fn the_first_failure_undoes_all_and_names_its_operation() {
    let done = [entry("0", &json!({ "resource": [{ "id": 4 }] })), entry("1", &json!({ "id": 1 }))];
    let operations = |a: &Stock, b: &Stock, last: Json| {
        json!([
            operation("POST", a, "", &records(&json!({ "name": "d" }))),
            operation("PATCH", b, "/1", &json!({ "qty": 9 })),
            last,
            operation("DELETE", a, "", &json!({ "force": true })),
        ])
    };
    fails(
        WRITER,
        |a, b| operations(a, b, operation("PATCH", b, "/99", &json!({ "qty": 1 }))),
        &batch_error(2, &done, (404, "Record with identifier '99' not found.")),
    );
    fails(
        WRITER,
        |a, b| operations(a, b, operation("GET", b, "/{0#/resource/1/id}", &Json::Null)),
        &batch_error(
            2,
            &done,
            (400, "Operation '2': the answer of operation '0' has nothing at '/resource/1/id'."),
        ),
    );
    fails(
        WRITER,
        |a, b| operations(a, b, json!({ "method": "GET", "path": "_table/nowhere" })),
        &batch_error(2, &done, (404, "Table &quot;nowhere&quot; does not exist in the database.")),
    );
}

#[test]
fn a_limited_write_by_filter_belongs_to_the_batch() {
    let stock = Stock::new();
    let limited = json!({ "filter": "qty > 0", "limit": 2, "order": "id desc", "resource": [{ "qty": 0 }] });
    let change = operation("PATCH", &stock, "", &limited);
    let fails = operation("PATCH", &stock, "/99", &json!({ "qty": 1 }));
    for service in SERVICES {
        assert_eq!(send(WRITER, service, &json!([change, fails])).status, 400, "{service}");
        assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
        let answer = send(WRITER, service, &json!([change])).json();
        assert_eq!(answer["resource"][0]["body"], json!({ "resource": [{ "id": 3 }, { "id": 2 }] }));
        assert_eq!(stock.rows(service), "1 a new 1 7|2 b new 0 7|3 c old 0 8", "{service}");
    }
}

#[test]
fn a_refusal_by_the_store_undoes_all_too() {
    let (a, b) = (Stock::new(), Stock::new());
    let operations = json!([
        operation("DELETE", &b, "", &json!({ "force": true })),
        operation("PATCH", &a, "/2", &json!({ "name": "a" })),
    ]);
    for service in SERVICES {
        let answer = send(WRITER, service, &operations);
        let error = &answer.json()["error"];
        assert_eq!((answer.status, &error["context"]["error"]), (400, &json!([1])), "{service}");
        let own = &error["context"]["resource"][1];
        assert_eq!((&own["status_code"], &own["code"]), (&json!(400), &json!("23505")), "{service}");
        assert_eq!((a.rows(service).as_str(), b.rows(service).as_str()), (UNTOUCHED, UNTOUCHED), "{service}");
    }
}

#[test]
fn each_operation_is_permitted_by_itself_and_before_anything_runs_where_that_is_known() {
    let change = |stock: &Stock| operation("PATCH", stock, "/1", &json!({ "qty": 9 }));
    fails(
        CHANGER,
        |a, b| json!([change(a), operation("POST", b, "", &records(&json!({ "name": "d" })))]),
        &batch_error(1, &[], (401, UNAUTHORIZED)),
    );
    // A path that is known only later is decided then.
    fails(
        CHANGER,
        |a, b| json!([change(a), operation("DELETE", b, "/{0#/id}", &Json::Null)]),
        &batch_error(1, &[entry("0", &json!({ "id": 1 }))], (401, UNAUTHORIZED)),
    );
    fails(
        CHANGER,
        |a, b| {
            json!([
                change(a),
                operation("PATCH", b, "", &json!({ "upsert": true, "resource": [{ "id": 8 }] }))
            ])
        },
        &batch_error(1, &[], (401, UNAUTHORIZED)),
    );
}

#[test]
fn who_may_touch_nothing_of_a_service_sends_it_no_batch() {
    let body = json!({ "operations": [] });
    let batch = |key: &str| request("POST", "/api/v2/shop/_batch").key(key).body(&body);
    shop::shared().send(batch(NOBODY)).is_error(401, UNAUTHORIZED);
    shop::shared().send(batch(NOBODY).header("Accept", "image/png")).is_error(401, UNAUTHORIZED);
    send(OWNER, "mem-upsert", &json!([])).is_error(401, UNAUTHORIZED);
    let empty = "A batch has between 1 and 1000 operations.";
    shop::shared().send(batch(shop::READER)).is_error(400, empty);
    assert_eq!(shop::shared().send(batch(shop::READER).header("Accept", "image/png")).status, 406);
}

#[test]
fn row_rules_hold_inside_a_batch() {
    let own = |stock: &Stock| operation("PATCH", stock, "/1", &json!({ "qty": 9 }));
    let done = [entry("0", &json!({ "id": 1 }))];
    fails(
        OWNER,
        |a, b| json!([own(a), operation("DELETE", b, "/3", &Json::Null)]),
        &batch_error(1, &done, (404, "Record with identifier '3' not found.")),
    );
    let (a, b) = (Stock::new(), Stock::new());
    let foreign = json!([own(&a), operation("POST", &b, "", &records(&json!({ "name": "d", "owner": 8 })))]);
    for service in SERVICES {
        let error = send(OWNER, service, &foreign).json();
        let entry = &error["error"]["context"]["resource"][1]["context"]["resource"][0];
        assert_eq!(entry["status_code"], 403, "{service}: {error}");
        assert_eq!((a.rows(service).as_str(), b.rows(service).as_str()), (UNTOUCHED, UNTOUCHED), "{service}");
        let all = operation("DELETE", &b, "", &json!({ "force": true }));
        assert_eq!(send(OWNER, service, &json!([own(&a), all])).status, 200);
        assert_eq!(
            (a.rows(service).as_str(), b.rows(service).as_str()),
            ("1 a new 9 7|2 b new 2 7|3 c old 3 8", "3 c old 3 8")
        );
    }
}

#[test]
fn what_a_batch_can_not_do_is_refused_by_name_before_anything_runs() {
    let stock = Stock::new();
    let good = operation("PATCH", &stock, "/1", &json!({ "qty": 9 }));
    let check = |service: &str, bad: Json, (status, message): (u16, &str)| {
        send(WRITER, service, &json!([good, bad])).is_error(status, message);
        assert_eq!(stock.rows(service), UNTOUCHED, "{service} {bad}");
    };
    for service in SERVICES {
        let nested = json!({ "method": "POST", "path": "_batch", "body": {} });
        check(service, nested, (400, "Operation '1': a batch inside a batch is not supported."));
        let mut undone = good.clone();
        undone["query"] = json!({ "rollback": true });
        check(service, undone, (400, "Operation '1': 'rollback' is not supported inside a batch."));
        let later = operation("PATCH", &stock, "/{2#/id}", &json!({ "qty": 1 }));
        check(
            service,
            later,
            (400, "Operation '1': it refers to '2', and no operation before it has this id."),
        );
        let unread = json!({ "method": "GET", "path": format!("_table/{}", stock.table()), "query": { "offset": -1 } });
        let answer = send(WRITER, service, &json!([good, unread])).json();
        assert_eq!(answer["error"]["context"]["resource"][0]["context"]["parameter"], "offset", "{service}");
        assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
        for verb in ["GET", "PUT", "PATCH", "DELETE"] {
            let path = format!("/api/v2/{service}/_batch");
            shared().send(request(verb, &path).key(WRITER)).is_error(400, "A batch is sent with POST.");
        }
    }
    let refused = "A batch, which needs transactions, is not supported by this service.";
    check("mem-locked", good.clone(), (501, refused));
}

#[test]
fn batches_at_the_same_time_run_one_after_the_other() {
    const BATCHES: u8 = 12;
    let (a, b) = (Stock::new(), Stock::new());
    for service in SERVICES {
        let operations = json!([
            operation("GET", &a, "/1", &Json::Null),
            operation("PATCH", &b, "/1", &json!({ "qty": { "$ref": "0#/qty" } })),
            operation("PATCH", &a, "/1", &json!({ "qty": { "expression": "qty + 1" } })),
        ]);
        std::thread::scope(|scope| {
            for _ in 0..BATCHES {
                scope.spawn(|| assert_eq!(send(WRITER, service, &operations).status, 200, "{service}"));
            }
        });
        let qty =
            |stock: &Stock| shared().send(get(&stock.path(service, "/1")).key(WRITER)).json()["qty"].clone();
        // The last one read what all others had counted.
        assert_eq!((qty(&a), qty(&b)), (json!(1 + BATCHES), json!(BATCHES)), "{service}");
    }
}

#[test]
fn the_answers_that_a_batch_holds_are_bounded() {
    let gateway = setup("[server]\nmax_body_size = \"64KiB\"").start();
    let post = json!({
        "method": "POST", "path": "_table/stock0", "query": { "fields": "name" },
        "body": { "resource": [{ "name": "x".repeat(20_000) }] },
    });
    let again = json!({ "method": "GET", "path": "_table/stock0", "query": { "fields": "name" } });
    for service in SERVICES {
        let path = format!("/api/v2/{service}/_batch");
        let send = |operations: Json| {
            gateway.send(request("POST", &path).key(WRITER).body(json!({ "operations": operations })))
        };
        let answer = send(json!([post, again, again, again, again])).json();
        let context = &answer["error"]["context"];
        assert_eq!(context["error"], json!([3]), "{service}");
        let message = "The answers of this batch are larger than the 65536 bytes that this server holds; \
                       ask for fewer rows or fields, or send several batches.";
        assert_eq!(context["resource"][3]["message"], message, "{service}");
        assert_eq!(
            send(json!([{ "method": "GET", "path": "_table/stock0", "query": { "count_only": true } }]))
                .json()["resource"][0]["body"],
            3
        );
        assert_eq!(send(json!([post, again, again])).status, 200, "{service}");
    }
}

#[test]
fn a_batch_is_answered_in_the_form_that_is_asked_for() {
    let stock = Stock::new();
    let operations = json!([operation("GET", &stock, "/1", &json!({ "fields": "id" }))]);
    let asked = request("POST", "/api/v2/mem/_batch").with("accept", "application/x-ndjson").key(WRITER);
    let answer = shared().send(asked.body(json!({ "operations": operations })));
    answer.is_ok("{\"id\":\"0\",\"status\":200,\"body\":{\"id\":1}}\n");
}

#[test]
fn lists_in_a_batch_stand_under_the_configured_wrapper() {
    let gateway = setup("[answers]\nresources_wrapper = \"state\"").start();
    let operations = json!([
        { "method": "POST", "path": "_table/stock0", "body": { "state": [{ "name": "d" }] } },
        { "method": "PATCH", "path": "_table/stock0/{0#/state/0/id}", "query": { "fields": "state" }, "body": { "state": "x" } },
    ]);
    for service in SERVICES {
        let path = format!("/api/v2/{service}/_batch");
        let answer =
            gateway.send(request("POST", &path).key(WRITER).body(json!({ "operations": operations })));
        let lists = [entry("0", &json!({ "state": [{ "id": 4 }] })), entry("1", &json!({ "state": "x" }))];
        answer.is_ok(&json!({ "state": lists }).to_string());
    }
}
