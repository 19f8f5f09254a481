//! The words in which changes are refused.

use connector_api::model::TableRef;
use connector_api::{Error, ErrorKind};

pub(super) fn conflict(message: String, reason: &'static str, sqlstate: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, message).with_reason(reason).with_sqlstate(sqlstate)
}

pub(super) fn duplicate_column(table: &TableRef, name: &str) -> Error {
    conflict(format!("the table '{table}' has a column '{name}' already"), "duplicate_column", "42701")
}

/// A foreign key of another table is in the way.
pub(super) fn referred(what: String, by: &TableRef) -> Error {
    conflict(format!("{what} can't go: the table '{by}' refers to it"), "in_use", "2BP01")
}

pub(super) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}

pub(super) fn unsupported(what: String) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the database does not support {what}"))
        .with_reason("unsupported_change")
}
