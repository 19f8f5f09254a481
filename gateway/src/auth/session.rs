//! The session object of the wire and the errors of its operations.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::accounts::LoginFault;

/// A session as clients see it. The order of the keys is part of the wire. `Debug` hides the token.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// The token to send with requests.
    pub session_token: String,
    /// The token again; old clients read it here.
    pub session_id: String,
    /// The user's number.
    pub id: i64,
    /// Display name.
    pub name: String,
    /// Given name, may be empty.
    pub first_name: String,
    /// Family name, may be empty.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// Whether the user is an administrator.
    pub is_sys_admin: bool,
    /// When this session's login happened, `YYYY-MM-DD hh:mm:ss` in UTC.
    pub last_login_date: String,
    /// Name of the machine that answers.
    pub host: String,
    /// When the token ends, in the same form.
    pub token_expiry_date: String,
    /// Name of the role; absent when none applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Number of the role; absent when none applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_id: Option<i64>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Session");
        shown.field("id", &self.id).field("token_expiry_date", &self.token_expiry_date);
        shown.field("role", &self.role).finish_non_exhaustive()
    }
}

/// Why a session operation failed. `Display` is the message for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// A login without an e-mail address.
    #[error("Login request is missing required email.")]
    MissingEmail,
    /// A login without a password.
    #[error("Login request is missing required password.")]
    MissingPassword,
    /// E-mail and password do not belong together.
    #[error("Invalid credentials supplied.")]
    InvalidCredentials,
    /// Too many wrong logins for this address; nothing was checked.
    #[error("Too many failed logins for this e-mail address. Please retry in {} seconds.", retry_after.as_secs())]
    Throttled {
        /// How long to wait, at least one second.
        retry_after: Duration,
    },
    /// Logins can't be checked at the moment: too many wait, or the check itself failed.
    #[error("The login could not be checked at the moment. Please retry.")]
    Unavailable,
    /// No token, or one that is not in force.
    #[error("There is no valid session for the current request.")]
    NoSession,
    /// The token can't be exchanged.
    #[error("Token refresh failed. {reason}")]
    RefreshFailed {
        /// Why not, without the token.
        reason: &'static str,
    },
}

impl From<LoginFault> for SessionError {
    fn from(fault: LoginFault) -> Self {
        match fault {
            LoginFault::Mismatch => Self::InvalidCredentials,
            LoginFault::Throttled(retry_after) => Self::Throttled { retry_after },
            LoginFault::Unavailable => Self::Unavailable,
        }
    }
}
