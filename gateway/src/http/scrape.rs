//! `/metrics`: who may read it, and what it says. It names services and tables, so it is not for everybody.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use axum::http::HeaderMap;

use crate::auth::{Credentials, Sources, authenticate};
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::pipeline::{Answer, AnswerBody};
use crate::request::media::{Media, Offer};
use crate::roles::{Denial, Verb};
use crate::snapshot::Snapshot;

/// The text format of Prometheus.
pub(super) static TEXT: Offer = Offer {
    name: "text",
    media: Media::Json,
    content_type: "text/plain; version=0.0.4; charset=utf-8",
    extension: "txt",
};

/// What is counted, for an administrator and for who has the token.
///
/// # Errors
/// Everybody else is told to log in.
pub(super) async fn metrics(
    metrics: &Metrics,
    current: &Arc<ArcSwap<Snapshot>>,
    headers: &HeaderMap,
) -> Result<Answer, ApiError> {
    let snapshot = current.load_full();
    if !is_let_in(&snapshot, headers).await? {
        return Err(Denial::NotAuthenticated.into());
    }
    let text = metrics.text(current).map_err(|_| ApiError::internal())?;
    Ok(Answer::new(AnswerBody::Ready(text.into())))
}

async fn is_let_in(snapshot: &Snapshot, headers: &HeaderMap) -> Result<bool, Denial> {
    let credentials = Credentials::extract(&Sources {
        verb: Verb::Get,
        target: ("", ""),
        header: &|name| headers.get(name)?.to_str().ok(),
        query: &|_| None,
        body: None,
    });
    let is_known = |token: &str| snapshot.metrics_token.as_ref().is_some_and(|secret| secret.is(token));
    if credentials.token().is_some_and(is_known) {
        return Ok(true);
    }
    Ok(authenticate(&credentials, &snapshot.auth, SystemTime::now()).await?.is_admin)
}
