//! Rows of a message as JSON.

use connector_api::model::batch::{Cell, Malformed};

use super::cell::{string, write_cell};
use crate::plan::Shown;

/// How rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowFormat {
    /// `{"a":1,"b":2}`
    Objects,
    /// The value of the one shown column, or with several the string `(1,2)`.
    Identifiers,
}

/// Writes rows with just the columns that shall be shown, in their order, whatever the order in which the connector sends them.
#[derive(Debug)]
pub struct RowEncoder {
    format: RowFormat,
    /// Shown columns: name in the rows and the bytes `"name":` of the answer.
    shown: Vec<(String, Vec<u8>)>,
    /// For each shown column its place in a row.
    places: Vec<usize>,
    rows: u64,
}

/// The set lacks a column that was asked for.
const MISSING: Malformed = Malformed("a selected column is missing");

impl RowEncoder {
    /// An encoder that shows these columns.
    #[must_use]
    pub fn new(shown: &[Shown], format: RowFormat) -> Self {
        let key = |shown: &Shown| {
            let mut key = Vec::with_capacity(shown.name.len() + 3);
            string(&mut key, &shown.name);
            key.push(b':');
            (shown.column.clone(), key)
        };
        Self { format, shown: shown.iter().map(key).collect(), places: Vec::new(), rows: 0 }
    }

    /// Rows written so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the columns of the rows to come.
    ///
    /// # Errors
    /// When a shown column is not among them.
    pub fn columns(&mut self, names: &[String]) -> Result<(), Malformed> {
        self.places.clear();
        for (index, (shown, _)) in self.shown.iter().enumerate() {
            // Nearly always the connector keeps the order it was asked in.
            let place = if names.get(index) == Some(shown) {
                Some(index)
            } else {
                names.iter().position(|name| name == shown)
            };
            self.places.push(place.ok_or(MISSING)?);
        }
        Ok(())
    }

    /// Appends a row, with a comma before each but the first.
    ///
    /// # Errors
    /// When nested cells are malformed.
    pub fn write(&mut self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        if self.rows > 0 {
            out.push(b',');
        }
        self.rows += 1;
        match self.format {
            RowFormat::Objects => self.write_object(out, row),
            RowFormat::Identifiers => self.write_identifier(out, row),
        }
    }

    fn write_object(&self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        let mut separator = b'{';
        for ((_, key), place) in self.shown.iter().zip(&self.places) {
            let cell = *row.get(*place).ok_or(MISSING)?;
            if cell != Cell::Absent {
                out.push(std::mem::replace(&mut separator, b','));
                out.extend_from_slice(key);
                write_cell(out, cell)?;
            }
        }
        // An object without members has not been opened yet.
        out.extend_from_slice(if separator == b'{' { b"{}" } else { b"}" });
        Ok(())
    }

    fn write_identifier(&self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        let mut cells = self.places.iter().map(|place| row.get(*place).copied().ok_or(MISSING));
        if self.places.len() == 1 {
            return cells.try_for_each(|cell| write_cell(out, cell?));
        }
        let mut text = String::from("(");
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                text.push(',');
            }
            match cell? {
                Cell::Text(part) => text.push_str(part),
                other => {
                    let mut json = Vec::new();
                    write_cell(&mut json, other)?;
                    text.push_str(String::from_utf8_lossy(&json).trim_matches('"'));
                }
            }
        }
        text.push(')');
        string(out, &text);
        Ok(())
    }

    /// Places of these columns in a row.
    ///
    /// # Errors
    /// When one is missing.
    pub fn places_of(names: &[String], wanted: &[String]) -> Result<Vec<usize>, Malformed> {
        wanted.iter().map(|wanted| names.iter().position(|name| name == wanted).ok_or(MISSING)).collect()
    }
}
