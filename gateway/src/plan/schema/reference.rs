//! References of fields and constraints, with the names that the other table has.

use connector_api::model::{Column, ForeignKey, Table, TableRef};

use super::{Place, Target, Targets};
use crate::plan::Error;
use crate::plan::columns::{Columns, is_same_name};
use crate::request::schema::{ReferenceWish, Special};

/// Where a reference leads.
pub(super) enum Found<'a> {
    /// To this column.
    Column(&'a TableRef, &'a Column),
    /// To a table that is not there yet.
    Later,
}

/// The column that a new reference of a field leads to; `own` are the field's own table and the name by which the request knows it.
/// `None`: there is no reference.
pub(super) fn found<'a>(
    place: Place<'_>,
    (wish, special): (&ReferenceWish, Special),
    own: &'a Table,
    targets: &'a Targets,
) -> Result<Option<Found<'a>>, Error> {
    let is_named = wish.table.as_ref().is_some_and(Option::is_some);
    if !wish.is_foreign_key.unwrap_or(special == Special::Reference || is_named) {
        return Ok(None);
    }
    let Some(name) = wish.table.as_ref().and_then(Option::as_deref) else {
        return Err(place.wrong(format!(
            "Invalid schema detected - no table element for reference type of {}; give 'ref_table'",
            place.field
        )));
    };
    let table = match targets.get(name) {
        Some(Target::Later) => return Ok(Some(Found::Later)),
        Some(Target::Known(table)) => table,
        None if is_same_name(name, place.table) => own,
        None => return Err(place.wrong(format!("'ref_table' names '{name}', which does not exist"))),
    };
    let column = match (wish.field.as_ref().and_then(Option::as_deref), table.primary_key.as_slice()) {
        (Some(field), _) => field,
        (None, [only]) => only.as_str(),
        (None, _) => {
            return Err(place.wrong(format!("'ref_field' is needed, for '{name}' has no key of one field")));
        }
    };
    let column = Columns::new(table)
        .find(column)
        .ok_or_else(|| place.wrong(format!("'ref_field' names '{column}', which '{name}' does not have")))?;
    Ok(Some(Found::Column(&table.table, column)))
}

/// The reference of one field.
pub(super) fn of_field(field: &str, found: &Found<'_>, wish: &ReferenceWish) -> Option<ForeignKey> {
    let Found::Column(table, column) = found else { return None };
    Some(ForeignKey {
        name: String::new(),
        columns: vec![field.to_owned()],
        references: (*table).clone(),
        referenced_columns: vec![column.name.clone()],
        on_update: wish.on_update.clone().flatten(),
        on_delete: wish.on_delete.clone().flatten(),
    })
}
