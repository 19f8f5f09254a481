//! Distinct rows, groups and aggregates.

use super::*;

const TABLE: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, city TEXT, price DECIMAL(9,2), ok BOOLEAN, big INTEGER, j JSON);
    INSERT INTO t VALUES
        (1, 'Bonn', 0.1, 1, 9223372036854775807, '[1]'), (2, 'Bonn', 0.2, 0, 1, '[2]'), (3, 'Kiel', 5, 1, NULL, NULL),
        (4, 'Kiel', 'n/a', NULL, NULL, NULL), (5, NULL, NULL, NULL, NULL, NULL), (6, NULL, 7, NULL, NULL, NULL);";

fn aggregate(function: AggregateFunction, of: &str, name: &str) -> Aggregate {
    let of = (!of.is_empty()).then(|| Path::column(of));
    Aggregate { function, of, distinct: false, name: name.to_owned() }
}

fn grouped(by: &[&str], aggregates: Vec<Aggregate>) -> Query {
    let group = Group { by: paths(by), aggregates, having: None };
    Query {
        group: Some(group),
        order: by.iter().map(|name| super::by(name, Direction::Asc, None)).collect(),
        ..shape("t", by)
    }
}

fn int(value: i64) -> Value {
    Value::I64(value)
}

#[test]
fn equal_rows_are_one_row_and_nulls_are_equal() {
    let fixture = Fixture::new(TABLE);
    let shape = Query {
        distinct: true,
        order: vec![by("city", Direction::Desc, Some(Nulls::First))],
        ..shape("t", &["city"])
    };
    let rows = fixture.query(&shape, &[int(10)]).unwrap().rows;
    assert_eq!(rows, [[Value::Null], [text("Kiel")], [text("Bonn")]]);
}

#[test]
fn a_group_has_its_numbers_and_values_of_other_kinds_do_not_count() {
    use AggregateFunction::{Avg, Count, Max, Min, Sum};
    let fixture = Fixture::new(TABLE);
    let shape = grouped(
        &["city"],
        vec![
            aggregate(Count, "", "rows"),
            aggregate(Count, "price", "prices"),
            aggregate(Sum, "price", "sum"),
            aggregate(Avg, "price", "mean"),
            aggregate(Min, "ok", "least"),
            aggregate(Max, "j", "most"),
        ],
    );
    let answer = fixture.query(&shape, &[int(10)]).unwrap();
    assert_eq!(answer.columns, ["city", "rows", "prices", "sum", "mean", "least", "most"]);
    let [null, bonn, kiel] = answer.rows.as_slice() else { panic!("{answer:?}") };
    assert_eq!(null[..5], [Value::Null, int(2), int(1), int(7), Value::F64(7.0)]);
    assert_eq!(bonn[1..5], [int(2), int(2), Value::F64(0.3), Value::F64(0.15)]);
    assert_eq!(bonn[5..], [Value::Bool(false), Value::Json("[2]".into())]);
    assert_eq!(kiel[1..5], [int(2), int(2), int(5), Value::F64(5.0)]);
}

#[test]
fn all_rows_are_one_group_also_when_there_is_none() {
    use AggregateFunction::{Count, Max, Sum};
    let fixture = Fixture::new(TABLE);
    let none = Filter::Compare { op: CompareOp::Gt, left: column("id"), right: Expr::Param(1) };
    let aggregates = vec![aggregate(Count, "", "n"), aggregate(Sum, "id", "s"), aggregate(Max, "city", "m")];
    let shape = Query { filter: Some(none), ..grouped(&[], aggregates) };
    for (above, expected) in [(99, [int(0), Value::Null, Value::Null]), (2, [int(4), int(18), text("Kiel")])]
    {
        assert_eq!(fixture.query(&shape, &[int(1), int(above)]).unwrap().rows, [expected]);
    }
}

#[test]
fn conditions_and_orders_name_aggregates_like_columns() {
    use AggregateFunction::{Count, Sum};
    let fixture = Fixture::new(TABLE);
    let distinct = Aggregate { distinct: true, ..aggregate(Count, "price", "n") };
    let mut shape = grouped(&["city"], vec![distinct, aggregate(Sum, "price", "s")]);
    let more = |name: &str| Filter::Compare { op: CompareOp::Ge, left: column(name), right: Expr::Param(1) };
    shape.order = vec![by("s", Direction::Desc, None)];
    shape.group.as_mut().unwrap().having =
        Some(Filter::And(vec![more("n"), Filter::Not(Box::new(Filter::IsNull(column("s"))))]));
    let cities = |at_least| {
        let rows = fixture.query(&shape, &[int(10), at_least]).unwrap().rows;
        rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>()
    };
    assert_eq!(cities(int(1)), [Value::Null, text("Kiel"), text("Bonn")]);
    assert_eq!(cities(int(2)), [text("Kiel"), text("Bonn")]);
    assert_eq!(cities(text("1")), []);
}

#[test]
fn a_sum_that_does_not_fit_is_an_error() {
    let fixture = Fixture::new(TABLE);
    let shape = grouped(&[], vec![aggregate(AggregateFunction::Sum, "big", "s")]);
    let error = fixture.query(&shape, &[int(1)]).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::InvalidRequest, Some("out_of_range")));
}
