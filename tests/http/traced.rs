//! Traces as a collector gets them: spans of a request and of its steps, the caller's trace, nothing secret; and what happens when the
//! collector is not there.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::client::{RUNTIME, get};
use crate::gateway::{Setup, eventually};
use crate::shop::{READER, reading, setup};

/// What stands in requests and must stand nowhere else.
const NEEDLE: &str = "needle-51d0";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

impl Collector {
    /// Starts; gives its address.
    fn start(&self) -> String {
        let kept = self.clone();
        let take = move |body: Bytes| async move {
            kept.0.lock().unwrap().push(ExportTraceServiceRequest::decode(body).unwrap());
        };
        RUNTIME.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move {
                axum::serve(listener, Router::new().route("/v1/traces", post(take))).await.unwrap();
            });
            format!("http://{address}")
        })
    }

    fn spans(&self) -> Vec<Span> {
        let kept = self.0.lock().unwrap();
        let resources = kept.iter().flat_map(|sent| &sent.resource_spans);
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
    }
}

fn traced(endpoint: &str, more: &str) -> Setup {
    setup(&format!("[traces]\nendpoint = {endpoint:?}\n{more}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, name: &str) -> Option<Value> {
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    found.value.clone()?.value
}

fn text(text: &str) -> Option<Value> {
    Some(Value::StringValue(text.to_owned()))
}

#[test]
fn a_request_is_a_span_with_its_steps_below_it() {
    let collector = Collector::default();
    let gateway = traced(&collector.start(), "").start();
    let asked = reading(&format!("shop/_table/customers?fields=id,name&filter=name!={NEEDLE}"));
    gateway
        .send(asked.header("traceparent", format!("00-{TRACE}-{PARENT}-01")).header("X-Request-Id", "mine"));
    gateway.send(get(&format!("/api/v2/shop/_table/{NEEDLE}")));
    gateway.send(get("/nowhere"));
    // The last spans are sent before the end.
    gateway.signal("TERM");
    assert_eq!(gateway.wait().code(), Some(0));
    let spans = collector.spans();
    let root = spans.iter().find(|span| span.name == "GET Shop customers").unwrap();
    assert_eq!((hex(&root.trace_id), hex(&root.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
    assert_eq!(attribute(root, "url.path"), text("/api/v2/shop/_table/customers"));
    assert_eq!(attribute(root, "tablegate.request_id"), text("mine"));
    assert_eq!(attribute(root, "http.response.status_code"), Some(Value::IntValue(200)));
    let steps: Vec<&Span> = spans.iter().filter(|span| span.parent_span_id == root.span_id).collect();
    for name in ["auth", "plan", "pool wait", "statement", "encode"] {
        assert!(steps.iter().any(|step| step.name == name), "{name} in {steps:#?}");
    }
    assert!(steps.iter().all(|step| step.trace_id == root.trace_id));
    let is_inside = |step: &&&Span| {
        step.start_time_unix_nano >= root.start_time_unix_nano
            && step.end_time_unix_nano <= root.end_time_unix_nano
    };
    assert_eq!(steps.iter().filter(is_inside).count(), steps.len(), "{steps:#?}");
    let query = steps.iter().find(|step| attribute(step, "db.operation.name") == text("Query")).unwrap();
    let Some(Value::StringValue(statement)) = attribute(query, "db.query.text") else { panic!("{query:?}") };
    assert!(statement.starts_with("SELECT") && statement.contains('?'), "{statement}");
    assert_eq!(attribute(query, "tablegate.service"), text("Shop"));
    let refused = spans.iter().find(|span| span.name == "GET Shop").unwrap();
    assert_eq!(attribute(refused, "http.response.status_code"), Some(Value::IntValue(400)));
    assert!(spans.iter().any(|span| span.name == "GET"), "{spans:#?}");
    let everything = format!("{spans:?}").replace(&format!("/_table/{NEEDLE}"), "");
    assert!(!everything.contains(NEEDLE) && !everything.contains(READER), "{everything}");
}

#[test]
fn a_caller_who_wants_no_trace_gets_none() {
    let collector = Collector::default();
    let gateway = traced(&collector.start(), "").start();
    let asked = |flags: &str| {
        reading("shop/_table/orders").header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}"))
    };
    gateway.send(asked("00"));
    gateway.send(asked("01"));
    gateway.send(reading("shop/_table/orders").header("traceparent", "nonsense"));
    gateway.signal("TERM");
    assert_eq!(gateway.wait().code(), Some(0));
    let roots = collector.spans().into_iter().filter(|span| span.name == "GET Shop orders");
    let traces: Vec<bool> = roots.map(|root| hex(&root.trace_id) == TRACE).collect();
    assert!(traces.len() == 2 && traces.contains(&true) && traces.contains(&false), "{traces:?}");
}

#[test]
fn of_those_whose_callers_trace_nothing_a_part_is_traced() {
    let collector = Collector::default();
    let gateway = traced(&collector.start(), "ratio = 0.0\n").start();
    gateway.send(reading("shop/_table/orders"));
    gateway.send(reading("shop/_table/orders").header("traceparent", format!("00-{TRACE}-{PARENT}-01")));
    gateway.signal("TERM");
    assert_eq!(gateway.wait().code(), Some(0));
    let spans = collector.spans();
    assert!(!spans.is_empty() && spans.iter().all(|span| hex(&span.trace_id) == TRACE), "{spans:#?}");
}

#[test]
fn a_collector_that_is_away_is_told_once_and_stops_nothing() {
    // A port that was free a moment ago: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = traced(&format!("http://{free}"), "").start();
    for _ in 0..100 {
        assert_eq!(gateway.send(reading("shop/_table/orders")).status, 200);
    }
    gateway.log.find("traces do not reach their collector").unwrap();
    assert_eq!(gateway.send(reading("shop/_table/orders")).status, 200);
    let told = || gateway.log.text().matches("traces do not reach their collector").count();
    assert_eq!(told(), 1);
    gateway.signal("TERM");
    eventually("the gateway ends", || gateway.wait().code() == Some(0));
}

#[test]
fn an_address_that_is_none_is_refused_at_the_start() {
    for endpoint in
        ["127.0.0.1:4318", "https://collector.example", "http://collector.example/v1/traces", "http://"]
    {
        let output = traced(endpoint, "").run(&["check"]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains("must be an address like"), "{endpoint}: {told}");
    }
}
