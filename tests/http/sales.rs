//! The services `shop` and `mem` with the same tables, made from one description: for what groups rows or goes through many of them.

use std::sync::OnceLock;

use rusqlite::{Connection, params_from_iter};
use serde_json::{Map, Value as Json, json};

use crate::client::{Answer, Request};
use crate::gateway::{Gateway, Setup};
use crate::shop::{reading, stored};

/// Both services.
pub(crate) const SERVICES: [&str; 2] = ["shop", "mem"];

const CONFIG: &str = include_str!("sales.toml");
const SALES: &str = include_str!("sales.json");
/// Rows of the table `steps`.
pub(crate) const STEPS: i64 = 57;

/// More of a database than the tables that both services have.
const INDEXES: &str = "
    CREATE INDEX steps_by_grade ON steps (grade);
    CREATE INDEX steps_by_day ON steps (day, id);
    CREATE VIEW graded AS SELECT id, grade FROM steps;
";

/// A folder with both services, more configuration behind theirs.
pub(crate) fn setup(more: &str) -> Setup {
    let setup = Setup::new(&format!("{CONFIG}\n{more}"));
    let tables = tables();
    setup.write("mem.json", &Json::Object(tables.clone()).to_string());
    let database = Connection::open(setup.path("shop.sqlite")).unwrap();
    tables.iter().for_each(|(name, table)| create(&database, name, table));
    database.execute_batch(INDEXES).unwrap();
    setup
}

/// The gateway that the tests of these tables share.
pub(crate) fn shared() -> &'static Gateway {
    static SHARED: OnceLock<Gateway> = OnceLock::new();
    SHARED.get_or_init(|| setup("").start())
}

/// Sends a reader's request with these parameters.
#[track_caller]
pub(crate) fn ask(gateway: &Gateway, path: &str, parameters: &[(&str, &str)]) -> Answer {
    gateway.send(with(reading(path), parameters))
}

/// A request with parameters.
pub(crate) fn with(request: Request, parameters: &[(&str, &str)]) -> Request {
    parameters.iter().fold(request, |request, (name, value)| request.with(name, value))
}

/// The tables in the form of the service `mem`.
fn tables() -> Map<String, Json> {
    let Ok(Json::Object(mut tables)) = serde_json::from_str(SALES) else { panic!("sales.json holds tables") };
    let rows = |table: fn(i64) -> Json| (1..=STEPS).map(table).collect::<Vec<_>>();
    tables["steps"]["rows"] = rows(step).into();
    tables["lines"]["rows"] = rows(line).into();
    tables["codes"]["rows"] = rows(code).into();
    tables
}

/// Every seventh has no grade; eight share a grade, three a name and twelve a day; serials are beyond what a double tells apart.
fn step(id: i64) -> Json {
    json!({
        "id": id,
        "grade": if id % 7 == 0 { Json::Null } else { (id % 7).into() },
        "name": format!("{}{}", ["b", "B", "ä", "'", "z\" "][usize::try_from(id % 5).unwrap()], id % 4),
        "day": format!("2024-02-{:02}", 1 + id % 5),
        "serial": 9_007_199_254_740_992 + (id * 31) % 57,
        "ratio": if id % 9 == 0 { Json::Null } else { json!([0.0, 0.25, 0.5][usize::try_from(id % 3).unwrap()]) },
    })
}

fn line(id: i64) -> Json {
    json!({ "order": id / 10, "line": id % 10, "item": format!("item {}", id % 4) })
}

fn code(id: i64) -> Json {
    json!({ "code": format!("c{}", (id * 23) % 57), "grade": id % 3 })
}

fn create(database: &Connection, name: &str, table: &Json) {
    let texts = |list: &Json| -> Vec<String> {
        list.as_array().unwrap().iter().map(|text| format!("\"{}\"", text.as_str().unwrap())).collect()
    };
    let columns: Vec<(&str, &str, bool)> = table["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| {
            let is_nullable = column.get("nullable") != Some(&Json::Bool(false));
            (column["name"].as_str().unwrap(), column["type"].as_str().unwrap(), is_nullable)
        })
        .collect();
    let mut parts: Vec<String> = columns
        .iter()
        .map(|(name, word, is_nullable)| {
            format!("\"{name}\" {word}{}", if *is_nullable { "" } else { " NOT NULL" })
        })
        .collect();
    if let Some(key) = table.get("primary_key") {
        parts.push(format!("PRIMARY KEY ({})", texts(key).join(", ")));
    }
    for key in table.get("unique").and_then(Json::as_array).into_iter().flatten() {
        parts.push(format!("UNIQUE ({})", texts(key).join(", ")));
    }
    database.execute_batch(&format!("CREATE TABLE {name} ({})", parts.join(", "))).unwrap();
    let places = vec!["?"; columns.len()].join(", ");
    for row in table["rows"].as_array().unwrap() {
        let values = columns.iter().map(|(name, word, _)| stored(&row[*name], word));
        database.execute(&format!("INSERT INTO {name} VALUES ({places})"), params_from_iter(values)).unwrap();
    }
}
