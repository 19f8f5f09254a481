//! What can go wrong with a row, as the contract's kinds with their reasons and SQLSTATEs. Messages name columns, never values.

use connector_api::author::{Error, ErrorKind};

/// A value that its column's type does not take.
pub(crate) fn mismatch(column: &str, expected: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("column '{column}': expected {expected}"))
        .with_reason("datatype_mismatch")
        .with_sqlstate("22000")
        .with_columns([column])
}

/// A number that is too great or too small for its column.
pub(crate) fn out_of_range(column: &str, expected: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("column '{column}': expected {expected}"))
        .with_reason("out_of_range")
        .with_sqlstate("22003")
        .with_columns([column])
}

/// A null where none may stand.
pub(crate) fn not_null(column: &str) -> Error {
    let message = format!("column '{column}': expected a value, for it is not nullable");
    Error::new(ErrorKind::InvalidRequest, message)
        .with_reason("not_null_violation")
        .with_sqlstate("23502")
        .with_columns([column])
}

/// A second row with one key.
pub(crate) fn unique(columns: &[String]) -> Error {
    let message = format!("a row with the same '{}' exists", columns.join("', '"));
    Error::new(ErrorKind::Conflict, message)
        .with_reason("unique_violation")
        .with_sqlstate("23505")
        .with_columns(columns)
}

/// No row has the key, or the row rule hides it.
pub(crate) fn row_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "there is no row with this key").with_reason("row_not_found")
}

/// The columns that name a row are no key, and several rows have these values.
pub(crate) fn ambiguous_key() -> Error {
    Error::new(ErrorKind::Conflict, "several rows have this key; name rows by a primary or unique key")
        .with_reason("ambiguous_key")
}

/// The row rule on a row as it is.
pub(crate) fn guard_failed() -> Error {
    Error::new(ErrorKind::RuleViolated, "the row may not be changed").with_reason("guard_failed")
}

/// The row rule on a row as it becomes.
pub(crate) fn check_failed() -> Error {
    Error::new(ErrorKind::RuleViolated, "the row may not become so").with_reason("check_failed")
}

/// A write to a service or in a transaction that only reads.
pub(crate) fn read_only(what: &str) -> Error {
    Error::unsupported(format_args!("writing {what} that is read-only"))
        .with_reason("read_only")
        .with_sqlstate("25006")
}

/// Another transaction writes.
pub(crate) fn busy() -> Error {
    Error::new(ErrorKind::Busy, "another transaction is open; try again when it has ended")
        .with_reason("writer_busy")
        .with_sqlstate("55P03")
}

/// A transaction that was ended, or undone because nothing happened in it.
pub(crate) fn session_lost() -> Error {
    Error::new(
        ErrorKind::Cancelled,
        "the transaction has ended, or was idle or open for too long; begin it again",
    )
    .with_reason("session_lost")
}

/// Something in the configuration.
pub(crate) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}
