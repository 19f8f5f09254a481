//! Errors: the right kind, nothing bent, nothing told that a caller may not know, and the service as usable as before.

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{ArithmeticOp, CompareOp, Direction, Expr, Operation, Value};
use serde::Serialize;
use serde_json::{Value as Json, json};
use tablegate::connectors::Params;
use tablegate::connectors::rows::Bounds;

use super::ask::{arithmetic, column, compare, compare_exprs, text};
use super::peer::{CALL_TIME, Peer, check_error, context, full, read};
use super::tables::ITEM;
use super::{Case, Outcome, holds, same, sent};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("errors::an_unknown_table_is_not_found", &["query"], unknown_table),
        Case::new("errors::an_unknown_table_is_not_counted", &["count"], unknown_counted),
        Case::new(
            "errors::an_unknown_column_is_not_found",
            &["query", "store.declared_columns"],
            unknown_column,
        ),
        Case::new(
            "errors::an_unknown_column_of_a_filter_is_not_found",
            &["query", "filter_compare", "store.declared_columns"],
            unknown_in_filter,
        ),
        Case::new(
            "errors::an_unknown_column_of_an_order_is_not_found",
            &["query", "order", "store.declared_columns"],
            unknown_in_order,
        ),
        Case::new("errors::an_error_does_not_tell_a_value", &["query", "filter_compare"], no_values),
        Case::new(
            "errors::a_number_out_of_range_is_an_error",
            &["query", "filter_compare", "filter_expressions"],
            out_of_range,
        ),
        Case::new("errors::an_unknown_part_of_a_query_is_refused", &["query"], unknown_part),
        Case::new("errors::an_unknown_part_of_a_count_is_refused", &["count"], unknown_part_of_count),
        Case::new("errors::an_unknown_need_is_refused", &["query"], unknown_need),
        Case::new("errors::an_unknown_hint_is_ignored", &["query"], unknown_hint),
    ]
}

async fn unknown_table(peer: Arc<Peer>) -> Outcome {
    for name in ["no_such_table", "", "item; --"] {
        check_error(name, peer.rows(&peer.ask(name, &["id"])).await, ErrorKind::NotFound)?;
    }
    let mut ask = peer.name(ITEM);
    ask.namespace = vec!["no_such_schema".to_owned()];
    let answer = peer.rows(&super::ask::Ask::new(ask, &["id"])).await;
    check_error("a table elsewhere", answer, ErrorKind::NotFound)?;
    peer.check_usable().await
}

async fn unknown_counted(peer: Arc<Peer>) -> Outcome {
    let answer = peer.count(&peer.ask("no_such_table", &["id"])).await;
    check_error("a count", answer, ErrorKind::NotFound).map(drop)
}

async fn unknown_column(peer: Arc<Peer>) -> Outcome {
    for name in ["no_such_column", "id\" --", "*", "1"] {
        check_error(name, peer.rows(&peer.ask(ITEM, &["id", name])).await, ErrorKind::NotFound)?;
    }
    peer.check_usable().await
}

async fn unknown_in_filter(peer: Arc<Peer>) -> Outcome {
    let ask = peer.ask(ITEM, &["id"]).filter(compare("no_such_column", CompareOp::Eq), &[Value::I64(1)]);
    check_error("a filter", peer.rows(&ask).await, ErrorKind::NotFound).map(drop)
}

async fn unknown_in_order(peer: Arc<Peer>) -> Outcome {
    let ask = peer.ask(ITEM, &["id"]).order("no_such_column", Direction::Asc, None);
    check_error("an order", peer.rows(&ask).await, ErrorKind::NotFound).map(drop)
}

async fn no_values(peer: Arc<Peer>) -> Outcome {
    let secret = "hunter2 is a secret";
    let filter = compare("no_such_column", CompareOp::Eq);
    let ask = peer.ask("no_such_table", &["id"]).filter(filter, &[text(secret)]);
    let error = check_error("a filter", peer.rows(&ask).await, ErrorKind::NotFound)?;
    holds(!format!("{error:?}").contains("hunter2"), || format!("the error tells a value: {}", full(&error)))
}

async fn out_of_range(peer: Arc<Peer>) -> Outcome {
    let product = arithmetic(column("id"), ArithmeticOp::Mul, Expr::Param(0));
    let filter = compare_exprs(product, CompareOp::Gt, Expr::Param(1));
    let ask = peer.ask(ITEM, &["id"]).filter(filter, &[Value::I64(i64::MAX), Value::I64(0)]);
    let error = check_error("a product", peer.rows(&ask).await, ErrorKind::InvalidRequest)?;
    same("reason", &error.reason.as_deref(), &Some("out_of_range"))?;
    peer.check_usable().await
}

/// Sends a shape with more members than it has and gives the number of rows.
async fn send(
    peer: &Peer,
    operation: Operation,
    (shape, params): (impl Serialize, Params),
    more: &Json,
) -> connector_api::Result<usize> {
    let mut head = serde_json::to_value(shape).unwrap_or_default();
    if let (Some(head), Some(more)) = (head.as_object_mut(), more.as_object()) {
        head.extend(more.clone());
    }
    sent::note(operation, &head);
    let (head, body) = (head.to_string(), params.frames().into_bytes());
    let bounds = Bounds { rows: 100, outcomes: 0 };
    let answer = peer.service.call(operation, (head.as_bytes(), &body), context(CALL_TIME), bounds).await?;
    read(answer, &[]).await.map(|rows| rows.len())
}

async fn query(peer: &Peer, more: &Json) -> connector_api::Result<usize> {
    send(peer, Operation::Query, peer.ask(ITEM, &["id"]).limit(100).query(), more).await
}

async fn unknown_part(peer: Arc<Peer>) -> Outcome {
    for more in [
        json!({"row_rule": {"always": false}}),
        json!({"filter": {"sounds_like": {}}}),
        json!({"filter": {"in": {"expr": {"column": ["id"]}, "list": 0, "collation": "x"}}}),
        json!({"from": {"name": ITEM, "as_of": 0}}),
        json!({"order": [{"by": ["id"], "direction": "sideways"}]}),
    ] {
        check_error(&more, query(&peer, &more).await, ErrorKind::Unsupported)?;
    }
    Ok(())
}

async fn unknown_part_of_count(peer: Arc<Peer>) -> Outcome {
    for more in [json!({"row_rule": {"always": false}}), json!({"filter": {"sounds_like": {}}})] {
        let answer = send(&peer, Operation::Count, peer.ask(ITEM, &["id"]).count(), &more).await;
        check_error(&more, answer, ErrorKind::Unsupported)?;
    }
    Ok(())
}

async fn unknown_need(peer: Arc<Peer>) -> Outcome {
    let more = json!({"need": ["a_feature_of_tomorrow"]});
    check_error(&more, query(&peer, &more).await, ErrorKind::Unsupported).map(drop)
}

async fn unknown_hint(peer: Arc<Peer>) -> Outcome {
    let more = json!({"hints": {"advice_of_tomorrow": {"deep": [true]}}});
    let rows = query(&peer, &more).await.map_err(|error| full(&error))?;
    same("rows", &rows, &10)
}
