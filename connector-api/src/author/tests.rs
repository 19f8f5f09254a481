//! The kit, driven through its root module as the gateway drives it.

use std::pin::{Pin, pin};
use std::sync::Mutex;

use serde_json::json;

use super::export::{Exported, Kit, module};
use super::*;
use crate::abi::{Buffer, Call as AbiCall, Slice, Step};
use crate::model::batch::{Frame, FrameReader};
use crate::model::{Error, ErrorKind, Result};

/// Answers `numbers` with as many rows as its configuration says.
struct Numbers {
    rows: u64,
    seen: Mutex<Vec<Value>>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// How many rows there are.
    rows: u64,
}

static KIT: Kit<Numbers> = Kit::new(true);

impl Exported for Numbers {
    fn kit() -> &'static Kit<Self> {
        &KIT
    }
}

fn declared() -> Capabilities {
    Capabilities {
        query: true,
        delete_by_key: true,
        max_parameters: Some(4),
        max_filter_depth: Some(2),
        max_records: Some(1),
        ..Capabilities::default()
    }
}

impl Connector for Numbers {
    type Config = Config;

    fn describe() -> Descriptor {
        let service_type = ServiceType::new("numbers", "Numbers").capabilities(declared());
        Descriptor::new("numbers", "1.2.3", vec![service_type])
    }

    async fn open(open: Open<Config>) -> Result<Self> {
        Ok(Self { rows: open.config.rows, seen: Mutex::new(Vec::new()) })
    }

    fn capabilities(&self, declared: &Capabilities) -> Capabilities {
        Capabilities { insert: true, ..declared.clone() }
    }

    async fn list_tables(&self) -> Result<Vec<TableName>> {
        Ok(vec![TableName { table: TableRef::new("numbers"), kind: TableKind::Table }])
    }

    async fn query(&self, request: Request<Query>, out: &mut RowSink) -> Result<()> {
        if request.from.name == "panic" {
            panic!("as asked");
        }
        self.seen.lock().unwrap().extend_from_slice(request.params());
        out.columns(["n", "text"]);
        for n in 0..self.rows {
            out.i64(i64::try_from(n).unwrap());
            out.text("a text of some length, so that batches fill");
            if request.from.name == "short_row" {
                out.null();
            }
            out.end_row().await?;
        }
        Ok(())
    }
}

fn open(rows: u64, allow_inline: bool) -> u64 {
    let request = json!({"service_type": "numbers", "service": "n", "config": {"rows": rows}, "allow_inline": allow_inline});
    let items = all(start_open(&request)).unwrap();
    serde_json::from_slice::<Opened>(items[0].as_ref()).unwrap().service
}

fn start_open(request: &serde_json::Value) -> AbiCall {
    (module::<Numbers>().open)(Slice::new(request.to_string().as_bytes()))
}

fn start(service: u64, operation: u32, head: &str, body: &[u8]) -> AbiCall {
    (module::<Numbers>().call)(
        service,
        operation,
        Slice::new(head.as_bytes()),
        Slice::new(b"{}"),
        Slice::new(body),
    )
}

/// A body with one parameter: the limit.
fn limit_body(limit: i64) -> Vec<u8> {
    body(&[Value::I64(limit)], 0)
}

/// A body with these parameters and so many records of one null.
fn body(values: &[Value], records: u32) -> Vec<u8> {
    let mut cells = Vec::new();
    values.iter().for_each(|value| cells.value(value));
    let mut frames = batch::FrameWriter::default();
    frames.parameters(u32::try_from(values.len()).unwrap(), &cells);
    if records > 0 {
        let open = frames.begin_rows(0);
        (0..records).for_each(|_| frames.buffer().null());
        frames.end_rows(open, records);
    }
    frames.into_bytes()
}

/// Polls to the end on a runtime that is not the connector's.
fn all(call: AbiCall) -> std::result::Result<Vec<Buffer>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut call = pin!(call);
    let mut items = Vec::new();
    loop {
        match runtime.block_on(std::future::poll_fn(|context| Pin::as_mut(&mut call).poll_step(context))) {
            Step::Item(item) => items.push(item),
            Step::End => return Ok(items),
            Step::Failed(error) => return Err(serde_json::from_slice(error.as_ref()).unwrap()),
        }
    }
}

fn query(service: u64, head: &serde_json::Value, limit: i64) -> std::result::Result<Vec<Buffer>, Error> {
    all(start(service, Operation::Query.number(), &head.to_string(), &limit_body(limit)))
}

fn shape(table: &str) -> serde_json::Value {
    json!({"from": {"name": table}, "select": [["n"]], "limit": 0})
}

/// Rows and whether the end was there.
fn count(items: &[Buffer]) -> (u32, bool) {
    let (mut rows, mut is_done) = (0, false);
    for item in items {
        let mut frames = FrameReader::new(item.as_ref());
        while let Some(frame) = frames.next_frame().unwrap() {
            match frame {
                Frame::Rows(frame) => rows += frame.count,
                Frame::Done(_) => is_done = true,
                _ => {}
            }
        }
    }
    (rows, is_done)
}

#[test]
fn rows_come_in_batches_and_end_with_done_spawned_and_inline() {
    for allow_inline in [false, true] {
        let service = open(5000, allow_inline);
        let items = query(service, &shape("numbers"), 100_000).unwrap();
        assert_eq!(count(&items), (5000, true));
        assert!(items.len() > 5, "{} messages", items.len());
    }
}

#[test]
fn the_limit_ends_the_answer_though_the_connector_does_not_count() {
    let service = open(u64::MAX / 2, false);
    assert_eq!(count(&query(service, &shape("numbers"), 7).unwrap()), (7, true));
}

#[test]
fn a_dropped_call_ends_an_endless_connector() {
    let service = open(u64::MAX / 2, true);
    let head = shape("numbers").to_string();
    let mut call = Box::pin(start(service, Operation::Query.number(), &head, &limit_body(i64::MAX)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let step = runtime.block_on(std::future::poll_fn(|context| call.as_mut().poll_step(context)));
    assert!(matches!(step, Step::Item(_)));
    drop(call);
}

#[test]
fn a_panic_becomes_an_error_spawned_and_inline() {
    for allow_inline in [false, true] {
        let error = query(open(1, allow_inline), &shape("panic"), 1).unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Internal, Some("panic")));
    }
}

#[test]
fn a_row_with_too_many_cells_is_an_error() {
    let error = query(open(1, false), &shape("short_row"), 1).unwrap_err();
    assert_eq!(error.message, "the connector sent a malformed row");
}

#[test]
fn a_shape_from_the_future_is_refused_and_a_hint_is_not() {
    let service = open(1, false);
    let from_the_future = [
        json!({"from": {"name": "numbers"}, "select": [["n"]], "limit": 0, "row_rule": {"always": false}}),
        json!({"from": {"name": "numbers"}, "select": [["n"]], "limit": 0, "filter": {"sounds_like": {}}}),
        json!({"from": {"name": "numbers"}, "select": [["n"]], "limit": 0, "filter": {"in": {"expr": {"column": ["n"]}, "list": 0, "collation": "x"}}}),
        json!({"from": {"name": "numbers", "as_of": 0}, "select": [["n"]], "limit": 0}),
        json!({"from": {"name": "numbers"}, "select": [["n"]], "limit": 0, "need": ["order.collation"]}),
    ];
    for head in from_the_future {
        let error = query(service, &head, 1).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported, "{head}");
    }
    let mut hinted = shape("numbers");
    hinted["hints"] = json!({"index": "by_n", "later": {"deep": true}});
    assert_eq!(count(&query(service, &hinted, 1).unwrap()), (1, true));
}

#[test]
fn what_is_not_declared_does_not_reach_the_connector() {
    let service = open(1, false);
    let list = |items| Value::List((0..items).map(Value::I64).collect());
    let leaf = json!({"always": true});
    let (shallow, deep) = (json!({"and": [leaf]}), json!({"and": [leaf, {"and": [leaf]}]}));
    let (many, depth) = (
        (ErrorKind::LimitExceeded, "too many values in one request: at most 4 are allowed"),
        (ErrorKind::LimitExceeded, "too many levels of a filter: at most 2 are allowed"),
    );
    let not = (ErrorKind::Unsupported, "'filter_not' is not supported by this connector");
    let never = (ErrorKind::Unsupported, "'filter_compare' is not supported by this connector");
    for (filter, values, expected) in [
        (&leaf, vec![list(3)], None),
        (&leaf, vec![list(4)], Some(many)),
        (&leaf, vec![Value::Null; 4], Some(many)),
        (&shallow, vec![], None),
        (&deep, vec![], Some(depth)),
        (&json!({"not": leaf}), vec![], Some(not)),
        (&json!({"always": false}), vec![], Some(never)),
    ] {
        let mut head = shape("numbers");
        head["filter"] = filter.clone();
        let values = [vec![Value::I64(1)], values].concat();
        // Twice, because a shape that is known is not read again.
        for _ in 0..2 {
            let answer = all(start(service, Operation::Query.number(), &head.to_string(), &body(&values, 0)));
            let found = answer.err().map(|error| (error.kind, error.message));
            assert_eq!(found, expected.map(|(kind, message)| (kind, message.to_owned())), "{head}");
        }
    }
    let head = json!({"from": {"name": "n"}, "rows": {"keys": {"columns": [["n"]]}}, "on_error": "stop"});
    for (records, expected) in [(1, ErrorKind::Unsupported), (2, ErrorKind::LimitExceeded)] {
        let answer = all(start(service, Operation::Delete.number(), &head.to_string(), &body(&[], records)));
        assert_eq!(answer.unwrap_err().kind, expected, "{records} records");
    }
}

#[test]
fn an_unknown_operation_and_an_unwritten_one_are_unsupported() {
    let service = open(1, false);
    let unknown = all(start(service, 999, "{}", b"")).unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::Unsupported);
    let unwritten = all(start(service, Operation::Commit.number(), "{}", b"")).unwrap_err();
    assert_eq!(
        (unwritten.kind, unwritten.message.as_str()),
        (ErrorKind::Unsupported, "a transaction is not supported by this connector")
    );
}

#[test]
fn a_closed_service_answers_no_more() {
    let service = open(1, false);
    (module::<Numbers>().close)(service);
    assert_eq!(query(service, &shape("numbers"), 1).unwrap_err().message, "the service is not open");
}

#[test]
fn wrong_configuration_is_named_without_its_values() {
    let request = json!({"service_type": "numbers", "service": "n", "config": {"rows": 1, "secret": "hush"}});
    let error = all(start_open(&request)).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::InvalidRequest, "the configuration of service 'n' is not valid")
    );
    assert!(error.detail.unwrap().contains("unknown field `secret`"));
}

#[test]
fn the_description_carries_the_configurations_doc_comments() {
    let bytes = (module::<Numbers>().describe)();
    let descriptor: Result<Descriptor> = serde_json::from_slice(bytes.as_ref()).unwrap();
    let schema = descriptor.unwrap().service_types.remove(0).config_schema;
    assert_eq!(schema["properties"]["rows"]["description"], "How many rows there are.");
}

#[test]
fn a_service_can_only_narrow_what_its_type_declares() {
    let request = json!({"service_type": "numbers", "service": "n", "config": {"rows": 1}});
    let items = all(start_open(&request)).unwrap();
    let opened: Opened = serde_json::from_slice(items[0].as_ref()).unwrap();
    assert_eq!(opened.capabilities, declared());
}

#[test]
fn the_exported_symbol_is_the_one_that_the_gateway_looks_up() {
    assert_eq!(export::LIBRARY_HEADER_SYMBOL, crate::abi::ENTRY_SYMBOL);
}
