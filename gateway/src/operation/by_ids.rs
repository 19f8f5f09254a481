//! Rows by identifier: in the order of the request, duplicates repeated, and a batch error that names what is missing.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::Job;
use super::keys::{key_of_cells, key_of_values};
use super::page::wrapped;
use super::records::{Target, first_row, for_each_row, name_of};
use super::related::{self, Embedding, Row};
use crate::error::{ApiError, Entry, Parts};
use crate::pipeline::Answer;
use crate::plan::{self, Piece, Read, Scope};
use crate::request::{Fields, Id, TableRead};
use crate::response::{RowEncoder, RowFormat};

const NOT_ALL: &str = "Batch Error: Not all requested records could be retrieved.";

/// About how many bytes the entry of a missing row has.
const MISSING_BYTES: usize = 128;

/// `GET _table/{table}?ids=…`. A query asks for many; an identifier that it does not answer is asked for by itself, since a store may
/// think two texts equal that differ here. Without `continue` the first missing one ends the list.
pub(super) async fn read(
    job: Job<'_>,
    target: &mut Target<'_>,
    ids: &[Id],
    read: &TableRead,
    (format, schema): (RowFormat, Option<Json>),
) -> Result<Answer, ApiError> {
    let pieces = target.plan_first(|scope| pieces(ids, read, scope)).await?;
    let target = &*target;
    // A list of identifiers has no room for related rows.
    let members = match format {
        RowFormat::Objects => related::members(job, target, &read.related).await?,
        RowFormat::Identifiers => Vec::new(),
    };
    let how = How { read, format, lead: target.table.names(&related::lead(&members)) };
    let (mut rows, mut room) = (Vec::with_capacity(ids.len()), Room(target.max_held));
    let mut rest = ids;
    for piece in &pieces {
        let (ids, behind) = rest.split_at(piece.keys.len().min(rest.len()));
        rest = behind;
        rows.extend(rows_of(target, (ids, piece), &how, &mut room).await?);
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
    let mut meta: Map<String, Json> =
        schema.map(|schema| ("schema".to_owned(), schema)).into_iter().collect();
    let mut rows: Vec<Row> = rows.into_iter().flatten().collect();
    let mut embedding = Embedding::new(job);
    embedding.embed(&members, &mut rows).await?;
    meta.extend(embedding.truncated());
    Ok(wrapped(rows.iter().map(|row| row.json.as_slice()), meta))
}

/// How the rows are read.
struct How<'a> {
    read: &'a TableRead,
    format: RowFormat,
    /// Columns whose values lead to related rows.
    lead: Vec<String>,
}

/// The queries that ask for several rows at a time. Where rows are asked for one by one the first of them shows that this can be planned.
fn pieces(ids: &[Id], read: &TableRead, scope: &Scope<'_>) -> Result<Vec<Piece>, plan::Error> {
    let pieces = plan::by_ids(ids, read, scope)?;
    if let (Some(id), Some(Piece { all: None, .. })) = (ids.first(), pieces.first()) {
        plan::single(id, read, scope)?;
    }
    Ok(pieces)
}

/// Which of these identifiers, each in a kind, name a row.
pub(super) async fn are_there(
    target: &Target<'_>,
    ids: &[Id],
    id_field: &[String],
) -> Result<Vec<bool>, ApiError> {
    let read = TableRead { fields: Fields::Identifiers, id_field: id_field.to_vec(), ..TableRead::default() };
    let pieces = target.plan(|scope| plan::by_ids(ids, &read, scope))?;
    let how = How { read: &read, format: RowFormat::Objects, lead: Vec::new() };
    let (mut are_there, mut rest) = (Vec::with_capacity(ids.len()), ids);
    for piece in &pieces {
        let (ids, behind) = rest.split_at(piece.keys.len().min(rest.len()));
        rest = behind;
        let rows = match &piece.all {
            Some(all) => Some(rows_by_key(target, all, &how).await?),
            None => None,
        };
        let keys = piece.keys.iter().map(|key| key_of_values(key)).collect::<Result<Vec<_>, _>>();
        let keys = keys.map_err(|error| target.owner.failed(error))?;
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
    Ok(first_row(target, &single, RowFormat::Objects, &[]).await?.is_some())
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
    how: &How<'_>,
    room: &mut Room,
) -> Result<Vec<Option<Row>>, ApiError> {
    let found = match &piece.all {
        Some(all) => rows_by_key(target, all, how).await?,
        None => HashMap::new(),
    };
    let mut rows = Vec::with_capacity(ids.len());
    for (id, key) in ids.iter().zip(&piece.keys) {
        let row = match found.get(&key_of_values(key).map_err(|error| target.owner.failed(error))?) {
            Some(row) => {
                room.take(target, row.json.len())?;
                Some(row.clone())
            }
            None => {
                let single = target.plan(|scope| plan::single(id, how.read, scope))?;
                let row = first_row(target, &single, how.format.clone(), &how.lead).await?;
                room.take(target, row.as_ref().map_or(MISSING_BYTES, |row| row.json.len()))?;
                row
            }
        };
        let is_missing = row.is_none();
        rows.push(row);
        if is_missing && !how.read.is_continued {
            break;
        }
    }
    Ok(rows)
}

/// Each row under the JSON of its key.
async fn rows_by_key(
    target: &Target<'_>,
    plan: &Read,
    how: &How<'_>,
) -> Result<HashMap<Vec<u8>, Row>, ApiError> {
    let (mut keys, mut held) = (Vec::new(), target.held(plan, how.format.clone(), &how.lead));
    for_each_row(target, &plan.clone().leading(&how.lead), |columns, row| {
        held.take(&columns.names, row)?;
        let places = RowEncoder::places_of(&columns.names, &plan.key)?;
        let cells = places.iter().filter_map(|place| row.get(*place)).copied();
        keys.push(key_of_cells(cells)?);
        Ok(())
    })
    .await?;
    Ok(keys.into_iter().zip(held.into_rows()?).collect())
}

/// The batch error: an entry for each identifier that was tried.
fn missing(ids: &[Id], rows: &[Option<Row>], wrapper: &str) -> ApiError {
    let failed: Vec<usize> =
        rows.iter().enumerate().filter(|(_, row)| row.is_none()).map(|(index, _)| index).collect();
    let entries = ids.iter().zip(rows).map(|(id, row)| match row {
        Some(row) => Entry::Done(serde_json::from_slice(&row.json).unwrap_or(Json::Null)),
        None => Entry::Record(Box::new(ApiError::unknown_record(name_of(id)))),
    });
    let (wrapper, entries) = (wrapper.to_owned(), entries.collect());
    ApiError::batch(NOT_ALL, Parts { wrapper, failed, entries, ..Parts::default() })
}
