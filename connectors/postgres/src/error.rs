//! PostgreSQL's SQLSTATEs as the contract's kinds: <https://www.postgresql.org/docs/current/errcodes-appendix.html>. One match.

use std::error::Error as _;
use std::io;

use connector_api::{Error, ErrorKind};
use connector_common::failure::{connection_lost, tls_failed, unknown_login};
use connector_common::routine::{is_authors, raised};
use tokio_postgres::error::DbError;

/// What a failure of the driver means. The driver's and the server's text goes to the log only.
pub(crate) fn from_driver(error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(refusal) => from_server(refusal),
        None => without_answer(error).with_detail(chain(error)),
    }
}

/// What a failure inside a routine means. What its author raised on purpose is told as it stands; all other texts are the server's.
pub(crate) fn of_routine(error: &tokio_postgres::Error) -> Error {
    let refusal = error.as_db_error().filter(|refusal| is_raised(refusal.code().code()));
    refusal.map_or_else(|| from_driver(error), |refusal| raised(refusal.code().code(), refusal.message()))
}

/// `P0001` is what `RAISE` gives when its author names nothing else.
/// <https://www.postgresql.org/docs/current/plpgsql-errors-and-messages.html>
fn is_raised(code: &str) -> bool {
    code == "P0001" || is_authors(code)
}

/// The error with its sources: the driver's own text says little.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

fn source<E: std::error::Error + 'static>(error: &tokio_postgres::Error) -> Option<&E> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(found) = inner.downcast_ref() {
            return Some(found);
        }
        source = inner.source();
    }
    None
}

fn without_answer(error: &tokio_postgres::Error) -> Error {
    let broken = source::<io::Error>(error);
    if broken.and_then(|error| error.get_ref()?.downcast_ref::<rustls::Error>()).is_some() {
        return tls_failed();
    }
    // Also one that ends while it is being encrypted.
    if error.is_closed() || broken.is_some() {
        return connection_lost();
    }
    if error.to_string().contains("TLS") {
        return tls_failed();
    }
    if error.to_string().contains("authentication") {
        return unknown_login();
    }
    Error::internal("the connector used the driver wrongly")
}

/// No such table, or none that the service shows.
pub(crate) fn table_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "the table does not exist")
        .with_reason("table_not_found")
        .with_sqlstate("42P01")
}

/// No such column.
pub(crate) fn column_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "a column does not exist")
        .with_reason("column_not_found")
        .with_sqlstate("42703")
}

/// What the type of a column can't do, told before anything is sent.
pub(crate) fn no_operation(name: &str, words: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("the column '{name}' is of type {words}, {problem}"))
        .with_reason("unsupported_type")
}

/// What the call was made from is not what the table is by now. Nothing was done.
pub(crate) fn plan_outdated() -> Error {
    Error::new(ErrorKind::Contention, "the table was changed meanwhile")
        .with_reason("plan_outdated")
        .with_sqlstate("40001")
        .temporary(true)
}

/// Whether what is known of the table may be out of date: then it is read anew and the call made once more.
pub(crate) fn is_outdated(error: &Error) -> bool {
    let is_changed =
        matches!(error.sqlstate.as_deref(), Some("42P01" | "42703" | "42883" | "42804" | "42846"));
    is_changed || error.reason.as_deref() == Some("plan_outdated")
}

/// What an error means while tables are changed.
pub(crate) fn of_change(error: Error) -> Error {
    let (kind, message, reason): Meaning = match error.sqlstate.as_deref() {
        Some("42804" | "42846") => (
            ErrorKind::InvalidRequest,
            "the types of a default, of a foreign key or of a column's values do not fit each other",
            "types_do_not_fit",
        ),
        Some("0A000") => {
            (ErrorKind::Unsupported, "the database does not support this change", "unsupported_change")
        }
        Some("42P01") => return error,
        Some(code) => match by_change(code) {
            Some(meaning) => meaning,
            None => return error,
        },
        None => return error,
    };
    Error { kind, message: message.to_owned(), reason: Some(reason.into()), ..error }
}

/// What is wrong with a change of a table, beyond what was judged before.
fn by_change(code: &str) -> Option<Meaning> {
    use ErrorKind::{Conflict, InvalidRequest, NotFound};
    Some(match code {
        "42P07" => (Conflict, "a table, view or index of that name exists already", "duplicate_table"),
        "42710" => (Conflict, "a key of that name exists already", "duplicate_key"),
        "42701" => (Conflict, "a column of that name exists already", "duplicate_column"),
        "2BP01" => (Conflict, "something else in the database still uses what is to go", "in_use"),
        "55006" | "55000" => {
            (Conflict, "the table is in use, or its kind does not allow the change", "in_use")
        }
        "42704" => (NotFound, "a type or key that the change names does not exist", "key_not_found"),
        "3F000" => (NotFound, "the schema does not exist", "schema_not_found"),
        "42830" => (InvalidRequest, "the columns referred to are no primary or unique key", "key_required"),
        "42622" | "42939" => (InvalidRequest, "a name is too long or the database's own", "invalid_name"),
        "42P16" | "42P17" | "42601" | "42611" | "42883" => {
            (InvalidRequest, "the definition makes no sense to the database", "invalid_definition")
        }
        _ => return None,
    })
}

fn from_server(refusal: &DbError) -> Error {
    let code = refusal.code().code();
    let error = violation(refusal, code)
        .or_else(|| data(code))
        .or_else(|| state(code))
        .or_else(|| statement(refusal, code))
        .unwrap_or_else(|| {
            Error::internal("the database refused the statement").with_reason("statement_failed")
        });
    let error = if error.sqlstate.is_some() { error } else { error.with_sqlstate(code) };
    error.with_native_code(code).with_detail(text_of(refusal, code))
}

/// The server's text, unless it may quote a value: then where the failure was.
fn text_of(refusal: &DbError, code: &str) -> String {
    if !code.starts_with("22") && !code.starts_with("P0") {
        return refusal.message().to_owned();
    }
    let parts = [refusal.schema(), refusal.table(), refusal.column(), refusal.datatype(), refusal.routine()];
    format!("{code} in {}", parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// Class 23 and what triggers raise.
fn violation(refusal: &DbError, code: &str) -> Option<Error> {
    use ErrorKind::{Conflict, InvalidRequest};
    let (kind, message, reason) = match code {
        "23505" => (Conflict, "a record with the same unique key exists", "unique_violation"),
        "23503" => (Conflict, "a reference to another table does not hold", "foreign_key_violation"),
        "23001" => (Conflict, "a row is still referred to by others", "foreign_key_violation"),
        "23502" => (InvalidRequest, "a column that must have a value has none", "not_null_violation"),
        "23514" => (Conflict, "a check of the table does not hold", "check_violation"),
        "23P01" => (Conflict, "a record that excludes this one exists", "exclusion_violation"),
        "44000" => (Conflict, "the view does not show the record as it would become", "view_violation"),
        "P0001" => {
            (Conflict, "a trigger or a function of the database refuses the record", "integrity_violation")
        }
        "21000" => (Conflict, "several rows stand where one is expected", "ambiguous_key"),
        _ if code.starts_with("23") || code == "27000" || code == "09000" => {
            (Conflict, "a constraint of the table does not hold", "integrity_violation")
        }
        _ => return None,
    };
    let columns = columns(refusal);
    let message = match columns.as_slice() {
        [] => message.to_owned(),
        columns => format!("{message} ({})", columns.join(", ")),
    };
    let mut error = Error::new(kind, message).with_reason(reason);
    if let Some(constraint) = refusal.constraint() {
        error = error.with_constraint(constraint);
    }
    Some(if columns.is_empty() { error } else { error.with_columns(columns) })
}

/// The columns that the server names: in a field of its own, or as `Key (a, b)=(…) already exists.`, whose values are nobody's
/// business.
fn columns(refusal: &DbError) -> Vec<String> {
    if let Some(column) = refusal.column() {
        return vec![column.to_owned()];
    }
    let key = refusal.detail().and_then(|detail| detail.strip_prefix("Key ("));
    key.and_then(|key| key.split_once(")=(")).map(|(names, _)| names_of(names)).unwrap_or_default()
}

/// Nothing for an expression, whose text is no name.
fn names_of(list: &str) -> Vec<String> {
    if list.contains(['(', '\'']) {
        return Vec::new();
    }
    list.split(", ").map(|name| name.trim_matches('"').replace("\"\"", "\"")).collect()
}

/// Class 22: values.
fn data(code: &str) -> Option<Error> {
    let (message, reason) = match code {
        "22003" | "22008" | "22015" => {
            ("a value or the result of a calculation is out of range", "out_of_range")
        }
        // Texts of the database hold every character but U+0000.
        "22021" | "22P05" => ("a text contains U+0000, which the database can't store", "out_of_range"),
        "22001" => ("a text is too long for its column", "too_long"),
        "22012" => ("a division by zero", "division_by_zero"),
        "22P02" | "22P03" | "22007" | "22000" | "22018" | "22023" | "22030" | "22032" | "42804" | "2200N" => {
            ("a value does not have the type of its column", "datatype_mismatch")
        }
        _ if code.starts_with("22") => ("the database does not take a value", "data_exception"),
        _ => return None,
    };
    Some(Error::new(ErrorKind::InvalidRequest, message).with_reason(reason))
}

type Meaning = (ErrorKind, &'static str, &'static str);

/// What the server or a transaction is unable to do now.
fn state(code: &str) -> Option<Error> {
    use ErrorKind::{
        AuthFailed, Busy, Cancelled, Contention, LimitExceeded, PermissionDenied, QuotaExhausted, Timeout,
        Unavailable,
    };
    let (kind, message, reason): Meaning = match code {
        "40001" => (Contention, "the rows were changed by another transaction", "serialization_failure"),
        "40P01" => (Contention, "two transactions waited for each other", "deadlock"),
        "55P03" => (Busy, "a row or table is locked by another transaction", "locked"),
        "57014" => (Timeout, "the database ended the statement: its time was over", "statement_timeout"),
        "25P02" | "25P01" | "25P03" | "25P04" => (Cancelled, "the transaction is over", "session_lost"),
        "25006" => (PermissionDenied, "the database or the transaction can only be read", "read_only"),
        "42501" => {
            (PermissionDenied, "the service's account may not do that in the database", "permission_denied")
        }
        "53100" => (QuotaExhausted, "the disk of the database is full", "database_full"),
        "53200" => (Busy, "the database server is out of memory", "out_of_memory"),
        "53300" => (Busy, "the database server takes no more connections", "too_many_connections"),
        "53400" => (LimitExceeded, "a limit of the database server is reached", "limit_reached"),
        "3D000" => (Unavailable, "the database does not exist", "database_missing"),
        "57P01" | "57P02" | "57P03" | "57P05" => {
            (Unavailable, "the database server starts, stops or has ended the connection", "server_restarts")
        }
        _ if code.starts_with("28") => {
            (AuthFailed, "the database server does not take the service's account or password", "auth_failed")
        }
        // A pooler answers so for its server.
        _ if code.starts_with("08") || code.starts_with("58") => {
            (Unavailable, "the database server can't be reached or can't work", "server_unavailable")
        }
        _ => return None,
    };
    let is_temporary = matches!(kind, Busy | Contention | Unavailable) && code != "3D000";
    Some(Error::new(kind, message).with_reason(reason).temporary(is_temporary))
}

/// What is wrong with the statement.
fn statement(refusal: &DbError, code: &str) -> Option<Error> {
    use ErrorKind::{InvalidRequest, LimitExceeded, Unsupported};
    let (kind, message, reason): Meaning = match code {
        "42P01" | "3F000" => return Some(table_not_found()),
        "42703" => return Some(column_not_found()),
        "42601" if refusal.message().contains("zero-length") => return Some(column_not_found()),
        "0A000" if refusal.message().contains("cached plan") => return Some(plan_outdated()),
        // A pooler gave the connection to others in between.
        "26000" | "42P05" => {
            return Some(
                Error::new(
                    ErrorKind::Unavailable,
                    "a prepared statement is gone: a pooler stands before the database; set 'statement_cache' to false",
                )
                .with_reason("statement_cache")
                .temporary(false),
            );
        }
        "42P10" => (
            InvalidRequest,
            "the columns named as the key are no primary or unique key of the table",
            "key_required",
        ),
        "428C9" => {
            (InvalidRequest, "a column is computed by the database and can't be set", "generated_column")
        }
        "42809" | "55000" => {
            (Unsupported, "the rows of this view or table can't be written so", "read_only_table")
        }
        "42883" => (
            Unsupported,
            "the database knows no such function or operator for these types",
            "unsupported_type",
        ),
        "0A000" if refusal.message().starts_with("cannot perform ") => (
            Unsupported,
            "the table has rules of its own, and with them the rows that are written can't be given back",
            "read_only_table",
        ),
        "42846" | "0A000" => {
            (Unsupported, "the database can't do this with columns of these types", "unsupported_type")
        }
        "42P18" | "42P08" | "42725" => {
            (InvalidRequest, "the type of a value can't be told from its place", "datatype_mismatch")
        }
        _ if code.starts_with("54") => {
            (LimitExceeded, "the statement is too large for the database", "statement_too_large")
        }
        _ => return None,
    };
    Some(Error::new(kind, message).with_reason(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_key_are_read_and_expressions_are_not() {
        for (list, names) in [
            ("a, b", vec!["a", "b"]),
            ("\"größe \"", vec!["größe "]),
            ("lower(a)", vec![]),
            ("(a || 'x'::text)", vec![]),
        ] {
            assert_eq!(names_of(list), names, "{list}");
        }
    }

    #[test]
    fn values_out_of_range_and_of_another_type_are_told_apart() {
        for (code, reason) in [
            ("22003", Some("out_of_range")),
            ("22021", Some("out_of_range")),
            ("22P02", Some("datatype_mismatch")),
            ("2201E", Some("data_exception")),
            ("23505", None),
        ] {
            assert_eq!(data(code).and_then(|error| error.reason).as_deref(), reason, "{code}");
        }
    }

    #[test]
    fn errors_of_changes_have_their_kind_and_reason() {
        use ErrorKind::*;
        for (code, kind, reason) in [
            ("42P07", Conflict, "duplicate_table"),
            ("42701", Conflict, "duplicate_column"),
            ("2BP01", Conflict, "in_use"),
            ("42704", NotFound, "key_not_found"),
            ("42804", InvalidRequest, "types_do_not_fit"),
            ("0A000", Unsupported, "unsupported_change"),
            ("23505", Internal, "as it was"),
        ] {
            let error = Error::internal("x").with_reason("as it was").with_sqlstate(code);
            let error = of_change(error);
            assert_eq!((error.kind, error.reason.as_deref()), (kind, Some(reason)), "{code}");
        }
    }
}
