//! The version of a row: a digest of all its cells, whatever of them is shown. So every store has versions, without a column for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_api::Error;
use connector_api::model::batch::{Cell, Malformed};
use connector_api::model::{Path, Value};

use super::Operation;
use super::records::{Target, for_each_row};
use crate::error::ApiError;
use crate::pipeline::Answer;
use crate::plan::{self, Read, ShownColumn};
use crate::request::media::Numbers;
use crate::request::{Conditions, Version};
use crate::response::{RowEncoder, RowFormat};

/// A row as it was found.
pub(super) struct Found {
    /// What is shown of it, as JSON.
    json: Vec<u8>,
    /// `None`: nobody can say what all of the row is.
    pub(super) version: Option<Version>,
}

impl Found {
    pub(super) fn into_answer(self) -> Answer {
        Answer { version: self.version, ..Answer::json(self.json) }
    }
}

/// A row as it was read, to be written only if it still is so.
pub(super) struct Seen {
    pub(super) version: Option<Version>,
    /// Its cells by column.
    pub(super) cells: Vec<(String, Value)>,
}

/// Reads one row with its version.
pub(super) async fn read(target: &Target<'_>, plan: Read) -> Result<Option<Found>, ApiError> {
    read_noting(target, plan, |_, _| Ok(())).await
}

/// Reads one row with its version and its cells. The plan shows all fields.
pub(super) async fn seen(target: &Target<'_>, plan: Read) -> Result<Option<Seen>, ApiError> {
    let mut cells = Vec::new();
    let found = read_noting(target, plan, |names, row| {
        let cell = |(name, cell): (&String, &Cell<'_>)| Ok((name.clone(), cell.to_value()?));
        cells = names.iter().zip(row).map(cell).collect::<Result<_, Malformed>>()?;
        Ok(())
    })
    .await?;
    Ok(found.map(|found| Seen { version: found.version, cells }))
}

/// `note` sees the row that counts.
async fn read_noting(
    target: &Target<'_>,
    mut plan: Read,
    mut note: impl FnMut(&[String], &[Cell<'_>]) -> Result<(), Error>,
) -> Result<Option<Found>, ApiError> {
    let is_versioned = names_one_row(target, &plan);
    let shows_others = plan.query.others;
    let numbers = target.layout.numbers();
    let mut shown =
        RowEncoder::new(&plan.shown, RowFormat::Objects).with_others(shows_others).with_numbers(numbers);
    // Where all of the row is shown as it is, its version is that of what is shown.
    let others = has_others(target);
    let is_shown_whole = numbers == Numbers::Number && !others && plan.shown.are_all();
    let inside: Vec<Path> =
        plan.query.select.iter().filter(|path| path.as_column().is_none()).cloned().collect();
    if is_versioned && !is_shown_whole {
        let columns = &target.table.columns;
        let is_described = |path: &&Path| columns.iter().any(|column| path.as_column() == Some(&column.name));
        // What is asked for by name is announced, whether the row has it or not.
        let named: Vec<Path> = plan.query.select.iter().filter(|path| !is_described(path)).cloned().collect();
        plan.query.select = columns.iter().map(|column| Path::column(&column.name)).chain(named).collect();
        plan.query.others = others;
    }
    let mut found = None;
    for_each_row(target, &plan, |columns, row| {
        if found.is_some() {
            return Ok(());
        }
        let mut json = Vec::with_capacity(512);
        shown.columns(&columns.names)?;
        shown.write_alone(&mut json, row)?;
        let version = match (is_versioned, is_shown_whole) {
            (false, _) => None,
            (true, true) => Some(Version::of(&json)),
            (true, false) => Some(of_row(target, &columns.names, row, &inside)?),
        };
        note(&columns.names, row)?;
        found = Some(Found { json, version: version.map(|version| version.shown_with(numbers)) });
        Ok(())
    })
    .await?;
    Ok(found)
}

/// The version of a row with these cells, in whatever order they come. `inside`: members of documents that are no columns of it.
pub(super) fn of_row(
    target: &Target<'_>,
    names: &[String],
    row: &[Cell<'_>],
    inside: &[Path],
) -> Result<Version, Malformed> {
    let described = target.table.columns.iter().map(|column| column.name.as_str());
    let columns: Vec<&str> = if has_others(target) {
        // What is described may change with the next sample, the row's own members do not.
        let is_inside = |name: &str| inside.iter().any(|path| path.segments().join(".") == name);
        let others = names.iter().map(String::as_str).filter(|name| !is_inside(name));
        let own: BTreeSet<&str> = described.chain(others).collect();
        own.into_iter().collect()
    } else {
        described.collect()
    };
    let shown = Arc::new(columns.into_iter().map(ShownColumn::from).collect());
    let mut encoder = RowEncoder::new(&shown, RowFormat::Objects);
    encoder.columns(names)?;
    let mut whole = Vec::with_capacity(256);
    encoder.write_alone(&mut whole, row)?;
    Ok(Version::of(&whole))
}

/// Whether a read finds one row at most, and all of it: where columns are guessed a row may have others.
pub(super) fn names_one_row(target: &Target<'_>, plan: &Read) -> bool {
    let is_all_known = !target.table.is_inferred || has_others(target);
    is_all_known && plan::is_unique(&plan.key, &target.table)
}

/// Whether a row may have columns that no description names, and shows them when it is asked.
pub(super) fn has_others(target: &Target<'_>) -> bool {
    target.table.is_open && target.owner.connection.capabilities().open_columns
}

/// Refuses a row that is not the one that is meant; `None`: there is none.
pub(super) fn check(conditions: &Conditions, version: Option<&Version>) -> Result<(), ApiError> {
    conditions.unmet(version).map_or(Ok(()), |header| Err(ApiError::condition_unmet(header)))
}

/// Refuses conditions where nothing has a version. That a caller has no such answer yet is true of whatever is read.
pub(super) fn check_place(conditions: &Conditions, operation: &Operation) -> Result<(), ApiError> {
    let (is_single, is_write) = match operation {
        Operation::ReadRecord { .. } => (true, false),
        Operation::Write(order) => (order.id.is_some(), true),
        Operation::Batch | Operation::ChangeSchema(_) | Operation::Call(_) => (false, true),
        _ => (false, false),
    };
    if is_single {
        return Ok(());
    }
    match conditions {
        Conditions { if_match: Some(_), .. } => Err(ApiError::condition_elsewhere("If-Match")),
        Conditions { if_none_match: Some(_), .. } if is_write => {
            Err(ApiError::condition_elsewhere("If-None-Match"))
        }
        _ => Ok(()),
    }
}
