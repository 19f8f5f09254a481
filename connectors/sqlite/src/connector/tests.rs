//! The connector on real files, driven through its exported entry points as the gateway drives it.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use connector_api::abi::{Slice, Step};
use connector_api::author::export::module;
use connector_api::author::{
    Affected, Aggregate, AggregateFunction, ArithmeticOp, Assignment, CellWriter, CompareOp, DefaultValue,
    Direction, Existing, Expr, Filter, Function, Group, Nulls, OnError, Opened, Operation, Order, Outcome,
    OutcomeStatus, Path, Selector, TableKind, TextOp, UpdateMode, Value,
};
use connector_api::model::batch::{Frame, FrameReader, FrameWriter};
use connector_api::model::{ColumnType, DescribeTables, ForeignKey, Key};
use connector_api::{Error, ErrorKind};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;

use super::*;

mod catalogue;
mod change;
mod file;
mod filter;
mod group;
mod kinds;
mod transaction;
mod trigger;
mod upsert;
mod write;

/// A service on a file of its own.
struct Fixture {
    folder: TempDir,
    service: u64,
}

#[derive(Debug, Default)]
struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    outcomes: Vec<Outcome>,
    summary: Summary,
}

fn open_service(config: &serde_json::Value) -> std::result::Result<u64, Error> {
    let request = json!({"service_type": "sqlite", "service": "s", "config": config});
    let messages = all((module::<Sqlite>().open)(Slice::new(request.to_string().as_bytes())))?;
    Ok(serde_json::from_slice::<Opened>(&messages[0]).unwrap().service)
}

/// All messages of a call.
fn all(call: connector_api::abi::Call) -> std::result::Result<Vec<Vec<u8>>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut call = pin!(call);
    let mut messages = Vec::new();
    loop {
        match runtime.block_on(poll_fn(|context| Pin::as_mut(&mut call).poll_step(context))) {
            Step::Item(message) => messages.push(message.as_ref().to_vec()),
            Step::End => return Ok(messages),
            Step::Failed(error) => return Err(serde_json::from_slice(error.as_ref()).unwrap()),
        }
    }
}

/// What a call is made of, beside its shape.
#[derive(Default)]
struct Parts<'a> {
    params: &'a [Value],
    records: &'a [Vec<Value>],
    session: Option<u64>,
}

fn start(
    service: u64,
    operation: Operation,
    shape: &impl Serialize,
    params: &[Value],
) -> connector_api::abi::Call {
    start_with(service, operation, shape, &Parts { params, ..Parts::default() })
}

fn start_with(
    service: u64,
    operation: Operation,
    shape: &impl Serialize,
    parts: &Parts<'_>,
) -> connector_api::abi::Call {
    let mut cells = Vec::new();
    parts.params.iter().for_each(|param| cells.value(param));
    let mut body = FrameWriter::default();
    body.parameters(u32::try_from(parts.params.len()).unwrap(), &cells);
    if !parts.records.is_empty() {
        let open = body.begin_rows(0);
        parts.records.iter().flatten().for_each(|cell| body.buffer().value(cell));
        body.end_rows(open, u32::try_from(parts.records.len()).unwrap());
    }
    let head = serde_json::to_vec(shape).unwrap();
    let context =
        serde_json::to_vec(&Context { session: parts.session, wants_statement: true, ..Context::default() })
            .unwrap();
    (module::<Sqlite>().call)(
        service,
        operation.number(),
        Slice::new(&head),
        Slice::new(&context),
        Slice::new(&body.into_bytes()),
    )
}

fn call(
    service: u64,
    operation: Operation,
    shape: &impl Serialize,
    params: &[Value],
) -> std::result::Result<Answer, Error> {
    call_with(service, operation, shape, &Parts { params, ..Parts::default() })
}

fn call_with(
    service: u64,
    operation: Operation,
    shape: &impl Serialize,
    parts: &Parts<'_>,
) -> std::result::Result<Answer, Error> {
    all(start_with(service, operation, shape, parts)).map(|messages| answer(&messages))
}

fn answer(messages: &[Vec<u8>]) -> Answer {
    let mut answer = Answer::default();
    for message in messages {
        let mut frames = FrameReader::new(message);
        while let Some(frame) = frames.next_frame().unwrap() {
            match frame {
                Frame::Set(set) => answer.columns = set.columns.iter().map(|name| name.to_owned()).collect(),
                Frame::Rows(mut rows) => {
                    for _ in 0..rows.count {
                        let row =
                            answer.columns.iter().map(|_| rows.next_cell().unwrap().to_value().unwrap());
                        answer.rows.push(row.collect());
                    }
                }
                Frame::Outcomes(outcomes) => answer.outcomes = outcomes,
                Frame::Done(summary) => answer.summary = summary,
                _ => {}
            }
        }
    }
    answer
}

impl Fixture {
    fn new(sql: &str) -> Self {
        Self::with(sql, json!({}))
    }

    fn with(sql: &str, mut config: serde_json::Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Connection::open(folder.path().join("a.db")).unwrap().execute_batch(sql).unwrap();
        config["database"] = json!(folder.path().join("a.db"));
        let service = open_service(&config).unwrap();
        Self { folder, service }
    }

    fn change(&self, sql: &str) {
        Connection::open(self.folder.path().join("a.db")).unwrap().execute_batch(sql).unwrap();
    }

    /// A column of the file as it is, read past the connector.
    fn column(&self, sql: &str) -> Vec<String> {
        let connection = Connection::open(self.folder.path().join("a.db")).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        rows.map(|value| shown(&value.unwrap())).collect()
    }

    fn query(&self, shape: &Query, params: &[Value]) -> std::result::Result<Answer, Error> {
        call(self.service, Operation::Query, shape, params)
    }

    /// Values of the column `id` for which the filter holds, and those for which its opposite does.
    fn matches(&self, filter: &Filter, params: &[Value]) -> (Vec<i64>, Vec<i64>) {
        let ids = |filter: Filter| {
            let mut all = vec![Value::I64(1000)];
            all.extend_from_slice(params);
            let shape = Query {
                filter: Some(filter),
                order: vec![by("id", Direction::Asc, None)],
                ..shape("t", &["id"])
            };
            let rows = self.query(&shape, &all).unwrap().rows;
            rows.iter().map(|row| if let Value::I64(id) = row[0] { id } else { panic!("{row:?}") }).collect()
        };
        (ids(filter.clone()), ids(Filter::Not(Box::new(filter.clone()))))
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        (module::<Sqlite>().close)(self.service);
    }
}

fn shown(value: &rusqlite::types::Value) -> String {
    use rusqlite::types::Value::{Blob, Integer, Null, Real, Text};
    match value {
        Null => "null".to_owned(),
        Integer(value) => value.to_string(),
        Real(value) => format!("{value:?}"),
        Text(value) => value.clone(),
        Blob(value) => format!("{value:?}"),
    }
}

fn paths(names: &[&str]) -> Vec<Path> {
    names.iter().map(|name| Path::column(*name)).collect()
}

fn shape(table: &str, columns: &[&str]) -> Query {
    Query::new(TableRef::new(table), columns.iter().map(|name| Path::column(*name)).collect::<Vec<_>>(), 0)
}

fn by(name: &str, direction: Direction, nulls: Option<Nulls>) -> Order {
    Order { by: Path::column(name), direction, nulls }
}

fn column(name: &str) -> Expr {
    Expr::Column(Path::column(name))
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A comparison of column `c` with the first parameter behind the limit.
fn compare(op: CompareOp) -> Filter {
    Filter::Compare { op, left: column("c"), right: Expr::Param(1) }
}

/// A value of each kind in a column of each affinity; ids: 1 null, 2 the number 5, 3 the number 20, 4 '5', 5 'abc', 6 a blob.
/// A column converts what it can: texts that are numbers, or numbers to texts.
fn kinds(declared: &str) -> Fixture {
    Fixture::new(&format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, c {declared});
         CREATE INDEX t_c ON t(c);
         INSERT INTO t VALUES (1, NULL), (2, 5), (3, 20), (4, '5'), (5, 'abc'), (6, x'616263');"
    ))
}

#[test]
fn every_stored_type_becomes_its_cell() {
    let fixture = Fixture::new(
        "CREATE TABLE t(i INTEGER, b BOOLEAN, r REAL, d DECIMAL(9,2), dt DECIMAL_TEXT, j JSON, x BLOB, s TEXT, free);
         INSERT INTO t VALUES (9223372036854775807, 1, 1.5, 12.5, '7', '{\"a\":[1]}', x'00ff', 'é', NULL),
             (-1, 2, 2, 'n/a', '', '{', 'text', CAST(x'ff' AS TEXT), 'a' || char(0) || 'b');",
    );
    let names = ["i", "b", "r", "d", "dt", "j", "x", "s", "free"];
    let answer = fixture.query(&shape("t", &names), &[Value::I64(10)]).unwrap();
    assert_eq!(answer.columns, names);
    assert_eq!(
        answer.rows[0],
        [
            Value::I64(i64::MAX),
            Value::Bool(true),
            Value::F64(1.5),
            Value::F64(12.5),
            text("7"),
            Value::Json("{\"a\":[1]}".into()),
            Value::Bytes(vec![0, 255]),
            text("é"),
            Value::Null
        ]
    );
    assert_eq!(
        answer.rows[1],
        [
            Value::I64(-1),
            Value::I64(2),
            Value::F64(2.0),
            text("n/a"),
            text(""),
            text("{"),
            text("text"),
            Value::Bytes(vec![255]),
            text("a\0b")
        ]
    );
}

#[test]
fn order_nulls_limit_and_offset_are_honoured() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, c); INSERT INTO t VALUES (1, NULL), (2, 2), (3, 1);",
    );
    for (nulls, offset, expected) in
        [(None, 0, [1, 3]), (Some(Nulls::Last), 0, [3, 2]), (Some(Nulls::First), 1, [3, 2])]
    {
        let shape =
            Query { order: vec![by("c", Direction::Asc, nulls)], offset: Some(1), ..shape("t", &["id"]) };
        let rows = fixture.query(&shape, &[Value::I64(2), Value::I64(offset)]).unwrap().rows;
        assert_eq!(rows, expected.map(|id| vec![Value::I64(id)]), "{nulls:?}");
    }
}

#[test]
fn a_count_is_exact_and_the_statement_holds_no_value() {
    let fixture = kinds("");
    let shape = json!({"from": {"name": "t"}, "filter": compare(CompareOp::Ge)});
    let answer = call(fixture.service, Operation::Count, &shape, &[Value::Null, Value::I64(5)]).unwrap();
    assert_eq!(answer.summary.count, Some(2));
    assert_eq!(
        answer.summary.statement.as_deref(),
        Some(r#"SELECT COUNT(*) FROM "t" WHERE ("c" >= ?1 AND +"c" < '')"#)
    );
}

#[test]
fn a_changed_table_is_read_as_it_is_now() {
    let fixture = Fixture::new("CREATE TABLE t(c BOOLEAN); INSERT INTO t VALUES (1);");
    let read = || fixture.query(&shape("t", &["c"]), &[Value::I64(5)]).unwrap().rows;
    assert_eq!(read(), [[Value::Bool(true)]]);
    fixture.change("DROP TABLE t; CREATE TABLE t(c INTEGER); INSERT INTO t VALUES (1);");
    assert_eq!(read(), [[Value::I64(1)]]);
    assert_eq!(read(), [[Value::I64(1)]]);
}

#[test]
fn missing_tables_and_columns_are_not_found_and_no_text() {
    let fixture = kinds("");
    for (table, name, reason) in [("nope", "id", "table_not_found"), ("t", "nope", "column_not_found")] {
        let error = fixture.query(&shape(table, &[name]), &[Value::I64(1)]).unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::NotFound, Some(reason)));
    }
}

#[test]
fn hostile_names_are_names() {
    let hostile = r#"a"; DROP TABLE t; --'`[]"#;
    let quoted = hostile.replace('"', "\"\"");
    let fixture = Fixture::new(&format!(
        "CREATE TABLE t(id); CREATE TABLE \"{quoted}\"(\"{quoted}\"); INSERT INTO \"{quoted}\" VALUES (1);"
    ));
    let answer = fixture.query(&shape(hostile, &[hostile]), &[Value::I64(5)]).unwrap();
    assert_eq!((answer.columns, answer.rows), (vec![hostile.to_owned()], vec![vec![Value::I64(1)]]));
    assert_eq!(tables(&fixture).len(), 2);
    assert_eq!(describe(&fixture, &[hostile])[0].columns[0].name, hostile);
}

fn tables(fixture: &Fixture) -> Vec<TableName> {
    cells(&call(fixture.service, Operation::ListTables, &json!({}), &[]).unwrap())
}

fn describe(fixture: &Fixture, names: &[&str]) -> Vec<Table> {
    let shape = DescribeTables { tables: names.iter().map(|name| TableRef::new(*name)).collect() };
    cells(&call(fixture.service, Operation::DescribeTables, &shape, &[]).unwrap())
}

fn cells<T: serde::de::DeserializeOwned>(answer: &Answer) -> Vec<T> {
    let json =
        |row: &Vec<Value>| if let Value::Json(json) = &row[0] { json.clone() } else { panic!("{row:?}") };
    answer.rows.iter().map(|row| serde_json::from_str(&json(row)).unwrap()).collect()
}

/// First and second cell of each row of the table under a heading of the README.
fn readme_table(heading: &str) -> Vec<(String, String)> {
    let readme = include_str!("../../README.md");
    let section = readme.split(heading).nth(1).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.split('|').skip(1).map(|cell| cell.trim().replace('`', ""));
            (cells.next().unwrap(), cells.next().unwrap())
        })
        .collect()
}

#[test]
fn readme_and_fixture_name_the_version_that_is_compiled_in() {
    let version = rusqlite::version().rsplit_once('.').unwrap().0;
    assert!(include_str!("../../README.md").contains(&format!("SQLite {version} is compiled in")));
    let fixture = include_str!("../../../../tests/fixtures/sqlite/fixture.toml");
    assert!(fixture.contains(&format!("versions = [\"{version}\"]")), "{version}");
}

#[test]
fn the_readme_declares_what_the_connector_declares() {
    let declared = serde_json::to_value(capabilities()).unwrap();
    let table = readme_table("## Capabilities");
    for (name, cell) in &table {
        let expected = match &declared[name] {
            serde_json::Value::Null => "no".to_owned(),
            serde_json::Value::Bool(_) => "yes".to_owned(),
            limit => limit.to_string(),
        };
        assert_eq!(*cell, expected, "{name}");
    }
    for name in declared.as_object().unwrap().keys() {
        assert!(table.iter().any(|(listed, _)| listed == name), "{name} is missing");
    }
}

#[test]
fn the_readme_lists_each_configuration_key_with_its_default() {
    let schema = schemars::schema_for!(Config).to_value();
    let properties = schema["properties"].as_object().unwrap();
    let table = readme_table("## Configuration");
    assert_eq!(table.iter().map(|(key, _)| key).collect::<Vec<_>>(), properties.keys().collect::<Vec<_>>());
    for (key, default) in table {
        let expected = properties[&key].get("default").map_or("required".to_owned(), ToString::to_string);
        assert_eq!(default, expected, "{key}");
    }
}
