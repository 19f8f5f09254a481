//! What is asked of which rows, as text.

use connector_api::model::{ArithmeticOp, CompareOp, Path};

use super::*;
use crate::dialect::tests::{Ansi, Backticks};
use crate::{Dialect, Form};

fn column(name: &str) -> Expr {
    Expr::Column(Path::column(name))
}

fn equals(left: Expr, param: usize) -> Filter {
    Filter::Compare { op: CompareOp::Eq, left, right: Expr::Param(param) }
}

fn rule() -> Filter {
    equals(column("owner"), 0)
}

fn sum() -> Expr {
    let (left, right) = (Box::new(column("a")), Box::new(Expr::Param(1)));
    Expr::Arithmetic { op: ArithmeticOp::Add, left, right }
}

fn text(dialect: &dyn Dialect, key: &[&Path], filter: Filter) -> String {
    let form = Form::default();
    let mut to = Builder::new(dialect, &form);
    let key: Vec<_> = key.iter().copied().enumerate().collect();
    to.keyed_condition(&key, Some(&filter)).unwrap();
    to.finish().sql().to_owned()
}

fn check(filter: Filter, expected: &str) {
    assert_eq!(text(&Ansi, &[], filter), expected);
}

#[test]
fn a_part_that_may_fail_is_asked_only_where_the_others_hold() {
    let expected = r#""owner" = ? AND 1 = CASE WHEN "owner" = ? THEN CASE WHEN ("a" + ?) = ? THEN 1 END END"#;
    check(Filter::And(vec![rule(), equals(sum(), 2)]), expected);
    check(Filter::And(vec![equals(sum(), 2), rule()]), expected);
    let other = "`owner` = $1 AND 1 = CASE WHEN `owner` = $2 THEN CASE WHEN (`a` + $3) = $4 THEN 1 END END";
    assert_eq!(text(&Backticks, &[], Filter::And(vec![equals(sum(), 2), rule()])), other);
}

#[test]
fn conjunctions_within_one_another_are_one() {
    let inner = Filter::And(vec![equals(sum(), 2), equals(column("b"), 3)]);
    check(
        Filter::And(vec![inner, rule()]),
        r#""b" = ? AND "owner" = ? AND 1 = CASE WHEN "b" = ? AND "owner" = ? THEN CASE WHEN ("a" + ?) = ? THEN 1 END END"#,
    );
}

#[test]
fn a_part_may_fail_as_a_whole() {
    let either = Filter::Or(vec![rule(), equals(sum(), 2)]);
    check(
        Filter::And(vec![Filter::Not(Box::new(either.clone())), rule(), either]),
        r#""owner" = ? AND 1 = CASE WHEN "owner" = ? THEN CASE WHEN NOT ("owner" = ? OR ("a" + ?) = ?) AND ("owner" = ? OR ("a" + ?) = ?) THEN 1 END END"#,
    );
}

#[test]
fn a_key_is_a_part_that_can_not_fail() {
    assert_eq!(
        text(&Ansi, &[&Path::column("id")], equals(sum(), 2)),
        r#""id" = ? AND 1 = CASE WHEN "id" = ? THEN CASE WHEN ("a" + ?) = ? THEN 1 END END"#
    );
    assert_eq!(text(&Ansi, &[&Path::column("id")], rule()), r#""id" = ? AND "owner" = ?"#);
}

#[test]
fn without_a_part_of_the_other_kind_nothing_is_repeated() {
    check(equals(sum(), 2), r#"("a" + ?) = ?"#);
    check(Filter::And(vec![rule(), equals(column("b"), 1)]), r#""owner" = ? AND "b" = ?"#);
}

#[test]
fn patterns_and_rounding_may_fail_but_plain_searches_and_cases_do_not() {
    let search = |op| Filter::Text { op, expr: column("a"), pattern: 1 };
    let call = |function| equals(Expr::Call { function, args: vec![column("a")] }, 1);
    for (filter, expected) in [
        (search(TextOp::Like), true),
        (search(TextOp::Ilike), true),
        (search(TextOp::Contains), false),
        (search(TextOp::StartsWith), false),
        (call(Function::Abs), true),
        (call(Function::Round), true),
        (call(Function::Lower), false),
        (Filter::IsNull(sum()), true),
        (Filter::In { expr: sum(), list: 2 }, true),
        (Filter::Between { expr: column("a"), low: Expr::Param(0), high: sum() }, true),
        (equals(Expr::Call { function: Function::Coalesce, args: vec![column("a"), sum()] }, 1), true),
    ] {
        assert_eq!(may_fail(&filter), expected, "{filter:?}");
    }
}
