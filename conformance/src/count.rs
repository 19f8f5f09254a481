//! Counts, exact ones.

use std::sync::Arc;

use connector_api::model::{CompareOp, Value};

use super::ask::compare;
use super::peer::{Peer, full};
use super::tables::{EMPTY, ITEM, MANY};
use super::{Case, Outcome, same};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("count::a_count_is_exact", &["count"], whole),
        Case::new("count::only_matching_rows_are_counted", &["count", "filter_compare"], matching),
    ]
}

async fn whole(peer: Arc<Peer>) -> Outcome {
    for (table, expected) in [(ITEM, 10), (MANY, 5_000), (EMPTY, 0)] {
        let count = peer.count(&peer.ask(table, &["id"])).await.map_err(|error| full(&error))?;
        same(format_args!("rows of {table}"), &count, &expected)?;
    }
    Ok(())
}

async fn matching(peer: Arc<Peer>) -> Outcome {
    for (table, column, op, value, expected) in [
        (ITEM, "size", CompareOp::Eq, 3, 3),
        (ITEM, "size", CompareOp::Ne, 3, 5),
        (ITEM, "id", CompareOp::Gt, 10, 0),
        (MANY, "parity", CompareOp::Eq, 1, 2_500),
        (EMPTY, "id", CompareOp::Ge, 0, 0),
    ] {
        let ask = peer.ask(table, &["id"]).filter(compare(column, op), &[Value::I64(value)]);
        let count = peer.count(&ask).await.map_err(|error| full(&error))?;
        same(format_args!("rows of {table} with {column} {op:?} {value}"), &count, &expected)?;
    }
    Ok(())
}
