//! What was described, dropped and created from its description is described as before.

use serde_json::{Value as Json, json};

use crate::engine::{MARIADB, POSTGRES};
use crate::schema_changes::{World, named, success};

/// A table of every simple type that these stores have and that is no reference.
fn kinds() -> Json {
    let words = [
        "id",
        "bigint",
        "binary",
        "boolean",
        "date",
        "datetime",
        "decimal",
        "double",
        "float",
        "integer",
        "json",
        "money",
        "smallint",
        "string",
        "text",
        "time",
        "timestamp",
        "timestamp_on_create",
        "timestamp_on_update",
        "user_id_on_create",
        "uuid",
        "user_id",
    ];
    let fields: Vec<Json> =
        words.iter().map(|word| json!({ "name": format!("f_{word}"), "type": word })).collect();
    json!({ "name": "kinds", "field": fields })
}

/// Describes, drops, creates from the description, and describes.
#[track_caller]
fn check_again(world: &World, table: &str) {
    let described = world.read(&format!("_schema/{table}"));
    world.is_ok("DELETE", &format!("_schema/{table}"), &Json::Null, &success());
    world.is_ok("POST", "_schema", &json!({ "resource": [described] }), &named(&[table]));
    assert_eq!(world.read(&format!("_schema/{table}")), described, "{table}");
}

fn identity(world: &World) {
    let kinds = kinds();
    let answer = world.ask("POST", "_schema", &json!([kinds]));
    assert_eq!(answer.status, 200, "{}", answer.body);
    check_again(world, "kinds");
    for word in ["array", "object"] {
        let field = json!([{ "name": "more", "type": word }]);
        world.is_refused("POST", "_schema/kinds/_field", &field, (501, "more"));
    }
    world.make_trucks();
    check_again(world, "trucks");
}

#[test]
fn the_flights_database_made_from_its_descriptions_is_described_so() {
    let world = World::of_file("");
    let database = rusqlite::Connection::open(world.gateway.setup.path("store.sqlite")).unwrap();
    database.execute_batch(include_str!("../fixtures/flights/schema.sql")).unwrap();
    database.execute_batch(include_str!("../fixtures/flights/indexes.sql")).unwrap();
    let all = "_schema?ids=airlines,airports,flights,planes,weather";
    let described = world.read(all);
    assert_eq!(described["resource"].as_array().unwrap().len(), 5);
    let dropped = world.ask("DELETE", all, &Json::Null);
    assert_eq!(dropped.status, 200, "{}", dropped.body);
    let created = world.ask("POST", "_schema", &described);
    assert_eq!(created.status, 200, "{}", created.body);
    assert_eq!(world.read(all), described);
}

#[test]
fn a_table_made_from_its_description_is_described_so() {
    identity(&World::of_file(""));
}

#[test]
fn a_table_made_from_its_description_is_described_so_on_a_server_of_the_one_kind() {
    identity(&World::of_server(&POSTGRES));
}

#[test]
fn a_table_made_from_its_description_is_described_so_on_a_server_of_the_other_kind() {
    identity(&World::of_server(&MARIADB));
}
