//! What can go wrong, as the contract's kinds. Codes of the server: <https://www.mongodb.com/docs/manual/reference/error-codes/>.
//! Messages name columns and limits, never values; so does the detail, since some texts of the server hold values.

use connector_api::author::{Error, ErrorKind};
use mongodb::bson::{Bson, Document};
use mongodb::error::{
    CommandError, Error as DriverError, ErrorKind as DriverKind, IndexedWriteError,
    TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteError, WriteFailure,
};

use crate::schema::ID;

const DUPLICATE_KEY: [i32; 3] = [11000, 11001, 12582];
const FAILED_VALIDATION: i32 = 121;
/// The reason of a second record with one key.
pub(crate) const UNIQUE: &str = "unique_violation";

/// Something in the request or the configuration.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}

/// A value that its column does not take.
pub(crate) fn mismatch(column: &str, expected: &str) -> Error {
    invalid(format!("column '{column}': expected {expected}"))
        .with_reason("datatype_mismatch")
        .with_sqlstate("22000")
        .with_columns([column])
}

/// A value that the column's type can't keep whole.
pub(crate) fn out_of_range(column: &str, expected: &str) -> Error {
    invalid(format!("column '{column}': expected {expected}"))
        .with_reason("out_of_range")
        .with_sqlstate("22003")
        .with_columns([column])
}

/// A null where none may stand.
pub(crate) fn not_null(column: &str) -> Error {
    invalid(format!("column '{column}': expected a value, for it is not nullable"))
        .with_reason("not_null_violation")
        .with_sqlstate("23502")
        .with_columns([column])
}

/// A value that identifies no document.
pub(crate) fn not_an_id() -> Error {
    mismatch(ID, "an identifier: no list, and no document with a name that begins with '$'")
}

/// No such collection.
pub(crate) fn table_not_found(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no collection '{name}'")).with_reason("table_not_found")
}

/// A column that a closed collection does not have.
pub(crate) fn column_not_found(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no column '{name}'")).with_reason("column_not_found")
}

/// No row has the key, or the row rule hides it.
pub(crate) fn row_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "there is no row with this key").with_reason("row_not_found")
}

/// The row rule on a row as it is.
pub(crate) fn guard_failed() -> Error {
    Error::new(ErrorKind::RuleViolated, "the row may not be changed").with_reason("guard_failed")
}

/// The row rule on a row as it becomes.
pub(crate) fn check_failed() -> Error {
    Error::new(ErrorKind::RuleViolated, "the row may not become so").with_reason("check_failed")
}

/// A transaction that was ended, by the server or because nothing happened in it.
pub(crate) fn session_lost() -> Error {
    Error::new(ErrorKind::Cancelled, "the transaction has ended or was idle for too long; begin it again")
        .with_reason("session_lost")
}

/// A key that several rows have, where only one may be meant.
pub(crate) fn ambiguous_key() -> Error {
    Error::new(ErrorKind::Conflict, "several rows have this key; name rows by '_id' or a unique key")
        .with_reason("ambiguous_key")
}

/// A name that can't stand in the server's language.
pub(crate) fn unnameable(name: &str) -> Error {
    let message = format!(
        "'{name}' can't be the name of a column: it is empty, begins with '$', or holds a dot or U+0000; a member of a document is changed by \
         sending the document as a whole, and may have such a name there"
    );
    invalid(message).with_reason("unnameable").with_columns([name])
}

/// Whether the whole transaction may be tried again.
pub(crate) fn is_transient(error: &DriverError) -> bool {
    error.contains_label(TRANSIENT_TRANSACTION_ERROR)
}

/// A second record with one key: the index is known, and with it its columns.
pub(crate) fn unique(index: &str, columns: &[String]) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("a record with the same unique key exists ({})", columns.join(", ")),
    )
    .with_reason(UNIQUE)
    .with_sqlstate("23505")
    .with_constraint(index)
    .with_columns(columns)
}

/// Whether the fault is not a record's own: the same record may do well another time.
pub(crate) fn is_of_the_call(error: &Error) -> bool {
    use ErrorKind::{
        AuthFailed, Busy, Cancelled, Contention, Internal, PermissionDenied, QuotaExhausted, Timeout,
    };
    use ErrorKind::{Unavailable, UnknownOutcome, Unsupported};
    matches!(
        error.kind,
        AuthFailed
            | Busy
            | Cancelled
            | Contention
            | Internal
            | PermissionDenied
            | QuotaExhausted
            | Timeout
            | Unavailable
            | UnknownOutcome
            | Unsupported
    )
}

/// What a failure of a write outside of transactions means: when no answer came, it may have been done.
pub(crate) fn of_write(error: &DriverError) -> Error {
    match &*error.kind {
        DriverKind::Io(_) | DriverKind::ConnectionPoolCleared { .. } => {
            unknown_outcome("the connection broke before the server answered").with_detail(error)
        }
        _ => from_driver(error),
    }
}

/// What a failure of the driver means.
pub(crate) fn from_driver(error: &DriverError) -> Error {
    if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) {
        return Error::new(
            ErrorKind::UnknownOutcome,
            "no answer came: the transaction may have been committed or not",
        )
        .with_detail(error);
    }
    match &*error.kind {
        DriverKind::Write(WriteFailure::WriteError(error)) => from_write(error),
        DriverKind::InsertMany(many) => match many.write_errors.as_deref() {
            Some([first, ..]) => from_indexed(first),
            _ => unknown_outcome("a write was not confirmed by enough servers").with_detail(error),
        },
        DriverKind::Write(WriteFailure::WriteConcernError(concern)) => {
            unknown_outcome("a write was not confirmed by enough servers").with_native_code(concern.code)
        }
        DriverKind::Command(command) => from_command(command, is_transient(error)),
        _ => from_connection(error),
    }
}

fn unknown_outcome(message: &str) -> Error {
    Error::new(ErrorKind::UnknownOutcome, message)
}

/// What was wrong with one record.
pub(crate) fn from_write(error: &WriteError) -> Error {
    from_code(error.code, &error.message, error.details.as_ref()).with_native_code(error.code)
}

/// As [`from_write`], of a record among many.
pub(crate) fn from_indexed(error: &IndexedWriteError) -> Error {
    from_code(error.code, &error.message, error.details.as_ref()).with_native_code(error.code)
}

fn from_command(error: &CommandError, is_transient: bool) -> Error {
    let known = from_code(error.code, &error.message, None)
        .with_native_code(error.code)
        .with_detail(&error.code_name);
    if is_transient && known.kind == ErrorKind::Internal {
        return contention().with_native_code(error.code).with_detail(&error.code_name);
    }
    known
}

/// Lost against others.
pub(crate) fn contention() -> Error {
    Error::new(ErrorKind::Contention, "another transaction changed the same rows; try again")
        .with_reason("write_conflict")
        .with_sqlstate("40001")
}

fn from_code(code: i32, message: &str, details: Option<&Document>) -> Error {
    use ErrorKind::{
        AuthFailed, Busy, Conflict, LimitExceeded, PermissionDenied, QuotaExhausted, Timeout, Unavailable,
    };
    if DUPLICATE_KEY.contains(&code) {
        let error = Error::new(Conflict, "a record with the same unique key exists");
        let error = error.with_reason(UNIQUE).with_sqlstate("23505");
        return match index_name(message) {
            Some(name) => error.with_constraint(name),
            None => error,
        };
    }
    let (kind, message, reason) = match code {
        FAILED_VALIDATION => return failed_validation(details),
        18 => (AuthFailed, "the server refused the account of the service", "auth_failed"),
        13 => {
            (PermissionDenied, "the server forbids this to the account of the service", "permission_denied")
        }
        112 => return contention(),
        251 | 225 | 244 | 256 => return session_lost(),
        20 | 263 => {
            return Error::unsupported("a transaction on a server that is no member of a replica set")
                .with_reason("no_transactions");
        }
        50 | 262 => (Timeout, "the server's time for the call ran out", "timeout"),
        46 | 202 => (Busy, "the server is busy", "busy"),
        16500 => (Busy, "the server limits the rate of requests", "rate_limited"),
        10334 | 17280 | 17419 | 17420 => {
            (LimitExceeded, "a document is too large for the server", "too_large")
        }
        292 | 16819 => (LimitExceeded, "the server has not enough memory to sort so much", "sort_too_large"),
        241 => return out_of_range_result(),
        14031 => (QuotaExhausted, "the server's disk is full", "disk_full"),
        6 | 7 | 89 | 91 | 189 | 10107 | 11600 | 11602 | 13435 | 13436 => {
            (Unavailable, "the server can't be reached or gives way to another one", "unavailable")
        }
        52 | 53 => return not_an_id(),
        66 => return invalid("the column '_id' can't be changed").with_reason("immutable_column"),
        28 | 40 => {
            return invalid("a member is set inside something that is no document")
                .with_reason("path_conflict");
        }
        166 => {
            return Error::unsupported("writing to a view").with_reason("view");
        }
        _ => (ErrorKind::Internal, "the server refused the command", "refused"),
    };
    Error::new(kind, message).with_reason(reason)
}

fn out_of_range_result() -> Error {
    invalid("a number is out of range").with_reason("out_of_range").with_sqlstate("22003")
}

/// The driver keeps only the text: `… index: NAME dup key: {…}`, whose end holds values.
fn index_name(message: &str) -> Option<&str> {
    let (_, named) = message.split_once(" index: ")?;
    named.split_once(" dup key").map(|(name, _)| name)
}

/// The validator's report holds values; only names are taken from it.
/// <https://www.mongodb.com/docs/manual/core/schema-validation/specify-json-schema/>
fn failed_validation(details: Option<&Document>) -> Error {
    let columns: Vec<String> = details.map(violated).unwrap_or_default();
    let names = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    invalid(format!("the validator of the collection does not allow the document{names}"))
        .with_reason("check_violation")
        .with_sqlstate("23514")
        .with_columns(columns)
}

fn violated(report: &Document) -> Vec<String> {
    let rules =
        report.get_document("details").and_then(|details| details.get_array("schemaRulesNotSatisfied"));
    let rules = rules.into_iter().flatten().filter_map(Bson::as_document);
    let lists = ["propertiesNotSatisfied", "missingProperties", "additionalProperties"];
    let named = rules.flat_map(|rule| lists.iter().filter_map(|list| rule.get_array(list).ok()).flatten());
    let name = |item: &Bson| match item {
        Bson::String(name) => Some(name.clone()),
        Bson::Document(property) => property.get_str("propertyName").ok().map(str::to_owned),
        _ => None,
    };
    named.filter_map(name).collect()
}

/// Failures on the way to the server.
fn from_connection(error: &DriverError) -> Error {
    use ErrorKind::{AuthFailed, Internal, InvalidRequest, Unavailable};
    let text = error.to_string();
    let (kind, message, reason) = match &*error.kind {
        DriverKind::Authentication { .. } => {
            (AuthFailed, "the server refused the account of the service", "auth_failed")
        }
        DriverKind::ServerSelection { .. } if is_authentication(&text) => {
            (AuthFailed, "the server refused the account of the service", "auth_failed")
        }
        DriverKind::InvalidTlsConfig { .. } => {
            (InvalidRequest, "the files for TLS in the configuration can't be used", "tls_files")
        }
        // The driver tells what went wrong with each server in its text only.
        DriverKind::ServerSelection { .. } | DriverKind::Io(_) if is_tls(&text) => {
            (Unavailable, "no secure connection to the server: check its certificate and 'tls'", "tls_failed")
        }
        DriverKind::ServerSelection { .. } => (Unavailable, "no server can be reached", "unreachable"),
        DriverKind::Io(_) | DriverKind::ConnectionPoolCleared { .. } => {
            (Unavailable, "the connection to the server broke", "connection_lost")
        }
        DriverKind::DnsResolve { .. } => (Unavailable, "the server's name can't be resolved", "dns_failed"),
        DriverKind::SessionsNotSupported => return Error::unsupported("a server without sessions"),
        DriverKind::IncompatibleServer { .. } => {
            return Error::unsupported("this version of the server").with_detail(error);
        }
        DriverKind::Bson(_) => (InvalidRequest, "a value or a name can't be sent to the server", "not_bson"),
        _ => (Internal, "the driver failed", "driver"),
    };
    Error::new(kind, message).with_reason(reason).with_detail(error)
}

fn is_authentication(text: &str) -> bool {
    text.contains("Authentication failed") || text.contains("SCRAM failure")
}

fn is_tls(text: &str) -> bool {
    ["certificate", "TLS", "tls", "HandshakeFailure", "InvalidContentType", "corrupt message"]
        .iter()
        .any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn a_duplicate_names_its_index_and_no_value() {
        let text =
            "E11000 duplicate key error collection: d.c index: a_1_b_1 dup key: { a: \"secret\", b: 2 }";
        let error = from_code(11000, text, None);
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Conflict, Some(UNIQUE)));
        assert_eq!(error.violation.as_ref().unwrap().constraint.as_deref(), Some("a_1_b_1"));
        assert!(!format!("{error:?}").contains("secret"));
    }

    #[test]
    fn a_refusal_of_the_validator_names_columns_and_no_value() {
        let property = doc! {"propertyName": "a", "details": [{"consideredValue": "secret"}]};
        let details = doc! {"details": {"schemaRulesNotSatisfied": [
            {"operatorName": "properties", "propertiesNotSatisfied": [property]},
            {"operatorName": "required", "missingProperties": ["b"]},
        ]}};
        let error = from_code(121, "", Some(&details));
        assert_eq!(error.violation.as_ref().unwrap().columns, ["a", "b"]);
        assert!(!format!("{error:?}").contains("secret"));
    }

    #[test]
    fn codes_say_whether_a_retry_makes_sense() {
        for (code, kind, is_temporary) in [
            (112, ErrorKind::Contention, true),
            (251, ErrorKind::Cancelled, false),
            (13, ErrorKind::PermissionDenied, false),
            (16500, ErrorKind::Busy, true),
            (11602, ErrorKind::Unavailable, true),
            (20, ErrorKind::Unsupported, false),
            (99_999, ErrorKind::Internal, false),
        ] {
            let error = from_code(code, "", None);
            assert_eq!((error.kind, error.is_temporary), (kind, is_temporary), "{code}");
        }
    }
}
