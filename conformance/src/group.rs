//! Groups, aggregates and rows without their doubles. The rows are those of the table `item`.

use std::sync::Arc;

use connector_api::model::{
    Aggregate, AggregateFunction, CompareOp, Direction, Filter, Group, Nulls, Path, Value,
};

use super::ask::{Ask, compare};
use super::peer::{Peer, Rows, full};
use super::tables::{EMPTY, ITEM, MANY};
use super::{Case, Outcome, same};
use AggregateFunction::{Avg, Count, Max, Min, Sum};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("group::distinct_rows_come_once", &["query", "distinct", "order", "order_nulls"], distinct),
        Case::new(
            "group::distinct_rows_are_paged",
            &["query", "distinct", "order", "offset"],
            distinct_pages,
        ),
        Case::new("group::aggregates_of_all_rows_leave_nulls_out", &["query", "aggregates"], totals),
        Case::new("group::no_rows_are_one_group_without_a_column", &["query", "aggregates"], no_rows),
        Case::new("group::nulls_are_one_group", &["query", "aggregates", "order", "order_nulls"], by_size),
        Case::new("group::an_aggregate_may_order", &["query", "aggregates", "order", "order_nulls"], ordered),
        Case::new(
            "group::having_chooses_groups_and_a_filter_chooses_rows",
            &["query", "aggregates", "order", "order_nulls", "filter_compare"],
            chosen,
        ),
        Case::new("group::each_value_counts_once_when_asked_so", &["query", "aggregates"], distinct_values),
    ]
}

fn aggregate(function: AggregateFunction, of: Option<&str>, name: &str) -> Aggregate {
    Aggregate { function, of: of.map(Path::column), distinct: false, name: name.to_owned() }
}

fn by_column(by: &[&str], aggregates: Vec<Aggregate>, having: Option<Filter>) -> Group {
    Group { by: by.iter().map(|name| Path::column(*name)).collect(), aggregates, having }
}

/// Rows in which every number is a double: a store may count and sum in the type that it likes, and these are small.
async fn numbers(peer: &Peer, ask: &Ask) -> Result<Rows, String> {
    let double = |value: Value| match value {
        #[allow(clippy::cast_precision_loss, reason = "the numbers of the suite are small")]
        Value::I64(number) => Ok(Value::F64(number as f64)),
        #[allow(clippy::cast_precision_loss, reason = "the numbers of the suite are small")]
        Value::U64(number) => Ok(Value::F64(number as f64)),
        Value::Decimal(digits) => digits.parse().map(Value::F64).map_err(|_| digits),
        other => Ok(other),
    };
    let rows = peer.rows(ask).await.map_err(|error| full(&error))?;
    rows.into_iter().map(|row| row.into_iter().map(double).collect()).collect()
}

/// `NaN` stands for null.
fn rows<const COLUMNS: usize>(expected: &[[f64; COLUMNS]]) -> Rows {
    let value = |number: &f64| if number.is_nan() { Value::Null } else { Value::F64(*number) };
    expected.iter().map(|row| row.iter().map(value).collect()).collect()
}

const NULL: f64 = f64::NAN;

async fn distinct(peer: Arc<Peer>) -> Outcome {
    let ask = peer.ask(ITEM, &["size"]).distinct().order("size", Direction::Asc, Some(Nulls::Last));
    let expected = rows(&[[-7.0], [1.0], [3.0], [7.0], [20.0], [NULL]]);
    same("sizes", &numbers(&peer, &ask).await?, &expected)
}

async fn distinct_pages(peer: Arc<Peer>) -> Outcome {
    for (offset, expected) in [(0, vec![0]), (1, vec![1]), (2, vec![])] {
        let ask = peer.ask(MANY, &["parity"]).distinct().order("parity", Direction::Asc, None);
        same("parities", &peer.integers(&ask.limit(1).offset(offset)).await?, &expected)?;
    }
    Ok(())
}

fn all_of_size() -> Vec<Aggregate> {
    vec![
        aggregate(Count, None, "rows"),
        aggregate(Count, Some("size"), "known"),
        aggregate(Sum, Some("size"), "total"),
        aggregate(Avg, Some("size"), "mean"),
        aggregate(Min, Some("size"), "least"),
        aggregate(Max, Some("size"), "most"),
    ]
}

async fn totals(peer: Arc<Peer>) -> Outcome {
    let ask = peer.ask(ITEM, &[]).group(by_column(&[], all_of_size(), None));
    let expected = rows(&[[10.0, 8.0, 31.0, 3.875, -7.0, 20.0]]);
    same("sizes", &numbers(&peer, &ask).await?, &expected)
}

async fn no_rows(peer: Arc<Peer>) -> Outcome {
    let aggregates = || {
        vec![
            aggregate(Count, None, "rows"),
            aggregate(Sum, Some("id"), "total"),
            aggregate(Max, Some("id"), "most"),
        ]
    };
    let all = peer.ask(EMPTY, &[]).group(by_column(&[], aggregates(), None));
    same("one group", &numbers(&peer, &all).await?, &rows(&[[0.0, NULL, NULL]]))?;
    let by_note = peer.ask(EMPTY, &["note"]).group(by_column(&["note"], aggregates(), None));
    same("groups by a column", &numbers(&peer, &by_note).await?, &Rows::new())
}

fn by_size_ask(peer: &Peer, having: Option<Filter>) -> Ask {
    let aggregates = vec![aggregate(Count, None, "rows"), aggregate(Max, Some("id"), "last")];
    peer.ask(ITEM, &["size"]).group(by_column(&["size"], aggregates, having))
}

async fn by_size(peer: Arc<Peer>) -> Outcome {
    let ask = by_size_ask(&peer, None).order("size", Direction::Asc, Some(Nulls::First));
    let expected = rows(&[
        [NULL, 2.0, 8.0],
        [-7.0, 1.0, 5.0],
        [1.0, 2.0, 7.0],
        [3.0, 3.0, 10.0],
        [7.0, 1.0, 9.0],
        [20.0, 1.0, 6.0],
    ]);
    same("groups", &numbers(&peer, &ask).await?, &expected)
}

async fn ordered(peer: Arc<Peer>) -> Outcome {
    let ask = by_size_ask(&peer, None).order("rows", Direction::Desc, None);
    let ask = ask.order("size", Direction::Desc, Some(Nulls::Last)).limit(3);
    let expected = rows(&[[3.0, 3.0, 10.0], [1.0, 2.0, 7.0], [NULL, 2.0, 8.0]]);
    same("groups", &numbers(&peer, &ask).await?, &expected)
}

async fn chosen(peer: Arc<Peer>) -> Outcome {
    // One value serves both: groups of more than one row, ids above one.
    let one = [Value::I64(1)];
    let having = Some(compare("rows", CompareOp::Gt));
    let ask = by_size_ask(&peer, having).filter(compare("id", CompareOp::Gt), &one);
    let ask = ask.order("size", Direction::Asc, Some(Nulls::Last));
    let expected = rows(&[[1.0, 2.0, 7.0], [3.0, 2.0, 10.0], [NULL, 2.0, 8.0]]);
    same("groups", &numbers(&peer, &ask).await?, &expected)
}

async fn distinct_values(peer: Arc<Peer>) -> Outcome {
    let distinct = |function, name| Aggregate { distinct: true, ..aggregate(function, Some("size"), name) };
    let aggregates = vec![distinct(Count, "known"), distinct(Sum, "total")];
    let ask = peer.ask(ITEM, &[]).group(by_column(&[], aggregates, None));
    same("sizes", &numbers(&peer, &ask).await?, &rows(&[[5.0, 24.0]]))
}
