//! Calls that end early, come late or come in crowds: the service stays as usable as before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector_api::model::{Insert, OnError, Value};
use connector_api::{Error, ErrorKind};
use tokio::task::JoinSet;

use super::ask::equals;
use super::peer::{Peer, context, full, read};
use super::stock::{COLUMNS, Stock, row};
use super::tables::{ITEM, MANY, MANY_ROWS};
use super::{Case, Outcome, holds, same};

/// More than any pool of connections has, so that calls wait for each other.
const CROWD: i64 = 200;
/// Records of a call that is dropped.
const RECORDS: i64 = 100;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("calls::a_call_dropped_at_once_leaves_the_service_usable", &["query"], dropped_at_once),
        Case::new(
            "calls::a_call_dropped_between_its_rows_leaves_the_service_usable",
            &["query"],
            dropped_midway,
        ),
        Case::new(
            "calls::an_atomic_write_dropped_at_once_is_whole_or_nothing",
            &["query", "insert", "on_error_atomic"],
            write_dropped,
        ),
        Case::new("calls::a_call_without_time_is_late_or_whole", &["query"], without_time),
        Case::new("calls::many_calls_at_once_get_their_own_rows", &["query", "filter_compare"], crowd),
        Case::new("calls::many_unread_answers_do_not_mix", &["query"], unread),
    ]
}

async fn dropped_at_once(peer: Arc<Peer>) -> Outcome {
    for _ in 0..50 {
        drop(peer.start(&peer.ask(MANY, &["id", "label"])).await.map_err(|error| full(&error))?);
    }
    peer.check_usable().await
}

async fn dropped_midway(peer: Arc<Peer>) -> Outcome {
    for _ in 0..50 {
        let mut answer = peer.start(&peer.ask(MANY, &["id", "label"])).await.map_err(|error| full(&error))?;
        match answer.next().await {
            Some(Ok(_)) => {}
            other => return Err(format!("expected rows, found {other:?}")),
        }
    }
    peer.check_usable().await
}

async fn write_dropped(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Insert { on_error: OnError::Atomic, ..stock.insert(COLUMNS) };
    for call in 1..=20 {
        let first = call * RECORDS;
        let records: Vec<_> = (first..first + RECORDS).map(|id| row(id, "one of many", id, "new")).collect();
        drop(stock.start(&shape, &records).await.map_err(|error| full(&error))?);
    }
    // Behind all of them, in stores that write one after the other.
    stock.insist(&stock.insert(COLUMNS), &[row(5, "last", 0, "new")], &[]).await?;
    let rows = stock.rows().await.map_err(|error| full(&error))?;
    let written = rows.iter().filter_map(|row| match row.first() {
        Some(Value::I64(id)) if *id >= RECORDS => Some(id / RECORDS),
        _ => None,
    });
    let mut sizes = BTreeMap::new();
    written.for_each(|call| *sizes.entry(call).or_insert(0) += 1);
    let parts: Vec<_> = sizes.iter().filter(|(_, size)| **size != RECORDS).collect();
    holds(parts.is_empty(), || format!("calls of which a part was written, and how much: {parts:?}"))?;
    peer.check_usable().await
}

/// The call may be over before anybody looks at the clock; half an answer is never taken for a whole one.
async fn without_time(peer: Arc<Peer>) -> Outcome {
    let ask = peer.ask(MANY, &["id"]);
    for micros in [0, 1, 100, 1_000] {
        let (shape, params) = ask.query();
        let rows = match peer.service.query(&shape, &params, context(Duration::from_micros(micros))).await {
            Ok(answer) => read(answer, &["id".to_owned()]).await,
            Err(error) => Err(error),
        };
        match rows {
            Ok(rows) => same("rows", &i64::try_from(rows.len()).unwrap_or(-1), &MANY_ROWS)?,
            Err(Error { kind: ErrorKind::Timeout, .. }) => {}
            Err(error) => return Err(format!("expected Timeout, found {}", full(&error))),
        }
    }
    peer.check_usable().await
}

async fn crowd(peer: Arc<Peer>) -> Outcome {
    let mut calls = JoinSet::new();
    for id in 1..=CROWD {
        let peer = Arc::clone(&peer);
        calls.spawn(async move {
            let ask = peer.ask(MANY, &["id"]).filter(equals("id", 0), &[Value::I64(id)]);
            same("ids", &peer.integers(&ask).await?, &vec![id])
        });
    }
    for result in calls.join_all().await {
        result?;
    }
    peer.check_usable().await
}

/// Answers are opened together and read one after the other.
async fn unread(peer: Arc<Peer>) -> Outcome {
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(peer.start(&peer.ask(ITEM, &["id"]).limit(3)).await.map_err(|error| full(&error))?);
    }
    for answer in answers {
        let rows = read(answer, &["id".to_owned()]).await.map_err(|error| full(&error))?;
        same("rows", &rows.len(), &3)?;
    }
    peer.check_usable().await
}
