//! What is kept of tables beside the database: where it stands, where it is shown, and rules for values that are written.

use serde_json::{Value as Json, json};

use crate::client::request;
use crate::gateway::{Setup, eventually};
use crate::schema_changes::{World, named, success, trucks};
use crate::shop::{EVERYTHING, READER, log_in};

#[test]
fn a_store_whose_tables_cant_be_changed_says_so_and_keeps_extras_all_the_same() {
    let config =
        "[[services]]\nname = \"store\"\ntype = \"memory\"\n[services.config]\nfile = \"mem.json\"\n";
    let setup = Setup::new(&format!("{config}{EVERYTHING}"));
    let columns = json!([{ "name": "id", "type": "integer" }]);
    setup.write(
        "mem.json",
        &json!({ "t": { "primary_key": ["id"], "columns": columns, "rows": [] } }).to_string(),
    );
    let world = World { gateway: setup.start(), _engine: None };
    world.is_refused("POST", "_schema", &json!([trucks()]), (400, "'ref_table' names 'customers'"));
    let table = json!([{ "name": "x", "field": [{ "name": "id", "type": "id" }] }]);
    world.is_refused("POST", "_schema", &table, (501, "changing the schema"));
    world.is_refused("DELETE", "_schema/t", &Json::Null, (501, "changing the schema"));
    world.is_ok("PATCH", "_schema/t", &json!({ "label": "Things" }), &json!({ "name": "t" }));
    assert_eq!(world.read("_schema/t")["label"], "Things");
}

#[test]
fn extras_are_kept_in_a_file_for_people_and_never_touch_the_database() {
    let world = World::of_file("");
    world.make_trucks();
    let wish = json!({ "label": "Lorry", "description": "What drives.", "name_field": "plate", "field": [
        { "name": "make", "label": "Maker", "picklist": ["Saab", "Volvo"], "validation": { "not_empty": null } },
    ] });
    world.is_ok("PATCH", "_schema/trucks", &wish, &json!({ "name": "trucks" }));
    let trucks = world.read("_schema/trucks");
    assert_eq!((&trucks["label"], &trucks["name_field"]), (&json!("Lorry"), &json!("plate")));
    let make = world.read("_schema/trucks/_field/make");
    assert_eq!((&make["label"], &make["picklist"]), (&json!("Maker"), &json!(["Saab", "Volvo"])));
    assert_eq!(make, trucks["field"][1]);
    let row = world.read("_schema?fields=name,label&ids=trucks");
    assert_eq!(row["resource"][0]["label"], "Lorry");
    let path = world.gateway.setup.path("data/extras/store.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("[tables.trucks]\nlabel = \"Lorry\""), "{text}");
    std::fs::write(&path, text.replace("Lorry", "Wagon")).unwrap();
    world.gateway.signal("HUP");
    eventually("the file is read again", || world.read("_schema/trucks")["label"] == "Wagon");
    world.is_ok(
        "PATCH",
        "_schema/trucks",
        &json!({ "label": "Trucks", "name_field": null }),
        &json!({ "name": "trucks" }),
    );
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        !text.contains("Wagon") && !text.contains("name_field"),
        "what the database says is not kept: {text}"
    );
    world.is_ok("DELETE", "_schema/trucks", &Json::Null, &success());
    assert!(!std::fs::read_to_string(&path).unwrap().contains("trucks"));
}

#[test]
fn a_file_of_extras_that_was_edited_is_not_overwritten() {
    let world = World::of_file("");
    world.make_trucks();
    let lorry = json!({ "label": "Lorry" });
    world.is_ok("PATCH", "_schema/trucks", &lorry, &json!({ "name": "trucks" }));
    let path = world.gateway.setup.path("data/extras/store.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("Lorry", "Wagon");
    std::fs::write(&path, &text).unwrap();
    for (verb, path, body) in [
        ("PATCH", "_schema/trucks", json!({ "label": "Van" })),
        ("PATCH", "_schema/trucks/_field/colour", json!({ "type": "text" })),
        ("DELETE", "_schema/trucks", Json::Null),
    ] {
        world.is_refused(verb, path, &body, (409, "Reload the gateway"));
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    world.gateway.signal("HUP");
    eventually("the file is read again", || world.read("_schema/trucks")["label"] == "Wagon");
    world.is_ok("PATCH", "_schema/trucks", &json!({ "label": "Van" }), &json!({ "name": "trucks" }));
}

#[test]
fn a_file_of_extras_that_cant_be_read_stops_only_its_service() {
    let of = |name: &str| {
        format!(
            "[[services]]\nname = \"{name}\"\ntype = \"memory\"\n[services.config]\nfile = \"{name}.json\"\n"
        )
    };
    let setup = Setup::new(&format!("{}{}{EVERYTHING}", of("store"), of("other")));
    let table = json!({ "t": { "primary_key": ["id"], "columns": [{ "name": "id", "type": "integer" }], "rows": [] } });
    for name in ["store.json", "other.json"] {
        setup.write(name, &table.to_string());
    }
    setup.write("data/extras/store.toml", "[tables");
    let world = World { gateway: setup.start(), _engine: None };
    // Nobody knows what it hides or renames.
    world.is_refused("GET", "_table/t", &Json::Null, (409, "Reload the gateway"));
    world.is_refused("DELETE", "_table/t/1", &Json::Null, (409, "Reload the gateway"));
    let (record, label) = (json!({ "resource": [{ "id": 1 }] }), json!({ "label": "x" }));
    world.is_refused("POST", "_table/t", &record, (409, "Reload the gateway"));
    world.is_refused("PATCH", "_schema/t", &label, (409, "Reload the gateway"));
    let other = request("POST", "/api/v2/other/_table/t").key(READER).body(record.clone());
    world.gateway.send(other).is_ok(r#"{"resource":[{"id":1}]}"#);
    world.gateway.setup.write("data/extras/store.toml", "");
    world.gateway.signal("HUP");
    eventually("the file is read again", || world.ask("PATCH", "_schema/t", &label).status == 200);
    world.is_ok("POST", "_table/t", &record, &json!({ "resource": [{ "id": 1 }] }));
}

#[test]
fn extras_that_several_change_at_once_are_all_kept() {
    let world = World::of_file("");
    let names: Vec<String> = (0..8).map(|number| format!("f{number}")).collect();
    let fields: Vec<Json> = names.iter().map(|name| json!({ "name": name, "type": "integer" })).collect();
    world.is_ok("POST", "_schema", &json!([{ "name": "t", "field": fields }]), &named(&["t"]));
    std::thread::scope(|scope| {
        for name in &names {
            let wish = json!({ "label": format!("Label of {name}") });
            let (world, path) = (&world, format!("_schema/t/_field/{name}"));
            scope.spawn(move || world.is_ok("PATCH", &path, &wish, &success()));
        }
    });
    for name in &names {
        assert_eq!(world.read(&format!("_schema/t/_field/{name}"))["label"], format!("Label of {name}"));
    }
}

#[test]
fn values_keep_the_rules_of_their_fields() {
    let world = World::of_file("");
    world.make_trucks();
    let rule = |field: &str, validation: Json| json!({ "name": field, "validation": validation });
    let make = json!({ "name": "make", "picklist": "Saab,Volvo", "validation": { "picklist": null } });
    let plate = rule(
        "plate",
        json!({ "match": { "regexp": "L15bQS1aXSBbMC05XSskLw==", "on_fail": "A letter and a number, please." } }),
    );
    let created = rule("created", json!({ "api_read_only": {} }));
    let owner = rule("owner_id", json!({ "create_only": {} }));
    world.is_ok(
        "PATCH",
        "_schema/trucks/_field",
        &json!([make, plate, created, owner]),
        &named(&["make", "plate", "created", "owner_id"]),
    );
    let truck = |make: &str, plate: &str| json!({ "resource": [{ "make": make, "plate": plate, "created": "1999-01-01" }] });
    world.is_ok("POST", "_table/trucks", &truck("Saab", "A 1"), &json!({ "resource": [{ "id": 1 }] }));
    assert_ne!(
        world.read("_table/trucks/1?fields=created")["created"],
        "1999-01-01",
        "the database fills it"
    );
    let check = |verb: &str, path: &str, body: Json, expected: &str| {
        let answer = world.ask(verb, path, &body);
        assert!(
            answer.status == 400 && answer.body.contains(expected),
            "{verb} {path}: {} {}",
            answer.status,
            answer.body
        );
    };
    check("POST", "_table/trucks", truck("Fiat", "A 2"), "Field 'make' value is invalid.");
    check("POST", "_table/trucks", truck("Saab", "22"), "A letter and a number, please.");
    check("PATCH", "_table/trucks/1", json!({ "make": "Fiat" }), "Field 'make' value is invalid.");
    check(
        "PATCH",
        "_table/trucks?filter=id%3D1",
        json!({ "resource": [{ "make": "Fiat" }] }),
        "Field 'make' value is invalid.",
    );
    check(
        "PUT",
        "_table/trucks/1",
        json!({ "owner_id": 2 }),
        "Field 'owner_id' can only be set during record creation.",
    );
    assert_eq!(world.read("_table/trucks?count_only=true"), 1);
    let wrong = rule("make", json!({ "emial": {} }));
    world.is_refused("PATCH", "_schema/trucks/_field", &json!([wrong]), (400, "there is no such rule"));
}

#[test]
fn the_key_of_a_row_that_may_be_created_keeps_the_rules_of_its_field() {
    let world = World::of_file("");
    let code = json!({ "name": "code", "type": "string", "is_primary_key": true, "picklist": ["a", "b"],
        "validation": { "picklist": null } });
    let table = json!([{ "name": "t", "field": [code, { "name": "n", "type": "integer" }] }]);
    world.is_ok("POST", "_schema", &table, &named(&["t"]));
    let record = |code: &str| json!({ "resource": [{ "code": code, "n": 1 }] });
    let refusal = (400, "Field 'code' value is invalid.");
    for verb in ["PUT", "PATCH"] {
        world.is_refused(verb, "_table/t/c?upsert=true", &json!({ "n": 1 }), refusal);
        let answer = world.ask(verb, "_table/t?upsert=true", &record("c"));
        assert!(answer.status == 400 && answer.body.contains(refusal.1), "{} {}", answer.status, answer.body);
    }
    assert_eq!(world.read("_table/t?count_only=true"), 0);
    world.is_ok("PUT", "_table/t/a?upsert=true", &json!({ "n": 1 }), &json!({ "code": "a" }));
    world.is_ok("PUT", "_table/t?upsert=true", &record("b"), &json!({ "resource": [{ "code": "b" }] }));
    let hidden = json!({ "validation": { "api_read_only": null } });
    world.is_ok("PATCH", "_schema/t/_field/code", &hidden, &success());
    world.is_refused("PUT", "_table/t/a?upsert=true", &json!({ "n": 2 }), (400, "not for callers to set"));
    world.is_ok("PUT", "_table/t/a", &json!({ "n": 2 }), &json!({ "code": "a" }));
}

#[test]
fn moments_and_users_are_filled_in() {
    let world = World::of_file("");
    let fields = json!([
        { "name": "id", "type": "id" },
        { "name": "word", "type": "string" },
        { "name": "changed", "type": "timestamp_on_update", "allow_null": false },
        { "name": "made_by", "type": "user_id_on_create" },
        { "name": "changed_by", "type": "user_id_on_update" },
    ]);
    world.is_ok("POST", "_schema", &json!([{ "name": "notes", "field": fields }]), &named(&["notes"]));
    let described = world.read("_schema/notes/_field")["resource"].clone();
    let words: Vec<&str> =
        described.as_array().unwrap().iter().map(|field| field["type"].as_str().unwrap()).collect();
    assert_eq!(words, ["id", "string", "timestamp_on_update", "user_id_on_create", "user_id_on_update"]);
    let token = log_in(&world.gateway);
    let record = json!({ "word": "a", "changed": "1999-01-01T00:00:00Z", "made_by": 99 });
    let created =
        request("POST", "/api/v2/store/_table/notes").token(&token).body(json!({ "resource": [record] }));
    world.gateway.send(created).is_ok(r#"{"resource":[{"id":1}]}"#);
    let note = || world.read("_table/notes/1");
    let user = note()["made_by"].clone();
    assert!(user.is_i64() && user != 99 && note()["changed_by"] == user, "{}", note());
    assert!(!note()["changed"].as_str().unwrap().starts_with("1999"), "{}", note());
    let database = rusqlite::Connection::open(world.gateway.setup.path("store.sqlite")).unwrap();
    database
        .execute_batch("UPDATE notes SET changed = '1999-01-01 00:00:00', changed_by = 5, made_by = 5")
        .unwrap();
    // A key has no user.
    world.is_ok("PATCH", "_table/notes/1", &json!({ "word": "b", "made_by": 7 }), &json!({ "id": 1 }));
    assert_eq!((&note()["made_by"], &note()["changed_by"]), (&json!(5), &json!(5)));
    assert!(!note()["changed"].as_str().unwrap().starts_with("1999"), "{}", note());
    let changed = request("PATCH", "/api/v2/store/_table/notes/1").token(&token).body(json!({ "word": "c" }));
    world.gateway.send(changed).is_ok(r#"{"id":1}"#);
    assert_eq!((&note()["made_by"], &note()["changed_by"]), (&json!(5), &user));
}

#[test]
fn a_view_has_the_key_that_its_extras_say() {
    let world = World::of_file("");
    world.make_trucks();
    world.ask("POST", "_table/customers", &json!({ "resource": [{ "name": "Ada" }, { "name": "Bo" }] }));
    let database = rusqlite::Connection::open(world.gateway.setup.path("store.sqlite")).unwrap();
    database.execute_batch("CREATE VIEW buyers AS SELECT id AS number, name FROM customers").unwrap();
    world.is_ok("PATCH", "_schema/buyers/_field/number", &json!({ "is_primary_key": true }), &success());
    assert_eq!(world.read("_schema/buyers")["primary_key"], json!(["number"]));
    assert_eq!(world.read("_table/buyers/2"), json!({ "number": 2, "name": "Bo" }));
    world.is_refused("DELETE", "_schema/buyers", &Json::Null, (501, "Dropping the view"));
    world.is_refused(
        "PATCH",
        "_schema/buyers/_field/name",
        &json!({ "allow_null": false }),
        (501, "changing the fields of a view"),
    );
}
