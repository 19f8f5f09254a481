//! A header and a line for each record. Cells stay texts: what they mean is decided by the columns of the table.

use std::collections::HashSet;

use csv_core::{ReadRecordResult, Reader};
use serde_json::Value as Json;

use super::{Error, Record};

/// More columns no table has.
const MAX_COLUMNS: usize = 32 * 1024;

/// Collects the cells of one record.
pub(super) struct Csv {
    reader: Reader,
    /// Room for the text of all cells, and how much of it is used.
    text: Vec<u8>,
    text_len: usize,
    /// Room for where each cell ends, and how much of it is used.
    ends: Vec<usize>,
    ends_len: usize,
    header: Option<Vec<String>>,
    /// Lines that are over.
    lines: u64,
    /// Bytes of this record so far, and the line that it began in.
    size: usize,
    start: u64,
    limit: usize,
}

impl Csv {
    pub(super) fn new(limit: usize) -> Self {
        let mut reader = Reader::new();
        // The reader takes a byte order mark off the first bytes that it sees; that has been done already.
        reader.read_record(b"\n", &mut [0], &mut [0]);
        Self {
            reader,
            text: vec![0; 1024],
            text_len: 0,
            ends: vec![0; 64],
            ends_len: 0,
            header: None,
            lines: 0,
            size: 0,
            start: 1,
            limit,
        }
    }

    /// Takes bytes off the input until a record is there; `None`: more are needed.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Record>, Error> {
        loop {
            self.skip_line_ends(input);
            // The reader would take an empty input for the end.
            if input.is_empty() {
                return Ok(None);
            }
            match self.read(input)? {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(None),
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    if let Some(record) = self.record()? {
                        return Ok(Some(record));
                    }
                }
            }
        }
    }

    /// The last record, which needs no line end.
    pub(super) fn end(&mut self) -> Result<Option<Record>, Error> {
        if self.size == 0 {
            return Ok(None);
        }
        let record = self.next(&mut b"\n".as_slice())?;
        if self.size > 0 {
            return Err(Error::rest(self.start, "a quote is opened and not closed"));
        }
        Ok(record)
    }

    /// Empty lines, and what is left of a line end, stand between records.
    fn skip_line_ends(&mut self, input: &mut &[u8]) {
        if self.size > 0 {
            return;
        }
        while let Some((byte @ (b'\r' | b'\n'), rest)) = input.split_first() {
            self.lines += u64::from(*byte == b'\n');
            *input = rest;
        }
        self.start = self.lines + 1;
    }

    fn read(&mut self, input: &mut &[u8]) -> Result<ReadRecordResult, Error> {
        let text = self.text.get_mut(self.text_len..).unwrap_or_default();
        let ends = self.ends.get_mut(self.ends_len..).unwrap_or_default();
        let (result, read, text_len, ends_len) = self.reader.read_record(input, text, ends);
        let (taken, rest) = input.split_at(read);
        *input = rest;
        self.size += read;
        self.text_len += text_len;
        // One cell too many says as much as a thousand, and needs less room.
        self.ends_len = (self.ends_len + ends_len).min(self.columns() + 1);
        let line_ends = taken.iter().filter(|byte| **byte == b'\n').count();
        self.lines += u64::try_from(line_ends).unwrap_or_default();
        if self.size > self.limit {
            return Err(Error::TooLarge { line: self.start, limit: self.limit });
        }
        Ok(result)
    }

    /// The most cells that a record may have.
    fn columns(&self) -> usize {
        self.header.as_ref().map_or(MAX_COLUMNS, Vec::len)
    }

    /// The cells that were collected: the header, or a record. Whatever is wrong with a record, the next one can be read.
    fn record(&mut self) -> Result<Option<Record>, Error> {
        let cells = self.cells();
        (self.size, self.text_len, self.ends_len) = (0, 0, 0);
        let Some(header) = &self.header else {
            let named = cells.and_then(|names| self.check_header(&names).map(|()| names));
            self.header = Some(named.map_err(|error| error.of_the_rest())?);
            return Ok(None);
        };
        let cells = cells?;
        if cells.len() < header.len() {
            return Err(self.ragged("fewer"));
        }
        Ok(Some(header.iter().cloned().zip(cells.into_iter().map(Json::String)).collect()))
    }

    fn cells(&self) -> Result<Vec<String>, Error> {
        if self.ends_len > self.columns() {
            return Err(self.ragged("more"));
        }
        let mut from = 0;
        let ends = self.ends.get(..self.ends_len).unwrap_or_default();
        let cells = ends.iter().enumerate().map(|(index, end)| {
            let cell = self.text.get(from..*end).unwrap_or_default();
            from = *end;
            let cell = std::str::from_utf8(cell).map(str::to_owned);
            cell.map_err(|_| Error::line(self.start, format!("cell {} is not UTF-8", index + 1)))
        });
        cells.collect()
    }

    fn check_header(&self, names: &[String]) -> Result<(), Error> {
        let mut seen = HashSet::new();
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() {
                let problem = format!("column {} of the header has no name", index + 1);
                return Err(Error::line(self.start, problem));
            }
            if !seen.insert(name) {
                return Err(Error::line(self.start, format!("the header names '{name}' twice")));
            }
        }
        Ok(())
    }

    fn ragged(&self, word: &str) -> Error {
        let columns = self.columns();
        let problem = match self.header {
            Some(_) => format!("it has {word} cells than the {columns} of the header"),
            None => format!("a header may have {columns} columns"),
        };
        Error::line(self.start, problem)
    }
}
