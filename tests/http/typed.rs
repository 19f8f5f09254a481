//! Filters on columns that have a type in the store: a text stands for a value of that type, or is refused. Never does it find nothing
//! because of its form.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};

use crate::client::get;
use crate::gateway::Gateway;
use crate::shop::{READER, setup};

const CONFIG: &str = r#"
[[services]]
name = "typed"
type = "memory"
config = { file = "typed.json" }

[[roles]]
name = "lately"

[[roles.access]]
service = "typed"
component = "_table/*"
verbs = ["GET"]
filters = [{ name = "ts", operator = ">=", value = "2024-01-01" }]

[[apps]]
name = "lately"
role = "lately"
api_key = "lately"
"#;

fn gateway() -> &'static Gateway {
    static GATEWAY: OnceLock<Gateway> = OnceLock::new();
    GATEWAY.get_or_init(|| {
        let setup = setup(CONFIG);
        setup.write("typed.json", include_str!("typed.json"));
        setup.start()
    })
}

#[track_caller]
fn finds(key: &str, filter: &str, ids: &[u8]) {
    let rows: Vec<Json> = ids.iter().map(|id| json!({ "id": id })).collect();
    let request = get("/api/v2/typed/_table/things?fields=id").key(key).with("filter", filter);
    gateway().send(request).is_ok(&json!({ "resource": rows }).to_string());
}

#[track_caller]
fn refuses(filter: &str, position: usize, message: &str) {
    let request = get("/api/v2/typed/_table/things?fields=id").key(READER).with("filter", filter);
    let context = json!({ "parameter": "filter", "position": position });
    let message = message.replace('<', "&lt;").replace('>', "&gt;");
    gateway().send(request).is_error_with(400, &message, &context);
}

#[test]
fn a_text_stands_for_a_value_of_its_columns_type() {
    for (filter, ids) in [
        ("ts > '2024-01-01'", &[3][..]),
        ("ts >= 2024-01-01", &[2, 3]),
        ("ts between '2024-01-01' and '2025-01-01'", &[2, 3]),
        ("ts = '2024-01-01T02:00:00+02:00'", &[2]),
        ("ts in ('2024-06-01 10:30', '2024-01-01 00:00:00')", &[2, 3]),
        ("ts < ('2024-01-01')", &[1]),
        ("dt > '2024-01-01'", &[3]),
        ("dt = '2024-06-01T10:30'", &[3]),
        ("dt not between 2024-01-01 and 2024-02-01", &[1, 3]),
        ("da >= '2024-02-29 00:00:00'", &[2, 3]),
        ("da != 2024-02-29T00:00", &[1, 3]),
        ("ti > '12:00'", &[3]),
        ("ti = '12:00:00.0'", &[2]),
        ("u = '123E4567-E89B-12D3-A456-426614174001'", &[2]),
        ("u > 123e4567-e89b-12d3-a456-426614174001", &[3]),
        ("f = 0.1", &[1]),
        ("f = (0.1)", &[1]),
        ("f in (0.1, '0.2')", &[1, 2]),
        ("f > 0.1", &[2, 3]),
        ("f < 1e300", &[1, 2, 3]),
    ] {
        finds(READER, filter, ids);
    }
}

#[test]
fn a_text_that_is_no_value_of_its_columns_type_is_refused() {
    let day = "Field 'da' must be a valid date such as 2024-05-01.";
    let local = "Field 'dt' must be a valid date and time such as 2024-05-01 12:30:00, without a zone.";
    let point =
        "Field 'ts' must be a valid point in time such as 2024-05-01T12:30:00Z or 2024-05-01T14:30:00+02:00.";
    refuses("da = yesterday", 5, day);
    refuses("da > '2024-02-29 10:00:00'", 5, day);
    refuses("da in (2024-02-29, 2023-02-29)", 19, day);
    refuses("da > ('yesterday')", 6, day);
    refuses("ti > noon", 5, "Field 'ti' must be a valid time such as 12:30:00.");
    refuses("dt > 'yesterday'", 5, local);
    refuses("dt > '2024-01-01T00:00:00Z'", 5, local);
    refuses("ts between 2024-01-01 and never", 26, point);
    refuses(
        "u = 'nonsense'",
        4,
        "Field 'u' must be a valid uuid such as 123e4567-e89b-12d3-a456-426614174000.",
    );
    refuses("f = a", 4, "Field 'f' must be a valid number.");
}

#[test]
fn what_is_no_text_is_searched_as_the_text_that_answers_show() {
    for (filter, ids) in [
        ("id like '1%'", &[1][..]),
        ("id contains 3", &[3]),
        ("id not like '_'", &[]),
        ("da like '2024-02-%'", &[1, 2]),
        ("da ends with -01", &[3]),
        ("ti contains '.5'", &[3]),
        ("dt starts with 2024-01", &[2]),
        ("ts ilike '2023-12-31t%z'", &[1]),
        ("u contains 'A456'", &[1, 2, 3]),
        ("u like '%2'", &[3]),
        ("f like '0._'", &[1, 2]),
        ("f = 16777216 and f starts with 1677", &[3]),
    ] {
        finds(READER, filter, ids);
    }
}

#[test]
fn bytes_are_not_searched() {
    let message = "Field 'b' can't be searched by LIKE, CONTAINS, STARTS WITH or ENDS WITH: it holds no text. Compare it by = < > IN or \
                   BETWEEN.";
    for search in ["like '1%'", "not ilike 1", "contains 1", "starts with 1", "ends with 1"] {
        refuses(&format!("b {search}"), 0, message);
    }
}

#[test]
fn a_rules_text_stands_for_a_value_of_its_columns_type() {
    finds("lately", "", &[2, 3]);
    finds("lately", "id < 3", &[2]);
}

#[test]
fn an_identifier_stands_for_a_value_of_its_columns_type() {
    let read = |path: &str| gateway().send(get(&format!("/api/v2/typed/_table/{path}")).key(READER));
    read("by_day/2024-02-29T00:00:00?fields=name").is_ok(r#"{"name":"leap"}"#);
    read("by_day?ids=2024-02-29&fields=name").is_ok(r#"{"resource":[{"name":"leap"}]}"#);
    let upper = "things?id_field=u&ids=123E4567-E89B-12D3-A456-426614174001&fields=id";
    read(upper).is_ok(r#"{"resource":[{"id":2}]}"#);
    let context = json!({ "parameter": "ids", "position": null });
    read("by_day/today").is_error_with(400, "Field 'day' must be a valid date such as 2024-05-01.", &context);
}
