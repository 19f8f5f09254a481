//! The configuration of a service.

use connector_api::author::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Deserialize;

/// Configuration of a service of type `aws_dynamodb`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The region, for example `eu-west-1`.
    pub(crate) region: String,
    /// The access key id. Default: the environment variables, else the credentials of the container or the machine.
    #[serde(default)]
    pub(crate) key: Option<String>,
    /// The secret access key that belongs to `key`.
    #[serde(default)]
    pub(crate) secret: Option<String>,
    /// The session token of temporary credentials. Default: none.
    #[serde(default)]
    pub(crate) session_token: Option<String>,
    /// The address of the store, for example `http://127.0.0.1:8000`. Default: that of the region.
    #[serde(default)]
    pub(crate) endpoint: Option<String>,
    /// A proxy for all requests, for example `http://proxy:3128`. Default: none; environment variables do not count.
    #[serde(default)]
    pub(crate) proxy: Option<String>,
    /// Items that one request may read beyond those that it answers with: to filter, sort or count them. 1 to 10000000.
    #[serde(default = "hundred_thousand")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub(crate) scan_limit: u64,
    /// Items of a table that are looked at to guess its columns; with 0 only the columns of keys are known. 0 to 1000.
    #[serde(default = "hundred")]
    #[schemars(range(max = 1000))]
    pub(crate) sample: u32,
    /// An attribute, no part of a key, that each write of this service gives a new value. So a row changes with whatever changes in it, and no
    /// write on a version overlooks a member that somebody added. Default: none.
    #[serde(default)]
    pub(crate) version_attribute: Option<String>,
    /// Read what was written last, at twice the price. Global indexes can't: a read by one of them may be a moment behind.
    #[serde(default = "yes")]
    pub(crate) consistent_reads: bool,
}

fn hundred_thousand() -> u64 {
    100_000
}

fn hundred() -> u32 {
    100
}

fn yes() -> bool {
    true
}

impl Config {
    /// Checks what the types alone can't.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] that names the key and what it takes.
    pub(crate) fn validate(&self) -> Result<()> {
        let is_region = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let problem = if self.region.is_empty() || !self.region.bytes().all(is_region) {
            "'region' takes letters, digits and '-', for example \"eu-west-1\""
        } else if self.key.is_some() != self.secret.is_some() {
            "'key' and 'secret' belong together; give both or neither"
        } else if self.session_token.is_some() && self.key.is_none() {
            "'session_token' belongs to 'key' and 'secret'; give them as well"
        } else if !(1..=10_000_000).contains(&self.scan_limit) {
            "'scan_limit' takes 1 to 10000000 items"
        } else if self.version_attribute.as_ref().is_some_and(String::is_empty) {
            "'version_attribute' takes a name of at least one character"
        } else if self.sample > 1000 {
            "'sample' takes 0 to 1000 items"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::InvalidRequest, problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(more: &str) -> Option<String> {
        let config: Config = serde_json::from_str(&format!("{{{more}}}")).unwrap();
        config.validate().err().map(|error| error.message)
    }

    #[test]
    fn a_region_is_enough() {
        assert_eq!(problem(r#""region": "eu-west-1""#), None);
    }

    #[test]
    fn what_can_not_work_is_refused_by_the_name_of_its_key() {
        for (more, key) in [
            (r#""region": """#, "'region'"),
            (r#""region": "x/../y""#, "'region'"),
            (r#""region": "r", "key": "a""#, "'secret'"),
            (r#""region": "r", "session_token": "a""#, "'session_token'"),
            (r#""region": "r", "scan_limit": 0"#, "'scan_limit'"),
            (r#""region": "r", "sample": 1001"#, "'sample'"),
            (r#""region": "r", "version_attribute": """#, "'version_attribute'"),
        ] {
            assert!(problem(more).is_some_and(|problem| problem.contains(key)), "{more}");
        }
    }

    #[test]
    fn a_misspelled_key_is_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"region": "r", "scanlimit": 5}"#).is_err());
    }
}
