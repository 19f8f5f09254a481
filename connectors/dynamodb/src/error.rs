//! What can go wrong, as the contract's kinds with their reasons. Messages name columns and limits; the store's text goes to the detail.

use connector_api::author::{Error, ErrorKind};
use serde::Deserialize;

/// Why a value does not fit into the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// More digits than the store keeps, or outside its range.
    Range,
    /// Nested deeper than the store allows.
    TooDeep,
    /// Something else than expected.
    Kind(&'static str),
}

impl Misfit {
    /// The error of a column with such a value.
    pub(crate) fn of(self, column: &str) -> Error {
        match self {
            Self::Range => invalid(format!(
                "column '{column}': expected a number of at most 38 digits, from 1E-130 to below 1E+126"
            ))
            .with_reason("out_of_range")
            .with_sqlstate("22003"),
            Self::TooDeep => invalid(format!("column '{column}': expected at most 32 levels of nesting"))
                .with_reason("datatype_mismatch")
                .with_sqlstate("22000"),
            Self::Kind(expected) => mismatch(column, expected),
        }
        .with_columns([column])
    }
}

/// A request that makes no sense to the store.
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

/// A null, or nothing, where a key needs a value.
pub(crate) fn not_null(column: &str) -> Error {
    invalid(format!("column '{column}': expected a value, for it is part of the key"))
        .with_reason("not_null_violation")
        .with_sqlstate("23502")
        .with_columns([column])
}

/// A second row with one key.
pub(crate) fn exists(columns: &[&str]) -> Error {
    Error::new(ErrorKind::Conflict, format!("a row with the same '{}' exists", columns.join("', '")))
        .with_reason("unique_violation")
        .with_sqlstate("23505")
        .with_columns(columns.iter().copied())
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

/// A condition on more columns than the store tests at once.
pub(crate) fn condition_too_large() -> Error {
    let message = "the write depends on more columns than one condition of the store can test (4 KB of text, 300 operators)";
    Error::new(ErrorKind::LimitExceeded, message).with_reason("condition_too_large")
}

/// A key that the store has no room for.
pub(crate) fn key_too_large() -> Error {
    Error::new(ErrorKind::LimitExceeded, KEY_TOO_LARGE).with_reason("key_too_large")
}

/// A transaction that the store has no room for.
pub(crate) fn transaction_too_large() -> Error {
    let message = "a write of all records or none may hold at most 4 MB; send fewer records at a time";
    Error::new(ErrorKind::LimitExceeded, message).with_reason("transaction_too_large")
}

/// A column whose name the store has no room for. The name is too long to be told.
pub(crate) fn name_too_large() -> Error {
    let message = "the name of a column has more than 65535 bytes";
    Error::new(ErrorKind::LimitExceeded, message).with_reason("name_too_large")
}

/// No such table.
pub(crate) fn table_not_found(table: &impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no table '{table}'")).with_reason("table_not_found")
}

/// Others changed the row each time.
pub(crate) fn contention() -> Error {
    Error::new(ErrorKind::Contention, "others are changing the same row; try again")
        .with_reason("row_changed")
}

/// A read that would go on for too long.
pub(crate) fn scan_limit(limit: u64) -> Error {
    let message = format!(
        "the request would read more than {limit} items that are not part of its answer ('scan_limit'); name a key or an indexed \
         column in the filter, order by a sort key, or page by cursor"
    );
    Error::new(ErrorKind::LimitExceeded, message).with_reason("scan_limit")
}

/// What the store answered instead of a result.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Exception {
    #[serde(rename = "__type")]
    kind: String,
    #[serde(rename = "message", alias = "Message")]
    message: String,
    /// Of a transaction: one for each of its items.
    #[serde(rename = "CancellationReasons")]
    pub(crate) reasons: Vec<Reason>,
}

/// Why one item of a transaction was not written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Reason {
    pub(crate) code: String,
    #[serde(deserialize_with = "text_or_null")]
    message: String,
}

/// The service sends null where nothing is wrong.
fn text_or_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

impl Reason {
    /// As the exception that a single write would have met.
    pub(crate) fn into_exception(self) -> Exception {
        let kind = match self.code.as_str() {
            "ValidationError" => "ValidationException".to_owned(),
            code => code.to_owned(),
        };
        Exception { kind, message: self.message, reasons: Vec::new() }
    }
}

impl Exception {
    /// The name without its namespace.
    pub(crate) fn code(&self) -> &str {
        self.kind.rsplit('#').next().unwrap_or_default()
    }

    /// A condition of a write did not hold.
    pub(crate) fn is_condition(&self) -> bool {
        matches!(self.code(), "ConditionalCheckFailedException" | "ConditionalCheckFailed")
    }

    /// Somebody else wrote at the same moment.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(
            self.code(),
            "TransactionConflictException" | "TransactionConflict" | "TransactionInProgressException"
        )
    }

    /// The store calls the request invalid for a reason that this connector does not know.
    pub(crate) fn is_unexplained(&self) -> bool {
        self.code() == "ValidationException" && validation(&self.message).2.is_empty()
    }

    /// The store itself failed.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(
            self.code(),
            "InternalServerError" | "InternalFailure" | "ServiceUnavailable" | "ServiceUnavailableException"
        )
    }

    /// The store has too much to do; nothing was done.
    pub(crate) fn is_throttling(&self) -> bool {
        matches!(
            self.code(),
            "ProvisionedThroughputExceededException"
                | "ProvisionedThroughputExceeded"
                | "ThrottlingException"
                | "ThrottlingError"
                | "RequestLimitExceeded"
                | "LimitExceededException"
        )
    }
}

impl From<Exception> for Error {
    fn from(exception: Exception) -> Self {
        let (kind, message, reason) = classified(&exception);
        let error =
            Self::new(kind, message).with_native_code(exception.code()).with_detail(&exception.message);
        if reason.is_empty() { error } else { error.with_reason(reason) }
    }
}

fn classified(exception: &Exception) -> (ErrorKind, &'static str, &'static str) {
    if exception.is_throttling() {
        return (ErrorKind::Busy, "the store is busy; try again later", "throttled");
    }
    if exception.is_conflict() {
        return (ErrorKind::Contention, "others are changing the same rows; try again", "row_changed");
    }
    match exception.code() {
        "ResourceNotFoundException" => {
            (ErrorKind::NotFound, "there is no such table or index", "table_not_found")
        }
        "ConditionalCheckFailedException" | "ConditionalCheckFailed" => {
            (ErrorKind::Conflict, "the row is not as the write expects it", "row_changed")
        }
        "ItemCollectionSizeLimitExceededException" | "ItemCollectionSizeLimitExceeded" => (
            ErrorKind::QuotaExhausted,
            "the rows with this partition key take more than 10 GB",
            "collection_full",
        ),
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException" => {
            (ErrorKind::AuthFailed, "the store refuses the credentials of the service", "credentials_refused")
        }
        "AccessDeniedException" => {
            (ErrorKind::PermissionDenied, "the store does not allow this to the service's account", "")
        }
        _ if exception.is_failure() => (ErrorKind::Unavailable, "the store failed; try again later", ""),
        "ValidationException" => validation(&exception.message),
        _ => (
            ErrorKind::Internal,
            "the store refused the request for a reason that this connector does not know",
            "",
        ),
    }
}

const KEY_TOO_LARGE: &str = "a partition key may hold at most 2048 bytes, a sort key 1024";

/// What the store's text says where a limit is passed, the message about it and the reason.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const LIMITS: [(&[&str], &str, &str); 4] = [
    (&["Item size", "item size"], "a row may hold at most 400 KB, names included", "row_too_large"),
    (
        &["ize of hashkey", "ize of rangekey", "hash key size", "range key size", "all range keys"],
        KEY_TOO_LARGE,
        "key_too_large",
    ),
    (
        &["esting Levels", "esting levels", "nested levels"],
        "a value may be nested in at most 32 levels",
        "nested_too_deep",
    ),
    (
        &["ttribute name is too large", "ttribute names"],
        "the name of a column has more than 65535 bytes",
        "name_too_large",
    ),
];

/// The store has one code for all that is wrong with a request; only its text tells sizes apart.
fn validation(text: &str) -> (ErrorKind, &'static str, &'static str) {
    let known = LIMITS.iter().find(|(signs, ..)| signs.iter().any(|sign| text.contains(sign)));
    if let Some((_, message, reason)) = known {
        return (ErrorKind::LimitExceeded, message, reason);
    }
    if text.contains("multiple operations on one item") {
        return (
            ErrorKind::InvalidRequest,
            "an all-or-nothing write may name each row once",
            "row_named_twice",
        );
    }
    (ErrorKind::InvalidRequest, "the store refuses the request or one of its values", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_told_by_its_kind_and_its_text_stays_in_the_detail() {
        for (code, text, kind) in [
            ("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "x", ErrorKind::NotFound),
            ("com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "x", ErrorKind::Busy),
            ("com.amazon.coral.service#UnrecognizedClientException", "x", ErrorKind::AuthFailed),
            ("AccessDeniedException", "x", ErrorKind::PermissionDenied),
            ("TransactionConflictException", "x", ErrorKind::Contention),
            (
                "ValidationException",
                "Item size has exceeded the maximum allowed size",
                ErrorKind::LimitExceeded,
            ),
            ("ValidationException", "secret value", ErrorKind::InvalidRequest),
            ("Unheard", "x", ErrorKind::Internal),
        ] {
            let body = format!(r#"{{"__type":"{code}","Message":"{text}"}}"#);
            let error = Error::from(serde_json::from_str::<Exception>(&body).unwrap());
            assert_eq!(error.kind, kind, "{code}");
            assert!(!error.message.contains("secret"));
            assert_eq!(error.detail.as_deref(), Some(text));
        }
    }

    #[test]
    fn limits_are_told_from_the_text_of_the_store() {
        for (text, reason) in [
            ("Item size has exceeded the maximum allowed size", "row_too_large"),
            (
                "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
                "key_too_large",
            ),
            (
                "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
                "key_too_large",
            ),
            ("Nesting Levels have exceeded supported limits", "nested_too_deep"),
            ("Another text", ""),
        ] {
            assert_eq!(validation(text).2, reason, "{text}");
        }
    }

    #[test]
    fn reasons_of_a_transaction_are_read_with_and_without_a_text() {
        let body = r#"{"__type":"a#TransactionCanceledException","message":"m","CancellationReasons":[
            {"Code":"None","Message":null},{"Code":"ConditionalCheckFailed","Message":"no"},{"Code":"None"}]}"#;
        let exception: Exception = serde_json::from_str(body).unwrap();
        let codes: Vec<_> = exception.reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(codes, ["None", "ConditionalCheckFailed", "None"]);
    }
}
