//! Orders of the rows of a table.

use std::sync::Arc;

use connector_api::model::{CompareOp, Direction, Expr, Nulls, Value};

use super::{Existing, Scan, canonical, on_each, same_rows, sorted};
use crate::ask::{Ask, compare_exprs};
use crate::peer::{Peer, full};
use crate::reference::{Reference, Row};
use crate::{Case, Outcome, holds, same};

pub(super) fn cases(scan: &Scan) -> Vec<Case> {
    vec![
        on_each("order", &["query", "order"], scan, |p, t| Box::pin(ordered(p, t))),
        on_each("order_nulls", &["query", "order", "order_nulls"], scan, |p, t| Box::pin(with_nulls(p, t))),
    ]
}

/// Numbers by value. How texts are ordered is the store's own matter, but up is the opposite of down.
async fn ordered(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    let numbers: Vec<usize> = on.numbers().map(|(at, _)| at).collect();
    for (at, name) in on.plain() {
        let mut both = Vec::new();
        for direction in [Direction::Asc, Direction::Desc] {
            let values = by(&peer, &on, (at, name), (direction, None)).await?;
            let is_right = if numbers.contains(&at) { sorted_values(&values, direction) } else { Ok(()) };
            let checked = one_end(&values).and(is_right);
            checked.map_err(|what| format!("{name} {direction:?}: {what}"))?;
            both.push(coarse(&values));
        }
        if let [Some(up), Some(down)] = both.as_slice() {
            same(
                format_args!("{name} up, and {name} down read backwards, of texts the letters and digits"),
                up,
                &down.iter().rev().cloned().collect(),
            )?;
        }
    }
    Ok(())
}

/// What every order of texts that people use tells apart: letters and digits, whatever their case. `None`: other letters are there.
fn coarse(values: &[Value]) -> Option<Vec<String>> {
    let known = values.iter().filter(|value| **value != Value::Null);
    let word = |value: &Value| match value {
        Value::Text(text) if !text.is_ascii() => None,
        Value::Text(text) => {
            Some(text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect())
        }
        other => Some(canonical(other)),
    };
    known.map(word).collect()
}

/// Whatever the values are, nulls stand where they are wanted.
async fn with_nulls(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    for (at, name) in on.plain() {
        for direction in [Direction::Asc, Direction::Desc] {
            for nulls in [Nulls::First, Nulls::Last] {
                let values = by(&peer, &on, (at, name), (direction, Some(nulls))).await?;
                let count = values.iter().filter(|value| **value == Value::Null).count();
                let skipped = if nulls == Nulls::First { 0 } else { values.len() - count };
                let mut end = values.iter().skip(skipped).take(count);
                holds(end.all(|value| *value == Value::Null), || {
                    format!(
                        "{name} {direction:?}, nulls {nulls:?}: a value stands among the nulls, found {values:?}"
                    )
                })?;
            }
        }
    }
    Ok(())
}

/// The values of a column in the order that the store gives. None is lost and none added.
async fn by(
    peer: &Peer,
    on: &Existing,
    (at, name): (usize, &str),
    (direction, nulls): (Direction, Option<Nulls>),
) -> Result<Vec<Value>, String> {
    let ask = Ask::new(on.name.clone(), &[name]).order(name, direction, nulls);
    let rows = peer.rows(&ask).await.map_err(|error| full(&error))?;
    let expected = sorted(on.cells(at).map(|value| [value.clone()]));
    same_rows(format_args!("{name} {direction:?}"), &sorted(rows.clone()), &expected)?;
    Ok(rows.into_iter().flatten().collect())
}

/// Nulls stand together at one end.
fn one_end(values: &[Value]) -> Outcome {
    let parts = values.chunk_by(|a, b| (*a == Value::Null) == (*b == Value::Null));
    holds(parts.count() <= 2, || format!("nulls stand among the values: {values:?}"))
}

/// No value stands before one that belongs before it.
fn sorted_values(values: &[Value], direction: Direction) -> Outcome {
    let op = if direction == Direction::Asc { CompareOp::Gt } else { CompareOp::Lt };
    let is_wrong = compare_exprs(Expr::Param(0), op, Expr::Param(1));
    for pair in values.windows(2) {
        let truth = Reference::default().test(&is_wrong, pair, Row { columns: &[], cells: &[] });
        holds(truth != Ok(Some(true)), || format!("the wrong way round: {pair:?}"))?;
    }
    Ok(())
}
