//! `system/admin/session`: login, read, refresh, logout of administrators.

use std::time::SystemTime;

use serde::Serialize;

use super::input::Input;
use crate::auth::{Accounts, Credentials, Login, SessionError};
use crate::error::ApiError;
use crate::pipeline::Answer;
use crate::roles::{Role, Verb};

/// The path inside the service `system`.
pub(super) const COMPONENT: &str = "admin/session";

/// Runs the operation that the verb stands for.
pub(super) async fn handle(
    input: &Input,
    accounts: &Accounts,
    credentials: &Credentials<'_>,
    role: Option<&Role>,
) -> Result<Answer, ApiError> {
    let now = SystemTime::now();
    let token = credentials.token();
    let session = match input.head.verb {
        Verb::Get => accounts.read(token, role, now),
        Verb::Post => {
            let login = Login { email: input.body_text("email"), password: input.body_text("password") };
            accounts.login(login, role, now).await
        }
        Verb::Put => accounts.refresh(token, role, now),
        Verb::Delete => return logout(accounts, token, now),
        Verb::Patch => return Err(ApiError::unsupported_verb(input.head.verb.word(), COMPONENT)),
    };
    json(&session?)
}

fn logout(accounts: &Accounts, token: Option<&str>, now: SystemTime) -> Result<Answer, ApiError> {
    let ended: Result<(), SessionError> = accounts.logout(token, now);
    ended?;
    Ok(Answer::json(r#"{"success":true}"#))
}

fn json(session: &impl Serialize) -> Result<Answer, ApiError> {
    serde_json::to_vec(session).map(Answer::json).map_err(|_| ApiError::internal())
}
