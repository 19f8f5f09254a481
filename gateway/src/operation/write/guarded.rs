//! A write of one row with its version where the store has no transactions of several calls: the row is read and compared, then written by
//! a call whose guard is that the row still has the cells that were read. The store tests a guard in the same step in which it writes, so
//! of several writers with the same version one succeeds. A column that nobody saw can't be tested: what somebody adds meanwhile to a row
//! of an open table, beside what this write sets, goes unseen.

use connector_api::model::batch::Cell;
use connector_api::{Error, ErrorKind};

use super::input::{Input, Item};
use super::no_records;
use super::outcome::{failure, is_missing_row, is_worth_a_line};
use super::relations::Relations;
use super::send::{Sent, Shown, send_noting};
use super::versioned::Order;
use crate::error::ApiError;
use crate::operation::records::{Target, name_of};
use crate::operation::version::{self, Seen};
use crate::pipeline::Answer;
use crate::plan::{Call, Gathered, Kind, Read, Selection, Write};
use crate::request::Version;

/// Writes the row. The answer has the version that it left, as far as the store gives back what it wrote.
///
/// # Errors
/// A condition that does not hold; whatever refuses the write.
pub(super) async fn run(
    target: &Target<'_>,
    order: &Order<'_>,
    read: Read,
    mut input: Input,
) -> Result<Answer, ApiError> {
    let item = input.next().await.ok_or_else(|| no_records(target.layout))??;
    if order.kind != Kind::Delete {
        Relations::refuse(target, &item.record, |_| ApiError::nested_with_condition()).await?;
    }
    // A row that is created is not there: the store says so in the same step.
    let before = if is_creation(order) { None } else { version::seen(target, read.clone()).await? };
    let is_seen = before.is_some();
    version::check(order.conditions, before.as_ref().and_then(|seen| seen.version.as_ref()))?;
    let (write, call) = plan(target, order, before, item).await?;
    match send(target, &write, &call).await {
        Ok((row, version)) => answer(target, row, version).await,
        Err(error) if is_seen => Err(lost(target, order, error)),
        Err(error) => Err(not_created(target, order, read, error).await),
    }
}

/// A row with related rows has no version.
async fn answer(target: &Target<'_>, row: Vec<u8>, version: Option<Version>) -> Result<Answer, ApiError> {
    let Some(reread) = &target.reread else { return Ok(Answer { version, ..Answer::json(row) }) };
    let again = reread.rows(target, &target.owner, std::iter::once(row.as_slice())).await?;
    Ok(Answer::json(again.rows.into_iter().flatten().next().unwrap_or(row)))
}

/// Whether the only condition is that there is no row, of a write that creates it.
fn is_creation(order: &Order<'_>) -> bool {
    order.kind == Kind::Upsert && order.conditions.if_match.is_none() && !order.conditions.name_versions()
}

async fn plan(
    target: &Target<'_>,
    order: &Order<'_>,
    before: Option<Seen>,
    item: Item<'_>,
) -> Result<(Write, Call), ApiError> {
    // A row that was seen is not created anew if it goes away meanwhile.
    let kind = if before.is_some() && order.kind == Kind::Upsert { Kind::Update } else { order.kind };
    let selection = match before {
        None => Selection::Missing,
        Some(seen) if order.conditions.name_versions() => Selection::Seen(seen.cells),
        Some(_) => Selection::Keys,
    };
    let mut write = target.plan(|scope| Write::new(kind, selection, &order.options, scope))?;
    if kind != Kind::Delete && target.is_readable {
        write = write.returning_rows();
    }
    let planned = target.plan(|scope| write.record(&item.record, item.id.as_ref(), 0, scope))?;
    let mut gathered = Gathered::default();
    gathered.add(planned);
    let call = target.plan(|scope| gathered.call(&write, scope))?;
    Ok((write, call))
}

/// The row as it is shown, and its version where all of it came back.
async fn send(target: &Target<'_>, write: &Write, call: &Call) -> Result<(Vec<u8>, Option<Version>), Error> {
    let numbers = target.layout.numbers();
    let (columns, others) = (write.shown(), write.shows_others());
    let shown = Shown { columns, others, as_list: false, numbers, kept: 1 };
    let (mut version, inside) = (None, write.inside());
    let mut note = |names: &[String], row: &[Cell<'_>]| {
        if write.returns_rows() {
            version = Some(version::of_row(target, names, row, &inside)?.shown_with(numbers));
        }
        Ok(())
    };
    let Sent { rows, outcomes, .. } = send_noting(&target.owner, call, &shown, &mut note).await?;
    if let Some(error) = outcomes.iter().find_map(failure) {
        return Err(error);
    }
    let row = rows.into_iter().next();
    let row = row.ok_or_else(|| Error::internal("the connector does not give back the row that it wrote"))?;
    Ok((row, version))
}

/// The error of a write of a row that was there: if it is missing now, or not as it was, somebody came between.
fn lost(target: &Target<'_>, order: &Order<'_>, error: Error) -> ApiError {
    if error.kind == ErrorKind::Contention || is_missing_row(&error) {
        return ApiError::condition_unmet(order.header());
    }
    told(target, error)
}

/// The error of a write of a row that was not there: if it is now, and may be seen, somebody was faster.
async fn not_created(target: &Target<'_>, order: &Order<'_>, read: Read, error: Error) -> ApiError {
    if is_missing_row(&error) {
        return ApiError::unknown_record(name_of(order.id));
    }
    let is_there = error.kind == ErrorKind::Contention || error.reason.as_deref() == Some("guard_failed");
    if is_there {
        match version::read(target, read).await {
            Ok(None) => {}
            Ok(Some(_)) => return ApiError::condition_unmet(order.header()),
            Err(failed) => return failed,
        }
    }
    told(target, error)
}

fn told(target: &Target<'_>, error: Error) -> ApiError {
    if is_worth_a_line(&error) { target.owner.failed(error) } else { ApiError::from_connector(&error) }
}
