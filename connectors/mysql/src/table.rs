//! What statements have to know of a table: the types of its columns, its keys. Kept until it is described anew, or until a statement
//! fails in a way that tells of a change.

use std::collections::HashMap;

use connector_api::author::Path;
use connector_api::{Error, Result};

use crate::error::column_not_found;
use crate::types::Class;

/// The name of every primary key.
pub(crate) const PRIMARY: &str = "PRIMARY";

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableInfo {
    /// By name.
    pub(crate) columns: HashMap<String, ColumnInfo>,
    /// Columns that can be written, in the table's order.
    pub(crate) writable: Vec<String>,
    /// The primary key first, then the other unique ones.
    pub(crate) keys: Vec<UniqueKey>,
    /// The column that numbers new rows.
    pub(crate) numbered: Option<String>,
    /// The server is MariaDB, else it is MySQL.
    pub(crate) is_mariadb: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnInfo {
    pub(crate) class: Class,
    /// Its labels, where it is an enumeration or a set.
    pub(crate) labels: Vec<String>,
}

impl From<Class> for ColumnInfo {
    fn from(class: Class) -> Self {
        Self { class, labels: Vec::new() }
    }
}

/// A unique key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UniqueKey {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
}

impl TableInfo {
    /// A column by its exact name.
    ///
    /// # Errors
    /// [`connector_api::ErrorKind::NotFound`] when the table has none; [`connector_api::ErrorKind::Unsupported`] for a path into a document.
    pub(crate) fn column(&self, path: &Path) -> Result<&ColumnInfo> {
        let name = path.as_column().ok_or_else(|| Error::unsupported("a column inside a document"))?;
        self.columns.get(name).ok_or_else(column_not_found)
    }

    /// The class of a column.
    ///
    /// # Errors
    /// As [`TableInfo::column`].
    pub(crate) fn class(&self, path: &Path) -> Result<Class> {
        self.column(path).map(|column| column.class)
    }

    /// The columns of the primary key.
    pub(crate) fn primary_key(&self) -> &[String] {
        let key = self.keys.iter().find(|key| key.name == PRIMARY);
        key.map_or(&[], |key| key.columns.as_slice())
    }

    /// Whether these columns name one row at most.
    pub(crate) fn is_named_by(&self, key: &[Path]) -> bool {
        self.keys.iter().any(|unique| unique.is_within(key))
    }
}

impl UniqueKey {
    /// Whether all of its columns are among these.
    pub(crate) fn is_within(&self, columns: &[Path]) -> bool {
        let is_there = |name: &String| columns.iter().any(|path| path.as_column() == Some(name.as_str()));
        self.columns.iter().all(is_there)
    }
}
