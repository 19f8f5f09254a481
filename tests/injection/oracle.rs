//! What may not happen, whatever is sent.
//!
//! * A statement that no clean request of the same kind makes ([`Known`]).
//! * An answer with the secret of a table that nobody may reach, with a driver's words, or that says that the server failed ([`problems`]).

use std::collections::HashSet;

use crate::connection::Answer;
use crate::shape::{Given, Grammar, shape};
use crate::tokens::Quoting;

/// What the tables hold that nobody may reach.
pub(crate) const SECRET: &str = "K7-unreachable-Q9";

/// Statuses of 500 and more that are no failure, with words of their message.
const REFUSALS: [(u16, &str); 2] = [
    // A capability that the store lacks.
    (501, ""),
    // The clients of old know it with this status: no column of the table is named so.
    (500, "Identifying field(s) could not be determined."),
];

/// Words of the databases and their drivers.
const PHRASES: [&str; 41] = [
    "SQLSTATE",
    "panicked",
    "rusqlite",
    "mysql_async",
    "tokio_postgres",
    "db error",
    ".rs:",
    "syntax error at or near",
    "unterminated quoted",
    "invalid input syntax",
    "operator does not exist",
    "violates ",
    "duplicate key value",
    "value too long for type",
    "could not determine data type",
    "out of range for type",
    "invalid byte sequence",
    "LINE 1:",
    "pg_catalog",
    "PL/pgSQL",
    "pg_sleep",
    "You have an error in your SQL syntax",
    "MariaDB server version",
    "Unknown column",
    "Duplicate entry",
    "Data too long for column",
    "Incorrect string value",
    "Truncated incorrect",
    "foreign key constraint fails",
    "Illegal mix of collations",
    "Out of range value",
    "Identifier name",
    "no such table",
    "no such column",
    "no such function",
    "unrecognized token",
    "incomplete input",
    "constraint failed",
    "datatype mismatch",
    "SQL logic error",
    "SQLITE_",
];

/// What is wrong with the answer to a request with this text.
pub(crate) fn problems(answer: &Answer, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Answer { status, text: told } = answer;
    let is_refusal = |(refused, words): &(u16, &str)| refused == status && told.contains(words);
    if *status >= 500 && !REFUSALS.iter().any(is_refusal) {
        found.push(format!("status {status}: {}", beginning(told)));
    }
    if told.contains(SECRET) {
        found.push(format!("the secret: {}", beginning(told)));
    }
    if *status >= 400 {
        let echoed = text.to_lowercase();
        let phrases = PHRASES
            .iter()
            .filter(|phrase| told.contains(**phrase) && !echoed.contains(&phrase.to_lowercase()));
        found.extend(phrases.map(|phrase| format!("the words '{phrase}': {}", beginning(told))));
    }
    found
}

fn beginning(text: &str) -> String {
    text.chars().take(1_000).collect()
}

/// The statements that clean requests make.
pub(crate) struct Known {
    quoting: Quoting,
    /// Of what the gateway asks by itself: the catalogue, settings of a session, beginnings and ends of transactions.
    ambient: HashSet<String>,
    /// Of the place at hand.
    shapes: HashSet<String>,
    grammar: Option<Grammar>,
    /// Statements that were looked at already and hold nothing of a text.
    seen: HashSet<String>,
}

impl Known {
    pub(crate) fn new(quoting: Quoting) -> Self {
        Self { quoting, ambient: HashSet::new(), shapes: HashSet::new(), grammar: None, seen: HashSet::new() }
    }

    /// Takes over what belongs to no place.
    pub(crate) fn learn_ambient(&mut self, statements: &[String]) {
        self.ambient.extend(statements.iter().map(|sql| shape(sql, self.quoting, None)));
    }

    /// Begins with a place; `is_grammar` as it says.
    pub(crate) fn begin(&mut self, is_grammar: bool) {
        self.shapes.clear();
        self.seen.clear();
        self.grammar = is_grammar.then(Grammar::default);
    }

    /// Takes over what a clean request of the place makes.
    pub(crate) fn learn(&mut self, statements: &[String], given: Option<&Given>) {
        for sql in statements {
            self.shapes.insert(shape(sql, self.quoting, given));
            if let Some(grammar) = &mut self.grammar {
                grammar.learn(sql, self.quoting);
            }
        }
    }

    /// The first statement that is none of them.
    pub(crate) fn stranger<'s>(
        &mut self,
        statements: &'s [String],
        given: Option<&Given>,
    ) -> Option<&'s String> {
        statements.iter().find(|sql| !self.has(sql, given))
    }

    fn has(&mut self, sql: &str, given: Option<&Given>) -> bool {
        // An empty one asks whether the server is there.
        if sql.is_empty() || self.seen.contains(sql) {
            return true;
        }
        let is_known = self.ambient.contains(&shape(sql, self.quoting, None))
            || self.shapes.contains(&shape(sql, self.quoting, given))
            || self.grammar.as_ref().is_some_and(|grammar| grammar.has(sql, self.quoting));
        if is_known && given.is_none() {
            self.seen.insert(sql.to_owned());
        }
        is_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, told: &str, text: &str, expected: usize) {
        let answer = Answer { status, text: told.to_owned() };
        assert_eq!(problems(&answer, text).len(), expected, "{told}");
    }

    #[test]
    fn a_failure_a_secret_and_words_of_a_driver_are_found() {
        check(200, r#"{"resource":[]}"#, "'", 0);
        check(400, r#"{"error":{"code":400,"message":"Invalid field requested: x"}}"#, "x", 0);
        check(501, "{}", "'", 0);
        check(500, "{}", "'", 1);
        check(503, "{}", "'", 1);
        check(200, &format!(r#"{{"id":1,"secret":"{SECRET}"}}"#), "'", 1);
        check(400, r#"{"error":{"message":"syntax error at or near \"OR\""}}"#, "' OR 1=1", 1);
        check(400, r#"{"error":{"message":"no such column: x"}}"#, "x", 1);
    }

    #[test]
    fn words_that_were_sent_may_come_back() {
        check(400, r#"{"error":{"message":"Invalid field requested: pg_sleep(5)"}}"#, "PG_SLEEP(5)", 0);
    }

    #[test]
    fn a_statement_of_no_clean_request_is_a_stranger() {
        let statement = |sql: &str| vec![sql.to_owned()];
        let mut known = Known::new(Quoting::Doubled);
        known.learn_ambient(&statement("BEGIN"));
        known.begin(false);
        known.learn(&statement(r#"SELECT "a" FROM "t" WHERE "a" = ?"#), None);
        let mut is_stranger = |sql: &str| known.stranger(&statement(sql), None).is_some();
        assert!(!is_stranger("BEGIN"));
        assert!(!is_stranger(r#"SELECT "a" FROM "t" WHERE "a" = ?"#));
        assert!(is_stranger(r#"SELECT "a" FROM "t" WHERE "a" = '' OR 1=1"#));
        assert!(is_stranger(r#"BEGIN; DROP TABLE "t""#));
        known.begin(false);
        assert!(known.stranger(&statement(r#"SELECT "a" FROM "t" WHERE "a" = ?"#), None).is_some());
    }
}
