//! SQL is text in few places only: the writer's crate, what dialects hand to the writer, queries of the catalogue, and the statements of a
//! connector about its own connection. Whatever else needs a statement builds it by the writer, which quotes names and binds values.
//!
//! Words in capitals count, which is how this project writes SQL; what an attacker or a stranger would write in small letters counts where
//! it can't be English.

use crate::clone::{self, TextFile, assert_clean, assert_finds};
use crate::tokens;

/// Words that stand in statements and nowhere else. Operators such as AND are also words of filters.
const WORDS: [&str; 19] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "VALUES",
    "WHERE",
    "RETURNING",
    "JOIN",
    "HAVING",
    "UNION",
    "TRUNCATE",
    "PRAGMA",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "CAST(",
    "CASE WHEN",
    "GROUP BY",
    "ORDER BY",
];

/// The same, whatever the case of the letters.
const PHRASES: [&str; 9] = [
    "insert into ",
    "delete from ",
    "select * from ",
    "create table ",
    "create view ",
    "alter table ",
    "drop table ",
    "start transaction",
    "set session ",
];

/// Where SQL is text.
const ROOMS: [&str; 2] = ["connectors/sql-common/src/", "gateway/src/store/"];

/// Where it is in a connector.
const PLACES: [(&str, &str); 6] = [
    ("translate", "words that the dialect hands to the writer"),
    ("schema", "queries of the catalogue"),
    ("store", "statements about the service's own state"),
    ("client", "statements about a connection"),
    ("connection", "statements about a connection"),
    ("transaction", "statements about a connection"),
];

/// Files with words that are no SQL of ours.
const OTHERS: [(&str, &str); 5] = [
    ("connectors/sqlite/src/error.rs", "messages of the database that are looked for"),
    ("gateway/src/doctor/scrub.rs", "the first line of a key in PEM"),
    ("gateway/src/extras/functions.rs", "words by which clients say where a function stands"),
    ("conformance/src/tables.rs", "a value that has to stay a value"),
    ("conformance/src/schema/hostile.rs", "texts that have to stay names, types and values, or be refused"),
];

fn is_room(path: &str) -> bool {
    let place = || path.strip_prefix("connectors/")?.split_once("/src/")?.1.split(['/', '.']).next();
    ROOMS.iter().any(|room| path.starts_with(room))
        || PLACES.iter().any(|(name, _)| place() == Some(name))
        || OTHERS.iter().any(|(file, _)| *file == path)
}

/// The first word of SQL in a text.
fn sql_in(text: &str) -> Option<&'static str> {
    let is_apart = |at: usize, word: &str| {
        let is_end =
            |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
        let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        is_end(before) && (word.ends_with(['(', ' ']) || is_end(text.as_bytes().get(at + word.len())))
    };
    let lower = text.to_ascii_lowercase();
    let stands = |text: &str, word: &str| text.match_indices(word).any(|(at, _)| is_apart(at, word));
    let word = WORDS.into_iter().find(|word| stands(text, word));
    word.or_else(|| PHRASES.into_iter().find(|phrase| stands(&lower, phrase)))
}

/// Texts with SQL in code that is no room for it.
fn sql_elsewhere(files: &[TextFile]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| !file.is_test_code() && !is_room(&file.path)) {
        for token in tokens::code(&file.path, &file.text).iter().filter(|token| token.is_literal) {
            if let Some(word) = sql_in(&token.text) {
                findings.push(format!(
                    "{}:{}: '{word}' is SQL, which is written by connectors/sql-common",
                    file.path, token.line
                ));
            }
        }
    }
    findings
}

/// Texts with SQL into which something else is put: a value has to be bound, and a name to be quoted by the writer.
fn sql_with_gaps(files: &[TextFile]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| !file.is_test_code() && is_room(&file.path)) {
        for token in tokens::code(&file.path, &file.text).iter().filter(|token| token.is_literal) {
            if token.text.contains('{') && sql_in(&token.text).is_some() {
                findings.push(format!("{}:{}: a value is put into SQL; bind it", file.path, token.line));
            }
        }
    }
    findings
}

#[test]
fn nothing_is_put_into_the_text_of_sql() {
    assert_clean(&sql_with_gaps(&clone::rust_files()));
}

#[test]
fn a_value_in_the_text_of_sql_is_found() {
    let sample = |text| [TextFile::new("connectors/mysql/src/schema.rs", text)];
    assert_finds(&sql_with_gaps(&sample("fn f() { g(format!(\"SELECT a FROM {t}\")) }")), "schema.rs:1");
    assert_clean(&sql_with_gaps(&sample("const A: &str = \"SELECT a FROM t WHERE b = ?\";")));
}

#[test]
fn sql_is_text_in_its_rooms_only() {
    assert_clean(&sql_elsewhere(&clone::rust_files()));
}

#[test]
fn exceptions_are_still_needed() {
    let files = clone::rust_files();
    for (path, reason) in OTHERS {
        let file = files.iter().find(|file| file.path == path);
        let tokens = file.map(|file| tokens::code(path, &file.text)).unwrap_or_default();
        assert!(
            tokens.iter().any(|token| token.is_literal && sql_in(&token.text).is_some()),
            "{path}: {reason}"
        );
    }
}

#[test]
fn sql_elsewhere_is_found() {
    let check = |path: &str, text: &str, expected: Option<&str>| {
        let findings = sql_elsewhere(&[TextFile::new(path, text)]);
        match expected {
            Some(part) => assert_finds(&findings, part),
            None => assert_clean(&findings),
        }
    };
    let statement = "\nconst A: &str = \"SELECT a FROM t\";";
    check("connectors/mysql/src/read.rs", statement, Some("read.rs:2: 'SELECT'"));
    check("connectors/postgres/src/write/step.rs", statement, Some("SELECT"));
    check("connectors/common/src/pool.rs", statement, Some("SELECT"));
    check("gateway/src/plan/mod.rs", "fn f() { g(format!(\"x WHERE {a}\")) }", Some("WHERE"));
    check("gateway/src/plan/mod.rs", "const A: &str = r#\"insert into t\"#;", Some("insert into"));
    check("cli/src/main.rs", "const A: &[u8] = b\"Delete From t\";", Some("delete from"));
    check("gateway/src/plan/mod.rs", "const A: &str = \" ORDER BY a\";", Some("ORDER BY"));
    check("connectors/sql-common/src/build/read.rs", statement, None);
    check("connectors/mysql/src/client/work.rs", statement, None);
    check("connectors/mysql/src/translate.rs", statement, None);
    check("connectors/mysql/src/schema.rs", statement, None);
    check("connectors/mysql/src/connector/tests/write.rs", statement, None);
    check(
        "connectors/mysql/src/read.rs",
        "// SELECT a\n#[cfg(test)]\nmod tests { const A: &str = \"SELECT\"; }",
        None,
    );
    check("gateway/src/roles/verb.rs", "const A: [&str; 3] = [\"DELETE\", \"UPDATES\", \"a AND b\"];", None);
    check("gateway/src/error.rs", "const A: &str = \"select the fields, from which they come\";", None);
}
