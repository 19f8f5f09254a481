//! Rows, groups and counts.

use connector_api::model::{
    Aggregate, AggregateFunction, ArithmeticOp, CompareOp, Computed, Count, Direction, Expr, Filter,
    Function, Group, Nulls, Order, Path, Query, TableRef, Value,
};

use super::{COLUMNS, Snapshot, column, paths};
use crate::build;

pub(super) fn write(to: &mut Snapshot<'_>) {
    to.section("reads");
    let page = [Value::I64(10), Value::I64(20), Value::I64(1)];
    for (name, shape) in rows().into_iter().chain(groups()) {
        let dialect = to.dialect;
        to.statement(name, &page, |form| build::query(dialect, &shape, form));
    }
    let count =
        |filter| Count { from: TableRef::new("t"), filter, need: Vec::new(), hints: Default::default() };
    for (name, shape) in [("count", count(None)), ("count where", count(Some(above("i"))))] {
        let dialect = to.dialect;
        to.statement(name, &page, |form| build::count(dialect, &shape, form));
    }
}

/// The value of the request is the third one, behind limit and offset.
fn above(name: &str) -> Filter {
    Filter::Compare { op: CompareOp::Gt, left: column(name), right: Expr::Param(2) }
}

fn query(select: &[&str]) -> Query {
    Query::new(TableRef::new("t"), paths(select), 0)
}

fn order(name: &str, direction: Direction, nulls: Option<Nulls>) -> Order {
    Order { by: Path::column(name), direction, nulls }
}

fn rows() -> Vec<(&'static str, Query)> {
    use Direction::{Asc, Desc};
    let all = COLUMNS.map(|(name, _)| name);
    let orders = [
        (Asc, None),
        (Desc, None),
        (Asc, Some(Nulls::First)),
        (Asc, Some(Nulls::Last)),
        (Desc, Some(Nulls::First)),
        (Desc, Some(Nulls::Last)),
    ];
    let orders = orders.map(|(direction, nulls)| order("s", direction, nulls)).to_vec();
    // The next page behind a row, as the gateway writes it.
    let next = Filter::Or(vec![
        above("i"),
        Filter::And(vec![
            Filter::Compare { op: CompareOp::Eq, left: column("i"), right: Expr::Param(2) },
            above("id"),
        ]),
    ]);
    let elsewhere = TableRef { namespace: vec!["n".to_owned()], ..TableRef::new("t") };
    vec![
        ("every column", query(&all)),
        ("another namespace", Query { from: elsewhere, ..query(&["id"]) }),
        ("names with quotes", Query { from: TableRef::new("a\"`b"), ..query(&["id"]) }),
        ("distinct", Query { distinct: true, ..query(&["s", "i"]) }),
        ("each order", Query { order: orders, ..query(&["id"]) }),
        (
            "all parts",
            Query {
                filter: Some(above("i")),
                order: vec![order("i", Desc, None)],
                offset: Some(1),
                ..query(&["id", "s"])
            },
        ),
        (
            "behind a row",
            Query {
                filter: Some(next),
                order: vec![order("i", Asc, None), order("id", Asc, None)],
                ..query(&["id", "i"])
            },
        ),
        ("no column", query(&[])),
        ("computed", computed()),
    ]
}

/// With a column of the table that is called like what is computed.
fn computed() -> Query {
    let twice = Expr::Arithmetic {
        op: ArithmeticOp::Mul,
        left: Box::new(column("i")),
        right: Box::new(Expr::Param(2)),
    };
    let both =
        Expr::Call { function: Function::Concat, args: vec![column("s"), Expr::Param(2), column("i")] };
    let compute =
        [("twice", twice), ("s", both)].map(|(name, value)| Computed { name: name.to_owned(), value });
    Query {
        compute: compute.to_vec(),
        filter: Some(above("i")),
        order: vec![order("twice", Direction::Desc, Some(Nulls::Last)), order("s", Direction::Asc, None)],
        ..query(&["id"])
    }
}

fn groups() -> Vec<(&'static str, Query)> {
    use AggregateFunction::{Avg, Count, Max, Min, Sum};
    let aggregate = |function, of: Option<&str>, distinct| Aggregate {
        function,
        of: of.map(Path::column),
        distinct,
        name: "result".to_owned(),
    };
    let of_each = |function| {
        let aggregates = COLUMNS.map(|(name, _)| aggregate(function, Some(name), false)).to_vec();
        Query { group: Some(Group { aggregates, ..Group::default() }), ..query(&[]) }
    };
    let by_name = Group {
        by: paths(&["s"]),
        aggregates: vec![aggregate(Count, None, false)],
        having: Some(above("result")),
    };
    let distinct = Group {
        aggregates: [Count, Sum].map(|function| aggregate(function, Some("i"), true)).to_vec(),
        ..Group::default()
    };
    vec![
        ("counts", of_each(Count)),
        ("sums", of_each(Sum)),
        ("averages", of_each(Avg)),
        ("least", of_each(Min)),
        ("greatest", of_each(Max)),
        ("of distinct values", Query { group: Some(distinct), ..query(&[]) }),
        (
            "groups with a condition and an order",
            Query {
                group: Some(by_name),
                filter: Some(above("i")),
                order: vec![order("result", Direction::Desc, None)],
                ..query(&["s"])
            },
        ),
    ]
}
