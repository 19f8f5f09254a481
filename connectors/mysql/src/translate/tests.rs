//! Statements as they are sent.

use std::collections::HashMap;

use connector_api::author::{
    Count, Delete, Existing, Expr, Filter, Insert, OnError, Path, Query, Selector, TableRef, TextOp, Update,
    UpdateMode, Upsert, Value,
};
use connector_api::model::{ArithmeticOp, CompareOp, Direction, Function, Nulls, Order};
use connector_sql_common::samples::{COLUMNS, assert_snapshot};
use connector_sql_common::{Form, Statement, build};

use super::*;
use crate::table::{TableInfo, UniqueKey};

fn table(is_mariadb: bool) -> TableInfo {
    use Class::*;
    let columns = [
        ("i", Integer),
        ("d", Decimal),
        ("r", Float),
        ("f", Double),
        ("s", Text),
        ("b", Boolean),
        ("day", Date),
        ("at", Timestamp),
        ("t", Time),
        ("j", Json),
        ("e", Label),
    ];
    TableInfo {
        columns: columns
            .into_iter()
            .map(|(name, class)| (name.to_owned(), class.into()))
            .collect::<HashMap<_, _>>(),
        writable: columns.into_iter().map(|(name, _)| name.to_owned()).collect(),
        keys: vec![UniqueKey { name: "PRIMARY".to_owned(), columns: vec!["i".to_owned()] }],
        numbered: None,
        is_mariadb,
    }
}

/// The condition that a filter becomes.
fn condition(filter: Filter, params: &[Value]) -> String {
    let table = table(true);
    let dialect = MySqlDialect::of(&table);
    let shape =
        Count { from: TableRef::new("x"), filter: Some(filter), need: vec![], hints: Default::default() };
    let statement = build::count(&dialect, &shape, &Form::of(&dialect, params)).unwrap();
    statement.sql().trim_start_matches("SELECT COUNT(*) FROM `x` WHERE ").to_owned()
}

fn column(name: &str) -> Expr {
    Expr::Column(Path::column(name))
}

fn compared(op: CompareOp, left: Expr, right: Expr) -> Filter {
    Filter::Compare { op, left, right }
}

#[test]
fn only_what_compares_is_compared_and_numbers_exactly() {
    let text = Value::Text("5".to_owned());
    let decimal = Value::Decimal("0.5".to_owned());
    for (name, value, expected) in [
        ("i", Value::I64(5), "`i` = ?"),
        ("i", Value::F64(5.0), "`i` = CAST(? AS DECIMAL(65, 30))"),
        ("i", text.clone(), "CASE WHEN `i` IS NOT NULL THEN FALSE END"),
        ("d", decimal.clone(), "`d` = CAST(? AS DECIMAL(65, 30))"),
        ("r", Value::F64(0.1), "`r` = CAST(? AS FLOAT)"),
        ("f", Value::F64(0.1), "`f` = ?"),
        ("s", text.clone(), "`s` = ?"),
        ("s", Value::I64(5), "CASE WHEN `s` IS NOT NULL THEN FALSE END"),
        ("e", text.clone(), "CONCAT(`e`, '') = ?"),
        ("b", Value::Bool(true), "`b` = ?"),
        ("b", Value::I64(1), "CASE WHEN `b` IS NOT NULL THEN FALSE END"),
        ("day", text, "`day` = ?"),
        ("j", Value::Json("[]".to_owned()), "JSON_EQUALS(`j`, ?) = 1"),
        ("i", Value::Null, "NULL"),
    ] {
        let filter = compared(CompareOp::Eq, column(name), Expr::Param(0));
        assert_eq!(condition(filter, &[value]), expected);
    }
}

#[test]
fn patterns_have_no_escape_character_of_their_own() {
    let search = |op| Filter::Text { op, expr: column("s"), pattern: 0 };
    let pattern = [Value::Text("a!%".to_owned())];
    for (op, expected) in [
        (TextOp::Like, "`s` LIKE REPLACE(?, '!', '!!') ESCAPE '!'"),
        (TextOp::Ilike, "LOWER(`s`) LIKE LOWER(REPLACE(?, '!', '!!')) ESCAPE '!'"),
        (TextOp::Contains, "`s` LIKE ? ESCAPE '!'"),
    ] {
        assert_eq!(condition(search(op), &pattern), expected);
    }
}

#[test]
fn what_may_fail_is_asked_behind_what_can_not() {
    let owner = compared(CompareOp::Eq, column("i"), Expr::Param(0));
    let sum = Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(column("i")),
        right: Box::new(Expr::Param(0)),
    };
    let filter = Filter::And(vec![owner, compared(CompareOp::Gt, sum, Expr::Param(0))]);
    let expected = "(`i` = ? OR 1 = 0) AND 1 = CASE WHEN `i` = ? THEN CASE WHEN (`i` + ?) > ? THEN 1 END END";
    assert_eq!(condition(filter, &[Value::I64(1)]), expected);
}

#[test]
fn integers_divide_to_integers_and_others_to_fractions() {
    let half = |name| Expr::Arithmetic {
        op: ArithmeticOp::Div,
        left: Box::new(column(name)),
        right: Box::new(Expr::Param(0)),
    };
    for (name, expected) in [
        ("i", "(`i` DIV NULLIF(?, 0)) IS NULL"),
        ("f", "(`f` / NULLIF(?, 0)) IS NULL"),
        ("s", "NULL IS NULL"),
    ] {
        assert_eq!(condition(Filter::IsNull(half(name)), &[Value::I64(2)]), expected);
    }
}

#[test]
fn moments_are_searched_as_answers_show_them() {
    let text = |name| Expr::Call { function: Function::Text, args: vec![column(name)] };
    for (name, expected) in [
        ("i", "CONCAT(`i`, '') IS NULL"),
        ("t", "TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM DATE_FORMAT(`t`, '%H:%i:%s.%f'))) IS NULL"),
        ("j", "NULL IS NULL"),
    ] {
        assert_eq!(condition(Filter::IsNull(text(name)), &[]), expected);
    }
}

#[test]
fn floats_beside_integers_in_a_list_are_exact() {
    let filter = Filter::In { expr: column("i"), list: 0 };
    let items = Value::List(vec![Value::F64(1.0), Value::I64(2), Value::F64(3.0)]);
    let expected = "(`i` IN (?) OR `i` IN (CAST(? AS DECIMAL(65, 30)), CAST(? AS DECIMAL(65, 30))))";
    assert_eq!(condition(filter, &[items]), expected);
}

fn paths(names: &[&str]) -> Vec<Path> {
    names.iter().map(|name| Path::column(*name)).collect()
}

fn keyed() -> Selector {
    Selector::Keys { columns: paths(&["i", "d"]), guard: None }
}

fn insert(columns: &[&str]) -> Insert {
    Insert {
        into: TableRef::new("x"),
        columns: paths(columns),
        compute: vec![],
        on_error: OnError::Stop,
        check: None,
        returning: paths(&["i"]),
        others: false,
        need: vec![],
    }
}

/// The statement that `build` makes for a table.
fn written(gives_back: bool, build: impl FnOnce(&MySqlDialect<'_>, &Form) -> Result<Statement>) -> String {
    let table = table(true);
    let dialect = MySqlDialect { gives_back, ..MySqlDialect::of(&table) };
    build(&dialect, &Form::default()).unwrap().sql().to_owned()
}

#[test]
fn new_rows_fail_where_they_exist() {
    let plain = |columns: &[&str]| {
        let shape = Insert { returning: vec![], ..insert(columns) };
        written(false, |dialect, form| build::insert(dialect, &shape, form))
    };
    assert_eq!(plain(&["i", "s"]), "INSERT INTO `x` (`i`, `s`) VALUES (?, ?)");
    assert_eq!(plain(&[]), "INSERT INTO `x` () VALUES ()");
    let giving = written(true, |dialect, form| build::insert(dialect, &insert(&["s"]), form));
    assert_eq!(giving, "INSERT INTO `x` (`s`) VALUES (?) RETURNING `i`");
    let upsert = Upsert {
        into: TableRef::new("x"),
        key: paths(&["i"]),
        columns: paths(&["i", "s"]),
        existing: Existing::Merge,
        guard: None,
        check: None,
        on_error: OnError::Stop,
        returning: vec![],
        others: false,
        need: vec![],
    };
    let missing = written(false, |dialect, form| build::upsert_missing(dialect, &upsert, form));
    assert_eq!(missing, "INSERT INTO `x` (`i`, `s`) VALUES (?, ?)");
}

#[test]
fn rows_are_named_by_exact_keys_and_replaced_by_defaults() {
    let update = |mode| {
        let shape = Update {
            table: TableRef::new("x"),
            rows: keyed(),
            set: paths(&["s"]),
            compute: vec![],
            mode,
            check: None,
            on_error: OnError::Stop,
            returning: vec![],
            others: false,
            need: vec![],
        };
        let table = table(true);
        let columns = build::TableColumns { all: &table.writable, key: table.primary_key() };
        written(false, |dialect, form| build::update(dialect, &shape, form, columns))
    };
    let rows = " WHERE `i` = ? AND `d` = CAST(? AS DECIMAL(65, 30))";
    assert_eq!(update(UpdateMode::Merge), format!("UPDATE `x` SET `s` = ?{rows}"));
    let defaults =
        ["r", "f", "b", "day", "at", "t", "j", "e"].map(|name| format!("`{name}` = DEFAULT")).join(", ");
    assert_eq!(update(UpdateMode::Replace), format!("UPDATE `x` SET `s` = ?, {defaults}{rows}"));
    let delete = Delete {
        from: TableRef::new("x"),
        rows: keyed(),
        on_error: OnError::Stop,
        returning: vec![],
        others: false,
        need: vec![],
    };
    let deleted = written(false, |dialect, form| build::delete(dialect, &delete, form));
    assert_eq!(deleted, format!("DELETE FROM `x`{rows}"));
}

#[test]
fn rows_of_a_write_are_locked_before_and_read_behind() {
    let (x, i) = (TableRef::new("x"), Path::column("i"));
    let locked = written(false, |dialect, form| build::locked(dialect, &x, &keyed(), &paths(&["s"]), form));
    let rows = "WHERE `i` = ? AND `d` = CAST(? AS DECIMAL(65, 30))";
    assert_eq!(locked, format!("SELECT `s` FROM `x` {rows} FOR UPDATE"));
    let row = build::Reread { table: &x, name: &[(0, &i)], columns: &paths(&["s"]), check: None };
    let read = written(false, |dialect, form| build::reread(dialect, &row, form));
    assert_eq!(read, "SELECT `s` FROM `x` WHERE `i` = ?");
}

#[test]
fn nulls_need_a_sort_key_only_where_they_do_not_stand_by_themselves() {
    for (direction, nulls, expected) in [
        (Direction::Asc, Nulls::First, "`s`"),
        (Direction::Desc, Nulls::Last, "`s` DESC"),
        (Direction::Asc, Nulls::Last, "CASE WHEN `s` IS NULL THEN 1 ELSE 0 END, `s`"),
        (Direction::Desc, Nulls::First, "CASE WHEN `s` IS NULL THEN 0 ELSE 1 END, `s` DESC"),
    ] {
        let order = Order { by: Path::column("s"), direction, nulls: Some(nulls) };
        let shape = Query { order: vec![order], ..Query::new(TableRef::new("x"), paths(&["i"]), 0) };
        let read = written(false, |dialect, form| build::query(dialect, &shape, form));
        assert_eq!(read, format!("SELECT `i` FROM `x` ORDER BY {expected} LIMIT ?"));
    }
}

/// The class of a column of the samples.
fn class_of(sort: Sort) -> Class {
    match sort {
        Sort::Integer => Class::Integer,
        Sort::Numeric => Class::Decimal,
        Sort::Real => Class::Float,
        Sort::Double => Class::Double,
        Sort::Bytes => Class::Bytes,
        Sort::Boolean => Class::Boolean,
        Sort::Date => Class::Date,
        Sort::Time => Class::Time,
        Sort::Timestamp => Class::DateTime,
        Sort::Instant => Class::Timestamp,
        Sort::Uuid => Class::Uuid,
        Sort::Document => Class::Json,
        _ => Class::Text,
    }
}

#[test]
fn statements_are_those_of_the_snapshots() {
    let columns: HashMap<_, _> = COLUMNS.map(|(name, sort)| (name.to_owned(), class_of(sort).into())).into();
    for (is_mariadb, file) in [(false, "mysql.txt"), (true, "mariadb.txt")] {
        let table = TableInfo { columns: columns.clone(), ..table(is_mariadb) };
        let beside = [(TableRef::new("other"), MySqlDialect::of(&table))];
        let dialect = MySqlDialect { gives_back: is_mariadb, beside: &beside, ..MySqlDialect::of(&table) };
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/translate/statements");
        assert_snapshot(&dialect, &folder.join(file));
    }
}
