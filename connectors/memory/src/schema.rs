//! Configuration to table descriptions.

use std::collections::HashSet;

use connector_api::author::{Column, Error, ErrorKind, Result, Table, TableRef};

use crate::config::{ColumnConfig, TableConfig};

/// The description of a configured table.
///
/// # Errors
/// A table without columns, a column named twice, a key column that does not exist.
pub(crate) fn describe(name: &str, config: &TableConfig) -> Result<Table> {
    let wrong = |what: String| {
        Error::new(ErrorKind::InvalidRequest, format!("table '{name}' of the configuration {what}"))
    };
    if config.columns.is_empty() {
        return Err(wrong("has no columns; it needs at least one".to_owned()));
    }
    let mut names = HashSet::new();
    for ColumnConfig { name, .. } in &config.columns {
        if !names.insert(name) {
            return Err(wrong(format!("names column '{name}' twice")));
        }
    }
    if let Some(key) = config.primary_key.iter().find(|key| !names.contains(key)) {
        return Err(wrong(format!("has no column '{key}', which its primary_key names")));
    }
    Ok(Table {
        table: TableRef::new(name),
        columns: config.columns.iter().map(|column| describe_column(column, &config.primary_key)).collect(),
        primary_key: config.primary_key.clone(),
        ..Table::default()
    })
}

fn describe_column(config: &ColumnConfig, primary_key: &[String]) -> Column {
    let (data_type, native_type) = config.data_type.described();
    Column {
        native_type: native_type.to_owned(),
        is_nullable: config.nullable && !primary_key.contains(&config.name),
        ..Column::new(&config.name, data_type)
    }
}
