//! Records that change a row or create it, where a function of a field has to know which of them it is: then it is looked up, and the record
//! is written as the one or the other. Who is faster meanwhile makes it fail, as a change of a row that is gone or the creation of one that
//! is there.

use serde_json::Value as Json;

use super::input::Item;
use crate::error::ApiError;
use crate::operation::Owner;
use crate::operation::by_ids::are_there;
use crate::operation::records::Target;
use crate::plan::{self, Kind, Planned, Selection, Write};
use crate::request::{Id, Record, TableWrite};

/// The record, planned as what it is; `calls` are those that write it. A new row gets the key that names it.
///
/// # Errors
/// What refuses the lookup or the record.
pub(super) async fn plan(
    (target, calls): (&Target<'_>, &Owner),
    options: &TableWrite,
    (index, item, id): (usize, &Item<'_>, &Id),
) -> Result<(Write, Planned), ApiError> {
    let kind = kind_of((target, calls), options, id).await?;
    target.plan(|scope| {
        let mut write = Write::new(kind, Selection::Keys, options, scope)?;
        let planned = if kind == Kind::Update {
            write.record(&item.record, Some(id), index, scope)?
        } else {
            let record = with_key(&item.record, write.key(), plan::parts_of(id, write.key())?);
            write.record(&record, None, index, scope)?
        };
        Ok((write, planned))
    })
}

/// Whether the row is there, as far as the caller may change it.
pub(super) async fn kind_of(
    (target, calls): (&Target<'_>, &Owner),
    options: &TableWrite,
    id: &Id,
) -> Result<Kind, ApiError> {
    let mut target = target.clone();
    target.owner = calls.clone();
    let found = are_there(&target, std::slice::from_ref(id), &options.id_field).await?;
    Ok(if found.first() == Some(&true) { Kind::Update } else { Kind::Insert })
}

fn with_key(record: &Record, key: &[String], parts: Vec<Json>) -> Record {
    let missing = key.iter().zip(parts).filter(|(name, _)| !plan::has(record, name));
    let missing = missing.map(|(name, part)| (name.clone(), part));
    record.iter().map(|(name, value)| (name.clone(), value.clone())).chain(missing).collect()
}
