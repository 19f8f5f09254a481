//! The administrator, logins and the operations on sessions. Lives as long as the process.
//!
//! A login is checked in this order: throttle, recently verified logins, a place in the queue, both again, the hash.
//! The throttle stands before the cache, because a cache hit is fast and would let somebody try passwords against it
//! without limit. An unknown e-mail address costs the same hash as a known one.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::apps::SetupError;
use super::date::date_text;
use super::keyed_hash::{Digest, KeyedHash, RandomUnavailable};
use super::password::{OneTimePassword, PasswordHash};
use super::session::{Session, SessionError};
use super::sessions::{Entry, Sessions, TokenFault};
use super::throttle::Throttle;
use crate::roles::{Role, User};

/// Hashes that run at once; each takes 19 MiB and a processor.
const RUNNING_HASHES: usize = 2;
/// Logins that wait or run at once; further ones are refused.
const QUEUED_LOGINS: usize = 256;
/// For how long a verified login needs no hash.
const RECENT: Duration = Duration::from_secs(60);
const MAX_RECENT: usize = 1_000;

/// What a login request brings. `Debug` hides the password.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// E-mail address, in any case.
    pub email: Option<&'a str>,
    /// Password.
    pub password: Option<&'a str>,
}

impl fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("email", &self.email).finish_non_exhaustive()
    }
}

/// Why e-mail and password prove nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoginFault {
    /// They do not belong together.
    Mismatch,
    /// Too many wrong attempts; wait so long.
    Throttled(Duration),
    /// Too many logins wait, or the check failed.
    Unavailable,
}

/// The administrator of this process and everybody's sessions. Shared by all snapshots.
#[derive(Debug)]
pub struct Accounts {
    administrator: Arc<User>,
    password: Arc<PasswordHash>,
    host: String,
    hash: KeyedHash,
    sessions: Sessions,
    throttle: Throttle,
    recent: Mutex<HashMap<Digest, SystemTime>>,
    queue: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Accounts {
    /// Sets up the first administrator. Without a password one is generated and returned, to be shown once.
    /// Hashing takes some tens of milliseconds of one processor. `host` is the machine's name in session objects.
    ///
    /// # Errors
    /// [`SetupError`] when e-mail or password are empty, or randomness or memory are missing.
    pub fn new(
        email: &str,
        password: Option<&str>,
        host: impl Into<String>,
    ) -> Result<(Self, Option<OneTimePassword>), SetupError> {
        let generated = if password.is_none() { Some(OneTimePassword::generate()?) } else { None };
        let password = password.or(generated.as_ref().map(OneTimePassword::reveal)).unwrap_or_default();
        if password.is_empty() {
            return Err(SetupError::EmptyPassword);
        }
        let accounts = Self {
            administrator: Arc::new(administrator(email)?),
            password: Arc::new(PasswordHash::new(password)?),
            host: host.into(),
            hash: KeyedHash::new()?,
            sessions: Sessions::new()?,
            throttle: Throttle::default(),
            recent: Mutex::default(),
            queue: Arc::new(Semaphore::new(QUEUED_LOGINS)),
            running: Arc::new(Semaphore::new(RUNNING_HASHES)),
        };
        Ok((accounts, generated))
    }

    /// Starts a session. `role` is the role of the request's application, shown in the session object.
    ///
    /// # Errors
    /// Missing e-mail or password, wrong ones, too many wrong ones, or no check possible.
    pub async fn login(
        &self,
        login: Login<'_>,
        role: Option<&Role>,
        now: SystemTime,
    ) -> Result<Session, SessionError> {
        let present = |text: Option<&'_ str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let email = present(login.email).ok_or(SessionError::MissingEmail)?;
        let password = present(login.password).ok_or(SessionError::MissingPassword)?;
        let user = self.verify(&email, &password, now).await?;
        let (token, entry) = self.sessions.start(user, now)?;
        Ok(self.session(token, &entry, role))
    }

    /// The session of a token.
    ///
    /// # Errors
    /// [`SessionError::NoSession`] without a token that is in force.
    pub fn read(
        &self,
        token: Option<&str>,
        role: Option<&Role>,
        now: SystemTime,
    ) -> Result<Session, SessionError> {
        let token = token.ok_or(SessionError::NoSession)?;
        let entry = self.sessions.find(token, now).map_err(|_| SessionError::NoSession)?;
        Ok(self.session(token.to_owned(), &entry, role))
    }

    /// Exchanges a token, expired for at most the refresh window (14 days since the login), for another one.
    ///
    /// # Errors
    /// [`SessionError::RefreshFailed`] with the reason.
    pub fn refresh(
        &self,
        token: Option<&str>,
        role: Option<&Role>,
        now: SystemTime,
    ) -> Result<Session, SessionError> {
        let token = token.ok_or(SessionError::RefreshFailed { reason: "No token was sent." })?;
        let refused = |fault: TokenFault| SessionError::RefreshFailed { reason: fault.refresh_reason() };
        let (token, entry) = self.sessions.refresh(token, now)?.map_err(refused)?;
        Ok(self.session(token, &entry, role))
    }

    /// Ends the session of a token.
    ///
    /// # Errors
    /// [`SessionError::NoSession`] without a token that is in force.
    pub fn logout(&self, token: Option<&str>, now: SystemTime) -> Result<(), SessionError> {
        let token = token.ok_or(SessionError::NoSession)?;
        self.sessions.end(token, now).map_err(|_| SessionError::NoSession)
    }

    /// The user of a token that is in force.
    pub(super) fn user_of(&self, token: &str, now: SystemTime) -> Result<Arc<User>, TokenFault> {
        self.sessions.find(token, now).map(|entry| entry.user)
    }

    /// The user to whom e-mail and password belong.
    pub(super) async fn verify(
        &self,
        email: &str,
        password: &str,
        now: SystemTime,
    ) -> Result<Arc<User>, LoginFault> {
        let email = folded(email);
        let address = self.hash.digest(&[&email]);
        let login = self.hash.digest(&[&email, password]);
        if self.is_recent(&address, &login, now)? {
            return Ok(Arc::clone(&self.administrator));
        }
        let turn = self.turn().await?;
        // Others with the same address may have been answered meanwhile.
        if self.is_recent(&address, &login, now)? {
            return Ok(Arc::clone(&self.administrator));
        }
        let is_known = email == self.administrator.email;
        if self.hash_matches(password, turn).await? && is_known {
            self.throttle.succeeded(&address);
            self.remember(login, now);
            return Ok(Arc::clone(&self.administrator));
        }
        self.throttle.failed(address, now);
        Err(LoginFault::Mismatch)
    }

    fn is_recent(&self, address: &Digest, login: &Digest, now: SystemTime) -> Result<bool, LoginFault> {
        self.throttle.check(address, now).map_err(LoginFault::Throttled)?;
        Ok(self.recent().get(login).is_some_and(|until| *until > now))
    }

    fn remember(&self, login: Digest, now: SystemTime) {
        let mut recent = self.recent();
        recent.retain(|_, until| *until > now);
        if recent.len() < MAX_RECENT {
            recent.insert(login, now + RECENT);
        }
    }

    /// Waits for a turn to hash.
    async fn turn(&self) -> Result<[OwnedSemaphorePermit; 2], LoginFault> {
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| LoginFault::Unavailable)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| LoginFault::Unavailable)?;
        Ok([place, turn])
    }

    /// Compares with the administrator's hash. The turn goes along, because the work outlives a caller who hangs up.
    async fn hash_matches(
        &self,
        password: &str,
        turn: [OwnedSemaphorePermit; 2],
    ) -> Result<bool, LoginFault> {
        let (hash, password) = (Arc::clone(&self.password), password.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            let matches = hash.matches(&password);
            drop(turn);
            matches
        });
        work.await.map_err(|_| LoginFault::Unavailable)
    }

    fn recent(&self) -> MutexGuard<'_, HashMap<Digest, SystemTime>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self, token: String, entry: &Entry, role: Option<&Role>) -> Session {
        let User { id, email, name, first_name, last_name, is_sys_admin } = entry.user.as_ref().clone();
        Session {
            session_id: token.clone(),
            session_token: token,
            id,
            name,
            first_name,
            last_name,
            email,
            is_sys_admin,
            last_login_date: date_text(entry.login_at),
            host: self.host.clone(),
            token_expiry_date: date_text(entry.expires_at),
            role: role.map(|role| role.name().to_owned()),
            role_id: role.map(Role::id),
        }
    }
}

impl From<RandomUnavailable> for SessionError {
    fn from(_: RandomUnavailable) -> Self {
        Self::Unavailable
    }
}

/// The first administrator; names come from the e-mail address.
fn administrator(email: &str) -> Result<User, SetupError> {
    let email = folded(email);
    if email.is_empty() {
        return Err(SetupError::EmptyEmail);
    }
    let name = email.split('@').next().unwrap_or_default().to_owned();
    Ok(User { id: 1, first_name: name.clone(), name, last_name: String::new(), email, is_sys_admin: true })
}

fn folded(email: &str) -> String {
    email.trim().to_lowercase()
}
