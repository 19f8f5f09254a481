//! Transactions: all of their work or none of it, and nobody else sees it before.

use std::sync::Arc;

use connector_api::model::{Begin, CompareOp, Insert, OnError, Value};
use connector_api::{Error, ErrorKind, Result};
use tablegate::connectors::{CallContext, Service, SessionId};
use tokio::task::JoinSet;

use super::ask::{compare, text};
use super::change::{End, exists, retried};
use super::peer::{CALL_TIME, Peer, check_error, context, full};
use super::stock::{COLUMNS, NONE, Stock, before, int, row};
use super::{Case, Outcome, same};

/// Transactions that count up one number at once.
const CROWD: i64 = 20;

pub(super) fn cases() -> Vec<Case> {
    let insert = &["query", "insert", "transactions"];
    let update = &["query", "update_by_key", "transactions"];
    vec![
        Case::new("transaction::its_work_is_seen_by_others_after_the_commit_only", insert, commit),
        Case::new("transaction::a_rollback_undoes_all_of_its_calls", insert, rollback),
        Case::new(
            "transaction::every_kind_of_write_takes_part",
            &["query", "insert", "update_by_key", "upsert", "delete_where", "filter_compare", "transactions"],
            all_writes,
        ),
        Case::new("transaction::after_a_failed_record_it_can_be_rolled_back", insert, failed_record),
        Case::new(
            "transaction::an_atomic_call_that_fails_leaves_earlier_work",
            &["query", "insert", "on_error_atomic", "transactions", "savepoints"],
            atomic_inside,
        ),
        Case::new(
            "transaction::records_behind_one_that_fails_are_written",
            &["query", "insert", "on_error_continue", "transactions", "savepoints"],
            continued_inside,
        ),
        Case::refusal(
            "transaction::without_savepoints_nothing_goes_on_after_a_failure",
            "savepoints",
            without_savepoints,
        ),
        Case::new("transaction::one_that_has_ended_is_cancelled", insert, ended),
        Case::new("transaction::one_that_never_was_is_cancelled", insert, never_begun),
        Case::new("transaction::one_that_only_reads_reads_and_ends", &["query", "transactions"], reads),
        Case::new("transaction::what_it_reads_is_not_changed_before_it_writes", update, crowd),
        Case::new("transaction::a_closed_service_undoes_it", insert, closed),
    ]
}

/// The context of a call within a transaction.
pub(super) fn within(session: SessionId) -> CallContext<'static> {
    CallContext { session: Some(session), ..context(CALL_TIME) }
}

async fn begin(service: &Service) -> std::result::Result<SessionId, String> {
    service.begin(&Begin::default(), context(CALL_TIME)).await.map_err(|error| full(&error))
}

async fn end(ended: impl Future<Output = Result<()>>) -> Outcome {
    ended.await.map_err(|error| full(&error))
}

fn fifth() -> Vec<Value> {
    row(5, "eyelet", 1, "new")
}

fn with_fifth() -> Vec<Vec<Value>> {
    [before(), vec![fifth()]].concat()
}

async fn commit(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let session = begin(&peer.service).await?;
    let inside = stock.within(session);
    inside.done(&stock.insert(COLUMNS), &[fifth()], &[]).await?;
    inside.holds(&with_fifth()).await?;
    stock.is_untouched().await?;
    end(peer.service.commit(within(session))).await?;
    stock.holds(&with_fifth()).await
}

async fn rollback(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let session = begin(&peer.service).await?;
    let inside = stock.within(session);
    for id in [5, 6, 7] {
        inside.done(&stock.insert(COLUMNS), &[row(id, "x", 0, "x")], &[]).await?;
    }
    end(peer.service.rollback(within(session))).await?;
    stock.is_untouched().await?;
    // Nothing of it is in the way.
    stock.done(&stock.insert(COLUMNS), &[fifth()], &[]).await?;
    stock.holds(&with_fifth()).await
}

async fn all_writes(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let session = begin(&peer.service).await?;
    let inside = stock.within(session);
    inside.done(&stock.insert(COLUMNS), &[fifth()], &[]).await?;
    inside.done(&stock.update(&["qty"]), &[[int(5), int(2)]], &[]).await?;
    inside.done(&stock.upsert(&["id", "name"]), &[[int(5), text("other")]], &[]).await?;
    inside.done(&stock.delete_where(compare("id", CompareOp::Lt)), NONE, &[int(5)]).await?;
    let expected = vec![row(5, "other", 2, "new")];
    inside.holds(&expected).await?;
    stock.is_untouched().await?;
    end(peer.service.commit(within(session))).await?;
    stock.holds(&expected).await
}

async fn failed_record(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let session = begin(&peer.service).await?;
    let records = [fifth(), row(1, "other", 0, "x")];
    let inside = stock.within(session);
    inside.check(&stock.insert(COLUMNS), (&records, &[]), &[End::Done, exists()]).await?;
    end(peer.service.rollback(within(session))).await?;
    stock.is_untouched().await
}

async fn atomic_inside(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let session = begin(&peer.service).await?;
    let inside = stock.within(session);
    inside.done(&stock.insert(COLUMNS), &[fifth()], &[]).await?;
    let mut shape = stock.insert(COLUMNS);
    shape.on_error = OnError::Atomic;
    let records = [row(6, "x", 0, "x"), row(1, "other", 0, "x")];
    inside.check(&shape, (&records, &[]), &[End::RolledBack, exists()]).await?;
    inside.holds(&with_fifth()).await?;
    end(peer.service.commit(within(session))).await?;
    stock.holds(&with_fifth()).await
}

async fn continued_inside(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let session = begin(&peer.service).await?;
    let records = [row(1, "other", 0, "x"), fifth()];
    let shape = Insert { on_error: OnError::Continue, ..stock.insert(COLUMNS) };
    stock.within(session).check(&shape, (&records, &[]), &[exists(), End::Done]).await?;
    end(peer.service.commit(within(session))).await?;
    stock.holds(&with_fifth()).await
}

/// In a transaction `continue` is refused, and an atomic call that fails ends it: its earlier work is not there as if nothing had been.
async fn without_savepoints(peer: Arc<Peer>) -> Outcome {
    if !peer.offers("transactions") {
        let begun = peer.service.begin(&Begin::default(), context(CALL_TIME)).await;
        return check_error("a transaction", begun, ErrorKind::Unsupported).map(drop);
    }
    let stock = Stock::new(&peer)?;
    let session = begin(&peer.service).await?;
    let inside = stock.within(session);
    let goes_on = Insert { on_error: OnError::Continue, ..stock.insert(COLUMNS) };
    let answer = inside.write(&goes_on, &[row(6, "x", 0, "x")], &[]).await;
    check_error("a call that goes on", answer, ErrorKind::Unsupported)?;
    inside.done(&stock.insert(COLUMNS), &[fifth()], &[]).await?;
    if peer.offers("on_error_atomic") {
        let atomic = Insert { on_error: OnError::Atomic, ..stock.insert(COLUMNS) };
        let records = [row(6, "x", 0, "x"), row(1, "other", 0, "x")];
        inside.check(&atomic, (&records, &[]), &[End::RolledBack, exists()]).await?;
        is_cancelled_read(&inside).await?;
        let write = inside.write(&stock.insert(COLUMNS), &[row(7, "x", 0, "x")], &[]).await;
        check_error("a write", write, ErrorKind::Cancelled)?;
    }
    end(peer.service.rollback(within(session))).await?;
    stock.is_untouched().await
}

/// Every call on a transaction that is not there is cancelled, and does nothing.
async fn is_cancelled(peer: &Peer, stock: &Stock, session: SessionId) -> Outcome {
    let inside = stock.within(session);
    check_error("a read", inside.rows().await, ErrorKind::Cancelled)?;
    let write = inside.write(&stock.insert(COLUMNS), &[row(9, "x", 0, "x")], &[]).await;
    check_error("a write", write, ErrorKind::Cancelled)?;
    check_error("a commit", peer.service.commit(within(session)).await, ErrorKind::Cancelled)?;
    check_error("a rollback", peer.service.rollback(within(session)).await, ErrorKind::Cancelled).map(drop)
}

async fn ended(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let session = begin(&peer.service).await?;
    stock.within(session).done(&stock.insert(COLUMNS), &[fifth()], &[]).await?;
    end(peer.service.commit(within(session))).await?;
    is_cancelled(&peer, &stock, session).await?;
    let session = begin(&peer.service).await?;
    end(peer.service.rollback(within(session))).await?;
    is_cancelled(&peer, &stock, session).await?;
    stock.holds(&with_fifth()).await
}

async fn never_begun(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    for number in [0, u64::MAX] {
        let session = SessionId { number, process: 0 };
        is_cancelled(&peer, &stock, session).await?;
    }
    stock.is_untouched().await
}

async fn reads(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let read_only = peer.service.begin(&Begin { read_only: true }, context(CALL_TIME)).await;
    let session = read_only.map_err(|error| full(&error))?;
    stock.within(session).is_untouched().await?;
    end(peer.service.commit(within(session))).await?;
    is_cancelled_read(&stock.within(session)).await
}

async fn is_cancelled_read(ended: &Stock) -> Outcome {
    check_error("a read", ended.rows().await, ErrorKind::Cancelled).map(drop)
}

/// Each reads a number and writes one more: none of it is lost, though a store may ask to try again.
async fn crowd(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let mut writers = JoinSet::new();
    for _ in 0..CROWD {
        let (peer, stock) = (Arc::clone(&peer), stock.clone());
        writers.spawn(async move { retried(|| count_up(&peer.service, &stock)).await });
    }
    for ended in writers.join_all().await {
        ended.map_err(|error| full(&error))?;
    }
    let rows = stock.rows().await.map_err(|error| full(&error))?;
    same("the first row", &rows.first(), &Some(&row(1, "anchor", 3 + CROWD, "old")))
}

async fn count_up(service: &Service, stock: &Stock) -> Result<()> {
    let session = service.begin(&Begin::default(), context(CALL_TIME)).await?;
    match one_more(&stock.within(session)).await {
        Ok(()) => service.commit(within(session)).await,
        Err(error) => {
            service.rollback(within(session)).await?;
            Err(error)
        }
    }
}

async fn one_more(inside: &Stock) -> Result<()> {
    let rows = inside.rows().await?;
    let Some([_, _, Value::I64(qty), _]) = rows.first().map(Vec::as_slice) else {
        return Err(Error::internal("the first row has no number"));
    };
    let answer = inside.write(&inside.update(&["qty"]), &[[int(1), int(qty + 1)]], &[]).await?;
    match answer.ends.as_slice() {
        [End::Done] => Ok(()),
        [End::Failed(kind, _)] => Err(Error::new(*kind, "the record failed")),
        ends => Err(Error::internal(format!("{ends:?}"))),
    }
}

/// A store that lives in the service has nothing left of it; of another one nothing is kept, and nothing stays locked.
async fn closed(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let service = peer.another().await?;
    let session = begin(&service).await?;
    let inside = stock.through(&service).within(session);
    inside.done(&stock.insert(COLUMNS), &[fifth()], &[]).await?;
    inside.holds(&with_fifth()).await?;
    service.close().await;
    check_error("a read", inside.rows().await, ErrorKind::Internal)?;
    let next = peer.another().await?;
    let stock = stock.through(&next);
    stock.is_untouched().await?;
    stock.insist(&stock.insert(COLUMNS), &[fifth()], &[]).await?;
    stock.holds(&with_fifth()).await?;
    next.close().await;
    Ok(())
}
