//! Passwords: the argon2id hash that is kept, and the password that is generated when none is given.

use std::fmt;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use super::apps::SetupError;
use super::keyed_hash::{RandomUnavailable, random};

/// OWASP's least for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What is kept of a password: an argon2id hash with its own salt and cost.
pub(super) struct PasswordHash(phc::PasswordHash);

impl PasswordHash {
    /// Hashes a password; takes some tens of milliseconds of one processor.
    pub(super) fn new(password: &str) -> Result<Self, SetupError> {
        let salt: [u8; 16] = random()?;
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| SetupError::Hashing)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = argon2.hash_password_with_salt(password.as_bytes(), &salt);
        hash.map(Self).map_err(|_| SetupError::Hashing)
    }

    /// Whether the password is the hashed one; takes as long as hashing, right or wrong.
    pub(super) fn matches(&self, password: &str) -> bool {
        Argon2::default().verify_password(password.as_bytes(), &self.0).is_ok()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// A generated password, to be shown once to the person who starts the gateway. `Debug` hides it.
pub struct OneTimePassword(String);

/// 32 characters (so that five random bits choose one fairly), without those that look like another.
const ALPHABET: [char; 32] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w',
    'x', 'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
];
const LENGTH: usize = 24;
const GROUP: usize = 6;

impl OneTimePassword {
    /// 24 random characters (120 bits) in groups of six.
    pub(super) fn generate() -> Result<Self, RandomUnavailable> {
        let mut text = String::with_capacity(LENGTH + LENGTH / GROUP);
        for (at, byte) in random::<LENGTH>()?.into_iter().enumerate() {
            if at > 0 && at % GROUP == 0 {
                text.push('-');
            }
            text.extend(ALPHABET.get(usize::from(byte) % ALPHABET.len()));
        }
        Ok(Self(text))
    }

    /// The password, for showing it once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OneTimePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimePassword")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hashed_password_matches() {
        let hash = PasswordHash::new("correct horse").unwrap();
        assert!(hash.matches("correct horse"));
        assert!(!hash.matches("Correct horse"));
        assert!(!hash.matches(""));
    }

    #[test]
    fn hash_is_argon2id_with_the_stated_cost() {
        let text = PasswordHash::new("x").unwrap().0.to_string();
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
    }

    #[test]
    fn generated_passwords_are_readable_and_differ() {
        let first = OneTimePassword::generate().unwrap();
        let second = OneTimePassword::generate().unwrap();
        assert_ne!(first.reveal(), second.reveal());
        assert_eq!(first.reveal().split('-').map(str::len).collect::<Vec<_>>(), [6, 6, 6, 6]);
        assert!(first.reveal().chars().all(|c| c == '-' || ALPHABET.contains(&c)), "{}", first.reveal());
        assert!(!format!("{first:?}").contains(first.reveal()));
    }
}
