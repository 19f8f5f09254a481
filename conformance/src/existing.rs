//! Tables that are in the store already: read in full, then random requests on them are compared with what the reference evaluator says
//! of the rows read. Nothing is written. The tables must not change meanwhile.

use std::collections::HashMap;
use std::sync::Arc;

use connector_api::model::{Column, ColumnType, CompareOp, Direction, Expr, Filter, Table, TableRef, Value};

use super::ask::{Ask, compare_exprs};
use super::peer::{CALL_TIME, Peer, Rows, context, full};
use super::quirks::ChoiceName;
use super::{Case, Outcome, holds, same};
use crate::generate::RandomTable;
use crate::reference::{Reference, Row};

mod filters;

/// A longer table is left out: the reference would need all of its rows.
const MAX_ROWS: u64 = 10_000;
/// So many tables are taken where none is named.
const MAX_TABLES: usize = 20;
/// Integers up to this, either way, can be calculated with.
const SMALL: u64 = 1_000_000;

/// A table that was read in full.
#[derive(Debug)]
pub struct Existing {
    name: TableRef,
    /// The columns whose values tell rows apart: the key, or all.
    key: Vec<String>,
    /// The key cells of each row.
    keys: Rows,
    /// The columns that can be compared, with the rows.
    table: RandomTable,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Scan {
    /// Tables that requests can be made for.
    pub tables: Vec<Arc<Existing>>,
    /// Others, each with the reason.
    pub left_out: Vec<String>,
}

/// Reads these tables, or without names the first ones of the store.
///
/// # Errors
/// A table that does not exist, or what the connector says.
pub async fn scan(peer: &Peer, names: &[String]) -> Result<Scan, String> {
    let said = |error| full(&error);
    let mut listed = peer.service.list_tables(context(CALL_TIME)).await.map_err(said)?;
    if let Some(unknown) = names.iter().find(|name| listed.iter().all(|table| table.table.name != **name)) {
        return Err(format!("the store has no table '{unknown}'"));
    }
    if names.is_empty() {
        listed.truncate(MAX_TABLES);
    } else {
        listed.retain(|table| names.contains(&table.table.name));
    }
    let wanted = listed.into_iter().map(|table| table.table).collect();
    let described = peer.service.describe_tables(wanted, context(CALL_TIME)).await.map_err(said)?;
    let mut scan = Scan::default();
    for table in &described {
        match read(peer, table).await {
            Ok(existing) => scan.tables.push(Arc::new(existing)),
            Err(why) => scan.left_out.push(format!("{}: {why}", table.table.name)),
        }
    }
    Ok(scan)
}

async fn read(peer: &Peer, table: &Table) -> Result<Existing, String> {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let rows = peer.rows(&Ask::new(table.table.clone(), &names).limit(MAX_ROWS + 1)).await;
    let rows = rows.map_err(|error| full(&error))?;
    if u64::try_from(rows.len()).is_ok_and(|count| count > MAX_ROWS) {
        return Err(format!("has more than {MAX_ROWS} rows"));
    }
    let folds = peer.quirks.has(ChoiceName::FoldsUnicode);
    let types: Vec<Option<ColumnType>> =
        table.columns.iter().enumerate().map(|(at, column)| comparable(column, &rows, at, folds)).collect();
    let of_row = |row: &Vec<Value>| {
        let kept = row.iter().zip(&types).filter(|(_, data_type)| data_type.is_some());
        kept.map(|(value, _)| value.clone()).collect()
    };
    let kept = table
        .columns
        .iter()
        .zip(&types)
        .filter_map(|(column, data_type)| data_type.map(|data_type| (column.name.clone(), data_type)));
    let (kept, kept_types): (Vec<String>, Vec<ColumnType>) = kept.unzip();
    if rows.is_empty() || kept.is_empty() {
        return Err("has no rows, or none of its columns can be compared".to_owned());
    }
    let key = if table.primary_key.is_empty() {
        names.iter().map(|name| (*name).to_owned()).collect()
    } else {
        table.primary_key.clone()
    };
    let places: Vec<usize> =
        key.iter().filter_map(|name| names.iter().position(|found| found == name)).collect();
    let key_of = |row: &Vec<Value>| places.iter().filter_map(|place| row.get(*place).cloned()).collect();
    let keys = rows.iter().map(key_of).collect();
    let table_rows = rows.iter().map(of_row).collect();
    let random = RandomTable { names: kept, types: kept_types, rows: table_rows };
    Ok(Existing { name: table.table.clone(), key, keys, table: random })
}

/// The type under which filters are made for a column: what its description and all of its values agree on. `None`: dates, documents,
/// and whatever else the reference has no rule for.
fn comparable(column: &Column, rows: &Rows, at: usize, folds: bool) -> Option<ColumnType> {
    use ColumnType::{BigInt, Boolean, Decimal, Double, Float, Integer, String, Text};
    let values: Vec<&Value> =
        rows.iter().filter_map(|row| row.get(at)).filter(|value| **value != Value::Null).collect();
    let all = |fits: fn(&Value) -> bool| !values.is_empty() && values.iter().all(|value| fits(value));
    match column.data_type {
        Boolean if all(|value| matches!(value, Value::Bool(_))) => Some(Boolean),
        Integer | BigInt if all(|value| matches!(value, Value::I64(v) if v.unsigned_abs() < SMALL)) => {
            Some(Integer)
        }
        Integer | BigInt if all(|value| matches!(value, Value::I64(_))) => Some(BigInt),
        // Eighths are exact whatever is done with them; other fractions are compared only.
        Float | Double
            if all(|value| matches!(value, Value::F64(v) if (v * 8.0).fract() == 0.0 && v.abs() < 1e6)) =>
        {
            Some(Double)
        }
        Float | Double if all(|value| matches!(value, Value::F64(v) if v.is_finite())) => Some(Float),
        Decimal if all(|value| matches!(value, Value::Decimal(_))) => Some(Decimal),
        String | Text
            if all(|value| matches!(value, Value::Text(_)))
                && (!folds || all(|value| matches!(value, Value::Text(v) if v.is_ascii()))) =>
        {
            Some(Text)
        }
        _ => None,
    }
}

/// The cases for these tables. A capability for which no request can be made from their columns has none.
#[must_use]
pub fn cases(peer: &Peer, scan: &Scan) -> Vec<Case> {
    let mut cases = filters::cases(peer, &scan.tables);
    let tables = Arc::new(scan.tables.clone());
    let of_tables = |name: &str, needs, run: fn(Arc<Peer>, Arc<Existing>) -> Boxed| {
        let tables = Arc::clone(&tables);
        Case::new(name, needs, move |peer| each(peer, Arc::clone(&tables), run))
    };
    cases.extend([
        of_tables("existing::a_second_scan_finds_the_same_rows", &["query"], |p, t| Box::pin(again(p, t))),
        of_tables("existing::count", &["count"], |p, t| Box::pin(counted(p, t))),
        of_tables("existing::order", &["query", "order"], |p, t| Box::pin(ordered(p, t))),
        of_tables("existing::offset", &["query", "order", "offset"], |p, t| Box::pin(paged(p, t))),
    ]);
    cases
}

type Boxed = std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>>;

async fn each(
    peer: Arc<Peer>,
    tables: Arc<Vec<Arc<Existing>>>,
    run: fn(Arc<Peer>, Arc<Existing>) -> Boxed,
) -> Outcome {
    for table in tables.iter() {
        let outcome = run(Arc::clone(&peer), Arc::clone(table)).await;
        outcome.map_err(|what| format!("{}: {what}", table.name.name))?;
    }
    Ok(())
}

impl Existing {
    /// A request for the key of all rows.
    fn ask(&self) -> Ask {
        Ask::new(self.name.clone(), &self.key.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The columns of numbers, with their places in the table.
    fn numbers(&self) -> impl Iterator<Item = (usize, &str)> {
        use ColumnType::{BigInt, Decimal, Double, Float, Integer};
        let columns = self.table.names.iter().zip(&self.table.types).enumerate();
        let numbers = columns
            .filter(|(_, (_, data_type))| matches!(data_type, Integer | BigInt | Double | Float | Decimal));
        numbers.map(|(at, (name, _))| (at, name.as_str()))
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

async fn counted(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    let count = peer.count(&on.ask()).await.map_err(|error| full(&error))?;
    same("count", &usize::try_from(count).unwrap_or(usize::MAX), &on.keys.len())
}

/// Numbers only: how texts are ordered is the store's own matter.
async fn ordered(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    for (_, name) in on.numbers() {
        for direction in [Direction::Asc, Direction::Desc] {
            let ask = Ask::new(on.name.clone(), &[name]).order(name, direction, None);
            let rows = peer.rows(&ask).await.map_err(|error| full(&error))?;
            same(format_args!("rows ordered by {name}"), &rows.len(), &on.keys.len())?;
            let values: Vec<&Value> = rows.iter().flatten().collect();
            check_order(&values, direction).map_err(|what| format!("{name} {direction:?}: {what}"))?;
        }
    }
    Ok(())
}

/// Nulls stand together at one end, and no value stands before one that belongs before it.
fn check_order(values: &[&Value], direction: Direction) -> Outcome {
    let parts: Vec<&[&Value]> =
        values.chunk_by(|a, b| (**a == Value::Null) == (**b == Value::Null)).collect();
    holds(parts.len() <= 2, || "nulls stand among the values".to_owned())?;
    let op = if direction == Direction::Asc { CompareOp::Gt } else { CompareOp::Lt };
    let is_wrong = compare_exprs(Expr::Param(0), op, Expr::Param(1));
    for pair in values.windows(2) {
        let params: Vec<Value> = pair.iter().map(|value| (*value).clone()).collect();
        let nothing = Row { columns: &[], cells: &[] };
        let truth = Reference::default().test(&is_wrong, &params, nothing);
        holds(truth != Ok(Some(true)), || format!("the wrong way round: {pair:?}"))?;
    }
    Ok(())
}

/// Pages behind each other are the whole.
async fn paged(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    const PAGE: u64 = 7;
    let ask = on.key.iter().fold(on.ask(), |ask, name| ask.order(name, Direction::Asc, None));
    let whole = peer.rows(&ask).await.map_err(|error| full(&error))?;
    for (offset, expected) in (0_u64..).step_by(7).zip(whole.chunks(7)).take(10) {
        let page = peer.rows(&ask.clone().limit(PAGE).offset(offset)).await.map_err(|error| full(&error))?;
        same(format_args!("rows from {offset} on"), &page, &expected.to_vec())?;
    }
    Ok(())
}
