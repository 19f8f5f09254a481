//! A write of one row with its version: read, compared, written and read again in one transaction. The contract says that what a
//! transaction has read and writes was not changed by others in between, or the write answers that it lost: so nobody comes between.
//! Where the store has no transactions, see `guarded`.

use connector_api::ErrorKind;
use connector_api::model::Begin;

use super::batch::Batch;
use super::guarded;
use super::input::Input;
use crate::error::ApiError;
use crate::operation::records::Target;
use crate::operation::session::Session;
use crate::operation::version::{self, names_one_row};
use crate::pipeline::Answer;
use crate::plan::{self, Kind, Read, Selection};
use crate::request::{Conditions, Fields, Id, TableRead, TableWrite, Version};
use crate::settings;

/// How the row is written, and on which conditions.
pub(super) struct Order<'a> {
    pub(super) kind: Kind,
    pub(super) id: &'a Id,
    pub(super) conditions: &'a Conditions,
    pub(super) options: TableWrite,
}

impl Order<'_> {
    /// The header that a condition which does not hold is told by.
    pub(super) fn header(&self) -> &'static str {
        if self.conditions.if_match.is_some() { "If-Match" } else { "If-None-Match" }
    }
}

/// Refuses a write of one row without a condition, where the service wants one. That the row must not exist is one, too.
pub(super) fn check_required(
    conditions: &Conditions,
    config: &settings::ServiceConfig,
) -> Result<(), ApiError> {
    let is_missing = config.require_if_match && conditions.is_empty();
    if is_missing { Err(ApiError::condition_required()) } else { Ok(()) }
}

/// Whether a write is one for [`run`]: it has a condition, or its row has a transaction anyway.
pub(super) fn is_wanted(target: &Target<'_>, conditions: &Conditions, options: &TableWrite) -> bool {
    let can = target.owner.connection.capabilities();
    !conditions.is_empty() || (options.is_rolled_back && can.transactions && can.query)
}

/// Writes the row. The answer has the version that it left.
///
/// # Errors
/// What the store can't do, before anything is written; a condition that does not hold; whatever refuses the write.
pub(super) async fn run(
    mut target: Target<'_>,
    mut order: Order<'_>,
    input: Input,
) -> Result<Answer, ApiError> {
    let (conditions, header) = (order.conditions, order.header());
    let can = target.owner.connection.capabilities();
    let (has_transactions, has_guards) = (can.transactions, can.row_rules);
    if !has_transactions && !has_guards {
        return Err(ApiError::unsupported(header));
    }
    let read = plan(&target, &order)?;
    if !conditions.is_empty() && !names_one_row(&target, &read) {
        return Err(ApiError::condition_on_several(header));
    }
    // The transaction is around more than the write; without one, one record is all there is to undo.
    order.options.is_rolled_back = false;
    if !has_transactions {
        return guarded::run(&target, &order, read, input).await;
    }
    let session = Session::begin(&target.owner, &Begin::default()).await?;
    target.owner = session.owner().clone();
    let ended = session.end(write(&target, &order, read, input).await).await;
    ended.map_err(|error| match error.kind {
        Some(ErrorKind::Contention) if !conditions.is_empty() => ApiError::condition_unmet(header),
        _ => error,
    })
}

fn plan(target: &Target<'_>, order: &Order<'_>) -> Result<Read, ApiError> {
    let id_field = order.options.id_field.clone();
    let read = TableRead { fields: Fields::All, id_field, ..TableRead::default() };
    target.plan(|scope| plan::single(order.id, &read, scope))
}

async fn write(target: &Target<'_>, order: &Order<'_>, read: Read, input: Input) -> Result<Answer, ApiError> {
    if !order.conditions.is_empty() {
        let before = version_of(target, read.clone()).await?;
        version::check(order.conditions, before.as_ref())?;
    }
    let written = Batch::new(target, (order.kind, Selection::Keys), &order.options)?
        .run(input, false)
        .await?
        .into_row()?;
    // A row with related rows has no version: it would not tell what becomes of these.
    let is_shown = order.kind != Kind::Delete && target.is_readable && target.reread.is_none();
    let version = if !is_shown { None } else { version_of(target, read).await? };
    Ok(Answer { version, ..written })
}

async fn version_of(target: &Target<'_>, read: Read) -> Result<Option<Version>, ApiError> {
    Ok(version::read(target, read).await?.and_then(|found| found.version))
}
