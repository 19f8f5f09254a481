//! Rows by identifier: in the order of the request, duplicates repeated, and a batch error that names what is missing.

use std::collections::HashMap;

use connector_api::Error;
use connector_api::model::Value;
use connector_api::model::batch::{Cell, CellWriter, Frame, FrameReader, FrameWriter};
use serde_json::Value as Json;

use super::page::wrapped;
use super::records::{Target, first_row, for_each_row, name_of};
use crate::error::{ApiError, Entry, Parts};
use crate::pipeline::Answer;
use crate::plan::{self, Piece, Read, Scope};
use crate::request::media::Numbers;
use crate::request::{Fields, Id, TableRead};
use crate::response::{RowEncoder, RowFormat, write_cell};

const NOT_ALL: &str = "Batch Error: Not all requested records could be retrieved.";

/// About how many bytes the entry of a missing row has.
const MISSING_BYTES: usize = 128;

/// `GET _table/{table}?ids=…`. A query asks for many; an identifier that it does not answer is asked for by itself, since a store may
/// think two texts equal that differ here. Without `continue` the first missing one ends the list.
pub(super) async fn read(
    target: &mut Target<'_>,
    ids: &[Id],
    read: &TableRead,
    format: RowFormat,
    schema: Option<Json>,
) -> Result<Answer, ApiError> {
    let pieces = target.plan_first(|scope| pieces(ids, read, scope)).await?;
    let target = &*target;
    let (mut rows, mut room) = (Vec::with_capacity(ids.len()), Room(target.max_held));
    let mut rest = ids;
    for piece in &pieces {
        let (ids, behind) = rest.split_at(piece.keys.len().min(rest.len()));
        rest = behind;
        rows.extend(rows_of(target, (ids, piece), read, &format, &mut room).await?);
        if !read.is_continued && rows.last().is_some_and(Option::is_none) {
            break;
        }
    }
    if read.count_only {
        return Ok(Answer::json(rows.iter().flatten().count().to_string()));
    }
    if rows.iter().any(Option::is_none) {
        return Err(missing(ids, &rows, &target.layout.wrapper));
    }
    let meta = schema.map(|schema| ("schema".to_owned(), schema));
    Ok(wrapped(rows.iter().flatten().map(Vec::as_slice), meta.into_iter().collect()))
}

/// Which of these identifiers, each in a kind, name a row.
pub(super) async fn are_there(
    target: &Target<'_>,
    ids: &[Id],
    id_field: &[String],
) -> Result<Vec<bool>, ApiError> {
    let read = TableRead { fields: Fields::Identifiers, id_field: id_field.to_vec(), ..TableRead::default() };
    let pieces = target.plan(|scope| plan::by_ids(ids, &read, scope))?;
    let (mut are_there, mut rest) = (Vec::with_capacity(ids.len()), ids);
    for piece in &pieces {
        let (ids, behind) = rest.split_at(piece.keys.len().min(rest.len()));
        rest = behind;
        let rows = match &piece.all {
            Some(all) => Some(rows_by_key(target, all, RowFormat::Objects).await?),
            None => None,
        };
        let keys = piece.keys.iter().map(|key| key_of_values(key)).collect::<Result<Vec<_>, _>>()?;
        let is_found = |key: &Vec<u8>| rows.as_ref().is_some_and(|rows| rows.contains_key(key));
        let found: Vec<bool> = keys.iter().map(is_found).collect();
        // A row that none of them names as it is written is named in another form, as 5.0 is by 5.
        let is_all = rows.is_some_and(|rows| rows.len() == found.iter().filter(|found| **found).count());
        for (id, is_found) in ids.iter().zip(found) {
            are_there.push(is_found || (!is_all && is_there(target, id, &read).await?));
        }
    }
    Ok(are_there)
}

async fn is_there(target: &Target<'_>, id: &Id, read: &TableRead) -> Result<bool, ApiError> {
    let single = target.plan(|scope| plan::single(id, read, scope))?;
    Ok(first_row(target, &single, RowFormat::Objects).await?.is_some())
}

/// The queries that ask for several rows at a time. Where rows are asked for one by one the first of them shows that this can be planned.
fn pieces(ids: &[Id], read: &TableRead, scope: &Scope<'_>) -> Result<Vec<Piece>, plan::Error> {
    let pieces = plan::by_ids(ids, read, scope)?;
    if let (Some(id), Some(Piece { all: None, .. })) = (ids.first(), pieces.first()) {
        plan::single(id, read, scope)?;
    }
    Ok(pieces)
}

/// How many more bytes of rows may be held.
struct Room(usize);

impl Room {
    fn take(&mut self, target: &Target<'_>, bytes: usize) -> Result<(), ApiError> {
        let left = self.0.checked_sub(bytes);
        self.0 = left.ok_or_else(|| ApiError::rows_too_large(target.max_held))?;
        Ok(())
    }
}

/// A row for each identifier of a piece; `None`: it is missing.
async fn rows_of(
    target: &Target<'_>,
    (ids, piece): (&[Id], &Piece),
    read: &TableRead,
    format: &RowFormat,
    room: &mut Room,
) -> Result<Vec<Option<Vec<u8>>>, ApiError> {
    let found = match &piece.all {
        Some(all) => rows_by_key(target, all, format.clone()).await?,
        None => HashMap::new(),
    };
    let mut rows = Vec::with_capacity(ids.len());
    for (id, key) in ids.iter().zip(&piece.keys) {
        let row = match found.get(&key_of_values(key)?) {
            Some(row) => {
                room.take(target, row.len())?;
                Some(row.clone())
            }
            None => {
                let single = target.plan(|scope| plan::single(id, read, scope))?;
                let row = first_row(target, &single, format.clone()).await?;
                room.take(target, row.as_ref().map_or(MISSING_BYTES, Vec::len))?;
                row
            }
        };
        let is_missing = row.is_none();
        rows.push(row);
        if is_missing && !read.is_continued {
            break;
        }
    }
    Ok(rows)
}

/// Each row as JSON under the JSON of its key.
async fn rows_by_key(
    target: &Target<'_>,
    plan: &Read,
    format: RowFormat,
) -> Result<HashMap<Vec<u8>, Vec<u8>>, ApiError> {
    let (mut found, mut held) = (HashMap::new(), 0);
    let mut encoder = RowEncoder::new(&plan.shown, format)
        .with_numbers(target.layout.numbers())
        .with_others(plan.query.others);
    for_each_row(target, plan, |columns, row| {
        if held > target.max_held {
            return Ok(());
        }
        let mut json = Vec::with_capacity(256);
        encoder.columns(&columns.names)?;
        encoder.write_alone(&mut json, row)?;
        held += json.len();
        let places = RowEncoder::places_of(&columns.names, &plan.key)?;
        let cells = places.iter().filter_map(|place| row.get(*place)).copied();
        found.insert(key_of_cells(cells)?, json);
        Ok(())
    })
    .await?;
    if held > target.max_held { Err(ApiError::rows_too_large(target.max_held)) } else { Ok(found) }
}

fn key_of_cells<'a>(cells: impl Iterator<Item = Cell<'a>>) -> Result<Vec<u8>, Error> {
    let mut key = Vec::new();
    for cell in cells {
        write_cell(&mut key, cell, Numbers::Number)?;
        key.push(b',');
    }
    Ok(key)
}

/// The same for values that were asked for, by way of the cells they would be.
fn key_of_values(values: &[Value]) -> Result<Vec<u8>, ApiError> {
    let mut cells = Vec::new();
    values.iter().for_each(|value| cells.value(value));
    let mut frames = FrameWriter::default();
    frames.parameters(u32::try_from(values.len()).unwrap_or(u32::MAX), &cells);
    let message = frames.into_bytes();
    let mut key = Vec::new();
    if let Ok(Some(Frame::Parameters(mut row))) = FrameReader::new(&message).next_frame() {
        for _ in values {
            let written = row.next_cell().and_then(|cell| write_cell(&mut key, cell, Numbers::Number));
            written.map_err(|_| ApiError::internal())?;
            key.push(b',');
        }
    }
    Ok(key)
}

/// The batch error: an entry for each identifier that was tried.
fn missing(ids: &[Id], rows: &[Option<Vec<u8>>], wrapper: &str) -> ApiError {
    let failed: Vec<usize> =
        rows.iter().enumerate().filter(|(_, row)| row.is_none()).map(|(index, _)| index).collect();
    let entries = ids.iter().zip(rows).map(|(id, row)| match row {
        Some(row) => Entry::Done(serde_json::from_slice(row).unwrap_or(Json::Null)),
        None => Entry::Record(Box::new(ApiError::unknown_record(name_of(id)))),
    });
    let (wrapper, entries) = (wrapper.to_owned(), entries.collect());
    ApiError::batch(NOT_ALL, Parts { wrapper, failed, entries, ..Parts::default() })
}
