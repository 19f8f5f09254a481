//! Each operator of the filter, between what compares and what does not.

use connector_api::model::CompareOp::{self, Eq, Ge, Gt, Le, Lt, Ne};
use connector_api::model::{ArithmeticOp, Expr, Filter, Path, TableRef, TextOp, Value};

use super::{COLUMNS, Snapshot, column, own_value, text, values};

pub(super) fn write(to: &mut Snapshot<'_>) {
    comparisons(to);
    lists(to);
    searches(to);
    rest(to);
}

fn compared(op: CompareOp, left: Expr, right: Expr) -> Filter {
    Filter::Compare { op, left, right }
}

fn comparisons(to: &mut Snapshot<'_>) {
    to.section("a column equals a value of the request");
    for (name, _) in COLUMNS {
        for (kind, value) in values() {
            to.filter(&format!("{name} = {kind}"), compared(Eq, column(name), Expr::Param(0)), &[value]);
        }
    }
    to.section("each comparison");
    for op in [Eq, Ne, Lt, Le, Gt, Ge] {
        for (name, sort) in COLUMNS {
            let filter = compared(op, column(name), Expr::Param(0));
            to.filter(&format!("{name} {op:?} its own"), filter, &[own_value(sort)]);
        }
        to.filter(&format!("i {op:?} text"), compared(op, column("i"), Expr::Param(0)), &[text()]);
        to.filter(&format!("text {op:?} s"), compared(op, Expr::Param(0), column("s")), &[text()]);
    }
    to.section("two columns, two values");
    for op in [Eq, Lt] {
        for (left, right) in [
            ("i", "id"),
            ("i", "d"),
            ("d", "f"),
            ("r", "f"),
            ("s", "i"),
            ("s", "day"),
            ("stamp", "moment"),
            ("j", "j"),
        ] {
            to.filter(&format!("{left} {op:?} {right}"), compared(op, column(left), column(right)), &[]);
        }
        for (kind, value) in [("integer", Value::I64(1)), ("text", text()), ("null", Value::Null)] {
            let filter = compared(op, Expr::Param(0), Expr::Param(1));
            to.filter(&format!("integer {op:?} {kind}"), filter, &[Value::I64(1), value]);
        }
    }
    to.section("between");
    for (name, sort) in COLUMNS {
        let filter = Filter::Between { expr: column(name), low: Expr::Param(0), high: Expr::Param(1) };
        to.filter(name, filter, &[own_value(sort), own_value(sort)]);
    }
}

fn lists(to: &mut Snapshot<'_>) {
    to.section("in a list");
    let of = |name| Filter::In { expr: column(name), list: 0 };
    for (name, sort) in COLUMNS {
        to.filter(&format!("{name} in 1 of its own"), of(name), &[Value::List(vec![own_value(sort)])]);
        to.filter(&format!("{name} in 3 of its own"), of(name), &[Value::List(vec![own_value(sort); 3])]);
    }
    let all = Value::List(values().into_iter().map(|(_, value)| value).collect());
    for name in ["i", "f", "s", "day"] {
        to.filter(&format!("{name} in one of each kind"), of(name), std::slice::from_ref(&all));
    }
}

fn searches(to: &mut Snapshot<'_>) {
    to.section("searches");
    for op in [TextOp::Like, TextOp::Ilike, TextOp::Contains, TextOp::StartsWith, TextOp::EndsWith] {
        for name in ["s", "i", "u"] {
            to.filter(
                &format!("{name} {op:?} text"),
                Filter::Text { op, expr: column(name), pattern: 0 },
                &[text()],
            );
        }
        for (kind, value) in [("null", Value::Null), ("integer", Value::I64(1))] {
            to.filter(
                &format!("s {op:?} {kind}"),
                Filter::Text { op, expr: column("s"), pattern: 0 },
                &[value],
            );
        }
    }
}

fn rest(to: &mut Snapshot<'_>) {
    to.section("conditions together");
    let (i, s) = (compared(Eq, column("i"), Expr::Param(0)), compared(Eq, column("s"), Expr::Param(1)));
    let params = [Value::I64(1), text()];
    let null = Filter::IsNull(column("s"));
    let sum = Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(column("i")),
        right: Box::new(Expr::Param(0)),
    };
    let owner = Filter::In { expr: column("id"), list: 2 };
    let related = Filter::RelatedExists {
        table: TableRef::new("other"),
        on: vec![(Path::column("id"), Path::column("t_id"))],
        filter: Box::new(s.clone()),
    };
    for (name, filter) in [
        ("always", Filter::Always(true)),
        ("never", Filter::Always(false)),
        ("null", null.clone()),
        ("not null", Filter::Not(Box::new(null.clone()))),
        ("and", Filter::And(vec![i.clone(), s.clone(), null.clone()])),
        ("or", Filter::Or(vec![i.clone(), s.clone()])),
        ("not or", Filter::Not(Box::new(Filter::Or(vec![i.clone(), s.clone()])))),
        ("or within and", Filter::And(vec![Filter::Or(vec![i.clone(), s.clone()]), null.clone()])),
        ("and of 17", Filter::And(vec![null; 17])),
        ("rule beside what may fail", Filter::And(vec![s, owner, compared(Gt, sum, Expr::Param(0))])),
        ("related", related),
    ] {
        let list = Value::List(vec![Value::I64(1)]);
        to.filter(name, filter, &[&params[..], &[list]].concat());
    }
}
