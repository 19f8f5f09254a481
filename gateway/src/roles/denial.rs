//! Why a request may not proceed, with the exact texts that clients know. No HTTP status: the gateway's error file
//! maps each variant to one.

use std::time::Duration;

use super::Verb;

/// A refused request. `Display` is the message for the caller, byte for byte where existing clients know it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The session of the token is over; it may still be refreshed.
    #[error(
        "Token has expired: Session expired. Please refresh your token (if still within refresh window) or re-login."
    )]
    TokenExpired,
    /// The token was logged out or replaced.
    #[error("The token has been blacklisted: Session terminated. Please re-login.")]
    TokenBlacklisted,
    /// The token belongs to no session.
    #[error("Invalid token: {reason}")]
    TokenInvalid {
        /// What is wrong with it, without the token.
        reason: &'static str,
    },
    /// The basic login is malformed, or e-mail and password do not belong together.
    #[error("Unauthorized. User credentials did not match.")]
    BasicMismatch,
    /// Too many wrong logins for this e-mail address; nothing was checked.
    #[error("Too many failed logins for this e-mail address. Please retry in {} seconds.", retry_after.as_secs())]
    LoginThrottled {
        /// How long to wait, at least one second.
        retry_after: Duration,
    },
    /// Logins can't be checked at the moment: too many wait, or the check itself failed.
    #[error("The login could not be checked at the moment. Please retry.")]
    LoginUnavailable,
    /// The application of the API key is switched off.
    #[error("App is not active.")]
    AppInactive,
    /// Neither key nor token.
    #[error(
        "No session token (JWT) or API Key detected in request. Please send in X-DreamFactory-Session-Token and/or \
         X-DreamFactory-API-Key request header. You can also use URL query parameters session_token and/or api_key."
    )]
    NoCredentials,
    /// No role, and no key that could bring one.
    #[error(
        "No API Key provided. Please provide a valid API Key using X-DreamFactory-API-Key request header or 'api_key' \
         url query parameter."
    )]
    NoApiKey,
    /// No role, and the key belongs to no application.
    #[error(
        "Unknown API Key. Please provide a valid API Key using X-DreamFactory-API-Key request header or 'api_key' url \
         query parameter."
    )]
    UnknownApiKey,
    /// The key's application has no role, and no user came along who could have one.
    #[error(
        "No session token (JWT) provided. Please provide a valid JWT using X-DreamFactory-Session-Token request header \
         or 'session_token' url query parameter."
    )]
    NoSessionToken,
    /// Key and token are right, but no role belongs to them.
    #[error("Role not found. A role may not be assigned to you or your application.")]
    RoleNotFound,
    /// The role is switched off.
    #[error(
        "Access Forbidden. The role assigned to you or your application or the default role of your application is \
         not active."
    )]
    RoleInactive,
    /// The role of a key without a user does not permit it.
    #[error("Unauthorized. User is not authenticated.")]
    NotAuthenticated,
    /// The user's role does not permit it on a component of the service.
    #[error(
        "Access Forbidden. {verb} access to component '{component}' of service '{service}' is not allowed by this \
         user's role."
    )]
    ComponentForbidden {
        /// What was tried.
        verb: Verb,
        /// Path inside the service.
        component: String,
        /// Service name.
        service: String,
    },
    /// The user's role does not permit it on the root of the service.
    #[error("Access Forbidden. {verb} access to service '{service}' is not allowed by this user's role.")]
    ServiceForbidden {
        /// What was tried.
        verb: Verb,
        /// Service name.
        service: String,
    },
}
