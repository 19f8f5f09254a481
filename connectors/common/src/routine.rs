//! Calls of routines in databases that speak SQLSTATE: what their authors raise on purpose, and arguments as the cells that columns take.

use connector_api::author::{Call, Cell, CellWriter as _, Context, Value};
use connector_api::model::batch::RowsFrame;
use connector_api::{Error, ErrorKind, Result};

/// The classes of SQLSTATE in the users' range that servers take for themselves.
const SERVERS: [&str; 10] = ["53", "54", "55", "57", "58", "70", "72", "P0", "XA", "XX"];

/// Whether a SQLSTATE is one that only the author of a routine gives: class 45, or one of those that the SQL standard leaves to users and
/// no server uses.
#[must_use]
pub fn is_authors(sqlstate: &str) -> bool {
    let is_users = sqlstate.starts_with(|first: char| matches!(first, '5'..='9' | 'I'..='Z'));
    let is_servers = SERVERS.iter().any(|class| sqlstate.starts_with(class));
    sqlstate.starts_with("45") || is_users && !is_servers
}

/// What the author of a routine raised: the text was written for callers.
#[must_use]
pub fn raised(sqlstate: &str, text: &str) -> Error {
    Error::new(ErrorKind::Conflict, text)
        .with_reason("raised")
        .with_sqlstate(sqlstate)
        .with_native_code(sqlstate)
}

/// No such routine.
#[must_use]
pub fn routine_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "the routine does not exist")
        .with_reason("routine_not_found")
        .with_sqlstate("42883")
}

/// A routine may end the transaction in which it is called, and a part of it can't be undone.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for a call inside of a transaction.
pub fn check_alone(context: &Context) -> Result<()> {
    match context.session {
        None => Ok(()),
        Some(_) => Err(Error::unsupported("calling a routine inside a transaction")),
    }
}

/// What is written in place of a value that is left out.
///
/// # Errors
/// [`ErrorKind::Internal`] for a value of a parameter that the routine does not have.
pub fn value_of(call: &Call, place: usize, parameters: usize) -> Result<Option<usize>> {
    if call.arguments.iter().any(|argument| argument.place >= parameters) {
        return Err(Error::internal("the request names a parameter that the routine does not have"));
    }
    Ok(call.arguments.iter().find(|argument| argument.place == place).map(|argument| argument.value))
}

/// A value as a cell, so that an argument is sent as a column of its type is written.
///
/// # Errors
/// Those of `send`.
pub fn as_cell<T>(value: &Value, send: impl FnOnce(&Cell<'_>) -> Result<T>) -> Result<T> {
    let mut cells = Vec::new();
    cells.value(value);
    let cell = RowsFrame::of_cells(1, &cells).next_cell()?;
    send(&cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_server_says_is_the_authors() {
        for (sqlstate, expected) in [
            ("45000", true),
            ("45A01", true),
            ("U0001", true),
            ("99001", true),
            ("P0001", false),
            ("P0002", false),
            ("23505", false),
            ("22012", false),
            ("42P01", false),
            ("HY000", false),
            ("53300", false),
            ("57014", false),
            ("70100", false),
            ("XX000", false),
            ("", false),
        ] {
            assert_eq!(is_authors(sqlstate), expected, "{sqlstate}");
        }
    }

    #[test]
    fn a_value_is_a_cell() {
        let text = as_cell(&Value::Text("a".to_owned()), |cell| Ok(matches!(cell, Cell::Text("a"))));
        assert_eq!(text, Ok(true));
    }
}
