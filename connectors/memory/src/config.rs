//! The configuration of a service, in the form a person writes it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use connector_common::timeout::Timeout;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::types::Type;

/// Where the tables come from (`file`, `tables` or both), and how they may be written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// A JSON file with more tables: one object in the form of `tables`. Relative to the folder in which the gateway was started.
    /// Read once, when the service is opened. Default: none.
    #[serde(default)]
    pub(crate) file: Option<PathBuf>,
    /// The tables by name. Default: none.
    #[serde(default)]
    pub(crate) tables: Tables,
    /// Refuse every write. Otherwise rows are written in memory, never to the file, and last until the service is closed.
    #[serde(default)]
    pub(crate) read_only: bool,
    /// How long a write waits for the transaction that is open: milliseconds, or a text like `"500ms"`, `"5s"`, `"1m"`.
    #[serde(default = "five_seconds")]
    pub(crate) busy_timeout: Timeout,
    /// A transaction without a call for so long is undone: milliseconds, or a text like `"500ms"`, `"5s"`, `"1m"`.
    #[serde(default = "thirty_seconds")]
    pub(crate) session_timeout: Timeout,
    /// A transaction that is open for so long is undone, however busy, for one that writes keeps all other writers waiting: written as
    /// the others.
    #[serde(default = "a_minute")]
    pub(crate) session_lifetime: Timeout,
}

/// Tables by name.
pub(crate) type Tables = BTreeMap<String, TableConfig>;

/// One table.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableConfig {
    /// The columns, in order. At least one.
    pub(crate) columns: Vec<ColumnConfig>,
    /// Names of the columns that identify a row. Default: none.
    #[serde(default)]
    pub(crate) primary_key: Vec<String>,
    /// Other keys, each a list of columns whose values no two rows share; a null in them is equal to nothing. Default: none.
    #[serde(default)]
    pub(crate) unique: Vec<Vec<String>>,
    /// The rows: an object with a member for each column; a missing member takes the column's default. Default: none.
    #[serde(default)]
    pub(crate) rows: Vec<Map<String, Json>>,
}

/// One column.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnConfig {
    /// Its name.
    pub(crate) name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub(crate) data_type: Type,
    /// Whether null may stand in it; never in a primary key. Default: true.
    #[serde(default = "yes")]
    pub(crate) nullable: bool,
    /// The value of a new row that is not given one, written as in `rows`. Default: null.
    #[serde(default)]
    pub(crate) default: Json,
    /// New rows that are not given a value are numbered: one more than the greatest number so far. Only for a primary key of one
    /// column of type `integer` or `bigint`. Default: false.
    #[serde(default)]
    pub(crate) auto_increment: bool,
}

fn yes() -> bool {
    true
}

fn five_seconds() -> Timeout {
    Timeout::seconds(5)
}

fn thirty_seconds() -> Timeout {
    Timeout::seconds(30)
}

fn a_minute() -> Timeout {
    Timeout::seconds(60)
}
