//! How a connector says that something failed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Shorthand for results with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure. The list is closed: the kind alone decides the HTTP status and whether a retry makes sense; finer words go
/// into [`Error::reason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request makes no sense to the store: a value of the wrong type, out of range, too long.
    InvalidRequest,
    /// This connector or this store can't do it, in this form or at all.
    Unsupported,
    /// More than the store or the connector allows: rows scanned, parameters, size.
    LimitExceeded,
    /// The service's own credentials were refused by the store.
    AuthFailed,
    /// The store forbids it to the service's account.
    PermissionDenied,
    /// A row rule (`guard` or `check`) does not hold.
    RuleViolated,
    /// No such table, column, routine or row.
    NotFound,
    /// Contradicts what is stored: a duplicate key, a reference, a constraint, a changed version.
    Conflict,
    /// Lost against a concurrent transaction; the whole transaction may be tried again.
    Contention,
    /// The store or its pool is busy; the same call may succeed later.
    Busy,
    /// A quota or the disk is used up; waiting a little is no use.
    QuotaExhausted,
    /// No connection.
    Unavailable,
    /// The time ran out.
    Timeout,
    /// A write was sent and no answer came: it may have happened or not.
    UnknownOutcome,
    /// The call was dropped or its session is gone.
    Cancelled,
    /// A defect: of the connector, of the driver, of the boundary. Also what an unknown kind of a later connector reads as.
    #[serde(other)]
    Internal,
}

/// A failure. `message` may reach the caller of the API, so it names tables, columns and limits, never values or the driver's
/// own text; that goes to `detail`, which only the log sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// Decides status and retry.
    pub kind: ErrorKind,
    /// Lower case, no full stop, says what was expected. Safe to show to a caller.
    pub message: String,
    /// A finer, open word, for example `unique_violation`, `column_not_found`, `guard_failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// The store's own code, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_code: Option<Box<str>>,
    /// The five characters of the SQL standard, where the store has them or the connector can map them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<Box<str>>,
    /// What was violated, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation: Option<Box<Violation>>,
    /// The driver's text, for the gateway's log only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Box<str>>,
    /// The same call may succeed if repeated unchanged.
    #[serde(default)]
    pub is_temporary: bool,
}

/// What a value or a record violated. Safe to show to a caller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Violation {
    /// The store's name of the constraint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// The columns whose values were the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

impl Error {
    /// An error of this kind; `message` must be safe to show to a caller.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let is_temporary = matches!(kind, ErrorKind::Busy | ErrorKind::Contention | ErrorKind::Unavailable);
        Self {
            kind,
            message: message.into(),
            reason: None,
            native_code: None,
            sqlstate: None,
            violation: None,
            detail: None,
            is_temporary,
        }
    }

    /// What this connector can't do: "feature is not supported by this connector".
    pub fn unsupported(feature: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unsupported, format!("{feature} is not supported by this connector"))
    }

    /// A defect or a broken rule of the contract.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Adds the open word that names the failure more finely.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Box<str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds the driver's text, for the log only.
    #[must_use]
    pub fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string().into());
        self
    }

    /// Adds the store's own code.
    #[must_use]
    pub fn with_native_code(mut self, code: impl fmt::Display) -> Self {
        self.native_code = Some(code.to_string().into());
        self
    }

    /// Adds the SQLSTATE.
    #[must_use]
    pub fn with_sqlstate(mut self, sqlstate: impl Into<Box<str>>) -> Self {
        self.sqlstate = Some(sqlstate.into());
        self
    }

    /// Adds the store's name of the constraint that was violated.
    #[must_use]
    pub fn with_constraint(mut self, constraint: impl Into<String>) -> Self {
        self.violation.get_or_insert_default().constraint = Some(constraint.into());
        self
    }

    /// Adds the columns whose values were the reason.
    #[must_use]
    pub fn with_columns(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.violation.get_or_insert_default().columns = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Says whether the same call may succeed if repeated unchanged.
    #[must_use]
    pub fn temporary(mut self, is_temporary: bool) -> Self {
        self.is_temporary = is_temporary;
        self
    }
}

/// The safe message only.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
