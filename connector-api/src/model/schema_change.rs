//! Shapes of schema changes.

use serde::{Deserialize, Serialize};

use super::{Column, ForeignKey, Key, Table, TableRef};

/// Changes, in order. All of them are read and judged first: what the store can't do is refused before anything changed
/// ([`ErrorKind::Unsupported`](super::ErrorKind::Unsupported)), and so is what can't be written down in its language
/// ([`ErrorKind::InvalidRequest`](super::ErrorKind::InvalidRequest)).
///
/// A column's type is its `native_type` where that is not empty, spelled as the store describes it, else it follows from `data_type`, `length`,
/// `precision` and `scale`. Native types and expressions of defaults come from callers: a connector reads them and accepts what it knows,
/// at least all that its own descriptions say; it never passes them on as they are.
///
/// The answer: an [`Outcome`](super::Outcome) for each change that failed, was not run or was undone, by its position. A store that can
/// undo schema changes undoes all of them when one fails.
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
    /// A new table with its columns and keys. A reference may name a table that an earlier change of the same call made, or itself.
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
    /// A new key over columns that exist.
    AddKey {
        /// Of this table.
        table: TableRef,
        /// Name and columns; without a name the connector makes one.
        key: Key,
        /// No two rows may agree in it.
        is_unique: bool,
    },
    /// A key goes; its columns stay.
    DropKey {
        /// Of this table.
        table: TableRef,
        /// Its name, as the description gave it.
        name: String,
        /// It was a unique key of the description, not an index.
        is_unique: bool,
    },
    /// A new reference to another table.
    AddForeignKey {
        /// Of this table.
        table: TableRef,
        /// Columns and what they refer to; without a name the connector makes one.
        foreign_key: ForeignKey,
    },
    /// A reference goes; its columns stay.
    DropForeignKey {
        /// Of this table.
        table: TableRef,
        /// Its name, as the description gave it.
        name: String,
    },
}
