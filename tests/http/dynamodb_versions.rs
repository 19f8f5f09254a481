//! Writes on condition in a store without transactions of several calls: the rules of `conditional`, kept by the store's own conditions.

use serde_json::{Value as Json, json};

use crate::client::{Answer, Request, request};
use crate::conditional::{at_once, count, is_unmet};
use crate::dynamodb::World;
use crate::shop::READER;

/// All of it, on one running store.
pub(crate) fn all(world: &World) {
    every_value_of_a_row_counts_and_none_is_lost_on_the_way(world);
    what_is_read_and_written_back_keeps_its_types(world);
    a_row_is_written_only_in_the_version_that_is_named(world);
    a_row_is_created_only_where_there_is_none(world);
    of_many_writers_with_the_same_version_one_succeeds(world);
    with_an_attribute_of_versions_no_member_is_overlooked(world);
    of_many_creators_of_the_same_row_one_succeeds(world);
    of_writers_that_only_want_a_row_none_is_in_the_way_of_others(world);
    row_rules_hold_for_a_conditional_write(world);
    a_row_that_no_condition_can_hold_is_refused_by_name(world);
    a_member_of_a_document_in_the_answer_does_not_change_the_version(world);
    a_dot_in_a_name_is_no_path_unless_it_is_asked_for(world);
}

fn a_member_of_a_document_in_the_answer_does_not_change_the_version(world: &World) {
    let made = json!({ "resource": [{ "id": "inside", "doc": { "a": { "b": 1 } } }] });
    send(world, ("POST", "things"), ("X-Request-Id", "x"), &made).is_ok(r#"{"resource":[{"id":"inside"}]}"#);
    let before = tag(world, "things/inside");
    let change = json!({ "more": 1 });
    let changed = send(world, ("PATCH", "things/inside?fields=doc.a.b"), ("If-Match", &before), &change);
    changed.is_ok(r#"{"doc.a.b":1}"#);
    assert_eq!(changed.header("etag"), tag(world, "things/inside"));
}

fn a_dot_in_a_name_is_no_path_unless_it_is_asked_for(world: &World) {
    let item = |id: &str, name: &str, value: Json| json!({ "TableName": "things", "Item": { "id": {"S": id}, name: value } });
    native(world, "PutItem", &item("dotted", "a.b", json!({"N": "1"})));
    native(world, "PutItem", &item("nested", "a", json!({"M": {"b": {"N": "2"}}})));
    let refreshed = world.gateway.send(row("GET", "things?refresh=true&ids=dotted,nested"));
    refreshed.is_ok(r#"{"resource":[{"id":"dotted","a.b":1},{"id":"nested","a":{"b":2}}]}"#);
    let named = world.gateway.send(row("GET", "things?ids=nested&fields=a.b"));
    named.is_ok(r#"{"resource":[{"a.b":2}]}"#);
    for id in ["dotted", "nested"] {
        let path = format!("things/{id}");
        let changed = send(world, ("PATCH", &path), ("If-Match", &tag(world, &path)), &json!({ "more": 1 }));
        assert_eq!(changed.status, 200, "{id}: {}", changed.body);
    }
}

fn row(verb: &str, path: &str) -> Request {
    request(verb, &format!("/api/v2/store/_table/{path}")).key(READER)
}

#[track_caller]
pub(crate) fn send(world: &World, (verb, path): (&str, &str), header: (&str, &str), body: &Json) -> Answer {
    let request = row(verb, path).header(header.0, header.1);
    world.gateway.send(if body.is_null() { request } else { request.body(body) })
}

#[track_caller]
pub(crate) fn tag(world: &World, path: &str) -> String {
    let answer = world.gateway.send(row("GET", path));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.header("etag").to_owned()
}

/// Asks the store itself, past the gateway.
#[track_caller]
pub(crate) fn native(world: &World, operation: &str, body: &Json) {
    let credential = "AWS4-HMAC-SHA256 Credential=test/20240101/eu-west-1/dynamodb/aws4_request, \
                      SignedHeaders=host;x-amz-date;x-amz-target, Signature=0";
    let answer = request("POST", "/")
        .header("Content-Type", "application/x-amz-json-1.0")
        .header("X-Amz-Target", format!("DynamoDB_20120810.{operation}"))
        .header("Authorization", credential)
        .bytes(body.to_string())
        .send(world.address.parse().unwrap());
    assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
}

/// An attribute of each type of the store, with the values that are lost most easily.
fn attributes() -> Json {
    json!({
        "id": {"S": "all"},
        "n": {"N": "12345678901234567890123456789012345678"},
        "small": {"N": "-0.1"},
        "size": {"S": ""},
        "bytes": {"B": "AAEC/w=="},
        "no_bytes": {"B": ""},
        "truth": {"BOOL": true},
        "nothing": {"NULL": true},
        "texts": {"SS": ["b", "a"]},
        "numbers": {"NS": ["1", "12345678901234567890.5"]},
        "binaries": {"BS": ["AA==", "AQ=="]},
        "list": {"L": [{"N": "1"}, {"NULL": true}, {"L": []}, {"S": "x"}]},
        "doc": {"M": {"a.b": {"N": "0.1"}, "m": {"M": {}}, "nothing": {"NULL": true}}},
        "a.b": {"S": "a dot"},
        "#n0": {"S": ":v0"},
    })
}

fn every_value_of_a_row_counts_and_none_is_lost_on_the_way(world: &World) {
    let attributes = attributes();
    native(world, "PutItem", &json!({"TableName": "things", "Item": attributes}));
    // What was read is what the store finds, so this is done.
    let first = tag(world, "things/all");
    let written = send(world, ("PATCH", "things/all"), ("If-Match", &first), &json!({"extra": 1}));
    written.is_ok(r#"{"id":"all"}"#);
    assert_eq!(written.header("etag"), tag(world, "things/all"));
    assert_eq!(tag(world, "things/all?fields=doc.m,extra,texts"), written.header("etag"));
    for name in attributes.as_object().unwrap().keys().filter(|name| *name != "id") {
        native(world, "PutItem", &json!({"TableName": "things", "Item": attributes}));
        assert_eq!(tag(world, "things/all"), first);
        let mut changed = attributes.clone();
        changed[name] = json!({"S": "another"});
        native(world, "PutItem", &json!({"TableName": "things", "Item": changed}));
        is_unmet(
            &send(world, ("PATCH", "things/all"), ("If-Match", &first), &json!({"extra": 1})),
            "If-Match",
        );
    }
}

/// Sets and bytes at the top, in a map and in a list.
fn what_is_read_and_written_back_keeps_its_types(world: &World) {
    let mut attributes = attributes();
    let names = ["bytes", "texts", "numbers", "binaries"];
    let inner: Json = names.iter().map(|name| ((*name).to_owned(), attributes[*name].clone())).collect();
    attributes["inner"] = json!({"M": inner});
    attributes["items"] = json!({"L": [attributes["bytes"], attributes["texts"]]});
    native(world, "PutItem", &json!({"TableName": "things", "Item": attributes}));
    let (version, record) = (tag(world, "things/all"), world.gateway.send(row("GET", "things/all")).json());
    let listed = json!({"resource": [record]});
    for (verb, path, body) in [
        ("PATCH", "things/all", &record),
        ("PUT", "things/all", &record),
        ("PATCH", "things", &listed),
        ("PUT", "things?upsert=true", &listed),
        ("PATCH", "things?rollback=true", &listed),
    ] {
        let answer = world.gateway.send(row(verb, path).body(body));
        assert_eq!(answer.status, 200, "{verb} {path}: {}", answer.body);
        // The version is of the values with their types.
        assert_eq!(tag(world, "things/all"), version, "{verb} {path}");
    }
}

fn a_row_is_written_only_in_the_version_that_is_named(world: &World) {
    world.write("POST", "things", &json!([{"id": "one", "n": 1, "mine": [1]}, {"id": "two", "n": 2}]));
    let first = tag(world, "things/one");
    let write = |verb, value: &str, body: &Json| send(world, (verb, "things/one"), ("If-Match", value), body);
    let answer = write("PATCH", &first, &json!({"n": 5, "added": "x"}));
    answer.is_ok(r#"{"id":"one"}"#);
    let second = answer.header("etag").to_owned();
    assert_eq!(second, tag(world, "things/one"));
    for verb in ["PATCH", "PUT", "DELETE"] {
        let body = if verb == "DELETE" { Json::Null } else { json!({"n": 6}) };
        is_unmet(&write(verb, &first, &body), "If-Match");
        is_unmet(&write(verb, &format!("W/{second}"), &body), "If-Match");
    }
    is_unmet(&send(world, ("PATCH", "things/none"), ("If-Match", "*"), &json!({"n": 6})), "If-Match");
    let upsert = ("PATCH", "things/none?upsert=true");
    is_unmet(&send(world, upsert, ("If-Match", "*"), &json!({"n": 6})), "If-Match");
    world.gateway.send(row("GET", "things/none")).is_error(404, "Record with identifier 'none' not found.");
    let replaced = write("PUT", &format!("{first}, {second}"), &json!({"n": 7}));
    replaced.is_ok(r#"{"id":"one"}"#);
    assert_eq!(replaced.header("etag"), tag(world, "things/one"));
    world.gateway.send(row("GET", "things/one?fields=*")).is_ok(r#"{"id":"one","n":7}"#);
    let other = send(world, ("PATCH", "things/one"), ("If-None-Match", &first), &json!({"n": 8}));
    other.is_ok(r#"{"id":"one"}"#);
    is_unmet(
        &send(world, ("PATCH", "things/one"), ("If-None-Match", other.header("etag")), &json!({"n": 9})),
        "If-None-Match",
    );
    write("DELETE", other.header("etag"), &Json::Null).is_ok(r#"{"id":"one"}"#);
    send(world, ("DELETE", "things/two"), ("If-Match", "*"), &Json::Null).is_ok(r#"{"id":"two"}"#);
}

fn a_row_is_created_only_where_there_is_none(world: &World) {
    let create = |path: &str, n: i64| send(world, ("PUT", path), ("If-None-Match", "*"), &json!({"n": n}));
    let answer = create("things/new?upsert=true", 1);
    answer.is_ok(r#"{"id":"new"}"#);
    assert_eq!(answer.header("etag"), tag(world, "things/new"));
    is_unmet(&create("things/new?upsert=true", 2), "If-None-Match");
    is_unmet(&create("things/new", 2), "If-None-Match");
    create("things/newer", 2).is_error(404, "Record with identifier 'newer' not found.");
    world.gateway.send(row("GET", "things/new?fields=n")).is_ok(r#"{"n":1}"#);
}

#[track_caller]
fn one_wins(statuses: &[u16]) {
    assert_eq!((count(statuses, 200), count(statuses, 412)), (1, statuses.len() - 1), "{statuses:?}");
}

fn of_many_writers_with_the_same_version_one_succeeds(world: &World) {
    for (id, verb) in [("merged", "PATCH"), ("replaced", "PUT"), ("removed", "DELETE")] {
        world.write("POST", "things", &json!([{"id": id, "n": 0, "doc": {"list": [1, null]}}]));
        let path = format!("things/{id}");
        let first = tag(world, &path);
        let answers = at_once(|number| {
            let body = json!({"n": number + 1, format!("by_{number}"): true});
            let body = if verb == "DELETE" { Json::Null } else { body };
            let answer = send(world, (verb, &path), ("If-Match", &first), &body);
            (answer.status, answer.header("etag").to_owned())
        });
        one_wins(&answers.iter().map(|(status, _)| *status).collect::<Vec<_>>());
        if verb != "DELETE" {
            let winner = answers.iter().find(|(status, _)| *status == 200).unwrap();
            assert_eq!(winner.1, tag(world, &path), "{verb}");
        }
    }
}

/// Each adds a member that the others know nothing of. Only an attribute that changes with every write keeps them apart.
fn with_an_attribute_of_versions_no_member_is_overlooked(world: &World) {
    let row = |verb: &str| request(verb, "/api/v2/versioned/_table/things/apart").key(READER);
    world.write("POST", "things", &json!([{"id": "apart", "n": 0}]));
    for round in 0..2 {
        let first = world.gateway.send(row("GET")).header("etag").to_owned();
        let statuses = at_once(|number| {
            let body = json!({ format!("in_{round}_by_{number}"): true });
            world.gateway.send(row("PATCH").header("If-Match", &first).body(body)).status
        });
        one_wins(&statuses);
    }
    let answer = world.gateway.send(row("PATCH").header("If-Match", "*").body(json!({"mark": "mine"})));
    answer.is_ok(r#"{"id":"apart"}"#);
    let shown = world.gateway.send(row("GET")).json();
    assert_eq!(shown["mark"].as_str().map(str::len), Some(32), "the store's own, not the caller's");
}

fn of_many_creators_of_the_same_row_one_succeeds(world: &World) {
    let statuses = at_once(|number| {
        let order = ("PUT", "things/created?upsert=true");
        send(world, order, ("If-None-Match", "*"), &json!({"n": number})).status
    });
    one_wins(&statuses);
}

fn of_writers_that_only_want_a_row_none_is_in_the_way_of_others(world: &World) {
    world.write("POST", "things", &json!([{"id": "any", "n": 0}]));
    let statuses = at_once(|number| {
        send(world, ("PATCH", "things/any"), ("If-Match", "*"), &json!({"n": number})).status
    });
    assert_eq!(count(&statuses, 200), statuses.len(), "{statuses:?}");
}

fn row_rules_hold_for_a_conditional_write(world: &World) {
    let patch = |path: &str, tag: &str, body: &Json| {
        let path = format!("/api/v2/store/_table/{path}");
        world.gateway.send(request("PATCH", &path).key("key-of-britons").header("If-Match", tag).body(body))
    };
    let (mine, other) = (tag(world, "orders/4"), tag(world, "orders/3"));
    is_unmet(&patch("orders/3", &other, &json!({"total": 9})), "If-Match");
    assert_eq!(patch("orders/4", &mine, &json!({"country": "NO"})).status, 403);
    let answer = patch("orders/4", &mine, &json!({"total": 9}));
    answer.is_ok(r#"{"id":4}"#);
    assert_eq!(answer.header("etag"), tag(world, "orders/4"));
}

fn a_row_that_no_condition_can_hold_is_refused_by_name(world: &World) {
    let wide = |columns: usize| {
        let members = (0..columns).map(|number| (format!("column {number}"), json!(number)));
        let mut row: serde_json::Map<String, Json> = members.collect();
        row.insert("id".to_owned(), json!(format!("wide {columns}")));
        world.write("POST", "things", &json!([row]));
        let path = format!("things/wide%20{columns}");
        let first = tag(world, &path);
        (send(world, ("PATCH", &path), ("If-Match", &first), &json!({"n": 1})), first, path)
    };
    assert_eq!(wide(130).0.status, 200, "{}", wide(130).0.body);
    let (refused, first, path) = wide(200);
    let is_named = refused.body.contains("more columns than one condition of the store can test");
    assert!(refused.status == 400 && is_named, "{}", refused.body);
    assert_eq!(tag(world, &path), first, "nothing was written");
}
