//! Rows of a message as JSON.

use connector_api::model::batch::{Cell, Malformed};

use super::cell::{string, write_cell};

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
    /// Names of the shown columns.
    shown: Vec<String>,
    /// The bytes `,"name":` of each, one behind the other, and where each ends.
    keys: (Vec<u8>, Vec<usize>),
    /// For each shown column its place in a row.
    places: Vec<usize>,
    is_direct: bool,
    rows: u64,
}

/// The set lacks a column that was asked for.
const MISSING: Malformed = Malformed("a selected column is missing");

impl RowEncoder {
    /// An encoder that shows these columns.
    #[must_use]
    pub fn new(shown: &[String], format: RowFormat) -> Self {
        let mut keys = (Vec::with_capacity(shown.len() * 16), Vec::with_capacity(shown.len()));
        for name in shown {
            keys.0.push(b',');
            string(&mut keys.0, name);
            keys.0.push(b':');
            keys.1.push(keys.0.len());
        }
        let places = Vec::with_capacity(shown.len());
        Self { format, shown: shown.to_vec(), keys, places, is_direct: false, rows: 0 }
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
        for (index, shown) in self.shown.iter().enumerate() {
            // Nearly always the connector keeps the order it was asked in.
            let place = if names.get(index) == Some(shown) {
                Some(index)
            } else {
                names.iter().position(|name| name == shown)
            };
            self.places.push(place.ok_or(MISSING)?);
        }
        let is_in_order = names.len() == self.shown.len() && self.places.iter().copied().eq(0..names.len());
        self.is_direct = is_in_order && self.format == RowFormat::Objects;
        Ok(())
    }

    /// Whether rows have just the cells that are shown, in their order, so that [`RowEncoder::write_cells`] may write them.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.is_direct
    }

    /// [`RowEncoder::write`] for a row that is not held anywhere: takes its cells, one for each column, as they are written.
    ///
    /// # Errors
    /// Of `next`, or when nested cells are malformed.
    pub fn write_cells<'c>(
        &mut self,
        out: &mut Vec<u8>,
        mut next: impl FnMut() -> Result<Cell<'c>, Malformed>,
    ) -> Result<(), Malformed> {
        self.begin(out);
        self.write_object(out, |_| next())
    }

    /// Appends a row, with a comma before each but the first.
    ///
    /// # Errors
    /// When nested cells are malformed.
    pub fn write(&mut self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        self.begin(out);
        match self.format {
            RowFormat::Objects => self.write_object(out, |place| row.get(place).copied().ok_or(MISSING)),
            RowFormat::Identifiers => self.write_identifier(out, row),
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.rows > 0 {
            out.push(b',');
        }
        self.rows += 1;
    }

    fn write_object<'c>(
        &self,
        out: &mut Vec<u8>,
        mut cell_at: impl FnMut(usize) -> Result<Cell<'c>, Malformed>,
    ) -> Result<(), Malformed> {
        let start = out.len();
        let (keys, ends) = &self.keys;
        let mut key_start = 0;
        for (key_end, place) in ends.iter().zip(&self.places) {
            let key = keys.get(key_start..*key_end).unwrap_or_default();
            key_start = *key_end;
            let cell = cell_at(*place)?;
            if !matches!(cell, Cell::Absent) {
                out.extend_from_slice(key);
                write_cell(out, cell)?;
            }
        }
        // The comma in front of the first member, where there is one, makes room for the brace.
        match out.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
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
