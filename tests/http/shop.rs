//! The services `shop` and `mem` that most files of the suite read: their tables, and a gateway that the reading tests share.

use std::path::Path;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Value as Json, json};

use crate::client::{Answer, Request, get, request};
use crate::gateway::{ADMIN, Gateway, Setup};

/// The key of the app that may read everything.
pub(crate) const READER: &str = "key-of-readers";
/// The key of an app whose role grants nothing.
pub(crate) const NOBODY: &str = "key-of-nobodies";

/// The role and app of [`READER`] where it may do everything, for the end of a configuration.
pub(crate) const EVERYTHING: &str = r#"
[[roles]]
name = "everything"

[[roles.access]]
service = "*"
component = "*"
verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"]

[[apps]]
name = "everything"
role = "everything"
api_key = "key-of-readers"
"#;

/// What a write without records is told.
pub(crate) const NO_RECORDS: &str = "No record(s) detected in request. Please make sure record(s) are wrapped in a 'resource' \
                                     tag. Example: {&quot;resource&quot;:[{&quot;record&quot;:1},{&quot;record&quot;:2}]}";

const CONFIG: &str = include_str!("shop.toml");
const TABLES: &str = include_str!("shop.sql");
const PEOPLE: &str = include_str!("people.json");

/// A folder with both services, more configuration at the end of theirs.
pub(crate) fn setup(more: &str) -> Setup {
    let setup = Setup::new(&format!("{CONFIG}\n{more}"));
    let people: Json = serde_json::from_str(PEOPLE).unwrap();
    setup.write("mem.json", &json!({ "people": people }).to_string());
    make_database(&setup.path("shop.sqlite"), &people);
    setup
}

/// The gateway that the reading tests share.
pub(crate) fn shared() -> &'static Gateway {
    static SHARED: OnceLock<Gateway> = OnceLock::new();
    SHARED.get_or_init(|| setup("").start())
}

/// Reads a path below `/api/v2` of the shared gateway as a reader.
#[track_caller]
pub(crate) fn read(path: &str) -> Answer {
    shared().send(reading(path))
}

/// A reader's request of a path below `/api/v2`.
pub(crate) fn reading(path: &str) -> Request {
    get(&format!("/api/v2/{path}")).key(READER)
}

/// A session of the administrator on the shared gateway.
pub(crate) fn admin_token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| log_in(shared()))
}

/// Logs the administrator in.
pub(crate) fn log_in(gateway: &Gateway) -> String {
    let (email, password) = ADMIN;
    let login = json!({ "email": email, "password": password });
    let session = gateway.send(request("POST", "/api/v2/system/admin/session").body(login)).json();
    session["session_token"].as_str().unwrap().to_owned()
}

fn make_database(path: &Path, people: &Json) {
    let database = Connection::open(path).unwrap();
    database.execute_batch(TABLES).unwrap();
    let columns: Vec<(&str, &str)> = people["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| (column["name"].as_str().unwrap(), column["type"].as_str().unwrap()))
        .collect();
    let declared: Vec<String> = columns
        .iter()
        .map(|(name, word)| format!("{name} {}", if *name == "id" { "INTEGER PRIMARY KEY" } else { word }))
        .collect();
    database.execute_batch(&format!("CREATE TABLE people ({})", declared.join(", "))).unwrap();
    let places = vec!["?"; columns.len()].join(", ");
    for row in people["rows"].as_array().unwrap() {
        let values = columns.iter().map(|(name, word)| stored(&row[*name], word));
        database.execute(&format!("INSERT INTO people VALUES ({places})"), params_from_iter(values)).unwrap();
    }
}

/// A value as the database stores it in a column of this type.
pub(crate) fn stored(value: &Json, word: &str) -> Stored {
    match value {
        Json::Null => Stored::Null,
        Json::Bool(value) => Stored::Integer(i64::from(*value)),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Stored::Real(number.as_f64().unwrap()), Stored::Integer)
        }
        Json::String(text) if word == "binary" => Stored::Blob(STANDARD.decode(text).unwrap()),
        Json::String(text) => Stored::Text(text.clone()),
        other => panic!("no table of the suite stores {other}"),
    }
}
