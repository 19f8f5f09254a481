//! Text → typed request. Everything here is a pure function of the request's own text: no schema, no caller, no database,
//! no I/O. Names stay as the caller wrote them and values stay untyped; the plan resolves the first and types the second.
//!
//! `media` knows the names of forms, `body` reads bodies in them, `batch` the document of a batch; `filter` is the filter grammar, `lookup` replaces
//! `{user.id}` in a value that is already cut out, `parameters` merges query string and body, `options` and the types
//! beside it are what a read asks for, `bounds` says how much of it, `write` and `records` what a write asks for and brings along, `conditions` on which
//! version of a row, `schema` what is wished of tables and fields, `routine` a call of a procedure or function, `verb` finds the verb that was
//! meant.

pub mod batch;
pub mod body;
pub mod filter;
pub mod lookup;
pub mod media;
pub mod options;
pub mod schema;
pub mod verb;

mod bounds;
mod conditions;
mod error;
mod fields;
mod id;
mod order;
mod parameters;
mod records;
mod related;
mod routine;
mod term;
mod write;

pub use body::Record;
pub use bounds::Bounds;
pub use conditions::{Conditions, Tag, Tags, Version};
pub use error::Error;
pub use fields::Fields;
pub use id::{Id, path_id};
pub use options::{CountWish, ListRead, Paging, SchemaWrite, TableRead};
pub use order::{Direction, Nulls, OrderItem};
pub use parameters::{Parameters, is_true};
pub use records::{Records, no_records, records, single_record};
pub use related::{Related, RelatedOptions};
pub use routine::{Cast, Given, GivenValue, RoutineCall};
pub use term::{Aggregate, AggregateFunction, FieldItem, Term};
pub use write::TableWrite;
