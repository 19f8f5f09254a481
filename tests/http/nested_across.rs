//! Related records without a transaction around them: on a store that has none, and in two services of different kinds. What was done
//! before a failure is undone.

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::client::{Answer, get, request};
use crate::documents::{STORE, declared, fixture, guessed, service_config};
use crate::gateway::{Gateway, Setup};
use crate::nested_shop::{WRITER, tables};

/// Documents lead to documents and to rows, rows to documents.
const OF_DOCUMENTS: &str = r#"
[tables.guessed.relationships.declared_by_qty.virtual]
type = "has_many"
field = ["age"]
ref_table = "declared"
ref_field = ["qty"]

[tables.guessed.relationships."shop.letters_by_customer_id".virtual]
type = "has_many"
field = ["age"]
ref_service = "shop"
ref_table = "letters"
ref_field = ["customer_id"]
"#;

const OF_ROWS: &str = r#"
[tables.customers.relationships."doc.declared_by_code".virtual]
type = "has_many"
field = ["code"]
ref_service = "doc"
ref_table = "declared"
ref_field = ["code"]
"#;

struct World {
    gateway: Gateway,
    _store: conformance::prepare::Prepared,
}

impl World {
    fn new() -> Self {
        let fixture = fixture();
        let tables_of_documents = [guessed(), declared()];
        let version = fixture.versions.first().unwrap();
        let store = fixture.start_with(&["--standalone"], version, &tables_of_documents).unwrap();
        let doc = service_config(&store);
        let services = format!(
            "[[services]]\nname = \"doc\"\ntype = \"{STORE}\"\n[services.config]\n{doc}\n\
             [[services]]\nname = \"shop\"\ntype = \"sqlite\"\nconfig = {{ database = \"shop.sqlite\" }}\n"
        );
        let access = "[[roles]]\nname = \"writer\"\naccess = [{ service = \"*\", component = \"*\", verbs = [\"GET\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\"] }]\n\
                      [[apps]]\nname = \"writer\"\nrole = \"writer\"\napi_key = \"key-of-writers\"\n";
        let setup = Setup::new(&format!("{services}{access}")).connector(STORE);
        let database = Connection::open(setup.path("shop.sqlite")).unwrap();
        database.execute_batch(&tables("INTEGER PRIMARY KEY", "TEXT")).unwrap();
        setup.write("data/extras/doc.toml", OF_DOCUMENTS);
        setup.write("data/extras/shop.toml", OF_ROWS);
        Self { gateway: setup.start(), _store: store }
    }

    #[track_caller]
    fn send(&self, verb: &str, path: &str, body: &Json) -> Answer {
        self.gateway.send(request(verb, &format!("/api/v2/{path}")).key(WRITER).body(body))
    }

    #[track_caller]
    fn ok(&self, verb: &str, path: &str, body: &Json) -> Json {
        let answer = self.send(verb, path, body);
        assert_eq!(answer.status, 200, "{verb} {path} {body}: {}", answer.body);
        answer.json()
    }

    #[track_caller]
    fn fails(&self, verb: &str, path: &str, body: &Json, message: &str) {
        let answer = self.send(verb, path, body);
        assert!(
            answer.status == 400 && answer.body.contains(message),
            "{verb} {path} {body}: {}",
            answer.body
        );
        assert!(!answer.body.contains("not_undone"), "{}", answer.body);
    }

    /// The values of these fields, by the first of them.
    #[track_caller]
    fn rows(&self, table: &str, fields: &str) -> Json {
        let first = fields.split(',').next().unwrap();
        let path = format!("/api/v2/{}", table.replace('/', "/_table/"));
        let read = get(&path).with("fields", fields).with("order", first).key(WRITER);
        let rows = self.gateway.send(read).json()["resource"].take();
        let values = |row: &Json| row.as_object().unwrap().values().cloned().collect::<Json>();
        rows.as_array().unwrap().iter().map(values).collect()
    }
}

#[test]
fn without_a_transaction_a_record_that_fails_is_undone() {
    let world = World::new();
    let eve = json!({ "_id": "eve", "name": "Eve", "age": 40, "declared_by_qty": [{ "code": "x" }, { "code": "y" }] });
    world.ok("POST", "doc/_table/guessed", &json!({ "resource": [eve] }));
    let before = (world.rows("doc/declared", "code,qty"), world.rows("doc/guessed", "name,age"));
    assert_eq!(before.0, json!([["x", 40], ["y", 40]]));
    let duplicate = json!([{ "code": "z" }, { "code": "x" }]);
    let why = "Failed to update many to one assignment.";
    let new = json!({ "name": "Fay", "age": 41, "declared_by_qty": duplicate });
    world.fails("POST", "doc/_table/guessed", &json!({ "resource": [new] }), why);
    let changed = json!({ "name": "Gil", "inner": { "a": 1 }, "declared_by_qty": duplicate });
    world.fails("PATCH", "doc/_table/guessed/eve", &changed, why);
    world.fails("PUT", "doc/_table/guessed/eve", &json!({ "age": 42, "declared_by_qty": duplicate }), why);
    assert_eq!((world.rows("doc/declared", "code,qty"), world.rows("doc/guessed", "name,age")), before);
    let row = world.gateway.send(get("/api/v2/doc/_table/guessed/eve").key(WRITER));
    row.is_ok(r#"{"_id":"eve","name":"Eve","age":40}"#);
    let several = world.send("POST", "doc/_table/guessed?rollback=true", &json!({ "resource": [eve] }));
    assert_eq!(several.status, 501, "{}", several.body);
}

#[test]
fn what_may_be_undone_behind_a_record_has_no_rows_of_other_services() {
    let world = World::new();
    let record = json!({ "name": "Eve", "doc.declared_by_code": [{ "qty": 1 }] });
    let refused = |path: &str, body: Json| {
        let answer = world.send("POST", path, &body);
        assert!(answer.body.contains("can't be written with 'rollback', in a batch"), "{}", answer.body);
    };
    refused("shop/_table/customers?rollback=true", json!({ "resource": [record, { "name": null }] }));
    let operation = json!({ "method": "POST", "path": "_table/customers", "body": { "resource": [record] } });
    refused("shop/_batch", json!({ "operations": [operation] }));
    assert_eq!(world.rows("doc/declared", "code,qty"), json!([]));
}

#[test]
fn rows_of_two_services_are_written_together_or_undone() {
    let world = World::new();
    let with = |letters: Json| json!({ "name": "Eve", "doc.declared_by_code": [{ "qty": 1 }], "letters_by_customer_id": letters });
    let why = "Failed to update many to one assignment.\\nField 'text' can not be NULL.";
    world.fails("PATCH", "shop/_table/customers/1", &with(json!([{ "text": null }])), why);
    assert_eq!(world.rows("doc/declared", "code,qty"), json!([]));
    assert_eq!(world.rows("shop/customers", "id,name")[0], json!([1, "Ada"]));
    let answer = world.ok(
        "PATCH",
        "shop/_table/customers/1?related=doc.declared_by_code",
        &with(json!([{ "text": "x" }])),
    );
    assert_eq!(
        (&answer["doc.declared_by_code"][0]["code"], &answer["doc.declared_by_code"][0]["qty"]),
        (&json!("a"), &json!(1))
    );
    let id = answer["doc.declared_by_code"][0]["_id"].clone();
    // The other way round: what was changed there, in either service, is as it was.
    let letters = json!([{ "text": "new" }, { "id": 1, "text": null }]);
    let change = json!({ "age": 1, "declared_by_qty": [{ "_id": id, "qty": 5, "code": "b" }], "shop.letters_by_customer_id": letters });
    world.fails("PATCH", "doc/_table/guessed/first", &change, why);
    assert_eq!(world.rows("doc/declared", "code,qty"), json!([["a", 1]]));
    assert_eq!(world.rows("doc/guessed", "age"), json!([[36]]));
    assert_eq!(world.rows("shop/letters", "id,text"), json!([[1, "hello"], [2, "bye"], [3, "x"]]));
}
