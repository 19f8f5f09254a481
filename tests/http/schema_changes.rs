//! Tables and fields that are created, changed and dropped over the API, on SQLite, PostgreSQL and MariaDB: the same walk on each, and
//! every refusal.

use serde_json::{Value as Json, json};

use crate::client::{Answer, request};
use crate::engine::{Engine, Kind, MARIADB, POSTGRES};
use crate::gateway::{Gateway, Setup};
use crate::shop::{EVERYTHING, READER};

/// Roles that may do less than everything.
const ROLES: &str = r#"
[[roles]]
name = "readers"
[[roles.access]]
service = "store"
component = "_schema/*"
verbs = ["GET"]

[[roles]]
name = "trucks"
[[roles.access]]
service = "store"
component = "_schema"
verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"]
[[roles.access]]
service = "store"
component = "_schema/*"
verbs = ["GET"]
[[roles.access]]
service = "store"
component = "_schema/trucks/*"
verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"]
[[roles.access]]
service = "store"
component = "_table/open/*"
verbs = ["GET"]
[[roles.access]]
service = "store"
component = "_table/partly/*"
verbs = ["GET"]
filters = [{ name = "id", operator = ">", value = 5 }]

[[apps]]
name = "readers"
role = "readers"
api_key = "key-that-reads-schemas"

[[apps]]
name = "trucks"
role = "trucks"
api_key = "key-of-trucks"
"#;

/// A gateway with a service `store` that has no tables yet.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    /// The server, which ends with it; `None`: a file.
    pub(crate) _engine: Option<Engine>,
}

impl World {
    pub(crate) fn of_file(more: &str) -> Self {
        let service = format!(
            "[[services]]\nname = \"store\"\ntype = \"sqlite\"\n[services.config]\ndatabase = \"store.sqlite\"\n{more}\n"
        );
        let setup = Setup::new(&format!("{service}{EVERYTHING}{ROLES}"));
        rusqlite::Connection::open(setup.path("store.sqlite")).unwrap().execute_batch("VACUUM").unwrap();
        Self { gateway: setup.start(), _engine: None }
    }

    pub(crate) fn of_server(kind: &'static Kind) -> Self {
        let engine = kind.start();
        let service = engine.service("store", &json!({}));
        let setup = Setup::new(&format!("{service}{EVERYTHING}{ROLES}")).connector(kind.connector());
        let password = engine.store.config["password"].as_str().unwrap();
        Self { gateway: setup.variable("STORE_PASSWORD", password).start(), _engine: Some(engine) }
    }

    pub(crate) fn ask_as(&self, key: &str, verb: &str, path: &str, body: &Json) -> Answer {
        let request = request(verb, &format!("/api/v2/store/{path}")).key(key);
        self.gateway.send(if body.is_null() { request } else { request.body(body) })
    }

    pub(crate) fn ask(&self, verb: &str, path: &str, body: &Json) -> Answer {
        self.ask_as(READER, verb, path, body)
    }

    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> Json {
        let answer = self.ask("GET", path, &Json::Null);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    #[track_caller]
    pub(crate) fn is_ok(&self, verb: &str, path: &str, body: &Json, expected: &Json) {
        self.ask(verb, path, body).is_ok(&expected.to_string());
    }

    /// The message of a refusal with this status.
    #[track_caller]
    pub(crate) fn is_refused(&self, verb: &str, path: &str, body: &Json, (status, part): (u16, &str)) {
        let answer = self.ask(verb, path, body);
        let message = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(
            answer.status == status && message.contains(part),
            "{verb} {path}: {} {}",
            answer.status,
            answer.body
        );
    }

    /// A refusal after which both tables are as before.
    #[track_caller]
    fn leaves_all(&self, verb: &str, path: &str, body: &Json, expected: (u16, &str)) {
        let before = self.read("_schema?ids=trucks,customers");
        self.is_refused(verb, path, body, expected);
        assert_eq!(self.read("_schema?ids=trucks,customers"), before, "{verb} {path}");
    }

    /// The `customers` that the reference's trucks belong to, and the trucks.
    #[track_caller]
    pub(crate) fn make_trucks(&self) {
        let customers = json!({ "name": "customers", "field": [
            { "name": "id", "type": "id" },
            { "name": "name", "type": "string", "length": 40, "allow_null": false },
        ] });
        self.is_ok("POST", "_schema", &json!({ "resource": [customers] }), &named(&["customers"]));
        self.is_ok("POST", "_schema", &json!({ "resource": [trucks()] }), &named(&["trucks"]));
    }

    /// The words of the fields of a table.
    #[track_caller]
    pub(crate) fn types(&self, table: &str) -> Vec<(String, String)> {
        let fields = self.read(&format!("_schema/{table}/_field"));
        let text = |field: &Json, name: &str| field[name].as_str().unwrap().to_owned();
        let fields = fields["resource"].as_array().unwrap().iter();
        fields.map(|field| (text(field, "name"), text(field, "type"))).collect()
    }
}

/// The table of the reference.
pub(crate) fn trucks() -> Json {
    json!({ "name": "trucks", "label": "Truck", "plural": "Trucks", "field": [
        { "name": "id", "type": "id" },
        { "name": "make", "type": "string", "length": 40, "allow_null": false },
        { "name": "owner_id", "type": "reference", "ref_table": "customers", "ref_field": "id", "ref_on_delete": "SET NULL" },
        { "name": "plate", "type": "string", "length": 12, "is_unique": true },
        { "name": "created", "type": "timestamp_on_create" },
    ] })
}

pub(crate) fn named(names: &[&str]) -> Json {
    let names: Vec<Json> = names.iter().map(|name| json!({ "name": name })).collect();
    json!({ "resource": names })
}

pub(crate) fn success() -> Json {
    json!({ "success": true })
}

/// Creates, fills, reads, changes, sends back and drops.
fn walk(world: &World) {
    // Whoever asked before has to see it at once.
    world.is_refused("GET", "_schema/trucks", &Json::Null, (404, "does not exist"));
    world.make_trucks();
    let types = world.types("trucks");
    let types: Vec<(&str, &str)> = types.iter().map(|(name, word)| (name.as_str(), word.as_str())).collect();
    assert_eq!(
        types,
        [
            ("id", "id"),
            ("make", "string"),
            ("owner_id", "reference"),
            ("plate", "string"),
            ("created", "timestamp_on_create"),
        ]
    );
    rows_and_relations(world);
    what_was_read_may_be_sent_back(world);
    fields_come_and_go(world);
    any_name_is_a_name(world);
    world.is_ok("DELETE", "_schema/trucks", &Json::Null, &success());
    world.is_refused("GET", "_schema/trucks", &Json::Null, (404, "does not exist"));
    world.is_refused("GET", "_table/trucks", &Json::Null, (404, "does not exist"));
    world.is_ok("DELETE", "_schema?ids=customers", &Json::Null, &named(&["customers"]));
}

fn rows_and_relations(world: &World) {
    let customer = json!({ "resource": [{ "name": "Ada" }] });
    world.is_ok("POST", "_table/customers", &customer, &json!({ "resource": [{ "id": 1 }] }));
    let truck = |plate: &str, owner: i64| json!({ "resource": [{ "make": "Saab", "owner_id": owner, "plate": plate }] });
    world.is_ok("POST", "_table/trucks", &truck("A 1", 1), &json!({ "resource": [{ "id": 1 }] }));
    assert_eq!(world.ask("POST", "_table/trucks", &truck("A 1", 1)).status, 400, "a plate is there once");
    assert_eq!(world.ask("POST", "_table/trucks", &truck("A 2", 9)).status, 400, "an owner is there");
    let missing = json!({ "resource": [{ "plate": "A 3" }] });
    assert_eq!(world.ask("POST", "_table/trucks", &missing).status, 400, "a make is needed");
    let related =
        world.read("_table/customers/1?related=trucks_by_owner_id&trucks_by_owner_id.fields=make,plate");
    assert_eq!(related["trucks_by_owner_id"], json!([{ "make": "Saab", "plate": "A 1" }]));
    let owner = world.read("_table/trucks?related=customers_by_owner_id&fields=created");
    assert_eq!(owner["resource"][0]["customers_by_owner_id"]["name"], "Ada");
    assert!(owner["resource"][0]["created"].is_string(), "{owner}");
    for (filter, expected) in [
        (
            "customers?filter=trucks_by_owner_id.make%3DSaab%20and%20trucks_by_owner_id.plate%20like%20'A%25'",
            1,
        ),
        ("customers?filter=not(trucks_by_owner_id.make%3DSaab)", 0),
        ("customers?filter=trucks_by_owner_id.customers_by_owner_id.name%20in%20(Ada,Bob)", 1),
        ("trucks?filter=customers_by_owner_id.id%3E1", 0),
    ] {
        let found = world.read(&format!("_table/{filter}"));
        assert_eq!(found["resource"].as_array().unwrap().len(), expected, "{filter}: {found}");
    }
    let path = "_table/trucks?filter=customers_by_owner_id.name%3DAda";
    let changed = json!({ "resource": [{ "make": "Saab" }] });
    world.is_ok("PATCH", path, &changed, &json!({ "resource": [{ "id": 1 }] }));
}

fn what_was_read_may_be_sent_back(world: &World) {
    let before = world.read("_schema/trucks");
    assert_eq!((&before["label"], &before["plural"]), (&json!("Truck"), &json!("Trucks")));
    for verb in ["PATCH", "PUT", "POST"] {
        world.is_ok(verb, "_schema/trucks", &before, &json!({ "name": "trucks" }));
        assert_eq!(world.read("_schema/trucks"), before, "{verb}");
    }
    for field in before["field"].as_array().unwrap() {
        let path = format!("_schema/trucks/_field/{}", field["name"].as_str().unwrap());
        world.is_ok("PUT", &path, field, &success());
    }
    world.is_ok("POST", "_schema", &json!({ "resource": [before] }), &named(&["trucks"]));
    assert_eq!(world.read("_schema/trucks"), before);
}

fn fields_come_and_go(world: &World) {
    let colour =
        json!({ "resource": [{ "name": "colour", "type": "string", "length": 10, "default": "red" }] });
    world.is_ok("POST", "_schema/trucks/_field", &colour, &named(&["colour"]));
    assert_eq!(
        world.read("_table/trucks?fields=id,colour"),
        json!({ "resource": [{ "id": 1, "colour": "red" }] })
    );
    let axles = world.ask("PATCH", "_schema/trucks/_field/axles?fields=*", &json!({ "type": "integer" }));
    assert_eq!((axles.status, &axles.json()["type"]), (200, &json!("integer")), "{}", axles.body);
    world.is_ok("PATCH", "_table/trucks/1", &json!({ "axles": 3 }), &json!({ "id": 1 }));
    let mut wish = world.read("_schema/trucks");
    wish["field"].as_array_mut().unwrap().retain(|field| field["name"] != "axles");
    world.is_refused("PUT", "_schema/trucks", &wish, (400, "the fields axles are not listed"));
    assert_eq!(world.read("_table/trucks/1?fields=axles"), json!({ "axles": 3 }));
    world.is_ok("PATCH", "_schema/trucks", &wish, &json!({ "name": "trucks" }));
    assert_eq!(world.read("_table/trucks/1?fields=axles"), json!({ "axles": 3 }));
    world.is_ok("PUT", "_schema/trucks?allow_delete=true", &wish, &json!({ "name": "trucks" }));
    world.is_refused("GET", "_table/trucks/1?fields=axles", &Json::Null, (400, "axles"));
    world.is_ok("DELETE", "_schema/trucks/_field/colour", &Json::Null, &success());
    world.is_refused("DELETE", "_schema/trucks/colour", &Json::Null, (404, "Field 'colour' does not exist"));
    let row = world.read("_table/trucks/1?fields=id,make,plate");
    assert_eq!(row, json!({ "id": 1, "make": "Saab", "plate": "A 1" }), "the other values stay");
}

fn any_name_is_a_name(world: &World) {
    let (table, path) =
        (r#"odd "name" (1); DROP TABLE trucks --"#, "odd%20%22name%22%20(1)%3B%20DROP%20TABLE%20trucks%20--");
    let (field, field_path) = (r#"größe, `a`] "b'"#, "gr%C3%B6%C3%9Fe%2C%20%60a%60%5D%20%22b'");
    let fields =
        json!([{ "name": "id", "type": "id" }, { "name": field, "type": "string", "default": "'; --" }]);
    let wish = json!([{ "name": table, "field": fields }]);
    world.is_ok("POST", "_schema", &wish, &named(&[table]));
    world.is_ok(
        "POST",
        &format!("_table/{path}"),
        &json!([{ "id": 5 }]),
        &json!({ "resource": [{ "id": 5 }] }),
    );
    assert_eq!(world.read(&format!("_table/{path}/5"))[field], "'; --");
    let described = world.read(&format!("_schema/{path}"));
    world.is_ok("PUT", &format!("_schema/{path}"), &described, &json!({ "name": table }));
    world.is_ok(
        "PATCH",
        &format!("_schema/{path}/_field/{field_path}"),
        &json!({ "is_index": true }),
        &success(),
    );
    world.is_ok("DELETE", &format!("_schema/{path}"), &Json::Null, &success());
    assert_eq!(world.read("_table/trucks?count_only=true"), 1);
}

#[test]
fn a_table_is_created_filled_changed_and_dropped() {
    walk(&World::of_file(""));
}

#[test]
fn the_walk_is_the_same_on_a_server_of_the_one_kind() {
    let world = World::of_server(&POSTGRES);
    walk(&world);
    fields_are_altered(&world);
    what_fails_half_way_is_told(&world, &["undone", "failed", "not run"], "Nothing was changed.");
}

#[test]
fn the_walk_is_the_same_on_a_server_of_the_other_kind() {
    let world = World::of_server(&MARIADB);
    walk(&world);
    fields_are_altered(&world);
    let left = "1 of 3 changes were done before and stay, for the database can't undo them.";
    what_fails_half_way_is_told(&world, &["done", "failed", "not run"], left);
}

/// Where the store alters columns.
fn fields_are_altered(world: &World) {
    world.make_trucks();
    let longer =
        json!({ "field": [{ "name": "make", "length": 60, "allow_null": true, "default": "Volvo" }] });
    world.is_ok("PATCH", "_schema/trucks", &longer, &json!({ "name": "trucks" }));
    let make = world.read("_schema/trucks/_field/make");
    assert_eq!(
        (&make["length"], &make["allow_null"], &make["default"]),
        (&json!(60), &json!(true), &json!("Volvo"))
    );
    world.is_ok(
        "PATCH",
        "_schema/trucks/_field/make",
        &json!({ "type": "text", "default": null }),
        &success(),
    );
    assert_eq!(world.read("_schema/trucks/_field/make")["type"], "text");
    let free = json!({ "is_foreign_key": false, "type": "integer" });
    world.is_ok("PATCH", "_schema/trucks/_field/owner_id", &free, &success());
    assert_eq!(world.read("_schema/trucks/_field/owner_id")["type"], "integer");
    let bound = json!({ "type": "reference", "ref_table": "customers", "ref_on_delete": "CASCADE" });
    world.is_ok("PATCH", "_schema/trucks/_field/owner_id", &bound, &success());
    assert_eq!(world.read("_schema/trucks/_field/owner_id")["ref_on_delete"], "CASCADE");
    world.is_ok(
        "PATCH",
        "_schema/trucks/_field/plate",
        &json!({ "is_unique": false, "is_index": true }),
        &success(),
    );
    let plate = world.read("_schema/trucks/_field/plate");
    assert_eq!((&plate["is_unique"], &plate["is_index"]), (&json!(false), &json!(true)));
}

/// A new field, one that can't be as it is wished because of a row, and another new one.
fn what_fails_half_way_is_told(world: &World, ends: &[&str], message: &str) {
    let truck = json!({ "resource": [{ "make": "Saab" }] });
    assert_eq!(world.ask("POST", "_table/trucks", &truck).status, 200);
    let wish = json!({ "field": [
        { "name": "axles", "type": "integer" },
        { "name": "plate", "allow_null": false },
        { "name": "wheels", "type": "integer" },
    ] });
    let answer = world.ask("PATCH", "_schema/trucks", &wish);
    let error = &answer.json()["error"];
    assert!(error["message"].as_str().unwrap().ends_with(message), "{}", answer.body);
    let changes = error["context"]["changes"].as_array().unwrap();
    let told: Vec<&str> = changes.iter().map(|change| change["status"].as_str().unwrap()).collect();
    assert_eq!(told, ends, "{}", answer.body);
    let names: Vec<String> = world.types("trucks").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().any(|name| name == "axles"), ends[0] == "done", "{names:?}");
    assert!(!names.iter().any(|name| name == "wheels"), "{names:?}");
}

#[test]
fn several_tables_are_created_in_any_order_and_an_error_of_one_does_not_stop_the_others() {
    let world = World::of_file("");
    let customers = json!({ "name": "customers", "field": [{ "name": "id", "type": "id" }] });
    let body = json!([trucks(), { "label": "nameless" }, { "name": "empty" }, customers]);
    let answer = world.ask("POST", "_schema", &body);
    let error = &answer.json()["error"];
    assert_eq!((answer.status, &error["code"]), (400, &json!(1000)), "{}", answer.body);
    assert_eq!(error["message"], "Batch Error: Not all requested tables could be created.");
    assert_eq!(error["context"]["error"], json!([1, 2]));
    let entries = &error["context"]["resource"];
    assert_eq!((&entries[0], &entries[3]), (&json!({ "name": "trucks" }), &json!({ "name": "customers" })));
    assert_eq!(entries[1]["message"], "Table schema received does not have a valid name.");
    assert_eq!(entries[2]["message"], "Table 'empty': it needs at least one 'field'.");
    assert_eq!(world.read("_schema/trucks/_field/owner_id")["ref_table"], "customers");
    let dropped = world.ask("DELETE", "_schema?ids=nothing,trucks", &Json::Null).json();
    assert_eq!(dropped["error"]["context"]["resource"][1], json!({ "name": "trucks" }));
    assert_eq!(dropped["error"]["context"]["resource"][0]["code"], 404);
}

#[test]
fn whole_descriptions_are_answered_where_fields_are_asked_for() {
    let world = World::of_file("");
    let customers = json!({ "name": "customers", "field": [{ "name": "id", "type": "id" }] });
    let answer = world.ask("POST", "_schema?fields=*", &json!({ "resource": customers }));
    assert_eq!(answer.json()["resource"][0], world.read("_schema/customers"));
    let answer = world.ask("PATCH", "_schema/customers?fields=*", &json!({ "label": "Buyers" }));
    assert_eq!((answer.json(), &answer.json()["label"]), (world.read("_schema/customers"), &json!("Buyers")));
    let answer =
        world.ask("PUT", "_schema/customers/_field?fields=*", &json!([{ "name": "age", "type": "integer" }]));
    assert_eq!(answer.json(), json!({ "resource": [world.read("_schema/customers/_field/age")] }));
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_changed() {
    let world = World::of_file("");
    world.make_trucks();
    let check = |verb: &str, path: &str, body: Json, expected| world.leaves_all(verb, path, &body, expected);
    check("POST", "_schema", Json::Null, (400, "No data in schema create request."));
    check("POST", "_schema", json!({ "resource": [] }), (400, "No data in schema create request."));
    check("POST", "_schema", json!([{ "field": [] }]), (400, "does not have a valid name"));
    check(
        "POST",
        "_schema?check_exist=true",
        json!([trucks()]),
        (409, "A table with name 'trucks' already exist"),
    );
    check("POST", "_schema/nothing", json!({ "label": "x" }), (404, "does not exist in the database"));
    check(
        "PATCH",
        "_schema",
        json!([{ "name": "nothing", "label": "x" }]),
        (404, "does not exist in the database"),
    );
    check(
        "PUT",
        "_schema/nothing/_field/x",
        json!({ "type": "text" }),
        (404, "does not exist in the database"),
    );
    check("DELETE", "_schema", Json::Null, (400, "Say what is to be dropped"));
    check("DELETE", "_schema/nothing", Json::Null, (404, "does not exist in the database"));
    check("DELETE", "_schema/trucks/_field/nothing", Json::Null, (404, "Field 'nothing' does not exist"));
    check("POST", "_schema/trucks/_related", json!([{ "name": "x" }]), (501, "changing relationships"));
    check("PATCH", "_schema/trucks", json!({ "lable": "x" }), (400, "Table 'trucks': 'lable' is not known."));
    let reference = json!({ "name": "customers", "field": [{ "name": "id", "type": "id" }] });
    check("PUT", "_schema", json!([reference]), (400, "the fields name are not listed"));
}

#[test]
fn a_field_that_makes_no_sense_is_refused_before_anything_changed() {
    let world = World::of_file("");
    world.make_trucks();
    let check = |verb: &str, path: &str, body: Json, expected| world.leaves_all(verb, path, &body, expected);
    let field = |field: Json| json!([field]);
    let path = "_schema/trucks/_field";
    check("POST", path, field(json!({ "name": "x" })), (400, "no type definition"));
    check(
        "POST",
        path,
        field(json!({ "name": "x", "type": "strnig" })),
        (400, "field 'x': the 'type' 'strnig' is not known"),
    );
    check("POST", path, field(json!({ "name": "x", "sql": "int" })), (400, "'sql' is not taken"));
    check(
        "POST",
        path,
        field(json!({ "name": "x", "type": "fk" })),
        (400, "no table element for reference type of x"),
    );
    check(
        "POST",
        path,
        field(json!({ "name": "x", "type": "fk", "ref_table": "y" })),
        (400, "'ref_table' names 'y'"),
    );
    check("POST", path, field(json!({ "name": "x", "type": "virtual" })), (400, "needs a 'db_function'"));
    check(
        "POST",
        path,
        field(json!({ "name": "x", "type": "text", "alias": "make" })),
        (400, "the name of another field"),
    );
    check("POST", path, field(json!({ "name": "x", "db_type": "int); DROP TABLE trucks--" })), (400, ""));
    check("POST", path, field(json!({ "name": "x", "type": "no such type" })), (400, ""));
    check(
        "PATCH",
        path,
        field(json!({ "name": "make", "is_primary_key": true })),
        (501, "changing the primary key"),
    );
}

#[test]
fn a_table_that_others_refer_to_is_not_dropped() {
    let world = World::of_file("");
    world.make_trucks();
    world.ask("POST", "_table/customers", &json!({ "resource": [{ "name": "Ada" }] }));
    world.ask("POST", "_table/trucks", &json!({ "resource": [{ "make": "Saab", "owner_id": 1 }] }));
    world.is_refused("DELETE", "_schema/customers", &Json::Null, (409, "trucks"));
    assert_eq!(world.read("_table/customers?count_only=true"), 1);
}

#[test]
fn roles_decide_over_each_table_and_verb() {
    let world = World::of_file("");
    world.make_trucks();
    let denied = |key: &str, verb: &str, path: &str, body: Json| {
        let answer = world.ask_as(key, verb, path, &body);
        assert!(matches!(answer.status, 401 | 403), "{key} {verb} {path}: {} {}", answer.status, answer.body);
    };
    let (reads, changes) = ("key-that-reads-schemas", "key-of-trucks");
    let field = || json!([{ "name": "colour", "type": "text" }]);
    for (verb, path) in [
        ("POST", "_schema"),
        ("PATCH", "_schema/trucks"),
        ("PUT", "_schema/trucks/_field"),
        ("DELETE", "_schema/trucks"),
        ("DELETE", "_schema/trucks/_field/make"),
    ] {
        denied(reads, verb, path, field());
    }
    denied(
        changes,
        "POST",
        "_schema",
        json!([{ "name": "other", "field": [{ "name": "id", "type": "id" }] }]),
    );
    denied(changes, "PATCH", "_schema/customers", json!({ "label": "x" }));
    denied(changes, "DELETE", "_schema?ids=customers", Json::Null);
    let other = json!([{ "name": "other", "field": [{ "name": "id", "type": "id" }] }]);
    world.is_ok("POST", "_schema", &other, &named(&["other"]));
    let reference = json!({ "type": "reference", "ref_table": "other" });
    denied(changes, "PATCH", "_schema/trucks/_field/buyer", reference);
    let answer = world.ask_as(changes, "POST", "_schema/trucks/_field", &field());
    answer.is_ok(&named(&["colour"]).to_string());
    let trucks = world.ask_as(changes, "GET", "_schema/trucks", &Json::Null).json();
    world.ask_as(changes, "PUT", "_schema/trucks", &trucks).is_ok(&json!({ "name": "trucks" }).to_string());
}

#[test]
fn a_reference_leads_only_to_a_table_whose_rows_the_caller_may_all_read() {
    let world = World::of_file("");
    world.make_trucks();
    let table = |name: &str| {
        let code = json!({ "name": "code", "type": "integer", "is_unique": true });
        json!({ "name": name, "field": [{ "name": "id", "type": "id" }, code] })
    };
    let names = ["open", "partly", "hidden"];
    world.is_ok("POST", "_schema", &json!(names.map(table)), &named(&names));
    let check = |verb: &str, path: &str, body: &Json, is_done: bool| {
        let answer = world.ask_as("key-of-trucks", verb, path, body);
        let expected: &[u16] = if is_done { &[200] } else { &[401, 403] };
        assert!(expected.contains(&answer.status), "{path} {body}: {} {}", answer.status, answer.body);
    };
    for (target, is_done) in [("open", true), ("partly", false), ("hidden", false), ("nowhere", false)] {
        let reference = json!({ "type": "reference", "ref_table": target });
        check("PATCH", &format!("_schema/trucks/_field/to_{target}"), &reference, is_done);
    }
    // A reference that is there may come back, and not lead to other values of the same table.
    let owner = world.read("_schema/trucks/_field/owner_id");
    check("PUT", "_schema/trucks/_field/owner_id", &owner, true);
    let cascade = json!({ "ref_on_delete": "CASCADE" });
    check("PATCH", "_schema/trucks/_field/owner_id", &cascade, false);
    world.is_ok("DELETE", "_schema/trucks", &Json::Null, &success());
    let field = |target: &str| json!({ "name": "to", "type": "reference", "ref_table": target });
    let trucks = |target: &str| json!([{ "name": "trucks", "field": [{ "name": "id", "type": "id" }, field(target)] }]);
    for (target, is_done) in [("partly", false), ("hidden", false), ("open", true)] {
        check("POST", "_schema", &trucks(target), is_done);
    }
}

#[test]
fn a_service_may_drop_fields_by_put_as_servers_of_old_did() {
    let world = World::of_file("put_drops_fields = true");
    world.make_trucks();
    let wish = json!({ "field": [{ "name": "id" }, { "name": "name" }] });
    world.ask("POST", "_schema/customers/_field", &json!([{ "name": "age", "type": "integer" }]));
    world.is_ok("PUT", "_schema/customers", &wish, &json!({ "name": "customers" }));
    assert_eq!(world.types("customers").len(), 2);
}

#[test]
fn a_batch_changes_no_schema() {
    let world = World::of_file("");
    let operation = json!({ "method": "POST", "path": "_schema", "body": [trucks()] });
    let body = json!({ "operations": [operation] });
    world.is_refused("POST", "_batch", &body, (400, "its path must begin with '_table/'"));
}
