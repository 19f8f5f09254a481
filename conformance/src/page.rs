//! Limit and offset.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_api::model::{CompareOp, Direction, Value};

use super::ask::compare;
use super::peer::Peer;
use super::tables::{ITEM, MANY, MANY_ROWS};
use super::{Case, Outcome, same};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("page::a_limit_gives_that_many_rows_and_no_more", &["query"], limit),
        Case::new("page::a_limit_cuts_the_ordered_rows", &["query", "order"], ordered),
        Case::new("page::an_offset_skips_the_first_rows", &["query", "order", "offset"], offset),
        Case::new("page::pages_hold_every_row_once", &["query", "order", "offset"], pages),
        Case::new(
            "page::an_offset_counts_matching_rows_only",
            &["query", "order", "offset", "filter_compare"],
            matching,
        ),
    ]
}

async fn limit(peer: Arc<Peer>) -> Outcome {
    for (table, limit, expected) in
        [(ITEM, 1, 1), (ITEM, 9, 9), (ITEM, 10, 10), (ITEM, u64::MAX / 2, 10), (MANY, 2_345, 2_345)]
    {
        let ids = peer.integers(&peer.ask(table, &["id"]).limit(limit)).await?;
        same(format_args!("rows with limit {limit}"), &ids.len(), &expected)?;
        let different: BTreeSet<i64> = ids.into_iter().collect();
        same(format_args!("different rows with limit {limit}"), &different.len(), &expected)?;
    }
    Ok(())
}

async fn ordered(peer: Arc<Peer>) -> Outcome {
    let ask = peer.ask(ITEM, &["id"]).order("name", Direction::Desc, None).limit(3);
    same("the last three", &peer.integers(&ask).await?, &vec![10, 9, 8])
}

async fn offset(peer: Arc<Peer>) -> Outcome {
    for (offset, limit, expected) in [
        (0, 3, vec![1, 2, 3]),
        (4, 3, vec![5, 6, 7]),
        (9, 3, vec![10]),
        (10, 3, vec![]),
        (1_000_000, 1, vec![]),
    ] {
        let ask = peer.ask(ITEM, &["id"]).order("id", Direction::Asc, None).limit(limit).offset(offset);
        let found = peer.integers(&ask).await?;
        same(format_args!("limit {limit}, offset {offset}"), &found, &expected)?;
    }
    Ok(())
}

async fn pages(peer: Arc<Peer>) -> Outcome {
    let mut ids = Vec::new();
    for page in 0..8 {
        let ask = peer.ask(MANY, &["id"]).order("id", Direction::Asc, None).limit(700).offset(page * 700);
        ids.extend(peer.integers(&ask).await?);
    }
    same("all pages", &ids, &(1..=MANY_ROWS).collect())
}

async fn matching(peer: Arc<Peer>) -> Outcome {
    let even = compare("parity", CompareOp::Eq);
    let ask = peer.ask(MANY, &["id"]).filter(even, &[Value::I64(0)]).order("id", Direction::Asc, None);
    same("even ids", &peer.integers(&ask.limit(2).offset(10)).await?, &vec![22, 24])
}
