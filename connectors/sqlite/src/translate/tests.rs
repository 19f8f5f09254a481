//! Statements as text, by operator and kind of parameter.

use connector_api::author::{Filter, Path, Query, TableRef};
use connector_sql_common::samples::{assert_changes, assert_snapshot};
use connector_sql_common::{Form, build};

use super::*;

fn condition(filter: Filter, params: &[Value]) -> String {
    let shape = Query { filter: Some(filter), ..Query::new(TableRef::new("t"), vec![Path::column("a")], 0) };
    let statement = build::query(&DIALECT, &shape, &Form::of(&DIALECT, params)).unwrap();
    let text = statement.sql().strip_prefix(r#"SELECT "a" FROM "t" WHERE "#).unwrap();
    text.rsplit_once(" LIMIT ?").unwrap().0.to_owned()
}

fn column(name: &str) -> Expr {
    Expr::Column(Path::column(name))
}

#[test]
fn comparisons_are_confined_to_the_kind_of_the_parameter() {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let text = Value::Text("x".into());
    let bytes = Value::Bytes(vec![]);
    for (op, param, expected) in [
        (Eq, &Value::I64(1), r#"("c" = ?1 AND +"c" < '')"#),
        (Ne, &Value::I64(1), r#"("c" <> ?1 OR +"c" >= '')"#),
        (Lt, &Value::I64(1), r#"("c" < ?1 AND +"c" < '')"#),
        (Gt, &Value::Bool(true), r#"("c" > ?1 AND +"c" < '')"#),
        (Eq, &text, r#"("c" = ?1 AND +"c" >= '')"#),
        (Ne, &text, r#"("c" <> ?1 OR +"c" < '')"#),
        (Le, &text, r#"("c" <= ?1 AND +"c" >= '')"#),
        (Ge, &text, r#"("c" >= ?1 AND +"c" >= '' AND +"c" < x'')"#),
        (Eq, &bytes, r#""c" = ?1"#),
        (Lt, &bytes, r#"("c" < ?1 AND +"c" >= x'')"#),
        (Gt, &bytes, r#""c" > ?1"#),
        (Gt, &Value::Null, r#""c" > ?1"#),
    ] {
        let filter = Filter::Compare { op, left: column("c"), right: Expr::Param(0) };
        assert_eq!(condition(filter, std::slice::from_ref(param)), expected, "{op:?} {param:?}");
    }
}

#[test]
fn two_columns_are_compared_bare_and_ordered_within_a_kind() {
    let compare = |op| condition(Filter::Compare { op, left: column("c"), right: column("d") }, &[]);
    assert_eq!(compare(CompareOp::Eq), r#"+"c" = +"d""#);
    assert_eq!(
        compare(CompareOp::Lt),
        r#"(+"c" < +"d" AND (+"c" < '') = (+"d" < '') AND (+"c" < x'') = (+"d" < x''))"#
    );
}

#[test]
fn a_list_has_a_part_for_each_kind() {
    let list = Value::List(vec![Value::I64(1), Value::Text("x".into()), Value::Null, Value::I64(2)]);
    let filter = Filter::In { expr: column("c"), list: 0 };
    assert_eq!(
        condition(filter, &[list]),
        r#"(NULL OR ("c" IN (?1, ?2) AND +"c" < '') OR ("c" IN (?3) AND +"c" >= ''))"#
    );
}

#[test]
fn searches_and_arithmetic_are_functions_of_ours() {
    for (op, expected) in [
        (TextOp::Like, r#"("c" LIKE ?1 AND +"c" >= '' AND +"c" < x'')"#),
        (TextOp::Ilike, r#"("c" LIKE ?1 AND +"c" >= '' AND +"c" < x'')"#),
        (TextOp::Contains, r#"tablegate_contains("c", ?1)"#),
        (TextOp::StartsWith, r#"tablegate_starts_with("c", ?1)"#),
        (TextOp::EndsWith, r#"tablegate_ends_with("c", ?1)"#),
    ] {
        let filter = Filter::Text { op, expr: column("c"), pattern: 0 };
        assert_eq!(condition(filter, &[Value::Text("x".into())]), expected);
    }
    for (op, expected) in [
        (ArithmeticOp::Add, r#"tablegate_add("c", ?1) IS NULL"#),
        (ArithmeticOp::Sub, r#"tablegate_sub("c", ?1) IS NULL"#),
        (ArithmeticOp::Mul, r#"tablegate_mul("c", ?1) IS NULL"#),
        (ArithmeticOp::Div, r#"tablegate_div("c", ?1) IS NULL"#),
    ] {
        let (left, right) = (Box::new(column("c")), Box::new(Expr::Param(0)));
        assert_eq!(
            condition(Filter::IsNull(Expr::Arithmetic { op, left, right }), &[Value::I64(1)]),
            expected
        );
    }
}

#[test]
fn a_rule_beside_a_part_that_may_fail_stays_a_condition() {
    let equals = |left, param| Filter::Compare { op: CompareOp::Eq, left, right: Expr::Param(param) };
    let (left, right) = (Box::new(column("c")), Box::new(Expr::Param(1)));
    let sum = Expr::Arithmetic { op: ArithmeticOp::Add, left, right };
    let list = Value::List(vec![Value::I64(1)]);
    let rule = Filter::In { expr: column("d"), list: 2 };
    assert_eq!(
        condition(
            Filter::And(vec![Filter::IsNull(sum), equals(column("c"), 0), rule]),
            &[Value::I64(1), Value::I64(2), list]
        ),
        r#"("c" = (SELECT ?1) AND +"c" < '') AND ("d" IN ((SELECT ?2)) AND +"d" < '') AND 1 = CASE WHEN ("c" = ?1 AND +"c" < '') AND ("d" IN (?2) AND +"d" < '') THEN CASE WHEN tablegate_add("c", ?3) IS NULL THEN 1 END END"#
    );
}

#[test]
fn statements_are_those_of_the_snapshot() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/translate/statements.txt");
    assert_snapshot(&DIALECT, file.as_ref());
}

#[test]
fn statements_of_changes_are_those_of_the_snapshot() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/translate/statements-changes.txt");
    assert_changes(&DIALECT, file.as_ref());
}
