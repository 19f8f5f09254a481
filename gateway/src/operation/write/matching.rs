//! Writes of all rows that match. The answer names the rows that were touched, at most as many as an answer may have.

use connector_api::Error;
use connector_api::model::Begin;

use super::batch::kept;
use super::outcome::failure;
use super::relations::Relations;
use super::send::{Sent, Shown, send};
use super::tally::meta;
use crate::error::ApiError;
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
        let planned = target.plan(|scope| write.record(record, None, 0, scope))?;
        Relations::default().refuse(target, &planned.strangers).await?;
        gathered.add(planned);
    }
    let call = target.plan(|scope| gathered.call(&write, scope))?;
    let (columns, numbers) = (write.shown(), target.layout.numbers());
    let others = write.shows_others();
    let shown = Shown { columns, others, as_list: options.as_list, numbers, kept: kept(target) };
    let sent = transacted(target, &call, options.is_rolled_back, &shown).await?;
    if shown.columns.is_empty() {
        return Ok(Answer::json(r#"{"success":true}"#));
    }
    let is_cut = usize::try_from(sent.touched).map_or(true, |touched| touched > sent.rows.len());
    Ok(wrapped(sent.rows.iter().map(Vec::as_slice), meta(is_cut.then_some(sent.touched))))
}

async fn transacted(
    target: &Target<'_>,
    call: &Call,
    is_rolled_back: bool,
    shown: &Shown<'_>,
) -> Result<Sent, ApiError> {
    let owner = &target.owner;
    // Where there are no transactions, all or nothing is what the call itself promises.
    let needs_session = is_rolled_back && owner.connection.capabilities().transactions;
    let session = if needs_session { Some(Session::begin(owner, &Begin::default()).await?) } else { None };
    let sent = send(session.as_ref().map_or(owner, Session::owner), call, shown).await.and_then(whole);
    let sent = match sent {
        Ok(sent) => sent,
        Err(error) => {
            if let Some(session) = session {
                session.rollback().await;
            }
            return Err(owner.failed(error));
        }
    };
    if let Some(session) = session {
        session.commit().await?;
    }
    Ok(sent)
}

/// There is one record at most, so its failure is that of the whole write.
fn whole(sent: Sent) -> Result<Sent, Error> {
    match sent.outcomes.iter().find_map(failure) {
        Some(error) => Err(error),
        None => Ok(sent),
    }
}
