//! The text of a type or of a default, taken apart: words, numbers, texts, names and a few signs. What is none of these is refused here, so
//! that nothing else can be written. Knows no type and no expression.

use connector_api::{Error, ErrorKind, Result};

use crate::SqlWriter;

/// The longest text that is taken apart, in bytes: a type with many labels.
const MAX_BYTES: usize = 65_536;
/// Signs that may stand in a type or an expression, each as it is written.
const SIGNS: [&str; 9] = ["(", ")", ",", "[", "]", ".", "-", ":", "|"];

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Letters, digits and underscores, as spelled.
    Word(String),
    /// Digits.
    Number(u64),
    /// A text between single quotes, without them.
    Text(String),
    /// A name between double quotes, without them.
    Name(String),
    /// One of a few signs.
    Sign(&'static str),
}

/// All parts, each with whether there is a blank before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts(pub(super) Vec<(bool, Part)>);

impl Parts {
    /// Takes a text apart.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for signs that stand in no type and no default: quotes without end, comments, control characters.
    pub fn read(text: &str) -> Result<Self> {
        if text.len() > MAX_BYTES {
            return Err(invalid("it is longer than 64 KiB"));
        }
        let mut parts = Vec::new();
        let mut rest = text.trim_matches(' ');
        while !rest.is_empty() {
            let trimmed = rest.trim_start_matches(' ');
            let (part, behind) = next_part(trimmed)?;
            parts.push((trimmed.len() < rest.len(), part));
            rest = behind;
        }
        Ok(Self(parts))
    }

    /// Words and numbers in brackets: `varchar` and 40 to `varchar(40)`.
    #[must_use]
    pub fn sized(words: &'static str, sizes: &[u64]) -> Self {
        let words = words.split(' ').enumerate().map(|(at, word)| (at > 0, Part::Word(word.to_owned())));
        let mut parts: Vec<_> = words.collect();
        for (at, size) in sizes.iter().enumerate() {
            parts.push((false, Part::Sign(if at == 0 { "(" } else { "," })));
            parts.push((false, Part::Number(*size)));
        }
        if !sizes.is_empty() {
            parts.push((false, Part::Sign(")")));
        }
        Self(parts)
    }

    /// One spelling for all that differ in blanks and in the case of letters only.
    #[must_use]
    pub fn shape(&self) -> String {
        self.shaped(|number| number.to_string())
    }

    /// The same with `#` for each number, and the numbers.
    #[must_use]
    pub fn pattern(&self) -> (String, Vec<u64>) {
        let mut numbers = Vec::new();
        let pattern = self.shaped(|number| {
            numbers.push(number);
            "#".to_owned()
        });
        (pattern, numbers)
    }

    fn shaped(&self, mut digits: impl FnMut(u64) -> String) -> String {
        let mut shape = String::new();
        let mut was_word = false;
        for (_, part) in &self.0 {
            let is_word = matches!(part, Part::Word(_) | Part::Number(_));
            if was_word && is_word {
                shape.push(' ');
            }
            was_word = is_word;
            match part {
                Part::Word(word) => shape.push_str(&word.to_ascii_lowercase()),
                Part::Number(number) => shape.push_str(&digits(*number)),
                Part::Text(text) => shape.extend(["'", &text.replace('\'', "''"), "'"]),
                Part::Name(name) => shape.extend(["\"", &name.replace('"', "\"\""), "\""]),
                Part::Sign(sign) => shape.push_str(sign),
            }
        }
        shape
    }

    /// Writes it from its parts.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for a word that stands in none of these phrases.
    pub fn write(&self, to: &mut SqlWriter<'_>, known: &[&'static str]) -> Result<()> {
        for (is_apart, part) in &self.0 {
            to.keyword(if *is_apart { " " } else { "" });
            match part {
                Part::Word(word) => to.word(word, known)?,
                Part::Number(number) => to.number(&(*number).into()),
                Part::Text(text) => to.text(text)?,
                Part::Name(name) => to.ident(name)?,
                Part::Sign(sign) => to.keyword(sign),
            }
        }
        Ok(())
    }
}

/// The first part of a text that does not begin with a blank, and what is behind it.
fn next_part(text: &str) -> Result<(Part, &str)> {
    let first = text.chars().next().unwrap_or_default();
    match first {
        'a'..='z' | 'A'..='Z' | '_' => {
            let (word, rest) = split(text, |c| c.is_ascii_alphanumeric() || c == '_');
            Ok((Part::Word(word.to_owned()), rest))
        }
        '0'..='9' => {
            let (digits, rest) = split(text, |c| c.is_ascii_alphanumeric() || c == '_');
            let number = digits.parse().map_err(|_| invalid("a number in it is none"))?;
            Ok((Part::Number(number), rest))
        }
        '\'' => quoted(text, '\'').map(|(text, rest)| (Part::Text(text), rest)),
        '"' => quoted(text, '"').map(|(name, rest)| (Part::Name(name), rest)),
        // It would begin a comment.
        '-' if text.starts_with("--") => Err(invalid("it has a comment")),
        _ => {
            let sign = SIGNS.into_iter().find(|sign| text.starts_with(sign));
            let sign = sign.ok_or_else(|| invalid("it has a sign that stands in none"))?;
            Ok((Part::Sign(sign), text.strip_prefix(sign).unwrap_or_default()))
        }
    }
}

fn split(text: &str, is_inside: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is_inside(c)).unwrap_or(text.len()))
}

/// What stands between quotes, of which two mean one.
fn quoted(text: &str, quote: char) -> Result<(String, &str)> {
    let mut inner = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character.is_control() {
            return Err(invalid("it has a control character"));
        }
        if character != quote {
            inner.push(character);
            continue;
        }
        if characters.next_if(|(_, next)| *next == quote).is_none() {
            return Ok((inner, text.get(at + quote.len_utf8()..).unwrap_or_default()));
        }
        inner.push(quote);
    }
    Err(invalid("a quote in it has no end"))
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::tests::Ansi;

    const KNOWN: [&str; 4] = ["varchar", "double precision", "enum", "timestamp"];

    fn written(text: &str) -> Result<String> {
        let mut to = SqlWriter::new(&Ansi);
        Parts::read(text)?.write(&mut to, &KNOWN)?;
        Ok(to.finish().sql().to_owned())
    }

    #[test]
    fn a_text_is_written_from_its_parts() {
        for (text, expected) in [
            ("varchar(40)", "varchar(40)"),
            ("  VARCHAR ( 40,2 )  ", "VARCHAR ( 40,2 )"),
            ("double  precision", "double precision"),
            ("enum('it''s', 'b')", "enum('it''s', 'b')"),
            ("\"My \"\"type\"\"\"[]", "\"My \"\"type\"\"\"[]"),
            ("timestamp(3)", "timestamp(3)"),
            ("", ""),
        ] {
            assert_eq!(written(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in [
            "varchar; drop table x",
            "varchar--",
            "varchar /* x */",
            "varchar#",
            "enum('a",
            "enum('a'')",
            "\"a",
            "`a`",
            "$$a$$",
            "varchar\n",
            "enum('a\u{1}')",
            "größe",
            "12abc",
            "99999999999999999999",
            "varchar\0",
        ] {
            assert!(written(text).is_err(), "{text}");
        }
        assert!(Parts::read(&"a".repeat(MAX_BYTES + 1)).is_err());
        assert!(written("drop").is_err());
    }

    #[test]
    fn a_shape_minds_neither_blanks_nor_case() {
        for (text, shape) in [
            ("VARCHAR ( 40 )", "varchar(40)"),
            ("double   precision", "double precision"),
            ("timestamp (3)  with time zone", "timestamp(3)with time zone"),
            ("enum( 'A' , 'b''c' )", "enum('A','b''c')"),
            ("numeric(10, -2)[]", "numeric(10,-2)[]"),
        ] {
            assert_eq!(Parts::read(text).unwrap().shape(), shape);
        }
    }
}
