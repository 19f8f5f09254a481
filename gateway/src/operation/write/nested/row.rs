//! The row of the record itself: written like every other record, by a call of its own that gives back the columns which related rows refer
//! to.

use connector_api::Error;
use connector_api::model::batch::Cell;

use super::steps::Steps;
use super::{Order, Owner};
use crate::error::ApiError;
use crate::operation::Owner as Calls;
use crate::operation::keys::json_of_cell;
use crate::operation::records::name_of;
use crate::operation::write::outcome::{is_missing_row, is_worth_a_line};
use crate::operation::write::send::{Sent, Shown, send_noting};
use crate::plan::{Gathered, Kind};
use crate::request::{Id, Record};
use crate::response::RowEncoder;

/// A row that is written.
pub(super) struct Written {
    /// As the answer shows it.
    pub(super) shown: Vec<u8>,
    pub(super) owner: Owner,
}

/// Writes it; `links` are the columns that related rows refer to.
///
/// # Errors
/// Whatever refuses it; an identifier that names several rows or none.
pub(super) async fn write(
    steps: &Steps<'_>,
    order: Order<'_, '_>,
    links: &[String],
) -> Result<Written, ApiError> {
    let Order { target, kind, options, write, index, id, record, .. } = order;
    let calls = &steps.owner;
    let mut write = write.returning_rows();
    let planned = target.plan(|scope| write.record(&record, id.as_ref(), index, scope))?;
    let name = id.clone().or_else(|| write.id_in(&record));
    let is_change = steps.changes(target, name.as_ref(), write.key()).await?;
    let mut gathered = Gathered::default();
    gathered.add(planned);
    let call = target.plan(|scope| gathered.call(&write, scope))?;
    let (columns, numbers) = (write.shown(), target.layout.numbers());
    let (others, as_list) = (write.shows_others(), options.as_list);
    let shown = Shown { columns, others, as_list, numbers, kept: 1 };
    let wanted: Vec<String> = links.iter().chain(&target.table.primary_key).cloned().collect();
    let mut values = Record::new();
    let mut note = |names: &[String], row: &[Cell<'_>]| -> Result<(), Error> {
        for (column, place) in wanted.iter().zip(RowEncoder::places_of(names, &wanted)?) {
            let cell = row.get(place).copied().unwrap_or(Cell::Null);
            values.insert(column.clone(), json_of_cell(cell)?);
        }
        Ok(())
    };
    let sent = send_noting(calls, &call, &shown, &mut note).await.and_then(Sent::whole);
    let sent = sent.map_err(|error| failed(calls, name.as_ref(), &error))?;
    if !is_change {
        steps.created(target, &values);
    }
    if sent.touched != 1 {
        return Err(ApiError::nested_of_several(name.map(|id| name_of(&id)).unwrap_or_default()));
    }
    let shown = sent.rows.into_iter().next().ok_or_else(ApiError::internal)?;
    Ok(Written { shown, owner: Owner { values, is_new: kind == Kind::Insert } })
}

fn failed(calls: &Calls, name: Option<&Id>, error: &Error) -> ApiError {
    if is_worth_a_line(error) {
        calls.note(error);
    }
    match name {
        Some(id) if is_missing_row(error) => ApiError::unknown_record(name_of(id)),
        _ => ApiError::from_connector(error),
    }
}
