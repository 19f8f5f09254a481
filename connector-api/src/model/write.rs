//! Shapes of writes.
//!
//! Records travel in the body as rows without names: the shape says which column each cell belongs to. An `absent` cell means
//! "leave alone" (on insert: let the default apply). Parameters of filters travel beside them, in their own frame.
//!
//! *guard* is a row rule on the row as it is when the write touches it; *check* a row rule on the row as it becomes. Both hold
//! atomically with the write, or the connector does not declare `row_rules`.

use serde::{Deserialize, Serialize};

use super::{Expr, Filter, Path, TableRef};

/// Create rows. Means "fail if it exists" in every store. Answer: with `returning`, one row for each created record, in order; an
/// outcome for each record that failed or was not run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Insert {
    /// The table.
    pub into: TableRef,
    /// The columns of each record, in the order of its cells.
    pub columns: Vec<Path>,
    /// Columns that are computed, the same way for each record. Names no column of the row: it does not exist yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compute: Vec<Assignment>,
    /// What happens after a record failed.
    pub on_error: OnError,
    /// Must hold on each new row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Filter>,
    /// Columns wanted back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returning: Vec<Path>,
    /// And every other column that such a row has, as in [`Query::others`](super::Query::others).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// As in [`Query::need`](super::Query::need).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need: Vec<String>,
}

/// A column and what is computed for it. Expressions name columns of the row as it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The column.
    pub column: Path,
    /// Its value.
    pub value: Expr,
}

/// Which rows a write touches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Selector {
    /// All that match, row rules included. The body holds at most one record: the values to set.
    Where(Filter),
    /// One row a record, named by the first cells of the record.
    Keys {
        /// The key columns, in the order of the cells.
        columns: Vec<Path>,
        /// Must hold on the row as it is; else the record fails like a missing one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guard: Option<Filter>,
    },
}

/// Change rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// The table.
    pub table: TableRef,
    /// Which rows.
    pub rows: Selector,
    /// The columns to set, in the order of the record's cells after the key.
    pub set: Vec<Path>,
    /// Columns that are computed, the same way for each row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compute: Vec<Assignment>,
    /// Merge or replace.
    pub mode: UpdateMode,
    /// Must hold on each row as it becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Filter>,
    /// What happens after a record failed.
    pub on_error: OnError,
    /// Columns wanted back, of the rows as they became.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returning: Vec<Path>,
    /// And every other column that such a row has, as in [`Query::others`](super::Query::others).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// As in [`Query::need`](super::Query::need).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need: Vec<String>,
}

/// What becomes of columns that an update does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateMode {
    /// They stay.
    Merge,
    /// The whole row or document is replaced.
    Replace,
}

/// Create rows, or change those that exist, by key, in one step each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upsert {
    /// The table.
    pub into: TableRef,
    /// The columns of each record, in the order of its cells.
    pub columns: Vec<Path>,
    /// Which of them are the key. Never empty.
    pub key: Vec<Path>,
    /// What happens to a row that exists.
    pub existing: Existing,
    /// Must hold on a row that exists, as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Filter>,
    /// Must hold on each row as it becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Filter>,
    /// What happens after a record failed.
    pub on_error: OnError,
    /// Columns wanted back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returning: Vec<Path>,
    /// And every other column that such a row has, as in [`Query::others`](super::Query::others).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// As in [`Query::need`](super::Query::need).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need: Vec<String>,
}

/// What an upsert does to a row that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// Set the given columns.
    Merge,
    /// Replace the whole row or document.
    Replace,
}

/// Remove rows. With [`Selector::Keys`] each record holds just the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// The table.
    pub from: TableRef,
    /// Which rows.
    pub rows: Selector,
    /// What happens after a record failed.
    pub on_error: OnError,
    /// Columns wanted back, of the rows as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returning: Vec<Path>,
    /// And every other column that such a row has, as in [`Query::others`](super::Query::others).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// As in [`Query::need`](super::Query::need).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need: Vec<String>,
}

/// What happens after a record failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Earlier records stay, later ones are not run.
    Stop,
    /// Later records are run.
    Continue,
    /// All or none.
    Atomic,
}
