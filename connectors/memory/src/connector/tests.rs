//! The connector, driven through its root module as the gateway drives it.

mod config;
mod group;
mod read;
mod session;
mod values;
mod write;

use std::pin::{Pin, pin};

use connector_api::Result;
use connector_api::abi::{Buffer, Call, Slice, Step};
use connector_api::author::export::module;
use connector_api::author::{Opened, Operation, Outcome, Summary, Value};
use connector_api::model::batch::{CellWriter, Frame, FrameReader, FrameWriter};
use serde_json::{Value as Json, json};

use super::Memory;

/// Polls to the end on a runtime that is not the connector's.
fn all(call: Call) -> Result<Vec<Buffer>> {
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

fn open(config: &Json) -> Result<u64> {
    Ok(opened(config)?.service)
}

fn opened(config: &Json) -> Result<Opened> {
    let request = json!({"service_type": "memory", "service": "m", "config": config}).to_string();
    let items = all((module::<Memory>().open)(Slice::new(request.as_bytes())))?;
    Ok(serde_json::from_slice(items[0].as_ref()).unwrap())
}

/// What a call is asked with, beside its shape.
#[derive(Default)]
struct With<'a> {
    params: &'a [Value],
    records: &'a [Vec<Value>],
    session: Option<u64>,
}

/// What a call answers.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    rows: Vec<Vec<Value>>,
    outcomes: Vec<Outcome>,
    summary: Summary,
}

fn start(service: u64, operation: Operation, head: &Json, with: &With<'_>) -> Call {
    let mut cells = Vec::new();
    with.params.iter().for_each(|param| cells.value(param));
    let mut body = FrameWriter::default();
    body.parameters(u32::try_from(with.params.len()).unwrap(), &cells);
    let rows = body.begin_rows(0);
    with.records.iter().flatten().for_each(|value| body.buffer().value(value));
    body.end_rows(rows, u32::try_from(with.records.len()).unwrap());
    let context = with.session.map_or(json!({}), |session| json!({"session": session})).to_string();
    let (head, body) = (head.to_string(), body.into_bytes());
    (module::<Memory>().call)(
        service,
        operation.number(),
        Slice::new(head.as_bytes()),
        Slice::new(context.as_bytes()),
        Slice::new(&body),
    )
}

fn ask(service: u64, operation: Operation, head: &Json, with: &With<'_>) -> Result<Answer> {
    all(start(service, operation, head, with)).map(|items| read(&items))
}

/// Rows and summary of a call without records.
fn call(
    service: u64,
    operation: Operation,
    head: &Json,
    params: &[Value],
) -> Result<(Vec<Vec<Value>>, Summary)> {
    let answer = ask(service, operation, head, &With { params, ..With::default() })?;
    Ok((answer.rows, answer.summary))
}

fn read(items: &[Buffer]) -> Answer {
    let (mut answer, mut columns, mut is_done) = (Answer::default(), 0, false);
    for item in items {
        let mut frames = FrameReader::new(item.as_ref());
        while let Some(frame) = frames.next_frame().unwrap() {
            match frame {
                Frame::Set(set) => columns = set.columns.len(),
                Frame::Rows(mut batch) => {
                    for _ in 0..batch.count {
                        let cells = (0..columns).map(|_| batch.next_cell().unwrap().to_value().unwrap());
                        answer.rows.push(cells.collect());
                    }
                }
                Frame::Outcomes(outcomes) => answer.outcomes = outcomes,
                Frame::Done(summary) => (answer.summary, is_done) = (summary, true),
                Frame::Parameters(_) => {}
            }
        }
    }
    assert!(is_done, "an answer without an end");
    answer
}

/// Five people; `born` of two is null, Eve has no address and that of Dan no city.
fn people() -> Json {
    json!({"tables": {"people": {
        "columns": [
            {"name": "id", "type": "integer"},
            {"name": "name", "type": "string", "nullable": false},
            {"name": "born", "type": "date"},
            {"name": "address", "type": "object"},
        ],
        "primary_key": ["id"],
        "rows": [
            {"id": 1, "name": "Ann", "born": "1990-05-01", "address": {"city": "Oslo"}},
            {"id": 2, "name": "Bob", "born": null, "address": {"city": "Rome"}},
            {"id": 3, "name": "Cid", "born": "1985-01-31", "address": {"city": "Oslo"}},
            {"id": 4, "name": "Dan", "address": {"city": null}},
            {"id": 5, "name": "Eve", "born": "1990-05-01"},
        ],
    }}})
}

/// Things with a number of their own, a unique code, an amount that is 1 by default and a note. Three are there.
fn things() -> Json {
    json!({"tables": {"thing": {
        "columns": [
            {"name": "id", "type": "integer", "auto_increment": true},
            {"name": "code", "type": "string"},
            {"name": "amount", "type": "integer", "nullable": false, "default": 1},
            {"name": "note", "type": "text"},
        ],
        "primary_key": ["id"],
        "unique": [["code"]],
        "rows": [
            {"code": "a", "amount": 10},
            {"code": "b", "amount": 20, "note": "two"},
            {"amount": 30},
        ],
    }}})
}

/// All things in stored order, as JSON for short.
fn stored(service: u64, session: Option<u64>) -> Vec<Json> {
    let head =
        json!({"from": {"name": "thing"}, "select": [["id"], ["code"], ["amount"], ["note"]], "limit": 0});
    let params = [Value::I64(i64::MAX)];
    let answer = ask(service, Operation::Query, &head, &With { params: &params, session, ..With::default() });
    answer.unwrap().rows.iter().map(|row| plain(row)).collect()
}

/// A row of plain values as a JSON list.
fn plain(row: &[Value]) -> Json {
    let cell = |value: &Value| match value {
        Value::Null => Json::Null,
        Value::I64(v) => json!(v),
        Value::Text(v) => json!(v),
        other => json!(format!("{other:?}")),
    };
    row.iter().map(cell).collect()
}

/// The opposite of [`plain`]; `"-"` is absent.
fn cells(row: &Json) -> Vec<Value> {
    let cell = |json: &Json| match json {
        Json::String(text) if text == "-" => Value::Absent,
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => Value::I64(number.as_i64().unwrap()),
        _ => Value::Null,
    };
    row.as_array().unwrap().iter().map(cell).collect()
}

fn compare(op: &str, column: &str, param: usize) -> Json {
    json!({"compare": {"op": op, "left": {"column": [column]}, "right": {"param": param}}})
}

fn eq(path: &[&str], param: usize) -> Json {
    json!({"compare": {"op": "eq", "left": {"column": path}, "right": {"param": param}}})
}

#[test]
fn the_fixture_names_the_version_that_is_tested() {
    let fixture = include_str!("../../../../tests/fixtures/memory/fixture.toml");
    assert!(fixture.contains(concat!("versions = [\"", env!("CARGO_PKG_VERSION"), "\"]")));
}
