//! Joins a typed request with the catalogue, the row rules and the service's capabilities into a plan that may be sent as it
//! stands: names resolved, values typed, rules ANDed in, everything the connector can't do refused. No I/O, no SQL, no status
//! codes.

mod aliases;
mod beyond;
mod capability;
mod columns;
mod error;
mod filter;
mod formula;
mod group;
mod key;
mod keyset;
mod levels;
mod literal;
mod moment;
mod nested;
mod order;
mod reach;
mod read;
mod related;
mod routine;
mod rules;
pub mod schema;
mod selection;
mod values;
mod view;
mod write;

pub use aliases::Aliases;
pub use columns::Columns;
pub use error::Error;
pub use formula::check_functions;
pub use key::{id_in, is_open, is_unique, parts_of, readings};
pub use keyset::Keyset;
pub use nested::{
    Child, Given, Nested, Rows, Wish, check_marker, has, may_be_nested, may_name_related, split, takes_away,
};
pub use reach::{Reach, beyond};
pub use read::{Lookup, Page, Piece, Read, Scope, by_ids, count, page, single};
pub use related::{RelatedRows, fitting_keys, related, rows_of_key, typed_key};
pub use routine::{call, check_wrapper, overload};
pub use rules::RowRules;
pub use view::{MemberKeys, ShownColumn, ShownColumns, Views};
pub use write::{Call, Change, Checks, Gathered, Kind, Planned, Selection, Whole, Write};

#[cfg(test)]
mod tests;
