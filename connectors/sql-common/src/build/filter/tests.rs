//! Every node and operator as text, in two dialects.

use connector_api::ErrorKind;
use connector_api::model::{ArithmeticOp, CompareOp, Path, TableRef, Value};

use super::*;
use crate::dialect::tests::{Ansi, Backticks};
use crate::{Dialect, Form};

fn column(name: &str) -> Expr {
    Expr::Column(Path::column(name))
}

fn compare(op: CompareOp, left: Expr, right: Expr) -> Filter {
    Filter::Compare { op, left, right }
}

fn eq(name: &str, param: Param) -> Filter {
    compare(CompareOp::Eq, column(name), Expr::Param(param))
}

fn render(dialect: &dyn Dialect, filter: &Filter, params: &[Value]) -> Result<String> {
    let form = Form::of(dialect, params);
    let mut builder = Builder::new(dialect, &form);
    builder.filter(filter)?;
    Ok(builder.finish().sql().to_owned())
}

fn check(filter: &Filter, ansi: &str, other: &str) {
    assert_eq!(render(&Ansi, filter, &[]).unwrap(), ansi);
    assert_eq!(render(&Backticks, filter, &[]).unwrap(), other);
}

#[test]
fn comparisons_have_their_signs() {
    for (op, sign) in [
        (CompareOp::Eq, "="),
        (CompareOp::Ne, "<>"),
        (CompareOp::Lt, "<"),
        (CompareOp::Le, "<="),
        (CompareOp::Gt, ">"),
        (CompareOp::Ge, ">="),
    ] {
        let filter = compare(op, column("a"), Expr::Param(0));
        check(&filter, &format!("\"a\" {sign} ?"), &format!("`a` {sign} $1"));
    }
}

#[test]
fn parentheses_keep_the_tree_s_own_grouping() {
    let filter = Filter::And(vec![
        Filter::Or(vec![eq("a", 0), eq("b", 1)]),
        Filter::Not(Box::new(Filter::And(vec![eq("c", 2), Filter::Always(false)]))),
        Filter::Always(true),
    ]);
    check(
        &filter,
        r#"("a" = ? OR "b" = ?) AND NOT ("c" = ? AND 1 = 0) AND 1 = 1"#,
        "(`a` = $1 OR `b` = $2) AND NOT (`c` = $3 AND 1 = 0) AND 1 = 1",
    );
}

#[test]
fn a_long_list_of_conditions_becomes_a_flat_tree() {
    let filter = Filter::Or((0..40).map(|param| eq("a", param)).collect());
    let text = render(&Ansi, &filter, &[]).unwrap();
    let depth = text.chars().scan(0, |depth: &mut i32, character| {
        *depth += i32::from(character == '(') - i32::from(character == ')');
        Some(*depth)
    });
    assert_eq!(depth.max(), Some(2));
    assert_eq!(text.matches('?').count(), 40);
}

#[test]
fn between_is_two_comparisons() {
    let filter = Filter::Between { expr: column("a"), low: Expr::Param(0), high: Expr::Param(1) };
    check(&filter, r#"("a" >= ? AND "a" <= ?)"#, "(`a` >= $1 AND `a` <= $2)");
}

#[test]
fn null_tests_take_any_value() {
    check(&Filter::IsNull(column("a")), r#""a" IS NULL"#, "`a` IS NULL");
    let sum = Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(column("a")),
        right: Box::new(Expr::Param(0)),
    };
    check(&Filter::IsNull(sum), r#"("a" + ?) IS NULL"#, "(`a` + $1) IS NULL");
}

#[test]
fn lists_are_padded_and_a_null_item_makes_no_match_unknown() {
    let filter = Filter::In { expr: column("a"), list: 0 };
    for (items, expected) in [(vec![1, 2, 3], r#""a" IN (?, ?, ?, ?)"#), (vec![1], r#""a" IN (?)"#)] {
        let list = Value::List(items.into_iter().map(Value::I64).collect());
        assert_eq!(render(&Ansi, &filter, &[list]).unwrap(), expected);
    }
    let with_null = Value::List(vec![Value::Null, Value::I64(1)]);
    assert_eq!(render(&Ansi, &filter, std::slice::from_ref(&with_null)).unwrap(), r#"("a" IN (?) OR NULL)"#);
    assert_eq!(render(&Ansi, &filter, &[Value::List(vec![Value::Null])]).unwrap(), "(NULL)");
    assert_eq!(render(&Backticks, &filter, &[with_null]).unwrap(), "(`a` = ANY($1) OR NULL)");
    assert_eq!(render(&Ansi, &filter, &[Value::List(vec![])]).unwrap_err().kind, ErrorKind::Internal);
}

#[test]
fn searches_are_like_with_and_without_escape() {
    for (op, ansi, other) in [
        (TextOp::Like, r#""a" LIKE ?"#, "`a` LIKE $1"),
        (TextOp::Ilike, r#"LOWER("a") LIKE LOWER(?)"#, "LOWER(`a`) LIKE LOWER($1)"),
        (TextOp::Contains, r#""a" LIKE ? ESCAPE '!'"#, "`a` LIKE $1 ESCAPE '!'"),
        (TextOp::StartsWith, r#""a" LIKE ? ESCAPE '!'"#, "`a` LIKE $1 ESCAPE '!'"),
        (TextOp::EndsWith, r#""a" LIKE ? ESCAPE '!'"#, "`a` LIKE $1 ESCAPE '!'"),
    ] {
        check(&Filter::Text { op, expr: column("a"), pattern: 0 }, ansi, other);
    }
}

#[test]
fn arithmetic_nests_and_never_divides_by_zero() {
    for (op, ansi) in [
        (ArithmeticOp::Add, r#""a" = ("b" + ("c" + ?))"#),
        (ArithmeticOp::Sub, r#""a" = ("b" - ("c" - ?))"#),
        (ArithmeticOp::Mul, r#""a" = ("b" * ("c" * ?))"#),
        (ArithmeticOp::Div, r#""a" = ("b" / NULLIF(("c" / NULLIF(?, 0)), 0))"#),
    ] {
        let inner = Expr::Arithmetic { op, left: Box::new(column("c")), right: Box::new(Expr::Param(0)) };
        let outer = Expr::Arithmetic { op, left: Box::new(column("b")), right: Box::new(inner) };
        let filter = compare(CompareOp::Eq, column("a"), outer);
        assert_eq!(render(&Ansi, &filter, &[]).unwrap(), ansi);
    }
}

#[test]
fn functions_have_their_standard_names() {
    let one = || vec![column("b")];
    for (function, args, ansi) in [
        (Function::Now, vec![], r#""a" = CURRENT_TIMESTAMP"#),
        (Function::CurrentDate, vec![], r#""a" = CURRENT_DATE"#),
        (Function::Lower, one(), r#""a" = LOWER("b")"#),
        (Function::Upper, one(), r#""a" = UPPER("b")"#),
        (Function::Trim, one(), r#""a" = TRIM("b")"#),
        (Function::Length, one(), r#""a" = CHAR_LENGTH("b")"#),
        (Function::Abs, one(), r#""a" = ABS("b")"#),
        (Function::Round, vec![column("b"), Expr::Param(0)], r#""a" = ROUND("b", ?)"#),
        (Function::Coalesce, vec![column("b"), column("c")], r#""a" = COALESCE("b", "c")"#),
        (Function::Text, vec![column("b")], r#""a" = CAST("b" AS CHARACTER VARYING)"#),
    ] {
        let filter = compare(CompareOp::Eq, column("a"), Expr::Call { function, args });
        assert_eq!(render(&Ansi, &filter, &[]).unwrap(), ansi);
    }
}

#[test]
fn related_rows_are_unsupported() {
    let filter = Filter::RelatedExists {
        table: TableRef::new("t"),
        on: vec![(Path::column("a"), Path::column("b"))],
        filter: Box::new(Filter::Always(true)),
    };
    assert_eq!(render(&Ansi, &filter, &[]).unwrap_err().kind, ErrorKind::Unsupported);
}
