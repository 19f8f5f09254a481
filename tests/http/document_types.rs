//! Types that a store of documents has and JSON has not: what is read and written back keeps them.

use serde_json::{Value as Json, json};

use crate::client::request;
use crate::documents::{Documents, KEY, documents};

/// JSON has no such numbers, so they are read as texts.
const UNSAYABLE: [&str; 2] = ["top_no_number", "top_infinite"];

/// What the store says of the types in the one document, whatever a caller is shown.
#[track_caller]
fn types(store: &Documents) -> Json {
    let answer = store.gateway.send(store.ask("GET", "kinds_types").with("fields", "*"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["resource"][0].clone()
}

#[track_caller]
fn read(store: &Documents) -> Json {
    let answer = store.gateway.send(store.ask("GET", "kinds/one"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

#[test]
fn a_document_that_is_read_and_written_back_keeps_every_type() {
    let store = documents();
    let (before, document) = (types(&store), read(&store));
    assert_eq!(before["inner"]["regex"], "regex");
    let listed = json!({ "resource": [document] });
    for (path, body) in [
        ("kinds/one", &document),
        ("kinds", &listed),
        ("kinds?ids=one", &listed),
        ("kinds?rollback=true", &listed),
        ("kinds?upsert=true", &listed),
    ] {
        let answer = store.send("PATCH", path, body.clone());
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!((types(&store), read(&store)), (before.clone(), document.clone()), "{path}");
    }
    // What is left out is gone, as `PUT` has it; the others are as before.
    let mut record = document.clone();
    UNSAYABLE.iter().for_each(|name| drop(record.as_object_mut().unwrap().remove(*name)));
    assert_eq!(store.send("PUT", "kinds/one", record).status, 200);
    let mut expected = before;
    for name in UNSAYABLE {
        expected["top"][name.trim_start_matches("top_")] = json!("missing");
    }
    assert_eq!(types(&store), expected);
    a_changed_member_has_the_type_of_the_old_one(&store, expected);
}

/// One document, and so one test.
fn a_changed_member_has_the_type_of_the_old_one(store: &Documents, mut expected: Json) {
    let mut inner = read(store)["inner"].clone();
    inner["date"] = json!("2030-01-01T00:00:00Z");
    inner["decimal"] = json!(2.25);
    inner["long"] = json!(6);
    inner["least"] = json!("a text now");
    inner["new"] = json!({ "$set": 1 });
    let change = json!({ "inner": inner, "top_date": "2030-01-01T00:00:00Z" });
    assert_eq!(store.send("PATCH", "kinds/one", change).status, 200);
    for changed in ["date", "decimal", "long", "least"] {
        expected["same"][changed] = json!(false);
    }
    expected["inner"]["least"] = json!("string");
    assert_eq!(types(store), expected);
    assert_eq!(read(store)["inner"], inner);
    // One value for all rows: no row says of which type it is.
    let by_filter =
        store.send("PATCH", "kinds?filter=_id%3Done", json!({ "resource": [{ "top_regex": "/a/i" }] }));
    assert_eq!(by_filter.status, 200, "{}", by_filter.body);
    expected["top"]["regex"] = json!("string");
    assert_eq!(types(store), expected);
}

#[test]
fn a_new_document_has_an_identifier_of_one_type_however_it_is_created() {
    let store = documents();
    let ways = [("POST", "kinds"), ("PUT", "kinds?upsert=true"), ("PATCH", "kinds?upsert=true")];
    for (id, (method, path)) in (9101..).zip(ways) {
        let answer = store.send(method, path, json!({ "resource": [{ "_id": id }] }));
        assert_eq!(answer.status, 200, "{method}: {}", answer.body);
        let created = store.ask("GET", "kinds_types").with("filter", format!("_id = {id}").as_str());
        assert_eq!(store.gateway.send(created).json()["resource"][0]["id"], "int", "{method}");
        assert_eq!(store.send("DELETE", &format!("kinds/{id}"), Json::Null).status, 200);
    }
}

#[test]
fn numbers_that_json_does_not_have_are_refused_where_a_column_is_declared_to_hold_numbers() {
    let store = documents();
    for number in ["NaN", "Infinity", "-Infinity"] {
        let record = json!({ "resource": [{ "code": "no number", "qty": number }] });
        let answer = store.send("POST", "declared", record);
        assert_eq!(answer.status, 400, "{number}: {}", answer.body);
        assert!(answer.body.contains("qty"), "{}", answer.body);
    }
    let left = store.gateway.send(store.ask("GET", "declared").with("filter", "code = 'no number'"));
    assert_eq!(left.json()["resource"], json!([]), "{}", left.body);
}

#[test]
fn uuids_of_a_column_are_described_written_and_found_by_their_text() {
    let store = documents();
    let uuid = "0f0e0d0c-0b0a-0908-0706-050403020100";
    let schema = store.gateway.send(request("GET", "/api/v2/doc/_schema/kinds").key(KEY));
    let fields = schema.json()["field"].as_array().unwrap().clone();
    let field = fields.iter().find(|field| field["name"] == "top_uuid").unwrap();
    assert_eq!(field["type"], "uuid", "{field}");
    let record = json!({ "resource": [{ "_id": "uuid", "top_uuid": uuid }] });
    assert_eq!(store.send("POST", "kinds", record).status, 200);
    for (filter, found) in [
        (format!("top_uuid = '{uuid}'"), 1),
        (format!("top_uuid in ('{uuid}')"), 1),
        (format!("(top_uuid > '{uuid}') and (_id = uuid)"), 0),
    ] {
        let ask = store.ask("GET", "kinds").with("filter", filter.as_str()).with("fields", "top_uuid");
        let rows = store.gateway.send(ask).json()["resource"].clone();
        assert_eq!(rows, Json::from(vec![json!({ "top_uuid": uuid }); found]), "{filter}");
    }
    let kept = store.ask("GET", "kinds_types").with("filter", "_id = uuid");
    assert_eq!(store.gateway.send(kept).json()["resource"][0]["top"]["uuid"], "binData");
    assert_eq!(store.send("DELETE", "kinds/uuid", Json::Null).status, 200);
}
