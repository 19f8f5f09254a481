//! Groups of the rows of a table, aggregates of its columns, and rows without their doubles.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_api::model::{Aggregate, AggregateFunction, ColumnType, CompareOp, Expr, Group, Path, Value};

use super::{Existing, Scan, canonical, on_each, same_rows, sorted};
use crate::ask::{Ask, compare_exprs};
use crate::peer::{Peer, full};
use crate::reference::{Reference, Row};
use crate::{Case, Outcome, holds, same};
use AggregateFunction::{Avg, Count, Max, Min, Sum};

/// So many columns of a table are tried.
const COLUMNS: usize = 6;
/// Sums of fractions may differ by so much, relative to the sum of their sizes: the order in which a store adds is its own.
const TOLERANCE: f64 = 1e-9;

pub(super) fn cases(scan: &Scan) -> Vec<Case> {
    vec![
        on_each("distinct", &["query", "distinct"], scan, |p, t| Box::pin(distinct(p, t))),
        on_each("aggregates_of_all_rows", &["query", "aggregates"], scan, |p, t| Box::pin(totals(p, t))),
        on_each("groups", &["query", "aggregates"], scan, |p, t| Box::pin(groups(p, t))),
    ]
}

/// Each column alone, and the first two together.
async fn distinct(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    let columns: Vec<(usize, &str)> = on.plain().take(COLUMNS).collect();
    let pair = columns.get(..2).into_iter();
    for columns in columns.chunks(1).chain(pair) {
        let names: Vec<&str> = columns.iter().map(|(_, name)| *name).collect();
        let ask = Ask::new(on.name.clone(), &names).distinct();
        let found = peer.rows(&ask).await.map_err(|error| full(&error))?;
        let cells = |row: &Vec<Value>| {
            let cell = |(at, _): &(usize, &str)| row.get(*at).cloned().unwrap_or(Value::Null);
            columns.iter().map(cell).collect::<Vec<_>>()
        };
        let mut expected = sorted(on.table.rows.iter().map(cells));
        expected.dedup();
        same_rows(format_args!("distinct {}", names.join(", ")), &sorted(found), &expected)?;
    }
    Ok(())
}

/// The name of an aggregate, which no column has.
fn name(on: &Existing, word: &str) -> String {
    let mut name = format!("of_{word}");
    while on.table.names.contains(&name) || on.key.contains(&name) {
        name.push('_');
    }
    name
}

fn aggregate(on: &Existing, function: AggregateFunction, of: Option<&str>) -> Aggregate {
    let name = name(on, &format!("{function:?}").to_lowercase());
    Aggregate { function, of: of.map(Path::column), distinct: false, name }
}

/// What the store says of all rows, one value for each aggregate.
async fn asked(peer: &Peer, on: &Existing, aggregates: Vec<Aggregate>) -> Result<Vec<Value>, String> {
    let group = Group { by: Vec::new(), aggregates, having: None };
    let rows = peer.rows(&Ask::new(on.name.clone(), &[]).group(group)).await.map_err(|error| full(&error))?;
    let [row] = rows.as_slice() else {
        return Err(format!("all rows are one group, found {} rows", rows.len()));
    };
    Ok(row.clone())
}

async fn totals(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    let all = asked(&peer, &on, vec![aggregate(&on, Count, None)]).await?;
    same_counts("rows", &all, &[on.keys.len()])?;
    for (at, name) in on.plain().take(COLUMNS) {
        let known: Vec<&Value> = on.cells(at).filter(|value| **value != Value::Null).collect();
        let different: BTreeSet<String> = known.iter().map(|value| canonical(value)).collect();
        let once = Aggregate {
            distinct: true,
            name: self::name(&on, "different"),
            ..aggregate(&on, Count, Some(name))
        };
        let counts = asked(&peer, &on, vec![aggregate(&on, Count, Some(name)), once]).await?;
        let what = format!("values of {name}, and each value once");
        same_counts(&what, &counts, &[known.len(), different.len()])?;
    }
    for (at, name) in on.numbers().take(COLUMNS) {
        of_numbers(&peer, &on, at, name).await?;
    }
    Ok(())
}

fn same_counts(what: &str, found: &[Value], expected: &[usize]) -> Outcome {
    let found: Vec<String> = found.iter().map(canonical).collect();
    same(format_args!("count of {what}"), &found, &expected.iter().map(usize::to_string).collect())
}

/// Least and greatest by value. Sum and mean where they are as good as exact.
async fn of_numbers(peer: &Peer, on: &Existing, at: usize, name: &str) -> Outcome {
    let known: Vec<&Value> = on.cells(at).filter(|value| **value != Value::Null).collect();
    let ends = asked(peer, on, [Min, Max].map(|function| aggregate(on, function, Some(name))).into()).await?;
    let [least, greatest] = ends.as_slice() else {
        return Err(format!("two values expected, found {ends:?}"));
    };
    for (what, end, op) in [("least", least, CompareOp::Lt), ("greatest", greatest, CompareOp::Gt)] {
        let is_known = known.iter().any(|value| compares(value, CompareOp::Eq, end));
        let beyond = known.iter().find(|value| compares(value, op, end));
        holds(is_known && beyond.is_none(), || {
            format!(
                "the {what} {name}: found {end:?}, beyond it is {beyond:?}, it is a value of the column: {is_known}"
            )
        })?;
    }
    // Others may be out of range.
    if matches!(on.table.types.get(at), Some(ColumnType::Integer | ColumnType::Double)) {
        let numbers: Vec<f64> = known.iter().filter_map(|value| number(value)).collect();
        let sums =
            asked(peer, on, [Sum, Avg].map(|function| aggregate(on, function, Some(name))).into()).await?;
        let (sum, size): (f64, f64) = (numbers.iter().sum(), numbers.iter().map(|number| number.abs()).sum());
        let count = f64::from(u32::try_from(numbers.len()).unwrap_or(u32::MAX));
        for (what, found, expected, size) in
            [("sum", sums.first(), sum, size), ("mean", sums.last(), sum / count, size / count)]
        {
            let is_near =
                found.and_then(number).is_some_and(|found| (found - expected).abs() <= TOLERANCE * size);
            holds(is_near, || format!("the {what} of {name}: expected {expected}, found {found:?}"))?;
        }
    }
    Ok(())
}

fn compares(left: &Value, op: CompareOp, right: &Value) -> bool {
    let filter = compare_exprs(Expr::Param(0), op, Expr::Param(1));
    let params = [left.clone(), right.clone()];
    Reference::default().test(&filter, &params, Row { columns: &[], cells: &[] }) == Ok(Some(true))
}

fn number(value: &Value) -> Option<f64> {
    canonical(value).parse().ok()
}

/// A row for each value of a column, with the number of rows that have it; nulls are one value.
async fn groups(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    for (at, name) in on.plain().take(COLUMNS) {
        let group = Group {
            by: vec![Path::column(name)],
            aggregates: vec![aggregate(&on, Count, None)],
            having: None,
        };
        let ask = Ask::new(on.name.clone(), &[name]).group(group);
        let found = peer.rows(&ask).await.map_err(|error| full(&error))?;
        let values = sorted(on.cells(at).map(|value| [value.clone()]));
        let mut expected: Vec<Vec<String>> = values.chunk_by(|a, b| a == b).map(counted).collect();
        expected.sort_unstable();
        same_rows(format_args!("groups by {name}, with their rows counted"), &sorted(found), &expected)?;
    }
    Ok(())
}

/// The value of a group, and its rows.
fn counted(group: &[Vec<String>]) -> Vec<String> {
    let value = group.first().and_then(|row| row.first()).cloned().unwrap_or_default();
    vec![value, group.len().to_string()]
}
