//! From credentials to caller.

use std::sync::Arc;
use std::time::SystemTime;

use super::accounts::{Accounts, LoginFault};
use super::apps::{ApiKeys, AppDefinition, SetupError};
use super::credentials::{Credentials, Proof};
use crate::roles::{Caller, Denial, Requestor, Role, User};

/// What identity needs of one configuration. Immutable; `Accounts` is shared with the configurations before and after.
#[derive(Debug)]
pub struct State {
    keys: ApiKeys,
    accounts: Arc<Accounts>,
}

impl State {
    /// Joins applications and roles by name.
    ///
    /// # Errors
    /// [`SetupError`] for duplicate or unknown roles, empty or duplicate keys.
    pub fn new(
        roles: Vec<Role>,
        apps: Vec<AppDefinition>,
        accounts: Arc<Accounts>,
    ) -> Result<Self, SetupError> {
        Ok(Self { keys: ApiKeys::new(roles, apps)?, accounts })
    }

    /// The administrator and the sessions.
    pub fn accounts(&self) -> &Arc<Accounts> {
        &self.accounts
    }
}

/// Finds out who calls. No credentials at all make an anonymous caller, and so does an unknown API key: whether that
/// is enough is the decision of `roles::decide`.
///
/// # Errors
/// A token that is expired, ended or unknown, a wrong basic login, an inactive application.
pub async fn authenticate(
    credentials: &Credentials<'_>,
    state: &State,
    now: SystemTime,
) -> Result<Caller, Denial> {
    let user = user(&credentials.proof, &state.accounts, now).await?;
    let app = credentials.api_key.and_then(|key| state.keys.find(key));
    if app.as_ref().is_some_and(|app| !app.is_active) {
        return Err(Denial::AppInactive);
    }
    Ok(Caller {
        role: app.as_ref().and_then(|app| app.role.clone()),
        is_admin: user.as_ref().is_some_and(|user| user.is_sys_admin),
        requestor: Requestor::Api,
        is_key_given: credentials.api_key.is_some(),
        is_token_given: credentials.proof != Proof::None,
        app,
        user,
    })
}

async fn user(proof: &Proof<'_>, accounts: &Accounts, now: SystemTime) -> Result<Option<Arc<User>>, Denial> {
    match proof {
        Proof::None | Proof::TokenToRefresh(_) => Ok(None),
        Proof::Token(token) => Ok(Some(accounts.user_of(token, now)?)),
        Proof::Basic { email, password } => Ok(Some(accounts.verify(email, password, now).await?)),
        Proof::MalformedBasic => Err(Denial::BasicMismatch),
    }
}

impl From<LoginFault> for Denial {
    fn from(fault: LoginFault) -> Self {
        match fault {
            LoginFault::Mismatch => Self::BasicMismatch,
            LoginFault::Throttled(retry_after) => Self::LoginThrottled { retry_after },
            LoginFault::Unavailable => Self::LoginUnavailable,
        }
    }
}
