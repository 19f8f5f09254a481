//! What nobody declared binds nobody: identifiers, values and filters of documents keep the kind in which they are given, whatever was seen
//! in other documents.

use serde_json::{Value as Json, json};

use crate::client::{Answer, request};
use crate::documents::{Documents, documents};

/// A document by an identifier that is not in an address.
#[track_caller]
fn marks(store: &Documents, filter: &str) -> Vec<Json> {
    store.rows(&[("filter", filter), ("fields", "mark"), ("order", "mark")])
}

#[track_caller]
fn made(store: &Documents, records: Json) {
    let answer = store.send("POST", "guessed", json!({ "resource": records }));
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[track_caller]
fn refused(answer: &Answer, part: &str) {
    assert!(answer.status == 400 && answer.body.contains(part), "{}: {}", answer.status, answer.body);
}

const SEVERAL: &str = "names more than one row";

#[test]
fn an_identifier_of_a_url_names_the_row_of_either_kind() {
    let store = documents();
    made(
        &store,
        json!([{ "_id": 8801, "mark": "number" }, { "_id": "8802", "mark": "text" }, { "_id": true, "mark": "truth" }]),
    );
    for (id, expected) in [("8801", json!(8801)), ("8802", json!("8802")), ("true", json!(true))] {
        let answer = store.send("GET", &format!("guessed/{id}"), Json::Null);
        assert_eq!((answer.status, &answer.json()["_id"]), (200, &expected), "{}", answer.body);
        let changed = store.send("PATCH", &format!("guessed/{id}"), json!({ "changed": id }));
        assert_eq!((changed.status, &changed.json()["_id"]), (200, &expected), "{}", changed.body);
        let upsert = store.send("PUT", &format!("guessed/{id}?upsert=true"), json!({ "mark": id }));
        assert_eq!((upsert.status, &upsert.json()["_id"]), (200, &expected), "{}", upsert.body);
        let tag = store.send("GET", &format!("guessed/{id}"), Json::Null).header("etag").to_owned();
        let write = store.ask("PATCH", &format!("guessed/{id}")).header("If-Match", tag);
        assert_eq!(store.gateway.send(write.body(json!({ "more": 1 }))).status, 200, "{id}");
    }
    let several = store.send("GET", "guessed?ids=8802,8801,true&fields=_id", Json::Null);
    several.is_ok(r#"{"resource":[{"_id":"8802"},{"_id":8801},{"_id":true}]}"#);
    for id in ["08801", "8801.5", "8803"] {
        let answer = store.send("GET", &format!("guessed/{id}"), Json::Null);
        answer.is_error(404, &format!("Record with identifier '{id}' not found."));
    }
    let gone = store.send("DELETE", "guessed?ids=8801,8802,true", Json::Null);
    gone.is_ok(r#"{"resource":[{"_id":8801},{"_id":"8802"},{"_id":true}]}"#);
}

#[test]
fn an_identifier_that_names_two_rows_is_refused_and_a_body_can_say_which() {
    let store = documents();
    made(
        &store,
        json!([{ "_id": 8901, "mark": "number", "kind": "two" }, { "_id": "8901", "mark": "text", "kind": "two" }]),
    );
    for (method, path, body) in [
        ("GET", "guessed/8901", Json::Null),
        ("GET", "guessed?ids=8901", Json::Null),
        ("PATCH", "guessed/8901", json!({ "n": 1 })),
        ("PUT", "guessed/8901?upsert=true", json!({ "n": 1 })),
        ("DELETE", "guessed/8901", Json::Null),
        ("DELETE", "guessed?ids=1,8901", Json::Null),
    ] {
        refused(&store.send(method, path, body), SEVERAL);
    }
    for (id, mark) in [(json!("8901"), "text"), (json!(8901), "number")] {
        let by_ids = store.send("PATCH", "guessed", json!({ "ids": [id], "resource": [{ "by": mark }] }));
        assert_eq!(by_ids.json()["resource"], json!([{ "_id": id }]), "{}", by_ids.body);
        let by_record = store.send("PATCH", "guessed", json!({ "resource": [{ "_id": id, "also": mark }] }));
        assert_eq!(by_record.json()["resource"], json!([{ "_id": id }]), "{}", by_record.body);
        let filter =
            format!("(_id = {}) and (by = {mark}) and (also = {mark})", id.to_string().replace('"', "'"));
        assert_eq!(marks(&store, &filter), [json!({ "mark": mark })], "{filter}");
    }
    let gone = store.send("DELETE", "guessed", json!({ "ids": ["8901"] }));
    assert_eq!(gone.status, 200, "{}", gone.body);
    assert_eq!(marks(&store, "kind = two"), [json!({ "mark": "number" })]);
}

#[test]
fn a_new_row_of_an_identifier_of_a_url_has_the_kind_that_its_record_says() {
    let store = documents();
    let put = |id: &str, record: Json| store.send("PUT", &format!("guessed/{id}?upsert=true"), record);
    refused(&put("9001", json!({ "mark": 1 })), "give it in the JSON record, too");
    refused(&put("9001", json!({ "_id": "9002", "mark": 1 })), "give it in the JSON record, too");
    put("9001", json!({ "_id": 9001 })).is_ok(r#"{"_id":9001}"#);
    put("9002", json!({ "_id": "9002" })).is_ok(r#"{"_id":"9002"}"#);
    put("plain", json!({ "mark": 1 })).is_ok(r#"{"_id":"plain"}"#);
    // An object id of digits alone is no number.
    let id = "507199121799439011123456";
    put(id, json!({ "_id": id })).is_ok(&format!(r#"{{"_id":"{id}"}}"#));
    let found = store.send("GET", &format!("guessed/{id}"), Json::Null);
    assert_eq!(found.status, 200, "{}", found.body);
}

#[test]
fn what_can_be_no_identifier_is_refused_as_the_record_s_fault_and_writes_nothing() {
    let store = documents();
    for id in [json!([8901]), json!({ "$gt": 1 }), json!({ "a": { "$gt": 1 } })] {
        let record = json!({ "_id": id, "mark": "no id" });
        for (method, path) in
            [("POST", "guessed"), ("PUT", "guessed?upsert=true"), ("PATCH", "guessed?upsert=true")]
        {
            let answer = store.send(method, path, json!({ "resource": [record] }));
            assert_eq!(answer.status, 400, "{method} {id}: {}", answer.body);
            assert!(answer.body.contains("'_id'"), "{method} {id}: {}", answer.body);
        }
        let several = json!({ "resource": [record, { "_id": format!("8901 {id}"), "mark": "an id" }] });
        let answer = store.send("POST", "guessed?continue=true", several);
        assert!(
            answer.body.contains("'_id'") && !answer.body.contains("\"code\":500"),
            "{id}: {}",
            answer.body
        );
    }
    assert_eq!(marks(&store, "mark = 'no id'"), Vec::<Json>::new());
    assert_eq!(marks(&store, "mark = 'an id'").len(), 3);
}

#[test]
fn values_keep_their_kind_in_a_column_that_held_another() {
    let store = documents();
    let values = json!([
        "007", "x", "", 7, 1_u64 << 40, 0.5, true, [1], { "a": 1 }, null, "2024-05-01", "AAEC"
    ]);
    let values = values.as_array().unwrap();
    // 'age' was seen as a whole number, 'name' as a text.
    let records = values.iter().map(|value| json!({ "test": "kinds", "age": value, "name": value }));
    let ids = store.create(records.collect());
    for (id, value) in ids.iter().zip(values) {
        let row = store.one(id);
        assert_eq!((&row["age"], &row["name"]), (value, value));
    }
    let changed = store.send("PATCH", &format!("guessed/{}", ids[3]), json!({ "age": "seven" }));
    assert_eq!((changed.status, &store.one(&ids[3])["age"]), (200, &json!("seven")), "{}", changed.body);
}

#[test]
fn filters_compare_with_what_is_written_and_its_kind() {
    let store = documents();
    let ages = [json!("7"), json!(7), json!(7.0), json!("x"), json!(1_u64 << 40), json!(true)];
    store.create(ages.iter().map(|age| json!({ "test": "compare", "age": age })).collect());
    for (filter, expected) in [
        ("age = '7'", json!(["7"])),
        ("age = 7", json!([7, 7.0])),
        ("age = x", json!(["x"])),
        ("age = 1099511627776", json!([1_u64 << 40])),
        ("age = true", json!([true])),
        ("age in ('7', x)", json!(["7", "x"])),
        ("age > 7", json!([1_u64 << 40])),
        ("age > '7'", json!(["x"])),
    ] {
        let filter = format!("(test = compare) and ({filter})");
        let mut found = store.rows(&[("filter", &filter), ("fields", "age")]);
        let mut expected: Vec<Json> =
            expected.as_array().unwrap().iter().map(|age| json!({ "age": age })).collect();
        found.sort_by_key(Json::to_string);
        expected.sort_by_key(Json::to_string);
        assert_eq!(found, expected, "{filter}");
    }
}

#[test]
fn a_row_rule_counts_for_texts_and_numbers_alike() {
    let store = documents();
    let owners = [json!("7"), json!(7), json!("8"), json!("07")];
    store.create(owners.iter().map(|owner| json!({ "test": "rule", "owner": owner })).collect());
    for (key, expected) in [("key-of-owner", json!([7, "7"])), ("key-of-others", json!(["8", "07"]))] {
        let ask = request("GET", "/api/v2/doc/_table/guessed").key(key);
        let ask = ask.with("filter", "test = rule").with("fields", "owner");
        let answer = store.gateway.send(ask);
        let rows = answer.json()["resource"].as_array().cloned().unwrap_or_default();
        let mut found: Vec<String> = rows.iter().map(|row| row["owner"].to_string()).collect();
        let mut expected: Vec<String> = expected.as_array().unwrap().iter().map(Json::to_string).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{key}: {}", answer.body);
    }
}

#[test]
fn an_object_with_an_expression_is_one_in_its_long_form_alone() {
    let store = documents();
    let long = json!({ "expression": { "type": "string", "value": "count + 1" } });
    let ids = store.create(json!([{ "test": "expression", "count": 1 }]));
    let path = format!("guessed/{}", ids[0]);
    assert_eq!(store.send("PATCH", &path, json!({ "count": long })).status, 200);
    assert_eq!(store.one(&ids[0])["count"], 2);
    let now = json!({ "expression": { "value": "now()" } });
    assert_eq!(store.send("PATCH", &path, json!({ "at": now })).status, 200);
    assert_eq!(store.rows(&[("filter", "test = 'expression' and at > '2024-01-01T00:00:00Z'")]).len(), 1);
    for document in
        [json!({ "expression": "count + 1" }), json!({ "expression": { "value": "1" }, "note": "x" })]
    {
        assert_eq!(store.send("PATCH", &path, json!({ "count": document })).status, 200);
        assert_eq!(store.one(&ids[0])["count"], document);
    }
}

#[test]
fn a_walk_by_cursor_leaves_no_row_of_another_kind_out_without_a_word() {
    const PLACELESS: &str = "can't be compared with";
    let store = documents();
    let texts: Vec<Json> =
        (0..12).map(|n| json!({ "_id": format!("walk{n:02}"), "walk": 1, "age": n })).collect();
    made(&store, json!(texts));
    let walk = |order: &str| {
        let (mut ids, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let first = [("page", "cursor"), ("limit", "5"), ("filter", "walk = 1"), ("order", order)];
            let next = cursor.as_deref().map(|cursor| ("cursor", cursor));
            let request = crate::sales::with(store.ask("GET", "guessed"), &first);
            let answer =
                store.gateway.send(next.iter().fold(request, |all, (name, value)| all.with(name, value)));
            if answer.status != 200 {
                return Err(Box::new(answer));
            }
            let answer = answer.json();
            ids.extend(answer["resource"].as_array().unwrap().iter().map(|row| row["_id"].clone()));
            match answer["meta"]["next_cursor"].as_str() {
                Some(token) => cursor = Some(token.to_owned()),
                None => return Ok(ids.len()),
            }
        }
    };
    assert_eq!(walk("").map_err(|answer| answer.body), Ok(12));
    made(&store, json!([{ "_id": 7, "walk": 1, "age": "noon" }]));
    for order in ["", "_id desc", "age", "age desc"] {
        refused(&walk(order).unwrap_err(), PLACELESS);
    }
}

#[test]
fn a_field_that_only_other_rows_have_is_left_out() {
    let store = documents();
    made(&store, json!([{ "_id": "bare", "mark": "x" }]));
    store.send("GET", "guessed/bare?fields=mark,nowhere", Json::Null).is_ok(r#"{"mark":"x"}"#);
    store
        .send("GET", "guessed?ids=bare&fields=mark,nowhere", Json::Null)
        .is_ok(r#"{"resource":[{"mark":"x"}]}"#);
}

#[test]
fn a_record_that_says_another_kind_than_the_row_of_the_address_is_refused() {
    let store = documents();
    made(&store, json!([{ "_id": "9909", "mark": "text" }]));
    let patch = store.send("PATCH", "guessed/9909", json!({ "_id": 9909, "mark": "number" }));
    refused(&patch, SEVERAL);
    let upsert = store.send("PUT", "guessed/9909?upsert=true", json!({ "_id": 9909, "mark": "number" }));
    assert_eq!((upsert.status, &upsert.json()["_id"]), (200, &json!(9909)), "{}", upsert.body);
    assert_eq!(marks(&store, "mark = 'text'"), [json!({ "mark": "text" })]);
}
