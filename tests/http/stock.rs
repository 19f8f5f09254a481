//! Tables that the writing tests may change. Each case has one of its own, the same in every service, with these rows:
//!
//! | id | name | state | qty | owner |
//! |---|---|---|---|---|
//! | 1 | a | new | 1 | 7 |
//! | 2 | b | new | 2 | 7 |
//! | 3 | c | old | 3 | 8 |

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Connection;
use serde_json::{Map, Value as Json, json};

use crate::client::{Answer, get, request};
use crate::gateway::{Gateway, Setup};

/// The key of the app that may do everything.
pub(crate) const WRITER: &str = "key-of-writers";
/// The key of an app that may change rows but create none.
pub(crate) const CHANGER: &str = "key-of-changers";
/// The key of an app whose rows are those of owner 7.
pub(crate) const OWNER: &str = "key-of-owners";

/// The key of an app that may write everything and read nothing.
pub(crate) const BLIND: &str = "key-of-the-blind";
/// The key of an app that may change more rows than it may read.
pub(crate) const NARROW: &str = "key-of-the-narrow";

/// The services that every case is tried on.
pub(crate) const SERVICES: [&str; 2] = ["shop", "mem"];
/// The same, with `allow_upsert`.
pub(crate) const UPSERTING: [&str; 2] = ["shop-upsert", "mem-upsert"];

const CONFIG: &str = include_str!("stock.toml");
const TABLES: usize = 300;

/// Rows as they are before a case.
pub(crate) const UNTOUCHED: &str = "1 a new 1 7|2 b new 2 7|3 c old 3 8";

/// A table for one case.
pub(crate) struct Stock {
    table: String,
}

impl Stock {
    /// The next table that nobody has changed.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(number < TABLES, "there are too few tables for all cases");
        Self { table: format!("stock{number}") }
    }

    /// One of the tables that only one test uses: `lines`, with a key of two columns and rows for lines 1 to 3 of order 1, and `logs`,
    /// without a key and rows.
    pub(crate) fn named(table: &str) -> Self {
        Self { table: table.to_owned() }
    }

    /// Its name.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// Its address in a service, and what stands behind it: an identifier, a query string.
    pub(crate) fn path(&self, service: &str, behind: &str) -> String {
        format!("/api/v2/{service}/_table/{}{behind}", self.table)
    }

    /// Sends a request with the key of an app.
    #[track_caller]
    pub(crate) fn send(&self, key: &str, service: &str, (verb, behind): (&str, &str), body: &str) -> Answer {
        let request = request(verb, &self.path(service, behind)).key(key);
        let request = if body.is_empty() { request } else { request.body(body) };
        shared().send(request)
    }

    /// Its rows as text: values with blanks between, rows with bars.
    pub(crate) fn rows(&self, service: &str) -> String {
        let path = self.path(service, "?fields=id,name,state,qty,owner&order=id&limit=10");
        let rows = shared().send(get(&path).key(WRITER)).json();
        let rows = rows["resource"].as_array().unwrap().iter().map(|row| {
            let values = row.as_object().unwrap().values().map(|value| match value {
                Json::Null => "-".to_owned(),
                Json::String(text) => text.clone(),
                other => other.to_string(),
            });
            values.collect::<Vec<_>>().join(" ")
        });
        rows.collect::<Vec<_>>().join("|")
    }
}

/// A folder with the services and their tables, more configuration at the end of theirs.
pub(crate) fn setup(more: &str) -> Setup {
    let setup = Setup::new(&format!("{CONFIG}\n{more}"));
    setup.write("stock.json", &memory_tables().to_string());
    for name in ["stock.sqlite", "upsert.sqlite"] {
        make_database(&setup.path(name));
    }
    setup
}

/// The gateway that the writing tests share.
pub(crate) fn shared() -> &'static Gateway {
    static SHARED: OnceLock<Gateway> = OnceLock::new();
    SHARED.get_or_init(|| setup("").start())
}

fn memory_tables() -> Json {
    let column = |name: &str, word: &str| json!({ "name": name, "type": word });
    let row = |name: &str, state: &str, qty: u8, owner: u8| json!({ "id": qty, "name": name, "state": state, "qty": qty, "owner": owner });
    let table = json!({
        "columns": [
            { "name": "id", "type": "bigint", "auto_increment": true },
            { "name": "name", "type": "string", "nullable": false },
            { "name": "state", "type": "string", "nullable": false, "default": "new" },
            column("qty", "bigint"),
            column("owner", "integer"),
            column("price", "decimal"),
            column("is_sold", "boolean"),
            column("photo", "binary"),
            column("day", "date"),
            column("data", "json"),
        ],
        "primary_key": ["id"],
        "unique": [["name"]],
        "rows": [row("a", "new", 1, 7), row("b", "new", 2, 7), row("c", "old", 3, 8)],
    });
    let line = |line: u8, qty: u8| json!({ "order_id": 1, "line": line, "qty": qty });
    let lines = json!({
        "columns": [column("order_id", "integer"), column("line", "integer"), column("qty", "integer")],
        "primary_key": ["order_id", "line"],
        "rows": [line(1, 1), line(2, 2), line(3, 3)],
    });
    let logs = json!({ "columns": [column("line", "text"), column("level", "integer")] });
    let mut tables: Map<String, Json> =
        (0..TABLES).map(|number| (format!("stock{number}"), table.clone())).collect();
    tables.insert("lines".to_owned(), lines);
    tables.insert("logs".to_owned(), logs);
    Json::Object(tables)
}

fn make_database(path: &Path) {
    let database = Connection::open(path).unwrap();
    let mut tables = String::from("BEGIN;");
    for number in 0..TABLES {
        tables.push_str(&format!(
            "CREATE TABLE stock{number} (
                id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL DEFAULT 'new',
                qty INTEGER, owner INTEGER, price DECIMAL(10, 2), is_sold BOOLEAN, photo BLOB, day DATE, data JSON);
            INSERT INTO stock{number} (id, name, state, qty, owner) VALUES
                (1, 'a', 'new', 1, 7), (2, 'b', 'new', 2, 7), (3, 'c', 'old', 3, 8);"
        ));
    }
    tables.push_str(
        "CREATE TABLE lines (order_id INTEGER, line INTEGER, qty INTEGER, PRIMARY KEY (order_id, line));
        INSERT INTO lines VALUES (1, 1, 1), (1, 2, 2), (1, 3, 3);
        CREATE TABLE logs (line TEXT, level INTEGER);
        CREATE TABLE documents (id INTEGER PRIMARY KEY, data TEXT, kind TEXT AS (json_extract(data, '$.kind')) STORED);
        CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE children (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parents (id));
        COMMIT;",
    );
    database.execute_batch(&tables).unwrap();
}
