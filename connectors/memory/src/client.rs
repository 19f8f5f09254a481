//! The store: tables in memory, read-only once they are loaded. No request and no sink here, only tables, rows and conditions.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use connector_api::author::{Error, ErrorKind, Order, Path, Result, Table as Description, TableRef, Value};
use connector_common::evaluate::{Condition, compare_by, compare_values, member};
use serde_json::{Map, Value as Json};

use crate::config::{Config, TableConfig, Tables};
use crate::schema;
use crate::types::Type;

/// After so many rows a scan lets other calls go on.
const ROWS_BETWEEN_YIELDS: usize = 1024;

/// All tables of a service.
pub(crate) struct Store {
    tables: BTreeMap<String, Table>,
}

/// One table and its rows.
pub(crate) struct Table {
    pub(crate) description: Description,
    positions: HashMap<String, usize>,
    rows: Vec<Row>,
}

/// One value for each column.
pub(crate) type Row = Vec<Value>;

impl Store {
    /// Loads the tables of the configuration and of its file.
    ///
    /// # Errors
    /// A file that can't be read; a table, column or row that does not fit, named by table, row number (from 1) and column.
    pub(crate) async fn load(config: Config) -> Result<Self> {
        let mut tables = BTreeMap::new();
        for (name, table) in read_file(&config).await?.into_iter().chain(config.tables) {
            let loaded = Table::load(&name, &table)?;
            if tables.insert(name.clone(), loaded).is_some() {
                return Err(invalid(format!(
                    "table '{name}' stands both in the configuration and in its file"
                )));
            }
        }
        Ok(Self { tables })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// `None`: there is no such table.
    pub(crate) fn find(&self, table: &TableRef) -> Option<&Table> {
        self.tables.get(&table.name).filter(|_| table.namespace.is_empty())
    }

    /// # Errors
    /// *Not found* when there is no such table.
    pub(crate) fn table(&self, table: &TableRef) -> Result<&Table> {
        self.find(table)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no table '{table}'")))
    }
}

async fn read_file(config: &Config) -> Result<Tables> {
    let Some(path) = config.file.clone() else { return Ok(Tables::new()) };
    let failed =
        |what: &str, path: &std::path::Path| invalid(format!("the file '{}' {what}", path.display()));
    let bytes = tokio::task::spawn_blocking({
        let path = path.clone();
        move || std::fs::read(path)
    })
    .await
    .map_err(|error| Error::internal("reading the file was interrupted").with_detail(error))?
    .map_err(|error| failed("can't be read", &path).with_detail(error))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        failed("does not hold tables in the form of the configuration", &path).with_detail(error)
    })
}

impl Table {
    fn load(name: &str, config: &TableConfig) -> Result<Self> {
        let description = schema::describe(name, config)?;
        let types: Vec<Type> = config.columns.iter().map(|column| column.data_type).collect();
        let load_row = |(index, row)| {
            load_row(&description, &types, row)
                .map_err(|what| invalid(format!("table '{name}', row {}: {what}", index + 1)))
        };
        let rows = config.rows.iter().enumerate().map(load_row).collect::<Result<_>>()?;
        let positions =
            config.columns.iter().enumerate().map(|(index, column)| (column.name.clone(), index)).collect();
        let table = Self { description, positions, rows };
        table.check_key()?;
        Ok(table)
    }

    /// No two rows may have one key.
    fn check_key(&self) -> Result<()> {
        let key: Vec<Path> = self.description.primary_key.iter().map(Path::column).collect();
        if key.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(self.rows.len());
        for (number, row) in (1_u64..).zip(&self.rows) {
            let cells = key.iter().map(|column| self.value(row, column)).collect::<Result<Vec<_>>>()?;
            rows.push((cells, number));
        }
        rows.sort_by(|(a, _), (b, _)| compare_keys(a, b));
        for pair in rows.windows(2) {
            if let [(a, first), (b, second)] = pair
                && compare_keys(a, b).is_eq()
            {
                let table = &self.description.table;
                return Err(invalid(format!(
                    "table '{table}': rows {first} and {second} have the same primary key"
                )));
            }
        }
        Ok(())
    }

    /// The position of a path's column, and the way on inside its documents.
    fn column<'p>(&self, path: &'p Path) -> Result<(usize, &'p [String])> {
        let (name, inside) = path.segments().split_first().ok_or_else(|| Error::internal("an empty path"))?;
        let position = self.positions.get(name).ok_or_else(|| {
            let table = &self.description.table;
            Error::new(ErrorKind::NotFound, format!("table '{table}' has no column '{name}'"))
                .with_reason("column_not_found")
        })?;
        Ok((*position, inside))
    }

    /// The value that the path leads to.
    ///
    /// # Errors
    /// *Not found* when the table has no such column.
    pub(crate) fn value<'t>(&self, row: &'t Row, path: &Path) -> Result<&'t Value> {
        let (position, inside) = self.column(path)?;
        let cell = row.get(position).ok_or_else(|| Error::internal("a row is shorter than its table"))?;
        Ok(member(cell, inside))
    }

    /// Reads the matching rows in stored order.
    pub(crate) fn scan<'t>(&'t self, condition: &'t Condition<'t>) -> Scan<'t> {
        Scan { table: self, condition, rows: self.rows.iter(), tested: 0 }
    }

    /// The first `wanted` matching rows in this order; rows that are equal in it stay in stored order.
    pub(crate) async fn sorted<'t>(
        &'t self,
        condition: &'t Condition<'t>,
        order: &[Order],
        wanted: usize,
    ) -> Result<Vec<&'t Row>> {
        let mut keyed = Vec::new();
        let mut scan = self.scan(condition);
        while let Some(row) = scan.next().await? {
            let key = order.iter().map(|order| self.value(row, &order.by)).collect::<Result<Vec<_>>>()?;
            keyed.push((key, keyed.len(), row));
        }
        let compare = |(a, a_place, _): &(Vec<&Value>, usize, &Row),
                       (b, b_place, _): &(Vec<&Value>, usize, &Row)| {
            let mut columns = order.iter().zip(a.iter().zip(b));
            columns
                .find_map(|(order, (a, b))| Some(compare_by(order, a, b)).filter(|order| order.is_ne()))
                .unwrap_or_else(|| a_place.cmp(b_place))
        };
        if wanted < keyed.len() {
            keyed.select_nth_unstable_by(wanted, compare);
            keyed.truncate(wanted);
        }
        keyed.sort_unstable_by(compare);
        Ok(keyed.into_iter().map(|(_, _, row)| row).collect())
    }
}

/// A pass over a table.
pub(crate) struct Scan<'t> {
    table: &'t Table,
    condition: &'t Condition<'t>,
    rows: std::slice::Iter<'t, Row>,
    tested: usize,
}

impl<'t> Scan<'t> {
    /// The next matching row.
    ///
    /// # Errors
    /// As [`Condition::matches`].
    pub(crate) async fn next(&mut self) -> Result<Option<&'t Row>> {
        while let Some(row) = self.rows.next() {
            self.tested += 1;
            if self.tested.is_multiple_of(ROWS_BETWEEN_YIELDS) {
                tokio::task::yield_now().await;
            }
            if self.condition.matches(&|path: &Path| self.table.value(row, path))? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

fn compare_keys(a: &[&Value], b: &[&Value]) -> Ordering {
    let columns = a.iter().zip(b).map(|(a, b)| compare_values(a, b));
    columns.fold(Ordering::Equal, Ordering::then)
}

/// Says what is wrong with a row, by column and without its value.
fn load_row(
    table: &Description,
    types: &[Type],
    row: &Map<String, Json>,
) -> std::result::Result<Row, String> {
    if let Some(name) = row.keys().find(|name| table.columns.iter().all(|column| column.name != **name)) {
        return Err(format!("there is no column '{name}'"));
    }
    let cells = table.columns.iter().zip(types).map(|(column, data_type)| {
        let value = data_type
            .convert(row.get(&column.name).unwrap_or(&Json::Null))
            .map_err(|expected| format!("column '{}': expected {expected}", column.name))?;
        if value == Value::Null && !column.is_nullable {
            return Err(format!("column '{}': expected a value, for it is not nullable", column.name));
        }
        Ok(value)
    });
    cells.collect()
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}
