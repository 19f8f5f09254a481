//! The reference against tables written by hand, so that it is not its own judge.

use super::*;

const T: Truth = Some(true);
const F: Truth = Some(false);
const U: Truth = None;

fn check(filter: &Filter, params: &[Value]) -> Truth {
    Reference::default().test(filter, params, Row { columns: &[], cells: &[] }).unwrap()
}

/// A filter with this truth over the parameters 1, 2, null.
fn truth(truth: Truth) -> Filter {
    let right = Expr::Param(match truth {
        T => 0,
        F => 1,
        _ => 2,
    });
    Filter::Compare { op: CompareOp::Eq, left: Expr::Param(0), right }
}

fn one_two_null() -> Vec<Value> {
    vec![Value::I64(1), Value::I64(2), Value::Null]
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn and_or_not_follow_the_truth_tables_of_the_sql_standard() {
    for (a, b, and, or) in [
        (T, T, T, T),
        (T, F, F, T),
        (T, U, U, T),
        (F, T, F, T),
        (F, F, F, F),
        (F, U, F, U),
        (U, T, U, T),
        (U, F, F, U),
        (U, U, U, U),
    ] {
        let parts = || vec![truth(a), truth(b)];
        assert_eq!(check(&Filter::And(parts()), &one_two_null()), and, "{a:?} and {b:?}");
        assert_eq!(check(&Filter::Or(parts()), &one_two_null()), or, "{a:?} or {b:?}");
    }
    for (a, not) in [(T, F), (F, T), (U, U)] {
        assert_eq!(check(&Filter::Not(Box::new(truth(a))), &one_two_null()), not);
    }
}

#[test]
fn comparisons_follow_order_null_and_kind() {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let big = Value::I64(9_007_199_254_740_993);
    for (left, right, expected) in [
        // In this order:                          =  <> <  <= >  >=
        (Value::I64(1), Value::I64(2), [F, T, T, T, F, F]),
        (Value::I64(2), Value::F64(2.0), [T, F, F, T, F, T]),
        (Value::I64(-1), Value::F64(-1.5), [F, T, F, F, T, T]),
        (Value::F64(-0.0), Value::I64(0), [T, F, F, T, F, T]),
        (big.clone(), Value::F64(9_007_199_254_740_992.0), [F, T, F, F, T, T]),
        (big, Value::Decimal("9007199254740993.00".into()), [T, F, F, T, F, T]),
        (Value::Decimal("-0.5".into()), Value::F64(-0.5), [T, F, F, T, F, T]),
        (Value::Decimal("10.0".into()), Value::I64(9), [F, T, F, F, T, T]),
        (text("a"), text("B"), [F, T, F, F, T, T]),
        (text("a"), text("A"), [F, T, F, F, T, T]),
        (Value::Bool(false), Value::Bool(true), [F, T, T, T, F, F]),
        (text("1"), Value::I64(1), [F, T, F, F, F, F]),
        (Value::Bool(true), Value::I64(1), [F, T, F, F, F, F]),
        (Value::Null, Value::I64(1), [U; 6]),
        (text("a"), Value::Absent, [U; 6]),
        (Value::Null, Value::Null, [U; 6]),
    ] {
        let found = [Eq, Ne, Lt, Le, Gt, Ge].map(|op| {
            let filter = Filter::Compare { op, left: Expr::Param(0), right: Expr::Param(1) };
            check(&filter, &[left.clone(), right.clone()])
        });
        assert_eq!(found, expected, "{left:?} {right:?}");
    }
}

#[test]
fn in_and_between_and_is_null_handle_null_as_sql_does() {
    let list = |items: &[Value]| Value::List(items.to_vec());
    let (one, two, null) = (Value::I64(1), Value::I64(2), Value::Null);
    for (value, items, expected) in [
        (&one, list(&[two.clone(), one.clone()]), T),
        (&one, list(&[null.clone(), one.clone()]), T),
        (&one, list(&[null.clone(), two.clone()]), U),
        (&one, list(&[text("1"), two.clone()]), F),
        (&null, list(std::slice::from_ref(&one)), U),
    ] {
        let filter = Filter::In { expr: Expr::Param(0), list: 1 };
        assert_eq!(check(&filter, &[value.clone(), items.clone()]), expected, "{value:?} in {items:?}");
    }
    for (value, low, high, expected) in [
        (1, &one, &two, T),
        (2, &one, &two, T),
        (3, &null, &two, F),
        (1, &null, &two, U),
        (0, &one, &null, F),
    ] {
        let filter = Filter::Between { expr: Expr::Param(0), low: Expr::Param(1), high: Expr::Param(2) };
        assert_eq!(check(&filter, &[Value::I64(value), low.clone(), high.clone()]), expected, "{value}");
    }
    for (value, expected) in [(Value::Null, T), (Value::Absent, T), (text(""), F), (Value::I64(0), F)] {
        assert_eq!(check(&Filter::IsNull(Expr::Param(0)), &[value]), expected);
    }
}

#[test]
fn texts_are_searched_as_the_contract_says() {
    use TextOp::{Contains, EndsWith, Ilike, Like, StartsWith};
    for (op, value, pattern, expected) in [
        (Like, "abc", "A_C", T),
        (Like, "abc", "%", T),
        (Like, "abc", "%b", F),
        (Like, "a\\%", "a\\%", T),
        (Like, "é", "É", F),
        (Ilike, "日A", "_a", T),
        (Contains, "50% off", "% O", T),
        (Contains, "abc", "a_c", F),
        (StartsWith, "abc", "AB", T),
        (StartsWith, "abc", "b", F),
        (EndsWith, "abc", "BC", T),
        (EndsWith, "abc", "b", F),
    ] {
        let filter = Filter::Text { op, expr: Expr::Param(0), pattern: 1 };
        assert_eq!(check(&filter, &[text(value), text(pattern)]), expected, "{value} {op:?} {pattern}");
        assert_eq!(check(&filter, &[Value::Null, text(pattern)]), U);
        assert_eq!(check(&filter, &[text(value), Value::Null]), U);
        assert_eq!(check(&filter, &[Value::I64(1), text(pattern)]), F);
    }
}

#[test]
fn expressions_follow_the_words_of_the_contract() {
    let reference = Reference::default();
    let int = Value::I64;
    for (op, left, right, expected) in [
        (ArithmeticOp::Div, int(-7), int(2), int(-3)),
        (ArithmeticOp::Div, int(7), int(0), Value::Null),
        (ArithmeticOp::Div, int(7), Value::F64(2.0), Value::F64(3.5)),
        (ArithmeticOp::Add, int(7), Value::Null, Value::Null),
        (ArithmeticOp::Sub, int(7), int(9), int(-2)),
        (ArithmeticOp::Mul, int(7), Value::F64(0.5), Value::F64(3.5)),
    ] {
        assert_eq!(reference.calculate(op, left, right), Ok(expected));
    }
    for (function, args, expected) in [
        (Function::Lower, vec![text("Éa B")], text("Éa b")),
        (Function::Upper, vec![text("éa")], text("éA")),
        (Function::Trim, vec![text("  a ")], text("a")),
        (Function::Length, vec![text("日a")], int(2)),
        (Function::Abs, vec![int(-3)], int(3)),
        (Function::Round, vec![Value::F64(-2.5)], Value::F64(-3.0)),
        (Function::Round, vec![Value::F64(0.125), int(2)], Value::F64(0.13)),
        (Function::Round, vec![Value::F64(9.875), int(1)], Value::F64(9.9)),
        (Function::Round, vec![Value::F64(1.0), Value::Null], Value::Null),
        (Function::Round, vec![Value::Decimal("-2.50".to_owned())], Value::Decimal("-3".to_owned())),
        (Function::Round, vec![Value::Decimal("0.05".to_owned()), int(1)], Value::Decimal("0.1".to_owned())),
        (Function::Coalesce, vec![Value::Null, int(2), int(3)], int(2)),
        (Function::Lower, vec![Value::Null], Value::Null),
        (Function::Text, vec![int(-12)], text("-12")),
        (Function::Text, vec![Value::F64(10.0)], text("10")),
        (Function::Text, vec![Value::Decimal("1.50".to_owned())], text("1.50")),
        (Function::Concat, vec![text("a"), int(-1), text("")], text("a-1")),
        (Function::Concat, vec![text("a"), Value::Null], Value::Null),
    ] {
        assert_eq!(reference.call(function, &args), Ok(expected), "{function:?} {args:?}");
    }
}

#[test]
fn a_store_without_booleans_compares_them_as_numbers() {
    let equal = Filter::Compare { op: CompareOp::Eq, left: Expr::Param(0), right: Expr::Param(1) };
    let listed = Filter::In { expr: Expr::Param(1), list: 2 };
    let params = [Value::Bool(true), Value::I64(1), Value::List(vec![Value::Bool(true)])];
    for (booleans_are_numbers, expected) in [(false, F), (true, T)] {
        let reference = Reference { booleans_are_numbers, ..Reference::default() };
        for filter in [&equal, &listed] {
            let found = reference.test(filter, &params, Row { columns: &[], cells: &[] });
            assert_eq!(found, Ok(expected), "{filter:?}");
        }
    }
}

#[test]
fn what_the_contract_leaves_open_is_undefined() {
    let sum = Reference::default().calculate(ArithmeticOp::Add, Value::I64(i64::MAX), Value::I64(1));
    assert_eq!(sum, Err(Undefined("an integer out of range")));
    let length = Reference::default().call(Function::Length, &[Value::I64(1)]);
    assert!(length.is_err());
}
