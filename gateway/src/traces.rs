//! Traces for a collector of OpenTelemetry: a span for each request and one for each of its steps, made when the request is over from what
//! was kept of it. They are sent from a thread of their own out of a bounded queue; what finds no room in it is dropped, so a collector that
//! does not answer slows no request. Attributes are names, numbers and statements with placeholders, never values.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use axum::http::{HeaderMap, Request, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanContext, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;

use crate::events;
use crate::settings;
use crate::trail::{Call, Kind, Step};

/// The longest that a collector may take to answer.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// The longest that the last spans may take when the gateway stops.
const LAST_LIMIT: Duration = Duration::from_secs(2);
/// The most that is read of a collector's answer.
const MAX_ANSWER: usize = 64 * 1024;

/// Why traces can't be sent.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The address, or what the library wants of it.
    #[error("{0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Spans are sent by the runtime of the gateway.
    #[error("there is no runtime that could send them")]
    NoRuntime(#[from] tokio::runtime::TryCurrentError),
}

/// Makes spans and sends them.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    caller: TraceContextPropagator,
}

/// A request as its span tells it.
pub struct Root<'a> {
    /// What was asked, in few words that many requests share.
    pub name: String,
    /// The span of the caller that it belongs to.
    pub parent: &'a SpanContext,
    /// When it began.
    pub began: Instant,
    /// The HTTP status of its answer.
    pub status: u16,
    /// The gateway or a database is at fault.
    pub is_failure: bool,
    /// What else is known of it, by the names that OpenTelemetry has for it.
    pub attributes: Vec<(&'static str, String)>,
}

impl Traces {
    /// Begins; `None`: no collector is configured.
    ///
    /// # Errors
    /// An address that is none; no runtime.
    pub fn start(settings: &settings::Traces) -> Result<Option<Arc<Self>>, Problem> {
        let Some(endpoint) = &settings.endpoint else { return Ok(None) };
        let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender::new()?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(address)
            .with_timeout(SEND_LIMIT)
            .build()?;
        let about = Resource::builder()
            .with_service_name("tablegate")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let sampled = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.ratio)));
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampled)
            .with_resource(about.build())
            .with_batch_exporter(exporter)
            .build();
        let tracer = provider.tracer("tablegate");
        Ok(Some(Arc::new(Self { provider, tracer, caller: TraceContextPropagator::new() })))
    }

    /// The caller's span; `None`: the caller wants no trace of the request.
    pub fn parent(&self, headers: &HeaderMap) -> Option<SpanContext> {
        let context = self.caller.extract_with_context(&Context::new(), &HeaderExtractor(headers));
        let parent = context.span().span_context().clone();
        (!parent.is_valid() || parent.is_sampled()).then_some(parent)
    }

    /// Makes the spans of a request that is over.
    pub fn record(&self, root: Root<'_>, steps: Vec<Step>) {
        let clock = Clock::now();
        let attributes = root.attributes.into_iter().map(|(name, value)| KeyValue::new(name, value));
        let status = KeyValue::new("http.response.status_code", i64::from(root.status));
        let span = self
            .tracer
            .span_builder(root.name)
            .with_kind(SpanKind::Server)
            .with_start_time(clock.time(root.began))
            .with_attributes(attributes.chain([status]));
        let mut caller = Context::new();
        // A parent that is none would count as one that wants no trace.
        if root.parent.is_valid() {
            caller = caller.with_remote_span_context(root.parent.clone());
        }
        let context = caller.with_span(span.start_with_context(&self.tracer, &caller));
        for step in steps {
            self.step(&context, &clock, step);
        }
        if root.is_failure {
            context.span().set_status(Status::error(""));
        }
        context.span().end_with_timestamp(clock.system);
    }

    fn step(&self, request: &Context, clock: &Clock, step: Step) {
        let (name, kind) = match step.kind {
            Kind::Auth => ("auth", SpanKind::Internal),
            Kind::Plan => ("plan", SpanKind::Internal),
            Kind::Wait => ("pool wait", SpanKind::Internal),
            Kind::Statement => ("statement", SpanKind::Client),
            Kind::Encode => ("encode", SpanKind::Internal),
        };
        let is_broken = step.call.as_ref().is_some_and(|call| call.is_broken);
        let mut span = self
            .tracer
            .span_builder(name)
            .with_kind(kind)
            .with_start_time(clock.time(step.began))
            .with_attributes(step.call.into_iter().flat_map(of_call))
            .start_with_context(&self.tracer, request);
        if is_broken {
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(clock.time(step.began + step.took));
    }

    /// Sends what is left.
    pub async fn stop(self: Arc<Self>) {
        let stopped = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(LAST_LIMIT));
        if !matches!(stopped.await, Ok(Ok(()))) {
            events::traces_sent(Some("the last spans were not sent"));
        }
    }
}

fn of_call(call: Call) -> Vec<KeyValue> {
    let rows = i64::try_from(call.rows).unwrap_or(i64::MAX);
    let mut attributes = vec![
        KeyValue::new("tablegate.service", call.service.into_string()),
        KeyValue::new("db.operation.name", format!("{:?}", call.operation)),
        KeyValue::new("db.response.returned_rows", rows),
    ];
    let statement = call.statement.map(|text| KeyValue::new("db.query.text", text.into_string()));
    attributes.extend(statement);
    attributes
}

/// The same moment on both clocks.
struct Clock {
    system: SystemTime,
    steady: Instant,
}

impl Clock {
    fn now() -> Self {
        Self { system: SystemTime::now(), steady: Instant::now() }
    }

    fn time(&self, moment: Instant) -> SystemTime {
        self.system - self.steady.saturating_duration_since(moment)
    }
}

/// Sends spans with the gateway's own runtime: the thread that wants them sent has none.
#[derive(Clone)]
struct Sender {
    client: Client<HttpConnector, Full<Bytes>>,
    runtime: Handle,
    is_failing: Arc<AtomicBool>,
}

impl Sender {
    fn new() -> Result<Self, tokio::runtime::TryCurrentError> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { client, runtime: Handle::try_current()?, is_failing: Arc::default() })
    }

    async fn send(self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.client.request(request.map(Full::new)).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    }

    /// Tells when sending begins to fail, and when it ends to.
    fn tell(&self, problem: Option<String>) {
        let is_failing = problem.is_some();
        if self.is_failing.swap(is_failing, Ordering::Relaxed) != is_failing {
            events::traces_sent(problem.as_deref());
        }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = self.clone().send(request);
        // The clock, too, is there in the runtime only.
        let sending = async move { tokio::time::timeout(SEND_LIMIT, sending).await };
        let sent = match self.runtime.spawn(sending).await {
            Ok(Ok(sent)) => sent,
            Ok(Err(late)) => Err(late.into()),
            Err(ended) => Err(ended.into()),
        };
        self.tell(match &sent {
            Err(error) => Some(error.to_string()),
            Ok(answer) if !answer.status().is_success() => Some(answer.status().to_string()),
            Ok(_) => None,
        });
        sent
    }
}
