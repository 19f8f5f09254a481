//! The README beside the connector says what the connector says. What it does with a server is for the behaviour suite.

use connector_api::author::ColumnType;
use serde_json::Value as Json;

use super::capabilities;
use crate::config::Config;
use crate::types::{Declared, column};

/// The cells of each row of the table under a heading of the README.
fn readme_table(heading: &str) -> Vec<Vec<String>> {
    let readme = include_str!("../../README.md");
    let section = readme.split(heading).nth(1).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let cells = |line: &str| line.split('|').skip(1).map(|cell| cell.trim().replace('`', "")).collect();
    rows.take_while(|line| line.starts_with('|')).map(cells).collect()
}

#[test]
fn the_readme_declares_what_the_connector_declares() {
    use connector_api::author::Capabilities;
    let declared = serde_json::to_value(capabilities()).unwrap();
    let table = readme_table("## Capabilities");
    for name in Capabilities::FLAGS {
        let found = table.iter().find(|row| row[0] == *name).map(|row| row[1].as_str());
        assert_eq!(found, Some(if declared[name] == true { "yes" } else { "no" }), "{name}");
    }
    for name in capabilities().declared_limits() {
        let found = table.iter().find(|row| row[0] == name).map(|row| row[1].clone());
        assert_eq!(found, Some(declared[name].to_string()), "{name}");
    }
    assert_eq!(table.len(), Capabilities::FLAGS.len() + capabilities().declared_limits().len());
}

#[test]
fn the_readme_lists_each_configuration_key_with_its_default() {
    let schema = schemars::schema_for!(Config).to_value();
    let table = readme_table("## Configuration");
    let listed: Vec<&str> = table.iter().map(|row| row[0].as_str()).collect();
    let properties = schema["properties"].as_object().unwrap();
    let mut missing = properties.keys().filter(|name| !listed.contains(&name.as_str()));
    assert_eq!((missing.next(), listed.len()), (None, properties.len()));
    for row in &table {
        let default = match &properties[&row[0]]["default"] {
            Json::String(text) if !text.is_empty() => text.clone(),
            Json::Number(number) => number.to_string(),
            Json::Bool(flag) => flag.to_string(),
            _ => continue,
        };
        assert_eq!(row[1], default, "{}", row[0]);
    }
}

#[test]
fn the_readme_tells_how_each_type_is_described() {
    let table = readme_table("## Types");
    let described = |word: &str| {
        let row = table.iter().find(|row| row[0].split(", ").any(|listed| listed == word));
        row.map(|row| row[1].clone())
    };
    for (word, name, modifier) in [
        ("boolean", "bool", -1),
        ("smallint", "int2", -1),
        ("integer", "int4", -1),
        ("bigint", "int8", -1),
        ("oid", "oid", -1),
        ("numeric", "numeric", -1),
        ("money", "money", -1),
        ("real", "float4", -1),
        ("double precision", "float8", -1),
        ("varchar(n)", "varchar", 44),
        ("char(n)", "bpchar", 44),
        ("name", "name", -1),
        ("varchar", "varchar", -1),
        ("text", "text", -1),
        ("xml", "xml", -1),
        ("tsvector", "tsvector", -1),
        ("bytea", "bytea", -1),
        ("date", "date", -1),
        ("time", "time", -1),
        ("timestamp", "timestamp", -1),
        ("timestamptz", "timestamptz", -1),
        ("uuid", "uuid", -1),
        ("json", "json", -1),
        ("jsonb", "jsonb", -1),
        ("arrays", "_int4", -1),
        ("interval", "interval", -1),
        ("timetz", "timetz", -1),
        ("bit", "bit", 8),
        ("inet", "inet", -1),
        ("ranges", "int4range", -1),
    ] {
        let declared = Declared { name, kind: "b", is_system: true, is_ordered: true, modifier, words: "" };
        let neutral = match column("c", declared).data_type {
            ColumnType::BigInt => "bigint".to_owned(),
            ColumnType::DateTime => "datetime".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        };
        assert_eq!(described(word), Some(neutral), "{word}");
    }
}
