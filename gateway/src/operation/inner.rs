//! Requests from inside: what an operation asks in the name of its caller goes in at the door that every request goes in at.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::error::ApiError;
use crate::pipeline::{self, Answer, Request};
use crate::snapshot::Snapshot;

/// The door of the pipeline; boxed, since who asks is itself inside.
pub(super) fn enter(
    snapshot: &Arc<Snapshot>,
    request: Request,
) -> Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send + '_>> {
    Box::pin(async move {
        let answer = pipeline::run(snapshot, request).await?;
        // What a hook says is a failure is one.
        let status = answer.status.as_u16();
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(ApiError::from_hook(status, format!("A hook has refused it with status {status}.")))
    })
}

/// The same on a task of its own, for who may be many levels deep: each level begins with an empty stack. Dropped, it ends.
pub(super) async fn enter_apart(snapshot: &Arc<Snapshot>, request: Request) -> Result<Answer, ApiError> {
    let snapshot = Arc::clone(snapshot);
    let mut task = JoinSet::new();
    task.spawn(async move { enter(&snapshot, request).await });
    task.join_next().await.and_then(Result::ok).unwrap_or_else(|| Err(ApiError::internal()))
}
