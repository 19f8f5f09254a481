//! Where a page by cursor ends, as a token, and back: what a token is bound to, and the values in it. Where the store has tokens of its own,
//! the value is the store's.

use std::sync::Arc;

use connector_api::model::batch::{Cell, CellWriter, Frame, FrameReader, FrameWriter};
use connector_api::model::{ColumnType, Value};
use connector_api::{Error, ErrorKind};
use ring::digest::{Context, SHA256};

use crate::cursor::{Fault, Key, Subject};
use crate::error::ApiError;
use crate::plan::Page;
use crate::response::RowEncoder;
use crate::roles::Caller;

/// A page that a cursor goes on from.
#[derive(Debug)]
pub(super) struct Cursor {
    key: Arc<Key>,
    subject: Subject,
    /// The columns that make a position; `None`: the store's token does.
    columns: Option<Vec<String>>,
    /// Their types, and whether each was guessed.
    types: Vec<(ColumnType, bool)>,
    /// The values in the last row shown.
    last: Option<Vec<Value>>,
}

impl Cursor {
    /// The cursor of a planned page; `None`: it does not go by cursor.
    pub(super) fn of(
        page: &Page,
        service: &str,
        caller: &Caller,
        key: &Arc<Key>,
    ) -> Result<Option<Self>, ApiError> {
        if page.keyset.is_none() && !page.is_by_token {
            return Ok(None);
        }
        let subject = subject(page, service, caller)?;
        let columns = page.keyset.as_ref().map(|keyset| keyset.columns.clone());
        let types = page
            .keyset
            .iter()
            .flat_map(|keyset| keyset.types.iter().copied().zip(keyset.guessed.iter().copied()));
        let types = types.collect();
        Ok(Some(Self { key: Arc::clone(key), subject, columns, types, last: None }))
    }

    /// Whether a position is made of the last row's values.
    pub(super) fn is_by_row(&self) -> bool {
        self.columns.is_some()
    }

    /// Whether a column of the order may hold values of several kinds.
    pub(super) fn has_guesses(&self) -> bool {
        self.types.iter().any(|(_, is_guessed)| *is_guessed)
    }

    /// The columns that may hold values of several kinds, each with its value in the last row.
    pub(super) fn guesses(&self) -> impl Iterator<Item = (&str, &Value)> {
        let columns = self.columns.iter().flatten().map(String::as_str);
        let last = self.last.iter().flatten();
        let all = columns.zip(last).zip(&self.types).filter(|(_, (_, is_guessed))| *is_guessed);
        all.map(|(one, _)| one).filter(|(_, value)| !matches!(value, Value::Null | Value::Absent))
    }

    /// The position in a token.
    pub(super) fn position(&self, token: &str) -> Result<Vec<Value>, ApiError> {
        let message = self.key.open(&self.subject, token)?;
        let values = values(&message, self.columns.as_ref().map_or(1, Vec::len));
        values.ok_or_else(|| Fault::Unreadable.into())
    }

    /// Remembers the last row that is shown.
    pub(super) fn keep(&mut self, names: &[String], row: &[Cell<'_>]) -> Result<(), Error> {
        self.last = Some(self.position_of(names, row)?);
        Ok(())
    }

    fn position_of(&self, names: &[String], row: &[Cell<'_>]) -> Result<Vec<Value>, Error> {
        let places = RowEncoder::places_of(names, self.columns.as_deref().unwrap_or_default())?;
        let cells = places.iter().filter_map(|place| row.get(*place));
        cells
            .zip(&self.types)
            .map(|(cell, (data_type, is_guessed))| position_value(*cell, *data_type, *is_guessed))
            .collect()
    }

    /// Refuses a row behind the page that stands at the place of its last one: no position lies between them, so a page would leave rows out.
    pub(super) fn check_next(&self, names: &[String], row: &[Cell<'_>]) -> Result<(), Error> {
        if self.last.as_ref() == Some(&self.position_of(names, row)?) {
            let message = "the page ends between rows that its order can't tell apart, since their keys are null or not unique: ask for \
                           more rows at once, or page by 'offset'";
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
        Ok(())
    }

    /// Remembers where the store goes on.
    pub(super) fn keep_token(&mut self, token: &str) {
        self.last = Some(vec![Value::Text(token.to_owned())]);
    }

    /// The token of what lies behind the row that was kept.
    pub(super) fn token(&self) -> Result<Option<String>, ApiError> {
        let Some(last) = &self.last else { return Ok(None) };
        self.key.seal(&self.subject, &message(last)).map(Some).map_err(|_| ApiError::internal())
    }
}

/// Everything that must be the same on the next page: what is read, in which order, under which condition with which values, for whom.
/// The condition includes the row rules of the caller's role.
fn subject(page: &Page, service: &str, caller: &Caller) -> Result<Subject, ApiError> {
    let query = &page.read.query;
    let shape = serde_json::to_vec(&(&query.from, &query.filter, &query.order));
    let shape = shape.map_err(|_| ApiError::internal())?;
    // The values of the condition stand before the limit, which may change from page to page.
    let values = message(page.read.params.get(..query.limit).unwrap_or_default());
    let app = caller.app.as_ref().map(|app| app.name.as_str());
    let role = caller.role.as_ref().map(|role| role.name());
    let caller = format!("{app:?} {role:?} {}", caller.is_admin);
    let mut context = Context::new(&SHA256);
    for part in [service.as_bytes(), &shape, &values, caller.as_bytes()] {
        context.update(&part.len().to_le_bytes());
        context.update(part);
    }
    context.finish().as_ref().try_into().map_err(|_| ApiError::internal())
}

/// Values as bytes, types and digits included.
pub(crate) fn message(values: &[Value]) -> Vec<u8> {
    let mut cells = Vec::new();
    values.iter().for_each(|value| cells.value(value));
    let mut frames = FrameWriter::default();
    frames.parameters(u32::try_from(values.len()).unwrap_or(u32::MAX), &cells);
    frames.into_bytes()
}

/// The values of such bytes; `None` if they are no such bytes.
pub(crate) fn values(message: &[u8], count: usize) -> Option<Vec<Value>> {
    let Ok(Some(Frame::Parameters(mut row))) = FrameReader::new(message).next_frame() else { return None };
    (0..count).map(|_| row.next_cell().and_then(Cell::to_value).ok()).collect()
}

/// The value by which the next page is found; a row whose value has no place in an order would be a page's end for ever.
/// A value of another kind than its column's, as a store without strict types may hold it, is compared with values of its own kind only, so
/// that all others would be left out behind it.
fn position_value(cell: Cell<'_>, data_type: ColumnType, is_guessed: bool) -> Result<Value, Error> {
    use ColumnType::{BigInt, Binary, Boolean, Decimal, Double, Float, Integer};
    match cell {
        cell if is_guessed && !is_of(cell, data_type) => Err(placeless()),
        Cell::Bytes(_) if data_type != Binary => Err(placeless()),
        Cell::Text(_)
            if matches!(data_type, Binary | Boolean | Integer | BigInt | Float | Double | Decimal) =>
        {
            Err(placeless())
        }
        Cell::F32(value) if value.is_nan() => Err(placeless()),
        Cell::F64(value) if value.is_nan() => Err(placeless()),
        Cell::Json(_) | Cell::List(_) | Cell::Object(_) | Cell::Unknown(_) => Err(placeless()),
        other => Ok(other.to_value()?),
    }
}

/// Whether a value is of the kind that was guessed for its column.
fn is_of(cell: Cell<'_>, data_type: ColumnType) -> bool {
    use ColumnType::{
        BigInt, Binary, Boolean, Date, DateTime, Decimal, Double, Float, Integer, Time, Timestamp, Uuid,
    };
    let is_number = matches!(data_type, Integer | BigInt | Float | Double | Decimal);
    match cell {
        Cell::Null | Cell::Absent => true,
        Cell::Bool(_) => data_type == Boolean,
        Cell::I64(_) | Cell::U64(_) | Cell::F32(_) | Cell::F64(_) | Cell::Decimal(_) => is_number,
        Cell::Bytes(_) => data_type == Binary,
        Cell::Text(_) => matches!(data_type, ColumnType::String | ColumnType::Text),
        Cell::Date(_) => data_type == Date,
        Cell::Time(_) => data_type == Time,
        Cell::Timestamp(_) => data_type == DateTime,
        Cell::Instant(_) => matches!(data_type, DateTime | Timestamp),
        Cell::Uuid(_) => data_type == Uuid,
        _ => false,
    }
}

pub(super) fn placeless() -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        "a row has a value in the order that the others can't be compared with; a cursor can't go past it, page by 'offset'",
    )
}
