//! Calculations and functions. Each stands before `IS NULL`, so that nothing is said of its value.

use connector_api::model::{ArithmeticOp, CompareOp, Expr, Filter, Function, Value};

use super::{COLUMNS, Snapshot, column, text};

pub(super) fn write(to: &mut Snapshot<'_>) {
    to.section("calculations");
    for op in [ArithmeticOp::Add, ArithmeticOp::Sub, ArithmeticOp::Mul, ArithmeticOp::Div] {
        for (left, right) in [("i", "id"), ("i", "d"), ("f", "i"), ("r", "f"), ("s", "i")] {
            to.expression(
                &format!("{left} {op:?} {right}"),
                calculated(op, column(left), column(right)),
                &[],
            );
        }
        let value = calculated(op, column("i"), Expr::Param(0));
        to.expression(&format!("i {op:?} integer"), value.clone(), &[Value::I64(2)]);
        to.expression(&format!("i {op:?} fraction"), value, &[Value::F64(0.5)]);
    }
    to.section("functions");
    to.expression("now", call(Function::Now, vec![]), &[]);
    to.expression("current date", call(Function::CurrentDate, vec![]), &[]);
    let of_one =
        [Function::Lower, Function::Upper, Function::Trim, Function::Length, Function::Abs, Function::Round];
    for function in of_one {
        for name in ["s", "i", "d", "r", "f", "day"] {
            to.expression(&format!("{function:?} of {name}"), call(function, vec![column(name)]), &[]);
        }
    }
    let places = |name| call(Function::Round, vec![column(name), Expr::Param(0)]);
    to.expression("Round of d to places", places("d"), &[Value::I64(1)]);
    to.expression("Round of f to places", places("f"), &[Value::I64(1)]);
    for (name, _) in COLUMNS {
        to.expression(&format!("Text of {name}"), call(Function::Text, vec![column(name)]), &[]);
    }
    coalesce(to);
    concat(to);
}

/// Beside a text and beside a number of the request.
fn concat(to: &mut Snapshot<'_>) {
    to.section("texts one behind the other");
    for (name, _) in COLUMNS {
        let both = call(Function::Concat, vec![column(name), Expr::Param(0), column("s")]);
        to.expression(&format!("{name}, text, s"), both.clone(), &[text()]);
        to.expression(&format!("{name}, integer, s"), both, &[Value::I64(1)]);
    }
}

fn coalesce(to: &mut Snapshot<'_>) {
    to.section("the first that is not null");
    for (left, right) in [("i", "id"), ("i", "d"), ("r", "f"), ("s", "s"), ("i", "s"), ("day", "stamp")] {
        let first = call(Function::Coalesce, vec![column(left), column(right)]);
        to.expression(&format!("{left}, {right}"), first.clone(), &[]);
        let filter = Filter::Compare { op: CompareOp::Eq, left: first, right: Expr::Param(0) };
        to.filter(&format!("{left}, {right} = integer"), filter.clone(), &[Value::I64(1)]);
        to.filter(&format!("{left}, {right} = text"), filter, &[text()]);
    }
    let value = |name| call(Function::Coalesce, vec![column(name), Expr::Param(0)]);
    to.expression("i, fraction", value("i"), &[Value::F64(0.5)]);
    to.expression("f, integer", value("f"), &[Value::I64(1)]);
    to.expression("s, null", value("s"), &[Value::Null]);
}

fn calculated(op: ArithmeticOp, left: Expr, right: Expr) -> Expr {
    Expr::Arithmetic { op, left: Box::new(left), right: Box::new(right) }
}

fn call(function: Function, args: Vec<Expr>) -> Expr {
    Expr::Call { function, args }
}
