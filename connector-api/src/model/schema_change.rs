//! Shapes of schema changes.

use serde::{Deserialize, Serialize};

use super::{Column, Table, TableRef};

/// Changes, in order. The answer: an [`Outcome`](super::Outcome) for each that failed or was not run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeSchema {
    /// What is to change.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// A new table with its columns and keys.
    CreateTable(Table),
    /// A table goes, with its rows.
    DropTable(TableRef),
    /// A new column.
    AddColumn {
        /// Of this table.
        table: TableRef,
        /// As it shall be.
        column: Column,
    },
    /// A column gets another type, default or nullability.
    AlterColumn {
        /// Of this table.
        table: TableRef,
        /// As it shall be; found by its name.
        column: Column,
    },
    /// A column goes, with its values.
    DropColumn {
        /// Of this table.
        table: TableRef,
        /// Its name.
        name: String,
    },
}
