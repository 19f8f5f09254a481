//! The connector, driven through its root module as the gateway drives it.

use std::io::Write as _;
use std::pin::{Pin, pin};

use connector_api::abi::{Buffer, Call, Slice, Step};
use connector_api::author::export::module;
use connector_api::author::{ErrorKind, Opened, Operation, Summary, Value};
use connector_api::model::batch::{CellWriter, Frame, FrameReader, FrameWriter};
use connector_api::{Error, Result};
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
    let request = json!({"service_type": "memory", "service": "m", "config": config}).to_string();
    let items = all((module::<Memory>().open)(Slice::new(request.as_bytes())))?;
    Ok(serde_json::from_slice::<Opened>(items[0].as_ref()).unwrap().service)
}

/// Rows and summary of a call.
fn call(
    service: u64,
    operation: Operation,
    head: &Json,
    params: &[Value],
) -> Result<(Vec<Vec<Value>>, Summary)> {
    let mut cells = Vec::new();
    params.iter().for_each(|param| cells.value(param));
    let mut body = FrameWriter::default();
    body.parameters(u32::try_from(params.len()).unwrap(), &cells);
    let (head, body) = (head.to_string(), body.into_bytes());
    let items = all((module::<Memory>().call)(
        service,
        operation.number(),
        Slice::new(head.as_bytes()),
        Slice::new(b"{}"),
        Slice::new(&body),
    ))?;
    Ok(read(&items))
}

fn read(items: &[Buffer]) -> (Vec<Vec<Value>>, Summary) {
    let (mut rows, mut columns, mut summary) = (Vec::new(), 0, None);
    for item in items {
        let mut frames = FrameReader::new(item.as_ref());
        while let Some(frame) = frames.next_frame().unwrap() {
            match frame {
                Frame::Set(set) => columns = set.columns.len(),
                Frame::Rows(mut batch) => {
                    for _ in 0..batch.count {
                        let cells = (0..columns).map(|_| batch.next_cell().unwrap().to_value().unwrap());
                        rows.push(cells.collect());
                    }
                }
                Frame::Done(done) => summary = Some(done),
                _ => {}
            }
        }
    }
    (rows, summary.expect("an answer without an end"))
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

/// The ids that a query gives, with a limit of 100 as parameter 0 and these parameters behind it.
fn ids(extra: &Json, params: &[Value]) -> Vec<i64> {
    let service = open(&people()).unwrap();
    let mut head = json!({"from": {"name": "people"}, "select": [["id"]], "limit": 0});
    head.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let params: Vec<Value> = std::iter::once(Value::I64(100)).chain(params.iter().cloned()).collect();
    let (rows, _) = call(service, Operation::Query, &head, &params).unwrap();
    rows.iter()
        .map(|row| match row.as_slice() {
            [Value::I64(id)] => *id,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn order(by: &str, direction: &str, nulls: Option<&str>) -> Json {
    let mut order = json!({"by": [by], "direction": direction});
    if let Some(nulls) = nulls {
        order["nulls"] = json!(nulls);
    }
    order
}

fn eq(path: &[&str], param: usize) -> Json {
    json!({"compare": {"op": "eq", "left": {"column": path}, "right": {"param": param}}})
}

#[test]
fn rows_come_in_stored_order_without_an_order() {
    assert_eq!(ids(&json!({}), &[]), [1, 2, 3, 4, 5]);
}

#[test]
fn a_filter_reaches_into_documents_and_not_skips_what_is_unknown() {
    let oslo = [Value::Text("Oslo".into())];
    let city = eq(&["address", "city"], 1);
    assert_eq!(ids(&json!({"filter": city}), &oslo), [1, 3]);
    assert_eq!(ids(&json!({"filter": {"not": city}}), &oslo), [2]);
    let is_null = json!({"is_null": {"column": ["address", "city"]}});
    assert_eq!(ids(&json!({"filter": is_null}), &oslo), [4, 5]);
}

#[test]
fn an_order_has_directions_nulls_and_keeps_equal_rows_as_stored() {
    for (by, expected) in [
        (vec![order("born", "asc", None)], vec![2, 4, 3, 1, 5]),
        (vec![order("born", "desc", None)], vec![1, 5, 3, 2, 4]),
        (vec![order("born", "asc", Some("last"))], vec![3, 1, 5, 2, 4]),
        (vec![order("born", "desc", Some("first")), order("id", "desc", None)], vec![4, 2, 5, 1, 3]),
    ] {
        assert_eq!(ids(&json!({"order": by}), &[]), expected, "{by:?}");
    }
}

#[test]
fn limit_and_offset_cut_rows_with_and_without_an_order() {
    let service = open(&people()).unwrap();
    for (order, expected) in [(json!([]), [2, 3]), (json!([order("id", "desc", None)]), [4, 3])] {
        let head =
            json!({"from": {"name": "people"}, "select": [["id"]], "limit": 0, "offset": 1, "order": order});
        let (rows, _) = call(service, Operation::Query, &head, &[Value::I64(2), Value::I64(1)]).unwrap();
        assert_eq!(rows, expected.map(|id| vec![Value::I64(id)]));
    }
}

#[test]
fn selected_columns_come_in_the_order_asked_for_nested_ones_included() {
    let service = open(&people()).unwrap();
    let head = json!({"from": {"name": "people"}, "select": [["address", "city"], ["name"]], "limit": 0, "offset": 1});
    let (rows, _) = call(service, Operation::Query, &head, &[Value::I64(1), Value::I64(4)]).unwrap();
    assert_eq!(rows, [[Value::Absent, Value::Text("Eve".into())]]);
}

#[test]
fn count_tells_how_many_rows_match() {
    let service = open(&people()).unwrap();
    let all = json!({"from": {"name": "people"}});
    let some = json!({"from": {"name": "people"}, "filter": eq(&["name"], 0)});
    for (head, expected) in [(all, 5), (some, 1)] {
        let (rows, summary) = call(service, Operation::Count, &head, &[Value::Text("Bob".into())]).unwrap();
        assert_eq!((rows.len(), summary.count), (0, Some(expected)));
    }
}

#[test]
fn tables_are_listed_and_described() {
    let service = open(&people()).unwrap();
    let (rows, _) = call(service, Operation::ListTables, &json!({}), &[]).unwrap();
    assert_eq!(rows, [[Value::Json(r#"{"ref":{"name":"people"},"kind":"table"}"#.into())]]);
    let head =
        json!({"tables": [{"name": "nobody"}, {"name": "people"}, {"name": "people", "namespace": ["x"]}]});
    let (rows, _) = call(service, Operation::DescribeTables, &head, &[]).unwrap();
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    let [Value::Json(table)] = row.as_slice() else { panic!("{row:?}") };
    let table: connector_api::author::Table = serde_json::from_str(table).unwrap();
    let nullable: Vec<_> =
        table.columns.iter().map(|column| (column.name.as_str(), column.is_nullable)).collect();
    assert_eq!(nullable, [("id", false), ("name", false), ("born", true), ("address", true)]);
    assert_eq!(table.primary_key, ["id"]);
}

#[test]
fn an_unknown_table_or_column_is_not_found() {
    let service = open(&people()).unwrap();
    for (head, message) in [
        (json!({"from": {"name": "nobody"}, "select": [["id"]], "limit": 0}), "there is no table 'nobody'"),
        (
            json!({"from": {"name": "people"}, "select": [["age"]], "limit": 0}),
            "table 'people' has no column 'age'",
        ),
    ] {
        let error = call(service, Operation::Query, &head, &[Value::I64(1)]).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::NotFound, message));
    }
}

#[test]
fn tables_of_a_file_are_read_and_stand_beside_those_of_the_configuration() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "{}",
        json!({"numbers": {"columns": [{"name": "n", "type": "bigint"}], "rows": [{"n": u64::MAX}]}})
    )
    .unwrap();
    let mut config = people();
    config["file"] = json!(file.path());
    let service = open(&config).unwrap();
    let head = json!({"from": {"name": "numbers"}, "select": [["n"]], "limit": 0});
    let (rows, _) = call(service, Operation::Query, &head, &[Value::I64(1)]).unwrap();
    assert_eq!(rows, [[Value::U64(u64::MAX)]]);
    let (rows, _) = call(service, Operation::ListTables, &json!({}), &[]).unwrap();
    assert_eq!(rows.len(), 2);
}

fn refusal(columns: Json, primary_key: Json, rows: Json) -> Error {
    let config = json!({"tables": {"t": {"columns": columns, "primary_key": primary_key, "rows": rows}}});
    open(&config).unwrap_err()
}

#[test]
fn wrong_configuration_is_named_by_table_row_and_column_without_its_values() {
    let a = || json!({"name": "a", "type": "integer"});
    for (columns, primary_key, rows, message) in [
        (
            json!([]),
            json!([]),
            json!([]),
            "table 't' of the configuration has no columns; it needs at least one",
        ),
        (json!([a(), a()]), json!([]), json!([]), "table 't' of the configuration names column 'a' twice"),
        (
            json!([a()]),
            json!(["b"]),
            json!([]),
            "table 't' of the configuration has no column 'b', which its primary_key names",
        ),
        (
            json!([a()]),
            json!([]),
            json!([{"a": 1}, {"a": "secret"}]),
            "table 't', row 2: column 'a': expected a whole number of 32 bits",
        ),
        (json!([a()]), json!([]), json!([{"b": 1}]), "table 't', row 1: there is no column 'b'"),
        (
            json!([a()]),
            json!(["a"]),
            json!([{}]),
            "table 't', row 1: column 'a': expected a value, for it is not nullable",
        ),
        (
            json!([a()]),
            json!(["a"]),
            json!([{"a": 7}, {"a": 1}, {"a": 7}]),
            "table 't': rows 1 and 3 have the same primary key",
        ),
    ] {
        let error = refusal(columns, primary_key, rows);
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::InvalidRequest, message));
    }
    let error = open(&json!({"file": "no/such/file.json"})).unwrap_err();
    assert_eq!(error.message, "the file 'no/such/file.json' can't be read");
}

#[test]
fn a_long_table_comes_whole_or_ends_at_the_limit() {
    let rows: Vec<Json> = (0..20_000).map(|n| json!({"n": n, "even": n % 2 == 0})).collect();
    let config = json!({"tables": {"numbers": {
        "columns": [{"name": "n", "type": "integer"}, {"name": "even", "type": "boolean"}], "rows": rows,
    }}});
    let service = open(&config).unwrap();
    let head =
        json!({"from": {"name": "numbers"}, "select": [["n"]], "limit": 0, "filter": eq(&["even"], 1)});
    for limit in [3, 100_000] {
        let (rows, _) =
            call(service, Operation::Query, &head, &[Value::I64(limit), Value::Bool(true)]).unwrap();
        assert_eq!(rows.len(), usize::try_from(limit).unwrap().min(10_000));
        assert_eq!(rows.last(), Some(&vec![Value::I64(2 * i64::try_from(rows.len() - 1).unwrap())]));
    }
}

#[test]
fn the_fixture_names_the_version_that_is_tested() {
    let fixture = include_str!("../../../../tests/fixtures/memory/fixture.toml");
    assert!(fixture.contains(concat!("versions = [\"", env!("CARGO_PKG_VERSION"), "\"]")));
}
