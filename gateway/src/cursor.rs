//! Tokens of pages: what is put in can be read by nobody else and comes out unchanged, or not at all. Knows no request and no row.
//!
//! A token is base64url of `salt, ChaCha20-Poly1305(subject, position)`. Each token is sealed under a key of its own, which the salt
//! makes out of the gateway's key; so no nonce is used twice, however long the gateway's key lives.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// The fewest bytes of a configured key.
pub const MIN_KEY_BYTES: usize = 32;
/// The longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 64 * 1024;
const SALT_BYTES: usize = 16;
/// A key is used once, so its nonce may be the same each time.
const NONCE: [u8; NONCE_LEN] = [0; NONCE_LEN];

/// What a token is for, as a digest: it can be used for nothing else.
pub type Subject = [u8; 32];

/// Why a token gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It was changed, or another key made it.
    #[error(
        "The cursor can't be read: it was changed on the way, or made before the gateway was started anew. Begin again with 'page=cursor'."
    )]
    Unreadable,
    /// It is whole, but of another request.
    #[error(
        "The cursor is one of another request: service, table, order, filter and caller must be those of the page that it came with."
    )]
    OtherSubject,
}

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system's random source failed")]
pub struct RandomUnavailable;

/// What seals the tokens of a gateway.
#[derive(Clone)]
pub struct Key(hmac::Key);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// A key that only this process knows.
    ///
    /// # Errors
    /// No randomness.
    pub fn random() -> Result<Self, RandomUnavailable> {
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).map(Self).map_err(|_| RandomUnavailable)
    }

    /// The key that this secret stands for, the same everywhere.
    #[must_use]
    pub fn from_secret(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// Makes a token.
    ///
    /// # Errors
    /// No randomness.
    pub fn seal(&self, subject: &Subject, position: &[u8]) -> Result<String, RandomUnavailable> {
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new().fill(&mut salt).map_err(|_| RandomUnavailable)?;
        let key = self.of_token(&salt).ok_or(RandomUnavailable)?;
        let mut content = [subject.as_slice(), position].concat();
        let tag =
            key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(NONCE), Aad::empty(), &mut content);
        let tag = tag.map_err(|_| RandomUnavailable)?;
        Ok(URL_SAFE_NO_PAD.encode([salt.as_slice(), &content, tag.as_ref()].concat()))
    }

    /// The position in a token.
    ///
    /// # Errors
    /// A token that this key did not make, or not for this subject.
    pub fn open(&self, subject: &Subject, token: &str) -> Result<Vec<u8>, Fault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Fault::Unreadable);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Fault::Unreadable)?;
        let (salt, sealed) = bytes.split_at_checked(SALT_BYTES).ok_or(Fault::Unreadable)?;
        let mut sealed = sealed.to_vec();
        let key = self.of_token(salt).ok_or(Fault::Unreadable)?;
        let content = key.open_in_place(Nonce::assume_unique_for_key(NONCE), Aad::empty(), &mut sealed);
        let content = content.map_err(|_| Fault::Unreadable)?;
        let (found, position) = content.split_at_checked(subject.len()).ok_or(Fault::Unreadable)?;
        if found == subject { Ok(position.to_vec()) } else { Err(Fault::OtherSubject) }
    }

    fn of_token(&self, salt: &[u8]) -> Option<LessSafeKey> {
        let bytes = hmac::sign(&self.0, salt);
        UnboundKey::new(&CHACHA20_POLY1305, bytes.as_ref()).ok().map(LessSafeKey::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: Subject = [7; 32];

    #[test]
    fn a_token_gives_its_position_back_to_its_subject_only() {
        let key = Key::random().unwrap();
        let token = key.seal(&SUBJECT, b"row 5").unwrap();
        assert_eq!(key.open(&SUBJECT, &token), Ok(b"row 5".to_vec()));
        assert_eq!(key.open(&[8; 32], &token), Err(Fault::OtherSubject));
    }

    #[test]
    fn no_character_of_a_token_can_be_changed_left_out_or_added() {
        let key = Key::random().unwrap();
        let token = key.seal(&SUBJECT, b"row 5").unwrap();
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(key.open(&SUBJECT, &changed), Err(Fault::Unreadable), "{at}");
            assert_eq!(key.open(&SUBJECT, &token[..at]), Err(Fault::Unreadable), "{at}");
        }
        for wrong in
            [format!("{token}A"), format!("{token}="), "é".to_owned(), "A".repeat(MAX_TOKEN_BYTES + 1)]
        {
            assert_eq!(key.open(&SUBJECT, &wrong), Err(Fault::Unreadable));
        }
    }

    #[test]
    fn a_token_shows_nothing_and_is_never_the_same() {
        let key = Key::random().unwrap();
        let token = key.seal(&SUBJECT, b"secret position").unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"secret"));
        assert_ne!(key.seal(&SUBJECT, b"secret position").unwrap(), token);
    }

    #[test]
    fn gateways_with_one_secret_read_each_others_tokens() {
        let token = Key::from_secret("one secret").seal(&SUBJECT, b"x").unwrap();
        assert_eq!(Key::from_secret("one secret").open(&SUBJECT, &token), Ok(b"x".to_vec()));
        assert_eq!(Key::from_secret("another").open(&SUBJECT, &token), Err(Fault::Unreadable));
        assert_eq!(Key::random().unwrap().open(&SUBJECT, &token), Err(Fault::Unreadable));
    }
}
