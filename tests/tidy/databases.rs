//! No database and no driver is named outside its connector: the rest of the project must work for all of them.
//!
//! Code counts, identifiers and texts alike; comments, documentation, tests, examples and documents may name them.

use crate::clone::{self, Member, TextFile, assert_clean, assert_finds};
use crate::tokens;

/// One connector's own words: the database, its common spellings, its drivers. Lower case, without `_` and `-`.
/// A connector without a line has its folder name as its only word.
const WORDS: &[(&str, &[&str])] = &[
    ("postgres", &["postgres", "pgsql", "tokiopostgres", "sqlx"]),
    ("mysql", &["mysql", "mariadb"]),
    ("sqlite", &["sqlite"]),
    ("firebird", &["firebird", "rsfbclient"]),
    ("mongodb", &["mongo"]),
    ("dynamodb", &["dynamodb"]),
    ("redshift", &["redshift"]),
    ("azure-table", &["azuretable", "azuredatatables"]),
    ("cosmos", &["cosmos", "documentdb"]),
    ("couchdb", &["couchdb"]),
    ("cassandra", &["cassandra", "scylla", "cdrs"]),
    ("couchbase", &["couchbase"]),
    ("db2", &["db2", "ibmdb"]),
    ("informix", &["informix"]),
    ("oracle", &["oracle", "sibyl"]),
    ("sqlserver", &["sqlserver", "sqlsrv", "mssql", "tiberius"]),
    ("sqlanywhere", &["sqlanywhere", "sybase"]),
    ("salesforce", &["salesforce"]),
    ("snowflake", &["snowflake"]),
];

/// Crates under `connectors/` that are no database.
pub(crate) const NO_DATABASE: [&str; 4] = ["common", "sql-common", "memory", "chaos"];

/// Folders outside `connectors/` that may name one, each with its reason.
const ALLOWED: &[(&str, &str)] = &[("gateway/src/store/", "the gateway's own database")];

/// The words of each connector: the table's, and the folder names that it lacks.
fn words(members: &[Member]) -> Vec<(String, Vec<String>)> {
    let mut words: Vec<(String, Vec<String>)> = WORDS
        .iter()
        .map(|(name, words)| ((*name).to_owned(), words.iter().map(|word| (*word).to_owned()).collect()))
        .collect();
    for name in members.iter().filter_map(Member::connector).filter(|name| !NO_DATABASE.contains(name)) {
        if !words.iter().any(|(known, _)| known == name) {
            words.push((name.to_owned(), vec![plain(name)]));
        }
    }
    words
}

fn plain(text: &str) -> String {
    text.to_lowercase().replace(['_', '-'], "")
}

/// Names of databases in code that does not belong to that database.
fn foreign_database_names(files: &[TextFile], words: &[(String, Vec<String>)]) -> Vec<String> {
    let mut findings = Vec::new();
    let judged =
        |file: &&TextFile| !file.is_test_code() && !ALLOWED.iter().any(|(at, _)| file.path.starts_with(at));
    for file in files.iter().filter(judged) {
        let foreign: Vec<_> = words
            .iter()
            .filter(|(connector, _)| !file.path.starts_with(&format!("connectors/{connector}/")))
            .flat_map(|(_, words)| words)
            .collect();
        for token in tokens::code(&file.path, &file.text) {
            if let Some(word) = foreign.iter().find(|word| plain(&token.text).contains(word.as_str())) {
                let TextFile { path, .. } = file;
                findings
                    .push(format!("{path}:{}: names {word}, which belongs into its connector", token.line));
            }
        }
    }
    findings
}

#[test]
fn no_database_is_named_outside_its_connector() {
    assert_clean(&foreign_database_names(&clone::rust_files(), &words(&clone::members())));
}

#[test]
fn a_foreign_database_name_is_found() {
    let check = |path: &str, text: &str, expected: Option<&str>| {
        let findings = foreign_database_names(&[TextFile::new(path, text)], &words(&[]));
        match expected {
            Some(part) => assert_finds(&findings, part),
            None => assert_clean(&findings),
        }
    };
    check("gateway/src/plan/mod.rs", "\nfn if_postgres() {}", Some("mod.rs:2: names postgres"));
    check("connectors/sql-common/src/render.rs", "struct SqliteDialect;", Some("sqlite"));
    check("connector-api/src/lib.rs", "const KIND: &str = \"SQL-Server\";", Some("sqlserver"));
    check("connectors/memory/src/lib.rs", "use rusqlite::Connection;", Some("sqlite"));
    check("connectors/sqlite/src/client.rs", "use rusqlite::Connection;", None);
    check("connectors/sqlite/src/client.rs", "use tokio_postgres::Client;", Some("postgres"));
    check("gateway/src/plan/mod.rs", "/// Not for MySQL.\nfn plan() {} // MySQL", None);
    check("gateway/src/plan/mod.rs", "#[cfg(test)] mod tests { const A: &str = \"mysql\"; }", None);
    check("gateway/src/store/mod.rs", "const DEFAULT: &str = \"sqlite:data/tablegate.sqlite\";", None);
}

#[test]
fn a_connector_without_a_line_has_its_folder_name_as_word() {
    let member = Member::new("connectors/new-store", "[lib]\ncrate-type = [\"cdylib\"]");
    let findings = foreign_database_names(
        &[TextFile::new("gateway/src/app.rs", "let new_store = 1;")],
        &words(&[member]),
    );
    assert_finds(&findings, "newstore");
}
