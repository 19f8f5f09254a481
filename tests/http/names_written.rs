//! Names that break programs, as in `names`: each as a table and as a column in which the gateway creates, changes, replaces and removes
//! rows. Batches carry most of it, so that the disk is waited for a few times only; what was written is read past the gateway.

use std::sync::OnceLock;

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::client::request;
use crate::gateway::Gateway;
use crate::names::{WITHOUT_ADDRESS, create, entries, quoted, segment, setup, tables};

const KEY: &str = "key-of-writers";
/// Operations of one batch at most.
const BATCH: usize = 1000;

/// A gateway before tables with rows to change. Table `t5` has the fifth entry as a column.
fn gateway() -> &'static Gateway {
    static GATEWAY: OnceLock<Gateway> = OnceLock::new();
    GATEWAY.get_or_init(|| {
        let setup = setup(&format!("api_key = \"{KEY}\""), r#"["GET", "POST", "PUT", "PATCH", "DELETE"]"#);
        for (service, names) in tables() {
            let tables = names.iter().map(|name| {
                let name = quoted(name);
                format!(
                    "CREATE TABLE {name} (id INTEGER PRIMARY KEY, note TEXT);
                     INSERT INTO {name} VALUES (1, 'a'), (2, 'b'), (3, 'c');"
                )
            });
            create(&setup, service, tables);
        }
        let columns = entries().iter().enumerate().map(|(number, name)| {
            format!(
                "CREATE TABLE t{number} (id INTEGER PRIMARY KEY, {} TEXT);
                 INSERT INTO t{number} VALUES (1, 'a'), (2, 'b'), (3, 'c');",
                quoted(name)
            )
        });
        create(&setup, "columns", columns);
        setup.start()
    })
}

/// Does the operations, and holds the answer of each against what is expected of it.
fn done(service: &str, operations: &[(Json, Json)]) {
    for batch in operations.chunks(BATCH) {
        let asked: Vec<&Json> = batch.iter().map(|(operation, _)| operation).collect();
        let path = format!("/api/v2/{service}/_batch");
        let answer = gateway().send(request("POST", &path).key(KEY).body(json!({ "operations": asked })));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answers = answer.json();
        for (answer, (operation, expected)) in answers["resource"].as_array().unwrap().iter().zip(batch) {
            assert_eq!((&answer["status"], &answer["body"]), (&json!(200), expected), "{operation}");
        }
    }
}

/// The rows of a table as the database has them.
fn rows(database: &Connection, table: &str) -> String {
    let rows = format!("SELECT * FROM {} ORDER BY id", quoted(table));
    let mut rows = database.prepare(&rows).unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok(format!("{}{}", row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
    rows.query_map([], row).unwrap().map(Result::unwrap).collect::<Vec<_>>().join(" ")
}

fn database(service: &str) -> Connection {
    Connection::open(gateway().setup.path(&format!("{service}.sqlite"))).unwrap()
}

/// An operation of a batch.
fn operation(method: &str, path: &str, query: &Json, body: &Json) -> Json {
    json!({ "method": method, "path": path, "query": query, "body": body })
}

#[test]
fn every_name_is_written_as_a_table() {
    let with_address = |name: &&&str| !WITHOUT_ADDRESS.contains(name);
    let mut reached = 0;
    for (service, names) in tables() {
        let operations = names.iter().filter(with_address).flat_map(|name| {
            let table = format!("_table/{}", segment(name));
            let row = |verb: &str, id: u8, body: Json| {
                (operation(verb, &format!("{table}/{id}"), &json!({}), &body), json!({ "id": id }))
            };
            let new = json!({ "resource": [{ "id": 4, "note": "d" }] });
            [
                (operation("POST", &table, &json!({}), &new), json!({ "resource": [{ "id": 4 }] })),
                row("PATCH", 1, json!({ "note": "A" })),
                row("PUT", 2, json!({ "note": "B" })),
                row("DELETE", 3, Json::Null),
            ]
        });
        done(service, &operations.collect::<Vec<_>>());
        let database = database(service);
        for name in names.iter().filter(with_address) {
            assert_eq!(rows(&database, name), "1A 2B 4d", "{name}");
            reached += 1;
        }
    }
    assert_eq!(reached, entries().len() - WITHOUT_ADDRESS.len());
}

#[test]
fn every_name_is_written_as_a_column() {
    let operations = entries().iter().enumerate().flat_map(|(number, name)| {
        let (table, quoted) = (format!("_table/t{number}"), quoted(name));
        let is = |value: &str| json!({ "filter": format!("{quoted} = '{value}'"), "fields": quoted });
        let one = |value: &str| json!({ "resource": [{ name: value }] });
        [
            (
                operation(
                    "POST",
                    &table,
                    &json!({ "fields": quoted }),
                    &json!({ "resource": [{ "id": 4, name: "d" }] }),
                ),
                one("d"),
            ),
            (operation("PATCH", &table, &is("a"), &one("A")), one("A")),
            (
                operation("PUT", &format!("{table}/2"), &json!({ "fields": quoted }), &json!({ name: "B" })),
                json!({ name: "B" }),
            ),
            (operation("DELETE", &table, &is("c"), &Json::Null), one("c")),
        ]
    });
    done("columns", &operations.collect::<Vec<_>>());
    let database = database("columns");
    for (number, name) in entries().iter().enumerate() {
        assert_eq!(rows(&database, &format!("t{number}")), "1A 2B 4d", "{name}");
    }
}
