//! Configuration to tables: how each is described, and what its rows have to keep to.

use std::collections::HashMap;
use std::sync::Arc;

use connector_api::author::{
    Column, DefaultValue, Error, ErrorKind, Key as KeyDescription, Path, Result, Table, TableRef, Value,
};
use connector_common::evaluate::{key, member};

use crate::config::{ColumnConfig, TableConfig};
use crate::error::{self, invalid};
use crate::types::Type;

/// One value for each column.
pub(crate) type Row = Arc<[Value]>;

/// A table without its rows.
pub(crate) struct Layout {
    pub(crate) description: Table,
    /// The primary key, if there is one, then the unique keys.
    pub(crate) keys: Vec<Key>,
    /// The column that numbers new rows.
    pub(crate) auto_increment: Option<usize>,
    types: Vec<Type>,
    defaults: Vec<Value>,
    positions: HashMap<String, usize>,
}

/// Columns whose values no two rows share.
pub(crate) struct Key {
    pub(crate) columns: Vec<usize>,
    names: Vec<String>,
}

impl Key {
    /// The row's key, equal for equal values; `None` with a null in it, which is equal to nothing.
    pub(crate) fn of(&self, row: &[Value]) -> Option<Vec<u8>> {
        key_of(self.columns.iter().filter_map(|column| row.get(*column)))
    }

    pub(crate) fn violated(&self) -> Error {
        error::unique(&self.names)
    }
}

/// As [`Key::of`], from the key's values.
pub(crate) fn key_of<'v>(values: impl Iterator<Item = &'v Value> + Clone) -> Option<Vec<u8>> {
    let has_null = values.clone().any(|value| matches!(value, Value::Null | Value::Absent));
    (!has_null).then(|| key(values))
}

impl Layout {
    /// # Errors
    /// Columns, keys, defaults or an auto-increment that make no sense.
    pub(crate) fn new(name: &str, config: &TableConfig) -> Result<Self> {
        let wrong = |what: String| invalid(format!("table '{name}' of the configuration {what}"));
        if config.columns.is_empty() {
            return Err(wrong("has no columns; it needs at least one".to_owned()));
        }
        let mut positions = HashMap::new();
        for (position, ColumnConfig { name, .. }) in config.columns.iter().enumerate() {
            if positions.insert(name.clone(), position).is_some() {
                return Err(wrong(format!("names column '{name}' twice")));
            }
        }
        let primary = Some(("primary_key", &config.primary_key)).filter(|(_, columns)| !columns.is_empty());
        let unique = config.unique.iter().map(|columns| ("unique", columns));
        let keys = primary.into_iter().chain(unique).map(|(word, columns)| {
            let place = |column: &String| {
                positions
                    .get(column)
                    .copied()
                    .ok_or_else(|| wrong(format!("has no column '{column}', which its {word} names")))
            };
            let positions = columns.iter().map(place).collect::<Result<Vec<_>>>()?;
            if positions.is_empty() {
                return Err(wrong("has a unique key without columns".to_owned()));
            }
            Ok(Key { columns: positions, names: columns.clone() })
        });
        Ok(Self {
            keys: keys.collect::<Result<_>>()?,
            auto_increment: auto_increment(config).map_err(wrong)?,
            defaults: config
                .columns
                .iter()
                .map(default)
                .collect::<std::result::Result<_, _>>()
                .map_err(wrong)?,
            types: config.columns.iter().map(|column| column.data_type).collect(),
            description: describe(name, config),
            positions,
        })
    }

    /// The cell that the path leads to, also inside a document.
    ///
    /// # Errors
    /// *Not found* when the table has no such column.
    pub(crate) fn cell<'r>(&self, row: &'r [Value], path: &Path) -> Result<&'r Value> {
        let (name, inside) = path.segments().split_first().ok_or_else(|| Error::internal("an empty path"))?;
        let cell = row
            .get(self.position(name)?)
            .ok_or_else(|| Error::internal("a row is shorter than its table"))?;
        Ok(member(cell, inside))
    }

    /// The column that a write sets.
    ///
    /// # Errors
    /// *Not found* when the table has no such column, *unsupported* for a member of a document.
    pub(crate) fn column(&self, path: &Path) -> Result<usize> {
        let name = path.as_column().ok_or_else(|| Error::unsupported("writing a member of a document"))?;
        self.position(name)
    }

    /// As [`Layout::column`], for several.
    ///
    /// # Errors
    /// As [`Layout::column`].
    pub(crate) fn columns(&self, paths: &[Path]) -> Result<Vec<usize>> {
        paths.iter().map(|path| self.column(path)).collect()
    }

    fn position(&self, name: &str) -> Result<usize> {
        self.positions.get(name).copied().ok_or_else(|| {
            let table = &self.description.table;
            Error::new(ErrorKind::NotFound, format!("table '{table}' has no column '{name}'"))
                .with_reason("column_not_found")
        })
    }

    /// The primary key's columns; empty: none.
    pub(crate) fn primary_key(&self) -> &[usize] {
        let primary = self.keys.first().filter(|_| !self.description.primary_key.is_empty());
        primary.map_or(&[], |key| &key.columns)
    }

    /// A row of which nothing is given.
    pub(crate) fn blank(&self) -> Vec<Value> {
        vec![Value::Absent; self.types.len()]
    }

    /// A row as it is stored: defaults for what is not given, each value in the form of its column's type.
    ///
    /// # Errors
    /// A value that does not fit its column, or a null where none may stand.
    pub(crate) fn fit(&self, row: Vec<Value>) -> Result<Row> {
        let columns = self.description.columns.iter().zip(&self.types).zip(&self.defaults);
        let cells = row.into_iter().zip(columns).map(|(value, ((column, data_type), default))| {
            let value = if value == Value::Absent { default.clone() } else { value };
            let refused = if data_type.is_of_kind(&value) { error::out_of_range } else { error::mismatch };
            let value = data_type.accept(value).map_err(|expected| refused(&column.name, expected))?;
            if value == Value::Null && !column.is_nullable {
                return Err(error::not_null(&column.name));
            }
            Ok(value)
        });
        cells.collect()
    }

    /// Values in the form of these columns; `None` when a column does not take its value.
    pub(crate) fn as_stored(&self, columns: &[usize], values: &[Value]) -> Option<Vec<Value>> {
        let stored = |(column, value): (&usize, &Value)| self.types.get(*column)?.accept(value.clone()).ok();
        columns.iter().zip(values).map(stored).collect()
    }

    /// A row as the configuration has it; a missing member is not given.
    ///
    /// # Errors
    /// A member that is no column, or that its column's type does not take.
    pub(crate) fn read(&self, row: &serde_json::Map<String, serde_json::Value>) -> Result<Vec<Value>> {
        if let Some(name) = row.keys().find(|name| !self.positions.contains_key(*name)) {
            return Err(invalid(format!("there is no column '{name}'")));
        }
        let columns = self.description.columns.iter().zip(&self.types);
        let cells = columns.map(|(column, data_type)| {
            let Some(json) = row.get(&column.name) else { return Ok(Value::Absent) };
            data_type.convert(json).map_err(|expected| error::mismatch(&column.name, expected))
        });
        cells.collect()
    }
}

fn auto_increment(config: &TableConfig) -> std::result::Result<Option<usize>, String> {
    let Some(position) = config.columns.iter().position(|column| column.auto_increment) else {
        return Ok(None);
    };
    let is_number = |column: &ColumnConfig| matches!(column.data_type, Type::Integer | Type::BigInt);
    let is_key =
        |column: &ColumnConfig| config.primary_key == [column.name.as_str()] && column.default.is_null();
    match config.columns.get(position).filter(|column| is_number(column) && is_key(column)) {
        Some(_) => Ok(Some(position)),
        None => {
            Err("has an auto_increment on a column that is not its whole primary key, no integer, or has a \
                     default"
                .to_owned())
        }
    }
}

fn default(column: &ColumnConfig) -> std::result::Result<Value, String> {
    let ColumnConfig { name, data_type, default, .. } = column;
    data_type
        .convert(default)
        .map_err(|expected| format!("has a wrong default of column '{name}': expected {expected}"))
}

fn describe(name: &str, config: &TableConfig) -> Table {
    let unique = |columns: &Vec<String>| KeyDescription { name: columns.join("_"), columns: columns.clone() };
    Table {
        table: TableRef::new(name),
        columns: config.columns.iter().map(|column| describe_column(column, &config.primary_key)).collect(),
        primary_key: config.primary_key.clone(),
        unique_keys: config.unique.iter().map(unique).collect(),
        ..Table::default()
    }
}

fn describe_column(config: &ColumnConfig, primary_key: &[String]) -> Column {
    let (data_type, native_type) = config.data_type.described();
    let default = Some(&config.default).filter(|default| !default.is_null());
    Column {
        native_type: native_type.to_owned(),
        is_nullable: config.nullable && !primary_key.contains(&config.name),
        is_auto_increment: config.auto_increment,
        default: default.cloned().map(DefaultValue::Value),
        ..Column::new(&config.name, data_type)
    }
}
