//! Small requests that would cost much: each has a bound, and the refusal names it without repeating what was sent.

use serde_json::{Value as Json, json};

use crate::client::{Answer, Request, get, request};
use crate::shop::{READER, admin_token, reading, setup, shared};
use crate::stock::{self, SERVICES, Stock, UNTOUCHED, WRITER};

/// No refusal is longer.
const LONGEST: usize = 2_000;

#[track_caller]
fn check(answer: &Answer, status: u16, message: &str) {
    let text = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(answer.body.len() < LONGEST, "{} bytes", answer.body.len());
    assert_eq!((answer.status, text.as_str()), (status, message));
}

fn read(body: &Json) -> Request {
    request("POST", "/api/v2/shop/_table/orders").key(READER).header("X-HTTP-Method", "GET").body(body)
}

#[test]
fn lists_of_a_read_have_bounds() {
    let aggregates: Vec<String> = (0..30_000).map(|number| format!("COUNT(*) AS a{number}")).collect();
    let send = |body: &Json| shared().send(read(body));
    check(&send(&json!({ "fields": aggregates })), 400, "'fields' may have at most 2000 items");
    let most: Vec<_> = aggregates.into_iter().take(2_000).collect();
    assert_eq!(send(&json!({ "fields": most })).status, 200);
    let terms = vec!["id"; 2_001];
    check(&send(&json!({ "order": terms.join(",") })), 400, "'order' may have at most 100 items");
    check(&send(&json!({ "group": terms })), 400, "'group' may have at most 100 items");
    check(&send(&json!({ "id_field": terms, "ids": [1] })), 400, "'id_field' may have at most 100 items");
    check(&send(&json!({ "related": terms })), 400, "'related' may have at most 100 items");
}

#[test]
fn filters_have_bounds() {
    let send = |filter: &str| shared().send(read(&json!({ "filter": filter })));
    // Each level is one of the statement, too.
    let deep = |levels: usize| {
        format!("{}id = 1{}", "(not id = 2 and (".repeat(levels / 2), " or id = 3))".repeat(levels / 2))
    };
    assert_eq!(send(&deep(50)).status, 200);
    check(&send(&deep(1_000)), 400, "filter is nested too deeply; at most 50 levels are allowed");
    let many = |count| vec!["id=1"; count].join(" or ");
    assert_eq!(send(&many(1_000)).status, 200);
    check(&send(&many(1_001)), 400, "filter has too many comparisons; at most 1000 are allowed");
    for path in ["shop/_table/orders", "mem/_table/people"] {
        let send = |filter: &str| shared().send(reading(path).with("filter", filter));
        let message = "filter is nested too deeply; at most 115 levels are allowed, of which AND, OR and an operator take 2, NOT 1, \
                       NOR and a call 3";
        check(&send(&["id = 1"; 50].join(" nor ")), 400, message);
        let sum = format!("id = (id{})", " + 1".repeat(49));
        let inside = format!("{}{sum}{}", "not (id = 1 or (".repeat(16), "))".repeat(16));
        check(&send(&inside), 400, message);
    }
    let long = format!("name = '{}'", "x".repeat(65_536));
    check(&send(&long), 400, "filter is 65545 bytes long; at most 65536 bytes are allowed");
}

#[test]
fn a_refusal_does_not_repeat_a_long_name() {
    let name = "n".repeat(400_000);
    for option in ["fields", "order", "group"] {
        let answer = shared().send(read(&json!({ option: name })));
        assert!(answer.status == 400 && answer.body.len() < LONGEST, "{option}: {}", answer.body.len());
    }
}

#[test]
fn identifiers_of_a_write_have_a_bound() {
    let stock = Stock::new();
    let body = json!({ "ids": vec![1; 100_001], "resource": [{ "qty": 5 }] }).to_string();
    for service in SERVICES {
        for verb in ["PATCH", "DELETE"] {
            let answer = stock.send(WRITER, service, (verb, ""), &body);
            check(&answer, 400, "at most 100000 identifiers can be given at once");
        }
        assert_eq!(stock.rows(service), UNTOUCHED);
    }
}

/// `{base64_encode(base64_encode(…))}`.
fn nested(levels: usize, name: &str) -> String {
    format!("{{{}{name}{}}}", "base64_encode(".repeat(levels), ")".repeat(levels))
}

#[test]
fn lookups_have_bounds() {
    let message = "a lookup may have at most 8 functions around its name";
    let by_filter = |levels| {
        let filter = format!("note = '{}'", nested(levels, "user.email"));
        shared().send(get("/api/v2/shop/_table/people").with("filter", filter).token(admin_token()))
    };
    by_filter(8).is_ok(r#"{"resource":[]}"#);
    check(&by_filter(75), 400, message);
    let stock = Stock::new();
    for service in SERVICES {
        let record = |levels| json!({ "name": nested(levels, "app.name") }).to_string();
        check(&stock.send(WRITER, service, ("PATCH", "/1"), &record(75)), 400, message);
        assert_eq!(stock.rows(service), UNTOUCHED);
        assert_eq!(stock.send(WRITER, service, ("PATCH", "/1"), &record(3)).status, 200);
    }
}

#[test]
fn a_large_body_of_an_unknown_caller_is_not_read() {
    let ones = format!("[{}1]", "1,".repeat(100_000));
    let broken = format!("{{{ones}");
    let login = "/api/v2/system/admin/session";
    let orders = "/api/v2/shop/_table/orders";
    for body in [&ones, &broken] {
        let send = |path, key: &str| {
            let request = request("POST", path).body(body);
            shared().send(if key.is_empty() { request } else { request.key(key) })
        };
        let told = |answer: &Answer| answer.json()["error"]["message"].as_str().unwrap().to_owned();
        let nobody = send(orders, "");
        assert!(nobody.status == 400 && told(&nobody).starts_with("No session token"), "{}", nobody.body);
        let wrong = send(orders, "wrong");
        assert!(wrong.status == 401 && told(&wrong).starts_with("Unknown API Key"), "{}", wrong.body);
        // Here everybody may ask, but not at length.
        assert_eq!(send(login, "").status, 413);
    }
}

#[test]
fn a_key_may_stand_in_a_body_that_is_not_large() {
    let stock = Stock::new();
    let send = |name: &str| {
        let body = json!({ "api_key": WRITER, "resource": [{ "id": 1, "name": name }] });
        stock::shared().send(request("PATCH", &stock.path("mem", "")).body(body))
    };
    send(&"n".repeat(60_000)).is_ok(r#"{"resource":[{"id":1}]}"#);
    assert_eq!(send(&"n".repeat(70_000)).status, 400);
}

#[test]
fn the_length_of_a_filter_and_the_size_of_a_batch_are_configured() {
    let gateway = setup("[server]\nmax_filter_size = \"32B\"\nmax_batch_operations = 2").start();
    let filtered = |name: &str, length: usize| {
        let filter = format!("id > {}", "0".repeat(length - 5));
        reading("shop/_table/customers?related=*&fields=id&limit=1").with(name, filter)
    };
    for name in ["filter", "orders_by_customer_id.filter"] {
        assert_eq!(gateway.send(filtered(name, 32)).status, 200, "{name}");
        check(
            &gateway.send(filtered(name, 33)),
            400,
            "filter is 33 bytes long; at most 32 bytes are allowed",
        );
    }
    let batch = |count: usize| {
        let operations = vec![json!({"method": "GET", "path": "_table/customers/1"}); count];
        request("POST", "/api/v2/shop/_batch").key(READER).body(json!({ "operations": operations }))
    };
    assert_eq!(gateway.send(batch(2)).status, 200);
    check(&gateway.send(batch(3)), 400, "A batch has between 1 and 2 operations.");
}
