//! SQLite's result codes as the contract's kinds: <https://www.sqlite.org/rescode.html>. One match.

use connector_api::{Error, ErrorKind};
use rusqlite::ffi;

/// What a failure of the driver means. The driver's text goes to the log only.
pub(crate) fn from_driver(error: &rusqlite::Error) -> Error {
    let (code, text) = match error {
        rusqlite::Error::SqliteFailure(failure, text) => {
            (failure.extended_code, text.as_deref().unwrap_or_default())
        }
        rusqlite::Error::SqlInputError { error, msg, .. } => (error.extended_code, msg.as_str()),
        other => {
            return Error::internal("the connector used the driver wrongly").with_detail(other);
        }
    };
    from_code(code, text).with_native_code(code).with_detail(error)
}

fn from_code(code: i32, text: &str) -> Error {
    constraint(code, text).or_else(|| file(code)).unwrap_or_else(|| statement(code, text))
}

/// Codes of violated constraints.
fn constraint(code: i32, text: &str) -> Option<Error> {
    let (message, reason, sqlstate) = match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            ("a record with the same unique key exists", "unique_violation", "23505")
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => {
            ("a reference to another table does not hold", "foreign_key_violation", "23503")
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            ("a column that must have a value has none", "not_null_violation", "23502")
        }
        ffi::SQLITE_CONSTRAINT_CHECK => ("a check of the table does not hold", "check_violation", "23514"),
        ffi::SQLITE_CONSTRAINT_DATATYPE => {
            ("a value does not have the type of its column", "datatype_mismatch", "22000")
        }
        _ if code & 0xff == ffi::SQLITE_CONSTRAINT => {
            ("a constraint of the table does not hold", "integrity_violation", "23000")
        }
        _ => return None,
    };
    let kind = match code {
        ffi::SQLITE_CONSTRAINT_NOTNULL | ffi::SQLITE_CONSTRAINT_DATATYPE => ErrorKind::InvalidRequest,
        _ => ErrorKind::Conflict,
    };
    let is_check = code == ffi::SQLITE_CONSTRAINT_CHECK;
    let names: Vec<&str> = named(text).map_or_else(Vec::new, |names| names.split(", ").collect());
    let names: Vec<&str> = if is_check { names } else { names.into_iter().map(without_table).collect() };
    let words =
        if names.is_empty() { message.to_owned() } else { format!("{message} ({})", names.join(", ")) };
    let error = Error::new(kind, words).with_reason(reason).with_sqlstate(sqlstate);
    Some(match names.as_slice() {
        [] => error,
        [constraint] if is_check => error.with_constraint(*constraint),
        columns => error.with_columns(columns.iter().copied()),
    })
}

fn without_table(column: &str) -> &str {
    column.rsplit_once('.').map_or(column, |(_, column)| column)
}

/// The columns or the constraint that SQLite names: `UNIQUE constraint failed: t.a, t.b`. A check without a name is named by its
/// expression, which is nobody's business.
fn named(text: &str) -> Option<&str> {
    let (_, names) = text.split_once(" constraint failed: ")?;
    let is_name = |character: char| character.is_alphanumeric() || "_., ".contains(character);
    let is_list = names.split(", ").all(|name| !name.is_empty() && !name.contains(' '));
    (is_list && names.chars().all(is_name)).then_some(names)
}

/// Codes that speak of the file and its locks.
fn file(code: i32) -> Option<Error> {
    use ErrorKind::{Busy, Contention, PermissionDenied, QuotaExhausted, Unavailable};
    let (kind, message, reason, sqlstate) = match code {
        ffi::SQLITE_BUSY_SNAPSHOT => {
            (Contention, "the database changed since the transaction began", "snapshot_outdated", "40001")
        }
        ffi::SQLITE_READONLY_DBMOVED => {
            (Unavailable, "the database file was moved or replaced", "database_moved", "08006")
        }
        _ => match code & 0xff {
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
                (Busy, "the database is locked by another connection", "database_locked", "55P03")
            }
            ffi::SQLITE_READONLY => (PermissionDenied, "the database can only be read", "read_only", "25006"),
            ffi::SQLITE_PERM | ffi::SQLITE_AUTH => {
                (PermissionDenied, "access to the database is not allowed", "permission_denied", "42501")
            }
            ffi::SQLITE_FULL => {
                (QuotaExhausted, "the disk or the database is full", "database_full", "53100")
            }
            ffi::SQLITE_CANTOPEN => {
                (Unavailable, "the database file can't be opened", "cannot_open", "08001")
            }
            ffi::SQLITE_NOTADB => (Unavailable, "the file is not a database", "not_a_database", "08001"),
            ffi::SQLITE_CORRUPT => (Unavailable, "the database file is damaged", "database_corrupt", "XX001"),
            ffi::SQLITE_IOERR | ffi::SQLITE_NOLFS | ffi::SQLITE_PROTOCOL => {
                (Unavailable, "the database file can't be read or written", "io_error", "58030")
            }
            _ => return None,
        },
    };
    // A file does not get well by asking again; only a lock goes away.
    Some(
        Error::new(kind, message)
            .with_reason(reason)
            .with_sqlstate(sqlstate)
            .temporary(matches!(kind, Busy | Contention)),
    )
}

/// Codes that speak of the statement. For the plain error code only the text tells what is wrong.
fn statement(code: i32, text: &str) -> Error {
    use ErrorKind::{Busy, Cancelled, Contention, InvalidRequest, LimitExceeded};
    let (kind, message, reason, sqlstate) = match code & 0xff {
        ffi::SQLITE_INTERRUPT => (Cancelled, "the statement was cancelled", "interrupted", "57014"),
        ffi::SQLITE_ABORT => (Contention, "the statement was ended by a rollback", "aborted", "40000"),
        ffi::SQLITE_SCHEMA => {
            (Contention, "the tables changed while they were read", "schema_changed", "40001")
        }
        ffi::SQLITE_TOOBIG => (LimitExceeded, "a value or the statement is too large", "too_big", "54000"),
        ffi::SQLITE_NOMEM => (Busy, "out of memory", "out_of_memory", "53200"),
        ffi::SQLITE_MISMATCH => {
            (InvalidRequest, "a value does not have the type of its column", "datatype_mismatch", "22000")
        }
        ffi::SQLITE_RANGE => (InvalidRequest, "too many parameters", "too_many_parameters", "54000"),
        ffi::SQLITE_ERROR => match by_text(text).or_else(|| by_text_of_change(text)) {
            Some(meaning) => meaning,
            None => return refused(),
        },
        _ => return refused(),
    };
    Error::new(kind, message).with_reason(reason).with_sqlstate(sqlstate)
}

fn refused() -> Error {
    Error::internal("the database refused the statement").with_reason("statement_failed")
}

type Meaning = (ErrorKind, &'static str, &'static str, &'static str);

/// What is wrong with a change of a table, beyond what was judged before.
fn by_text_of_change(text: &str) -> Option<Meaning> {
    use ErrorKind::{Conflict, InvalidRequest, LimitExceeded, NotFound, Unsupported};
    let begins = |start: &str| text.starts_with(start);
    Some(if text.ends_with(" already exists") || begins("there is already") {
        (Conflict, "a table, view or index of that name exists already", "duplicate_table", "42P07")
    } else if begins("duplicate column name") {
        (
            Conflict,
            "a column of that name exists already; the case of letters does not count",
            "duplicate_column",
            "42701",
        )
    } else if begins("no such index") {
        (NotFound, "the index does not exist", "key_not_found", "42704")
    } else if begins("error in ") || begins("cannot drop ") || begins("foreign key mismatch") {
        (Unsupported, "something in the database still uses what is to change", "in_use", "2BP01")
    } else if begins("Cannot add ") {
        (
            Unsupported,
            "the database can't add this column to a table that is there",
            "unsupported_change",
            "0A000",
        )
    } else if begins("object name reserved") {
        (InvalidRequest, "the name is the database's own", "invalid_name", "42939")
    } else if begins("too many columns") {
        (LimitExceeded, "the table has more columns than the database allows", "too_many_columns", "54011")
    } else {
        return None;
    })
}

fn by_text(text: &str) -> Option<Meaning> {
    use ErrorKind::{InvalidRequest, LimitExceeded, NotFound, Unsupported};
    let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    if begins(&["no such table"]) {
        return Some((NotFound, "the table does not exist", "table_not_found", "42P01"));
    }
    if begins(&["no such column"]) || text.contains(" has no column named ") {
        return Some((NotFound, "a column does not exist", "column_not_found", "42703"));
    }
    if begins(&[OUT_OF_RANGE]) {
        return Some((
            InvalidRequest,
            "the result of a calculation is out of range",
            "out_of_range",
            "22003",
        ));
    }
    if begins(&[
        "Expression tree is too large",
        "parser stack overflow",
        "too many SQL variables",
        "LIKE or GLOB",
    ]) {
        return Some((
            LimitExceeded,
            "the filter is too large for the database",
            "filter_too_large",
            "54001",
        ));
    }
    if begins(&["cannot INSERT into generated", "cannot UPDATE generated"]) {
        let message = "a column is computed by the database and can't be set";
        return Some((InvalidRequest, message, "generated_column", "428C9"));
    }
    if begins(&["malformed JSON"]) {
        let message = "a text that the database reads as JSON is none";
        return Some((InvalidRequest, message, "malformed_json", "22032"));
    }
    if begins(&["ON CONFLICT clause does not match"]) {
        let message = "the columns named as the key are no primary or unique key of the table";
        return Some((InvalidRequest, message, "key_required", "42P10"));
    }
    if begins(&["cannot modify", "cannot UPSERT", "UPSERT not implemented"])
        || text.ends_with("may not be modified")
    {
        return Some((
            Unsupported,
            "the rows of this view or table can't be written so",
            "read_only_table",
            "0A000",
        ));
    }
    let message = "a virtual table does not give back the rows that are written";
    text.ends_with("RETURNING is not available on virtual tables").then_some((
        Unsupported,
        message,
        "returning_unavailable",
        "0A000",
    ))
}

/// How the text of an error begins that our own functions raise.
pub(crate) const OUT_OF_RANGE: &str = "numeric value out of range";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_kind_and_reason() {
        use ErrorKind::*;
        for (code, text, kind, reason, is_temporary) in [
            (ffi::SQLITE_CONSTRAINT_UNIQUE, "", Conflict, "unique_violation", false),
            (ffi::SQLITE_CONSTRAINT_PRIMARYKEY, "", Conflict, "unique_violation", false),
            (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, "", Conflict, "foreign_key_violation", false),
            (ffi::SQLITE_CONSTRAINT_NOTNULL, "", InvalidRequest, "not_null_violation", false),
            (ffi::SQLITE_CONSTRAINT_CHECK, "", Conflict, "check_violation", false),
            (ffi::SQLITE_CONSTRAINT_TRIGGER, "", Conflict, "integrity_violation", false),
            (ffi::SQLITE_BUSY, "", Busy, "database_locked", true),
            (ffi::SQLITE_BUSY_RECOVERY, "", Busy, "database_locked", true),
            (ffi::SQLITE_LOCKED_SHAREDCACHE, "", Busy, "database_locked", true),
            (ffi::SQLITE_BUSY_SNAPSHOT, "", Contention, "snapshot_outdated", true),
            (ffi::SQLITE_READONLY, "", PermissionDenied, "read_only", false),
            (ffi::SQLITE_READONLY_DBMOVED, "", Unavailable, "database_moved", false),
            (ffi::SQLITE_FULL, "", QuotaExhausted, "database_full", false),
            (ffi::SQLITE_CANTOPEN_ISDIR, "", Unavailable, "cannot_open", false),
            (ffi::SQLITE_NOTADB, "", Unavailable, "not_a_database", false),
            (ffi::SQLITE_CORRUPT_INDEX, "", Unavailable, "database_corrupt", false),
            (ffi::SQLITE_IOERR_READ, "", Unavailable, "io_error", false),
            (ffi::SQLITE_INTERRUPT, "", Cancelled, "interrupted", false),
            (ffi::SQLITE_TOOBIG, "", LimitExceeded, "too_big", false),
            (ffi::SQLITE_ERROR, "no such table: x", NotFound, "table_not_found", false),
            (ffi::SQLITE_ERROR, "no such column: x", NotFound, "column_not_found", false),
            (ffi::SQLITE_ERROR, "table t has no column named x", NotFound, "column_not_found", false),
            (
                ffi::SQLITE_ERROR,
                "cannot modify v because it is a view",
                Unsupported,
                "read_only_table",
                false,
            ),
            (
                ffi::SQLITE_ERROR,
                "cannot INSERT into generated column \"b\"",
                InvalidRequest,
                "generated_column",
                false,
            ),
            (
                ffi::SQLITE_ERROR,
                "ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint",
                InvalidRequest,
                "key_required",
                false,
            ),
            (ffi::SQLITE_ERROR, "malformed JSON", InvalidRequest, "malformed_json", false),
            (ffi::SQLITE_ERROR, "LIKE or GLOB pattern too complex", LimitExceeded, "filter_too_large", false),
            (ffi::SQLITE_ERROR, "near \"x\": syntax error", Internal, "statement_failed", false),
        ] {
            let error = from_code(code, text);
            assert_eq!(
                (error.kind, error.reason.as_deref(), error.is_temporary),
                (kind, Some(reason), is_temporary),
                "{code} {text}"
            );
        }
    }

    #[test]
    fn errors_of_changes_have_their_kind_and_reason() {
        use ErrorKind::*;
        for (text, kind, reason) in [
            ("table \"t\" already exists", Conflict, "duplicate_table"),
            ("there is already a table named t", Conflict, "duplicate_table"),
            ("duplicate column name: A", Conflict, "duplicate_column"),
            ("no such index: i", NotFound, "key_not_found"),
            ("error in view v after drop column: no such column: a", Unsupported, "in_use"),
            ("Cannot add a NOT NULL column with default value NULL", Unsupported, "unsupported_change"),
            ("object name reserved for internal use: sqlite_x", InvalidRequest, "invalid_name"),
        ] {
            let error = from_code(ffi::SQLITE_ERROR, text);
            assert_eq!((error.kind, error.reason.as_deref()), (kind, Some(reason)), "{text}");
        }
    }

    #[test]
    fn columns_and_constraints_are_named_and_expressions_are_not() {
        for (text, names) in [
            ("UNIQUE constraint failed: t.a, t.b", Some("t.a, t.b")),
            ("NOT NULL constraint failed: t.größe", Some("t.größe")),
            ("CHECK constraint failed: positive", Some("positive")),
            ("CHECK constraint failed: a > 0", None),
            ("CHECK constraint failed: length(a)", None),
            ("UNIQUE constraint failed: index 'i'", None),
            ("FOREIGN KEY constraint failed", None),
        ] {
            assert_eq!(named(text), names, "{text}");
        }
        let error = from_code(ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: t.a");
        assert_eq!(error.message, "a record with the same unique key exists (a)");
    }

    #[test]
    fn columns_and_constraints_stand_apart_for_programs() {
        let check = |code, text: &str, expected: Error| {
            assert_eq!(from_code(code, text).violation, expected.violation, "{text}");
        };
        let none = || Error::internal("");
        check(
            ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
            "UNIQUE constraint failed: t.a, t.b",
            none().with_columns(["a", "b"]),
        );
        check(ffi::SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.a", none().with_columns(["a"]));
        check(
            ffi::SQLITE_CONSTRAINT_CHECK,
            "CHECK constraint failed: positive",
            none().with_constraint("positive"),
        );
        check(ffi::SQLITE_CONSTRAINT_CHECK, "CHECK constraint failed: qty > 0", none());
        check(ffi::SQLITE_CONSTRAINT_FOREIGNKEY, "FOREIGN KEY constraint failed", none());
    }

    #[test]
    fn the_driver_s_text_stays_out_of_the_message() {
        let failure = rusqlite::Error::SqliteFailure(ffi::Error::new(1), Some("near \"hush\"".into()));
        let error = from_driver(&failure);
        assert!(!error.message.contains("hush"));
        assert!(error.detail.is_some_and(|detail| detail.contains("hush")));
        assert_eq!(error.native_code.as_deref(), Some("1"));
    }
}
