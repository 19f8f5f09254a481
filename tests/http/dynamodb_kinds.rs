//! What nobody declared binds nobody, in a store whose keys alone have types; whole rows back from writes; limits by their names.

use serde_json::{Value as Json, json};

use crate::client::{Answer, request};
use crate::dynamodb::World;
use crate::dynamodb_versions::{native, send, tag};
use crate::shop::READER;

/// All of it, on one running store.
pub(crate) fn all(world: &World) {
    values_and_filters_keep_their_kind(world);
    keys_are_of_their_declared_type(world);
    writes_give_back_whole_rows(world);
    a_row_keeps_its_version_whatever_others_have(world);
    a_number_is_answered_as_it_is_stored(world);
    limits_are_told_by_their_names(world);
    a_new_table_is_there_at_once(world);
}

#[track_caller]
fn refresh(world: &World) {
    let answer = world.read("things", &[("refresh", "true"), ("limit", "1")]);
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[track_caller]
fn write(world: &World, verb: &str, path: &str, body: &Json) -> Json {
    let request = request(verb, &format!("/api/v2/store/_table/{path}")).key(READER);
    let answer = world.gateway.send(if body.is_null() { request } else { request.body(body) });
    assert_eq!(answer.status, 200, "{verb} {path}: {}", answer.body);
    answer.json()
}

/// 'n' was seen as a number, 'size' as a text, 'doc' as a document.
fn values_and_filters_keep_their_kind(world: &World) {
    let values = [
        json!("007"),
        json!("x"),
        json!(7),
        json!(true),
        json!([1]),
        json!({"a": 1}),
        json!(null),
        json!("AAEC"),
    ];
    for (place, value) in values.iter().enumerate() {
        let id = format!("kind {place}");
        write(
            world,
            "POST",
            "things",
            &json!([{"id": id, "test": "kinds", "n": value, "size": value, "doc": value}]),
        );
        let row = world.read("things", &[("ids", &id), ("fields", "n,size,doc")]).json();
        assert_eq!(row["resource"][0], json!({"n": value, "size": value, "doc": value}));
    }
    for (filter, expected) in [
        ("n = '007'", json!("007")),
        ("n = 7", json!(7)),
        ("size = 7", json!(7)),
        ("n = x", json!("x")),
        ("size = true", json!(true)),
    ] {
        let filter = format!("(test = kinds) and ({filter})");
        let rows = world.read("things", &[("filter", &filter), ("fields", "n")]).json();
        assert_eq!(rows["resource"], json!([{"n": expected}]), "{filter}");
    }
}

fn keys_are_of_their_declared_type(world: &World) {
    write(world, "POST", "things", &json!([{"id": "88", "n": 1}]));
    write(world, "PATCH", "things/88", &json!({"n": 2}));
    write(world, "PUT", "things/88?upsert=true", &json!({"n": 3}));
    for filter in ["id = 88", "id = '88'"] {
        let rows = world.read("things", &[("filter", filter), ("fields", "id,n")]).json();
        assert_eq!(rows["resource"], json!([{"id": "88", "n": 3}]), "{filter}");
    }
    let rows = world.read("orders", &[("filter", "id = '7'"), ("fields", "id")]).json();
    assert_eq!(rows["resource"], json!([{"id": 7}]));
    let refused = world.read("orders", &[("filter", "id = x")]);
    assert_eq!(refused.status, 400, "{}", refused.body);
}

fn writes_give_back_whole_rows(world: &World) {
    let of = |answer: Json| answer["resource"][0].clone();
    let mut row = json!({"id": "whole", "n": 1, "unheard": {"a": [1, null]}});
    assert_eq!(of(write(world, "POST", "things?fields=*", &json!([row]))), row);
    row["more"] = json!(true);
    let changed = write(world, "PATCH", "things/whole?fields=*", &json!({"more": true}));
    assert_eq!(changed, row);
    let changed =
        write(world, "PATCH", "things?fields=*&rollback=true", &json!([{"id": "whole", "more": true}]));
    assert_eq!(of(changed), row);
    let changed = write(world, "PATCH", "things?fields=*&filter=id%20%3D%20whole", &json!([{"n": 1}]));
    assert_eq!(of(changed), row);
    assert_eq!(of(write(world, "DELETE", "things?fields=*&ids=whole", &Json::Null)), row);
}

fn a_row_keeps_its_version_whatever_others_have(world: &World) {
    write(world, "POST", "things", &json!([{"id": "small", "zz": 1, "aa": {"b": 2}}]));
    refresh(world);
    let first = tag(world, "things/small");
    let wide: serde_json::Map<String, Json> =
        (0..250).map(|number| (format!("wide_{number}"), json!(number))).collect();
    let wide = json!([{"id": "very wide"}, wide]).as_array().map(|parts| merged(parts)).unwrap();
    write(world, "POST", "things", &json!([wide]));
    refresh(world);
    assert_eq!(tag(world, "things/small"), first);
    let written = send(world, ("PATCH", "things/small"), ("If-Match", &first), &json!({"wide_7": 1}));
    written.is_ok(r#"{"id":"small"}"#);
    assert_eq!(written.header("etag"), tag(world, "things/small"));
    let any = send(world, ("PATCH", "things/small"), ("If-Match", "*"), &json!({"zz": 2}));
    assert_eq!(any.header("etag"), tag(world, "things/small"));
    // What the write sets must not have come meanwhile.
    native(
        world,
        "PutItem",
        &json!({"TableName": "things", "Item": {"id": {"S": "small"}, "zz": {"N": "2"}}}),
    );
    let second = tag(world, "things/small");
    native(
        world,
        "PutItem",
        &json!({"TableName": "things", "Item": {"id": {"S": "small"}, "zz": {"N": "2"}, "wide_7": {"N": "1"}}}),
    );
    let lost = send(world, ("PATCH", "things/small"), ("If-Match", &second), &json!({"wide_7": 2}));
    assert_eq!(lost.status, 412, "{}", lost.body);
    write(world, "DELETE", "things/very%20wide", &Json::Null);
    refresh(world);
}

fn merged(parts: &[Json]) -> Json {
    let members = parts.iter().filter_map(Json::as_object).flatten();
    Json::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn a_number_is_answered_as_it_is_stored(world: &World) {
    let number = |digits: &str| serde_json::from_str::<Json>(digits).unwrap();
    let record = json!([{"id": number("7001.0"), "total": number("12.50"), "note": number("-0.0")}]);
    let answer = world.write("POST", "orders?fields=id,total,note", &record);
    answer.is_ok(r#"{"resource":[{"id":7001,"total":12.5,"note":0}]}"#);
    world.read("orders", &[("ids", "7001"), ("fields", "id,total,note")]).is_ok(&answer.body);
    write(world, "DELETE", "orders/7001", &Json::Null);
}

fn limits_are_told_by_their_names(world: &World) {
    let nested = (0..40).fold(json!(1), |inner, _| json!([inner]));
    let wide = |bytes: usize| "x".repeat(bytes);
    let many: Vec<Json> =
        (0..20).map(|id| json!({"id": format!("big {id}"), "text": wide(300_000)})).collect();
    for (path, body, message) in [
        ("things", json!([{"id": wide(2100)}]), "a partition key may hold at most 2048 bytes"),
        ("things", json!([{"id": "deep", "doc": nested}]), "32 levels"),
        ("things", json!([{"id": "name", wide(65_536): 1}]), "more than 65535 bytes"),
        ("things", json!([{"id": "name", "doc": {wide(65_536): 1}}]), "at most 65535 bytes"),
        ("things", json!([{"id": "large", "text": wide(410_000)}]), "a row may hold at most 400 KB"),
        ("things?rollback=true", json!(many), "may hold at most 4 MB"),
    ] {
        let refused = world.write("POST", path, &body);
        assert!(refused.status >= 400 && refused.body.contains(message), "{message}: {}", told(&refused));
    }
}

/// The beginning of an answer that may be long.
fn told(answer: &Answer) -> String {
    answer.body.chars().take(500).collect()
}

fn a_new_table_is_there_at_once(world: &World) {
    native(
        world,
        "CreateTable",
        &json!({
            "TableName": "created",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        }),
    );
    // A name that is not known is looked for once a second.
    let until = std::time::Instant::now() + crate::client::LIMIT;
    let found = || world.gateway.send(request("GET", "/api/v2/store/_table/created").key(READER)).status;
    while found() != 200 {
        assert!(std::time::Instant::now() < until, "the new table is not found");
        std::thread::yield_now();
    }
}
