//! What travels beside the shape of a call: who, how long, in which transaction.

use serde::{Deserialize, Serialize};

/// Apart from the shape, because it differs between two calls of the same form. A new member is advice that an older connector
/// may miss; whatever changes which rows are seen or touched comes with a capability that the gateway checks first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// The request this call serves, for logs. Printable ASCII, at most 64 characters.
    pub request_id: String,
    /// Milliseconds left, counted from the start of the call, waiting for a connection included; rows that are sent begin it anew. The
    /// gateway enforces it by dropping the call; a connector passes it to the server where the server has a setting for the time until
    /// the first row. `None`: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// The transaction this call belongs to, as [`Summary::session`](super::Summary::session) of `begin` gave it. One call at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<u64>,
    /// Statements are logged: give it in [`Summary::statement`](super::Summary::statement). Otherwise it is not needed, and its way over the
    /// boundary costs more than that of a row.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub wants_statement: bool,
}
