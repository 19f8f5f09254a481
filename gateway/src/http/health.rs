//! `/health`: the process is up. `/ready`: it can serve, every active service is reachable. One that is busy is: sending its requests to
//! another gateway would leave that one with more of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use connector_api::{Error, ErrorKind};

use crate::error::ApiError;
use crate::pipeline::Answer;
use crate::snapshot::Snapshot;

/// The longest that one service may take to answer.
const PING_LIMIT: Duration = Duration::from_secs(2);
/// The same with the time in which it is opened. More than a ping has: its own word, that it is busy say, must come first.
const LIMIT: Duration = Duration::from_secs(3);
/// How long an answer is good for: repeated questions must not become a load on the stores.
const FRESH: Duration = Duration::from_secs(1);

/// What was found last.
#[derive(Debug, Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, Vec<String>)>>, tokio::sync::Mutex<()>);

pub(super) fn health() -> Answer {
    Answer::json(r#"{"status":"up"}"#)
}

/// The answer names services that are not ready and nothing else of them.
pub(super) async fn ready(readiness: &Readiness, snapshot: &Arc<Snapshot>) -> Result<Answer, ApiError> {
    let failing = readiness.failing(snapshot).await;
    if failing.is_empty() {
        return Ok(Answer::json(r#"{"status":"ready"}"#));
    }
    Err(ApiError::not_ready(failing.join(", ")))
}

impl Readiness {
    async fn failing(&self, snapshot: &Arc<Snapshot>) -> Vec<String> {
        let _one_at_a_time = self.1.lock().await;
        if let Some((at, failing)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && at.elapsed() < FRESH
        {
            return failing.clone();
        }
        let active = snapshot.sorted_services().into_iter().filter(|service| service.is_active()).cloned();
        let pings: Vec<_> = active
            .map(|service| {
                let snapshot = Arc::clone(snapshot);
                tokio::spawn(async move {
                    let ping = service.ping(&snapshot.registry, "ready", PING_LIMIT);
                    let is_up = tokio::time::timeout(LIMIT, ping).await.is_ok_and(is_there);
                    (!is_up).then(|| service.name().to_owned())
                })
            })
            .collect();
        let mut failing = Vec::new();
        for ping in pings {
            failing.extend(ping.await.ok().flatten());
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), failing.clone()));
        failing
    }
}

fn is_there(pinged: Result<(), Error>) -> bool {
    pinged.map_or_else(|error| error.kind == ErrorKind::Busy, |()| true)
}
