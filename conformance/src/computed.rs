//! What the store computes beside the columns of a row. The table is `item`.

use std::sync::Arc;

use connector_api::model::{ArithmeticOp, CompareOp, Direction, Expr, Function, Nulls, Value};

use super::ask::{arithmetic, call, column, compare_exprs, text};
use super::peer::{Peer, Rows, full};
use super::read::expected;
use super::tables::ITEM;
use super::{Case, Outcome, same};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "computed::a_value_is_computed_for_each_row",
            &["query", "computed_columns", "order"],
            of_each_row,
        ),
        Case::new(
            "computed::nothing_else_need_be_wanted",
            &["query", "computed_columns", "order", "filter_compare"],
            alone,
        ),
        Case::new(
            "computed::rows_are_ordered_by_what_is_computed_and_not_by_a_column_of_its_name",
            &["query", "computed_columns", "order", "order_nulls"],
            order,
        ),
        Case::new(
            "computed::texts_one_behind_the_other_are_found",
            &["query", "computed_columns", "filter_expressions", "filter_compare"],
            found,
        ),
    ]
}

/// `name || '-' || size`, which is null where the size is.
fn label() -> Expr {
    call(Function::Concat, &[column("name"), Expr::Param(0), column("size")])
}

/// What [`label`] is worth in the rows of the table, by id.
fn labels(peer: &Peer) -> Result<Vec<Value>, String> {
    let columns = peer.stored(ITEM)?.columns();
    let place = |name: &str| columns.iter().position(|column| *column == name).unwrap_or_default();
    let (name, size) = (place("name"), place("size"));
    let label = |row: &Vec<Value>| match (row.get(name), row.get(size)) {
        (Some(Value::Text(name)), Some(Value::I64(size))) => text(&format!("{name}-{size}")),
        _ => Value::Null,
    };
    Ok(expected(peer, ITEM)?.iter().map(label).collect())
}

async fn of_each_row(peer: Arc<Peer>) -> Outcome {
    let twice = arithmetic(column("size"), ArithmeticOp::Add, column("size"));
    let ask = peer.ask(ITEM, &["id", "size"]).compute("label", label()).compute("twice", twice);
    let ask = ask.order("id", Direction::Asc, None).values(&[text("-")]);
    let rows = peer.rows(&ask).await.map_err(|error| full(&error))?;
    let twice = |row: &Vec<Value>| match row.get(1) {
        Some(Value::I64(size)) => Value::I64(2 * size),
        _ => Value::Null,
    };
    let expected: Vec<Vec<Value>> =
        labels(&peer)?.into_iter().zip(&rows).map(|(label, row)| vec![label, twice(row)]).collect();
    let found: Vec<Vec<Value>> = rows.iter().map(|row| row.iter().skip(2).cloned().collect()).collect();
    same("what is computed", &found, &expected)
}

async fn alone(peer: Arc<Peer>) -> Outcome {
    let filter = compare_exprs(column("id"), CompareOp::Eq, Expr::Param(1));
    let ask = peer.ask(ITEM, &[]).compute("label", label());
    let ask = ask.filter(filter, &[text("-"), Value::I64(1)]);
    let rows = peer.rows(&ask).await.map_err(|error| full(&error))?;
    let expected: Rows = labels(&peer)?.into_iter().take(1).map(|label| vec![label]).collect();
    same("what is computed", &rows, &expected)
}

/// By the opposite of the size, under the name of a column.
async fn order(peer: Arc<Peer>) -> Outcome {
    let opposite = arithmetic(Expr::Param(0), ArithmeticOp::Sub, column("size"));
    let by = |direction, nulls| {
        let ask = peer.ask(ITEM, &["id"]).compute("name", opposite.clone());
        ask.order("name", direction, Some(nulls)).order("id", Direction::Asc, None).values(&[Value::I64(0)])
    };
    for (direction, nulls, expected) in [
        (Direction::Desc, Nulls::First, [3, 8, 5, 2, 7, 1, 4, 10, 9, 6]),
        (Direction::Asc, Nulls::Last, [6, 9, 1, 4, 10, 2, 7, 5, 3, 8]),
    ] {
        let found = peer.rows(&by(direction, nulls)).await.map_err(|error| full(&error))?;
        let ids: Vec<Value> = found.iter().filter_map(|row| row.first().cloned()).collect();
        same("ids", &ids, &expected.map(Value::I64).to_vec())?;
    }
    Ok(())
}

async fn found(peer: Arc<Peer>) -> Outcome {
    for (id, label_of) in (1..).zip(labels(&peer)?) {
        if label_of == Value::Null {
            continue;
        }
        let filter = compare_exprs(label(), CompareOp::Eq, Expr::Param(1));
        let ask = peer.ask(ITEM, &["id"]).filter(filter, &[text("-"), label_of]);
        same("ids", &peer.integers(&ask).await?, &vec![id])?;
    }
    Ok(())
}
