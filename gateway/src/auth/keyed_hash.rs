//! Secrets as map keys: HMAC-SHA256 under a key that is random per process.

use std::fmt;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// What is kept of a secret.
pub(super) type Digest = [u8; 32];

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system's random source failed")]
pub struct RandomUnavailable;

/// Makes digests that can't be computed outside this process.
pub(super) struct KeyedHash {
    key: hmac::Key,
}

impl KeyedHash {
    /// A hash with a new random key.
    pub(super) fn new() -> Result<Self, RandomUnavailable> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Ok(Self { key: key.map_err(|_| RandomUnavailable)? })
    }

    /// The digest of the parts. Each part enters with its length, so that moving bytes between parts changes it.
    pub(super) fn digest(&self, parts: &[&str]) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&part.len().to_le_bytes());
            context.update(part.as_bytes());
        }
        let mut digest = Digest::default();
        for (to, from) in digest.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        digest
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash")
    }
}

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], RandomUnavailable> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| RandomUnavailable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_depends_on_key_text_and_borders() {
        let hash = KeyedHash::new().unwrap();
        assert_eq!(hash.digest(&["a", "b"]), hash.digest(&["a", "b"]));
        assert_ne!(hash.digest(&["ab", ""]), hash.digest(&["a", "b"]));
        assert_ne!(hash.digest(&["a"]), KeyedHash::new().unwrap().digest(&["a"]));
    }
}
