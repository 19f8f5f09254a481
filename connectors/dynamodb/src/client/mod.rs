//! The store's JSON interface: signed requests over pooled connections, repeated with growing pauses while the store is busy.
//! The only room that opens connections.

mod calls;
mod credentials;
mod sign;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use connector_api::author::{Context, Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

pub(crate) use calls::{Body, Index, ItemAnswer, KeyPart, Page, TableDescription, Tables, Write};
use credentials::Provider;
use sign::{CONTENT_TYPE, Moment, Unsigned};

use crate::config::Config;
use crate::error::{Exception, invalid};

/// The interface by its name, and the version of it, as requests name them.
const INTERFACE: &str = "DynamoDB";
const VERSION: &str = "20120810";
/// A connection that can't be made in this time is given up.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a call may take that has no deadline of its own.
const LONGEST_CALL: Duration = Duration::from_secs(300);
/// The first pause is at most so long; each next one twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// So often a read whose connection broke is sent again.
const BROKEN_ATTEMPTS: u32 = 2;

/// What a request came to that did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The store refused it; nothing was done.
    Refused(Exception),
    /// Its connection broke, which one that was kept for later does when the store has closed it meanwhile.
    Broken(Error),
    /// It did not get there, or its answer did not come back.
    Lost(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(exception) => exception.into(),
            Failure::Broken(error) | Failure::Lost(error) => error,
        }
    }
}

/// The time until which a call may go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn of(context: &Context) -> Self {
        Self::after(context.deadline_ms.map_or(LONGEST_CALL, Duration::from_millis))
    }

    pub(crate) fn after(time: Duration) -> Self {
        Self(Instant::now() + time.min(LONGEST_CALL))
    }

    /// Waits before another attempt, each time longer and never as long as others do. `false`: there is no time for it.
    pub(crate) async fn pause(self, attempt: u32) -> bool {
        let longest = FIRST_PAUSE.saturating_mul(1 << attempt.min(10)).min(LONGEST_PAUSE);
        let pause = longest.mul_f64(random());
        if Instant::now() + pause >= self.0 {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// From 0 to 1. Hashers are seeded at random, which is random enough for pauses.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(bits & 0xffff_ffff).unwrap_or_default()) / f64::from(u32::MAX)
}

/// A pool of connections to one region's store.
pub(crate) struct Client {
    http: reqwest::Client,
    endpoint: reqwest::Url,
    host: String,
    region: String,
    credentials: Provider,
}

impl Client {
    /// Prepares connections; none is made yet.
    ///
    /// # Errors
    /// An address that is none, or missing credentials.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let region = config.region.clone();
        let address = config.endpoint.clone().unwrap_or_else(|| default_endpoint(&region));
        let wrong =
            |key: &str| invalid(format!("'{key}' takes an address such as \"http://127.0.0.1:8000\""));
        let endpoint = reqwest::Url::parse(&address).map_err(|_| wrong("endpoint"))?;
        let host = match (endpoint.host_str(), endpoint.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err(wrong("endpoint")),
        };
        if !matches!(endpoint.scheme(), "http" | "https")
            || endpoint.path() != "/"
            || endpoint.query().is_some()
        {
            return Err(wrong("endpoint"));
        }
        let mut builder = http_client().connect_timeout(CONNECT_TIME);
        if let Some(proxy) = &config.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(|_| wrong("proxy"))?);
        }
        let http = builder
            .build()
            .map_err(|error| Error::internal("the HTTP client can't be set up").with_detail(error))?;
        let credentials = Provider::find(config, &|name| std::env::var(name).ok())?;
        Ok(Self { http, endpoint, host, region, credentials })
    }

    /// A read, or another request that may be sent twice. Repeated while the store is busy and there is time, and a few times where its connection
    /// broke.
    ///
    /// # Errors
    /// What the store says, or that it is not there.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
        deadline: Deadline,
    ) -> Result<T> {
        Ok(self.send(operation, body, deadline, Kind::Read).await?)
    }

    /// A write: sent once more only if the store says that it did nothing.
    ///
    /// # Errors
    /// What the store says; *unknown outcome* when it says nothing.
    pub(crate) async fn write<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
        deadline: Deadline,
    ) -> std::result::Result<T, Failure> {
        self.send(operation, body, deadline, Kind::Write).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
        deadline: Deadline,
        kind: Kind,
    ) -> std::result::Result<T, Failure> {
        let body = serde_json::to_vec(body).map_err(|error| kind.unreadable("the request", &error))?;
        let mut attempt = 0;
        loop {
            let failure = match self.send_once(operation, &body, kind).await {
                Ok(answer) => {
                    return serde_json::from_slice(&answer)
                        .map_err(|error| kind.unreadable("the answer", &error));
                }
                Err(failure) => failure,
            };
            if !kind.may_repeat(&failure, attempt) || !deadline.pause(attempt).await {
                return Err(failure);
            }
            attempt += 1;
        }
    }

    async fn send_once(
        &self,
        operation: &str,
        body: &[u8],
        kind: Kind,
    ) -> std::result::Result<Vec<u8>, Failure> {
        let target = format!("{INTERFACE}_{VERSION}.{operation}");
        let credentials = self.credentials.get().await.map_err(Failure::Lost)?;
        let unsigned =
            Unsigned { host: &self.host, region: &self.region, target: &target, body, at: Moment::now() };
        let mut request = self.http.post(self.endpoint.clone()).header("content-type", CONTENT_TYPE);
        for (name, value) in sign::headers(&unsigned, &credentials) {
            request = request.header(name, value);
        }
        let answer = request.body(body.to_vec()).send().await.map_err(|error| kind.lost(&error))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| kind.lost(&error))?;
        if status.is_success() {
            return Ok(bytes.into());
        }
        match serde_json::from_slice::<Exception>(&bytes) {
            // A write that the store failed at may have happened.
            Ok(exception)
                if status.is_server_error() && kind == Kind::Write && !exception.is_throttling() =>
            {
                Err(Failure::Lost(unknown_outcome(Error::from(exception).detail)))
            }
            Ok(exception) => Err(Failure::Refused(exception)),
            Err(error) => Err(kind.unreadable(&format!("an answer with status {status}"), &error)),
        }
    }
}

/// An HTTP client that goes where it is sent, and nowhere else.
fn http_client() -> reqwest::ClientBuilder {
    // Another service of this library may have installed it before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none())
}

fn default_endpoint(region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://dynamodb.{region}.{domain}")
}

fn unknown_outcome(detail: Option<Box<str>>) -> Error {
    let message = "the write was sent and no answer came: it may have happened or not";
    Error::new(ErrorKind::UnknownOutcome, message).with_detail(detail.unwrap_or_default())
}

/// Whether it does harm to send a request twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
}

impl Kind {
    fn may_repeat(self, failure: &Failure, attempt: u32) -> bool {
        match failure {
            Failure::Refused(exception) => {
                exception.is_throttling() || (self == Self::Read && exception.is_failure())
            }
            Failure::Broken(_) => self == Self::Read && attempt < BROKEN_ATTEMPTS,
            Failure::Lost(_) => false,
        }
    }

    fn lost(self, error: &reqwest::Error) -> Failure {
        let unavailable = |message| Error::new(ErrorKind::Unavailable, message).with_detail(full(error));
        if error.is_connect() || error.is_builder() {
            Failure::Lost(unavailable("the store can't be reached"))
        } else if self == Self::Write {
            Failure::Lost(unknown_outcome(Some(full(error).into())))
        } else {
            Failure::Broken(unavailable("the connection to the store broke"))
        }
    }

    /// What can't be read says nothing about a write.
    fn unreadable(self, what: &str, error: &serde_json::Error) -> Failure {
        let detail = format!("{what} is not as expected: {error}");
        Failure::Lost(if self == Self::Write {
            unknown_outcome(Some(detail.into()))
        } else {
            Error::internal("the store's answer can't be read").with_detail(detail)
        })
    }
}

/// An error with its causes: the outermost alone says little.
fn full(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
