//! The evaluator against truth tables and worked examples.

use std::cmp::Ordering;

use connector_api::author::{
    ArithmeticOp, CompareOp, Date, Direction, ErrorKind, Expr, Filter, Function, Instant, Nulls, Order, Path,
    TableRef, TextOp, Timestamp, Value,
};

use super::{Condition, compare_by, compare_values, member};

mod group;

const TRUTHS: [Option<bool>; 3] = [Some(true), Some(false), None];

fn no_columns(_: &Path) -> connector_api::Result<&'static Value> {
    panic!("the test has no columns")
}

/// Tests a filter that names no column.
fn check(filter: &Filter, params: &[Value]) -> Option<bool> {
    Condition::new(Some(filter), params).unwrap().test(&no_columns).unwrap()
}

/// A filter with this truth: a comparison of the parameters 0 (one), 1 (two) and 2 (null).
fn truth(value: Option<bool>) -> Filter {
    let right = match value {
        Some(true) => 0,
        Some(false) => 1,
        None => 2,
    };
    Filter::Compare { op: CompareOp::Eq, left: Expr::Param(0), right: Expr::Param(right) }
}

fn numbers() -> Vec<Value> {
    vec![Value::I64(1), Value::I64(2), Value::Null]
}

fn compare(op: CompareOp, left: &Value, right: &Value) -> Option<bool> {
    let filter = Filter::Compare { op, left: Expr::Param(0), right: Expr::Param(1) };
    check(&filter, &[left.clone(), right.clone()])
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.to_owned())
}

fn calculate(op: ArithmeticOp, left: Value, right: Value) -> connector_api::Result<Value> {
    super::arithmetic::combine(op, &left, &right)
}

fn call(function: Function, args: &[Value]) -> Value {
    let now = Instant { at: Timestamp { seconds: 86_400 * 3 + 5, nanos: 0 }, offset: None };
    let args: Vec<_> = args.iter().map(std::borrow::Cow::Borrowed).collect();
    super::function::call(function, &args, now).unwrap()
}

#[test]
fn and_or_not_follow_the_three_valued_tables_of_the_sql_standard() {
    let and = [[Some(true), Some(false), None], [Some(false); 3], [None, Some(false), None]];
    let or = [[Some(true); 3], [Some(true), Some(false), None], [Some(true), None, None]];
    for (row, left) in TRUTHS.into_iter().enumerate() {
        for (column, right) in TRUTHS.into_iter().enumerate() {
            let both = || vec![truth(left), truth(right)];
            assert_eq!(check(&Filter::And(both()), &numbers()), and[row][column], "{left:?} and {right:?}");
            assert_eq!(check(&Filter::Or(both()), &numbers()), or[row][column], "{left:?} or {right:?}");
        }
        let not = Filter::Not(Box::new(truth(left)));
        assert_eq!(check(&not, &numbers()), [Some(false), Some(true), None][row]);
    }
}

#[test]
fn a_comparison_with_null_or_absent_is_unknown_and_is_null_is_not() {
    for null in [Value::Null, Value::Absent] {
        for op in [CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge] {
            assert_eq!(compare(op, &null, &Value::I64(1)), None);
            assert_eq!(compare(op, &text("a"), &null), None);
            assert_eq!(compare(op, &null, &null), None);
        }
        assert_eq!(check(&Filter::IsNull(Expr::Param(0)), &[null]), Some(true));
    }
    assert_eq!(check(&Filter::IsNull(Expr::Param(0)), &[text("")]), Some(false));
}

/// One value of each kind, in the order of kinds.
fn kinds() -> Vec<Value> {
    vec![
        Value::Bool(true),
        Value::I64(1),
        Value::Date(Date(1)),
        Value::Time(1),
        Value::Timestamp(Timestamp { seconds: 1, nanos: 0 }),
        Value::Instant(Instant { at: Timestamp { seconds: 1, nanos: 0 }, offset: None }),
        Value::Uuid([1; 16]),
        text("1"),
        Value::Bytes(b"1".to_vec()),
        Value::List(vec![Value::I64(1)]),
        Value::Extension("x".into(), Box::new(Value::I64(1))),
    ]
}

#[test]
fn values_of_different_kinds_are_not_equal_and_have_no_order() {
    for (i, left) in kinds().iter().enumerate() {
        for (j, right) in kinds().iter().enumerate() {
            if i != j {
                assert_eq!(compare(CompareOp::Eq, left, right), Some(false), "{left:?} {right:?}");
                assert_eq!(compare(CompareOp::Ne, left, right), Some(true), "{left:?} {right:?}");
                for op in [CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge] {
                    assert_eq!(compare(op, left, right), Some(false), "{left:?} {right:?}");
                }
            }
            assert_eq!(compare_values(left, right), i.cmp(&j), "{left:?} {right:?}");
        }
    }
}

#[test]
fn numbers_compare_by_their_exact_value_whatever_their_types() {
    let big = 9_007_199_254_740_993_i64;
    for (left, right, expected) in [
        (Value::I64(big), Value::F64(9_007_199_254_740_992.0), Ordering::Greater),
        (Value::I64(big), decimal("9007199254740993.0"), Ordering::Equal),
        (Value::I64(big), decimal("9007199254740993.00000000000000000001"), Ordering::Less),
        (Value::I64(i64::MAX), Value::U64(u64::MAX), Ordering::Less),
        (Value::U64(u64::MAX), Value::F64(18_446_744_073_709_551_616.0), Ordering::Less),
        (Value::I64(-1), Value::U64(1), Ordering::Less),
        (Value::F32(0.5), decimal("0.50"), Ordering::Equal),
        (Value::F64(0.1), decimal("0.1"), Ordering::Greater),
        (Value::F32(0.1), Value::F64(0.1), Ordering::Greater),
        (Value::F64(-0.0), Value::I64(0), Ordering::Equal),
        (decimal("-0.00"), Value::I64(0), Ordering::Equal),
        (decimal("1E+999999999999999999999"), Value::F64(f64::MAX), Ordering::Greater),
        (decimal("1E-999999999999999999999"), Value::I64(0), Ordering::Greater),
        (decimal("-12.5"), decimal("-12.50001"), Ordering::Greater),
        (decimal("100"), decimal("1E2"), Ordering::Equal),
        (decimal("99"), decimal("100"), Ordering::Less),
        (Value::F64(f64::INFINITY), decimal("1E400"), Ordering::Greater),
        (Value::F64(f64::NEG_INFINITY), Value::I64(i64::MIN), Ordering::Less),
        (Value::F64(f64::NAN), Value::F64(f64::INFINITY), Ordering::Greater),
        (Value::F64(f64::NAN), Value::I64(i64::MAX), Ordering::Greater),
        (Value::F64(f64::NAN), Value::F64(f64::NAN), Ordering::Equal),
    ] {
        assert_eq!(compare_values(&left, &right), expected, "{left:?} {right:?}");
        assert_eq!(compare_values(&right, &left), expected.reverse(), "{right:?} {left:?}");
        assert_eq!(compare(CompareOp::Eq, &left, &right), Some(expected.is_eq()));
        assert_eq!(compare(CompareOp::Lt, &left, &right), Some(expected.is_lt()));
    }
}

#[test]
fn documents_are_equal_by_content_and_never_ordered() {
    let object = |members: &[(&str, Value)]| {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    let one = object(&[("a", Value::I64(1)), ("b", Value::Null)]);
    let same = object(&[("b", Value::Null), ("a", Value::F64(1.0))]);
    let other = object(&[("a", Value::I64(1)), ("b", Value::Absent)]);
    assert_eq!(compare(CompareOp::Eq, &one, &same), Some(true));
    assert_eq!(compare(CompareOp::Eq, &one, &other), Some(false));
    assert_eq!(compare(CompareOp::Le, &one, &same), Some(false));
    assert_eq!(compare(CompareOp::Eq, &Value::Json("[1]".into()), &Value::Json("[1]".into())), Some(true));
    assert_eq!(compare(CompareOp::Eq, &Value::Json("[1]".into()), &Value::Json("[ 1]".into())), Some(false));
}

#[test]
fn instants_compare_without_their_offsets() {
    let at = Timestamp { seconds: 7, nanos: 1 };
    let (utc, east) = (Instant { at, offset: None }, Instant { at, offset: Some(3600) });
    assert_eq!(compare(CompareOp::Eq, &Value::Instant(utc), &Value::Instant(east)), Some(true));
}

#[test]
fn in_a_list_with_null_is_true_or_unknown_never_false() {
    let filter = Filter::In { expr: Expr::Param(0), list: 1 };
    let list = |items: &[Value]| Value::List(items.to_vec());
    let (one, two) = (Value::I64(1), Value::I64(2));
    for (value, items, expected) in [
        (one.clone(), list(&[two.clone(), one.clone()]), Some(true)),
        (one.clone(), list(&[Value::Null, Value::F64(1.0)]), Some(true)),
        (one.clone(), list(&[two.clone(), Value::Null]), None),
        (one.clone(), list(&[two.clone(), text("1")]), Some(false)),
        (Value::Null, list(&[one.clone(), two.clone()]), None),
        (one, list(&[]), Some(false)),
    ] {
        assert_eq!(check(&filter, &[value.clone(), items.clone()]), expected, "{value:?} in {items:?}");
    }
}

#[test]
fn between_includes_both_bounds_and_is_false_when_one_bound_decides() {
    let filter = Filter::Between { expr: Expr::Param(0), low: Expr::Param(1), high: Expr::Param(2) };
    let number = Value::I64;
    for (value, low, high, expected) in [
        (number(1), number(1), number(3), Some(true)),
        (number(3), number(1), number(3), Some(true)),
        (number(4), number(1), number(3), Some(false)),
        (number(2), number(3), number(1), Some(false)),
        (number(4), Value::Null, number(3), Some(false)),
        (number(2), Value::Null, number(3), None),
        (number(0), number(1), Value::Null, Some(false)),
        (Value::Null, number(1), number(3), None),
        (text("2"), number(1), number(3), Some(false)),
    ] {
        assert_eq!(check(&filter, &[value.clone(), low, high]), expected, "{value:?}");
    }
}

#[test]
fn text_operators_ignore_the_case_of_ascii_letters_only() {
    use TextOp::{Contains, EndsWith, Ilike, Like, StartsWith};
    for (op, value, pattern, expected) in [
        (Like, "Straße", "str%", true),
        (Ilike, "Straße", "STRA_E", true),
        (Like, "É", "é", false),
        (Like, "日本", "__", true),
        (Like, "日本", "_", false),
        (Like, "", "%", true),
        (Like, "", "", true),
        (Like, "a", "", false),
        (Like, "abc", "a%c%", true),
        (Like, "abcabd", "%ab_", true),
        (Like, "abcabd", "%abc", false),
        (Like, "mississippi", "m%iss%ip%", true),
        (Like, "a\\%", "a\\%", true),
        (Like, "100%", "100", false),
        (Contains, "100% Sure", "% s", true),
        (Contains, "100 sure", "%", false),
        (Contains, "abc", "", true),
        (Contains, "ab", "abc", false),
        (StartsWith, "Über", "Ü", true),
        (StartsWith, "Über", "über", false),
        (StartsWith, "a_b", "A_", true),
        (EndsWith, "naïve", "ÏVE", false),
        (EndsWith, "naïve", "VE", true),
        (EndsWith, "e", "ve", false),
    ] {
        let filter = Filter::Text { op, expr: Expr::Param(0), pattern: 1 };
        assert_eq!(check(&filter, &[text(value), text(pattern)]), Some(expected), "{value} {op:?} {pattern}");
        assert_eq!(check(&filter, &[Value::Null, text(pattern)]), None);
        assert_eq!(check(&filter, &[text(value), Value::Null]), None);
        assert_eq!(check(&filter, &[Value::I64(100), text(pattern)]), Some(false), "not a text");
    }
}

#[test]
fn stores_that_mind_case_mind_it_in_all_searches_but_one() {
    use TextOp::{Contains, EndsWith, Ilike, Like, StartsWith};
    for (op, pattern, expected) in [
        (Like, "h_l%", false),
        (Like, "H_l%", true),
        (Ilike, "h_l%", true),
        (Contains, "LL", false),
        (Contains, "ll", true),
        (StartsWith, "he", false),
        (StartsWith, "He", true),
        (EndsWith, "LO", false),
        (EndsWith, "lo", true),
    ] {
        let filter = Filter::Text { op, expr: Expr::Param(0), pattern: 1 };
        let params = [text("Hello"), text(pattern)];
        let condition = Condition::new(Some(&filter), &params).unwrap().minding_case();
        assert_eq!(condition.test(&no_columns), Ok(Some(expected)), "{op:?} {pattern}");
    }
}

#[test]
fn a_hostile_pattern_ends() {
    let filter = Filter::Text { op: TextOp::Like, expr: Expr::Param(0), pattern: 1 };
    let params = [text(&"a".repeat(5000)), text(&format!("{}b", "%a".repeat(500)))];
    assert_eq!(check(&filter, &params), Some(false));
}

#[test]
fn arithmetic_keeps_integers_and_decimals_exact() {
    use ArithmeticOp::{Add, Div, Mul, Sub};
    for (op, left, right, expected) in [
        (Div, Value::I64(7), Value::I64(2), Value::I64(3)),
        (Div, Value::I64(-7), Value::I64(2), Value::I64(-3)),
        (Div, Value::I64(7), Value::F64(2.0), Value::F64(3.5)),
        (Div, Value::I64(7), Value::I64(0), Value::Null),
        (Div, Value::I64(7), Value::F64(-0.0), Value::Null),
        (Div, decimal("1"), decimal("0.00"), Value::Null),
        (Div, decimal("2"), Value::I64(3), decimal("0.666666666666666667")),
        (Div, decimal("-2"), Value::I64(3), decimal("-0.666666666666666667")),
        (Add, Value::I64(i64::MAX), Value::I64(1), Value::U64(1 << 63)),
        (Add, decimal("0.1"), decimal("0.2"), decimal("0.3")),
        (Sub, decimal("9007199254740993"), Value::I64(1), decimal("9007199254740992")),
        (Mul, decimal("1.5"), Value::I64(-2), decimal("-3")),
        (Mul, Value::Null, Value::I64(1), Value::Null),
        (Mul, text("3"), Value::I64(1), Value::Null),
    ] {
        assert_eq!(
            calculate(op, left.clone(), right.clone()).unwrap(),
            expected,
            "{left:?} {op:?} {right:?}"
        );
    }
    for (op, left, right) in [
        (Sub, Value::I64(i64::MIN), Value::I64(1)),
        (Mul, Value::U64(u64::MAX), Value::U64(u64::MAX)),
        (Mul, Value::F64(f64::MAX), Value::I64(2)),
        (Add, decimal("1E60"), decimal("1E-60")),
    ] {
        let error = calculate(op, left, right).unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::InvalidRequest, Some("out_of_range")));
    }
}

#[test]
fn a_part_that_fails_is_told_only_where_no_other_part_excludes_the_row() {
    let product = Expr::Arithmetic {
        op: ArithmeticOp::Mul,
        left: Box::new(Expr::Param(3)),
        right: Box::new(Expr::Param(3)),
    };
    let fails = Filter::Compare { op: CompareOp::Eq, left: product, right: Expr::Param(0) };
    let params = [numbers(), vec![Value::U64(u64::MAX)]].concat();
    let matches = |filter: &Filter| {
        Condition::new(Some(filter), &params).unwrap().matches(&no_columns).map_err(|error| error.kind)
    };
    for (other, expected) in
        [(Some(true), Err(ErrorKind::InvalidRequest)), (Some(false), Ok(false)), (None, Ok(false))]
    {
        let inner = Filter::And(vec![fails.clone(), truth(Some(true))]);
        for parts in [[fails.clone(), truth(other)], [truth(other), fails.clone()], [inner, truth(other)]] {
            assert_eq!(matches(&Filter::And(parts.to_vec())), expected, "{other:?}");
        }
    }
}

#[test]
fn functions_work_on_their_kind_and_give_null_for_others() {
    use Function::{Abs, Coalesce, CurrentDate, Length, Lower, Round, Text, Trim, Upper};
    let number = Value::I64;
    for (function, args, expected) in [
        (Lower, vec![text("ÀB")], text("Àb")),
        (Upper, vec![text("ab")], text("AB")),
        (Trim, vec![text(" \ta ")], text("\ta")),
        (Length, vec![text("日本x")], number(3)),
        (Length, vec![number(12)], Value::Null),
        (Abs, vec![number(i64::MIN)], Value::U64(1 << 63)),
        (Abs, vec![decimal("-1.5")], decimal("1.5")),
        (Abs, vec![Value::Null], Value::Null),
        (Round, vec![Value::F64(2.5)], Value::F64(3.0)),
        (Round, vec![Value::F64(-2.5)], Value::F64(-3.0)),
        (Round, vec![Value::F64(0.49999999999999994)], Value::F64(0.0)),
        (Round, vec![Value::F64(2.675), number(2)], Value::F64(2.67)),
        (Round, vec![Value::F64(0.125), number(2)], Value::F64(0.13)),
        (Round, vec![decimal("2.675"), number(2)], decimal("2.68")),
        (Round, vec![decimal("9.99"), number(1)], decimal("10")),
        (Round, vec![decimal("0.05"), number(1)], decimal("0.1")),
        (Round, vec![decimal("0.04"), number(1)], decimal("0")),
        (Round, vec![number(1250), number(-2)], number(1300)),
        (Round, vec![number(7), Value::Null], Value::Null),
        (Coalesce, vec![Value::Absent, Value::Null, text("x")], text("x")),
        (Coalesce, vec![Value::Null], Value::Null),
        (Text, vec![Value::I64(-12)], text("-12")),
        (Text, vec![Value::U64(u64::MAX)], text("18446744073709551615")),
        (Text, vec![Value::F32(0.1)], text("0.1")),
        (Text, vec![Value::F64(10.0)], text("10")),
        (Text, vec![Value::Decimal("1.50".to_owned())], text("1.50")),
        (Text, vec![Value::Date(Date(0))], text("1970-01-01")),
        (Text, vec![Value::Time(1_500_000_000)], text("00:00:01.5")),
        (Text, vec![Value::Uuid([0xab; 16])], text("abababab-abab-abab-abab-abababababab")),
        (Text, vec![text("as it is")], text("as it is")),
        (Text, vec![Value::Bool(true)], Value::Null),
        (Text, vec![Value::Absent], Value::Null),
        (CurrentDate, vec![], Value::Date(Date(3))),
    ] {
        assert_eq!(call(function, &args), expected, "{function:?} {args:?}");
    }
}

#[test]
fn a_decimal_is_written_so_that_it_reads_back() {
    for (written, expected) in [
        ("0.000", "0"),
        ("-12.500", "-12.5"),
        ("1E3", "1000"),
        ("0.001", "0.001"),
        ("1.5E+60", "1.5E+60"),
        ("2E-60", "2E-60"),
    ] {
        assert_eq!(super::decimal::Decimal::parse(written).unwrap().to_string(), expected);
    }
    for wrong in ["", "-", ".5", "1e", "1x", "+1", "1E+-2"] {
        assert!(super::decimal::Decimal::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn nulls_stand_where_the_order_says_else_lowest() {
    let order = |direction, nulls| Order { by: Path::column("a"), direction, nulls };
    use Direction::{Asc, Desc};
    for (direction, nulls, expected) in [
        (Asc, None, Ordering::Less),
        (Desc, None, Ordering::Greater),
        (Asc, Some(Nulls::Last), Ordering::Greater),
        (Desc, Some(Nulls::Last), Ordering::Greater),
        (Asc, Some(Nulls::First), Ordering::Less),
        (Desc, Some(Nulls::First), Ordering::Less),
    ] {
        let order = order(direction, nulls);
        assert_eq!(compare_by(&order, &Value::Null, &Value::I64(1)), expected, "{order:?}");
        assert_eq!(compare_by(&order, &Value::I64(1), &Value::Absent), expected.reverse(), "{order:?}");
        assert_eq!(compare_by(&order, &Value::Null, &Value::Absent), Ordering::Equal);
    }
    assert_eq!(compare_by(&order(Desc, None), &Value::I64(1), &Value::I64(2)), Ordering::Greater);
}

#[test]
fn a_path_leads_into_documents_and_ends_absent() {
    let city = Value::Object(vec![("a.b".into(), text("x")), ("n".into(), Value::Null)]);
    let document = Value::Object(vec![("city".into(), city)]);
    let at = |segments: &[&str]| {
        member(&document, &segments.iter().map(|&segment| segment.to_owned()).collect::<Vec<_>>()).clone()
    };
    assert_eq!(at(&["city", "a.b"]), text("x"));
    assert_eq!(at(&["city", "n"]), Value::Null);
    assert_eq!(at(&["city", "n", "deeper"]), Value::Absent);
    assert_eq!(at(&["town"]), Value::Absent);
}

#[test]
fn a_filter_that_can_not_be_evaluated_is_refused_before_the_first_row() {
    let related = Filter::RelatedExists {
        table: TableRef::new("t"),
        on: vec![(Path::column("a"), Path::column("b"))],
        filter: Box::new(Filter::Always(true)),
    };
    let bare_round = Expr::Call { function: Function::Round, args: vec![] };
    for (filter, kind) in [
        (Filter::Or(vec![Filter::Always(true), related]), ErrorKind::Unsupported),
        (Filter::IsNull(Expr::Param(7)), ErrorKind::Internal),
        (Filter::In { expr: Expr::Param(0), list: 0 }, ErrorKind::Internal),
        (Filter::Not(Box::new(Filter::IsNull(bare_round))), ErrorKind::Internal),
    ] {
        assert_eq!(Condition::new(Some(&filter), &numbers()).unwrap_err().kind, kind, "{filter:?}");
    }
}

#[test]
fn no_filter_matches_every_row_and_unknown_matches_none() {
    assert!(Condition::new(None, &[]).unwrap().matches(&no_columns).unwrap());
    let unknown = truth(None);
    assert!(!Condition::new(Some(&unknown), &numbers()).unwrap().matches(&no_columns).unwrap());
}

#[test]
fn a_text_beside_a_moment_or_a_uuid_stands_for_what_it_spells() {
    use CompareOp::{Eq, Ge, Lt, Ne};
    let midnight = Value::Timestamp(Timestamp { seconds: 86_400, nanos: 0 });
    let instant = Value::Instant(Instant { at: Timestamp { seconds: 3600, nanos: 0 }, offset: None });
    for (value, op, spelled, expected) in [
        (Value::Date(Date(1)), Eq, "1970-01-02", true),
        (Value::Date(Date(1)), Lt, "1970-01-10", true),
        (Value::Date(Date(1)), Ne, "tomorrow", true),
        (Value::Time(1_000_000_000), Eq, "00:00:01", true),
        (midnight.clone(), Eq, "1970-01-02 00:00:00", true),
        (midnight.clone(), Eq, "1970-01-02T00:00:00", true),
        (midnight, Ge, "1970-01-02", true),
        (instant.clone(), Eq, "1970-01-01T03:00:00+02:00", true),
        (instant, Eq, "1970-01-01 01:00:00", false),
        (Value::Uuid([0xab; 16]), Eq, "ABABABAB-abab-abab-abab-abababababab", true),
        (Value::Uuid([0xab; 16]), Eq, "abababab", false),
    ] {
        assert_eq!(compare(op, &value, &text(spelled)), Some(expected), "{value:?} {op:?} {spelled}");
    }
    assert_eq!(compare(Lt, &text("1970-01-01"), &Value::Date(Date(1))), Some(true));
}
