//! Who the service is to the store: from the configuration, or from the environment of the gateway.

use connector_api::author::{Error, ErrorKind, Result};

use crate::config::Config;

/// An access key. Never shown: it has no `Debug`.
pub(crate) struct Credentials {
    pub(super) key: String,
    pub(super) secret: String,
    /// Of temporary credentials.
    pub(super) token: Option<String>,
}

impl Credentials {
    /// Those of the configuration, else those that `variable` finds in the environment.
    ///
    /// # Errors
    /// *Auth failed* when there are none.
    pub(super) fn find(config: &Config, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        if let (Some(key), Some(secret)) = (&config.key, &config.secret) {
            return Ok(Self {
                key: key.clone(),
                secret: secret.clone(),
                token: config.session_token.clone(),
            });
        }
        match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            (Some(key), Some(secret)) => Ok(Self { key, secret, token: variable("AWS_SESSION_TOKEN") }),
            _ => Err(Error::new(
                ErrorKind::AuthFailed,
                "the service has no credentials: set 'key' and 'secret', or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the \
                 gateway's environment",
            )
            .with_reason("no_credentials")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(config: &str, environment: &[(&str, &str)]) -> Option<(String, Option<String>)> {
        let config: Config = serde_json::from_str(config).unwrap();
        let variable = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Credentials::find(&config, variable).ok().map(|found| (found.key, found.token))
    }

    #[test]
    fn the_configuration_goes_before_the_environment() {
        let environment =
            [("AWS_ACCESS_KEY_ID", "e"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")];
        let configured = r#"{"region": "r", "key": "c", "secret": "s"}"#;
        assert_eq!(found(configured, &environment), Some(("c".to_owned(), None)));
        assert_eq!(found(r#"{"region": "r"}"#, &environment), Some(("e".to_owned(), Some("t".to_owned()))));
        assert_eq!(found(r#"{"region": "r"}"#, &environment[..1]), None);
    }
}
