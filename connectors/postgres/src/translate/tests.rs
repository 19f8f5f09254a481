//! What the dialect says of each operator, as SQL.

use std::collections::HashMap;

use connector_api::author::{Direction, Filter, Group as Groups, Insert, OnError, Order, Query, TableRef};
use connector_sql_common::samples::{COLUMNS, assert_snapshot};
use connector_sql_common::{Form, build};

use super::*;
use crate::table::ColumnInfo;

fn described(class: Class) -> ColumnInfo {
    ColumnInfo { class, words: "a type".to_owned(), is_ordered: true, has_extremes: false }
}

fn table() -> TableInfo {
    let columns = [
        ("i", Class::Integer),
        ("n", Class::Numeric),
        ("r", Class::Real),
        ("d", Class::Double),
        ("m", Class::Money),
        ("t", Class::Text),
        ("e", Class::Label),
        ("b", Class::Boolean),
        ("u", Class::Uuid),
        ("day", Class::Date),
        ("j", Class::Json),
        ("k", Class::Jsonb),
        ("a", Class::Array(Item::Plain)),
        ("ae", Class::Array(Item::Text)),
        ("x", Class::Other),
        ("p", Class::Shown),
        ("c", Class::Folded),
        ("ip", Class::Inet),
    ];
    let columns: HashMap<_, _> =
        columns.into_iter().map(|(name, class)| (name.to_owned(), described(class))).collect();
    TableInfo {
        schema: "s".to_owned(),
        columns,
        writable: vec![],
        key: vec![],
        checked_by: None,
        is_given_back: true,
        unique: vec![],
    }
}

fn sql(shape: &Query, params: &[Value]) -> Result<String> {
    let table = table();
    let dialect = PostgresDialect::of(&table);
    let statement = build::query(&dialect, shape, &Form::of(&dialect, params))?;
    Ok(statement.sql().to_owned())
}

fn column(name: &str) -> Expr {
    Expr::Column(Path::column(name))
}

fn call(function: Function, args: &[Expr]) -> Expr {
    Expr::Call { function, args: args.to_vec() }
}

/// A filter becomes this condition. Its values come first among the parameters, the limit last.
fn check(filter: Filter, values: &[Value], expected: &str) {
    let limit = values.len();
    let shape =
        Query { filter: Some(filter), ..Query::new(TableRef::new("t"), vec![Path::column("i")], limit) };
    let params = [values, &[Value::I64(1)]].concat();
    let sql = sql(&shape, &params).unwrap();
    let behind = sql.split_once(" FROM \"t\" WHERE ");
    let condition = behind.and_then(|(_, rest)| rest.split_once(" LIMIT "));
    assert_eq!(condition.map(|(condition, _)| condition), Some(expected), "{sql}");
}

fn eq(left: Expr, right: Expr) -> Filter {
    Filter::Compare { op: CompareOp::Eq, left, right }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn numbers_are_told_the_type_in_which_they_compare_exactly() {
    for (name, value, expected) in [
        ("i", Value::I64(1), r#""i" = $1::int8"#),
        ("i", Value::F64(1.5), r#""i" = $1::numeric"#),
        ("i", Value::U64(u64::MAX), r#""i" = $1::numeric"#),
        ("n", Value::I64(1), r#""n" = $1::numeric"#),
        ("d", Value::I64(1), r#""d" = $1::float8"#),
        ("r", Value::F64(0.1), r#""r" = $1::float4"#),
        ("r", Value::I64(16_777_217), r#""r" = $1::float8"#),
        ("m", Value::Decimal("1.50".to_owned()), r#""m"::numeric = $1::numeric"#),
    ] {
        check(eq(column(name), Expr::Param(0)), &[value], expected);
    }
}

#[test]
fn other_values_take_the_type_of_what_stands_beside_them() {
    for (name, value, expected) in [
        ("t", text("x"), r#""t" = $1"#),
        ("e", text("x"), r#""e"::text = $1"#),
        ("b", Value::Bool(true), r#""b" = $1"#),
        ("day", text("2024-05-01"), r#""day" = $1"#),
        ("x", text("10.0.0.0/8"), r#""x" = $1"#),
        ("a", Value::List(vec![]), r#""a" = $1"#),
        ("j", Value::Json("1".to_owned()), r#""j"::jsonb = $1::jsonb"#),
    ] {
        check(eq(column(name), Expr::Param(0)), &[value], expected);
    }
}

#[test]
fn what_does_not_compare_is_false_and_unknown_for_null() {
    let never = r#"CASE WHEN "t" IS NOT NULL THEN FALSE END"#;
    check(eq(column("t"), Expr::Param(0)), &[Value::I64(1)], never);
    check(eq(column("t"), Expr::Param(0)), &[text("a\0")], never);
    check(eq(column("t"), Expr::Param(0)), &[Value::Null], "NULL::boolean");
    let ne = Filter::Compare { op: CompareOp::Ne, left: column("t"), right: column("i") };
    check(ne, &[], r#"CASE WHEN "t" IS NOT NULL AND "i" IS NOT NULL THEN TRUE END"#);
    check(
        eq(column("t"), column("day")),
        &[],
        r#"CASE WHEN "t" IS NOT NULL AND "day" IS NOT NULL THEN FALSE END"#,
    );
    check(eq(Expr::Param(0), Expr::Param(1)), &[Value::I64(1), text("1")], "FALSE");
    let ordered = Filter::Compare { op: CompareOp::Lt, left: column("k"), right: Expr::Param(0) };
    check(ordered, &[Value::Json("1".to_owned())], r#"CASE WHEN "k" IS NOT NULL THEN FALSE END"#);
}

#[test]
fn lists_are_one_array_for_each_kind() {
    let list = |items: Vec<Value>| Value::List(items);
    let of = |name| Filter::In { expr: column(name), list: 0 };
    check(of("i"), &[list(vec![Value::I64(1), Value::I64(2)])], r#""i" = ANY($1::int8[])"#);
    check(of("t"), &[list(vec![text("a")])], r#""t" = ANY($1)"#);
    check(
        of("i"),
        &[list(vec![Value::I64(1), Value::F64(0.5), text("a"), Value::Null])],
        r#"(NULL OR "i" = ANY($1::int8[]) OR "i" = ANY($2::numeric[]) OR CASE WHEN "i" IS NOT NULL THEN FALSE END)"#,
    );
}

#[test]
fn patterns_have_no_escape_character_and_plain_text_has_one() {
    let search = |op, name| Filter::Text { op, expr: column(name), pattern: 0 };
    check(search(TextOp::Like, "t"), &[text("a%")], r#""t" LIKE $1::text ESCAPE ''"#);
    check(search(TextOp::Ilike, "e"), &[text("a%")], r#""e"::text ILIKE $1::text ESCAPE ''"#);
    check(search(TextOp::Contains, "t"), &[text("a")], r#""t" LIKE $1 ESCAPE '!'"#);
    check(search(TextOp::Like, "x"), &[text("a%")], r#""x"::text LIKE $1::text ESCAPE ''"#);
    check(search(TextOp::Contains, "i"), &[text("a")], r#"CASE WHEN "i" IS NOT NULL THEN FALSE END"#);
}

#[test]
fn calculations_use_the_widest_type_and_are_null_for_what_is_no_number() {
    let half = |name| Expr::Arithmetic {
        op: ArithmeticOp::Div,
        left: Box::new(column(name)),
        right: Box::new(Expr::Param(0)),
    };
    let null = Filter::IsNull;
    check(null(half("i")), &[Value::I64(2)], r#"("i"::int8 / NULLIF($1::int8, 0)) IS NULL"#);
    check(null(half("r")), &[Value::F64(2.0)], r#"("r"::float8 / NULLIF($1::float8, 0)) IS NULL"#);
    check(null(half("t")), &[Value::I64(2)], "NULL::numeric IS NULL");
    let round = call(Function::Round, &[column("d"), Expr::Param(0)]);
    check(null(round), &[Value::I64(1)], r#"ROUND("d"::numeric, $1::int8::int4)::float8 IS NULL"#);
    check(null(call(Function::Length, &[column("e")])), &[], r#"CHAR_LENGTH("e"::text) IS NULL"#);
    check(null(call(Function::Length, &[column("i")])), &[], "NULL::text IS NULL");
}

#[test]
fn texts_of_values_do_not_depend_on_settings() {
    let like =
        |name| Filter::Text { op: TextOp::Like, expr: call(Function::Text, &[column(name)]), pattern: 0 };
    for (name, expected) in [
        ("i", r#""i"::text LIKE $1::text ESCAPE ''"#),
        ("day", r#"to_char("day", 'YYYY-MM-DD') LIKE $1::text ESCAPE ''"#),
        ("x", r#""x"::text LIKE $1::text ESCAPE ''"#),
        ("ip", r#"abbrev("ip") LIKE $1::text ESCAPE ''"#),
        ("b", "NULL::boolean"),
        ("k", "NULL::boolean"),
    ] {
        check(like(name), &[text("1%")], expected);
    }
}

#[test]
fn the_first_of_several_sorts_is_compared_as_what_it_is() {
    let mixed = call(Function::Coalesce, &[column("i"), column("t"), Expr::Param(0)]);
    check(
        eq(mixed.clone(), Expr::Param(1)),
        &[Value::Bool(true), text("x")],
        r#"CASE WHEN "i" IS NOT NULL THEN CASE WHEN "i" IS NOT NULL THEN FALSE END WHEN "t" IS NOT NULL THEN "t" = $1 WHEN TRUE THEN FALSE END"#,
    );
    check(
        Filter::IsNull(mixed),
        &[Value::Bool(true)],
        r#"COALESCE("i"::text, "t"::text, $1::boolean::text) IS NULL"#,
    );
    let exact = call(Function::Coalesce, &[column("i"), Expr::Param(0)]);
    check(
        eq(exact, Expr::Param(1)),
        &[Value::F64(0.5), Value::I64(1)],
        r#"COALESCE("i", $1::numeric) = $2::numeric"#,
    );
}

#[test]
fn types_that_the_driver_does_not_read_are_asked_for_as_text() {
    let select = ["i", "e", "m", "a", "ae", "x", "ip"].map(Path::column).to_vec();
    let shape = Query::new(TableRef::new("t"), select, 0);
    assert_eq!(
        sql(&shape, &[Value::I64(1)]).unwrap(),
        r#"SELECT "i", "e"::text, "m"::numeric, "a", "ae"::text::text[], "x"::text, abbrev("ip") FROM "t" LIMIT $1"#
    );
    let unknown = Query::new(TableRef::new("t"), vec![Path::column("")], 0);
    assert_eq!(sql(&unknown, &[Value::I64(1)]).unwrap_err().reason.as_deref(), Some("column_not_found"));
}

#[test]
fn aggregates_are_of_numbers_and_integers_stay_integers() {
    use AggregateFunction::{Avg, Max, Min, Sum};
    let aggregates = [(Sum, "i"), (Sum, "d"), (Avg, "t"), (Min, "b"), (Max, "u"), (Avg, "m"), (Max, "p")];
    let of = |aggregates: &[(AggregateFunction, &str)]| {
        let aggregates = aggregates.iter().map(|(function, of)| Aggregate {
            function: *function,
            of: Some(Path::column(*of)),
            distinct: false,
            name: format!("{function:?} {of}"),
        });
        let group = Groups { aggregates: aggregates.collect(), ..Groups::default() };
        sql(&Query { group: Some(group), ..Query::new(TableRef::new("t"), vec![], 0) }, &[Value::I64(1)])
    };
    let refused = of(&[(Min, "x")]).unwrap_err();
    assert_eq!(refused.message, "the column 'x' is of type a type, which has no MIN and no MAX");
    assert_eq!(
        of(&aggregates).unwrap(),
        r#"SELECT SUM("i")::int8, SUM("d"), NULL::numeric, BOOL_AND("b"), MAX("u"::text)::uuid, AVG("m"::numeric), MAX("p"::text) FROM "t" LIMIT $1"#
    );
}

#[test]
fn what_is_shown_once_is_ordered_as_it_is_and_not_as_it_is_shown() {
    let distinct = |name: &str| {
        let order = Order { by: Path::column(name), direction: Direction::Asc, nulls: None };
        let shape = Query::new(TableRef::new("t"), vec![Path::column(name)], 0);
        sql(&Query { distinct: true, order: vec![order], ..shape }, &[Value::I64(1)])
    };
    for (name, expected) in [
        ("ip", r#"SELECT abbrev("ip") FROM "t" GROUP BY "ip" ORDER BY "ip" LIMIT $1"#),
        ("p", r#"SELECT "p"::text FROM "t" GROUP BY "p"::text ORDER BY "p"::text LIMIT $1"#),
    ] {
        assert_eq!(distinct(name).unwrap(), expected);
    }
    let refused = distinct("j").unwrap_err();
    assert_eq!(
        refused.message,
        "the column 'j' is of type a type, which has no order and no equality; 'jsonb' has both"
    );
}

#[test]
fn what_may_become_of_another_type_unnoticed_stands_beside_what_is_wanted() {
    for (name, expected) in [
        ("r", r#"SELECT "i", CASE WHEN FALSE THEN "r" END FROM "t" WHERE "r" IS NULL LIMIT $1"#),
        ("day", r#"SELECT "i", CASE WHEN FALSE THEN "day" END FROM "t" WHERE "day" IS NULL LIMIT $1"#),
        ("t", r#"SELECT "i" FROM "t" WHERE "t" IS NULL LIMIT $1"#),
    ] {
        let shape = Query::new(TableRef::new("t"), vec![Path::column("i")], 0);
        let filter = Some(Filter::IsNull(column(name)));
        assert_eq!(sql(&Query { filter, ..shape }, &[Value::I64(1)]).unwrap(), expected);
    }
}

#[test]
fn labels_are_equal_as_texts_and_ordered_as_they_stand_in_their_type() {
    let compared = |op, name: &str| Filter::Compare { op, left: column(name), right: Expr::Param(0) };
    check(compared(CompareOp::Gt, "e"), &[text("a")], r#""e" > $1"#);
    check(compared(CompareOp::Ne, "e"), &[text("a")], r#""e"::text <> $1"#);
    check(compared(CompareOp::Gt, "p"), &[text("a")], r#""p"::text > $1"#);
    check(compared(CompareOp::Eq, "c"), &[text("a")], r#""c" = $1"#);
}

fn checked_insert(table: &TableInfo) -> String {
    let dialect = PostgresDialect::of(table);
    let shape = Insert {
        into: TableRef::new("t"),
        columns: vec![Path::column("t")],
        compute: vec![],
        on_error: OnError::Stop,
        check: Some(Filter::Always(true)),
        returning: vec![Path::column("e")],
        others: false,
        need: vec![],
    };
    build::insert(&dialect, &shape, &Form::default()).unwrap().sql().to_owned()
}

#[test]
fn a_row_that_triggers_may_change_is_named_for_a_later_check() {
    let table = TableInfo { checked_by: Some(vec!["i".to_owned(), "u".to_owned()]), ..table() };
    let expected = r#"INSERT INTO "t" ("t") VALUES ($1) RETURNING "e"::text, "i"::text, "u"::text, CASE WHEN FALSE THEN "t" END"#;
    assert_eq!(checked_insert(&table), expected);
}

#[test]
fn a_table_that_can_not_be_given_back_shows_no_types() {
    let table = TableInfo { is_given_back: false, ..table() };
    let expected =
        r#"INSERT INTO "t" ("t") VALUES ($1) RETURNING "e"::text, CASE WHEN 1 = 1 THEN 1 ELSE 0 END"#;
    assert_eq!(checked_insert(&table), expected);
}

/// The class of a column of the samples.
fn class_of(sort: Sort) -> Class {
    match sort {
        Sort::Integer => Class::Integer,
        Sort::Numeric => Class::Numeric,
        Sort::Real => Class::Real,
        Sort::Double => Class::Double,
        Sort::Bytes => Class::Bytes,
        Sort::Boolean => Class::Boolean,
        Sort::Date => Class::Date,
        Sort::Time => Class::Time,
        Sort::Timestamp => Class::Timestamp,
        Sort::Instant => Class::Instant,
        Sort::Uuid => Class::Uuid,
        Sort::Document => Class::Jsonb,
        _ => Class::Text,
    }
}

#[test]
fn statements_are_those_of_the_snapshot() {
    let column = |(name, sort): (&str, Sort)| (name.to_owned(), described(class_of(sort)));
    let mut columns: HashMap<_, _> = COLUMNS.map(column).into();
    // The value of a group, which conditions and orders name.
    columns.insert("result".to_owned(), described(Class::Integer));
    let table = TableInfo { columns, ..table() };
    let beside = [(TableRef::new("other"), PostgresDialect::of(&table))];
    let dialect = PostgresDialect { beside: &beside, ..PostgresDialect::of(&table) };
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/translate/statements.txt");
    assert_snapshot(&dialect, file.as_ref());
}
