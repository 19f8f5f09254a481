//! The shape of a statement: what is left of it when the values are taken out. Statements that differ in bound values, and in how many of a
//! kind stand in a list, have the same shape; a name of the catalogue, a word or a sign more makes another one.

use std::collections::{BTreeSet, HashSet};

use crate::tokens::{Quoting, Token, tokens};

/// Words that begin a part of a statement.
const PARTS: [&str; 31] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "JOIN",
    "EXISTS",
    "WITH",
    "INSERT",
    "INTO",
    "VALUES",
    "UPDATE",
    "SET",
    "DELETE",
    "RETURNING",
    "CREATE",
    "DROP",
    "ALTER",
    "CALL",
    "EXECUTE",
    "PROCEDURE",
    "OUTFILE",
    "ATTACH",
    "PRAGMA",
];

/// Texts that may become names and literals of a statement, because a new table or column is called so.
#[derive(Default)]
pub(crate) struct Given {
    texts: HashSet<String>,
}

impl Given {
    pub(crate) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let texts = texts.into_iter().flat_map(|text| [text.to_owned(), text.trim().to_owned()]);
        Self { texts: texts.collect() }
    }

    /// Whether it is one of them, or the name of what is ordered by, or of a key over a column, that is called so.
    fn has_name(&self, name: &str) -> bool {
        self.texts.contains(name)
            || name.strip_prefix(ORDERED).is_some_and(|rest| self.texts.contains(rest))
            || KEYS.iter().any(|kind| name.strip_prefix(kind).is_some_and(|rest| self.has_key(rest)))
    }

    fn has_key(&self, rest: &str) -> bool {
        // A long name is cut, and has an underscore and eight digits behind.
        let cut = rest.len().checked_sub(9).and_then(|end| rest.get(..end)).unwrap_or(rest);
        self.texts
            .iter()
            .map(|text| text.replace('.', "_"))
            .any(|text| text == rest || rest.len() > 40 && text.starts_with(cut))
    }
}

/// How a computed value begins that is there to order by only.
const ORDERED: &str = "order by ";
/// How keys are called that come without a name, over a column of the tables of `places.toml`.
const KEYS: [&str; 2] = ["ndx_made_", "undx_keys_of_"];

/// The shape of a statement. `given` is there for requests that name something new.
pub(crate) fn shape(sql: &str, quoting: Quoting, given: Option<&Given>) -> String {
    let pieces: Vec<String> = tokens(sql, quoting).iter().map(|token| piece(token, given)).collect();
    list(&mut pieces.iter().map(String::as_str))
}

fn piece(token: &Token, given: Option<&Given>) -> String {
    match token {
        Token::Word(word) => word.to_uppercase(),
        Token::Name(name) if given.is_some_and(|given| given.has_name(name)) => "<name>".to_owned(),
        Token::Text(text) if given.is_some_and(|given| given.texts.contains(text)) => "<text>".to_owned(),
        Token::Number(_) if given.is_some() => "<number>".to_owned(),
        Token::Name(name) => format!("\"{name}\""),
        Token::Text(text) => format!("'{text}'"),
        Token::Number(number) => number.clone(),
        Token::Place => "?".to_owned(),
        Token::Sign(sign) => sign.to_string(),
        Token::Comment(text) => format!("<comment {text}>"),
    }
}

/// Pieces up to the end or a closing parenthesis; of equal neighbours in a list one is left.
fn list<'p>(pieces: &mut impl Iterator<Item = &'p str>) -> String {
    let mut items: Vec<String> = Vec::new();
    let mut item: Vec<String> = Vec::new();
    loop {
        let next = pieces.next();
        match next {
            Some("(") => item.push(format!("({})", list(pieces))),
            Some(",") | Some(")") | None => {
                items.push(std::mem::take(&mut item).join(" "));
                if next != Some(",") {
                    items.dedup();
                    return items.join(", ");
                }
            }
            Some(other) => item.push(other.to_owned()),
        }
    }
}

/// What statements are made of whose conditions are for the request to say: their pieces, whatever the order, and the order of their parts.
#[derive(Default)]
pub(crate) struct Grammar {
    pieces: HashSet<String>,
    frames: BTreeSet<String>,
}

impl Grammar {
    /// Takes over what this statement is made of.
    pub(crate) fn learn(&mut self, sql: &str, quoting: Quoting) {
        let pieces: Vec<String> = tokens(sql, quoting).iter().map(|token| piece(token, None)).collect();
        self.frames.insert(frame(&pieces));
        self.pieces.extend(pieces);
    }

    /// Whether a statement is made of nothing else.
    pub(crate) fn has(&self, sql: &str, quoting: Quoting) -> bool {
        let pieces: Vec<String> = tokens(sql, quoting).iter().map(|token| piece(token, None)).collect();
        self.frames.contains(&frame(&pieces)) && pieces.iter().all(|piece| self.pieces.contains(piece))
    }
}

fn frame(pieces: &[String]) -> String {
    let parts = pieces.iter().map(String::as_str).filter(|piece| *piece == ";" || PARTS.contains(piece));
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_their_number_do_not_change_a_shape() {
        let of = |sql: &str| shape(sql, Quoting::Dollars, None);
        assert_eq!(
            of(r#"SELECT "a" FROM "t" WHERE "a" IN ($1, $2, $3)"#),
            of(r#"select "a" from "t" where "a" in ($1)"#)
        );
        assert_eq!(of("VALUES ($1, $2), ($3, $4), ($5, $6)"), of("VALUES ($1, $2), ($3, $4)"));
    }

    #[test]
    fn whatever_is_injected_changes_a_shape() {
        let clean = r#"SELECT "a" FROM "t" WHERE "a" = $1 LIMIT $2"#;
        for other in [
            r#"SELECT "a" FROM "t" WHERE "a" = '' LIMIT $2"#,
            r#"SELECT "a" FROM "t" WHERE "a" = $1 OR 1=1 LIMIT $2"#,
            r#"SELECT "a" FROM "t" WHERE "a" = $1 -- LIMIT $2"#,
            r#"SELECT "a" FROM "t" WHERE "a" = $1 LIMIT $2; DROP TABLE "t""#,
            r#"SELECT "a" FROM "canary" WHERE "a" = $1 LIMIT $2"#,
            r#"SELECT "a" FROM "t" WHERE "a" = $1 UNION ALL SELECT "a" FROM "t" LIMIT $2"#,
            r#"SELECT "a" FROM "t" WHERE "a" = pg_sleep(600) LIMIT $2"#,
        ] {
            assert_ne!(shape(other, Quoting::Dollars, None), shape(clean, Quoting::Dollars, None), "{other}");
        }
    }

    #[test]
    fn a_given_name_counts_as_given_only_where_all_of_it_is_quoted() {
        let given = Given::new([r#"x" ("a" int); --"#, "y"]);
        let of = |sql: &str| shape(sql, Quoting::Dollars, Some(&given));
        let clean = of(r#"CREATE TABLE "y" ("id" int)"#);
        assert_eq!(of(r#"CREATE TABLE "x"" (""a"" int); --" ("id" int)"#), clean);
        assert_ne!(of(r#"CREATE TABLE "x" ("a" int); --" ("id" int)"#), clean);
        assert_eq!(of(r#"CREATE INDEX "ndx_made_y""#), of(r#"CREATE INDEX "y""#));
        assert_ne!(of(r#"CREATE INDEX "ndx_made_z""#), of(r#"CREATE INDEX "y""#));
        assert_eq!(of(r#"ORDER BY "order by y""#), of(r#"ORDER BY "y""#));
        assert_ne!(of(r#"ORDER BY "order by z""#), of(r#"ORDER BY "y""#));
    }

    #[test]
    fn a_grammar_has_what_it_learnt_in_any_order_and_nothing_else() {
        let mut grammar = Grammar::default();
        grammar.learn(
            r#"SELECT "a" FROM "t" WHERE ("a" = ? AND "b" = ?) OR NOT "b" IS NULL LIMIT ?"#,
            Quoting::Doubled,
        );
        let has = |conditions: &str| {
            grammar.has(&format!(r#"SELECT "a" FROM "t" WHERE {conditions} LIMIT ?"#), Quoting::Doubled)
        };
        assert!(has(r#"NOT ("b" = ? OR "a" IS NULL)"#));
        assert!(!has(r#""c" = ?"#));
        assert!(!has(r#""a" = 1"#));
        assert!(!has(r#""a" = ? -- "#));
        assert!(!has(r#""a" = ?; SELECT "a" FROM "t""#));
        assert!(!has(r#""a" = (SELECT "a" FROM "t")"#));
    }
}
