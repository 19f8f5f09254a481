//! Rows of a message as JSON.

use std::sync::Arc;

use connector_api::model::batch::{Cell, Malformed};

use super::cell::{string, write_cell, write_text};
use crate::plan::{MemberKeys, ShownColumn, ShownColumns};
use crate::request::media::Numbers;

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
    columns: Arc<ShownColumns>,
    /// For each shown column its place in a row.
    places: Vec<usize>,
    /// Rows have just the shown cells, in their order.
    is_in_order: bool,
    /// So many of the columns were asked for by name; whatever else rows have is shown behind them. `None`: nothing else is shown.
    named: Option<usize>,
}

/// The set lacks a column that was asked for.
const MISSING: Malformed = Malformed("a selected column is missing");

impl Shown {
    pub(super) fn new(columns: &Arc<ShownColumns>) -> Self {
        let places = Vec::with_capacity(columns.len());
        Self { columns: Arc::clone(columns), places, is_in_order: false, named: None }
    }

    /// Takes what else the rows to come have, where that is shown.
    fn take_others(&mut self, names: &[String]) {
        let Some(named) = self.named else { return };
        let is_other =
            |name: &&String| !self.columns.iter().take(named).any(|shown| *shown.column == ***name);
        let others: Vec<ShownColumn> =
            names.iter().filter(is_other).map(|name| ShownColumn::from(name.as_str())).collect();
        if self.columns.get(named..) == Some(others.as_slice()) {
            return;
        }
        self.columns = Arc::new(self.columns.iter().take(named).cloned().chain(others).collect());
    }

    /// The names in the answer.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|shown| &*shown.name)
    }

    /// Takes the columns of the rows to come.
    pub(super) fn columns(&mut self, names: &[String]) -> Result<(), Malformed> {
        self.places.clear();
        for (index, shown) in self.columns.iter().enumerate() {
            // Nearly always the connector keeps the order it was asked in.
            let is_shown = |name: &String| **name == *shown.column;
            let place = if names.get(index).is_some_and(is_shown) {
                Some(index)
            } else {
                names.iter().position(is_shown)
            };
            self.places.push(place.ok_or(MISSING)?);
        }
        let is_at_its_index = |(index, place): (usize, &usize)| index == *place;
        self.is_in_order =
            names.len() == self.places.len() && self.places.iter().enumerate().all(is_at_its_index);
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

/// The bytes `,"name":` of each column.
fn keys(shown: &[ShownColumn]) -> MemberKeys {
    let mut keys = MemberKeys::default();
    for column in shown {
        keys.bytes.push(b',');
        string(&mut keys.bytes, &column.name);
        keys.bytes.push(b':');
        keys.ends.push(keys.bytes.len());
    }
    keys
}

/// Appends a member to an object that is written already.
pub fn append_member(object: &mut Vec<u8>, name: &str, value: &[u8]) {
    object.pop();
    if object.len() > 1 {
        object.push(b',');
    }
    string(object, name);
    object.push(b':');
    object.extend_from_slice(value);
    object.push(b'}');
}

/// Appends a list of values that are written already.
pub fn append_list<'v>(out: &mut Vec<u8>, values: impl Iterator<Item = &'v [u8]>) {
    out.push(b'[');
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(value);
    }
    out.push(b']');
}

/// Writes rows as JSON.
#[derive(Debug)]
pub struct RowEncoder {
    format: RowFormat,
    numbers: Numbers,
    shown: Shown,
    rows: u64,
}

impl RowEncoder {
    /// An encoder that shows these columns.
    #[must_use]
    pub fn new(shown: &Arc<ShownColumns>, format: RowFormat) -> Self {
        Self { format, numbers: Numbers::Number, shown: Shown::new(shown), rows: 0 }
    }

    /// Shows all other columns of each row as well, if that is wanted.
    #[must_use]
    pub fn with_others(mut self, is_wanted: bool) -> Self {
        self.shown.named = is_wanted.then_some(self.shown.columns.len());
        self
    }

    /// The same with large numbers in this form.
    #[must_use]
    pub fn with_numbers(self, numbers: Numbers) -> Self {
        Self { numbers, ..self }
    }

    /// Takes the columns of the rows to come.
    ///
    /// # Errors
    /// When a shown column is not among them.
    pub fn columns(&mut self, names: &[String]) -> Result<(), Malformed> {
        self.shown.take_others(names);
        self.shown.columns(names)
    }

    /// Whether rows have just the cells that are shown, in their order, so that [`write_cells`](Self::write_cells) may write them.
    pub(super) fn is_direct(&self) -> bool {
        self.shown.is_in_order && self.format == RowFormat::Objects
    }

    /// [`write_alone`](Self::write_alone) for a row that is not held anywhere: takes its cells, one for each column, as they are written.
    pub(super) fn write_cells<'c>(
        &self,
        out: &mut Vec<u8>,
        mut next: impl FnMut() -> Result<Cell<'c>, Malformed>,
    ) -> Result<(), Malformed> {
        self.write_object(out, |_| next())
    }

    /// Appends a row, with a comma before each but the first.
    ///
    /// # Errors
    /// When nested cells are malformed.
    pub fn write(&mut self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        self.separate(out);
        self.write_alone(out, row)
    }

    /// Appends the comma before each row but the first.
    pub(super) fn separate(&mut self, out: &mut Vec<u8>) {
        if self.rows > 0 {
            out.push(b',');
        }
        self.rows += 1;
    }

    /// Appends a row and nothing around it.
    ///
    /// # Errors
    /// As [`RowEncoder::write`].
    pub fn write_alone(&self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        match self.format {
            RowFormat::Objects => self.write_object(out, |place| row.get(place).copied().ok_or(MISSING)),
            RowFormat::Identifiers => self.write_identifier(out, row),
        }
    }

    fn write_object<'c>(
        &self,
        out: &mut Vec<u8>,
        mut cell_at: impl FnMut(usize) -> Result<Cell<'c>, Malformed>,
    ) -> Result<(), Malformed> {
        let start = out.len();
        let MemberKeys { bytes: keys, ends } = self.shown.columns.keys(keys);
        let mut key_start = 0;
        for (key_end, place) in ends.iter().zip(&self.shown.places) {
            let key = keys.get(key_start..*key_end).unwrap_or_default();
            key_start = *key_end;
            let cell = cell_at(*place)?;
            if !matches!(cell, Cell::Absent) {
                out.extend_from_slice(key);
                write_cell(out, cell, self.numbers)?;
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
        match self.shown.tuple(row)? {
            Some(text) => string(out, &text),
            None => self.shown.cells(row).try_for_each(|cell| write_cell(out, cell?, self.numbers))?,
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
