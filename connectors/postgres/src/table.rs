//! What statements have to know of a table: where it is, the types of its columns, its keys. Kept until it is described anew, or until
//! a statement fails in a way that tells of a change.

use std::collections::HashMap;

use connector_api::author::Path;
use connector_api::{Error, Result};

use crate::error::column_not_found;
use crate::types::Class;

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableInfo {
    /// Its schema, also where requests name none.
    pub(crate) schema: String,
    pub(crate) columns: HashMap<String, ColumnInfo>,
    /// Columns that can be written, in the table's order.
    pub(crate) writable: Vec<String>,
    /// The primary key, in its order.
    pub(crate) key: Vec<String>,
    /// What names a row whose check is asked behind the statement that writes it, because `AFTER` triggers may change it once more.
    pub(crate) checked_by: Option<Vec<String>>,
    /// A statement that writes may give back any column: the table has no rules of its own, and the account may read all of it.
    pub(crate) is_given_back: bool,
    /// All unique keys, the primary one included.
    pub(crate) unique: Vec<Vec<String>>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnInfo {
    pub(crate) class: Class,
    /// The server's own words for its type: types of one class are different ones.
    pub(crate) words: String,
    /// The server can order its values and tell equal ones.
    pub(crate) is_ordered: bool,
    /// The server has aggregates for the least and the greatest of its values.
    pub(crate) has_extremes: bool,
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

    /// Whether these columns name one row at most.
    pub(crate) fn is_named_by(&self, key: &[Path]) -> bool {
        let names = |column: &String| key.iter().any(|path| path.as_column() == Some(column.as_str()));
        self.unique.iter().any(|unique| !unique.is_empty() && unique.iter().all(names))
    }
}
