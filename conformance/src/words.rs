//! Filters and orders as a person would write them, with their values, for the report of a failure. Nobody reads them back.

use connector_api::model::{
    ArithmeticOp, CompareOp, Direction, Expr, Filter, Order, Param, Path, TextOp, Value,
};

use super::tables::plain;

/// The filter with the values of its parameters.
pub(super) fn words(filter: &Filter, params: &[Value]) -> String {
    let expr = |expr: &Expr| of_expr(expr, params);
    match filter {
        Filter::Always(always) => always.to_string(),
        Filter::And(parts) => joined(parts, " and ", params),
        Filter::Or(parts) => joined(parts, " or ", params),
        Filter::Not(part) => format!("not ({})", words(part, params)),
        Filter::Compare { op, left, right } => format!("{} {} {}", expr(left), compared(*op), expr(right)),
        Filter::In { expr: of, list } => format!("{} in {}", expr(of), value(*list, params)),
        Filter::Between { expr: of, low, high } => {
            format!("{} between {} and {}", expr(of), expr(low), expr(high))
        }
        Filter::Text { op, expr: of, pattern } => {
            format!("{} {} {}", expr(of), searched(*op), value(*pattern, params))
        }
        Filter::IsNull(of) => format!("{} is null", expr(of)),
        Filter::RelatedExists { table, filter, .. } => {
            format!("a related row of {} has {}", table.name, words(filter, params))
        }
    }
}

/// The columns of an order.
pub(super) fn order_words(order: &[Order]) -> String {
    let column = |Order { by, direction, nulls }: &Order| {
        let direction = if *direction == Direction::Desc { " desc" } else { "" };
        let nulls = nulls.map(|nulls| format!(" nulls {nulls:?}").to_lowercase()).unwrap_or_default();
        format!("{}{direction}{nulls}", name(by))
    };
    order.iter().map(column).collect::<Vec<_>>().join(", ")
}

fn joined(parts: &[Filter], word: &str, params: &[Value]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| words(part, params)).collect();
    format!("({})", parts.join(word))
}

fn compared(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "=",
        CompareOp::Ne => "<>",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
    }
}

fn searched(op: TextOp) -> &'static str {
    match op {
        TextOp::Like => "like",
        TextOp::Ilike => "ilike",
        TextOp::Contains => "contains",
        TextOp::StartsWith => "starts with",
        TextOp::EndsWith => "ends with",
    }
}

fn of_expr(expr: &Expr, params: &[Value]) -> String {
    match expr {
        Expr::Column(path) => name(path),
        Expr::Param(at) => value(*at, params),
        Expr::Arithmetic { op, left, right } => {
            let sign = match op {
                ArithmeticOp::Add => '+',
                ArithmeticOp::Sub => '-',
                ArithmeticOp::Mul => '*',
                ArithmeticOp::Div => '/',
            };
            format!("({} {sign} {})", of_expr(left, params), of_expr(right, params))
        }
        Expr::Call { function, args } => {
            let args: Vec<String> = args.iter().map(|arg| of_expr(arg, params)).collect();
            format!("{}({})", format!("{function:?}").to_lowercase(), args.join(", "))
        }
    }
}

fn name(path: &Path) -> String {
    path.segments().join(".")
}

/// As JSON, so that a text is told from a number; what JSON has no form for is a text.
fn value(at: Param, params: &[Value]) -> String {
    params.get(at).map_or_else(|| "?".to_owned(), |value| plain(value).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::{
        arithmetic, between, call, column, compare, compare_exprs, in_list, is_null, not, search, text,
    };
    use connector_api::model::Function;

    #[test]
    fn a_filter_reads_as_a_person_would_write_it() {
        let check =
            |filter: &Filter, values: &[Value], expected: &str| assert_eq!(words(filter, values), expected);
        let three = [Value::I64(3), text("3")];
        check(&not(compare("size", CompareOp::Le)), &three, "not (size <= 3)");
        check(&between("size"), &three, "size between 3 and \"3\"");
        check(&in_list("size"), &[Value::List(vec![Value::I64(1), Value::Null])], "size in [1,null]");
        check(&search("note", TextOp::StartsWith), &[text("a%")], "note starts with \"a%\"");
        let sum = arithmetic(column("size"), ArithmeticOp::Add, Expr::Param(0));
        let lower = call(Function::Lower, &[column("note")]);
        let both = vec![compare_exprs(sum, CompareOp::Eq, lower), is_null("note"), Filter::Always(true)];
        check(&Filter::Or(both), &three, "((size + 3) = lower(note) or note is null or true)");
    }
}
