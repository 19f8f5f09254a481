//! Declared limits: what reaches one works, one more is refused.

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{CompareOp, Filter, Value};

use super::ask::{Ask, compare, in_list, not};
use super::peer::{Peer, check_error};
use super::stock::{COLUMNS, Stock, before, row};
use super::tables::MANY;
use super::{Case, Outcome, same};

pub(super) fn cases() -> Vec<Case> {
    let parameters = &["query", "filter_in", "limit.max_parameters"];
    let depth = &["query", "filter_compare", "filter_not", "limit.max_filter_depth"];
    let records = &["query", "insert", "limit.max_records"];
    vec![
        Case::new("limits::as_many_parameters_as_declared_work", parameters, parameters_at_the_limit),
        Case::new("limits::one_parameter_more_is_refused", parameters, one_parameter_more),
        Case::new("limits::a_filter_as_deep_as_declared_works", depth, depth_at_the_limit),
        Case::new("limits::a_filter_one_deeper_is_refused", depth, one_deeper),
        Case::new("limits::as_many_records_as_declared_are_written", records, records_at_the_limit),
        Case::new("limits::with_one_record_more_nothing_is_written", records, one_record_more),
        Case::new("limits::a_wide_filter_is_not_deep", &["query", "filter_compare", "filter_or"], wide),
    ]
}

/// A query with so many parameters: a list, and the limit.
fn with_parameters(peer: &Peer, parameters: u32) -> Ask {
    let items = (1..i64::from(parameters)).map(Value::I64).collect();
    peer.ask(MANY, &["id"]).filter(in_list("id"), &[Value::List(items)])
}

fn max_parameters(peer: &Peer) -> u32 {
    peer.service.capabilities().max_parameters.unwrap_or(u32::MAX)
}

async fn parameters_at_the_limit(peer: Arc<Peer>) -> Outcome {
    let limit = max_parameters(&peer);
    let mut ids = peer.integers(&with_parameters(&peer, limit)).await?;
    ids.sort_unstable();
    same("ids in a long list", &ids, &(1..=5_000).take_while(|id| *id < i64::from(limit)).collect())
}

async fn one_parameter_more(peer: Arc<Peer>) -> Outcome {
    let ask = with_parameters(&peer, max_parameters(&peer) + 1);
    check_error("one parameter more", peer.rows(&ask).await, ErrorKind::LimitExceeded)?;
    peer.check_usable().await
}

/// A filter of this depth; a leaf has depth 1.
fn deep(depth: u32) -> Filter {
    let leaf = compare("id", CompareOp::Le);
    (1..depth).fold(leaf, |inner, level| if level % 2 == 0 { Filter::And(vec![inner]) } else { not(inner) })
}

fn max_depth(peer: &Peer) -> u32 {
    peer.service.capabilities().max_filter_depth.unwrap_or(u32::MAX)
}

async fn depth_at_the_limit(peer: Arc<Peer>) -> Outcome {
    let depth = max_depth(&peer);
    let ids = peer.matching(MANY, deep(depth), &[Value::I64(2)]).await?;
    // Every second level turns it around.
    let expected =
        if (depth / 2).is_multiple_of(2) { (1..=2).collect() } else { (3..=5_000).collect::<Vec<_>>() };
    same(format_args!("ids of a filter of depth {depth}"), &ids, &expected)
}

async fn one_deeper(peer: Arc<Peer>) -> Outcome {
    let ask = peer.ask(MANY, &["id"]).filter(deep(max_depth(&peer) + 1), &[Value::I64(2)]);
    check_error("a filter one deeper", peer.rows(&ask).await, ErrorKind::LimitExceeded)?;
    peer.check_usable().await
}

async fn wide(peer: Arc<Peer>) -> Outcome {
    let filter = Filter::Or((0..1_000).map(|_| compare("id", CompareOp::Eq)).collect());
    same("ids of a wide filter", &peer.matching(MANY, filter, &[Value::I64(7)]).await?, &vec![7])
}

/// So many new rows.
fn records(count: u32) -> Vec<Vec<Value>> {
    (5..5 + i64::from(count)).map(|id| row(id, "one of many", id, "new")).collect()
}

fn max_records(peer: &Peer) -> u32 {
    peer.service.capabilities().max_records.unwrap_or(u32::MAX)
}

async fn records_at_the_limit(peer: Arc<Peer>) -> Outcome {
    let (stock, records) = (Stock::new(&peer)?, records(max_records(&peer)));
    stock.done(&stock.insert(COLUMNS), &records, &[]).await?;
    stock.holds(&[before(), records].concat()).await
}

async fn one_record_more(peer: Arc<Peer>) -> Outcome {
    let (stock, records) = (Stock::new(&peer)?, records(max_records(&peer) + 1));
    let answer = stock.write(&stock.insert(COLUMNS), &records, &[]).await;
    check_error("one record more", answer, ErrorKind::LimitExceeded)?;
    stock.is_untouched().await
}
