//! Configurations that are taken and refused, and the README beside them.

use std::io::Write as _;

use connector_api::Error;
use connector_api::author::{ErrorKind, Operation, Value};
use serde_json::{Value as Json, json};

use super::super::capabilities;
use super::{call, open, people};
use crate::config::{ColumnConfig, Config, TableConfig};

#[test]
fn tables_of_a_file_are_read_and_stand_beside_those_of_the_configuration() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "{}",
        json!({"numbers": {"columns": [{"name": "n", "type": "bigint"}], "rows": [{"n": u64::MAX}]}})
    )
    .unwrap();
    let mut config = people();
    config["file"] = json!(file.path());
    let service = open(&config).unwrap();
    let head = json!({"from": {"name": "numbers"}, "select": [["n"]], "limit": 0});
    let (rows, _) = call(service, Operation::Query, &head, &[Value::I64(1)]).unwrap();
    assert_eq!(rows, [[Value::U64(u64::MAX)]]);
    let (rows, _) = call(service, Operation::ListTables, &json!({}), &[]).unwrap();
    assert_eq!(rows.len(), 2);
}

fn refusal(columns: Json, primary_key: Json, rows: Json) -> Error {
    let config = json!({"tables": {"t": {"columns": columns, "primary_key": primary_key, "rows": rows}}});
    open(&config).unwrap_err()
}

#[test]
fn wrong_configuration_is_named_by_table_row_and_column_without_its_values() {
    let a = || json!({"name": "a", "type": "integer"});
    for (columns, primary_key, rows, message) in [
        (
            json!([]),
            json!([]),
            json!([]),
            "table 't' of the configuration has no columns; it needs at least one",
        ),
        (json!([a(), a()]), json!([]), json!([]), "table 't' of the configuration names column 'a' twice"),
        (
            json!([a()]),
            json!(["b"]),
            json!([]),
            "table 't' of the configuration has no column 'b', which its primary_key names",
        ),
        (
            json!([a()]),
            json!([]),
            json!([{"a": 1}, {"a": "secret"}]),
            "table 't', row 2: column 'a': expected a whole number of 32 bits",
        ),
        (json!([a()]), json!([]), json!([{"b": 1}]), "table 't', row 1: there is no column 'b'"),
        (
            json!([a()]),
            json!(["a"]),
            json!([{}]),
            "table 't', row 1: column 'a': expected a value, for it is not nullable",
        ),
        (
            json!([a()]),
            json!(["a"]),
            json!([{"a": 7}, {"a": 1}, {"a": 7}]),
            "table 't', row 3: a row with the same 'a' exists",
        ),
    ] {
        let error = refusal(columns, primary_key, rows);
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::InvalidRequest, message));
    }
    let error = open(&json!({"file": "no/such/file.json"})).unwrap_err();
    assert_eq!(error.message, "the file 'no/such/file.json' can't be read");
}

#[test]
fn a_wrong_key_default_or_numbering_is_refused_by_name() {
    for (table, part) in [
        (json!({"columns": [{"name": "a", "type": "integer"}], "unique": [["b"]]}), "which its unique names"),
        (
            json!({"columns": [{"name": "a", "type": "integer"}], "unique": [[]]}),
            "a unique key without columns",
        ),
        (
            json!({"columns": [{"name": "a", "type": "integer", "default": "x"}]}),
            "has a wrong default of column 'a': expected a whole number",
        ),
        (json!({"columns": [{"name": "a", "type": "integer", "auto_increment": true}]}), "auto_increment"),
        (
            json!({"columns": [{"name": "a", "type": "text", "auto_increment": true}], "primary_key": ["a"]}),
            "auto_increment",
        ),
    ] {
        let error = open(&json!({"tables": {"t": table}})).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidRequest);
        assert!(error.message.contains(part), "{}", error.message);
    }
}

/// First and second cell of each row of the table under a heading of the README.
fn readme_table(heading: &str) -> Vec<(String, String)> {
    let readme = include_str!("../../../README.md");
    let section = readme.split(heading).nth(1).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.split('|').skip(1).map(|cell| cell.trim().replace('`', ""));
            (cells.next().unwrap(), cells.next().unwrap())
        })
        .collect()
}

#[test]
fn the_readme_declares_what_the_connector_declares() {
    let declared = serde_json::to_value(capabilities()).unwrap();
    let table = readme_table("## Capabilities");
    for (name, cell) in &table {
        let expected = if declared[name] == true { "yes" } else { "no" };
        assert_eq!(cell, expected, "{name}");
    }
    for name in declared.as_object().unwrap().keys() {
        assert!(table.iter().any(|(listed, _)| listed == name), "{name} is missing");
    }
}

/// Keys of a part of the configuration with their defaults.
fn keys<T: schemars::JsonSchema>(prefix: &str) -> Vec<(String, String)> {
    let schema = schemars::schema_for!(T).to_value();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let default = |name: &String, property: &Json| match property.get("default") {
        _ if required.contains(&json!(name)) => "required".to_owned(),
        None | Some(Json::Null) => "none".to_owned(),
        Some(list) if *list == json!([]) || *list == json!({}) => "none".to_owned(),
        Some(default) => default.to_string(),
    };
    let properties = schema["properties"].as_object().unwrap();
    properties.iter().map(|(name, property)| (format!("{prefix}{name}"), default(name, property))).collect()
}

#[test]
fn the_readme_lists_each_configuration_key_with_its_default() {
    let expected: Vec<_> = [
        keys::<Config>(""),
        keys::<TableConfig>("tables.NAME."),
        keys::<ColumnConfig>("tables.NAME.columns."),
    ]
    .concat();
    assert_eq!(readme_table("## Configuration"), expected);
}
