//! What the connector declares, and the README beside it. What it does with a store is for the behaviour suite.

use connector_api::author::{Connector as _, Open};

use super::*;

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
    let can = capabilities();
    let table = readme_table("## Capabilities");
    for name in Capabilities::FLAGS {
        let cell =
            table.iter().find(|(listed, _)| listed == name).map(|(_, cell)| cell.split(':').next().unwrap());
        let expected = if can.declared().contains(name) { "yes" } else { "no" };
        assert_eq!(cell, Some(expected), "{name}");
    }
    assert_eq!(table.len(), Capabilities::FLAGS.len() + can.declared_limits().len());
    assert!(table.last().unwrap().1.starts_with(&format!("{}:", can.max_records.unwrap())));
}

#[test]
fn the_readme_lists_each_configuration_key_with_its_default() {
    let schema = schemars::schema_for!(Config).to_value();
    let properties = schema["properties"].as_object().unwrap();
    let listed = readme_table("## Configuration");
    let names: Vec<_> = listed.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), properties.len());
    for (name, property) in properties {
        let (_, cell) = listed.iter().find(|(known, _)| known == name).unwrap();
        match property.get("default").filter(|default| !default.is_null()) {
            Some(default) => assert_eq!(*cell, default.to_string(), "{name}"),
            None => assert!(!cell.is_empty(), "{name}"),
        }
    }
}

async fn opened(config: &str) -> Result<DynamoDb> {
    let config = serde_json::from_str(config).unwrap();
    DynamoDb::open(Open { service_type: "aws_dynamodb".to_owned(), service: "x".to_owned(), config }).await
}

#[tokio::test]
async fn a_service_is_opened_without_its_store_and_ping_says_why_it_is_not_there() {
    // A port that nobody listens on: it was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        r#"{{"region": "eu-west-1", "key": "hunter2", "secret": "hunter3", "endpoint": "http://127.0.0.1:{port}"}}"#
    );
    let service = opened(&config).await.unwrap();
    let error = service.ping().await.unwrap_err();
    assert_eq!((error.kind, error.is_temporary), (ErrorKind::Unavailable, true));
    assert!(error.detail.is_some());
    assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for (key, address) in [
        ("endpoint", "nowhere"),
        ("endpoint", "ftp://x"),
        ("endpoint", "http://x/path"),
        ("proxy", "http://"),
    ] {
        let config = format!(r#"{{"region": "r", "key": "a", "secret": "b", "{key}": "{address}"}}"#);
        let error = opened(&config).await.err().unwrap();
        assert!(error.message.contains(key), "{address}: {}", error.message);
    }
}
