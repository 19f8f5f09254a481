//! The version of a row: a digest of all its cells, whatever of them is shown. So every store has versions, without a column for them.

use std::sync::Arc;

use connector_api::model::{Column, Path};

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

/// Reads one row with its version.
pub(super) async fn read(target: &Target<'_>, mut plan: Read) -> Result<Option<Found>, ApiError> {
    let is_versioned = names_one_row(target, &plan);
    let shows_others = plan.query.others;
    let encoder = |columns: &Arc<[ShownColumn]>, with_others| {
        RowEncoder::new(columns, RowFormat::Objects).with_others(with_others)
    };
    let numbers = target.layout.numbers();
    let mut shown = encoder(&plan.shown, shows_others).with_numbers(numbers);
    // Where all of the row is shown as it is, its version is that of what is shown.
    let others = has_others(target);
    let is_shown_whole =
        numbers == Numbers::Number && shows_others == others && shows_all(&plan, &target.table.columns);
    let mut all = None;
    if is_versioned && !is_shown_whole {
        let columns = target.table.columns.iter();
        let described = columns.clone().map(|column| Path::column(&column.name));
        let inside = plan.query.select.iter().filter(|path| path.as_column().is_none()).cloned();
        plan.query.select = described.chain(inside).collect();
        plan.query.others = others;
        let columns = columns.map(|column| column.name.as_str().into()).collect();
        all = Some(encoder(&columns, others));
    }
    let mut found = None;
    for_each_row(target, &plan, |names, row| {
        if found.is_some() {
            return Ok(());
        }
        let mut json = Vec::with_capacity(256);
        shown.columns(&names.names)?;
        shown.write_alone(&mut json, row)?;
        let version = match &mut all {
            None => is_versioned.then(|| Version::of(&json)),
            Some(all) => {
                let mut whole = Vec::with_capacity(256);
                all.columns(&names.names)?;
                all.write_alone(&mut whole, row)?;
                Some(Version::of(&whole))
            }
        };
        found = Some(Found { json, version: version.map(|version| version.shown_with(numbers)) });
        Ok(())
    })
    .await?;
    Ok(found)
}

/// Whether a read shows all of these columns, in their order and under their own names.
fn shows_all(plan: &Read, columns: &[Column]) -> bool {
    let is_itself = |(shown, column): (&ShownColumn, &Column)| {
        *shown.column == *column.name && *shown.name == *column.name
    };
    plan.shown.len() == columns.len() && plan.shown.iter().zip(columns).all(is_itself)
}

/// Whether a read finds one row at most, and all of it: where columns are guessed a row may have others.
pub(super) fn names_one_row(target: &Target<'_>, plan: &Read) -> bool {
    let is_all_known = !target.table.is_inferred || has_others(target);
    is_all_known && plan::is_unique(&plan.key, &target.table)
}

/// Whether a row may have columns that no description names, and shows them when it is asked.
fn has_others(target: &Target<'_>) -> bool {
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
        Operation::Batch => (false, true),
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
