//! Pieces of the configuration of a service whose database is a server: TLS, the pool, settings of each connection. Their keys and
//! documentation stand in each connector's configuration, which refuses unknown ones.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::timeout::Timeout;

/// How far TLS is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// Not at all.
    Disable,
    /// If the server has it; it is not verified.
    #[default]
    Prefer,
    /// In any case; the server is not verified.
    Require,
    /// The server's certificate is verified.
    VerifyCa,
    /// The server's certificate and name are verified.
    VerifyFull,
}

/// The value of a setting of the server.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    /// On or off.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A number with a fraction.
    Fraction(f64),
    /// A text.
    Text(String),
}

impl Setting {
    /// As servers read it in a text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Flag(flag) => if *flag { "on" } else { "off" }.to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Fraction(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// What is given of `sslrootcert`, `sslcert` and `sslkey`.
#[derive(Debug, Clone, Copy)]
pub struct TlsFiles {
    /// Authorities.
    pub has_authorities: bool,
    /// A certificate of the client.
    pub has_certificate: bool,
    /// The certificate's key.
    pub has_key: bool,
}

/// What is wrong with the keys of TLS; `None`: nothing.
#[must_use]
pub fn tls_problem(mode: SslMode, files: TlsFiles) -> Option<&'static str> {
    let verifies = matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull);
    if files.has_certificate != files.has_key {
        return Some("'sslcert' and 'sslkey' belong together: give both or none");
    }
    let is_idle = files.has_authorities && !verifies;
    is_idle.then_some(
        "'sslrootcert' says nothing without verification: set 'sslmode' to verify-ca or verify-full",
    )
}

/// What is wrong with `pool_size` and `queue`; `None`: nothing.
#[must_use]
pub fn pool_problem(size: Option<usize>, queue: usize) -> Option<&'static str> {
    if size.is_some_and(|size| !(1..=1000).contains(&size)) {
        return Some("'pool_size' must be between 1 and 1000");
    }
    (queue > 100_000).then_some("'queue' must be at most 100000")
}

/// The most connections. Twice the processors did better than more, with the database on the same machine.
#[must_use]
pub fn pool_size(configured: Option<usize>) -> usize {
    let processors = || std::thread::available_parallelism().map_or(2, usize::from);
    configured.unwrap_or_else(|| (2 * processors()).max(4))
}

/// The default of `queue`.
#[must_use]
pub fn queue_length() -> usize {
    256
}

/// The default of limits.
#[must_use]
pub fn five_seconds() -> Timeout {
    Timeout::seconds(5)
}

/// The default of a limit that there is not.
#[must_use]
pub fn no_limit() -> Timeout {
    Timeout::seconds(0)
}

/// The default of what is on.
#[must_use]
pub fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_comes_with_its_key_and_authorities_with_verification() {
        for (mode, given, problem) in [
            (SslMode::Prefer, [false, false, false], None),
            (SslMode::Prefer, [false, true, true], None),
            (SslMode::Prefer, [false, true, false], Some("'sslcert'")),
            (SslMode::VerifyFull, [true, false, true], Some("'sslcert'")),
            (SslMode::Require, [true, false, false], Some("'sslrootcert'")),
            (SslMode::VerifyCa, [true, true, true], None),
        ] {
            let [has_authorities, has_certificate, has_key] = given;
            let found = tls_problem(mode, TlsFiles { has_authorities, has_certificate, has_key });
            let first_word = found.and_then(|found| found.split(' ').next());
            assert_eq!(first_word, problem, "{mode:?} {given:?}");
        }
    }

    #[test]
    fn a_pool_is_bounded() {
        for (size, queue, is_fine) in [
            (None, 0, true),
            (Some(1), 100_000, true),
            (Some(1000), 256, true),
            (Some(0), 256, false),
            (Some(1001), 256, false),
            (None, 100_001, false),
        ] {
            assert_eq!(pool_problem(size, queue).is_none(), is_fine, "{size:?} {queue}");
        }
        assert!(pool_size(None) >= 4);
        assert_eq!(pool_size(Some(3)), 3);
    }
}
