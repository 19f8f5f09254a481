//! Tables, columns, keys and routines as a connector finds them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The exact name of a table or routine, as the store spells it; never quoted or folded by the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRef {
    /// Catalogue and schema, outermost first; empty where the store has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespace: Vec<String>,
    /// The name inside the namespace.
    pub name: String,
}

impl TableRef {
    /// A table of a store without namespaces.
    pub fn new(name: impl Into<String>) -> Self {
        Self { namespace: Vec::new(), name: name.into() }
    }
}

/// Namespace and name, joined with dots.
impl fmt::Display for TableRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.namespace {
            write!(f, "{part}.")?;
        }
        f.write_str(&self.name)
    }
}

/// One line of a table list: cheap to find, also for 50,000 tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableName {
    /// Which.
    #[serde(rename = "ref")]
    pub table: TableRef,
    /// What it is.
    #[serde(default)]
    pub kind: TableKind,
}

/// What a table is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// Rows of its own.
    #[default]
    Table,
    /// Rows computed from others.
    View,
    /// Anything a later connector knows.
    #[serde(other)]
    Other,
}

/// A table with its columns and keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Table {
    /// Which.
    #[serde(rename = "ref")]
    pub table: TableRef,
    /// What it is.
    pub kind: TableKind,
    /// In the store's order.
    pub columns: Vec<Column>,
    /// Names of the primary key's columns, in key order; empty: none.
    pub primary_key: Vec<String>,
    /// Other unique keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unique_keys: Vec<Key>,
    /// Indexes that are not unique.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Key>,
    /// References to other tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    /// The columns were guessed from a sample; others may appear in rows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_inferred: bool,
    /// Rows may have columns beyond these. Requests may name any column, in reads and in writes; one that a row lacks is absent. Needs
    /// the capability `open_columns`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_open: bool,
    /// Rows are documents: putting one replaces it whole. In other tables it changes the columns that it names.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_document: bool,
    /// The store's comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A named list of columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    /// The store's name for it.
    pub name: String,
    /// Columns in key order.
    pub columns: Vec<String>,
}

/// A reference to another table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForeignKey {
    /// The store's name for it, or one that the connector made.
    pub name: String,
    /// Columns of this table.
    pub columns: Vec<String>,
    /// The other table.
    pub references: TableRef,
    /// Columns of the other table, in the same order.
    pub referenced_columns: Vec<String>,
    /// What an update does, in SQL's words (`CASCADE`, `SET NULL` …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_update: Option<String>,
    /// What a deletion does, in SQL's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<String>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Column {
    /// As the store spells it.
    pub name: String,
    /// The neutral type.
    pub data_type: ColumnType,
    /// The store's own words for the type, for example `varchar(40)`.
    pub native_type: String,
    /// Most characters or bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// All digits of a decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<u32>,
    /// Digits behind the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<i32>,
    /// Null may stand in it.
    pub is_nullable: bool,
    /// The store numbers new rows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_auto_increment: bool,
    /// Computed by the store; can't be written.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_generated: bool,
    /// Its days, times or uuids are texts in whatever form they were written, and compare as texts, for the store has no type for
    /// them. A filter's text then reaches the store as it stands; else only what can be read as the column's type does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keeps_text: bool,
    /// What it holds beside the values of its type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beyond: Vec<Beyond>,
    /// Its type was guessed from a sample of rows. It describes what was seen and binds nobody: values keep the kind in which they are
    /// given, and none is refused because of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_guessed: bool,
    /// What a new row gets when nothing is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultValue>,
    /// The only values allowed, where the type lists them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_values: Vec<String>,
    /// The store's comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Column {
    /// A nullable column of this type.
    pub fn new(name: impl Into<String>, data_type: ColumnType) -> Self {
        Self { name: name.into(), data_type, is_nullable: true, ..Self::default() }
    }
}

/// Values that a store has in a column although the neutral type has none like them. Answers show them as texts, and filters and writes take
/// the same texts: a day reaches the store as that text, a number as a floating point number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// Before and behind all days and points in time, `-infinity` and `infinity`; the numbers `-Infinity` and `Infinity`.
    Infinity,
    /// The number `NaN`.
    NotANumber,
    /// The time `24:00:00`.
    EndOfDay,
    /// Days whose month or day is 0, such as `0000-00-00`, with a time or without.
    ZeroDays,
    /// Times below zero and of a day or more, from `-838:59:59` to `838:59:59`.
    LongTimes,
    /// Whatever a later connector knows.
    #[serde(other)]
    Unknown,
}

/// A default value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultValue {
    /// A constant.
    Value(serde_json::Value),
    /// The store's own text. Every connector that changes schemas also understands `CURRENT_TIMESTAMP`: the moment of writing.
    Expression(String),
}

/// The neutral type of a column. It guides how request values are read and how the column is described; cells carry a tag of
/// their own, so a store may answer with another kind of value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// True or false.
    Boolean,
    /// A whole number of at most 32 bits.
    Integer,
    /// A whole number of 64 bits.
    BigInt,
    /// A 32-bit floating point number.
    Float,
    /// A 64-bit floating point number.
    Double,
    /// An exact decimal number.
    Decimal,
    /// A text with a bound.
    String,
    /// A text without a bound.
    Text,
    /// Bytes.
    Binary,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A day and time without zone; never shifted.
    DateTime,
    /// A point in time.
    Timestamp,
    /// 128 bits.
    Uuid,
    /// Any JSON.
    Json,
    /// A list.
    Array,
    /// A document.
    Object,
    /// Whatever a later connector knows; treated as text.
    #[default]
    #[serde(other)]
    Other,
}

/// A procedure or function.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Routine {
    /// Its name.
    #[serde(rename = "ref")]
    pub routine: TableRef,
    /// Tells overloads apart; opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Procedure or function.
    pub kind: RoutineKind,
    /// In order. Those of a function only go in.
    pub parameters: Vec<RoutineParameter>,
    /// What a function gives for its value, named like the function. `None`: a procedure, or a function whose answer is rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<Column>,
    /// How many result sets it gives.
    pub sets: ResultSets,
    /// The columns of its result set, as far as the store knows them before the call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// It is declared to the store as one that changes nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_read_only: bool,
    /// The store's comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Procedure or function. A store may have one of each under the same name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoutineKind {
    /// Called for what it does: it has OUT values, result sets of which nobody knows before, or gives nothing.
    #[default]
    Procedure,
    /// Called for its value or its rows.
    Function,
}

/// How many result sets a routine gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultSets {
    /// None at all.
    None,
    /// Just one.
    One,
    /// That shows when it is called.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A parameter of a routine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoutineParameter {
    /// Which way it goes.
    pub direction: super::ArgumentDirection,
    /// Its name, which may be empty, and its type. One with a default may be left out of a call.
    pub column: Column,
}

impl RoutineParameter {
    /// Whether the caller gives a value for it.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.direction != super::ArgumentDirection::Out
    }

    /// Whether the caller gets a value of it.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.direction != super::ArgumentDirection::In
    }
}
