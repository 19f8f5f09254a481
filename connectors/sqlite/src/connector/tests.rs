//! The connector on real files, driven through its exported entry points as the gateway drives it.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use connector_api::abi::{Slice, Step};
use connector_api::author::export::module;
use connector_api::author::{
    ArithmeticOp, CellWriter, CompareOp, DefaultValue, Direction, Expr, Filter, Function, Nulls, Opened,
    Operation, Order, Path, Summary, TableKind, TextOp, Value,
};
use connector_api::model::batch::{Frame, FrameReader, FrameWriter};
use connector_api::model::{ColumnType, DescribeTables, ForeignKey, Key};
use connector_api::{Error, ErrorKind};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A service on a file of its own.
struct Fixture {
    folder: TempDir,
    service: u64,
}

#[derive(Debug, Default)]
struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
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

fn start(
    service: u64,
    operation: Operation,
    shape: &impl Serialize,
    params: &[Value],
) -> connector_api::abi::Call {
    let mut cells = Vec::new();
    params.iter().for_each(|param| cells.value(param));
    let mut body = FrameWriter::default();
    body.parameters(u32::try_from(params.len()).unwrap(), &cells);
    let head = serde_json::to_vec(shape).unwrap();
    (module::<Sqlite>().call)(
        service,
        operation.number(),
        Slice::new(&head),
        Slice::new(b"{}"),
        Slice::new(&body.into_bytes()),
    )
}

fn call(
    service: u64,
    operation: Operation,
    shape: &impl Serialize,
    params: &[Value],
) -> std::result::Result<Answer, Error> {
    let mut answer = Answer::default();
    for message in all(start(service, operation, shape, params))? {
        let mut frames = FrameReader::new(&message);
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
                Frame::Done(summary) => answer.summary = summary,
                _ => {}
            }
        }
    }
    Ok(answer)
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

fn shape(table: &str, columns: &[&str]) -> Query {
    Query {
        from: TableRef::new(table),
        select: columns.iter().map(|name| Path::column(*name)).collect(),
        filter: None,
        order: Vec::new(),
        limit: 0,
        offset: None,
        need: Vec::new(),
        hints: serde_json::Map::default(),
    }
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
fn a_number_matches_numbers_only_and_what_is_not_a_number_is_different() {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let all = |matching: &[i64]| {
        (matching.to_vec(), (2..=6).filter(|id| !matching.contains(id)).collect::<Vec<_>>())
    };
    // In a column of numbers the text '5' is stored as the number.
    for (declared, fives, twenties) in [
        ("", vec![2], vec![3]),
        ("INTEGER", vec![2, 4], vec![3]),
        ("NUMERIC", vec![2, 4], vec![3]),
        ("TEXT", vec![], vec![]),
    ] {
        let fixture = kinds(declared);
        let numbers = {
            let mut both = [fives.clone(), twenties.clone()].concat();
            both.sort_unstable();
            both
        };
        for param in [Value::I64(5), Value::F64(5.0), Value::Decimal("5.00".into())] {
            for (op, expected) in [(Eq, &fives), (Le, &fives), (Gt, &twenties), (Ge, &numbers), (Lt, &vec![])]
            {
                assert_eq!(
                    fixture.matches(&compare(op), std::slice::from_ref(&param)),
                    all(expected),
                    "{declared} {op:?} {param:?}"
                );
            }
            let (equal, different) = all(&fives);
            assert_eq!(fixture.matches(&compare(Ne), &[param]), (different, equal), "{declared}");
        }
    }
}

#[test]
fn a_text_matches_texts_only() {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let all = |matching: &[i64]| {
        (matching.to_vec(), (2..=6).filter(|id| !matching.contains(id)).collect::<Vec<_>>())
    };
    let none: &[i64] = &[];
    for (declared, op, param, expected) in [
        ("", Eq, "5", &[4][..]),
        ("", Lt, "abc", &[4]),
        ("", Le, "abc", &[4, 5]),
        ("", Gt, "5", &[5]),
        ("", Ge, "", &[4, 5]),
        ("INTEGER", Eq, "5", none),
        ("INTEGER", Eq, "abc", &[5]),
        ("INTEGER", Lt, "abd", &[5]),
        ("INTEGER", Ge, "5", &[5]),
        ("INTEGER", Gt, "abc", none),
        ("TEXT", Eq, "5", &[2, 4]),
        ("TEXT", Gt, "5", &[5]),
        ("TEXT", Lt, "5", &[3]),
    ] {
        let fixture = kinds(declared);
        assert_eq!(fixture.matches(&compare(op), &[text(param)]), all(expected), "{declared} {op:?} {param}");
    }
    let (different, equal) = kinds("INTEGER").matches(&compare(Ne), &[text("5")]);
    assert_eq!((different, equal), (vec![2, 3, 4, 5, 6], vec![]));
}

#[test]
fn bytes_match_bytes_only() {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let fixture = kinds("");
    let blob = Value::Bytes(b"abc".to_vec());
    for (op, expected) in
        [(Eq, vec![6]), (Le, vec![6]), (Ge, vec![6]), (Lt, vec![]), (Gt, vec![]), (Ne, vec![2, 3, 4, 5])]
    {
        let others = (2..=6).filter(|id| !expected.contains(id)).collect::<Vec<_>>();
        assert_eq!(fixture.matches(&compare(op), std::slice::from_ref(&blob)), (expected, others), "{op:?}");
    }
}

#[test]
fn a_null_parameter_makes_every_comparison_unknown() {
    let fixture = kinds("");
    for op in [CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge] {
        assert_eq!(fixture.matches(&compare(op), &[Value::Null]), (vec![], vec![]), "{op:?}");
    }
}

#[test]
fn a_parameter_on_the_left_compares_the_other_way_round() {
    let filter = Filter::Compare { op: CompareOp::Lt, left: Expr::Param(1), right: column("c") };
    assert_eq!(kinds("").matches(&filter, &[Value::I64(5)]).0, [3]);
}

#[test]
fn two_columns_compare_within_one_kind_and_without_conversion() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT);
         INSERT INTO t VALUES (1, 5, '5'), (2, 'x', 'x'), (3, 'a', 'b'), (4, 1, 'b'), (5, NULL, 'b'), (6, x'00', 'b');",
    );
    for (op, expected, others) in [
        (CompareOp::Eq, vec![2], vec![1, 3, 4, 6]),
        (CompareOp::Ne, vec![1, 3, 4, 6], vec![2]),
        (CompareOp::Lt, vec![3], vec![1, 2, 4, 6]),
        (CompareOp::Ge, vec![2], vec![1, 3, 4, 6]),
    ] {
        let filter = Filter::Compare { op, left: column("a"), right: column("b") };
        assert_eq!(fixture.matches(&filter, &[]), (expected, others), "{op:?}");
    }
}

#[test]
fn lists_match_item_by_item_within_a_kind_and_null_items_make_no_match_unknown() {
    let filter = Filter::In { expr: column("c"), list: 1 };
    let list = |items: &[Value]| Value::List(items.to_vec());
    for (declared, items, expected, others) in [
        ("", list(&[Value::I64(5), Value::I64(7), Value::I64(20)]), vec![2, 3], vec![4, 5, 6]),
        ("", list(&[text("5"), Value::I64(20)]), vec![3, 4], vec![2, 5, 6]),
        ("", list(&[Value::Bytes(b"abc".to_vec())]), vec![6], vec![2, 3, 4, 5]),
        ("", list(&[Value::Null, Value::I64(5)]), vec![2], vec![]),
        ("", list(&[Value::Null]), vec![], vec![]),
        ("INTEGER", list(&[text("5"), text("abc")]), vec![5], vec![2, 3, 4, 6]),
        ("TEXT", list(&[Value::I64(5)]), vec![], vec![2, 3, 4, 5, 6]),
    ] {
        assert_eq!(
            kinds(declared).matches(&filter, std::slice::from_ref(&items)),
            (expected, others),
            "{declared} {items:?}"
        );
    }
}

#[test]
fn between_includes_its_bounds_within_one_kind() {
    let filter = Filter::Between { expr: column("c"), low: Expr::Param(1), high: Expr::Param(2) };
    let fixture = kinds("");
    for (low, high, expected, others) in [
        (Value::I64(5), Value::I64(20), vec![2, 3], vec![4, 5, 6]),
        (text("5"), text("abc"), vec![4, 5], vec![2, 3, 6]),
        (Value::I64(5), text("abc"), vec![], vec![2, 3, 4, 5, 6]),
        (Value::Null, Value::I64(5), vec![], vec![3, 4, 5, 6]),
    ] {
        assert_eq!(fixture.matches(&filter, &[low.clone(), high]), (expected, others), "{low:?}");
    }
}

#[test]
fn searches_take_plain_text_literally_and_fold_ascii_letters() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, c);
         INSERT INTO t VALUES (1, 'Hello_World'), (2, 'hello world'), (3, '100%'), (4, 100), (5, NULL),
             (6, 'a' || char(0) || 'b'), (7, 'ÄB'), (8, x'68656c6c6f'), (9, 'back\\slash');",
    );
    use TextOp::{Contains, EndsWith, Ilike, Like, StartsWith};
    for (op, pattern, expected) in [
        (Like, "hello_world", &[1_i64, 2][..]),
        (Ilike, "HELLO%", &[1, 2]),
        (Like, "%\\%", &[9]),
        (Like, "100", &[]),
        (Contains, "o_W", &[1]),
        (Contains, "%", &[3]),
        (Contains, "\0", &[6]),
        (Contains, "äb", &[]),
        (Contains, "Äb", &[7]),
        (StartsWith, "HELLO", &[1, 2]),
        (StartsWith, "a\0B", &[6]),
        (EndsWith, "WORLD", &[1, 2]),
        (EndsWith, "0%", &[3]),
    ] {
        let filter = Filter::Text { op, expr: column("c"), pattern: 1 };
        let others: Vec<i64> = (1..=9).filter(|id| *id != 5 && !expected.contains(id)).collect();
        assert_eq!(
            fixture.matches(&filter, &[text(pattern)]),
            (expected.to_vec(), others),
            "{op:?} {pattern}"
        );
        assert_eq!(fixture.matches(&filter, &[Value::Null]), (vec![], vec![]));
    }
}

#[test]
fn arithmetic_and_functions_keep_to_their_kinds() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, s TEXT);
         INSERT INTO t VALUES (1, 7, ' Ab '), (2, -7, 'x'), (3, 'abc', NULL), (4, NULL, '');",
    );
    let calculate = |op, param: usize| Expr::Arithmetic {
        op,
        left: Box::new(column("n")),
        right: Box::new(Expr::Param(param)),
    };
    let function = |function, name| Expr::Call { function, args: vec![column(name)] };
    for (left, params, expected) in [
        (calculate(ArithmeticOp::Div, 2), [Value::I64(3), Value::I64(2)], &[1_i64][..]),
        (calculate(ArithmeticOp::Div, 2), [Value::I64(-3), Value::I64(2)], &[2]),
        (calculate(ArithmeticOp::Div, 2), [Value::F64(3.5), Value::F64(2.0)], &[1]),
        (calculate(ArithmeticOp::Add, 2), [Value::I64(0), Value::I64(7)], &[2]),
        (calculate(ArithmeticOp::Mul, 2), [Value::I64(-14), Value::I64(2)], &[2]),
        (calculate(ArithmeticOp::Sub, 2), [Value::I64(6), Value::Decimal("1".into())], &[1]),
        (function(Function::Abs, "n"), [Value::I64(7), Value::Null], &[1, 2]),
        (function(Function::Length, "s"), [Value::I64(4), Value::Null], &[1]),
        (function(Function::Trim, "s"), [text("Ab"), Value::Null], &[1]),
        (function(Function::Upper, "s"), [text(" AB "), Value::Null], &[1]),
        (function(Function::Lower, "s"), [text("x"), Value::Null], &[2]),
        (function(Function::Lower, "n"), [text("abc"), Value::Null], &[3]),
        (function(Function::Coalesce, "s"), [text(""), Value::Null], &[4]),
    ] {
        let filter = Filter::Compare { op: CompareOp::Eq, left: left.clone(), right: Expr::Param(1) };
        assert_eq!(fixture.matches(&filter, &params).0, expected, "{left:?} {params:?}");
    }
    for zero in [Value::I64(0), Value::F64(0.0), text("7")] {
        let filter = Filter::IsNull(calculate(ArithmeticOp::Div, 1));
        assert_eq!(fixture.matches(&filter, &[zero]).0, [1, 2, 3, 4]);
    }
}

#[test]
fn an_integer_that_overflows_is_an_error_and_no_float() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n); INSERT INTO t VALUES (1, 9223372036854775807);",
    );
    let sum = Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(column("n")),
        right: Box::new(Expr::Param(1)),
    };
    let filter = Filter::Compare { op: CompareOp::Gt, left: sum, right: Expr::Param(1) };
    let shape = Query { filter: Some(filter), ..shape("t", &["id"]) };
    let error = fixture.query(&shape, &[Value::I64(1), Value::I64(1)]).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::InvalidRequest, Some("out_of_range")));
}

#[test]
fn the_store_s_time_is_a_text_that_compares_with_stored_ones() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, c DATETIME); INSERT INTO t VALUES (1, '1999-01-01 00:00:00');",
    );
    for function in [Function::Now, Function::CurrentDate] {
        let now = Expr::Call { function, args: vec![] };
        let filter = Filter::Compare { op: CompareOp::Lt, left: column("c"), right: now };
        assert_eq!(fixture.matches(&filter, &[]).0, [1]);
    }
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
        Some(r#"SELECT COUNT(*) FROM "t" WHERE ("c" >= ? AND +"c" < '')"#)
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

#[test]
fn a_long_list_is_one_statement() {
    let fixture =
        Fixture::new("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (16383), (16384);");
    let list = Value::List((1..=i64::from(MAX_PARAMETERS)).map(Value::I64).collect());
    assert_eq!(
        fixture.matches(&Filter::In { expr: column("id"), list: 1 }, &[list]),
        (vec![1, 16383], vec![16384])
    );
}

#[test]
fn the_deepest_filter_that_is_declared_runs() {
    let fixture = kinds("");
    let mut filter = compare(CompareOp::Eq);
    for _ in 0..MAX_FILTER_DEPTH / 2 {
        filter = Filter::Not(Box::new(Filter::And(vec![filter, Filter::Always(true)])));
    }
    assert_eq!(fixture.matches(&filter, &[Value::I64(5)]).0, [2]);
    let wide = Filter::Or((0..5000).map(|_| compare(CompareOp::Eq)).collect());
    assert_eq!(fixture.matches(&wide, &[Value::I64(5)]).0, [2]);
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

#[test]
fn tables_views_and_virtual_tables_are_listed_and_inner_ones_are_not() {
    let fixture = Fixture::new(
        "CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE a(k PRIMARY KEY) WITHOUT ROWID;
         CREATE VIEW v AS SELECT * FROM b; CREATE VIRTUAL TABLE f USING fts5(body); CREATE TABLE sqlitex(id);",
    );
    let found: Vec<_> = tables(&fixture).into_iter().map(|found| (found.table.name, found.kind)).collect();
    let expected = [
        ("a", TableKind::Table),
        ("b", TableKind::Table),
        ("f", TableKind::Table),
        ("sqlitex", TableKind::Table),
        ("v", TableKind::View),
    ];
    assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
    let columns = |name| {
        describe(&fixture, &[name])[0].columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(columns("f"), ["body"], "hidden columns are left out");
    assert_eq!(columns("v"), ["id"]);
}

#[test]
fn a_table_is_described_with_its_keys_and_defaults() {
    let fixture = Fixture::new(
        "CREATE TABLE parent(code TEXT PRIMARY KEY, name);
         CREATE TABLE child(
             id INTEGER PRIMARY KEY, parent TEXT NOT NULL REFERENCES PARENT ON DELETE CASCADE,
             price DECIMAL(8,2) DEFAULT 1.5, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, label VARCHAR(20) DEFAULT 'x',
             twice GENERATED ALWAYS AS (price * 2) VIRTUAL, UNIQUE (label, parent));
         CREATE INDEX by_price ON child(price DESC, label); CREATE UNIQUE INDEX some ON child(at) WHERE at IS NOT NULL;
         CREATE INDEX by_lower ON child(lower(label));",
    );
    let described = describe(&fixture, &["child", "missing", "CHILD"]);
    assert_eq!(described.len(), 1);
    let child = &described[0];
    let names: Vec<_> = child.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "parent", "price", "at", "label", "twice"]);
    let column = |name: &str| child.columns.iter().find(|column| column.name == name).unwrap();
    assert!(column("id").is_auto_increment && !column("id").is_nullable);
    assert!(!column("parent").is_nullable && column("label").is_nullable);
    assert!(column("twice").is_generated);
    assert_eq!(column("price").data_type, ColumnType::Decimal);
    assert_eq!(column("label").native_type, "VARCHAR(20)");
    assert_eq!(column("price").default, Some(DefaultValue::Value(json!(1.5))));
    assert_eq!(column("at").default, Some(DefaultValue::Expression("CURRENT_TIMESTAMP".into())));
    assert_eq!(child.primary_key, ["id"]);
    let columns = |keys: &[Key]| keys.iter().map(|key| key.columns.join(",")).collect::<Vec<_>>();
    assert_eq!(columns(&child.unique_keys), ["label,parent"]);
    assert_eq!(columns(&child.indexes), ["price,label", "at"]);
    assert_eq!(
        child.foreign_keys,
        [ForeignKey {
            name: "child_parent_fkey".into(),
            columns: vec!["parent".into()],
            references: TableRef::new("parent"),
            referenced_columns: vec!["code".into()],
            on_update: Some("NO ACTION".into()),
            on_delete: Some("CASCADE".into()),
        }]
    );
}

#[test]
fn keys_of_several_columns_keep_their_order() {
    let fixture = Fixture::new(
        "CREATE TABLE p(a, b INTEGER, c, PRIMARY KEY (b, a)) WITHOUT ROWID;
         CREATE TABLE q(x, y, z, FOREIGN KEY (x, y) REFERENCES p, FOREIGN KEY (z) REFERENCES gone(id));
         CREATE TABLE d(id INTEGER PRIMARY KEY DESC);",
    );
    let described = describe(&fixture, &["q", "p", "d"]);
    assert_eq!(described[1].primary_key, ["b", "a"]);
    assert!(described[1].columns.iter().all(|column| !column.is_auto_increment));
    let references: Vec<_> = described[0]
        .foreign_keys
        .iter()
        .map(|key| (key.columns.join(","), key.referenced_columns.join(",")))
        .collect();
    assert_eq!(references, [("x,y".to_owned(), "b,a".to_owned()), ("z".to_owned(), "id".to_owned())]);
    assert!(!described[2].columns[0].is_auto_increment, "a descending key is not the row's number");
}

fn ping(service: u64) -> std::result::Result<Answer, Error> {
    call(service, Operation::Ping, &json!({}), &[])
}

#[test]
fn a_missing_file_is_an_error_and_is_not_created_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    let service = open_service(&json!({"database": path})).unwrap();
    for error in [ping(service), call(service, Operation::Query, &shape("t", &["a"]), &[Value::I64(1)])] {
        let error = error.unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Unavailable, Some("database_missing")));
        assert!(!error.message.contains("none.db"));
    }
    assert!(!path.exists());
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t(a)").unwrap();
    ping(service).unwrap();
    let created = folder.path().join("new.db");
    ping(open_service(&json!({"database": created, "create": true})).unwrap()).unwrap();
    assert!(created.exists());
}

#[test]
fn a_file_that_is_no_database_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "not a database, but long enough to have a header of a hundred bytes".repeat(20))
        .unwrap();
    for path in [path.as_path(), folder.path()] {
        let error = ping(open_service(&json!({"database": path})).unwrap()).unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Unavailable, Some("not_a_database")));
    }
}

#[test]
fn a_damaged_file_is_unavailable() {
    let fixture = Fixture::new("CREATE TABLE t(id INTEGER PRIMARY KEY, c); INSERT INTO t VALUES (1, 'x');");
    let path = fixture.folder.path().join("a.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    let error = fixture.query(&shape("t", &["c"]), &[Value::I64(1)]).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Unavailable, Some("database_corrupt")));
}

#[test]
fn a_locked_file_is_busy_after_the_timeout_and_free_again() {
    let fixture = Fixture::with("CREATE TABLE t(id)", json!({"busy_timeout": "1ms"}));
    let other = Connection::open(fixture.folder.path().join("a.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = fixture.query(&shape("t", &["id"]), &[Value::I64(1)]).unwrap_err();
    assert_eq!((error.kind, error.is_temporary), (ErrorKind::Busy, true));
    other.execute_batch("COMMIT").unwrap();
    fixture.query(&shape("t", &["id"]), &[Value::I64(1)]).unwrap();
}

#[test]
fn a_dropped_call_stops_its_statement() {
    let fixture = Fixture::with(
        "CREATE TABLE t(id); INSERT INTO t VALUES (1);
         CREATE VIEW endless AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n;",
        json!({"threads": 1}),
    );
    let shape_of_count = json!({"from": {"name": "endless"}});
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..20 {
        let mut running = Box::pin(start(fixture.service, Operation::Count, &shape_of_count, &[]));
        let is_pending = runtime.block_on(poll_fn(|context| {
            std::task::Poll::Ready(running.as_mut().poll_step(context).is_pending())
        }));
        assert!(is_pending);
        drop(running);
    }
    // The only thread is free again.
    assert_eq!(fixture.query(&shape("t", &["id"]), &[Value::I64(1)]).unwrap().rows.len(), 1);
}

#[test]
fn many_rows_stream_in_batches_and_stop_at_the_limit() {
    let fixture = Fixture::new(
        "CREATE VIEW t AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n;",
    );
    let messages =
        all(start(fixture.service, Operation::Query, &shape("t", &["id"]), &[Value::I64(50_000)])).unwrap();
    assert!(messages.len() > 5);
    let answer = fixture.query(&shape("t", &["id"]), &[Value::I64(50_000)]).unwrap();
    assert_eq!(answer.rows.len(), 50_000);
}

#[test]
fn a_read_only_service_reads() {
    let fixture = Fixture::with("CREATE TABLE t(id); INSERT INTO t VALUES (1);", json!({"read_only": true}));
    assert_eq!(fixture.query(&shape("t", &["id"]), &[Value::I64(1)]).unwrap().rows.len(), 1);
}

#[test]
fn a_comparison_still_finds_its_index() {
    let fixture = kinds("");
    let file = Connection::open(fixture.folder.path().join("a.db")).unwrap();
    for op in [CompareOp::Eq, CompareOp::Gt, CompareOp::Le] {
        for param in [Value::I64(5), text("5")] {
            let shape = Query { filter: Some(compare(op)), ..shape("t", &["id"]) };
            let sql = fixture.query(&shape, &[Value::I64(1), param]).unwrap().summary.statement.unwrap();
            let plan: String =
                file.query_row(&["EXPLAIN QUERY PLAN ", &sql].concat(), [1, 1], |row| row.get(3)).unwrap();
            assert!(plan.starts_with("SEARCH t USING COVERING INDEX t_c (c"), "{sql}: {plan}");
        }
    }
}
