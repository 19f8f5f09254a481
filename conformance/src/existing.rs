//! Tables that are in the store already: read in full, then requests on them are compared with what follows from the rows read. Nothing
//! is written. The tables must not change meanwhile.
//!
//! * `scan`: reads the tables. * `filters`: random filters against the reference evaluator. * `orders`, `pages`, `groups`, `columns`:
//!   orders, pages, groups, columns that no description names. * `refusals`: what is not declared.

use std::collections::HashMap;
use std::sync::Arc;

use connector_api::model::{ColumnType, Filter, Path, TableRef, Value};

use super::ask::Ask;
use super::peer::{Peer, Rows, full};
use super::{Case, Outcome, same};
use crate::generate::RandomTable;

mod columns;
mod filters;
mod groups;
mod orders;
mod pages;
mod paths;
mod refusals;
mod scan;

pub use scan::{Scan, scan};

/// A table that was read in full.
#[derive(Debug)]
pub struct Existing {
    name: TableRef,
    /// The columns whose values tell rows apart: the key, or all that are described.
    key: Vec<String>,
    /// The key cells of each row.
    keys: Rows,
    /// The columns that can be compared, with the rows. A column inside a document has its segments, joined with dots, as its name.
    table: RandomTable,
    /// Where each of these columns is, in the same order.
    places: Vec<Place>,
}

/// Where a column is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    path: Path,
    /// Whether the description of the table names it.
    is_described: bool,
}

/// The cases for these tables. A capability for which no request can be made from their columns has none.
#[must_use]
pub fn cases(peer: &Peer, scan: &Scan) -> Vec<Case> {
    let mut cases = filters::cases(peer, &scan.tables);
    cases.push(on_each("a_second_scan_finds_the_same_rows", &["query"], scan, |p, t| Box::pin(again(p, t))));
    cases.extend(orders::cases(scan));
    cases.extend(pages::cases(scan));
    cases.extend(groups::cases(scan));
    cases.extend(columns::cases(scan));
    cases.extend(refusals::cases(scan));
    cases
}

type Boxed = std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>>;
type OnTable = fn(Arc<Peer>, Arc<Existing>) -> Boxed;

/// A case that asks each of the tables.
fn on_each(name: &str, needs: &'static [&'static str], scan: &Scan, run: OnTable) -> Case {
    let tables = scan.tables.clone();
    Case::new(format!("existing::{name}"), needs, move |peer| each(peer, tables.clone(), run))
}

async fn each(peer: Arc<Peer>, tables: Vec<Arc<Existing>>, run: OnTable) -> Outcome {
    for table in tables {
        let outcome = run(Arc::clone(&peer), Arc::clone(&table)).await;
        outcome.map_err(|what| format!("{}: {what}", table.name.name))?;
    }
    Ok(())
}

impl Existing {
    /// A request for the key of all rows.
    fn ask(&self) -> Ask {
        Ask::new(self.name.clone(), &self.key.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The columns that can be compared and are not inside of a document, with their places in the table.
    fn plain(&self) -> impl Iterator<Item = (usize, &str)> {
        let columns = self.places.iter().enumerate();
        columns.filter_map(|(at, place)| place.path.as_column().map(|name| (at, name)))
    }

    /// Those of them that hold numbers.
    fn numbers(&self) -> impl Iterator<Item = (usize, &str)> {
        use ColumnType::{BigInt, Decimal, Double, Float, Integer};
        let is_number =
            |at: usize| matches!(self.table.types.get(at), Some(Integer | BigInt | Double | Float | Decimal));
        self.plain().filter(move |(at, _)| is_number(*at))
    }

    /// The cells of a column, row by row.
    fn cells(&self, at: usize) -> impl Iterator<Item = &Value> {
        self.table.rows.iter().filter_map(move |row| row.get(at))
    }
}

/// The places, from 1, of the rows for which a filter holds, as the store says.
async fn places(peer: &Peer, on: &Existing, filter: Filter, values: &[Value]) -> Result<Vec<i64>, String> {
    let rows = peer.rows(&on.ask().filter(filter, values)).await.map_err(|error| full(&error))?;
    let mut known: HashMap<String, Vec<i64>> = HashMap::new();
    for (place, key) in (1..).zip(&on.keys) {
        known.entry(format!("{key:?}")).or_default().push(place);
    }
    let place = |row: &Vec<Value>| {
        let found = known.get_mut(&format!("{row:?}")).and_then(Vec::pop);
        found.ok_or_else(|| format!("a row that the full scan did not give, or not so often: {row:?}"))
    };
    rows.iter().map(place).collect()
}

async fn again(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    let found = places(&peer, &on, Filter::Always(true), &[]).await?;
    same("rows", &found.len(), &on.keys.len())
}

/// A value as a text that is equal for equal ones: numbers by value, whatever their type.
fn canonical(value: &Value) -> String {
    match value {
        Value::Absent => canonical(&Value::Null),
        Value::I64(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::F32(number) => canonical(&Value::F64(f64::from(*number))),
        Value::F64(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{:.0}", number + 0.0),
        Value::F64(number) => number.to_string(),
        Value::Decimal(digits) => digits.clone(),
        other => format!("{other:?}"),
    }
}

/// Rows as texts in one order, to compare those that have none.
fn sorted(rows: impl IntoIterator<Item = impl IntoIterator<Item = Value>>) -> Vec<Vec<String>> {
    let row = |row: Vec<Value>| row.iter().map(canonical).collect();
    let mut rows: Vec<Vec<String>> = rows.into_iter().map(|cells| row(cells.into_iter().collect())).collect();
    rows.sort_unstable();
    rows
}

/// Says which rows are too many and which are missing, at most a few of each.
fn same_rows(what: impl std::fmt::Display, found: &[Vec<String>], expected: &[Vec<String>]) -> Outcome {
    if found == expected {
        return Ok(());
    }
    let lacks = |of: &[Vec<String>], others: &[Vec<String>]| {
        let mut left = others.to_vec();
        let mut rest = of.to_vec();
        rest.retain(|row| {
            left.iter().position(|other| other == row).map(|at| left.swap_remove(at)).is_none()
        });
        rest.truncate(3);
        rest
    };
    Err(format!(
        "{what}: expected {} rows, found {}; missing, the first: {:?}; too many, the first: {:?}",
        expected.len(),
        found.len(),
        lacks(expected, found),
        lacks(found, expected)
    ))
}
