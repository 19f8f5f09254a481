//! What a caller may do: verbs, service access entries, row filters and the decision over one request.
//!
//! Everything here is a pure function over plain data: no I/O, no clock, no HTTP status. `auth` makes the [`Caller`],
//! the pipeline asks [`decide`], and the one error file of the gateway turns a [`Denial`] into an answer.
//! The matching rules stand in `role.rs`, the order of the checks in `decision.rs`, the texts in `denial.rs`.

mod caller;
mod decision;
mod denial;
mod role;
mod verb;

pub use caller::{App, Caller, Requestor, User};
pub use decision::{Grant, access_verbs, decide, decide_by_parts, may_touch};
pub use denial::Denial;
pub(crate) use role::called;
pub use role::{Access, FilterOp, Role, RowFilter, RowOperator};
pub use verb::{RequestorMask, UnknownWord, Verb, VerbMask};
