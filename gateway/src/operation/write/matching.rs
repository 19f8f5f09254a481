//! Writes of all rows that match. The answer names the rows that were touched, at most as many as an answer may have.

use connector_api::model::Begin;
use serde_json::{Map, Value as Json};

use super::batch::kept;
use super::relations::Relations;
use super::send::{Sent, Shown, send};
use super::tally::meta;
use crate::error::ApiError;
use crate::operation::Owner;
use crate::operation::page::wrapped;
use crate::operation::records::{Target, is_of_change};
use crate::operation::session::Session;
use crate::pipeline::Answer;
use crate::plan::{Call, Gathered, Kind, Selection, Write};
use crate::request::{Record, TableWrite};

/// Changes or removes what the selection says; `record` holds the values of a change. Begun anew when the table turns out to be another one
/// than was known: nothing is written then.
pub(super) async fn run(
    target: &mut Target<'_>,
    (kind, selection): (Kind, Selection),
    record: Option<Record>,
    options: &TableWrite,
) -> Result<Answer, ApiError> {
    match once(target, (kind, selection.clone()), record.as_ref(), options).await {
        Err(error) if is_of_change(&error) && target.is_renewed().await? => {
            once(target, (kind, selection), record.as_ref(), options).await
        }
        ended => ended,
    }
}

async fn once(
    target: &Target<'_>,
    (kind, selection): (Kind, Selection),
    record: Option<&Record>,
    options: &TableWrite,
) -> Result<Answer, ApiError> {
    let mut write = target.plan(|scope| Write::new(kind, selection, options, scope))?;
    let mut gathered = Gathered::default();
    if let Some(record) = record {
        Relations::refuse(target, record, |name| ApiError::nested_by_filter(name)).await?;
        gathered.add(target.plan(|scope| write.record(record, None, 0, scope))?);
    }
    let call = target.plan(|scope| gathered.call(&write, scope))?;
    let (columns, numbers) = (write.shown(), target.layout.numbers());
    let others = write.shows_others();
    let shown = Shown { columns, others, as_list: options.as_list, numbers, kept: kept(target) };
    let (sent, beside) = transacted(target, &call, options.is_rolled_back, &shown).await?;
    if shown.columns.is_empty() {
        return Ok(Answer::json(r#"{"success":true}"#));
    }
    let is_cut = usize::try_from(sent.touched).map_or(true, |touched| touched > sent.rows.len());
    Ok(wrapped(
        sent.rows.iter().map(Vec::as_slice),
        meta(is_cut.then_some(sent.touched)).into_iter().chain(beside).collect(),
    ))
}

async fn transacted(
    target: &Target<'_>,
    call: &Call,
    is_rolled_back: bool,
    shown: &Shown<'_>,
) -> Result<(Sent, Map<String, Json>), ApiError> {
    let owner = &target.owner;
    // Where there are no transactions, all or nothing is what the call itself promises.
    let needs_session = is_rolled_back && owner.connection.capabilities().transactions;
    let session = if needs_session { Some(Session::begin(owner, &Begin::default()).await?) } else { None };
    let done = sent(target, session.as_ref().map_or(owner, Session::owner), call, shown).await;
    match session {
        Some(session) => session.end(done).await,
        None => done,
    }
}

/// What the call brought, its rows read again where that is wanted.
async fn sent(
    target: &Target<'_>,
    calls: &Owner,
    call: &Call,
    shown: &Shown<'_>,
) -> Result<(Sent, Map<String, Json>), ApiError> {
    let mut sent =
        send(calls, call, shown).await.and_then(Sent::whole).map_err(|error| calls.failed(error))?;
    let Some(reread) = &target.reread else { return Ok((sent, Map::new())) };
    let again = reread.rows(target, calls, sent.rows.iter().map(Vec::as_slice)).await?;
    sent.rows
        .iter_mut()
        .zip(again.rows)
        .for_each(|(row, again)| *row = again.unwrap_or_else(|| std::mem::take(row)));
    Ok((sent, again.meta))
}
