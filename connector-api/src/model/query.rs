//! Shapes of reads, routine calls and transactions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Expr, Filter, Hints, Param, Path, RoutineKind, TableRef};

/// Read rows. The answer: one result set whose columns contain at least `select`, in any order; the gateway picks by name.
///
/// The serialised shape is the key of statement caches: limit, offset and literals are parameters, so it holds no value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The table.
    pub from: TableRef,
    /// The columns wanted. A path of several segments is answered under its segments joined with dots. Empty only with a group, or where
    /// something is computed.
    pub select: Arc<[Path]>,
    /// What the store computes for each row beside them. `order` may name these, too. Never with `distinct` or a group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compute: Vec<Computed>,
    /// And every other column that a row has, where the table is open: the connector announces the columns anew when a row has others.
    /// Never with `distinct` or a group.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// No row twice, among the columns wanted. `order` names some of them only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub distinct: bool,
    /// One row for each group of rows instead of the rows themselves. `select` and `order` then name columns of
    /// [`Group::by`]; `order` may name aggregates too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
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
    /// The parameter that says where the page begins: null for the first one, else the text that [`Summary::next`](super::Summary::next)
    /// of the page before gave, for the same filter and order. With it the answer's `next` alone says whether there are more rows, and a
    /// page may be short. Without it an answer has all rows up to the limit, or is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Param>,
    /// Names of features this shape relies on beyond its members; a name the connector does not know refuses the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need: Vec<String>,
    /// Advice.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub hints: Hints,
}

impl Query {
    /// All rows, in the store's own order.
    pub fn new(from: TableRef, select: impl Into<Arc<[Path]>>, limit: Param) -> Self {
        Self {
            from,
            select: select.into(),
            compute: Vec::new(),
            others: false,
            distinct: false,
            group: None,
            filter: None,
            order: Vec::new(),
            limit,
            offset: None,
            after: None,
            need: Vec::new(),
            hints: Hints::new(),
        }
    }
}

/// A value that the store computes for each row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Computed {
    /// Its name in the answer and in `order`: no other column of the answer has it. The table may have a column of this name, which `order`
    /// does not mean then.
    pub name: String,
    /// What is computed.
    pub value: Expr,
}

/// How rows become groups. The answer has the selected columns and one column for each aggregate, under its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Rows with equal values here make a group; nulls are equal. Empty: all rows are one group, also when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Path>,
    /// What is known of each group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aggregates: Vec<Aggregate>,
    /// Only groups for which this is true. A plain column in it is one of `by` or the name of an aggregate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub having: Option<Filter>,
}

/// One number (or, for `Min` and `Max`, one value) of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// Which.
    pub function: AggregateFunction,
    /// Of this column, nulls left out. `None`: of rows, for `Count` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Path>,
    /// Each value once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub distinct: bool,
    /// Its name in the answer, in `having` and in `order`: no column of the table and no other aggregate has it.
    pub name: String,
}

/// What can be said of a group of values. Values that are not numbers do not count for `Sum` and `Avg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregateFunction {
    /// How many; 0 for none.
    Count,
    /// Their sum: an integer of integers, a decimal of integers and decimals, else a float; null for none. One that does not fit is an error of kind
    /// `InvalidRequest` with the reason `out_of_range`.
    Sum,
    /// Their mean as a float or decimal; null for none.
    Avg,
    /// The smallest; null for none.
    Min,
    /// The greatest; null for none.
    Max,
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

/// Call a routine. The answer: its result sets, all of them, then at most one row with role [`Out`](super::batch::SetRole::Out), which has
/// the values of `Out` and `InOut` under the names of their parameters, and one with role [`Return`](super::batch::SetRole::Return).
///
/// What a call does is not known, so nobody repeats one that was sent: not the gateway, and not the connector when its connection breaks
/// ([`ErrorKind::UnknownOutcome`](super::ErrorKind::UnknownOutcome)). An error that the routine raises on purpose says what its author
/// says, with the reason `raised`; the text of any other failure inside of it stays unsaid as always.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The routine's name.
    pub routine: TableRef,
    /// Procedure or function, as [`Routine::kind`](super::Routine::kind) says.
    pub kind: RoutineKind,
    /// Which of several overloads, as [`Routine::id`](super::Routine::id) gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// In the routine's order. A parameter of `In` or `InOut` that is left out takes its default, and without one it is null.
    pub arguments: Vec<Argument>,
    /// As in [`Query::need`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need: Vec<String>,
}

/// The value of one parameter. Its type and its direction are those of the description.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// The place of the parameter among all of the routine, counted from 0: names may be empty.
    pub place: usize,
    /// The value.
    pub value: Param,
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

/// Start a transaction. Unless it is read-only, a row that was read in it and is written in it was not changed by others in between:
/// the store holds it, or the write answers `Contention`. The gateway's conditional writes rest on this.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Begin {
    /// No writes will come.
    pub read_only: bool,
}
