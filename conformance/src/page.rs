//! Limit, offset and tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{CompareOp, Direction, Value};

use super::ask::{ALL, Ask, compare};
use super::peer::{Peer, Rows, check_error, full, read_rows};
use super::tables::{EMPTY, ITEM, MANY, MANY_ROWS};
use super::{Case, Outcome, holds, same};

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
        Case::new("page::tokens_lead_through_every_row_once", &["query", "page_token"], tokens),
        Case::new(
            "page::tokens_lead_through_matching_rows_only",
            &["query", "page_token", "filter_compare"],
            matching_tokens,
        ),
        Case::new("page::a_token_of_another_place_is_refused", &["query", "page_token"], wrong_token),
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

/// All rows by following tokens; a page may be short, even empty. One page more than the longest table has rows is one too many.
pub(super) async fn walked(peer: &Peer, ask: &Ask, limit: u64) -> Result<Rows, String> {
    let (mut all, mut token): (Rows, Option<String>) = (Rows::new(), None);
    for _ in 0..=ALL + 1 {
        let page = ask.clone().limit(limit).after(token.as_deref());
        let mut answer = peer.start(&page).await.map_err(|error| full(&error))?;
        let rows = read_rows(&mut answer, &page.wanted()).await.map_err(|error| full(&error))?;
        holds(u64::try_from(rows.len()).is_ok_and(|rows| rows <= limit), || {
            format!("{} rows in a page of at most {limit}", rows.len())
        })?;
        all.extend(rows);
        token = answer.summary().and_then(|summary| summary.next.clone());
        if token.is_none() {
            return Ok(all);
        }
    }
    Err(format!("the pages have no end: the last one read gave a token again, after {} rows", all.len()))
}

/// All ids by following tokens, in ascending order.
async fn walked_ids(peer: &Peer, ask: &Ask, limit: u64) -> Result<Vec<i64>, String> {
    let rows = walked(peer, ask, limit).await?;
    let id = |cell: &Value| if let Value::I64(id) = cell { Some(*id) } else { None };
    let mut ids: Vec<i64> = rows.iter().flatten().filter_map(id).collect();
    ids.sort_unstable();
    Ok(ids)
}

async fn tokens(peer: Arc<Peer>) -> Outcome {
    for (table, limit, rows) in
        [(ITEM, 1, 10), (ITEM, 3, 10), (ITEM, 10, 10), (MANY, 700, MANY_ROWS), (EMPTY, 5, 0)]
    {
        let ids = walked_ids(&peer, &peer.ask(table, &["id"]), limit).await?;
        same(format_args!("ids of {table} in pages of {limit}"), &ids, &(1..=rows).collect())?;
    }
    Ok(())
}

async fn matching_tokens(peer: Arc<Peer>) -> Outcome {
    let even = compare("parity", CompareOp::Eq);
    let ask = peer.ask(MANY, &["id"]).filter(even, &[Value::I64(0)]);
    let ids = walked_ids(&peer, &ask, 300).await?;
    same("even ids", &ids, &(1..=MANY_ROWS).filter(|id| id % 2 == 0).collect())?;
    let none = compare("parity", CompareOp::Gt);
    let ask = peer.ask(MANY, &["id"]).filter(none, &[Value::I64(9)]);
    same("ids of no row", &walked_ids(&peer, &ask, 300).await?, &Vec::new())
}

async fn wrong_token(peer: Arc<Peer>) -> Outcome {
    for token in ["", "5", "{}{}", "no token of this store"] {
        let answer = peer.rows(&peer.ask(ITEM, &["id"]).after(Some(token))).await;
        check_error(token, answer, ErrorKind::InvalidRequest)?;
    }
    peer.check_usable().await
}
