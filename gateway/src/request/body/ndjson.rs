//! A JSON object on each line.

use serde_json::Value as Json;

use super::{Error, Record};

/// Collects the bytes of one line.
#[derive(Debug)]
pub(super) struct Ndjson {
    /// The beginning of a line whose end has not come.
    held: Vec<u8>,
    /// Lines that are over.
    lines: u64,
    limit: usize,
}

impl Ndjson {
    pub(super) fn new(limit: usize) -> Self {
        Self { held: Vec::new(), lines: 0, limit }
    }

    /// Takes bytes off the input until a record is there; `None`: more are needed.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Record>, Error> {
        while let Some(end) = input.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = input.split_at(end);
            *input = rest.get(1..).unwrap_or_default();
            if let Some(record) = self.line(line)? {
                return Ok(Some(record));
            }
        }
        self.hold(input)?;
        *input = &[];
        Ok(None)
    }

    /// The last line, which needs no line end.
    pub(super) fn end(&mut self) -> Result<Option<Record>, Error> {
        self.line(&[])
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.held.len() + bytes.len() > self.limit {
            return Err(Error::TooLarge { line: self.lines + 1, limit: self.limit });
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    /// The record of a line that ends with these bytes; `None`: it is blank.
    fn line(&mut self, end: &[u8]) -> Result<Option<Record>, Error> {
        let held;
        let line = if self.held.is_empty() && end.len() <= self.limit {
            end
        } else {
            self.hold(end)?;
            held = std::mem::take(&mut self.held);
            &held
        };
        let before = self.lines;
        self.lines += 1;
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        match serde_json::from_slice(line).map_err(|error| Error::json(&error, before))? {
            Json::Object(record) => Ok(Some(record)),
            _ => Err(Error::line(self.lines, "a record must be a JSON object such as {\"name\": \"value\"}")),
        }
    }
}
