//! A request as it is seen from outside, from its head to the last byte of its answer: what is counted, logged and traced of it. Decides
//! nothing of what is answered.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::http::header::{HeaderName, USER_AGENT};
use axum::http::{HeaderValue, Method, Request, Response};
use bytes::Buf;
use hyper::body::{Frame, SizeHint};
use opentelemetry::trace::SpanContext;
use prometheus_client::metrics::counter::Counter;

use super::address::logged;
use super::client::Client;
use super::input::Head;
use crate::events;
use crate::metrics::{Asked, Metrics, Running};
use crate::snapshot::Snapshot;
use crate::traces::{Root, Traces};
use crate::trail::Trail;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// The most characters that are logged of what a client says of itself.
const MAX_SAID: usize = 200;
/// Under this number a request is counted whose client went away before there was an answer. Nobody is sent it.
const CLIENT_GONE: u16 = 499;
/// The service that is the gateway itself.
static SYSTEM: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("system"));

/// Who watches; the same for all requests of the process.
#[derive(Clone)]
pub struct Watchers {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where traces go.
    pub traces: Option<Arc<Traces>>,
}

/// A request that is seen. Dropped, it is over: that is when it is logged and traced.
pub(super) struct Seen {
    watchers: Watchers,
    trail: Arc<Trail>,
    method: &'static str,
    path: String,
    began: Instant,
    client: Option<IpAddr>,
    /// Empty where nobody wants to know.
    user_agent: String,
    /// The caller's span, where the request is traced.
    parent: Option<SpanContext>,
    target: OnceLock<Target>,
    /// The caller wants to know the times, and may.
    shows_times: AtomicBool,
    answered: OnceLock<Answered>,
    bytes: AtomicU64,
    is_whole: AtomicBool,
    _running: Running,
}

/// What a request is about.
struct Target {
    service: Option<Arc<str>>,
    verb: &'static str,
    is_table: bool,
}

/// What became of it.
struct Answered {
    status: u16,
    is_failure: bool,
    sent: Counter,
}

impl Seen {
    /// Begins.
    pub(super) fn of(request: &Request<Body>, trail: &Arc<Trail>, watchers: &Watchers) -> Arc<Self> {
        let headers = request.headers();
        let parent = watchers.traces.as_ref().and_then(|traces| traces.parent(headers));
        if parent.is_some() {
            trail.watch();
        }
        let user_agent = headers.get(USER_AGENT).filter(|_| events::logs_access());
        Arc::new(Self {
            watchers: watchers.clone(),
            trail: Arc::clone(trail),
            method: known(request.method()),
            path: request.uri().path().to_owned(),
            began: Instant::now(),
            client: request.extensions().get::<Client>().map(|client| client.0),
            user_agent: user_agent.map(harmless).unwrap_or_default(),
            parent,
            target: OnceLock::new(),
            shows_times: AtomicBool::new(false),
            answered: OnceLock::new(),
            bytes: AtomicU64::new(0),
            is_whole: AtomicBool::new(false),
            _running: watchers.metrics.begins(),
        })
    }

    /// It is about this. Only what the configuration knows is a service.
    pub(super) fn is_about(&self, head: &Head, snapshot: &Snapshot) {
        self.target.get_or_init(|| {
            let name = head.address.service.as_deref().unwrap_or_default();
            let service = match snapshot.services.get(name) {
                Some(service) => Some(Arc::clone(service.label())),
                None => (name == "system").then(|| Arc::clone(&SYSTEM)),
            };
            let resource = head.address.resource.as_slice();
            let is_table = matches!(resource, [room, _, ..] if room == "_table" || room == "_schema");
            Target { service, verb: head.verb.word(), is_table }
        });
    }

    /// The caller wants to know the times, and may.
    pub(super) fn show_times(&self) {
        self.shows_times.store(true, Ordering::Relaxed);
    }

    /// The answer is about to go out.
    pub(super) fn answered(self: Arc<Self>, response: &mut Response<Body>) {
        let (status, took) = (response.status().as_u16(), self.began.elapsed());
        self.trail.planned();
        let (id, method) = (&self.trail, self.method);
        events::answered(id, method, || logged(&self.path), status, took);
        let sent = self.count(status, took);
        let is_failure = response.status().is_server_error();
        self.answered.get_or_init(|| Answered { status, is_failure, sent });
        if self.shows_times.load(Ordering::Relaxed)
            && let Ok(times) = HeaderValue::try_from(self.times(took))
        {
            response.headers_mut().insert(SERVER_TIMING, times);
        }
        response.extensions_mut().insert(self);
    }

    fn count(&self, status: u16, took: Duration) -> Counter {
        let target = self.target.get();
        let table = target.filter(|target| target.is_table).and_then(|_| self.trail.table());
        let service = target.and_then(|target| target.service.as_ref());
        let verb = target.map_or("", |target| target.verb);
        self.watchers.metrics.answered(&Asked::new(service, table, verb, status), took)
    }

    /// The value of `Server-Timing`: what is known when the head of the answer goes out.
    fn times(&self, took: Duration) -> String {
        let times = self.trail.times();
        let times = times.iter().map(|(kind, time)| timing(kind.word(), *time));
        times.chain([timing("total", took)]).collect::<Vec<_>>().join(", ")
    }

    fn log(&self, status: u16) {
        let client = self.client.map(|client| client.to_string()).unwrap_or_default();
        let visit = events::Visit {
            client: &client,
            method: self.method,
            path: &logged(&self.path),
            status,
            bytes: self.bytes.load(Ordering::Relaxed),
            is_whole: self.is_whole.load(Ordering::Relaxed),
            took: self.began.elapsed(),
            user_agent: &self.user_agent,
        };
        events::visit(&self.trail, &visit);
    }

    fn trace(&self, traces: &Traces, parent: &SpanContext, status: u16) {
        let target = self.target.get();
        let service = target.and_then(|target| target.service.as_deref()).unwrap_or_default();
        let verb = target.map_or("", |target| target.verb);
        let table = target.filter(|target| target.is_table).and_then(|_| self.trail.table());
        let table = table.map(|table| &**table).unwrap_or_default();
        let attributes = vec![
            ("http.request.method", self.method.to_owned()),
            ("url.path", logged(&self.path).into_owned()),
            ("tablegate.request_id", self.trail.to_string()),
            ("tablegate.service", service.to_owned()),
            ("tablegate.table", table.to_owned()),
        ];
        // Of what is no request it is not known which verb is meant.
        let verb = if verb.is_empty() { self.method } else { verb };
        let name = [verb, service, table].into_iter().filter(|word| !word.is_empty());
        let name = name.collect::<Vec<_>>().join(" ");
        let is_failure = self.answered.get().is_some_and(|answered| answered.is_failure);
        let root = Root { name, parent, began: self.began, status, is_failure, attributes };
        traces.record(root, self.trail.take());
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        let status = self.answered.get().map(|answered| answered.status);
        let status = status.unwrap_or_else(|| {
            // The client went away before there was an answer.
            self.count(CLIENT_GONE, self.began.elapsed());
            CLIENT_GONE
        });
        if events::logs_access() {
            self.log(status);
        }
        if let (Some(traces), Some(parent)) = (&self.watchers.traces, &self.parent) {
            self.trace(traces, parent, status);
        }
    }
}

fn timing(name: &str, time: Duration) -> String {
    format!("{name};dur={:.3}", time.as_secs_f64() * 1000.0)
}

/// The name of a method of HTTP. Whoever asks with another one names it as he likes, so it gets the name that OpenTelemetry has for it.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}

/// What a client says of itself in a header, as it may stand in a log.
pub(super) fn harmless(said: &HeaderValue) -> String {
    let said = String::from_utf8_lossy(said.as_bytes());
    said.chars().filter(|character| !character.is_control()).take(MAX_SAID).collect()
}

/// The body of an answer whose bytes are counted. Dropped, the request is over.
pub struct Watched<B> {
    body: B,
    seen: Option<Arc<Seen>>,
}

/// Counts the bytes of an answer, where its request is seen.
pub(super) fn watched<B: HttpBody>(mut response: Response<B>) -> Response<Watched<B>> {
    let seen = response.extensions_mut().remove::<Arc<Seen>>();
    response.map(|body| {
        if let Some(seen) = seen.as_ref().filter(|_| body.is_end_stream()) {
            seen.is_whole.store(true, Ordering::Relaxed);
        }
        Watched { body, seen }
    })
}

impl<B: HttpBody + Unpin> HttpBody for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(seen) = &self.seen {
            let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
            let bytes = data.map_or(0, |data| u64::try_from(data.remaining()).unwrap_or(u64::MAX));
            seen.bytes.fetch_add(bytes, Ordering::Relaxed);
            if let Some(answered) = seen.answered.get() {
                answered.sent.inc_by(bytes);
            }
            if frame.is_none() || self.body.is_end_stream() {
                seen.is_whole.store(true, Ordering::Relaxed);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_says_of_itself_is_short_and_one_line() {
        let check = |name: &[u8], expected: &str| {
            assert_eq!(harmless(&HeaderValue::from_bytes(name).unwrap()), expected);
        };
        check(b"curl/8.0", "curl/8.0");
        check(b"a\tb\xff", "ab\u{fffd}");
        check("x".repeat(1000).as_bytes(), &"x".repeat(MAX_SAID));
    }

    #[test]
    fn times_are_in_milliseconds() {
        assert_eq!(timing("db", Duration::from_micros(1234)), "db;dur=1.234");
    }
}
