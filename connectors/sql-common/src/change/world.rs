//! The tables as they become, change by change: what a change finds there, and what it leaves.

use std::collections::BTreeMap;

use connector_api::model::{Column, ForeignKey, Key, Table, TableKind, TableRef};
use connector_api::{Error, ErrorKind, Result};

/// Tables by name: those of which changes speak, and those that refer to them.
#[derive(Debug, Default)]
pub(super) struct World {
    tables: BTreeMap<TableRef, Table>,
}

impl World {
    pub(super) fn new(tables: Vec<Table>) -> Self {
        Self { tables: tables.into_iter().map(|table| (table.table.clone(), table)).collect() }
    }

    pub(super) fn has(&self, table: &TableRef) -> bool {
        self.tables.contains_key(table)
    }

    /// A table.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none; [`ErrorKind::Unsupported`] for a view.
    pub(super) fn table(&self, table: &TableRef) -> Result<&Table> {
        let found = self.tables.get(table).ok_or_else(|| table_not_found(table))?;
        if found.kind == TableKind::Table { Ok(found) } else { Err(is_view(table)) }
    }

    pub(super) fn add(&mut self, table: Table) {
        self.tables.insert(table.table.clone(), table);
    }

    pub(super) fn remove(&mut self, table: &TableRef) {
        self.tables.remove(table);
    }

    /// Changes what is known of a table that is there.
    pub(super) fn change(&mut self, table: &TableRef, change: impl FnOnce(&mut Table)) {
        if let Some(table) = self.tables.get_mut(table) {
            change(table);
        }
    }

    /// Another table that refers to this one, by these columns among others if there are any.
    pub(super) fn referrer(&self, table: &TableRef, columns: &[String]) -> Option<&TableRef> {
        let refers = |key: &ForeignKey| {
            let names = |column| key.referenced_columns.contains(column);
            key.references == *table && columns.iter().all(names)
        };
        let others = self.tables.values().filter(|other| other.table != *table);
        others.filter(|other| other.foreign_keys.iter().any(refers)).map(|other| &other.table).next()
    }
}

/// A column of a table.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is none.
pub(super) fn column<'t>(table: &'t Table, name: &str) -> Result<&'t Column> {
    table.columns.iter().find(|column| column.name == name).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("the table '{}' has no column '{name}'", table.table))
            .with_reason("column_not_found")
            .with_sqlstate("42703")
    })
}

/// A unique key or an index of a table.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is none.
pub(super) fn key<'t>(table: &'t Table, name: &str, is_unique: bool) -> Result<&'t Key> {
    let keys = if is_unique { &table.unique_keys } else { &table.indexes };
    keys.iter().find(|key| key.name == name).ok_or_else(|| not_there(table, "key", name))
}

/// A reference of a table.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is none.
pub(super) fn reference<'t>(table: &'t Table, name: &str) -> Result<&'t ForeignKey> {
    table
        .foreign_keys
        .iter()
        .find(|key| key.name == name)
        .ok_or_else(|| not_there(table, "foreign key", name))
}

/// Checks that all of these columns are there, and that there is one.
///
/// # Errors
/// [`ErrorKind::NotFound`] for one that is not; [`ErrorKind::InvalidRequest`] for none, and for one that stands there twice.
pub(super) fn check_columns(table: &Table, what: &str, columns: &[String]) -> Result<()> {
    let invalid = |why: String| Err(Error::new(ErrorKind::InvalidRequest, why));
    if columns.is_empty() {
        return invalid(format!("a {what} of the table '{}' names no column", table.table));
    }
    for (at, name) in columns.iter().enumerate() {
        column(table, name)?;
        if columns.iter().take(at).any(|before| before == name) {
            return invalid(format!("a {what} of the table '{}' names '{name}' twice", table.table));
        }
    }
    Ok(())
}

/// Whether these columns are a key of the table, in whatever order.
pub(super) fn is_key(table: &Table, columns: &[String]) -> bool {
    let is_same =
        |key: &[String]| key.len() == columns.len() && key.iter().all(|name| columns.contains(name));
    is_same(&table.primary_key) || table.unique_keys.iter().any(|key| is_same(&key.columns))
}

pub(super) fn table_not_found(table: &TableRef) -> Error {
    Error::new(ErrorKind::NotFound, format!("the table '{table}' does not exist"))
        .with_reason("table_not_found")
        .with_sqlstate("42P01")
}

fn is_view(table: &TableRef) -> Error {
    Error::new(ErrorKind::Unsupported, format!("'{table}' is a view; only tables can be changed"))
        .with_reason("is_view")
}

fn not_there(table: &Table, what: &str, name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("the table '{}' has no {what} '{name}'", table.table))
        .with_reason("key_not_found")
        .with_sqlstate("42704")
}
