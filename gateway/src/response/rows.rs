//! Rows of a message as JSON.

use connector_api::model::batch::{Cell, Malformed};

use super::cell::{string, write_cell, write_text};

/// What of a row is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowFormat {
    /// `{"a":1,"b":2}`
    Objects,
    /// The value of the one shown column, or with several the string `(1,2)`.
    Identifiers,
}

/// The columns that shall be shown, in their order, whatever the order in which the connector sends them.
#[derive(Debug)]
pub(super) struct Shown {
    names: Vec<String>,
    /// For each shown column its place in a row.
    places: Vec<usize>,
}

/// The set lacks a column that was asked for.
const MISSING: Malformed = Malformed("a selected column is missing");

impl Shown {
    pub(super) fn new(names: &[String]) -> Self {
        Self { names: names.to_vec(), places: Vec::new() }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Takes the columns of the rows to come.
    pub(super) fn columns(&mut self, names: &[String]) -> Result<(), Malformed> {
        self.places.clear();
        for (index, shown) in self.names.iter().enumerate() {
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

    /// The shown cells of a row.
    pub(super) fn cells<'r, 'c>(
        &'r self,
        row: &'r [Cell<'c>],
    ) -> impl Iterator<Item = Result<Cell<'c>, Malformed>> + use<'r, 'c> {
        self.places.iter().map(|place| row.get(*place).copied().ok_or(MISSING))
    }

    /// With several columns the text `(1,2)`; `None` with one, whose cell stands for itself.
    pub(super) fn tuple(&self, row: &[Cell<'_>]) -> Result<Option<String>, Malformed> {
        if self.places.len() == 1 {
            return Ok(None);
        }
        let mut text = b"(".to_vec();
        for (index, cell) in self.cells(row).enumerate() {
            if index > 0 {
                text.push(b',');
            }
            match cell? {
                Cell::Null => text.extend_from_slice(b"null"),
                cell => write_text(&mut text, cell)?,
            }
        }
        text.push(b')');
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }
}

/// Writes rows as JSON.
#[derive(Debug)]
pub struct RowEncoder {
    format: RowFormat,
    shown: Shown,
    /// For each shown column the bytes `"name":`.
    keys: Vec<Vec<u8>>,
    rows: u64,
}

impl RowEncoder {
    /// An encoder that shows these columns.
    #[must_use]
    pub fn new(shown: &[String], format: RowFormat) -> Self {
        let key = |name: &String| {
            let mut key = Vec::with_capacity(name.len() + 3);
            string(&mut key, name);
            key.push(b':');
            key
        };
        Self { format, keys: shown.iter().map(key).collect(), shown: Shown::new(shown), rows: 0 }
    }

    /// Takes the columns of the rows to come.
    ///
    /// # Errors
    /// When a shown column is not among them.
    pub fn columns(&mut self, names: &[String]) -> Result<(), Malformed> {
        self.shown.columns(names)
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
        self.write_alone(out, row)
    }

    /// Appends a row and nothing around it.
    pub(super) fn write_alone(&self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        match self.format {
            RowFormat::Objects => self.write_object(out, row),
            RowFormat::Identifiers => self.write_identifier(out, row),
        }
    }

    fn write_object(&self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        let mut separator = b'{';
        for (key, cell) in self.keys.iter().zip(self.shown.cells(row)) {
            let cell = cell?;
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
        match self.shown.tuple(row)? {
            Some(text) => string(out, &text),
            None => self.shown.cells(row).try_for_each(|cell| write_cell(out, cell?))?,
        }
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
