//! Reads tables in full, and finds out which of their columns the reference can compare: described ones, and in open tables and in
//! documents what the rows have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector_api::model::ColumnType::{BigInt, Boolean, Decimal, Double, Float, Integer, Text};
use connector_api::model::{Column, ColumnType, Path, Table, Value};

use super::{Existing, Place};
use crate::ask::Ask;
use crate::generate::RandomTable;
use crate::peer::{CALL_TIME, Members, Peer, context, full};
use crate::quirks::{ChoiceName, normal};
use crate::run::PING_TIME;

/// A longer table is left out: the reference would need all of its rows.
const MAX_ROWS: u64 = 10_000;
/// So many tables are taken where none is named.
const MAX_TABLES: usize = 20;
/// So many columns that no description names, and so many inside of documents, are taken.
const MAX_FOUND: usize = 20;
/// Documents are searched so deep for columns.
const MAX_DEPTH: usize = 4;
/// Integers up to this, either way, can be calculated with.
const SMALL: u64 = 1_000_000;

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
    let said = |error| format!("the tables of the store can't be listed: {}", full(&error));
    let mut listed = peer.service.list_tables(context(CALL_TIME)).await.map_err(said)?;
    if let Some(unknown) = names.iter().find(|name| listed.iter().all(|table| table.table.name != **name)) {
        return Err(format!("the store has no table '{unknown}'"));
    }
    let mut scan = Scan::default();
    if names.is_empty() {
        let more = listed.split_off(listed.len().min(MAX_TABLES)).len();
        if more > 0 {
            scan.left_out.push(format!("{more} more table(s): name those that matter with `--table`"));
        }
    } else {
        listed.retain(|table| names.contains(&table.table.name));
    }
    let wanted = listed.into_iter().map(|table| table.table).collect();
    let described = peer.service.describe_tables(wanted, context(CALL_TIME)).await.map_err(said)?;
    for table in &described {
        match read(peer, table).await {
            Ok(existing) => scan.tables.push(Arc::new(existing)),
            Err(why) => {
                // Each of the others would take as long to fail.
                let ping = peer.service.ping(context(PING_TIME)).await;
                ping.map_err(|error| format!("after this the service is gone: {why}: {}", full(&error)))?;
                scan.left_out.push(format!("{}: {why}", table.table.name));
            }
        }
    }
    Ok(scan)
}

async fn read(peer: &Peer, table: &Table) -> Result<Existing, String> {
    let rows = rows(peer, table).await?;
    let folds = peer.quirks.has(ChoiceName::FoldsUnicode);
    let typed = |candidate: Candidate| {
        let data_type = comparable(&candidate, &rows, folds)?;
        Some((candidate, data_type))
    };
    let columns: Vec<(Candidate, ColumnType)> =
        candidates(peer, table, &rows).into_iter().filter_map(typed).collect();
    if rows.is_empty() || columns.is_empty() {
        return Err("has no rows, or none of its columns can be compared".to_owned());
    }
    let key = if table.primary_key.is_empty() { names(table) } else { table.primary_key.clone() };
    let keys =
        rows.iter().map(|row| key.iter().map(|name| cell(row, &Path::column(name))).collect()).collect();
    let of_row =
        |row: &Members| columns.iter().map(|(candidate, _)| cell(row, &candidate.place.path)).collect();
    let random = RandomTable {
        names: columns.iter().map(|(candidate, _)| candidate.label()).collect(),
        types: columns.iter().map(|(_, data_type)| *data_type).collect(),
        rows: rows.iter().map(of_row).collect(),
    };
    let places = columns.into_iter().map(|(candidate, _)| candidate.place).collect();
    Ok(Existing { name: table.table.clone(), key, keys, table: random, places })
}

fn names(table: &Table) -> Vec<String> {
    table.columns.iter().map(|column| column.name.clone()).collect()
}

/// All rows, in an open table with all columns of each.
async fn rows(peer: &Peer, table: &Table) -> Result<Vec<Members>, String> {
    let names = names(table);
    let ask = Ask::new(table.table.clone(), &names.iter().map(String::as_str).collect::<Vec<_>>());
    let ask = if table.is_open && peer.offers("open_columns") { ask.others() } else { ask };
    let rows = peer.members(&ask.limit(MAX_ROWS + 1)).await.map_err(|error| full(&error))?;
    if u64::try_from(rows.len()).is_ok_and(|count| count > MAX_ROWS) {
        return Err(format!("has more than {MAX_ROWS} rows"));
    }
    // A document may lack what others have.
    let lacks = |name: &&String| !table.is_document && rows.iter().any(|row| !row.contains_key(*name));
    match names.iter().find(lacks) {
        Some(name) => Err(format!("a row came without the column '{name}', which was asked for")),
        None => Ok(rows),
    }
}

/// A column that may be comparable.
#[derive(Debug, Clone)]
struct Candidate {
    place: Place,
    /// The type that the description says.
    data_type: Option<ColumnType>,
}

impl Candidate {
    fn described(column: &Column) -> Self {
        let place = Place { path: Path::column(&column.name), is_described: true };
        // A guess promises nothing of rows that it has not seen.
        Self { place, data_type: (!column.is_guessed).then_some(column.data_type) }
    }

    fn label(&self) -> String {
        self.place.path.segments().join(".")
    }
}

fn candidates(peer: &Peer, table: &Table, rows: &[Members]) -> Vec<Candidate> {
    let described: BTreeSet<String> = names(table).into_iter().collect();
    let found: BTreeSet<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
    let others = found.into_iter().filter(|name| !described.contains(*name)).take(MAX_FOUND);
    let others = others.map(|name| Candidate {
        place: Place { path: Path::column(name), is_described: false },
        data_type: None,
    });
    let mut all: Vec<Candidate> = table.columns.iter().map(Candidate::described).chain(others).collect();
    if peer.offers("filter_paths") {
        let inside: Vec<Candidate> =
            all.iter().flat_map(|candidate| inside(candidate, rows)).take(MAX_FOUND).collect();
        let labels: BTreeSet<String> = all.iter().map(Candidate::label).collect();
        all.extend(inside.into_iter().filter(|candidate| !labels.contains(&candidate.label())));
    }
    all
}

/// The members of the documents in a column, and the members of these, where there is nothing but documents on the way. A name with
/// a dot can't be told from a way.
fn inside(candidate: &Candidate, rows: &[Members]) -> Vec<Candidate> {
    let path = &candidate.place.path;
    let values: Vec<Value> = rows.iter().map(|row| raw(row, path)).filter(|value| !is_null(value)).collect();
    let mut names = BTreeSet::new();
    for value in &values {
        let Value::Object(members) = value else { return Vec::new() };
        names.extend(members.iter().map(|(name, _)| name.clone()));
    }
    let is_word = |name: &String| !name.is_empty() && !name.contains(['.', '$', '\0']);
    let below = names.into_iter().filter(is_word).filter_map(|name| {
        let segments = [path.segments(), &[name]].concat();
        let place = Place { path: Path::nested(segments)?, is_described: candidate.place.is_described };
        Some(Candidate { place, data_type: None })
    });
    let deeper = |below: Candidate| {
        let more =
            if below.place.path.segments().len() < MAX_DEPTH { inside(&below, rows) } else { Vec::new() };
        std::iter::once(below).chain(more)
    };
    below.flat_map(deeper).collect()
}

/// What stands there: absent where a row or a document lacks it.
fn raw(row: &Members, path: &Path) -> Value {
    let Some((name, inside)) = path.segments().split_first() else { return Value::Absent };
    let mut value = row.get(name).cloned().unwrap_or(Value::Absent);
    for segment in inside {
        value = match value {
            Value::Object(members) => members
                .into_iter()
                .find(|(name, _)| name == segment)
                .map_or(Value::Absent, |(_, member)| member),
            _ => Value::Absent,
        };
    }
    value
}

fn cell(row: &Members, path: &Path) -> Value {
    normal(&raw(row, path))
}

fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Absent)
}

/// The types of a description, the type under which filters are made, and whether a value fits it.
type Kind = (&'static [ColumnType], ColumnType, fn(&Value) -> bool);

/// The first that fits is taken.
const KINDS: [Kind; 7] = [
    (&[Boolean], Boolean, |value| matches!(value, Value::Bool(_))),
    (&[Integer, BigInt], Integer, |value| matches!(value, Value::I64(v) if v.unsigned_abs() < SMALL)),
    (&[Integer, BigInt], BigInt, |value| matches!(value, Value::I64(_))),
    // Eighths are exact whatever is done with them; other fractions are compared only.
    (
        &[Float, Double],
        Double,
        |value| matches!(value, Value::F64(v) if (v * 8.0).fract() == 0.0 && v.abs() < 1e6),
    ),
    // Also whole numbers, where rows hold both.
    (&[Float, Double], Float, |value| match value {
        Value::F64(v) => v.is_finite(),
        other => matches!(other, Value::I64(_)),
    }),
    (&[Decimal], Decimal, |value| match value {
        Value::Decimal(digits) => !digits.contains(['e', 'E']),
        other => matches!(other, Value::I64(_)),
    }),
    (&[ColumnType::String, Text], Text, |value| matches!(value, Value::Text(_))),
];

/// The type under which filters are made for a column: what its description, if any, and all of its values agree on. `None`: dates,
/// documents, and whatever else the reference has no rule for.
fn comparable(candidate: &Candidate, rows: &[Members], folds: bool) -> Option<ColumnType> {
    let values: Vec<Value> = rows.iter().map(|row| cell(row, &candidate.place.path)).collect();
    let values: Vec<Value> = values.into_iter().filter(|value| !is_null(value)).collect();
    let may_be =
        |types: &[ColumnType]| candidate.data_type.is_none_or(|described| types.contains(&described));
    let is_beyond_ascii = |value: &Value| matches!(value, Value::Text(text) if !text.is_ascii());
    if values.is_empty() || folds && values.iter().any(is_beyond_ascii) {
        return None;
    }
    let fitting = KINDS.iter().find(|(described, _, fits)| may_be(described) && values.iter().all(fits));
    fitting.map(|(_, data_type, _)| *data_type)
}
