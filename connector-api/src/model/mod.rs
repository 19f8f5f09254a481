//! What crosses the boundary, in plain types. Everything here is data with `serde`: no behaviour of a store, no ABI, no runtime.
//!
//! How each part may grow without breaking a connector built earlier (`docs/contract.md` has the reasons):
//!
//! * *Shapes* ([`Query`], [`Count`], [`Insert`], [`Update`], [`Upsert`], [`Delete`], [`Call`], [`ChangeSchema`], [`Filter`]) refuse unknown
//!   members and variants: skipping one could leak or destroy rows. Only what stands under `hints` may be ignored.
//! * *Answers* ([`Capabilities`], [`Table`], [`Summary`], [`Error`]) ignore unknown members: an older gateway reads what it knows.

pub mod batch;
mod capability;
mod catalogue;
mod context;
mod demands;
mod descriptor;
mod error;
mod filter;
mod moment;
mod op;
mod outcome;
mod query;
mod schema_change;
mod value;
mod write;

pub use capability::Capabilities;
pub use catalogue::{
    Beyond, Column, ColumnType, DefaultValue, ForeignKey, Key, ResultSets, Routine, RoutineKind,
    RoutineParameter, Table, TableKind, TableName, TableRef,
};
pub use context::Context;
pub use demands::{Demanding, Demands};
pub use descriptor::{Descriptor, OpenRequest, Opened, ServiceType};
pub use error::{Error, ErrorKind, Result, Violation};
pub use filter::{ArithmeticOp, CompareOp, Expr, Filter, Function, Path, TextOp};
pub use moment::{parse_uuid, uuid_text};
pub use op::Operation;
pub use outcome::{Affected, Outcome, OutcomeStatus, Summary};
pub use query::{
    Aggregate, AggregateFunction, Argument, ArgumentDirection, Begin, Call, Computed, Count, DescribeTables,
    Direction, Group, Nulls, Order, Query,
};
pub use schema_change::{Change, ChangeSchema};
pub use value::{Characters, Date, Instant, TimeOfDay, Timestamp, Value};
pub use write::{Assignment, Delete, Existing, Insert, OnError, Selector, Update, UpdateMode, Upsert};

/// A position in the row of parameters that travels in the body of a call. The shape holds positions, never values, so two
/// calls of the same form have equal shapes.
pub type Param = usize;

/// What a shape may ask to be ignored: advice only, by name. A connector that does not know a hint skips it.
pub type Hints = serde_json::Map<String, serde_json::Value>;
