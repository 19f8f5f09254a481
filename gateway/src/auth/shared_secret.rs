//! A secret that the configuration names and callers send. It is neither kept nor compared as text.

use super::keyed_hash::{Digest, KeyedHash, RandomUnavailable};

/// A secret to compare with. How far a comparison gets tells nothing, because nobody outside knows the key of the hash.
#[derive(Debug)]
pub struct SharedSecret {
    hash: KeyedHash,
    digest: Digest,
}

impl SharedSecret {
    /// The secret with this text.
    ///
    /// # Errors
    /// No randomness.
    pub fn new(text: &str) -> Result<Self, RandomUnavailable> {
        let hash = KeyedHash::new()?;
        let digest = hash.digest(&[text]);
        Ok(Self { hash, digest })
    }

    /// Whether this is it.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.hash.digest(&[text]) == self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_is_it() {
        let secret = SharedSecret::new("secret-4711").unwrap();
        let check = |text: &str, expected: bool| assert_eq!(secret.is(text), expected, "{text:?}");
        check("secret-4711", true);
        check("secret-471", false);
        check("secret-47111", false);
        check("Secret-4711", false);
        check("", false);
    }
}
