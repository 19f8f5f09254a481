//! Names that break programs: each entry of a public list of naughty strings as a table and as a column, created by the database itself,
//! then listed, described, read, filtered and ordered through the gateway. How they are written is in `names_written`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::OnceLock;

use rusqlite::Connection;
use serde_json::{Value as Json, json};
use tests::libraries::clone_folder;

use crate::client::get;
use crate::gateway::{Gateway, Setup};
use crate::shop::{READER, reading};

/// Names that no address can hold: the empty segment, and the one that stands for the folder itself.
pub(crate) const WITHOUT_ADDRESS: [&str; 2] = ["", "."];

/// Entries that differ in the case of ASCII letters can't be tables of one database, so there are several.
pub(crate) const SERVICES: [&str; 3] = ["naughty0", "naughty1", "naughty2"];

/// The list, each entry once.
pub(crate) fn entries() -> &'static BTreeSet<String> {
    static ENTRIES: OnceLock<BTreeSet<String>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let script = clone_folder().join("tests/fixtures/names/list.py");
        let output = Command::new("python3").arg(script).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let entries: BTreeSet<String> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(entries.len(), 499);
        entries
    })
}

/// Tables named by the entries, by service.
pub(crate) fn tables() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in entries() {
        let count = seen.entry(entry.to_ascii_lowercase()).or_default();
        tables.entry(SERVICES[*count]).or_default().push(entry);
        *count += 1;
    }
    tables
}

/// A folder with a service for each of [`SERVICES`] and `columns`, and one app that may do this.
pub(crate) fn setup(api_key: &str, verbs: &str) -> Setup {
    let services = SERVICES.iter().chain(&["columns"]).map(|name| {
        format!("[[services]]\nname = \"{name}\"\ntype = \"sqlite\"\n[services.config]\ndatabase = \"{name}.sqlite\"\n")
    });
    let role = format!(
        "[[roles]]\nname = \"all\"\n[[roles.access]]\nservice = \"*\"\ncomponent = \"*\"\nverbs = {verbs}\n"
    );
    let app = format!("[[apps]]\nname = \"all\"\nrole = \"all\"\n{api_key}\n");
    Setup::new(&format!("{}{role}{app}", services.collect::<String>()))
}

/// A gateway before all of them. Table `t5` has the fifth entry as a column.
fn gateway() -> &'static Gateway {
    static GATEWAY: OnceLock<Gateway> = OnceLock::new();
    GATEWAY.get_or_init(|| {
        let setup = setup(&format!("api_key = \"{READER}\""), r#"["GET"]"#);
        for (service, names) in tables() {
            let tables = names.iter().map(|name| {
                let name = name.replace('"', "\"\"");
                format!("CREATE TABLE \"{name}\" (id INTEGER PRIMARY KEY); INSERT INTO \"{name}\" VALUES (7);")
            });
            create(&setup, service, tables);
        }
        let columns = entries().iter().enumerate().map(|(number, name)| {
            let name = name.replace('"', "\"\"");
            format!(
                "CREATE TABLE t{number} (id INTEGER PRIMARY KEY, \"{name}\" TEXT); INSERT INTO t{number} VALUES (1, 'a'), (2, 'b');"
            )
        });
        create(&setup, "columns", columns);
        setup.start()
    })
}

pub(crate) fn create(setup: &Setup, service: &str, statements: impl Iterator<Item = String>) {
    let mut database = Connection::open(setup.path(&format!("{service}.sqlite"))).unwrap();
    let transaction = database.transaction().unwrap();
    statements
        .for_each(|sql| transaction.execute_batch(&sql).unwrap_or_else(|error| panic!("{sql}: {error}")));
    transaction.commit().unwrap();
}

/// A path segment with everything encoded that is not a letter or digit.
pub(crate) fn segment(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
        .replace('.', "%2E")
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[test]
fn every_name_is_listed_described_and_read_as_a_table() {
    let mut reached = 0;
    for (service, names) in tables() {
        let list = gateway().send(reading(&format!("{service}/_table?as_list=true"))).json();
        let listed: BTreeSet<&str> =
            list["resource"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
        assert_eq!(listed, names.iter().copied().collect());
        for name in names.into_iter().filter(|name| !WITHOUT_ADDRESS.contains(name)) {
            let path = segment(name);
            let described = gateway().send(reading(&format!("{service}/_schema/{path}")));
            assert_eq!((described.status, &described.json()["name"]), (200, &json!(name)), "{name}");
            gateway().send(reading(&format!("{service}/_table/{path}"))).is_ok(r#"{"resource":[{"id":7}]}"#);
            gateway().send(reading(&format!("{service}/_table/{path}/7"))).is_ok(r#"{"id":7}"#);
            reached += 1;
        }
    }
    assert_eq!(reached, entries().len() - WITHOUT_ADDRESS.len());
}

#[test]
fn every_name_is_described_read_filtered_and_ordered_as_a_column() {
    for (number, name) in entries().iter().enumerate() {
        let of = |path: &str| gateway().send(get(&format!("/api/v2/columns/{path}")).key(READER));
        let fields = of(&format!("_schema/t{number}/_field")).json();
        assert_eq!(fields["resource"][1]["name"], json!(name), "{name}");
        let row = |id: u8, value: &str| json!({ "id": id, name: value });
        let rows = |parameters: &[(&str, &str)]| {
            let request = reading(&format!("columns/_table/t{number}"));
            let answer = gateway().send(crate::sales::with(request, parameters));
            assert_eq!(answer.status, 200, "{name}: {parameters:?}: {}", answer.body);
            answer.json()["resource"].clone()
        };
        let quoted = quoted(name);
        assert_eq!(rows(&[]), json!([row(1, "a"), row(2, "b")]));
        assert_eq!(rows(&[("fields", &quoted)]), json!([{ name: "a" }, { name: "b" }]));
        assert_eq!(rows(&[("filter", &format!("{quoted} = 'b'"))]), json!([row(2, "b")]));
        assert_eq!(rows(&[("filter", &format!("id > 0 and {quoted} in (b, c)"))]), json!([row(2, "b")]));
        assert_eq!(rows(&[("order", &format!("{quoted} desc"))]), json!([row(2, "b"), row(1, "a")]));
        let groups = rows(&[("fields", &format!("{quoted},COUNT(*) AS \"n\"")), ("group", &quoted)]);
        assert_eq!(groups, json!([{ name: "a", "n": 1 }, { name: "b", "n": 1 }]), "{name}");
        let cursor = [("page", "cursor"), ("order", quoted.as_str()), ("limit", "1"), ("fields", "id")];
        assert_eq!(rows(&cursor), json!([{ "id": 1 }]));
    }
}
