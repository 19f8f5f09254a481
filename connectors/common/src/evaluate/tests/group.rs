//! Keys, distinct rows, groups, aggregates and computed columns against worked examples.

use connector_api::Result;
use connector_api::author::{
    Aggregate, AggregateFunction, ArithmeticOp, Assignment, CompareOp, Date, ErrorKind, Expr, Filter,
    Function, Group, Instant, Path, Timestamp, Value,
};

use super::{decimal, text};
use crate::evaluate::{Computed, Distinct, Groups, group_cell, key, whole};

use AggregateFunction::{Avg, Count, Max, Min, Sum};

fn aggregate(function: AggregateFunction, of: Option<&str>) -> Aggregate {
    Aggregate { function, of: of.map(Path::column), distinct: false, name: "it".to_owned() }
}

/// Rows of the columns `g` and `v`.
type Rows = [(Value, Value)];

fn grouped(group: &Group, rows: &Rows, params: &[Value], bound: usize) -> Result<Vec<Vec<Value>>> {
    let mut groups = Groups::new(group, bound)?;
    for (g, v) in rows {
        groups.add(&|path: &Path| Ok(if path.as_column() == Some("g") { g } else { v }))?;
    }
    groups.finish(params)
}

/// One aggregate over all values.
fn of_all(aggregate: Aggregate, values: &[Value]) -> Result<Value> {
    let group = Group { aggregates: vec![aggregate], ..Group::default() };
    let rows: Vec<_> = values.iter().map(|value| (Value::Null, value.clone())).collect();
    Ok(grouped(&group, &rows, &[], 100)?.remove(0).remove(0))
}

fn by_g(aggregates: Vec<Aggregate>, having: Option<Filter>) -> Group {
    Group { by: vec![Path::column("g")], aggregates, having }
}

#[test]
fn values_have_one_key_exactly_when_they_are_equal() {
    let at = Timestamp { seconds: 1, nanos: 0 };
    let object = |members: &[(&str, Value)]| {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    for (a, b, are_equal) in [
        (Value::Null, Value::Absent, true),
        (Value::I64(1), Value::F64(1.0), true),
        (Value::I64(1), decimal("1.00"), true),
        (Value::U64(u64::MAX), decimal("18446744073709551615"), true),
        (Value::I64(i64::MAX), Value::F64(9_223_372_036_854_775_808.0), false),
        (Value::F64(0.1), decimal("0.1"), false),
        (Value::F32(0.5), decimal("5E-1"), true),
        (Value::F64(-0.0), Value::I64(0), true),
        (Value::F64(f64::NAN), Value::F32(-f32::NAN), true),
        (Value::F64(f64::INFINITY), Value::F64(f64::NEG_INFINITY), false),
        (Value::I64(1), text("1"), false),
        (Value::I64(1), Value::Bool(true), false),
        (text("a"), text("A"), false),
        (text("a"), Value::Bytes(b"a".to_vec()), false),
        (Value::Date(Date(1)), Value::Time(1), false),
        (
            Value::Instant(Instant { at, offset: None }),
            Value::Instant(Instant { at, offset: Some(3600) }),
            true,
        ),
        (Value::Timestamp(at), Value::Instant(Instant { at, offset: None }), false),
        (
            object(&[("a", Value::I64(1)), ("b", Value::Null)]),
            object(&[("b", Value::Null), ("a", Value::F64(1.0))]),
            true,
        ),
        (object(&[("a", Value::Null)]), object(&[("a", Value::Absent)]), false),
        (Value::List(vec![Value::I64(1)]), Value::List(vec![Value::I64(1), Value::Null]), false),
        (
            Value::Extension("x".into(), Box::new(text("a"))),
            Value::Extension("y".into(), Box::new(text("a"))),
            false,
        ),
    ] {
        assert_eq!(key([&a]) == key([&b]), are_equal, "{a:?} {b:?}");
    }
    assert_ne!(key([&text("ab"), &text("c")]), key([&text("a"), &text("bc")]));
}

#[test]
fn a_distinct_row_comes_once_within_the_bound() {
    let mut distinct = Distinct::new(2);
    let mut is_new = |value: &Value| distinct.is_new([value]);
    assert!(is_new(&Value::I64(1)).unwrap());
    assert!(!is_new(&decimal("1.0")).unwrap());
    assert!(is_new(&Value::Null).unwrap());
    assert!(!is_new(&Value::Absent).unwrap());
    let error = is_new(&text("a")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::LimitExceeded);
    assert!(error.message.contains("more than 2 groups"), "{}", error.message);
}

#[test]
fn aggregates_keep_integers_and_decimals_exact_and_leave_nulls_out() {
    let number = Value::I64;
    let column = |function| aggregate(function, Some("v"));
    let once = |function| Aggregate { distinct: true, ..column(function) };
    for (aggregate, values, expected) in [
        (aggregate(Count, None), vec![Value::Null, number(1)], number(2)),
        (column(Count), vec![Value::Null, number(1), text("a")], number(2)),
        (column(Count), vec![], number(0)),
        (once(Count), vec![number(1), Value::F64(1.0), text("1"), Value::Null], number(2)),
        (column(Sum), vec![number(i64::MAX), number(1)], Value::U64(1 << 63)),
        (column(Sum), vec![number(i64::MAX), number(1), number(-1)], number(i64::MAX)),
        (column(Sum), vec![decimal("0.1"), decimal("0.2"), Value::Null], decimal("0.3")),
        (column(Sum), vec![number(1), Value::F64(0.5)], Value::F64(1.5)),
        (column(Sum), vec![number(1), decimal("0.5")], decimal("1.5")),
        (column(Sum), vec![number(1), text("9")], number(1)),
        (column(Sum), vec![text("9"), Value::Null], Value::Null),
        (once(Sum), vec![number(2), Value::U64(2), number(3)], number(5)),
        (column(Avg), vec![number(1), number(2), Value::Null], Value::F64(1.5)),
        (column(Avg), vec![number(i64::MAX), number(i64::MAX)], Value::F64(9_223_372_036_854_775_808.0)),
        (column(Avg), vec![decimal("1"), decimal("0.5"), decimal("0.5")], decimal("0.666666666666666667")),
        (column(Avg), vec![], Value::Null),
        (column(Min), vec![Value::Null, number(2), decimal("1.5")], decimal("1.5")),
        (column(Max), vec![text("a"), text("b"), text("B")], text("b")),
        (column(Max), vec![Value::Null], Value::Null),
    ] {
        assert_eq!(of_all(aggregate.clone(), &values).unwrap(), expected, "{aggregate:?} {values:?}");
    }
}

#[test]
fn a_sum_that_does_not_fit_is_out_of_range() {
    for values in [
        [Value::U64(u64::MAX), Value::I64(1)],
        [Value::F64(f64::MAX), Value::F64(f64::MAX)],
        [decimal("1E60"), decimal("1E-60")],
    ] {
        let error = of_all(aggregate(Sum, Some("v")), &values).unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::InvalidRequest, Some("out_of_range")));
    }
}

#[test]
fn equal_values_make_a_group_and_null_makes_one_too() {
    let rows =
        [(Value::I64(1), 10), (Value::Null, 20), (decimal("1.0"), 30), (Value::Absent, 40), (text("1"), 50)];
    let rows = rows.map(|(g, v)| (g, Value::I64(v)));
    let groups = grouped(&by_g(vec![aggregate(Sum, Some("v"))], None), &rows, &[], 3).unwrap();
    let expected = [(Value::I64(1), 40), (Value::Null, 60), (text("1"), 50)];
    assert_eq!(groups, expected.map(|(g, sum)| vec![g, Value::I64(sum)]));
}

#[test]
fn no_rows_are_one_group_only_without_columns_to_group_by() {
    let count = || vec![aggregate(Count, None)];
    let all = Group { aggregates: count(), ..Group::default() };
    assert_eq!(grouped(&all, &[], &[], 10).unwrap(), [[Value::I64(0)]]);
    assert!(grouped(&by_g(count(), None), &[], &[], 10).unwrap().is_empty());
}

#[test]
fn having_names_aggregates_and_columns_of_the_group() {
    let rows = [("a", 1), ("b", 5), ("a", 2), ("c", 9)].map(|(g, v)| (text(g), Value::I64(v)));
    let compare = |column: &str, op, param| Filter::Compare {
        op,
        left: Expr::Column(Path::column(column)),
        right: Expr::Param(param),
    };
    let having = Filter::And(vec![compare("it", CompareOp::Gt, 0), compare("g", CompareOp::Ne, 1)]);
    let group = by_g(vec![aggregate(Sum, Some("v"))], Some(having));
    let kept = grouped(&group, &rows, &[Value::I64(2), text("c")], 10).unwrap();
    assert_eq!(kept, [[text("a"), Value::I64(3)], [text("b"), Value::I64(5)]]);
    assert_eq!(group_cell(&group, &kept[0], &Path::column("it")).unwrap(), &Value::I64(3));
    assert_eq!(group_cell(&group, &kept[0], &Path::column("v")).unwrap_err().kind, ErrorKind::Internal);
}

#[test]
fn groups_and_distinct_values_are_bounded_together() {
    let rows: Vec<_> = (0..3).map(|n| (Value::I64(n % 2), Value::I64(n))).collect();
    let distinct = Aggregate { distinct: true, ..aggregate(Count, Some("v")) };
    let group = by_g(vec![distinct], None);
    assert_eq!(grouped(&group, &rows, &[], 5).unwrap().len(), 2);
    assert_eq!(grouped(&group, &rows, &[], 4).unwrap_err().kind, ErrorKind::LimitExceeded);
}

#[test]
fn only_a_count_does_without_a_column() {
    let group = Group { aggregates: vec![aggregate(Max, None)], ..Group::default() };
    assert_eq!(Groups::new(&group, 1).unwrap_err().kind, ErrorKind::Internal);
}

#[test]
fn computed_values_see_the_row_as_it_was_and_one_time() {
    let plus = |left| Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(left),
        right: Box::new(Expr::Param(0)),
    };
    let now = || Expr::Call { function: Function::Now, args: vec![] };
    let assign = |column: &str, value| Assignment { column: Path::column(column), value };
    let assignments =
        [assign("v", plus(Expr::Column(Path::column("v")))), assign("a", now()), assign("b", now())];
    let params = [Value::I64(1)];
    let computed = Computed::new(&assignments, &params).unwrap();
    let four = Value::I64(4);
    let values = computed.values(&|_: &Path| Ok(&four)).unwrap();
    assert_eq!(values[0], Value::I64(5));
    assert_eq!(values[1], values[2]);
    let cut = computed.in_milliseconds().values(&|_: &Path| Ok(&four)).unwrap();
    let (Value::Instant(now), Value::Instant(cut)) = (&values[1], &cut[1]) else { panic!("{cut:?}") };
    assert_eq!((cut.at.seconds, cut.at.nanos), (now.at.seconds, now.at.nanos / 1_000_000 * 1_000_000));
    assert_eq!(Computed::new(&assignments, &[]).unwrap_err().kind, ErrorKind::Internal);
}

#[test]
fn a_number_of_any_type_is_whole_when_its_value_is() {
    for (value, expected) in [
        (Value::U64(u64::MAX), Some(18_446_744_073_709_551_615)),
        (Value::F64(-3.0), Some(-3)),
        (Value::F32(0.5), None),
        (Value::F64(f64::INFINITY), None),
        (decimal("12.0"), Some(12)),
        (decimal("1E3"), Some(1000)),
        (decimal("12.5"), None),
        (text("1"), None),
    ] {
        assert_eq!(whole(&value), expected, "{value:?}");
    }
}
