//! The places that lend credentials: the agent of a container, and the metadata service of a machine in its second version, which asks for
//! a session of its own. Both are on the local network and answer at once or not at all.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use connector_api::author::{Error, Instant, Result};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::{Credentials, Loan, missing};
use crate::client::{full, http_client};
use crate::error::invalid;

/// The agent of a container, where only a path is told.
const CONTAINER: &str = "http://169.254.170.2";
/// Other agents that may be asked without encryption, beside loopback.
const AGENTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
const MACHINE: &str = "http://169.254.169.254";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
/// How long a session with the metadata service may be used, in seconds: for one fetch.
const SESSION_SECONDS: &str = "60";
const CONNECT_TIME: Duration = Duration::from_secs(2);
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// No answer of these places is longer.
const MAX_ANSWER: usize = 64 * 1024;

/// A place that lends credentials.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Container { address: Url, authorization: Authorization },
    Machine { address: Url },
}

/// What the agent of a container wants to see.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Authorization {
    Nothing,
    /// It may change, so it is read each time.
    File(String),
    Text(Secret),
}

/// Never shown.
#[derive(PartialEq, Eq)]
pub(super) struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// Credentials as both places give them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    expiration: String,
}

impl Origin {
    /// The place that `variable` names, else the machine; `None`: that is switched off.
    ///
    /// # Errors
    /// An address that is none, or that credentials may not come from unencrypted.
    pub(super) fn find(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        if let Some(path) = relative {
            let address = parsed("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", &format!("{CONTAINER}{path}"))?;
            return Ok(Some(Self::Container { address, authorization: Authorization::find(variable) }));
        }
        if let Some(address) = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            let address = parsed("AWS_CONTAINER_CREDENTIALS_FULL_URI", &address)?;
            return Ok(Some(Self::Container { address, authorization: Authorization::find(variable) }));
        }
        if variable("AWS_EC2_METADATA_DISABLED").is_some_and(|word| word.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
        let address = variable(ENDPOINT).unwrap_or_else(|| MACHINE.to_owned());
        let address = Url::parse(&address).map_err(|_| unfit(ENDPOINT))?;
        Ok(Some(Self::Machine { address }))
    }

    /// Fetches credentials.
    ///
    /// # Errors
    /// *Auth failed*, with the place and what is wrong there.
    pub(super) async fn fetch(&self) -> Result<Loan> {
        let http = client()?;
        let text = match self {
            Self::Container { address, authorization } => {
                let asked = http.get(address.clone());
                let asked = match authorization.read().await? {
                    Some(value) => asked.header("authorization", value),
                    None => asked,
                };
                answer(asked, "the container's agent").await?
            }
            Self::Machine { address } => of_machine(&http, address).await?,
        };
        loan(&text)
    }
}

impl Authorization {
    fn find(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(Self::File);
        let text = || variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(|text| Self::Text(Secret(text)));
        file.or_else(text).unwrap_or(Self::Nothing)
    }

    async fn read(&self) -> Result<Option<String>> {
        match self {
            Self::Nothing => Ok(None),
            Self::Text(Secret(text)) => Ok(Some(text.clone())),
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(path)).await;
                let unreadable = |error: &dyn std::fmt::Display| {
                    missing("the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE can't be read")
                        .with_detail(error)
                };
                let text = read.map_err(|error| unreadable(&error))?.map_err(|error| unreadable(&error))?;
                Ok(Some(text.trim_end().to_owned()))
            }
        }
    }
}

/// An address of a container's agent: encrypted, or one that can't be elsewhere.
fn parsed(name: &'static str, address: &str) -> Result<Url> {
    let url = Url::parse(address).map_err(|_| unfit(name))?;
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback =
        host == "localhost" || bare.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    let is_near = url.scheme() == "http" && (is_loopback || AGENTS.contains(&host));
    if url.scheme() == "https" || is_near { Ok(url) } else { Err(unfit(name)) }
}

fn unfit(name: &str) -> Error {
    invalid(format!("'{name}' takes an address with https, or one of loopback or of the container's agent"))
}

fn client() -> Result<reqwest::Client> {
    let builder = http_client().connect_timeout(CONNECT_TIME).timeout(ANSWER_TIME);
    builder.build().map_err(|error| Error::internal("the HTTP client can't be set up").with_detail(error))
}

async fn of_machine(http: &reqwest::Client, address: &Url) -> Result<String> {
    const PLACE: &str = "the machine's metadata service";
    let at = |path: &str| address.join(path).map_err(|_| missing("the address of the metadata is none"));
    let session = http
        .request(Method::PUT, at("/latest/api/token")?)
        .header("x-aws-ec2-metadata-token-ttl-seconds", SESSION_SECONDS);
    let session = answer(session, PLACE).await?;
    let ask = |path: &str| Ok::<_, Error>(http.get(at(path)?).header("x-aws-ec2-metadata-token", &session));
    let roles = answer(ask(ROLES)?, PLACE).await?;
    let role = roles.lines().next().map(str::trim).filter(|role| !role.is_empty());
    let role = role.ok_or_else(|| missing("the machine has no role"))?;
    answer(ask(&format!("{ROLES}{role}"))?, PLACE).await
}

/// The text that a place answers with.
async fn answer(request: reqwest::RequestBuilder, place: &str) -> Result<String> {
    let silent = |error: reqwest::Error| {
        missing(&format!("{place} does not answer")).with_detail(full(&error.without_url()))
    };
    let mut answer = request.send().await.map_err(silent)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(missing(&format!("{place} answers with status {}", status.as_u16())));
    }
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(silent)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_ANSWER {
            return Err(missing(&format!("{place} answers with more than {MAX_ANSWER} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| missing(&format!("the answer of {place} is no text")))
}

fn loan(text: &str) -> Result<Loan> {
    // Whatever is wrong with it, the text holds a secret.
    let unreadable = || missing("the answer of the place that lends them is not as expected");
    let given: Given = serde_json::from_str(text).map_err(|_| unreadable())?;
    let until = Instant::parse(&given.expiration).and_then(|instant| u64::try_from(instant.at.seconds).ok());
    let until = SystemTime::UNIX_EPOCH + Duration::from_secs(until.ok_or_else(unreadable)?);
    let Given { access_key_id: key, secret_access_key: secret, token, .. } = given;
    Ok(Loan { credentials: Arc::new(Credentials { key, secret, token: Some(token) }), until })
}
