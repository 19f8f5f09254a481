//! The one writer of SQL text. Three doors: fixed words, quoted names, parameter markers. No request text passes any of them
//! unquoted: a fixed word is `&'static str`, a value is only ever a marker.
//!
//! Definitions of tables take no markers. For them there are three more doors: numbers, texts between quotes, and words that stay as they are
//! spelled because they are among fixed ones.

use std::fmt::Write as _;

use connector_api::model::TableRef;
use connector_api::{Error, ErrorKind, Result};

use crate::dialect::{Backslash, Dialect, Marker};
use crate::statement::{Bind, Statement};

/// Writes one statement and notes what each of its markers stands for.
pub struct SqlWriter<'d> {
    dialect: &'d dyn Dialect,
    sql: String,
    binds: Vec<Bind>,
    markers: usize,
}

impl<'d> SqlWriter<'d> {
    /// An empty statement.
    pub fn new(dialect: &'d dyn Dialect) -> Self {
        Self { dialect, sql: String::with_capacity(256), binds: Vec::new(), markers: 0 }
    }

    /// Writes words, signs and blanks of SQL itself, as they stand.
    pub fn keyword(&mut self, words: &'static str) {
        self.sql.push_str(words);
    }

    /// Writes a name between quotes, each quote inside it doubled. This is the only place where a name becomes SQL.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a name with U+0000: no store has one, and in C it would end the statement.
    pub fn ident(&mut self, name: &str) -> Result<()> {
        if name.contains('\0') {
            return Err(Error::new(ErrorKind::NotFound, "a table or column name contains U+0000"));
        }
        let quote = self.dialect.quote();
        self.sql.push(quote);
        for character in name.chars() {
            if character == quote {
                self.sql.push(quote);
            }
            self.sql.push(character);
        }
        self.sql.push(quote);
        Ok(())
    }

    /// Writes a table's name with what it is in.
    ///
    /// # Errors
    /// Those of [`SqlWriter::ident`].
    pub fn table(&mut self, table: &TableRef) -> Result<()> {
        for part in &table.namespace {
            self.ident(part)?;
            self.keyword(".");
        }
        self.ident(&table.name)
    }

    /// Writes a marker for one value; for [`Bind::Items`] as many as it counts, with commas between them.
    pub fn param(&mut self, bind: Bind) {
        self.param_between(bind, [""; 2]);
    }

    /// The same with words around each marker.
    pub fn param_between(&mut self, bind: Bind, [first, last]: [&'static str; 2]) {
        let before = self.markers_before(bind).unwrap_or_else(|| {
            self.binds.push(bind);
            let before = self.markers;
            self.markers += bind.markers();
            before
        });
        for nth in 1..=bind.markers() {
            if nth > 1 {
                self.sql.push_str(", ");
            }
            self.sql.push_str(first);
            self.marker(before + nth);
            self.sql.push_str(last);
        }
    }

    /// How many markers come before those of a value that stands in the statement already.
    fn markers_before(&self, bind: Bind) -> Option<usize> {
        if !matches!(self.dialect.marker(), Marker::Shared(_)) {
            return None;
        }
        let place = self.binds.iter().position(|known| *known == bind)?;
        Some(self.binds.iter().take(place).map(Bind::markers).sum())
    }

    fn marker(&mut self, number: usize) {
        match self.dialect.marker() {
            Marker::Question => self.sql.push('?'),
            Marker::Numbered(prefix) | Marker::Shared(prefix) => {
                // Writing to a string can't fail.
                let _ = write!(self.sql, "{prefix}{number}");
            }
        }
    }

    /// Writes a number of a definition.
    pub fn number(&mut self, number: &serde_json::Number) {
        // Writing to a string can't fail.
        let _ = write!(self.sql, "{number}");
    }

    /// Writes a text of a definition between quotes, each quote inside it doubled. This is the only place where a text becomes SQL.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for a text with U+0000, at which some database would end the statement.
    pub fn text(&mut self, text: &str) -> Result<()> {
        if text.contains('\0') {
            let message = "a text of a table's definition contains U+0000";
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
        let backslash = if text.contains('\\') { self.dialect.backslash() } else { Backslash::Plain };
        self.sql.push_str(if backslash == Backslash::Escaped { "E'" } else { "'" });
        for character in text.chars() {
            match character {
                '\'' => self.sql.push_str("''"),
                '\\' if backslash != Backslash::Plain => self.sql.push_str(r"\\"),
                other => self.sql.push(other),
            }
        }
        self.sql.push('\'');
        Ok(())
    }

    /// Writes a word as it is spelled, if it stands in one of these phrases, whatever the case of its letters.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for another word.
    pub fn word(&mut self, word: &str, known: &[&'static str]) -> Result<()> {
        let mut words = known.iter().flat_map(|phrase| phrase.split(' '));
        if !words.any(|known| known.eq_ignore_ascii_case(word)) {
            return Err(Error::new(ErrorKind::InvalidRequest, "a definition has a word that is not known"));
        }
        self.sql.push_str(word);
        Ok(())
    }

    /// The finished statement.
    pub fn finish(self) -> Statement {
        Statement::new(self.sql, self.binds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::tests::{Ansi, Backticks};

    /// Names a value once more by its number.
    struct Shared;

    impl Dialect for Shared {
        fn marker(&self) -> Marker {
            Marker::Shared("?")
        }
    }

    fn ident(dialect: &dyn Dialect, name: &str) -> Result<String> {
        let mut writer = SqlWriter::new(dialect);
        writer.ident(name)?;
        Ok(writer.finish().sql().to_owned())
    }

    #[test]
    fn a_name_can_not_leave_its_quotes() {
        for (name, ansi, backticks) in [
            ("plain", r#""plain""#, "`plain`"),
            (r#"a" OR "1"="1"#, r#""a"" OR ""1""=""1""#, r#"`a" OR "1"="1`"#),
            ("a`; DROP TABLE t; --", r#""a`; DROP TABLE t; --""#, "`a``; DROP TABLE t; --`"),
            (r#"\"#, r#""\""#, r"`\`"),
            (r#"""#, r#""""""#, r#"`"`"#),
            ("", r#""""#, "``"),
            ("日本", r#""日本""#, "`日本`"),
        ] {
            assert_eq!(ident(&Ansi, name).unwrap(), ansi);
            assert_eq!(ident(&Backticks, name).unwrap(), backticks);
        }
    }

    #[test]
    fn a_name_with_nul_is_refused() {
        assert_eq!(ident(&Ansi, "a\0b").unwrap_err().kind, ErrorKind::NotFound);
    }

    /// Takes a backslash for what it is only if told so.
    struct Careful(Backslash);

    impl Dialect for Careful {
        fn backslash(&self) -> Backslash {
            self.0
        }
    }

    #[test]
    fn a_text_can_not_leave_its_quotes() {
        use Backslash::{Doubled, Escaped, Plain};
        for (backslash, text, expected) in [
            (Plain, "it's", "'it''s'"),
            (Plain, "'; DROP TABLE t; --", "'''; DROP TABLE t; --'"),
            (Plain, r"\'", r"'\'''"),
            (Escaped, "it's", "'it''s'"),
            (Escaped, r"\'", r"E'\\'''"),
            (Doubled, "it's", "'it''s'"),
            (Doubled, r"\'", r"'\\'''"),
            (Doubled, r"é\", r"'é\\'"),
            (Plain, "", "''"),
        ] {
            let dialect = Careful(backslash);
            let mut writer = SqlWriter::new(&dialect);
            writer.text(text).unwrap();
            assert_eq!(writer.finish().sql(), expected, "{backslash:?} {text}");
        }
        let refused = SqlWriter::new(&Ansi).text("a\0b").unwrap_err();
        assert_eq!(refused.kind, ErrorKind::InvalidRequest);
    }

    #[test]
    fn a_word_is_written_only_if_it_is_known() {
        let known = ["double precision", "INT"];
        for (word, is_known) in [
            ("Double", true),
            ("PRECISION", true),
            ("int", true),
            ("double precision", false),
            ("in", false),
            ("int)", false),
            ("", false),
            ("ınt", false),
        ] {
            let mut writer = SqlWriter::new(&Ansi);
            assert_eq!(writer.word(word, &known).is_ok(), is_known, "{word}");
            assert_eq!(writer.finish().sql(), if is_known { word } else { "" });
        }
    }

    #[test]
    fn markers_are_counted_where_they_are_numbered() {
        let items = Bind::Items { list: 1, kind: crate::Kind::Any, count: 2 };
        for (dialect, text) in [
            (&Ansi as &dyn Dialect, "?; ?, ?; ?; ?; ?, ?; "),
            (&Backticks, "$1; $2, $3; $4; $5; $6, $7; "),
            (&Shared, "?1; ?2, ?3; ?4; ?1; ?2, ?3; "),
        ] {
            let mut writer = SqlWriter::new(dialect);
            for bind in [Bind::Param(0), items, Bind::Cell(0), Bind::Param(0), items] {
                writer.param(bind);
                writer.keyword("; ");
            }
            assert_eq!(writer.finish().sql(), text);
        }
    }
}
