//! An answer as an HTTP response.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderName, REFERRER_POLICY, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use hyper::body::Frame;
use serde_json::json;
use tokio::time::{Sleep, sleep, sleep_until};

use super::delivery::Delivery;
use super::progress::Lifetime;
use crate::error::{ApiError, NOT_MODIFIED};
use crate::events;
use crate::pipeline::{Answer, AnswerBody, ChunkStream};
use crate::request::Tag;
use crate::request::media::{Media, Offer};
use crate::response::{Layout, convert};
use crate::trail::Trail;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// How errors look that come when an answer has begun, under which id they are logged, and when there is one in any case.
pub(super) struct Failing {
    /// Messages are not HTML-encoded.
    pub(super) plain: bool,
    pub(super) id: Arc<Trail>,
    /// When they have to be sent.
    pub(super) lifetime: Option<Lifetime>,
}

/// An answer that went well.
///
/// # Errors
/// When it can't be converted, which is a mistake of whoever made it.
pub(super) fn ok(answer: Answer, delivery: &Delivery, failing: Failing) -> Result<Response<Body>, ApiError> {
    let layout = &delivery.layout;
    let tag = answer.version.map(|version| version.tag(layout.media));
    if let Some(held) = tag.as_ref().and_then(|tag| delivery.held.as_ref()?.held(tag)) {
        return Ok(not_modified(&held));
    }
    let body = match answer.body {
        AnswerBody::Json(json) if !layout.is_plain() => {
            Body::from(convert(&json, layout).map_err(|_| ApiError::internal())?)
        }
        AnswerBody::Json(bytes) | AnswerBody::Ready(bytes) => Body::from(bytes),
        AnswerBody::Streamed(chunks) => Body::new(StreamBody::new(chunks, layout.media, failing)),
    };
    let mut response = respond(answer.status, delivery.offer, body);
    if delivery.is_secret {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(total) = answer.total {
        response.headers_mut().insert(TOTAL, HeaderValue::from(total));
    }
    if answer.is_replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    if let Some(tag) = tag {
        insert_tag(&mut response, &tag.to_string());
    }
    if let Some(attachment) = delivery.attachment.clone().filter(|_| answer.status.is_success()) {
        response.headers_mut().insert(CONTENT_DISPOSITION, attachment);
    }
    Ok(response)
}

/// The caller has the answer with this tag already.
fn not_modified(held: &Tag) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = NOT_MODIFIED;
    insert_common(response.headers_mut());
    insert_tag(&mut response, &held.to_string());
    response
}

fn insert_tag<B>(response: &mut Response<B>, tag: &str) {
    if let Ok(value) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, value);
    }
}

/// Gives a compressed answer the tag of its own bytes.
pub(super) fn mark_compressed<B>(mut response: Response<B>) -> Response<B> {
    let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
    let is_compressed = response.headers().contains_key(CONTENT_ENCODING);
    if let Some(tag) = tag.filter(|_| is_compressed).and_then(Tag::compressed) {
        insert_tag(&mut response, &tag);
    }
    response
}

/// An error, in the wanted form where that has a place for it, else in JSON.
pub(super) fn failed(error: &ApiError, delivery: &Delivery, plain: bool) -> Response<Body> {
    let media = delivery.layout.media;
    // XML has an escape of its own; encoded twice, a message would be shown with its entities.
    let json = json!({ "error": error.object(plain || media == Media::Xml) }).to_string();
    let (offer, body) = match media {
        Media::Json => (delivery.offer, Body::from(json)),
        Media::Csv => (Offer::json(), Body::from(json)),
        Media::Ndjson | Media::Xml => {
            let layout = Layout { media, ..Layout::default() };
            // What was just written is JSON.
            (delivery.offer, Body::from(convert(json.as_bytes(), &layout).unwrap_or_default()))
        }
    };
    let mut response = respond(error.status, offer, body);
    if let Some(wait) = error.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if error.is_replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
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

/// What every answer with a body tells browsers, were it opened in one: it is what its type says, it is no page with anything of its own,
/// nothing may show it in a frame, and no address goes from it to others.
pub(super) const FOR_BROWSERS: [(HeaderName, &str); 3] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
];

/// So many headers most answers have at the end: room that is made once.
const USUAL_HEADERS: usize = 12;

fn respond(status: StatusCode, offer: &Offer, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(USUAL_HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(offer.content_type));
    insert_common(headers);
    for (name, value) in FOR_BROWSERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What decides how long and for whom an answer is good.
fn insert_common(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
}

/// How long a body that is cut off waits before its end, so that those who write to the socket send what they hold. Right after bytes
/// they would throw them away: neither the compression nor the connection sends anything while more comes.
const LINGER: Duration = Duration::from_millis(50);

/// A stream of chunks as a body. The status is sent already when an error comes, so it can only cut the body off: the client sees that the
/// end is missing. NDJSON has a place to say why: one more line.
struct StreamBody {
    chunks: ChunkStream,
    media: Media,
    failing: Failing,
    /// Runs as long as the answer may last.
    end: Option<Pin<Box<Sleep>>>,
    cut: Option<Cut>,
}

/// A body that is being cut off.
struct Cut {
    line: Option<Bytes>,
    pause: Pin<Box<Sleep>>,
    error: ApiError,
}

impl StreamBody {
    fn new(chunks: ChunkStream, media: Media, failing: Failing) -> Self {
        let end = failing.lifetime.map(|lifetime| Box::pin(sleep_until(lifetime.end)));
        Self { chunks, media, failing, end, cut: None }
    }

    /// The error of an answer that lasts too long.
    fn overdue(&mut self, context: &mut Context<'_>) -> Option<ApiError> {
        let is_over = self.end.as_mut()?.as_mut().poll(context).is_ready();
        self.failing.lifetime.filter(|_| is_over).map(|lifetime| lifetime.over())
    }

    fn cut(&self, error: ApiError) -> Cut {
        events::cut_off(&self.failing.id, &error);
        let line = || json!({ "error": error.object(self.failing.plain) }).to_string() + "\n";
        let line = (self.media == Media::Ndjson).then(|| line().into());
        Cut { line, pause: Box::pin(sleep(LINGER)), error }
    }
}

impl HttpBody for StreamBody {
    type Data = Bytes;
    type Error = ApiError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ApiError>>> {
        if self.cut.is_none() {
            let next = match self.overdue(context) {
                Some(error) => Some(Err(error)),
                None => ready!(self.chunks.as_mut().poll_next(context)),
            };
            match next {
                Some(Err(error)) => self.cut = Some(self.cut(error)),
                chunk => return Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data))),
            }
        }
        let Some(cut) = &mut self.cut else { return Poll::Ready(None) };
        if let Some(line) = cut.line.take() {
            return Poll::Ready(Some(Ok(Frame::data(line))));
        }
        ready!(cut.pause.as_mut().poll(context));
        Poll::Ready(Some(Err(cut.error.clone())))
    }
}
