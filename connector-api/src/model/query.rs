//! Shapes of reads, routine calls and transactions.

use serde::{Deserialize, Serialize};

use super::{ColumnType, Filter, Hints, Param, Path, TableRef};

/// Read rows. The answer: one result set whose columns contain at least `select`, in any order; the gateway picks by name.
///
/// The serialised shape is the key of statement caches: limit, offset and literals are parameters, so it holds no value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The table.
    pub from: TableRef,
    /// The columns wanted. Never empty. A path of several segments is answered under its segments joined with dots.
    pub select: Vec<Path>,
    /// The client's wish and the row rules, ANDed. `None`: all rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// In this order; empty: the store's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<Order>,
    /// The parameter with the most rows wanted: an integer of at least 1.
    pub limit: Param,
    /// The parameter with the rows to skip: an integer of at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Param>,
    /// Names of features this shape relies on beyond its members; a name the connector does not know refuses the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need: Vec<String>,
    /// Advice.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub hints: Hints,
}

/// One column of an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The column.
    pub by: Path,
    /// Smallest or greatest first.
    pub direction: Direction,
    /// Where nulls stand. `None`: where the store puts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls: Option<Nulls>,
}

/// Direction of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Smallest first.
    Asc,
    /// Greatest first.
    Desc,
}

/// Where nulls stand in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nulls {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

/// Count rows, exactly. The number stands in [`Summary::count`](super::Summary::count).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The table.
    pub from: TableRef,
    /// As in [`Query::filter`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// As in [`Query::need`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need: Vec<String>,
    /// Advice.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub hints: Hints,
}

/// Describe these tables, in one set-based read where the store allows. A table that does not exist is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DescribeTables {
    /// Which.
    pub tables: Vec<TableRef>,
}

/// Call a routine. The answer: its result sets, then at most one row with role [`Out`](super::batch::SetRole::Out) and one with
/// role [`Return`](super::batch::SetRole::Return).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The routine's name.
    pub routine: TableRef,
    /// Which of several overloads, as [`Routine::id`](super::Routine::id) gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// In the routine's order.
    pub arguments: Vec<Argument>,
    /// As in [`Query::need`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need: Vec<String>,
}

/// One argument of a routine call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// The parameter's name.
    pub name: String,
    /// In, out or both.
    pub direction: ArgumentDirection,
    /// The value, for `In` and `InOut`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Param>,
    /// The type, for `Out` and `InOut`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_type: Option<ColumnType>,
}

/// Which way an argument goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgumentDirection {
    /// To the routine.
    In,
    /// From the routine.
    Out,
    /// Both ways.
    InOut,
}

/// Start a transaction at the store's default isolation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Begin {
    /// No writes will come.
    pub read_only: bool,
}
