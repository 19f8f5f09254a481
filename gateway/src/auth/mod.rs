//! Who is calling: credentials of a request, applications by API key, the administrator, logins and sessions.
//!
//! Two parts with different lives. [`State`] (applications and their roles) is built with each configuration and never
//! changes, so it sits in the snapshot. [`Accounts`] (administrator, sessions, login throttle) lives as long as the
//! process, so a reload ends no session. What a caller may do is no business of this room: that is `roles`.
//!
//! **Sessions are opaque.** A session token is 256 random bits, known to the gateway only by a keyed hash, with its
//! claims (user, issue, expiry, ended or not) in memory. Clients treat the token as opaque text, a logout takes effect
//! at once, nothing has to be signed or parsed, and a stolen memory image or store holds no usable token. The price is a
//! lookup per request and that sessions end with the process; a store shared by several nodes can later hold the same
//! entries under the same digests. Script tokens are not read.
//!
//! **Secrets.** API keys, tokens and passwords are kept as keyed hashes or argon2id hashes only, and are left out of
//! every `Debug`. Because the key of the hash is random per process, how far a digest comparison gets tells nothing.
//! Time is always an argument.

mod accounts;
mod apps;
mod credentials;
mod date;
mod keyed_hash;
mod password;
mod session;
mod sessions;
mod shared_secret;
mod state;
#[cfg(test)]
mod tests;
mod throttle;

pub use crate::roles::{App, Caller, User};
pub use accounts::{Accounts, Login};
pub use apps::{AppDefinition, SetupError};
pub use credentials::{Credentials, Lookup, Sources};
pub use keyed_hash::RandomUnavailable;
pub use password::OneTimePassword;
pub use session::{Session, SessionError};
pub use shared_secret::SharedSecret;
pub use state::{State, authenticate};
