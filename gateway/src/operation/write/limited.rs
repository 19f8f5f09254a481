//! Writes of so many rows that match: their keys are read, and they are written by these keys, in one transaction. Condition and row rules
//! stand in both, so that a row which is another one when it is written is not touched and all is undone.

use connector_api::Error;
use connector_api::model::Begin;
use serde_json::Map;

use super::batch::Batch;
use super::input::Input;
use crate::error::ApiError;
use crate::operation::page::wrapped;
use crate::operation::records::{Target, for_each_row};
use crate::operation::session::Session;
use crate::pipeline::Answer;
use crate::plan::{self, Kind, Read, Selection};
use crate::request::filter::Node;
use crate::request::{Fields, Id, Record, TableRead, TableWrite};
use crate::response::{RowEncoder, RowFormat};

/// Which rows are written, and how.
pub(super) struct Order {
    pub(super) kind: Kind,
    pub(super) filter: Box<Node>,
    /// The values of a change; empty for a removal.
    pub(super) record: Record,
    pub(super) options: TableWrite,
}

/// Writes them.
///
/// # Errors
/// What the store can't do, before anything is written; the first row that can't be written.
pub(super) async fn run(mut target: Target<'_>, mut order: Order) -> Result<Answer, ApiError> {
    // The transaction is around more than the write, and a row that fails undoes it.
    (order.options.is_rolled_back, order.options.is_continued) = (false, false);
    let read = keys(&target, &order)?;
    if target.owner.session.is_some() {
        return write(&target, &order, &read).await;
    }
    // Who can't write so begins no transaction.
    batch(&target, &order)?;
    let session = Session::begin(&target.owner, &Begin::default()).await?;
    target.owner = session.owner().clone();
    session.end(write(&target, &order, &read).await).await
}

/// The read of the keys; a limit above the service's maximum is lowered to it, as it is everywhere.
fn keys(target: &Target<'_>, order: &Order) -> Result<Read, ApiError> {
    let TableWrite { id_field, offset, limit, order: first, .. } = &order.options;
    let maximum = i64::try_from(target.owner.service.max_records()).unwrap_or(i64::MAX);
    let read = TableRead {
        fields: Fields::Identifiers,
        filter: Some((*order.filter).clone()),
        order: first.clone(),
        limit: limit.map(|limit| limit.min(maximum)),
        offset: *offset,
        id_field: id_field.clone(),
        ..TableRead::default()
    };
    Ok(target.plan(|scope| plan::page(&read, scope))?.read)
}

fn batch<'a, 'j>(target: &'a Target<'j>, order: &'a Order) -> Result<Batch<'a, 'j>, ApiError> {
    let selection = Selection::Some(order.filter.clone());
    Batch::new(target, (order.kind, selection), &order.options)
}

async fn write(target: &Target<'_>, order: &Order, read: &Read) -> Result<Answer, ApiError> {
    let batch = batch(target, order)?;
    let mut ids = Vec::new();
    let mut encoder = RowEncoder::new(&read.shown, RowFormat::Objects);
    for_each_row(target, read, |columns, row| {
        let mut json = Vec::new();
        encoder.columns(&columns.names)?;
        encoder.write_alone(&mut json, row)?;
        let key = serde_json::from_slice(&json);
        ids.push(Id::Named(key.map_err(|_| Error::internal("a key can't be read as JSON"))?));
        Ok(())
    })
    .await?;
    if ids.is_empty() {
        return Ok(wrapped(std::iter::empty(), Map::new()));
    }
    batch.run(Input::of_ids(ids, order.record.clone()), false).await?.into_rows()
}
