//! An answer as an HTTP response.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use serde_json::json;

use crate::error::{self, ApiError};
use crate::pipeline::Answer;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PRIVATE: HeaderValue = HeaderValue::from_static("no-cache, private");

/// An answer that went well.
pub(super) fn ok(answer: Answer) -> Response<Body> {
    match answer {
        Answer::Whole { status, body } => json_response(status, Body::from(body)),
        Answer::Streamed(stream) => json_response(error::OK, Body::new(StreamBody(stream))),
    }
}

/// An error. `plain`: its message is not HTML-encoded.
pub(super) fn failed(error: &ApiError, plain: bool) -> Response<Body> {
    let body = json!({ "error": error.object(plain) }).to_string();
    let mut response = json_response(error.status, Body::from(body));
    if let Some(wait) = error.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if error.asks_for_login() {
        // A scheme that browsers do not know: no login window pops up.
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Tablegate"));
    }
    response
}

/// The head of an answer alone, with the length that its body has, where that is known.
pub(super) fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = HttpBody::size_hint(&body).exact() {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}

fn json_response(status: axum::http::StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    response
}

/// A stream of chunks as a body. An error after the first byte can only cut the body off: the status is sent already.
struct StreamBody(crate::pipeline::ChunkStream);

impl HttpBody for StreamBody {
    type Data = Bytes;
    type Error = ApiError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, ApiError>>> {
        self.0.as_mut().poll_next(context).map(|chunk| chunk.map(|chunk| chunk.map(hyper::body::Frame::data)))
    }
}
