//! Records of a body one by one, out of bytes that come in pieces of any size. Holds one record at a time.

use serde_json::{Map, Value as Json};

use super::csv::Csv;
use super::ndjson::Ndjson;
use super::{BOM, Error};
use crate::request::media::BodyMedia;

/// A record: values by the caller's names.
pub type Record = Map<String, Json>;

/// Reads the records of an NDJSON or CSV body.
pub struct Records {
    parser: Parser,
    /// Bytes of a byte order mark that have come; all of them once something else has.
    mark: usize,
}

enum Parser {
    Ndjson(Ndjson),
    Csv(Box<Csv>),
}

impl Parser {
    fn next(&mut self, input: &mut &[u8]) -> Result<Option<Record>, Error> {
        match self {
            Self::Ndjson(parser) => parser.next(input),
            Self::Csv(parser) => parser.next(input),
        }
    }
}

impl Records {
    /// A reader for this form; no record may be larger than `limit` bytes.
    #[must_use]
    pub fn new(media: BodyMedia, limit: usize) -> Self {
        let parser = match media {
            BodyMedia::Csv => Parser::Csv(Box::new(Csv::new(limit))),
            _ => Parser::Ndjson(Ndjson::new(limit)),
        };
        Self { parser, mark: 0 }
    }

    /// Takes bytes off the input until a record is there. `None`: all are taken and more are needed.
    ///
    /// # Errors
    /// A line that is no record; the next one can be read, unless the error [ends the body](Error::ends_body).
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Record>, Error> {
        while let Some(expected) = BOM.get(self.mark) {
            match input.split_first() {
                None => return Ok(None),
                Some((byte, rest)) if byte == expected => {
                    self.mark += 1;
                    *input = rest;
                }
                Some(_) => self.no_mark()?,
            }
        }
        self.parser.next(input)
    }

    /// The last record, which needs no line end; `None`: there was none.
    ///
    /// # Errors
    /// As for [`Records::next`], and for a record that is cut off.
    pub fn end(&mut self) -> Result<Option<Record>, Error> {
        self.no_mark()?;
        match &mut self.parser {
            Parser::Ndjson(parser) => parser.end(),
            Parser::Csv(parser) => parser.end(),
        }
    }

    /// What looked like the beginning of a byte order mark belongs to the first record.
    fn no_mark(&mut self) -> Result<(), Error> {
        let mut begun = BOM.get(..self.mark).filter(|begun| begun.len() < BOM.len()).unwrap_or_default();
        self.mark = BOM.len();
        // No line ends in there, so no record.
        self.parser.next(&mut begun).map(drop)
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
