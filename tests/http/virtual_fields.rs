//! Fields that the database does not have, and fields that it computes: the same walk on SQLite, PostgreSQL and MariaDB, and every refusal.

use serde_json::{Value as Json, json};

use crate::client::request;
use crate::engine::{MARIADB, POSTGRES};
use crate::gateway::{Setup, eventually};
use crate::schema_changes::{World, named, success};
use crate::shop::{EVERYTHING, READER};

/// People whose mail is kept in small letters, whose code is shown masked, and who have a full name and a total that no database keeps.
fn make_people(world: &World) {
    let function = |uses: &[&str], text: &str| json!({ "use": uses, "function": text });
    let people = json!({ "name": "people", "field": [
        { "name": "id", "type": "integer", "is_primary_key": true, "allow_null": false },
        { "name": "first", "type": "string", "length": 40, "alias": "first_name" },
        { "name": "last", "type": "string", "length": 40 },
        { "name": "mail", "type": "string", "length": 80,
          "db_function": [function(&["INSERT", "update"], "lower(trim({value}))")] },
        { "name": "code", "type": "string", "length": 20,
          "db_function": [function(&["SELECT"], "concat('***', length(code))"), function(&["FILTER"], "lower(code)")] },
        { "name": "price", "type": "integer" },
        { "name": "qty", "type": "integer" },
        { "name": "full_name", "type": "string", "is_virtual": true, "description": "Both names.",
          "db_function": [{ "use": "SELECT", "function": "first || ' ' || last", "function_type": "database" }] },
        { "name": "total", "type": "virtual", "db_function": { "type": "integer", "function": "price * coalesce(qty, 1) + 1" } },
    ] });
    world.is_ok("POST", "_schema", &json!([people]), &named(&["people"]));
    let rows = json!([
        { "id": 1, "first_name": "Ada", "last": "Lovelace", "mail": " ADA@X.io ", "code": "Abc", "price": 2, "qty": 3 },
        { "id": 2, "first_name": "Bob", "last": "Builder", "mail": "BOB@x.io", "code": "abcd", "price": 10, "full_name": "Robert", "total": 7 },
        { "id": 3, "first_name": "Cy", "last": null, "mail": null, "code": null, "price": null, "qty": 4 },
    ]);
    let written = json!({ "resource": [{ "id": 1 }, { "id": 2 }, { "id": 3 }] });
    world.is_ok("POST", "_table/people", &rows, &written);
}

fn virtual_field(name: &str, function: &str) -> Json {
    let functions = json!([{ "use": ["SELECT"], "function": function }]);
    json!({ "name": name, "type": "string", "is_virtual": true, "db_function": functions })
}

#[track_caller]
fn is(world: &World, query: &str, expected: Json) {
    let query = query.replace(' ', "%20").replace('>', "%3E").replace('+', "%2B");
    assert_eq!(world.read(&format!("_table/people?{query}"))["resource"], expected, "{query}");
}

fn walk(world: &World) {
    make_people(world);
    reads(world);
    conditions(world);
    writes(world);
    descriptions(world);
}

fn reads(world: &World) {
    is(
        world,
        "order=id&limit=2",
        json!([
            { "id": 1, "first_name": "Ada", "last": "Lovelace", "mail": "ada@x.io", "code": "***3", "price": 2, "qty": 3,
              "full_name": "Ada Lovelace", "total": 7 },
            { "id": 2, "first_name": "Bob", "last": "Builder", "mail": "bob@x.io", "code": "***4", "price": 10, "qty": null,
              "full_name": "Bob Builder", "total": 11 },
        ]),
    );
    is(world, "fields=full_name&ids=3,1", json!([{ "full_name": null }, { "full_name": "Ada Lovelace" }]));
    is(world, "fields=total,code,id&ids=2", json!([{ "total": 11, "code": "***4", "id": 2 }]));
    let one = world.read("_table/people/1?fields=full_name,first_name");
    assert_eq!(one, json!({ "full_name": "Ada Lovelace", "first_name": "Ada" }));
}

fn conditions(world: &World) {
    is(world, "fields=id&filter=full_name='Bob Builder'", json!([{ "id": 2 }]));
    is(world, "fields=id&filter=(total>7)or(full_name is null)&order=id", json!([{ "id": 2 }, { "id": 3 }]));
    is(world, "fields=id&filter=full_name like '%25 Love%25'", json!([{ "id": 1 }]));
    is(world, "fields=id&filter=total=(price * qty + 1)", json!([{ "id": 1 }]));
    is(world, "fields=id&filter=code='abc'", json!([{ "id": 1 }]));
    is(
        world,
        "fields=id,total&order=total desc",
        json!([{ "id": 2, "total": 11 }, { "id": 1, "total": 7 }, { "id": 3, "total": null }]),
    );
    is(world, "fields=id&order=full_name desc nulls last", json!([{ "id": 2 }, { "id": 1 }, { "id": 3 }]));
    is(world, "fields=id&order=code,id", json!([{ "id": 3 }, { "id": 1 }, { "id": 2 }]));
    assert_eq!(world.read("_table/people?filter=total%3E7&count_only=true"), json!(1));
    let mut seen = Vec::new();
    let mut cursor = "page=cursor".to_owned();
    while !cursor.is_empty() {
        let page = world.read(&format!("_table/people?order=total&limit=1&fields=id&{cursor}"));
        seen.extend(page["resource"].as_array().unwrap().iter().map(|row| row["id"].clone()));
        cursor =
            page["meta"]["next_cursor"].as_str().map(|token| format!("cursor={token}")).unwrap_or_default();
    }
    assert_eq!(seen, [3, 1, 2]);
    for (query, part) in [
        ("group=full_name&fields=full_name,COUNT(*)", "the computed field 'full_name'"),
        ("fields=SUM(total)", "the computed field 'total'"),
        ("fields=full_name&distinct=true", "the computed field 'full_name'"),
    ] {
        world.is_refused("GET", &format!("_table/people?{query}"), &Json::Null, (501, part));
    }
    world.is_refused("GET", "_table/people?order=code&page=cursor", &Json::Null, (400, "a cursor can"));
}

fn writes(world: &World) {
    let by_filter = json!({ "resource": [{ "mail": "NEW@X.IO", "full_name": "x" }] });
    let changed = json!({ "resource": [{ "id": 1, "mail": "new@x.io" }] });
    world.is_ok(
        "PATCH",
        "_table/people?filter=full_name='Ada%20Lovelace'&fields=id,mail",
        &by_filter,
        &changed,
    );
    // What a write gives back is what is stored, so it has no computed fields.
    let all = json!({ "id": 3, "first_name": "Cy", "last": "Clone", "mail": "it's {value}", "price": null, "qty": 4 });
    let change = json!({ "last": "Clone", "mail": "  It's {value}" });
    world.is_ok("PATCH", "_table/people/3?fields=*", &change, &all);
    world.is_refused("PATCH", "_table/people/3?fields=code", &change, (501, "in the answer of a write"));
    let expression = json!({ "mail": { "expression": "upper(last)" } });
    world.is_refused(
        "PATCH",
        "_table/people/3",
        &expression,
        (400, "has a function and takes no expression"),
    );
    // What is stored in a computed field is told by no other field, and names no row.
    world.is_refused(
        "PATCH",
        "_table/people/3",
        &json!({ "last": { "expression": "code" } }),
        (400, "computed field"),
    );
    for (verb, path) in
        [("GET", "_table/people?id_field=code&ids=x"), ("DELETE", "_table/people?id_field=code&ids=x")]
    {
        world.is_refused(verb, path, &Json::Null, (400, "'code' can't identify rows"));
    }
    world.is_refused(
        "PATCH",
        "_table/people?filter=id=3&id_field=code",
        &json!({ "resource": [{ "qty": 4 }] }),
        (400, "'code'"),
    );
    upserts(world);
    let read = world.ask("GET", "_table/people/3", &Json::Null);
    let version = read.header("etag").to_owned();
    let conditional =
        request("PATCH", "/api/v2/store/_table/people/3").key(READER).header("If-Match", &version);
    assert_eq!(world.gateway.send(conditional.body(json!({ "qty": 5 }))).status, 200);
    world.is_ok(
        "DELETE",
        "_table/people?filter=total is null".replace(' ', "%20").as_str(),
        &Json::Null,
        &json!({ "resource": [{ "id": 3 }] }),
    );
}

/// A function counts in an upsert, too: that of the change where the row is there, else that of the creation.
fn upserts(world: &World) {
    let upper = |place: &str| json!({ "db_function": [{ "use": [place], "function": "upper({value})" }] });
    let lower = json!([{ "use": ["INSERT", "UPDATE"], "function": "lower(trim({value}))" }]);
    let records = json!([
        { "id": 3, "mail": "c@x" }, { "id": 8, "qty": 1 }, { "id": 9, "mail": "N@x", "price": 1 }, { "id": 3, "price": 5 },
    ]);
    for (place, mails) in [("UPDATE", ["C@X", "N@x"]), ("INSERT", ["c@x", "N@X"])] {
        world.is_ok("PATCH", "_schema/people/_field/mail", &upper(place), &success());
        for query in ["", "&rollback=true", "&continue=true"] {
            let rows = json!({ "resource": [{ "id": 3 }, { "id": 8 }, { "id": 9 }, { "id": 3 }] });
            world.is_ok("PUT", &format!("_table/people?upsert=true{query}"), &records, &rows);
            is(
                world,
                "fields=id,mail,price,qty&filter=id>2&order=id",
                json!([
                    { "id": 3, "mail": mails[0], "price": 5, "qty": 4 },
                    { "id": 8, "mail": null, "price": null, "qty": 1 },
                    { "id": 9, "mail": mails[1], "price": 1, "qty": null },
                ]),
            );
            let gone = json!({ "resource": [{ "id": 8 }, { "id": 9 }] });
            world.is_ok("DELETE", "_table/people?ids=8,9", &Json::Null, &gone);
        }
    }
    let one = json!({ "mail": "one" });
    for mail in ["ONE", "one"] {
        world.is_ok("PATCH", "_table/people/8?upsert=true&fields=mail", &one, &json!({ "mail": mail }));
    }
    let failing = json!([{ "id": 9, "mail": "x" }, { "id": 10, "mail": "y", "price": "none" }]);
    world.is_refused("PUT", "_table/people?upsert=true&rollback=true", &failing, (400, ""));
    is(world, "fields=id&filter=id>3", json!([{ "id": 8 }]));
    world.is_ok("DELETE", "_table/people/8", &Json::Null, &json!({ "id": 8 }));
    world.is_ok("PATCH", "_schema/people/_field/mail", &json!({ "db_function": lower }), &success());
    world.is_ok("PATCH", "_table/people/3", &json!({ "mail": null, "price": null }), &json!({ "id": 3 }));
}

fn descriptions(world: &World) {
    let people = world.read("_schema/people");
    let names: Vec<&str> =
        people["field"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["id", "first", "last", "mail", "code", "price", "qty", "full_name", "total"]);
    let full_name = world.read("_schema/people/_field/full_name");
    assert_eq!(full_name, people["field"][7]);
    assert_eq!((&full_name["is_virtual"], &full_name["type"]), (&json!(true), &json!("string")));
    let function =
        json!([{ "use": ["SELECT"], "function": "first || ' ' || last", "function_type": "database" }]);
    assert_eq!((&full_name["db_function"], &full_name["label"]), (&function, &json!("Full Name")));
    world.is_ok("PUT", "_schema/people", &people, &json!({ "name": "people" }));
    assert_eq!(world.read("_schema/people"), people);
    world.is_ok("PATCH", "_schema/people/_field/full_name", &json!({ "label": "Name" }), &success());
    assert_eq!(world.read("_schema/people/_field/full_name")["label"], "Name");
    let changed = json!({ "db_function": [{ "use": ["SELECT"], "function": "upper(last)" }] });
    world.is_ok("PATCH", "_schema/people/_field/full_name", &changed, &success());
    is(world, "fields=full_name&ids=1", json!([{ "full_name": "LOVELACE" }]));
    world.is_ok("DELETE", "_schema/people/_field/full_name", &Json::Null, &success());
    world.is_refused("GET", "_table/people?fields=full_name", &Json::Null, (400, "full_name"));
    world.is_ok("PATCH", "_schema/people/_field/code", &json!({ "db_function": null }), &success());
    is(world, "fields=code,total&ids=2", json!([{ "code": "abcd", "total": 11 }]));
}

#[test]
fn virtual_fields_and_functions_are_computed_by_the_database() {
    walk(&World::of_file(""));
}

#[test]
fn virtual_fields_and_functions_are_computed_by_the_database_on_postgresql() {
    walk(&World::of_server(&POSTGRES));
}

#[test]
fn virtual_fields_and_functions_are_computed_by_the_database_on_mariadb() {
    walk(&World::of_server(&MARIADB));
}

#[test]
fn related_rows_have_computed_fields_too() {
    let world = World::of_file("");
    make_people(&world);
    let notes = json!({ "name": "notes", "field": [
        { "name": "id", "type": "id" },
        { "name": "person", "type": "reference", "ref_table": "people", "ref_field": "id" },
    ] });
    world.is_ok("POST", "_schema", &json!([notes]), &named(&["notes"]));
    let rows = json!([{ "person": 1 }, { "person": 2 }]);
    world.is_ok("POST", "_table/notes", &rows, &json!({ "resource": [{ "id": 1 }, { "id": 2 }] }));
    let related = "related=people_by_person&people_by_person.fields=full_name";
    let path = format!("_table/notes?fields=id&filter=people_by_person.full_name='Ada%20Lovelace'&{related}");
    let expected = json!([{ "id": 1, "people_by_person": { "full_name": "Ada Lovelace" } }]);
    assert_eq!(world.read(&path)["resource"], expected);
}

#[test]
fn what_is_no_expression_over_the_table_is_refused_with_the_place_and_what_is_allowed() {
    let world = World::of_file("");
    make_people(&world);
    let refused =
        |field: Json, expected| world.is_refused("PATCH", "_schema/people/_field", &json!([field]), expected);
    let of = |text: &str| virtual_field("x", text);
    let allowed = "allowed are own columns, numbers, text in single quotes, + - * / ||, parentheses and the functions now";
    for text in [
        "sleep(5)",
        "(select code from people)",
        "first; drop table people",
        "load_file('/etc/passwd')",
        "case when 1=1 then 1 end",
        "first /* */",
        "'a' 'b'",
        "first = last",
        "{user.id}",
        "pg_sleep(1)",
        "`first`",
    ] {
        refused(of(text), (400, allowed));
    }
}

#[test]
fn a_function_or_virtual_field_that_does_not_fit_its_table_is_refused() {
    let world = World::of_file("");
    make_people(&world);
    let refused =
        |field: Json, expected| world.is_refused("PATCH", "_schema/people/_field", &json!([field]), expected);
    let of = |text: &str| virtual_field("x", text);
    refused(of("first || nick"), (400, "'nick' is no field"));
    refused(of("concat(first, sleep(1))"), (400, "at character 15"));
    refused(of("lower({value})"), (400, "'{value}' can't stand in a function for SELECT"));
    refused(of("full_name"), (400, "is no field"));
    refused(of("qty -- x"), (400, "'x' is no field"));
    refused(virtual_field("last", "last"), (400, "can't be called like"));
    refused(virtual_field("first_name", "last"), (400, "can't be called like"));
    refused(
        json!({ "name": "x", "type": "string", "is_virtual": true }),
        (400, "needs a 'db_function' for SELECT"),
    );
    refused(
        json!({ "name": "x", "is_virtual": true, "db_function": [{ "use": ["SELECT"], "function": "last" }] }),
        (400, "needs a 'type'"),
    );
    refused(
        json!({ "name": "id", "db_function": [{ "use": ["SELECT"], "function": "id + 1" }] }),
        (400, "a field of a key"),
    );
    refused(
        json!({ "name": "mail", "db_function": [{ "use": ["INSERT"], "function": "last" }] }),
        (400, "a new row has no fields yet"),
    );
    refused(
        json!({ "name": "mail", "db_function": [{ "use": ["DELETE"], "function": "last" }] }),
        (400, "some of SELECT, FILTER, INSERT and UPDATE"),
    );
    refused(
        json!({ "name": "x", "type": "integer", "is_virtual": true, "is_aggregate": true,
                    "db_function": [{ "use": ["SELECT"], "function": "qty" }] }),
        (501, "computed of many rows"),
    );
}

#[test]
fn a_field_whose_function_does_not_fit_any_more_shows_and_takes_nothing() {
    let world = World::of_file("");
    make_people(&world);
    let path = world.gateway.setup.path("data/extras/store.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("length(code)", "length(gone)")).unwrap();
    world.gateway.signal("HUP");
    let one = "_table/people/1?fields=id,code";
    eventually("the file is read again", || world.read(one) == json!({ "id": 1, "code": null }));
    let write = json!({ "code": "open" });
    world.is_refused("PATCH", "_table/people/1", &write, (400, "does not fit its table"));
    assert!(world.gateway.log.find("an alias or function does not fit its table").is_some());
}

#[test]
fn a_function_that_was_written_wrong_by_hand_is_told() {
    let world = World::of_file("");
    make_people(&world);
    let path = world.gateway.setup.path("data/extras/store.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("lower(code)", "evil(code)")).unwrap();
    let checked = world.gateway.setup.run(&["check"]);
    let told =
        String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
    assert!(!checked.status.success() && told.contains("table 'people', field 'code'"), "{told}");
}

#[test]
fn a_service_that_computes_nothing_takes_no_functions() {
    let service =
        "[[services]]\nname = \"store\"\ntype = \"memory\"\n[services.config]\nfile = \"mem.json\"\n";
    let setup = Setup::new(&format!("{service}{EVERYTHING}"));
    let columns = json!([{ "name": "id", "type": "integer" }]);
    let table = json!({ "t": { "primary_key": ["id"], "columns": columns, "rows": [] } });
    setup.write("mem.json", &table.to_string());
    let world = World { gateway: setup.start(), _engine: None };
    let field = json!([{ "name": "x", "type": "integer", "is_virtual": true,
                         "db_function": [{ "use": ["SELECT"], "function": "id + 1" }] }]);
    world.is_refused("PATCH", "_schema/t/_field", &field, (501, "a function"));
    world.gateway.setup.write("data/extras/store.toml",
        "[tables.t.fields.x]\ntype = \"integer\"\nis_virtual = true\ndb_function = [{ use = [\"SELECT\"], function = \"id + 1\" }]\n");
    world.gateway.signal("HUP");
    eventually("the file is read again", || world.ask("GET", "_table/t", &Json::Null).status == 501);
}
