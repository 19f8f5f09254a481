//! The configuration of a service, in the form a person writes it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::types::Type;

/// Where the tables come from: `file`, `tables` or both.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// A JSON file with more tables: one object in the form of `tables`. Relative to the folder in which the gateway was started.
    /// Read once, when the service is opened. Default: none.
    pub(crate) file: Option<PathBuf>,
    /// The tables by name. Default: none.
    pub(crate) tables: Tables,
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
    /// The rows: an object with a member for each column; a missing member is null. Default: none.
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
}

fn yes() -> bool {
    true
}
