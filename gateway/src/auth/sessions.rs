//! The sessions of this process: made, found, ended, bounded. Passwords and the wire's shape are elsewhere.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keyed_hash::{Digest, KeyedHash, RandomUnavailable, random};
use crate::roles::{Denial, User};

const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// Counted from the login, however often the token was exchanged since.
const REFRESH_WINDOW: Duration = Duration::from_secs(14 * 24 * 3600);
const MAX_SESSIONS: usize = 10_000;

/// Sessions by the digest of their token. An ended session is remembered until nothing could revive it.
#[derive(Debug)]
pub(super) struct Sessions {
    hash: KeyedHash,
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Digest, Entry>,
    /// The keys of `entries`, oldest first.
    order: VecDeque<Digest>,
}

/// What the gateway knows of one token.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) user: Arc<User>,
    pub(super) login_at: SystemTime,
    pub(super) expires_at: SystemTime,
    is_ended: bool,
}

/// Why a token is not in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenFault {
    /// No session has it.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was logged out or exchanged.
    Ended,
}

impl TokenFault {
    /// What to say when a token could not be exchanged.
    pub(super) const fn refresh_reason(self) -> &'static str {
        match self {
            Self::Unknown => "The token belongs to no session. Please re-login.",
            Self::Expired => "The refresh window is over. Please re-login.",
            Self::Ended => "The token has been blacklisted. Please re-login.",
        }
    }
}

impl From<TokenFault> for Denial {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::Unknown => {
                Self::TokenInvalid { reason: "It belongs to no session of this server. Please re-login." }
            }
            TokenFault::Expired => Self::TokenExpired,
            TokenFault::Ended => Self::TokenBlacklisted,
        }
    }
}

impl Sessions {
    pub(super) fn new() -> Result<Self, RandomUnavailable> {
        Ok(Self { hash: KeyedHash::new()?, kept: RwLock::default() })
    }

    /// Starts a session: its token, which is not kept, and its entry.
    pub(super) fn start(
        &self,
        user: Arc<User>,
        now: SystemTime,
    ) -> Result<(String, Entry), RandomUnavailable> {
        let token = new_token()?;
        let entry = Entry { user, login_at: now, expires_at: now + LIFETIME, is_ended: false };
        self.write().insert(self.hash.digest(&[&token]), entry.clone(), now);
        Ok((token, entry))
    }

    /// The entry of a token that is in force.
    pub(super) fn find(&self, token: &str, now: SystemTime) -> Result<Entry, TokenFault> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.entries.get(&self.hash.digest(&[token])).ok_or(TokenFault::Unknown)?;
        if entry.expires_at <= now {
            return Err(TokenFault::Expired);
        }
        if entry.is_ended {
            return Err(TokenFault::Ended);
        }
        Ok(entry.clone())
    }

    /// Exchanges a token, which may be expired, for another one; the old one ends.
    pub(super) fn refresh(
        &self,
        token: &str,
        now: SystemTime,
    ) -> Result<Result<(String, Entry), TokenFault>, RandomUnavailable> {
        let new = new_token()?;
        let mut kept = self.write();
        let Some(old) = kept.entries.get_mut(&self.hash.digest(&[token])) else {
            return Ok(Err(TokenFault::Unknown));
        };
        if old.is_ended {
            return Ok(Err(TokenFault::Ended));
        }
        if old.login_at + REFRESH_WINDOW <= now {
            return Ok(Err(TokenFault::Expired));
        }
        let entry = Entry { expires_at: now + LIFETIME, ..old.clone() };
        old.is_ended = true;
        kept.insert(self.hash.digest(&[&new]), entry.clone(), now);
        Ok(Ok((new, entry)))
    }

    /// Ends the session of a token that is in force.
    pub(super) fn end(&self, token: &str, now: SystemTime) -> Result<(), TokenFault> {
        self.find(token, now)?;
        if let Some(entry) = self.write().entries.get_mut(&self.hash.digest(&[token])) {
            entry.is_ended = true;
        }
        Ok(())
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn insert(&mut self, digest: Digest, entry: Entry, now: SystemTime) {
        while self.order.len() >= MAX_SESSIONS || self.is_oldest_over(now) {
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
        self.order.push_back(digest);
        self.entries.insert(digest, entry);
    }

    fn is_oldest_over(&self, now: SystemTime) -> bool {
        let oldest = self.order.front().and_then(|digest| self.entries.get(digest));
        oldest.is_some_and(|entry| entry.expires_at <= now && entry.login_at + REFRESH_WINDOW <= now)
    }
}

/// 256 random bits as 43 characters that need no escaping anywhere.
fn new_token() -> Result<String, RandomUnavailable> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_714_557_600 + seconds)
    }

    fn user() -> Arc<User> {
        Arc::new(User {
            id: 1,
            email: "a@x.io".to_owned(),
            name: "a".to_owned(),
            first_name: String::new(),
            last_name: String::new(),
            is_sys_admin: true,
        })
    }

    fn fault(sessions: &Sessions, token: &str, seconds: u64) -> Option<TokenFault> {
        sessions.find(token, at(seconds)).err()
    }

    #[test]
    fn token_is_in_force_for_a_day() {
        let sessions = Sessions::new().unwrap();
        let (token, entry) = sessions.start(user(), at(0)).unwrap();
        assert_eq!((token.len(), entry.expires_at), (43, at(DAY)));
        assert_eq!(fault(&sessions, &token, DAY - 1), None);
        assert_eq!(fault(&sessions, &token, DAY), Some(TokenFault::Expired));
        assert_eq!(fault(&sessions, "other", 0), Some(TokenFault::Unknown));
        assert!(!format!("{sessions:?}").contains(&token));
    }

    #[test]
    fn ended_token_is_remembered_as_ended() {
        let sessions = Sessions::new().unwrap();
        let (token, _) = sessions.start(user(), at(0)).unwrap();
        assert_eq!(sessions.end(&token, at(1)), Ok(()));
        assert_eq!(fault(&sessions, &token, 2), Some(TokenFault::Ended));
        assert_eq!(sessions.end(&token, at(2)), Err(TokenFault::Ended));
        assert_eq!(sessions.refresh(&token, at(2)).unwrap().unwrap_err(), TokenFault::Ended);
    }

    #[test]
    fn refresh_exchanges_a_token_within_the_window_of_its_login() {
        let sessions = Sessions::new().unwrap();
        let (first, _) = sessions.start(user(), at(0)).unwrap();
        let (second, entry) = sessions.refresh(&first, at(13 * DAY)).unwrap().unwrap();
        assert_eq!((entry.login_at, entry.expires_at), (at(0), at(14 * DAY)));
        assert_eq!(fault(&sessions, &second, 13 * DAY + 1), None);
        assert_eq!(sessions.refresh(&first, at(13 * DAY)).unwrap().unwrap_err(), TokenFault::Ended);
        assert_eq!(sessions.refresh(&second, at(14 * DAY)).unwrap().unwrap_err(), TokenFault::Expired);
        assert_eq!(sessions.refresh("other", at(0)).unwrap().unwrap_err(), TokenFault::Unknown);
    }

    #[test]
    fn oldest_sessions_give_way() {
        let sessions = Sessions::new().unwrap();
        let tokens: Vec<_> = (0..=MAX_SESSIONS).map(|_| sessions.start(user(), at(0)).unwrap().0).collect();
        assert_eq!(fault(&sessions, &tokens[0], 1), Some(TokenFault::Unknown));
        assert_eq!(fault(&sessions, &tokens[1], 1), None);
        let kept = sessions.write();
        assert_eq!((kept.entries.len(), kept.order.len()), (MAX_SESSIONS, MAX_SESSIONS));
    }

    #[test]
    fn sessions_beyond_refresh_are_forgotten() {
        let sessions = Sessions::new().unwrap();
        let (old, _) = sessions.start(user(), at(0)).unwrap();
        sessions.start(user(), at(13 * DAY)).unwrap();
        assert_eq!(fault(&sessions, &old, 13 * DAY), Some(TokenFault::Expired));
        sessions.start(user(), at(14 * DAY)).unwrap();
        assert_eq!(fault(&sessions, &old, 14 * DAY), Some(TokenFault::Unknown));
        assert_eq!(sessions.write().entries.len(), 2);
    }
}
