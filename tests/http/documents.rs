//! Documents over HTTP, on a running document store: what rows of a fixed set of columns can't show. Every test has documents of its own
//! in the two collections, one whose columns are guessed and one with a validator.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use conformance::prepare::Prepared;
use conformance::tables::Stored;
use connector_api::model::{Column, ColumnType, Value};
use serde_json::{Value as Json, json};
use tests::fixture::Fixture;
use tests::libraries::clone_folder;

use crate::client::{Answer, Request, request};
use crate::gateway::{Gateway, Setup};
use crate::logs::statements_of;

/// The store that has documents.
pub(crate) const STORE: &str = "mongodb";
pub(crate) const KEY: &str = "key-of-writers";
const ACCESS: &str = r#"
[logging]
query_log = true
format = "json"

[[roles]]
name = "writer"
access = [{ service = "*", component = "*", verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"] }]

[[apps]]
name = "writer"
role = "writer"
api_key = "key-of-writers"

[[roles]]
name = "owner"
access = [{ service = "doc", component = "*", verbs = ["GET"], filters = [{ name = "owner", operator = "=", value = "7" }] }]

[[apps]]
name = "owner"
role = "owner"
api_key = "key-of-owner"

[[roles]]
name = "others"
access = [{ service = "doc", component = "*", verbs = ["GET"], filters = [{ name = "owner", operator = "!=", value = "7" }] }]

[[apps]]
name = "others"
role = "others"
api_key = "key-of-others"
"#;

/// Nothing listens there.
const GONE: &str = "host = \"127.0.0.1\"\nport = 1\ndatabase = \"d\"\nconnect_timeout = \"1s\"";

/// A gateway with a service on a running store. Dropped by the last test that holds it, both are stopped.
pub(crate) struct Documents {
    pub(crate) gateway: Gateway,
    _store: Prepared,
}

pub(crate) fn documents() -> Arc<Documents> {
    static SHARED: Mutex<Weak<Documents>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start());
        *shared = Arc::downgrade(&started);
        started
    })
}

fn start() -> Documents {
    let fixture = fixture();
    let kinds = Stored::new("kinds", vec![], vec![]);
    let tables = [guessed(), declared(), kinds];
    let store = fixture.start(fixture.versions.first().unwrap(), &tables).unwrap();
    let config = service_config(&store);
    let stranger = format!("{config}username = \"nobody\"\npassword = \"hush\"");
    let gateway = gateway(&[("doc", config.as_str()), ("gone", GONE), ("stranger", &stranger)]);
    Documents { gateway, _store: store }
}

pub(crate) fn fixture() -> Fixture {
    let fixtures = Fixture::discover(&clone_folder().join("tests/fixtures")).unwrap();
    fixtures.into_iter().find(|fixture| fixture.name == STORE).unwrap()
}

/// The configuration of a service on a store.
pub(crate) fn service_config(store: &Prepared) -> String {
    let config = store.config.as_object().unwrap();
    config.iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
}

/// A gateway with these services, each with its configuration.
pub(crate) fn gateway(services: &[(&str, &str)]) -> Gateway {
    let service = |(name, config): &(&str, &str)| {
        format!("[[services]]\nname = \"{name}\"\ntype = \"{STORE}\"\n\n[services.config]\n{config}\n")
    };
    let services: String = services.iter().map(service).collect();
    Setup::new(&format!("{services}\n{ACCESS}")).connector(STORE).start()
}

pub(crate) fn ask(method: &str, path: &str) -> Request {
    request(method, &format!("/api/v2/doc/_table/{path}")).key(KEY)
}

/// With this body; null is none.
pub(crate) fn ask_with(method: &str, path: &str, body: &Json) -> Request {
    if body.is_null() { ask(method, path) } else { ask(method, path).body(body) }
}

/// Without a validator: `_id`, `name` and `age` are seen in the one document that is there.
pub(crate) fn guessed() -> Stored {
    let columns = [("_id", ColumnType::Text), ("name", ColumnType::Text), ("age", ColumnType::Integer)];
    let columns = columns.map(|(name, data_type)| Column::new(name, data_type)).into();
    let row = vec![Value::Text("first".to_owned()), Value::Text("Ada".to_owned()), Value::I64(36)];
    let mut guessed = Stored::new("guessed", columns, vec![row]);
    guessed.table.is_inferred = true;
    guessed
}

/// With a validator that takes no other columns, and a unique key `code`.
pub(crate) fn declared() -> Stored {
    let code = Column { is_nullable: false, ..Column::new("code", ColumnType::Text) };
    Stored::new("declared", vec![code, Column::new("qty", ColumnType::Integer)], vec![])
}

impl Documents {
    pub(crate) fn ask(&self, method: &str, path: &str) -> Request {
        ask(method, path)
    }

    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, body: Json) -> Answer {
        self.gateway.send(ask_with(method, path, &body))
    }

    /// Rows of the guessed collection, without their ids.
    #[track_caller]
    pub(crate) fn rows(&self, parameters: &[(&str, &str)]) -> Vec<Json> {
        let ask = self.ask("GET", "guessed");
        let ask = parameters.iter().fold(ask, |ask, (name, value)| ask.with(name, value));
        let answer = self.gateway.send(ask);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut rows = answer.json()["resource"].as_array().unwrap().clone();
        for row in &mut rows {
            row.as_object_mut().unwrap().remove("_id");
        }
        rows
    }

    /// Creates documents in the guessed collection and gives their ids.
    #[track_caller]
    pub(crate) fn create(&self, records: Json) -> Vec<String> {
        let answer = self.send("POST", "guessed", json!({ "resource": records }));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let rows = answer.json()["resource"].as_array().unwrap().clone();
        rows.iter().map(|row| row["_id"].as_str().unwrap().to_owned()).collect()
    }

    /// A whole document, its id left out.
    #[track_caller]
    pub(crate) fn one(&self, id: &str) -> Json {
        let answer = self.gateway.send(self.ask("GET", &format!("guessed/{id}")));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut row = answer.json();
        row.as_object_mut().unwrap().remove("_id");
        row
    }
}

#[test]
fn why_a_store_can_not_be_used_is_told_without_its_words() {
    let store = documents();
    for (service, message) in
        [("gone", "no server can be reached"), ("stranger", "the server refused the account of the service")]
    {
        let answer =
            store.gateway.send(request("GET", &format!("/api/v2/{service}/_table/guessed")).key(KEY));
        assert!((500..=504).contains(&answer.status), "{service}: {}", answer.status);
        let told = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(told.to_lowercase().contains(message), "{service}: {told}");
        assert!(!answer.body.contains("hush") && !answer.body.contains("127.0.0.1"), "{}", answer.body);
    }
}

#[test]
fn documents_keep_members_that_no_description_names_and_lack_what_they_do_not_have() {
    let store = documents();
    let written = json!([
        { "test": "keep", "name": "a", "extra": { "deep": [1, 2.5, "x", null] } },
        { "test": "keep", "name": "b", "other": true, "nothing": null },
    ]);
    store.create(written.clone());
    let rows = store.rows(&[("filter", "test = keep"), ("order", "name")]);
    let found: Vec<Json> = rows.into_iter().map(sorted).collect();
    let expected: Vec<Json> = written.as_array().unwrap().iter().cloned().map(sorted).collect();
    assert_eq!(found, expected);
}

/// Members in the order of their names: which comes first is the answer's own matter.
fn sorted(mut row: Json) -> Json {
    row.sort_all_objects();
    row
}

#[test]
fn a_path_leads_into_documents_in_filters_fields_and_orders() {
    let store = documents();
    store.create(json!([
        { "test": "path", "address": { "city": "Oslo", "at": { "height": 23 } } },
        { "test": "path", "address": { "city": "Quito", "at": { "height": 2850.5 } } },
        { "test": "path", "address": [{ "city": "Oslo" }] },
    ]));
    for (filter, expected) in [
        ("(test = path) and (address.city = 'Oslo')", json!([{ "address.city": "Oslo" }])),
        ("(test = path) and (address.at.height > 100)", json!([{ "address.city": "Quito" }])),
        ("(test = path) and (address.at.height = 2850.5)", json!([{ "address.city": "Quito" }])),
        ("(test = path) and (address.city LIKE 'o%')", json!([{ "address.city": "Oslo" }])),
    ] {
        let rows = store.rows(&[("filter", filter), ("fields", "address.city")]);
        assert_eq!(Json::from(rows), expected, "{filter}");
    }
    let rows = store.rows(&[
        ("filter", "(test = path) and (address.city is not null)"),
        ("fields", "address.city"),
        ("order", "address.at.height desc"),
    ]);
    assert_eq!(Json::from(rows), json!([{ "address.city": "Quito" }, { "address.city": "Oslo" }]));
}

#[test]
fn put_replaces_a_document_and_patch_changes_members() {
    let store = documents();
    let ids = store.create(json!([{ "test": "put", "name": "a", "age": 1, "extra": 1 }]));
    let id = ids.first().unwrap();
    let path = format!("guessed/{id}");
    assert_eq!(store.send("PATCH", &path, json!({ "age": 2, "more": [1] })).status, 200);
    let patched = json!({ "test": "put", "name": "a", "age": 2, "extra": 1, "more": [1] });
    assert_eq!(sorted(store.one(id)), sorted(patched));
    assert_eq!(store.send("PUT", &path, json!({ "test": "put", "name": "b" })).status, 200);
    assert_eq!(sorted(store.one(id)), sorted(json!({ "test": "put", "name": "b" })));
}

#[test]
fn a_new_document_is_found_by_the_text_of_its_id() {
    let store = documents();
    let ids = store.create(json!([{ "test": "id" }, { "test": "id", "_id": "chosen" }]));
    let [made, chosen] = ids.as_slice() else { panic!("{ids:?}") };
    assert_eq!((made.len(), chosen.as_str()), (24, "chosen"));
    for id in &ids {
        assert_eq!(store.one(id), json!({ "test": "id" }));
        let filter = format!("_id = '{id}'");
        assert_eq!(store.rows(&[("filter", filter.as_str())]).len(), 1, "{id}");
    }
    let again = store.send("POST", "guessed", json!({ "resource": [{ "_id": "chosen" }] }));
    assert!(again.body.contains("unique_violation"), "{}", again.body);
}

#[test]
fn no_value_and_no_name_becomes_an_operator() {
    let store = documents();
    let nested = json!({ "$gt": "", "$where": "sleep(1000)", "a.b": { "$ne": null } });
    let ids = store.create(json!([{ "test": "operator", "inner": nested }]));
    assert_eq!(store.one(ids.first().unwrap())["inner"], nested);
    for name in ["$where", "$set", "a.b", ""] {
        let refused = |answer: Answer| {
            assert_eq!(answer.status, 400, "{name}: {}", answer.body);
            let told = answer.json()["error"].to_string();
            assert!(
                told.contains("can't be the name of a column") && told.contains("sending the document"),
                "{told}"
            );
        };
        refused(store.send("POST", "guessed", json!({ "resource": [{ "test": "refused", name: 1 }] })));
        let path = format!("guessed/{}", ids.first().unwrap());
        refused(store.send("PATCH", &path, json!({ name: { "$gt": "" } })));
    }
    assert_eq!(store.rows(&[("filter", "test = refused")]), Vec::<Json>::new());
    for filter in
        ["name = '{\"$gt\":\"\"}'", "name = '{\"$ne\":null}'", "_id = '{\"$gt\":\"\"}'", "name LIKE '.*'"]
    {
        assert_eq!(store.rows(&[("filter", filter)]), Vec::<Json>::new(), "{filter}");
    }
    let by_id = store.gateway.send(store.ask("GET", "guessed/%7B%22$gt%22:%22%22%7D"));
    assert_eq!(by_id.status, 404, "{}", by_id.body);
}

#[test]
fn a_version_is_of_all_members_and_guards_a_write() {
    let store = documents();
    let ids = store.create(json!([{ "test": "version", "hidden": 1 }]));
    let path = format!("guessed/{}", ids.first().unwrap());
    let tag = || store.gateway.send(store.ask("GET", &path)).header("etag").to_owned();
    let first = tag();
    let change = |tag: &str, value: i64| {
        let ask = store.ask("PATCH", &path).header("If-Match", tag).body(json!({ "hidden": value }));
        store.gateway.send(ask).status
    };
    assert_eq!(change(&first, 2), 200);
    assert_ne!(tag(), first);
    assert_eq!(change(&first, 3), 412);
    assert_eq!(change(&tag(), 3), 200);
}

#[test]
fn records_fail_one_by_one_or_are_undone_together() {
    let store = documents();
    let records =
        |codes: [&str; 3]| json!({ "resource": codes.map(|code| json!({ "code": code, "qty": 1 })) });
    let count = || {
        let ask =
            store.ask("GET", "declared").with("filter", "code STARTS WITH 'batch'").with("count_only", true);
        store.gateway.send(ask).body
    };
    let undone = store.send("POST", "declared?rollback=true", records(["batch1", "batch2", "batch1"]));
    assert_eq!((undone.status, count().as_str()), (400, "0"), "{}", undone.body);
    assert!(undone.body.contains("a record with the same unique key exists (code)"), "{}", undone.body);
    let partly = store.send("POST", "declared?continue=true", records(["batch1", "batch1", "batch2"]));
    assert!(partly.status >= 400, "{}", partly.body);
    assert_eq!(count(), "2");
}

#[test]
fn what_a_validator_does_not_know_is_refused_and_numbers_keep_their_type() {
    let store = documents();
    let good = store.send("POST", "declared", json!({ "resource": [{ "code": "typed", "qty": 7 }] }));
    assert_eq!(good.status, 200, "{}", good.body);
    for (qty, status) in [(json!(1_u64 << 40), 400), (json!("many"), 400)] {
        let record = json!({ "resource": [{ "code": "untyped", "qty": qty }] });
        assert_eq!(store.send("POST", "declared", record).status, status, "{qty}");
    }
    let ask = store.ask("GET", "declared").with("filter", "nowhere = 1");
    assert_eq!(store.gateway.send(ask).status, 400);
}

/// Each counts up one number, which nobody may lose: who lost against the others is told to try again.
#[test]
fn changes_by_filter_that_race_are_done_or_refused_as_lost_and_none_is_half_done() {
    const CROWD: usize = 12;
    let store = documents();
    store.create(json!([{ "test": "race", "n": 0 }]));
    let more = json!({ "resource": [{ "n": { "expression": { "type": "string", "value": "n + 1" } } }] });
    let path = "guessed?filter=test%20%3D%20race";
    let ends: Vec<Answer> = std::thread::scope(|scope| {
        let one = || store.send("PATCH", path, more.clone());
        let started: Vec<_> = (0..CROWD).map(|_| scope.spawn(one)).collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (done, lost): (Vec<_>, Vec<_>) = ends.iter().partition(|answer| answer.status == 200);
    for answer in lost {
        let error = &answer.json()["error"];
        assert_eq!((answer.status, &error["code"]), (409, &json!("40001")), "{}", answer.body);
        assert!(error["message"].as_str().unwrap().to_lowercase().contains("try again"), "{error}");
    }
    let rows = store.rows(&[("filter", "test = race"), ("fields", "n")]);
    assert_eq!(rows, [json!({ "n": done.len() })]);
}

#[test]
fn statements_are_logged_with_the_form_of_what_is_sent_and_no_value() {
    const NEEDLE: &str = "needle-51c7";
    let store = documents();
    let id = store.create(json!([{ "test": NEEDLE, "n": 1 }])).remove(0);
    let check = |method: &str, path: &str, body: Json, expected: &str| {
        let name = format!("{method} {path}").replace(NEEDLE, "");
        let (logged, answer) = statements_of(&store.gateway, ask_with(method, path, &body));
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        assert_eq!(logged.last().unwrap()["statement"], expected, "{name}");
    };
    let by_test = format!("guessed?filter=test%3D{NEEDLE}");
    check(
        "GET",
        &format!("{by_test}&fields=n&order=n&limit=3"),
        Json::Null,
        r#"guessed.aggregate([{"$match": {"test": {"$in": [?], "$not": {"$type": "array"}}}}, {"$sort": {"n": 1, "_id": 1}}, {"$limit": ?}, {"$project": {"n": 1, "_id": 0}}])"#,
    );
    let matched = r#"{"test": {"$in": [?], "$not": {"$type": "array"}}}"#;
    let count = format!(r#"guessed.aggregate([{{"$match": {matched}}}, {{"$count": "count"}}])"#);
    check("GET", &format!("{by_test}&count_only=true"), Json::Null, &count);
    let record = json!({ "resource": [{ "test": NEEDLE, "n": 2 }] });
    check("POST", "guessed", record, r#"guessed.insertMany([{"test": ?, "n": ?}])"#);
    let change = json!({ "n": 77_123 });
    check(
        "PATCH",
        &format!("guessed/{id}"),
        change.clone(),
        r#"guessed.updateOne({"_id": ?}, {"$set": {"n": ?}})"#,
    );
    check(
        "PUT",
        &format!("guessed/{id}"),
        json!({ "test": NEEDLE }),
        r#"guessed.replaceOne({"_id": ?}, {"test": ?})"#,
    );
    let change = json!({ "resource": [change] });
    check("PATCH", &by_test, change, &format!(r#"guessed.updateMany({matched}, {{"$set": {{"n": ?}}}})"#));
    check("DELETE", &format!("guessed/{id}"), Json::Null, r#"guessed.deleteOne({"_id": ?})"#);
    check("DELETE", &by_test, Json::Null, &format!("guessed.deleteMany({matched})"));
    let log = store.gateway.log.text();
    assert!(!log.contains(NEEDLE) && !log.contains("77123") && !log.contains(&id), "a value is in the log");
}
