//! The order of rows. The numbers are ids of the table `item` unless a case says otherwise.

use std::sync::Arc;

use connector_api::model::{CompareOp, Direction, Nulls, Value};

use super::ask::{Ask, compare};
use super::peer::Peer;
use super::quirks::ChoiceName;
use super::tables::{ITEM, MANY};
use super::words::order_words;
use super::{Case, Outcome, same};
use Direction::{Asc, Desc};
use Nulls::{First, Last};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("order::one_column_goes_up_or_down", &["query", "order"], one_column),
        Case::new(
            "order::the_second_column_orders_what_is_equal_in_the_first",
            &["query", "order"],
            two_columns,
        ),
        Case::new(
            "order::nulls_stand_at_the_end_where_the_store_puts_them",
            &["query", "order"],
            store_nulls,
        ),
        Case::new("order::nulls_stand_where_the_order_says", &["query", "order", "order_nulls"], nulls),
        Case::new("order::numbers_are_ordered_by_value", &["query", "order", "order_nulls"], numbers),
        Case::new("order::a_column_that_is_not_wanted_may_order", &["query", "order"], not_selected),
        Case::new(
            "order::only_matching_rows_are_ordered",
            &["query", "order", "filter_compare"],
            with_filter,
        ),
    ]
}

async fn check(peer: &Peer, ask: Ask, expected: &[i64]) -> Outcome {
    let found = peer.integers(&ask).await?;
    same(format_args!("order by {}", order_words(&ask.query().0.order)), &found, &expected.to_vec())
}

async fn one_column(peer: Arc<Peer>) -> Outcome {
    for by in ["id", "name"] {
        check(&peer, peer.ask(ITEM, &["id"]).order(by, Asc, None), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).await?;
        check(&peer, peer.ask(ITEM, &["id"]).order(by, Desc, None), &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).await?;
    }
    Ok(())
}

async fn two_columns(peer: Arc<Peer>) -> Outcome {
    for (parity, id, expected) in [
        (Asc, Asc, [2, 4, 6]),
        (Asc, Desc, [5000, 4998, 4996]),
        (Desc, Asc, [1, 3, 5]),
        (Desc, Desc, [4999, 4997, 4995]),
    ] {
        let ask = peer.ask(MANY, &["id"]).order("parity", parity, None).order("id", id, None).limit(3);
        check(&peer, ask, &expected).await?;
    }
    Ok(())
}

async fn store_nulls(peer: Arc<Peer>) -> Outcome {
    let are_highest = peer.quirks.has(ChoiceName::NullsAreHighest);
    for (direction, nulls_first, nulls_last) in [
        (Asc, [3, 8, 5, 2, 7, 1, 4, 10, 9, 6], [5, 2, 7, 1, 4, 10, 9, 6, 3, 8]),
        (Desc, [3, 8, 6, 9, 1, 4, 10, 2, 7, 5], [6, 9, 1, 4, 10, 2, 7, 5, 3, 8]),
    ] {
        let expected = if (direction == Asc) == are_highest { nulls_last } else { nulls_first };
        let ask = peer.ask(ITEM, &["id"]).order("size", direction, None).order("id", Asc, None);
        check(&peer, ask, &expected).await?;
    }
    Ok(())
}

async fn nulls(peer: Arc<Peer>) -> Outcome {
    for (direction, nulls, expected) in [
        (Asc, First, [3, 8, 5, 2, 7, 1, 4, 10, 9, 6]),
        (Asc, Last, [5, 2, 7, 1, 4, 10, 9, 6, 3, 8]),
        (Desc, First, [3, 8, 6, 9, 1, 4, 10, 2, 7, 5]),
        (Desc, Last, [6, 9, 1, 4, 10, 2, 7, 5, 3, 8]),
    ] {
        let ask = peer.ask(ITEM, &["id"]).order("size", direction, Some(nulls)).order("id", Asc, None);
        check(&peer, ask, &expected).await?;
    }
    Ok(())
}

async fn numbers(peer: Arc<Peer>) -> Outcome {
    let ask = peer.ask(ITEM, &["id"]).order("weight", Asc, Some(Last)).order("size", Desc, Some(Last));
    check(&peer, ask.order("id", Desc, None), &[5, 2, 6, 10, 1, 3, 9, 7, 4, 8]).await
}

async fn not_selected(peer: Arc<Peer>) -> Outcome {
    let ask = peer.ask(ITEM, &["id"]).order("name", Desc, None).limit(2);
    check(&peer, ask, &[10, 9]).await
}

async fn with_filter(peer: Arc<Peer>) -> Outcome {
    let ask = peer.ask(ITEM, &["id"]).filter(compare("size", CompareOp::Eq), &[Value::I64(3)]);
    check(&peer, ask.order("id", Desc, None), &[10, 4, 1]).await
}
