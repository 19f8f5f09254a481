//! What one configuration amounts to: immutable, swapped as a whole on reload. A request works on the snapshot that it began with.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::auth;
use crate::connectors::Registry;
use crate::cursor;
use crate::hooks::Hooks;
use crate::http::{Cors, Tls};
use crate::idempotency;
use crate::request::Bounds;
use crate::services::Service;
use crate::settings;

/// One configuration, ready to serve.
pub struct Snapshot {
    /// Services by lower-case name.
    pub services: HashMap<String, Arc<Service>>,
    /// The loaded connectors.
    pub registry: Arc<Registry>,
    /// Who may call.
    pub auth: auth::State,
    /// What opens the metrics to who is no administrator; `None`: nothing does.
    pub metrics_token: Option<auth::SharedSecret>,
    /// What became of requests with a key against repetition; the same in every snapshot of the process.
    pub idempotency: Arc<idempotency::Requests>,
    /// What seals the cursors of pages.
    pub cursors: Arc<cursor::Key>,
    /// Event hooks; `None`: nobody listens.
    pub hooks: Option<Arc<dyn Hooks>>,
    /// How errors look.
    pub errors: settings::Errors,
    /// How answers look where the request does not say it.
    pub answers: Answers,
    /// The largest body of a request, the largest record of a stream, and the most that the answers inside a batch amount to, in bytes.
    pub max_body_size: u64,
    /// The largest stream of records, in bytes; `None`: any size.
    pub max_stream_size: Option<u64>,
    /// How much a request may ask.
    pub bounds: Bounds,
    /// The longest that nothing may move until the answer begins.
    pub request_timeout: Duration,
    /// What is asked of connections and heads of requests.
    pub server: Arc<settings::Server>,
    /// TLS; `None`: HTTP in the clear.
    pub tls: Option<Tls>,
    /// Which pages of other origins may call.
    pub cors: Cors,
}

/// How answers look.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The name under which lists stand.
    pub wrapper: Arc<str>,
    /// Whether they stand under it at all.
    pub always_wrap: bool,
}

impl Snapshot {
    /// The service with this name or, written in digits, this number on the wire.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Arc<Service>> {
        self.services.get(&name.to_lowercase()).or_else(|| {
            let id: i64 = name.parse().ok()?;
            self.services.values().find(|service| service.id() == id)
        })
    }

    /// All services in the order of their names.
    pub fn sorted_services(&self) -> Vec<&Arc<Service>> {
        let mut services: Vec<_> = self.services.values().collect();
        services.sort_by(|a, b| a.name().cmp(b.name()));
        services
    }
}
