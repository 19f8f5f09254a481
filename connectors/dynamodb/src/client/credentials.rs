//! Who the service is to the store: from the configuration, from the environment of the gateway, or from the place that it runs in, which
//! lends credentials for some hours. Those are kept until shortly before they run out; however many calls wait, one fetches.

mod origin;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use connector_api::author::{Error, ErrorKind, Result};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use crate::config::Config;
use origin::Origin;

/// So long before they run out credentials are fetched anew: all requests that are on their way end before.
const EARLY: Duration = Duration::from_secs(300);

/// An access key. Never shown: it has no `Debug`.
pub(crate) struct Credentials {
    pub(super) key: String,
    pub(super) secret: String,
    /// Of temporary credentials.
    pub(super) token: Option<String>,
}

/// Where credentials come from.
pub(super) enum Provider {
    Given(Arc<Credentials>),
    Lent(Lender),
}

impl Provider {
    /// In the order of the vendor's own clients: the configuration, what `variable` finds in the environment, the container, the machine.
    ///
    /// # Errors
    /// *Auth failed* when there can be none; an address of a container that is not allowed.
    pub(super) fn find(config: &Config, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        if let (Some(key), Some(secret)) = (&config.key, &config.secret) {
            let token = config.session_token.clone();
            return Ok(Self::given(Credentials { key: key.clone(), secret: secret.clone(), token }));
        }
        if let (Some(key), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
        {
            return Ok(Self::given(Credentials { key, secret, token: variable("AWS_SESSION_TOKEN") }));
        }
        match Origin::find(variable)? {
            Some(origin) => Ok(Self::Lent(Lender::new(origin))),
            None => Err(missing("instance metadata is switched off (AWS_EC2_METADATA_DISABLED)")),
        }
    }

    fn given(credentials: Credentials) -> Self {
        Self::Given(Arc::new(credentials))
    }

    /// The credentials that count now.
    ///
    /// # Errors
    /// *Auth failed*, with what is wrong at the place that lends them.
    pub(super) async fn get(&self) -> Result<Arc<Credentials>> {
        match self {
            Self::Given(credentials) => Ok(Arc::clone(credentials)),
            Self::Lent(lender) => lender.get().await,
        }
    }
}

/// The service has no credentials, for this reason.
fn missing(reason: &str) -> Error {
    let message = format!(
        "the service has no credentials: {reason}; set 'key' and 'secret', or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the \
         gateway's environment, or give its container or machine a role"
    );
    Error::new(ErrorKind::AuthFailed, message).with_reason("no_credentials")
}

/// Credentials that run out.
#[derive(Clone)]
struct Loan {
    credentials: Arc<Credentials>,
    until: SystemTime,
}

impl Loan {
    fn is_good_at(&self, time: SystemTime) -> bool {
        time < self.until
    }
}

/// A fetch that any number of calls wait for.
type Fetch = Shared<BoxFuture<'static, Result<Loan>>>;

/// Fetches credentials and keeps them.
pub(super) struct Lender {
    origin: Arc<Origin>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The latest fetch, which may be under way.
    fetch: Option<Fetch>,
    /// What came of the latest one that succeeded.
    loan: Option<Loan>,
}

impl Lender {
    fn new(origin: Origin) -> Self {
        Self { origin: Arc::new(origin), kept: Mutex::default() }
    }

    async fn get(&self) -> Result<Arc<Credentials>> {
        let fetched = self.fetch().await;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match (fetched, &kept.loan) {
            (Ok(loan), _) => Ok(Arc::clone(&kept.loan.insert(loan).credentials)),
            // It was early enough to try again later.
            (Err(_), Some(loan)) if loan.is_good_at(SystemTime::now()) => Ok(Arc::clone(&loan.credentials)),
            (Err(error), _) => Err(error),
        }
    }

    /// The fetch that counts: the latest one, while it is under way and while its credentials are good for a while.
    fn fetch(&self) -> Fetch {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let soon = SystemTime::now() + EARLY;
        let is_good = |fetched: &Result<Loan>| fetched.as_ref().is_ok_and(|loan| loan.is_good_at(soon));
        let known = kept.fetch.as_ref().filter(|fetch| fetch.peek().is_none_or(is_good));
        if let Some(known) = known {
            return known.clone();
        }
        let origin = Arc::clone(&self.origin);
        let fetch = async move { origin.fetch().await }.boxed().shared();
        kept.fetch.insert(fetch).clone()
    }
}
