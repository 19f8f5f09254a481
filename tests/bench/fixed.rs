//! A server that answers from memory: what HTTP itself and the load generator let through. Knows no database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use bytes::Bytes;

use crate::Failure;
use crate::process::serve_router;

type Bodies = Arc<Mutex<HashMap<usize, Bytes>>>;

/// Serves `/{length}`: so many bytes, made once; and takes traces, of which it keeps nothing.
pub(crate) fn serve() -> Result<(), Failure> {
    let router = Router::new().route("/{length}", get(answer)).with_state(Bodies::default());
    serve_router(async { Ok(router.route("/v1/traces", post(async |_: Bytes| Bytes::new()))) })
}

async fn answer(State(bodies): State<Bodies>, Path(length): Path<usize>) -> Bytes {
    let mut bodies = bodies.lock().unwrap_or_else(PoisonError::into_inner);
    bodies.entry(length).or_insert_with(|| vec![b'x'; length].into()).clone()
}
