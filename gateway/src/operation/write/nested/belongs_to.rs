//! The row that a record refers to, before the record is written: created, or found and changed; then the record refers to it.

use serde_json::Value as Json;

use super::steps::{Steps, Wanted};
use super::work::Work;
use super::{joined, values_of};
use crate::error::ApiError;
use crate::plan::{Child, Wish, has};
use crate::request::Record;

/// Writes the row and makes the record refer to it. A reference to a row that was there stays as the record has it, where it has one.
pub(super) async fn write(steps: &Steps<'_>, work: &Work, own: &mut Record) -> Result<(), ApiError> {
    let Some(element) = work.children.first() else { return Ok(()) };
    let (row, is_new) = written(steps, work, &element.child).await?;
    let columns = &work.relationship.columns;
    let values = values_of(&row, &work.relationship.target_columns)
        .ok_or_else(|| ApiError::nested_unseen(work.place.name()))?;
    for (column, value) in columns.iter().zip(values) {
        if is_new || !has(own, column) {
            set(own, column, value);
        }
    }
    Ok(())
}

/// The row with the columns that are referred to, and whether it was created.
async fn written(steps: &Steps<'_>, work: &Work, child: &Child) -> Result<(Record, bool), ApiError> {
    let needed = &work.relationship.target_columns;
    let key = child.key_of(&[]);
    let found = if child.wish == Wish::Create {
        None
    } else {
        let wanted = Wanted { columns: work.place.key(), keys: vec![key.clone()], needed };
        steps.find(&work.place, wanted).await?.pop().and_then(|rows| rows.into_iter().next())
    };
    let record = joined(work.place.key(), &key, &child.rest);
    let Some(mut row) = found else {
        let created = steps.create(&work.place, vec![record], needed).await?.pop();
        return Ok((created.ok_or_else(ApiError::internal)?, true));
    };
    if child.rest.is_empty() {
        return Ok((row, false));
    }
    row.extend(steps.change(&work.place, vec![record], needed).await?.pop().unwrap_or_default());
    Ok((row, false))
}

/// Gives the record this value for a column, whatever it had.
fn set(record: &mut Record, column: &str, value: Json) {
    record.retain(|name, _| !name.eq_ignore_ascii_case(column));
    record.insert(column.to_owned(), value);
}
