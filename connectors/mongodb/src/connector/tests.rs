//! The README beside the connector says what the connector says.

use serde_json::{Value as Json, json};

use super::{alone, capabilities};
use crate::config::{Config, DriverOptions};

/// First and second cell of each row of the table under a heading of the README.
fn readme_table(heading: &str) -> Vec<(String, String)> {
    let readme = include_str!("../../README.md");
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
    let flags = |capabilities| serde_json::to_value(capabilities).unwrap();
    let (declared, alone) = (flags(capabilities()), flags(alone()));
    let table = readme_table("## Capabilities");
    for name in connector_api::author::Capabilities::FLAGS {
        let expected = match (declared[name] == true, alone[name] == true) {
            (true, true) => "yes",
            (true, false) => "replica sets",
            _ => "no",
        };
        let found = table.iter().find(|(listed, _)| listed == name);
        assert_eq!(found.map(|(_, cell)| cell.as_str()), Some(expected), "{name}");
    }
    assert_eq!(table.len(), connector_api::author::Capabilities::FLAGS.len());
}

/// Keys of a part of the configuration with their defaults.
fn keys<T: schemars::JsonSchema>(prefix: &str) -> Vec<(String, String)> {
    let schema = schemars::schema_for!(T).to_value();
    let default = |property: &Json| match property.get("default") {
        None | Some(Json::Null) => "none".to_owned(),
        Some(Json::Object(_)) => "none".to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(default) => default.to_string(),
    };
    let properties = schema["properties"].as_object().unwrap();
    properties.iter().map(|(name, property)| (format!("{prefix}{name}"), default(property))).collect()
}

#[test]
fn the_readme_lists_each_configuration_key_with_its_default() {
    let expected = [keys::<Config>(""), keys::<DriverOptions>("driver_options.")].concat();
    assert_eq!(readme_table("## Configuration"), expected);
}

fn config(json: Json) -> Config {
    serde_json::from_value(json).unwrap()
}

async fn options(json: Json) -> Result<mongodb::options::ClientOptions, connector_api::Error> {
    config(json).client_options().await
}

#[tokio::test]
async fn connections_are_verified_by_tls_unless_it_is_switched_off() {
    use mongodb::options::Tls;
    let tls = options(json!({"host": "db", "database": "d"})).await.unwrap().tls;
    let Some(Tls::Enabled(tls)) = tls else { panic!("{tls:?}") };
    assert_eq!(tls.allow_invalid_certificates, None);
    let tls = options(json!({"host": "db", "database": "d", "tls": false})).await.unwrap().tls;
    assert!(matches!(tls, None | Some(Tls::Disabled)));
}

#[tokio::test]
async fn accounts_and_options_are_taken_whatever_characters_they_have() {
    let given = options(json!({
        "host": "::1", "port": 7, "database": "d", "username": "a/b", "password": "c@d?e", "options": {"authSource": "x&y"},
    }));
    let given = given.await.unwrap();
    let credential = given.credential.as_ref().unwrap();
    assert_eq!(credential.username.as_deref(), Some("a/b"));
    assert_eq!(credential.password.as_deref(), Some("c@d?e"));
    assert_eq!(credential.source.as_deref(), Some("x&y"));
    let expected = mongodb::options::ServerAddress::Tcp { host: "::1".to_owned(), port: Some(7) };
    assert_eq!(given.hosts, [expected]);
}

#[tokio::test]
async fn wrong_configuration_is_refused_without_its_values() {
    let error = options(json!({"dsn": "mongodb://user:hush@"})).await.unwrap_err();
    assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    let unnamed = config(json!({"host": "db"}));
    let options = unnamed.client_options().await.unwrap();
    assert!(unnamed.database(&options).unwrap_err().message.contains("names no database"));
    let files = json!({"tls": false, "driver_options": {"ca_file": "ca.pem"}});
    assert!(config(files).client_options().await.unwrap_err().message.contains("TLS is off"));
}
