//! Rows of a message as JSON.

use connector_api::model::batch::{Cell, ColumnNames, Malformed, RowsFrame};

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
    /// Shown columns: name and the bytes `"name":`.
    shown: Vec<(String, Vec<u8>)>,
    /// For each shown column its place in the set.
    places: Vec<usize>,
    /// The set's columns are exactly the shown ones, in order.
    is_direct: bool,
    /// Number of columns of the set.
    width: usize,
    rows: u64,
}

/// The set lacks a column that was asked for.
const MISSING: Malformed = Malformed("a selected column is missing");

impl RowEncoder {
    /// An encoder that shows these columns.
    pub fn new(shown: &[String], format: RowFormat) -> Self {
        let key = |name: &String| {
            let mut key = Vec::with_capacity(name.len() + 3);
            string(&mut key, name);
            key.push(b':');
            (name.clone(), key)
        };
        Self {
            format,
            shown: shown.iter().map(key).collect(),
            places: Vec::new(),
            is_direct: false,
            width: 0,
            rows: 0,
        }
    }

    /// Rows written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the columns of the rows to come.
    ///
    /// # Errors
    /// When a shown column is not among them.
    pub fn columns(&mut self, names: ColumnNames<'_>) -> Result<(), Malformed> {
        self.width = usize::try_from(names.len()).map_err(|_| MISSING)?;
        self.places.clear();
        for (shown, _) in &self.shown {
            self.places.push(names.iter().position(|name| name == shown).ok_or(MISSING)?);
        }
        self.is_direct = self.format == RowFormat::Objects
            && self.width == self.shown.len()
            && self.places.iter().copied().eq(0..self.width);
        Ok(())
    }

    /// Appends up to `most` rows of a frame, with a comma before each but the very first. Gives how many.
    ///
    /// # Errors
    /// When the cells are malformed.
    pub fn write(
        &mut self,
        out: &mut Vec<u8>,
        frame: &mut RowsFrame<'_>,
        most: u64,
    ) -> Result<u64, Malformed> {
        let count = u64::from(frame.count).min(most);
        let mut row = Vec::with_capacity(if self.is_direct { 0 } else { self.width });
        for _ in 0..count {
            if self.rows > 0 {
                out.push(b',');
            }
            if self.is_direct {
                self.write_direct(out, frame)?;
            } else {
                read_row(frame, self.width, &mut row)?;
                self.write_row(out, &row)?;
            }
            self.rows += 1;
        }
        Ok(count)
    }

    fn write_direct(&self, out: &mut Vec<u8>, frame: &mut RowsFrame<'_>) -> Result<(), Malformed> {
        let mut separator = b'{';
        for (_, key) in &self.shown {
            let cell = frame.next_cell()?;
            if cell != Cell::Absent {
                out.push(std::mem::replace(&mut separator, b','));
                out.extend_from_slice(key);
                write_cell(out, cell)?;
            }
        }
        close(out, separator);
        Ok(())
    }

    /// Appends one row whose cells were read before.
    ///
    /// # Errors
    /// When nested cells are malformed.
    pub fn write_row(&self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        let cell = |place: &usize| row.get(*place).copied().ok_or(MISSING);
        if self.format == RowFormat::Identifiers {
            return self.write_identifier(out, row);
        }
        let mut separator = b'{';
        for ((_, key), place) in self.shown.iter().zip(&self.places) {
            let cell = cell(place)?;
            if cell != Cell::Absent {
                out.push(std::mem::replace(&mut separator, b','));
                out.extend_from_slice(key);
                write_cell(out, cell)?;
            }
        }
        close(out, separator);
        Ok(())
    }

    fn write_identifier(&self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        let cells = self.places.iter().map(|place| row.get(*place).copied().ok_or(MISSING));
        if self.places.len() == 1 {
            return cells.into_iter().try_for_each(|cell| write_cell(out, cell?));
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

    /// Places of these columns in the set.
    ///
    /// # Errors
    /// When one is missing.
    pub fn places_of(names: ColumnNames<'_>, wanted: &[String]) -> Result<Vec<usize>, Malformed> {
        wanted.iter().map(|wanted| names.iter().position(|name| name == wanted).ok_or(MISSING)).collect()
    }
}

/// Reads the cells of one row.
///
/// # Errors
/// When they are malformed.
pub fn read_row<'a>(
    frame: &mut RowsFrame<'a>,
    width: usize,
    row: &mut Vec<Cell<'a>>,
) -> Result<(), Malformed> {
    row.clear();
    for _ in 0..width {
        row.push(frame.next_cell()?);
    }
    Ok(())
}

/// Closes an object; one without members has not been opened yet.
fn close(out: &mut Vec<u8>, separator: u8) {
    if separator == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
}
