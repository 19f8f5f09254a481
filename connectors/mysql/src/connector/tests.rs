//! The README beside the connector says what the connector says. What it does with a server is for the suites.

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
    for row in readme_table("## Types") {
        let listed = row[0]
            .split([',', ' '])
            .filter(|word| !["", "and", "the", "like", "all", "others"].contains(word));
        // One with two words stands behind the one that it ends.
        let words: Vec<&str> = listed.collect();
        for (place, word) in words.iter().enumerate().filter(|(_, word)| **word != "unsigned") {
            let is_unsigned = words.get(place + 1) == Some(&"unsigned");
            let words = if is_unsigned { format!("{word} unsigned") } else { word.replace("(n)", "(8)") };
            let name = word.split('(').next().unwrap();
            let declared = Declared { name, words: &words, length: None, precision: None, scale: None };
            let neutral = match column("c", declared).0.data_type {
                ColumnType::BigInt => "bigint".to_owned(),
                ColumnType::DateTime => "datetime".to_owned(),
                other => format!("{other:?}").to_lowercase(),
            };
            assert_eq!(row[1], neutral, "{words}");
        }
    }
}
