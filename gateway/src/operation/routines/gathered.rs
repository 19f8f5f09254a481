//! Everything that a routine gives, as JSON: its result sets, its OUT values, its value. Held, because how the answer begins depends on how it
//! ends.

use std::sync::Arc;

use connector_api::Error;
use connector_api::model::batch::{Cell, SetRole};
use serde_json::Value as Json;

use crate::connectors::{Batch, Columns};
use crate::plan::{ShownColumn, ShownColumns};
use crate::request::Cast;
use crate::request::media::Numbers;
use crate::response::{RowEncoder, RowFormat, append_list, append_member, cast, write_cell};

/// A result set.
struct Set {
    columns: Arc<Columns>,
    encoder: RowEncoder,
    rows: Vec<Vec<u8>>,
    /// The first value of the first row.
    first: Option<Vec<u8>>,
}

/// What a routine gives.
pub(super) struct Gathered<'a> {
    casts: &'a [(String, Cast)],
    numbers: Numbers,
    sets: Vec<Set>,
    outs: Vec<(String, Vec<u8>)>,
    value: Option<Vec<u8>>,
    /// How many bytes may still be held. `None`: there were more.
    room: Option<usize>,
    /// How many rows.
    room_of_rows: Option<u64>,
}

/// More than may be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooMuch {
    Bytes,
    Rows,
}

impl<'a> Gathered<'a> {
    /// Holds at most so many bytes and rows, with columns converted.
    pub(super) fn new(casts: &'a [(String, Cast)], numbers: Numbers, (bytes, rows): (usize, u64)) -> Self {
        let (sets, outs, value) = (Vec::new(), Vec::new(), None);
        Self { casts, numbers, sets, outs, value, room: Some(bytes), room_of_rows: Some(rows) }
    }

    /// What there is too much of, if anything.
    pub(super) fn excess(&self) -> Option<TooMuch> {
        match (self.room_of_rows, self.room) {
            (None, _) => Some(TooMuch::Rows),
            (_, None) => Some(TooMuch::Bytes),
            _ => None,
        }
    }

    /// Takes rows. Once there are too many the rest is let go, for the routine has to come to its end.
    ///
    /// # Errors
    /// When the bytes break the rules.
    pub(super) fn take(&mut self, batch: &Batch) -> Result<(), Error> {
        let mut row = Vec::new();
        for mut section in batch.sections() {
            let columns = Arc::clone(section.columns());
            if columns.role == SetRole::Rows {
                self.open(&columns)?;
            }
            while section.read_row(&mut row)? {
                match columns.role {
                    SetRole::Rows => self.row(&row)?,
                    SetRole::Out => self.out(&columns, &row)?,
                    SetRole::Return => {
                        self.value = row.first().map(|cell| self.value_of(*cell)).transpose()?
                    }
                }
            }
        }
        Ok(())
    }

    /// The set of these columns begins, unless it has already.
    fn open(&mut self, columns: &Arc<Columns>) -> Result<(), Error> {
        if self.sets.last().is_some_and(|last| last.columns.set == columns.set) {
            return Ok(());
        }
        let mut encoder =
            RowEncoder::new(&Arc::new(shown(&columns.names)), RowFormat::Objects).with_numbers(self.numbers);
        encoder.columns(&columns.names)?;
        self.sets.push(Set { columns: Arc::clone(columns), encoder, rows: Vec::new(), first: None });
        Ok(())
    }

    fn row(&mut self, row: &[Cell<'_>]) -> Result<(), Error> {
        self.room_of_rows = self.room_of_rows.and_then(|room| room.checked_sub(1));
        if self.excess().is_some() {
            return Ok(());
        }
        let first = row.first().map(|cell| self.value_of(*cell)).transpose()?;
        let Some(set) = self.sets.last_mut() else { return Ok(()) };
        let mut json = Vec::new();
        set.encoder.write_alone(&mut json, row)?;
        if !self.casts.is_empty() {
            json = converted(&json, self.casts);
        }
        set.first = set.first.take().or(first);
        self.room = self.room.and_then(|room| room.checked_sub(json.len()));
        set.rows.push(json);
        Ok(())
    }

    fn out(&mut self, columns: &Columns, row: &[Cell<'_>]) -> Result<(), Error> {
        for (name, cell) in columns.names.iter().zip(row) {
            let mut value = self.value_of(*cell)?;
            if let Some(to) = cast_of(self.casts, name) {
                value = cast_json(&value, to);
            }
            self.room = self.room.and_then(|room| room.checked_sub(value.len()));
            self.outs.push((name.clone(), value));
        }
        Ok(())
    }

    fn value_of(&self, cell: Cell<'_>) -> Result<Vec<u8>, Error> {
        let mut json = Vec::new();
        write_cell(&mut json, cell, self.numbers)?;
        Ok(json)
    }

    /// The first value of the first row, or the value of a function, converted.
    pub(super) fn single(&self, to: Cast) -> Vec<u8> {
        let first = self.sets.first().and_then(|set| set.first.as_ref());
        let value = self.value.as_ref().or(first);
        value.map_or_else(|| b"null".to_vec(), |value| cast_json(value, to))
    }

    /// The value of a function.
    pub(super) fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }

    /// The value in the only row of the only set, where its column has one of these names.
    pub(super) fn only(&self, names: [&str; 2]) -> Option<&[u8]> {
        let [set] = self.sets.as_slice() else { return None };
        let ([_], [name]) = (set.rows.as_slice(), &*set.columns.names) else { return None };
        names
            .into_iter()
            .any(|known| known.eq_ignore_ascii_case(name))
            .then_some(set.first.as_deref())
            .flatten()
    }

    /// The rows, of several sets as a list of lists; behind them the OUT values, where there are some. `named`: rows stand under this name;
    /// `wrapper` is the one under which they stand beside OUT values otherwise.
    pub(super) fn body(&self, named: Option<&str>, wrapper: &str) -> Vec<u8> {
        let rows = match self.sets.as_slice() {
            [] => b"[]".to_vec(),
            [only] => listed(only.rows.iter().map(Vec::as_slice)),
            several => {
                let lists: Vec<_> =
                    several.iter().map(|set| listed(set.rows.iter().map(Vec::as_slice))).collect();
                listed(lists.iter().map(Vec::as_slice))
            }
        };
        let has_rows = self.sets.iter().any(|set| !set.rows.is_empty());
        let mut members: Vec<(&str, &[u8])> = Vec::new();
        match named {
            None if self.outs.is_empty() => return rows,
            Some(name) if self.outs.is_empty() || has_rows => members.push((name, &rows)),
            None if has_rows => members.push((wrapper, &rows)),
            _ => {}
        }
        members.extend(self.outs.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
        object(&members)
    }
}

fn listed<'r>(items: impl Iterator<Item = &'r [u8]>) -> Vec<u8> {
    let mut list = Vec::new();
    append_list(&mut list, items);
    list
}

fn object(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut object = b"{}".to_vec();
    for (name, value) in members {
        append_member(&mut object, name, value);
    }
    object
}

/// The columns of a result set as they are shown. Of several with one name the later ones are numbered, so that no value is lost.
pub(super) fn shown(names: &[String]) -> ShownColumns {
    let mut taken: Vec<String> = Vec::with_capacity(names.len());
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let mut candidates = std::iter::once(name.clone()).chain(numbered);
        let free = candidates.find(|candidate| !taken.contains(candidate)).unwrap_or_default();
        columns.push(ShownColumn { column: name.as_str().into(), name: free.as_str().into() });
        taken.push(free);
    }
    columns.into()
}

fn cast_of(casts: &[(String, Cast)], name: &str) -> Option<Cast> {
    casts.iter().find(|(known, _)| known.to_lowercase() == name.to_lowercase()).map(|(_, to)| *to)
}

fn cast_json(json: &[u8], to: Cast) -> Vec<u8> {
    let value: Json = serde_json::from_slice(json).unwrap_or_default();
    cast(value, to).to_string().into_bytes()
}

/// A row with the columns converted that are named.
fn converted(row: &[u8], casts: &[(String, Cast)]) -> Vec<u8> {
    let Ok(Json::Object(mut members)) = serde_json::from_slice(row) else { return row.to_vec() };
    for (name, value) in &mut members {
        if let Some(to) = cast_of(casts, name) {
            *value = cast(value.take(), to);
        }
    }
    Json::Object(members).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_one_name_are_numbered() {
        let names = ["a", "a", "b", "a_2", "a"].map(str::to_owned);
        let shown = shown(&names);
        let found: Vec<_> = shown.iter().map(|column| &*column.name).collect();
        assert_eq!(found, ["a", "a_2", "b", "a_2_2", "a_3"]);
    }

    #[test]
    fn rows_are_converted_by_the_names_of_their_columns() {
        let casts = [("A".to_owned(), Cast::Integer), ("c".to_owned(), Cast::Json)];
        let row = br#"{"a":"5","b":"6","c":"[1]"}"#;
        assert_eq!(String::from_utf8(converted(row, &casts)).unwrap(), r#"{"a":5,"b":"6","c":[1]}"#);
    }
}
