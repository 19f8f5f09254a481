//! A POST that stands for another verb, and options wherever they may be given: query string, body, aliases.

use serde_json::{Value as Json, json};

use crate::client::{Answer, Request, request};
use crate::shop::{NO_RECORDS, READER, admin_token, reading, shared};
use crate::stock::{self, SERVICES, Stock, WRITER};

const ORDERS: &str = "/api/v2/shop/_table/orders";
const READ: &str = r#"{"resource":[{"id":1}]}"#;

/// A POST of an administrator, so that only the verb decides what comes back.
fn post() -> Request {
    request("POST", ORDERS).with("fields", "id").with("limit", 1).token(admin_token())
}

/// A reader's POST that is a GET, with this body.
fn tunnelled(path: &str, body: &Json) -> Request {
    request("POST", &format!("/api/v2/{path}")).header("X-HTTP-Method", "GET").key(READER).body(body)
}

fn send(request: &Request) -> Answer {
    request.send(shared().address)
}

#[test]
fn each_source_overrides_a_post() {
    send(&post()).is_error(400, NO_RECORDS);
    for verb in ["GET", "get", " Get "] {
        send(&post().header("X-HTTP-Method-Override", verb)).is_ok(READ);
        send(&post().header("X-HTTP-Method", verb)).is_ok(READ);
        send(&post().header("X-Method-Override", verb)).is_ok(READ);
        send(&post().with("_method", verb)).is_ok(READ);
        send(&post().with("method", verb)).is_ok(READ);
    }
}

#[test]
fn the_strongest_source_wins() {
    let wins = |request: Request| send(&request).is_ok(READ);
    wins(post().header("X-HTTP-Method-Override", "GET").with("_method", "DELETE"));
    wins(post().with("_method", "GET").header("X-HTTP-Method", "DELETE"));
    wins(post().header("X-HTTP-Method", "GET").header("X-Method-Override", "DELETE"));
    wins(post().header("X-Method-Override", "GET").with("method", "DELETE"));
}

#[test]
fn a_form_may_say_the_verb_in_a_field() {
    let stock = Stock::new();
    for service in SERVICES {
        let form = |path: &str, fields: &str| {
            let request = request("POST", &stock.path(service, path)).key(WRITER).bytes(fields);
            request.header("Content-Type", "application/x-www-form-urlencoded")
        };
        let send = |request: Request| stock::shared().send(request);
        send(form("/1", "_method=put&state=x&qty=9")).is_ok(r#"{"id":1}"#);
        send(form("", "fields=name&limit=1&_method=GET")).is_ok(r#"{"resource":[{"name":"a"}]}"#);
        send(form("", "_method=DELETE&ids=2")).is_ok(r#"{"resource":[{"id":2}]}"#);
        // The strongest header and the query string go before it, the other headers behind.
        send(form("/1", "_method=DELETE").header("X-HTTP-Method-Override", "GET").with("fields", "qty"))
            .is_ok(r#"{"qty":9}"#);
        send(form("/1?_method=GET&fields=qty", "_method=DELETE")).is_ok(r#"{"qty":9}"#);
        send(form("/3", "_method=DELETE").header("X-HTTP-Method", "GET")).is_ok(r#"{"id":3}"#);
        let message = "The method BREW is not supported; use GET, POST, PUT, PATCH or DELETE.";
        send(form("/1", "_method=brew")).is_error(405, message);
        assert_eq!(stock.rows(service), "1 a x 9 7", "{service}");
    }
}

#[test]
fn only_a_post_is_overridden() {
    let nothing = "No filter or records given for delete request.";
    for (verb, refused) in
        [("PUT", NO_RECORDS), ("PATCH", NO_RECORDS), ("MERGE", NO_RECORDS), ("DELETE", nothing)]
    {
        let target = format!("{ORDERS}?method=GET");
        let request = request(verb, &target).header("X-HTTP-Method", "GET").token(admin_token());
        send(&request).is_error(400, refused);
    }
    let request =
        request("GET", ORDERS).with("fields", "id").with("limit", 1).header("X-HTTP-Method", "DELETE");
    send(&request.key(READER)).is_ok(READ);
}

#[test]
fn an_unknown_verb_is_refused() {
    let message = "The method BREW is not supported; use GET, POST, PUT, PATCH or DELETE.";
    send(&post().header("X-HTTP-Method", "brew")).is_error(405, message);
    send(&request("BREW", ORDERS).token(admin_token())).is_error(405, message);
}

#[test]
fn permission_is_asked_for_the_verb_that_is_meant() {
    let request = request("POST", ORDERS).key(READER);
    send(&request.clone().header("X-HTTP-Method", "DELETE"))
        .is_error(401, "Unauthorized. User is not authenticated.");
    send(&request.header("X-HTTP-Method", "GET").with("count_only", true)).is_ok("5");
}

#[test]
fn a_long_filter_travels_in_a_body() {
    let body = json!({
        "filter": "(status = :s) AND (total > :t)",
        "params": { ":s": "paid", ":t": 20 },
        "order": "total desc",
        "fields": ["id", "total"],
    });
    send(&tunnelled("shop/_table/orders", &body))
        .is_ok(r#"{"resource":[{"id":3,"total":99.99},{"id":2,"total":25.5}]}"#);
}

/// The body of a GET gives the same answer as a query string.
#[track_caller]
fn check_body(body: &Json, query: &[(&str, &str)], expected: &str) {
    send(&tunnelled("shop/_table/orders", body)).is_ok(expected);
    request("GET", ORDERS).key(READER).body(body).send(shared().address).is_ok(expected);
    let in_query = reading("shop/_table/orders");
    let in_query = query.iter().fold(in_query, |request, (name, value)| request.with(name, value));
    send(&in_query).is_ok(expected);
}

#[test]
fn each_option_may_stand_in_the_body() {
    let ids = |ids: &[u8]| {
        let rows: Vec<Json> = ids.iter().map(|id| json!({ "id": id })).collect();
        format!(r#"{{"resource":{}}}"#, Json::from(rows))
    };
    check_body(
        &json!({ "fields": ["id", "status"], "limit": 1 }),
        &[("fields", "id,status"), ("limit", "1")],
        r#"{"resource":[{"id":1,"status":"new"}]}"#,
    );
    check_body(&json!({ "fields": "id", "ids": [3, 1] }), &[("fields", "id"), ("ids", "3,1")], &ids(&[3, 1]));
    check_body(&json!({ "fields": "id", "ids": "3,1" }), &[("fields", "id"), ("ids", "3,1")], &ids(&[3, 1]));
    check_body(
        &json!({ "fields": "id", "filter": "status=paid" }),
        &[("fields", "id"), ("filter", "status=paid")],
        &ids(&[2, 3]),
    );
    check_body(
        &json!({ "fields": "id", "limit": "2", "offset": 1, "order": "id desc" }),
        &[("fields", "id"), ("limit", "2"), ("offset", "1"), ("order", "id desc")],
        &ids(&[4, 3]),
    );
    check_body(&json!({ "count_only": true }), &[("count_only", "true")], "5");
    // Those that had to stand in the query string before.
    check_body(
        &json!({ "as_list": true, "id_field": ["status"], "limit": 2 }),
        &[("as_list", "true"), ("id_field", "status"), ("limit", "2")],
        r#"{"resource":["new","paid"]}"#,
    );
    check_body(
        &json!({ "fields": "id", "limit": 1, "include_count": true }),
        &[("fields", "id"), ("limit", "1"), ("include_count", "true")],
        r#"{"resource":[{"id":1}],"meta":{"count":5,"next":1}}"#,
    );
}

#[test]
fn records_in_the_body_are_asked_for_by_their_identifiers() {
    let records = json!({ "resource": [{ "id": 4, "status": "ignored" }, { "id": 2 }], "fields": "id" });
    send(&tunnelled("shop/_table/orders", &records)).is_ok(r#"{"resource":[{"id":4},{"id":2}]}"#);
    let line = json!({ "ids": [{ "line": 2, "order_id": 1 }, [3, 1]], "fields": "qty" });
    send(&tunnelled("shop/_table/order_items", &line)).is_ok(r#"{"resource":[{"qty":1},{"qty":7}]}"#);
}

#[test]
fn the_query_string_wins_over_the_body() {
    let body = json!({ "limit": 3, "fields": "total", "filter": "id = 5", "params": { ":x": "new" } });
    let request = tunnelled("shop/_table/orders", &body).with("limit", 1).with("fields", "id");
    send(&request.clone()).is_ok(r#"{"resource":[{"id":5}]}"#);
    let filtered = request.with("filter", "status = :x");
    send(&filtered).is_ok(READ);
    send(&filtered.with("params[:x]", "paid")).is_ok(r#"{"resource":[{"id":2}]}"#);
}

#[test]
fn each_alias_counts_where_the_main_name_is_absent() {
    let read = |pairs: &[(&str, &str)]| {
        let request = reading("shop/_table/orders");
        send(&pairs.iter().fold(request, |request, (name, value)| request.with(name, value)))
    };
    let five = r#"{"resource":[{"id":5}]}"#;
    for name in ["order", "sort", "order_by"] {
        read(&[("select", "id"), ("where", "total is null"), (name, "id desc")]).is_ok(five);
        read(&[("select", "id"), (name, "id desc"), ("top", "1")]).is_ok(five);
    }
    read(&[("select", "id"), ("skip", "4")]).is_ok(five);
    read(&[
        ("fields", "id"),
        ("select", "total"),
        ("limit", "1"),
        ("top", "3"),
        ("offset", "4"),
        ("skip", "1"),
    ])
    .is_ok(five);
    read(&[
        ("fields", "id"),
        ("filter", "id = 5"),
        ("where", "id = 1"),
        ("order", "id"),
        ("sort", "nothing"),
    ])
    .is_ok(five);
    let body = json!({ "select": ["id"], "where": "id > 3", "top": 1, "skip": 1, "sort": "id" });
    send(&tunnelled("shop/_table/orders", &body)).is_ok(five);
}

#[test]
fn words_for_true_are_true_and_all_others_false() {
    let counted = |value: &str| {
        reading("shop/_table/orders").with("count_only", value).send(shared().address).body == "5"
    };
    for word in ["true", "1", "yes", "on", "y", "t", "TRUE", "Yes", "ON"] {
        assert!(counted(word), "{word}");
    }
    for word in ["false", "0", "no", "off", "n", "f", "", "2", "truth"] {
        assert!(!counted(word), "{word}");
    }
    for (value, is_true) in
        [(json!(true), true), (json!(1), true), (json!("yes"), true), (json!(0), false), (json!(null), false)]
    {
        let answer = send(&tunnelled("shop/_table/orders", &json!({ "count_only": value })));
        assert_eq!(answer.body == "5", is_true, "{value}");
    }
}

#[test]
fn lists_may_have_an_item_in_each_parameter() {
    for (first, second) in [("[]", "[]"), ("[0]", "[1]")] {
        let answer = reading("shop/_table/orders")
            .with(&format!("ids{first}"), "2")
            .with(&format!("fields{first}"), "id")
            .with(&format!("ids{second}"), "1")
            .with(&format!("fields{second}"), "status")
            .send(shared().address);
        answer.is_ok(r#"{"resource":[{"id":2,"status":"paid"},{"id":1,"status":"new"}]}"#);
    }
}

#[test]
fn lists_may_have_blanks_and_stray_commas() {
    let answer = reading("shop/_table/orders")
        .with("fields", ", id , status,,")
        .with("ids", " 2 ,1,")
        .send(shared().address);
    answer.is_ok(r#"{"resource":[{"id":2,"status":"paid"},{"id":1,"status":"new"}]}"#);
}

#[test]
fn a_tunnelled_head_has_a_body_that_fits_its_length() {
    send(&post().header("X-HTTP-Method", "HEAD")).is_ok(READ);
}
