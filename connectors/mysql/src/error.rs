//! The server's numbers of errors as the contract's kinds. One match.
//! <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>
//! <https://mariadb.com/docs/server/reference/error-codes/mariadb-error-code-reference>

use std::error::Error as StdError;

use connector_api::{Error, ErrorKind};
use connector_common::failure::{connection_lost, tls_failed, unknown_login};
use connector_common::routine::{is_authors, raised};
use mysql_async::{DriverError, IoError, ServerError};

/// A key that exists already.
const DUPLICATE: u16 = 1062;
/// What `SIGNAL` gives when its author names no other number.
const SIGNAL: u16 = 1644;
/// The server has undone the whole transaction.
const DEADLOCK: u16 = 1213;

/// What a failure of the driver means. The driver's and the server's text goes to the log only, and without values.
pub(crate) fn from_driver(error: &mysql_async::Error) -> Error {
    match error {
        mysql_async::Error::Server(refusal) => from_server(refusal),
        mysql_async::Error::Driver(error) => from_client(error).with_detail(error),
        mysql_async::Error::Io(error) => without_answer(error).with_detail(error),
        other => Error::internal("the connector used the driver wrongly").with_detail(other),
    }
}

/// What a failure inside a routine means. What its author raised on purpose is told as it stands; all other texts are the server's.
pub(crate) fn of_routine(error: &mysql_async::Error) -> Error {
    match error {
        mysql_async::Error::Server(refusal) if refusal.code == SIGNAL || is_authors(&refusal.state) => {
            raised(&refusal.state, &refusal.message)
        }
        other => from_driver(other),
    }
}

fn without_answer(error: &IoError) -> Error {
    let is_tls = match error {
        IoError::Io(error) => error.get_ref().is_some_and(is_tls),
        IoError::Tls(_) => true,
    };
    if is_tls { tls_failed() } else { connection_lost() }
}

fn is_tls(error: &(dyn StdError + Send + Sync + 'static)) -> bool {
    error.is::<rustls::Error>()
}

/// What the driver itself refuses.
fn from_client(error: &DriverError) -> Error {
    match error {
        DriverError::NoClientSslFlagFromServer | DriverError::NoKeyFound => tls_failed(),
        DriverError::UnknownAuthPlugin { .. }
        | DriverError::MysqlOldPasswordDisabled
        | DriverError::CleartextPluginDisabled => unknown_login(),
        DriverError::PacketTooLarge | DriverError::StmtParamsNumberExceedsLimit { .. } => {
            Error::new(ErrorKind::LimitExceeded, "the statement is too large for the database")
                .with_reason("statement_too_large")
        }
        DriverError::ConnectionClosed
        | DriverError::PacketOutOfOrder
        | DriverError::UnexpectedPacket { .. } => connection_lost(),
        _ => Error::internal("the connector used the driver wrongly"),
    }
}

/// No such table, or none that the service shows.
pub(crate) fn table_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "the table does not exist")
        .with_reason("table_not_found")
        .with_sqlstate("42S02")
}

/// No such column.
pub(crate) fn column_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "a column does not exist")
        .with_reason("column_not_found")
        .with_sqlstate("42S22")
}

/// Whether what is known of the table may be out of date: then it is read anew and the call made once more.
pub(crate) fn is_outdated(error: &Error) -> bool {
    matches!(error.reason.as_deref(), Some("table_not_found" | "column_not_found" | "plan_outdated"))
}

/// Whether the transaction in which it happened is over on the server.
pub(crate) fn ends_transaction(error: &Error) -> bool {
    error.native_code.as_deref() == Some("1213")
}

/// The unique key of which a new row has a value that exists; `None` for other errors.
pub(crate) fn duplicate_key(error: &Error) -> Option<&str> {
    let is_duplicate = error.reason.as_deref() == Some("unique_violation");
    error.violation.as_ref().filter(|_| is_duplicate)?.constraint.as_deref()
}

/// What an error means while tables are changed.
pub(crate) fn of_change(error: Error) -> Error {
    let code = error.native_code.as_deref().and_then(|code| code.parse().ok());
    match code.and_then(by_change) {
        Some((kind, message, reason)) => {
            Error { kind, message: message.to_owned(), reason: Some(reason.into()), ..error }
        }
        None => error,
    }
}

/// What is wrong with a change of a table, beyond what was judged before.
fn by_change(code: u16) -> Option<Meaning> {
    use ErrorKind::{Conflict, InvalidRequest, LimitExceeded, NotFound, Unsupported};
    Some(match code {
        1050 => (Conflict, "a table or view of that name exists already", "duplicate_table"),
        1060 => (
            Conflict,
            "a column of that name exists already; the case of letters does not count",
            "duplicate_column",
        ),
        1061 | 1022 | 1826 | 3822 => (Conflict, "a key of that name exists already", "duplicate_key"),
        1217 | 1451 | 1553 | 1828 | 1829 | 3730 | 4074 => {
            (Conflict, "a foreign key or something else still uses what is to go", "in_use")
        }
        1091 | 1176 => (NotFound, "a column or key that the change names does not exist", "key_not_found"),
        1005 | 1215 | 1822 | 3780 | 6125 => (
            InvalidRequest,
            "a foreign key does not fit what it refers to; expected columns of the same types with a key over them",
            "key_required",
        ),
        1824 => (NotFound, "the table that is referred to does not exist", "table_not_found"),
        1067 | 1101 | 1674 | 3770..=3774 => {
            (InvalidRequest, "the default does not fit its column", "invalid_default")
        }
        1059 | 1102 | 1103 | 1166 | 1280 => (InvalidRequest, "a name can't be", "invalid_name"),
        1063 | 1064 | 1068 | 1072..=1075 | 1089 | 1171 | 1425..=1427 | 1439 | 4161 => {
            (InvalidRequest, "the definition makes no sense to the database", "invalid_definition")
        }
        1170 => (
            Unsupported,
            "the database has no keys over texts and bytes without a bound; give the column a length",
            "unsupported_change",
        ),
        1071 | 1117 | 1118 => (LimitExceeded, "a key or a row of the table is too large", "too_large"),
        1138 | 1265 => (Conflict, "rows of the table do not fit the change", "rows_do_not_fit"),
        1845 | 1846 | 1235 => {
            (Unsupported, "the database does not support this change", "unsupported_change")
        }
        _ => return None,
    })
}

fn from_server(refusal: &ServerError) -> Error {
    let (code, message) = (refusal.code, refusal.message.as_str());
    let error = violation(code, message)
        .or_else(|| data(code))
        .or_else(|| state(code))
        .or_else(|| statement(code))
        .unwrap_or_else(|| {
            Error::internal("the database refused the statement").with_reason("statement_failed")
        });
    let error = if error.sqlstate.is_some() { error } else { error.with_sqlstate(&*refusal.state) };
    error.with_native_code(code).with_detail(without_values(code, message))
}

/// Messages about data quote the data, and what a trigger says may be data too.
fn without_values(code: u16, message: &str) -> &str {
    let names_data = data(code).is_some() || matches!(code, DUPLICATE | 1586 | SIGNAL);
    if names_data { message.split('\'').next().unwrap_or_default() } else { message }
}

/// Constraints, and what triggers raise.
fn violation(code: u16, message: &str) -> Option<Error> {
    use ErrorKind::{Conflict, InvalidRequest};
    let (kind, words, reason, sqlstate) = match code {
        DUPLICATE | 1586 | 1859 => {
            (Conflict, "a record with the same unique key exists", "unique_violation", "23505")
        }
        1216 | 1452 => {
            (Conflict, "a reference to another table does not hold", "foreign_key_violation", "23503")
        }
        1217 | 1451 => (Conflict, "a row is still referred to by others", "foreign_key_violation", "23503"),
        1048 | 1263 | 1364 | 1423 => {
            (InvalidRequest, "a column that must have a value has none", "not_null_violation", "23502")
        }
        3819 | 4025 => (Conflict, "a check of the table does not hold", "check_violation", "23514"),
        1369 => (Conflict, "the view does not show the record as it would become", "view_violation", "44000"),
        SIGNAL => (
            Conflict,
            "a trigger or a function of the database refuses the record",
            "integrity_violation",
            "23000",
        ),
        _ => return None,
    };
    let column = (reason == "not_null_violation").then(|| between(message, "'", "'")).flatten();
    let words = column.map_or_else(|| words.to_owned(), |column| format!("{words} ({column})"));
    let mut error = Error::new(kind, words).with_reason(reason).with_sqlstate(sqlstate);
    if let Some(constraint) = constraint(code, message) {
        error = error.with_constraint(constraint);
    }
    Some(match column {
        Some(column) => error.with_columns(vec![column.to_owned()]),
        None => error,
    })
}

/// The name of the constraint that does not hold. MySQL puts the table before that of a unique key.
fn constraint(code: u16, message: &str) -> Option<&str> {
    match code {
        DUPLICATE | 1586 => {
            let (_, key) = message.rsplit_once("for key '")?;
            let key = key.strip_suffix('\'')?;
            Some(key.split_once('.').map_or(key, |(_, key)| key))
        }
        3819 => between(message, "'", "'"),
        4025 => between(message, "`", "`").map(|name| name.rsplit_once('.').map_or(name, |(_, name)| name)),
        _ => between(message, "CONSTRAINT `", "`"),
    }
}

fn between<'m>(message: &'m str, before: &str, after: &str) -> Option<&'m str> {
    message.split_once(before)?.1.split_once(after).map(|(inner, _)| inner)
}

/// Values.
fn data(code: u16) -> Option<Error> {
    let (message, reason, sqlstate) = match code {
        1264 | 1441 | 1690 | 3156 => {
            ("a value or the result of a calculation is out of range", "out_of_range", "22003")
        }
        1406 => ("a text is too long for its column", "too_long", "22001"),
        1365 => ("a division by zero", "division_by_zero", "22012"),
        1265 | 1292 | 1300 | 1366 | 1367 | 1411 | 1416 | 1525 | 1977 | 3140 | 3141 | 3146 | 3147 | 4078 => {
            ("a value does not have the type of its column", "datatype_mismatch", "22000")
        }
        _ => return None,
    };
    Some(Error::new(ErrorKind::InvalidRequest, message).with_reason(reason).with_sqlstate(sqlstate))
}

type Meaning = (ErrorKind, &'static str, &'static str);

/// What the server or a transaction is unable to do now.
fn state(code: u16) -> Option<Error> {
    use ErrorKind::{
        AuthFailed, Busy, Contention, LimitExceeded, PermissionDenied, QuotaExhausted, Timeout, Unavailable,
    };
    let (kind, message, reason): Meaning = match code {
        1020 => (Contention, "the rows were changed by another transaction", "serialization_failure"),
        DEADLOCK => (Contention, "two transactions waited for each other", "deadlock"),
        1205 => (Busy, "a row or table is locked by another transaction", "locked"),
        1317 | 1969 | 3024 => {
            (Timeout, "the database ended the statement: its time was over", "statement_timeout")
        }
        1290 | 1792 | 1836 => {
            (PermissionDenied, "the database or the transaction can only be read", "read_only")
        }
        1044 | 1142 | 1143 | 1227 | 1356 | 1370 => {
            (PermissionDenied, "the service's account may not do that in the database", "permission_denied")
        }
        1045 | 1130 | 1251 | 1698 | 1820 | 1862 | 2061 | 3118 | 4151 => {
            (AuthFailed, "the database server does not take the service's account or password", "auth_failed")
        }
        1021 | 1114 => (QuotaExhausted, "the disk or the table of the database is full", "database_full"),
        1037 | 1038 | 1041 => (Busy, "the database server is out of memory", "out_of_memory"),
        1040 | 1203 => (Busy, "the database server takes no more connections", "too_many_connections"),
        1461 => (Busy, "the database server keeps no more prepared statements", "limit_reached"),
        1226 => (LimitExceeded, "a limit of the service's account is reached", "limit_reached"),
        1049 => (Unavailable, "the database does not exist", "database_missing"),
        1053 | 1077..=1080 | 1129 | 1152 | 1158..=1161 | 1184 | 1927 | 4031 => {
            (Unavailable, "the database server stops or has ended the connection", "connection_lost")
        }
        _ => return None,
    };
    let is_temporary = matches!(kind, Busy | Contention | Unavailable) && code != 1049;
    let error = Error::new(kind, message).with_reason(reason).temporary(is_temporary);
    Some(match kind {
        Timeout => error.with_sqlstate("57014"),
        Contention => error.with_sqlstate("40001"),
        _ => error,
    })
}

/// What is wrong with the statement.
fn statement(code: u16) -> Option<Error> {
    use ErrorKind::{Contention, InvalidRequest, LimitExceeded, Unsupported};
    let (kind, message, reason): Meaning = match code {
        1146 | 1109 => return Some(table_not_found()),
        1054 | 1166 => return Some(column_not_found()),
        1615 => (Contention, "the table was changed meanwhile", "plan_outdated"),
        1906 | 3105 => {
            (InvalidRequest, "a column is computed by the database and can't be set", "generated_column")
        }
        1288 | 1348 | 1393 | 1394 | 1395 | 1471 => {
            (Unsupported, "the rows of this view or table can't be written so", "read_only_table")
        }
        1267 | 1270 | 1271 => (
            InvalidRequest,
            "a text has characters that a column's character set lacks, or columns of different collations are compared",
            "charset_mismatch",
        ),
        1235 | 4079 => {
            (Unsupported, "the database can't do this with columns of these types", "unsupported_type")
        }
        1118 | 1119 | 1153 | 1390 | 1436 => {
            (LimitExceeded, "the statement is too large for the database", "statement_too_large")
        }
        _ => return None,
    };
    Some(Error::new(kind, message).with_reason(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: u16, message: &str) -> Error {
        from_server(&ServerError { code, message: message.to_owned(), state: "HY000".to_owned() })
    }

    #[test]
    fn the_log_gets_no_value() {
        for (code, message, detail) in [
            (1062, "Duplicate entry 'se'cret' for key 'PRIMARY'", "Duplicate entry "),
            (1366, "Incorrect integer value: 'secret' for column", "Incorrect integer value: "),
            (1644, "no 'secret'", "no "),
            (1054, "Unknown column 'a' in 'field list'", "Unknown column 'a' in 'field list'"),
        ] {
            let error = error(code, message);
            assert_eq!(error.detail.as_deref(), Some(detail));
            assert!(!error.message.contains("secret"));
        }
    }

    #[test]
    fn constraints_are_named() {
        for (code, message, name) in [
            (1062, "Duplicate entry 'x' for key 'a_key'", "a_key"),
            (1062, "Duplicate entry 'x for key ' for key 't.PRIMARY'", "PRIMARY"),
            (1452, "fails (`d`.`t`, CONSTRAINT `t_fk` FOREIGN KEY (`a`) REFERENCES `b`)", "t_fk"),
            (3819, "Check constraint 'positive' is violated.", "positive"),
            (4025, "CONSTRAINT `t.positive` failed for `d`.`t`", "positive"),
        ] {
            let error = error(code, message);
            let constraint = error.violation.and_then(|violation| violation.constraint);
            assert_eq!((error.kind, constraint.as_deref()), (ErrorKind::Conflict, Some(name)));
        }
    }

    #[test]
    fn columns_without_a_value_are_named() {
        for (code, message) in
            [(1048, "Column 'a' cannot be null"), (1364, "Field 'a' doesn't have a default value")]
        {
            let error = error(code, message);
            assert_eq!(error.reason.as_deref(), Some("not_null_violation"));
            assert_eq!(error.violation.unwrap().columns, ["a"]);
        }
    }

    #[test]
    fn errors_of_changes_have_their_kind_and_reason() {
        use ErrorKind::*;
        for (code, kind, reason) in [
            ("1050", Conflict, "duplicate_table"),
            ("1060", Conflict, "duplicate_column"),
            ("1451", Conflict, "in_use"),
            ("1091", NotFound, "key_not_found"),
            ("1005", InvalidRequest, "key_required"),
            ("1170", Unsupported, "unsupported_change"),
            ("1062", Internal, "as it was"),
        ] {
            let error = Error::internal("x").with_reason("as it was").with_native_code(code);
            let error = of_change(error);
            assert_eq!((error.kind, error.reason.as_deref()), (kind, Some(reason)), "{code}");
        }
    }
}
