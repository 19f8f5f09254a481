//! What is written as CSV or XML is read back as it was, for every type of column.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};

use crate::client::{Answer, Request, request};
use crate::gateway::{Gateway, Setup};

const KEY: &str = "key-of-writers";
const CONFIG: &str = r#"
[[services]]
name = "lite"
type = "sqlite"
config = { database = "kinds.sqlite" }

[[services]]
name = "mem"
type = "memory"
config = { file = "kinds.json" }

[[roles]]
name = "writer"
access = [{ service = "*", component = "*", verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"] }]

[[apps]]
name = "writer"
role = "writer"
api_key = "key-of-writers"
"#;

/// The columns of both services, by their types. Only one has lists and objects.
const COLUMNS: [&str; 15] = [
    "boolean",
    "integer",
    "bigint",
    "float",
    "double",
    "decimal",
    "string",
    "text",
    "binary",
    "date",
    "time",
    "datetime",
    "timestamp",
    "uuid",
    "json",
];
const DOCUMENTS: [&str; 2] = ["array", "object"];

/// Two rows with a value in each column, and one that has as little as can be told in such a form.
fn rows(service: &str) -> Vec<Json> {
    let mut one = json!({
        "id": 1, "boolean": true, "integer": -5, "bigint": 9_007_199_254_740_993_i64, "float": 0.5, "double": 0.1,
        "decimal": 12.5, "string": "a, \"b\"", "text": " a\nb ", "binary": "AP8Q", "date": "2024-05-01",
        "time": "12:30:00", "datetime": "2024-05-01 12:30:00", "timestamp": "2024-05-01T12:30:00Z",
        "uuid": "123e4567-e89b-12d3-a456-426614174000", "json": { "a": [1, "x", null], "b": "" },
    });
    let mut two = one.clone();
    (two["id"], two["boolean"], two["json"], two["string"]) =
        (json!(2), json!(false), json!("5 < 6"), json!("5"));
    let mut none: Json = COLUMNS.iter().map(|name| ((*name).to_owned(), Json::Null)).collect();
    (none["id"], none["string"], none["text"]) = (json!(3), json!(""), json!(""));
    if service == "mem" {
        (one["array"], one["object"]) = (json!([1, "x", [true]]), json!({ "a": { "b": 1 } }));
        (two["array"], two["object"]) = (json!([]), json!({}));
        (none["array"], none["object"]) = (Json::Null, Json::Null);
    }
    vec![one, two, none]
}

fn shared() -> &'static Gateway {
    static SHARED: OnceLock<Gateway> = OnceLock::new();
    SHARED.get_or_init(|| {
        let setup = Setup::new(CONFIG);
        let column = |name: &&str| json!({ "name": name, "type": name });
        let mut columns = vec![json!({ "name": "id", "type": "integer" })];
        columns.extend(COLUMNS.iter().chain(&DOCUMENTS).map(column));
        let table = json!({ "columns": columns, "primary_key": ["id"] });
        setup.write(
            "kinds.json",
            &json!({ "kinds": table, "csv": table, "xml": table, "bare": table }).to_string(),
        );
        let database = rusqlite::Connection::open(setup.path("kinds.sqlite")).unwrap();
        let columns: String = COLUMNS.iter().map(|name| format!(", \"{name}\" {}", declared(name))).collect();
        for table in ["kinds", "csv", "xml", "bare"] {
            database
                .execute_batch(&format!("CREATE TABLE {table} (id INTEGER PRIMARY KEY{columns})"))
                .unwrap();
        }
        let gateway = setup.start();
        for service in ["lite", "mem"] {
            let answer = gateway.send(asking("POST", service, "kinds").body(Json::from(rows(service))));
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        gateway
    })
}

/// What SQLite calls the type: a `string` would be a number to it.
fn declared(name: &str) -> &str {
    if name == "string" { "varchar" } else { name }
}

fn asking(verb: &str, service: &str, table: &str) -> Request {
    request(verb, &format!("/api/v2/{service}/_table/{table}")).key(KEY)
}

#[track_caller]
fn posted(service: &str, table: &str, content_type: &str, body: &str) -> Answer {
    let request = asking("POST", service, table).header("Content-Type", content_type);
    let answer = shared().send(request.bytes(body));
    assert_eq!(answer.status, 200, "{service}: {}\n{body}", answer.body);
    answer
}

fn all(service: &str, table: &str, fields: &str) -> Json {
    shared().send(asking("GET", service, table).with("fields", fields)).json()
}

#[test]
fn rows_of_every_type_come_back_from_csv() {
    for service in ["lite", "mem"] {
        let written = shared().send(asking("GET", service, "kinds").header("Accept", "text/csv")).body;
        posted(service, "csv", "text/csv", &written);
        assert_eq!(all(service, "csv", "*"), all(service, "kinds", "*"), "{service}\n{written}");
    }
}

#[test]
fn rows_of_every_type_but_documents_come_back_from_xml() {
    let fields = format!("id,{}", COLUMNS.join(",").replace(",json", ""));
    for service in ["lite", "mem"] {
        let read =
            asking("GET", service, "kinds").with("fields", &fields).header("Accept", "application/xml");
        let written = shared().send(read).body;
        posted(service, "xml", "application/xml", &written);
        assert_eq!(all(service, "xml", &fields), all(service, "kinds", &fields), "{service}\n{written}");
    }
}

#[test]
fn names_in_a_header_may_have_blanks_around_them() {
    for service in ["lite", "mem"] {
        posted(service, "bare", "text/csv", "id, integer , text\n1,2, x\n");
        let expected = json!({ "resource": [{ "id": 1, "integer": 2, "text": " x" }] });
        assert_eq!(all(service, "bare", "id,integer,text"), expected, "{service}");
        let request = request("PATCH", &format!("/api/v2/{service}/_table/bare")).key(KEY);
        let answer = shared().send(request.header("Content-Type", "text/csv").bytes(" id,integer\n1,\n"));
        answer.is_ok(r#"{"resource":[{"id":1}]}"#);
        assert_eq!(all(service, "bare", "integer")["resource"], json!([{ "integer": null }]), "{service}");
    }
}
