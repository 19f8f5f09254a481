//! Rows as the store has them, under its names for columns and whatever the fields show, compute, check or fill in: read before they are
//! changed, and put back. Nobody asks for that but who undoes a write that was permitted.

use std::collections::HashMap;

use connector_api::Error;
use connector_api::model::Value;
use connector_api::model::batch::{Cell, CellWriter as _, Malformed};
use serde_json::Value as Json;

use crate::error::ApiError;
use crate::operation::Job;
use crate::operation::keys::{json_of_value, key_of_values};
use crate::operation::records::{Target, for_each_row};
use crate::operation::related::too_large;
use crate::operation::write::outcome::is_missing_row;
use crate::operation::write::send::{Shown, send};
use crate::plan::{self, Gathered, Kind, RelatedRows, Selection, Write};
use crate::request::{Fields, Record, TableRead, TableWrite};
use crate::roles::Verb;

/// A row: values by column.
pub(super) type Cells = Vec<(String, Value)>;

/// The rows of a table that are found by some of its columns.
pub(super) struct Stored<'a> {
    target: Target<'a>,
    /// The columns, as clients call them.
    names: Vec<String>,
    /// The same, as the store does.
    columns: Vec<String>,
    /// What tells a row from others: the primary key, else these columns.
    identity: Vec<String>,
}

impl<'a> Stored<'a> {
    /// Those of the table that clients call so; the job has to be one of somebody who may do all.
    pub(super) async fn find(job: Job<'a>, table: &str, names: &[String]) -> Result<Self, ApiError> {
        let mut target = Target::find(job, table, Verb::Get, false).await?;
        let columns = target.table.own_names(names);
        target.table = target.table.as_stored();
        let key = &target.table.primary_key;
        let identity = if key.is_empty() { columns.clone() } else { key.clone() };
        Ok(Self { target, names: names.to_vec(), columns, identity })
    }

    /// The rows with these values in the columns, in the order of the values.
    pub(super) async fn rows(&self, keys: &[Vec<Json>]) -> Result<Vec<Cells>, ApiError> {
        let target = &self.target;
        let typed = |key: &Vec<Json>| target.plan(|scope| plan::typed_key(&self.columns, key, scope));
        let keys = keys.iter().map(typed).collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<Vec<Value>> = keys.into_iter().flatten().collect();
        let wanted = RelatedRows { columns: &self.columns, keys: &keys, lead: &[] };
        let read = TableRead { fields: Fields::All, ..TableRead::default() };
        let (mut rows, mut room) = (Vec::with_capacity(keys.len()), target.max_held);
        for plan in target.plan(|scope| plan::related(&wanted, &read, scope))? {
            for_each_row(target, &plan, |columns, row| {
                let cells = values(&columns.names, row)?;
                let left = room.checked_sub(bytes_of(&cells));
                room = left.ok_or_else(|| too_large(target.max_held))?;
                rows.push(cells);
                Ok(())
            })
            .await?;
        }
        self.sort(&mut rows, &keys);
        Ok(rows)
    }

    /// Puts rows into the order of these keys; stores read them in any.
    fn sort(&self, rows: &mut [Cells], keys: &[Vec<Value>]) {
        let places = keys.iter().enumerate().filter_map(|(at, key)| Some((key_of_values(key).ok()?, at)));
        let places: HashMap<Vec<u8>, usize> = places.collect();
        rows.sort_by_cached_key(|row| {
            let key: Vec<Value> =
                self.columns.iter().filter_map(|column| value(row, column)).cloned().collect();
            key_of_values(&key).ok().and_then(|key| places.get(&key).copied())
        });
    }

    /// Whether both are the same row, whatever else became of it.
    pub(super) fn is_same(&self, row: &Cells, other: &Cells) -> bool {
        self.identity.iter().all(|column| value(row, column) == value(other, column))
    }

    /// What clients call a row: the values of the columns by which it is found.
    pub(super) fn name_of(&self, row: &Cells) -> Record {
        let named = self.names.iter().zip(&self.columns);
        let json = |column| value(row, column).and_then(|value| json_of_value(value).ok());
        named.map(|(name, column)| (name.clone(), json(column).unwrap_or_default())).collect()
    }

    /// Writes a row again that was deleted.
    pub(super) async fn create(&self, row: &Cells) -> Result<(), ApiError> {
        self.write(Kind::Insert, row).await
    }

    /// Deletes a row that was created; one that is gone already is no failure.
    pub(super) async fn delete(&self, row: &Cells) -> Result<(), ApiError> {
        self.write(Kind::Delete, row).await
    }

    /// Writes of a row what is not as it was: a document as a whole, else the columns.
    pub(super) async fn restore(&self, before: &Cells, now: &Cells) -> Result<(), ApiError> {
        if before == now {
            return Ok(());
        }
        let is_document = self.target.table.is_document;
        let is_wanted = |(name, old): &&(String, Value)| {
            is_document || self.identity.contains(name) || value(now, name) != Some(old)
        };
        self.write(Kind::Update, &before.iter().filter(is_wanted).cloned().collect()).await
    }

    async fn write(&self, kind: Kind, row: &Cells) -> Result<(), ApiError> {
        let target = &self.target;
        let options =
            TableWrite { id_field: self.identity.clone(), is_replacement: true, ..TableWrite::default() };
        let mut write = target.plan(|scope| Write::new(kind, Selection::Keys, &options, scope))?;
        let planned = target.plan(|scope| write.stored(row, scope))?;
        let mut gathered = Gathered::default();
        gathered.add(planned);
        let call = target.plan(|scope| gathered.call(&write, scope))?;
        let (columns, numbers) = (write.shown(), target.layout.numbers());
        let shown = Shown { columns, others: false, as_list: false, numbers, kept: 1 };
        match send(&target.owner, &call, &shown).await.and_then(|sent| sent.whole()) {
            Err(error) if kind == Kind::Delete && is_missing_row(&error) => Ok(()),
            sent => sent.map(drop).map_err(|error: Error| target.owner.failed(error)),
        }
    }
}

fn values(names: &[String], row: &[Cell<'_>]) -> Result<Cells, Malformed> {
    names.iter().zip(row).map(|(name, cell)| Ok((name.clone(), cell.to_value()?))).collect()
}

/// How many bytes the values take, about.
fn bytes_of(cells: &[(String, Value)]) -> usize {
    let mut bytes = Vec::new();
    cells.iter().for_each(|(_, value)| bytes.value(value));
    bytes.len() + size_of_val(cells)
}

fn value<'r>(row: &'r [(String, Value)], column: &str) -> Option<&'r Value> {
    row.iter().find(|(name, _)| name == column).map(|(_, value)| value)
}
