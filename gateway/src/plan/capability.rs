//! Refuses what the connector did not declare, before it is called.

use connector_api::model::{Capabilities, CompareOp, Expr, Filter, Function, Order, Path, TextOp};

use super::Error;
use super::levels::{self, MAX_LEVELS};

/// What a member of a document is called where the service can't look into documents.
const PATH: &str = "a path into a document";

/// What texts one behind the other are called where the service can't make them.
const CONCAT: &str = "concat in an expression";

/// Every feature of a filter that the service lacks is a refusal by name, and so is one that no connector could read.
pub(super) fn check_filter(filter: &Filter, capabilities: &Capabilities) -> Result<(), Error> {
    if levels::of_filter(filter) > MAX_LEVELS {
        return Err(Error::invalid("filter", format!("filter is nested too deeply; {}", levels::bound())));
    }
    let depth = check_node(filter, capabilities)?;
    match capabilities.max_filter_depth {
        Some(limit) if depth > limit => Err(Error::TooMuch { what: "the depth of a filter", limit }),
        _ => Ok(()),
    }
}

/// The order, and nulls in it.
pub(super) fn check_order(order: &[Order], capabilities: &Capabilities) -> Result<(), Error> {
    require(order.is_empty() || capabilities.order, "order")?;
    require(
        order.iter().all(|item| item.nulls.is_none()) || capabilities.order_nulls,
        "nulls first or last in order",
    )?;
    check_paths(order.iter().map(|item| &item.by), capabilities)
}

/// Members of documents, whatever is done with them.
pub(super) fn check_paths<'p>(
    mut paths: impl Iterator<Item = &'p Path>,
    capabilities: &Capabilities,
) -> Result<(), Error> {
    require(capabilities.filter_paths || paths.all(|path| path.as_column().is_some()), PATH)
}

/// What the store shall compute for a column of a write.
pub(super) fn check_computed(expr: &Expr, capabilities: &Capabilities) -> Result<(), Error> {
    require(capabilities.write_expressions, "an expression as a value")?;
    check_levels(expr)?;
    require(capabilities.computed_columns || !has_concat(expr), CONCAT)?;
    require(capabilities.filter_paths || !has_path(expr), PATH)
}

/// An expression that stands by itself.
pub(super) fn check_levels(expr: &Expr) -> Result<(), Error> {
    if levels::of_expr(expr) > MAX_LEVELS {
        return Err(Error::record(format!("an expression is nested too deeply; {}", levels::bound())));
    }
    Ok(())
}

/// The number of values to bind.
pub(super) fn check_parameters(count: usize, capabilities: &Capabilities) -> Result<(), Error> {
    match capabilities.max_parameters {
        Some(limit) if u32::try_from(count).is_ok_and(|count| count <= limit) => Ok(()),
        Some(limit) => Err(Error::TooMuch { what: "the number of values in a request", limit }),
        None => Ok(()),
    }
}

pub(super) fn require(is_able: bool, feature: &'static str) -> Result<(), Error> {
    if is_able { Ok(()) } else { Err(Error::unsupported(feature)) }
}

/// Checks one node and those below; gives the depth.
fn check_node(filter: &Filter, can: &Capabilities) -> Result<u32, Error> {
    match filter {
        Filter::Always(true) => {}
        // A connector without filters looks at none, and would give all rows.
        Filter::Always(false) => require(can.filter_compare, "a filter that never holds")?,
        Filter::And(members) => return deepest(members, can),
        Filter::Or(members) => {
            require(can.filter_or, "OR in a filter")?;
            return deepest(members, can);
        }
        Filter::Not(member) => {
            require(can.filter_not, "NOT in a filter")?;
            return Ok(check_node(member, can)? + 1);
        }
        Filter::Compare { op, left, right } => {
            require(can.filter_compare, comparison(*op))?;
            check_exprs(&[left, right], can)?;
        }
        Filter::In { expr, .. } => {
            require(can.filter_in, "IN in a filter")?;
            check_exprs(&[expr], can)?;
        }
        Filter::Between { expr, low, high } => {
            require(can.filter_between, "BETWEEN in a filter")?;
            check_exprs(&[expr, low, high], can)?;
        }
        Filter::Text { op, expr, .. } => {
            let (is_able, name) = match op {
                TextOp::Like => (can.filter_like, "LIKE in a filter"),
                TextOp::Ilike => (can.filter_ilike, "ILIKE in a filter"),
                _ => (can.filter_text, "CONTAINS, STARTS WITH or ENDS WITH in a filter"),
            };
            require(is_able, name)?;
            check_exprs(&[expr], can)?;
        }
        Filter::IsNull(expr) => {
            require(can.filter_null, "IS NULL in a filter")?;
            check_exprs(&[expr], can)?;
        }
        Filter::RelatedExists { filter, .. } => {
            require(can.filter_related, "a related table in a filter")?;
            return Ok(check_node(filter, can)? + 1);
        }
    }
    Ok(1)
}

fn deepest(members: &[Filter], can: &Capabilities) -> Result<u32, Error> {
    members
        .iter()
        .try_fold(0, |deepest, member| Ok(check_node(member, can)?.max(deepest)))
        .map(|depth| depth + 1)
}

fn comparison(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "= in a filter",
        CompareOp::Ne => "!= in a filter",
        CompareOp::Lt => "< in a filter",
        CompareOp::Le => "<= in a filter",
        CompareOp::Gt => "> in a filter",
        CompareOp::Ge => ">= in a filter",
    }
}

/// A comparison of one column with values needs nothing more; columns on both sides, arithmetic and functions do.
fn check_exprs(exprs: &[&Expr], can: &Capabilities) -> Result<(), Error> {
    let columns = exprs.iter().filter(|expr| matches!(expr, Expr::Column(_))).count();
    let is_plain = exprs.iter().all(|expr| matches!(expr, Expr::Column(_) | Expr::Param(_)));
    require(can.filter_expressions || (is_plain && columns <= 1), "an expression in a filter")?;
    require(can.computed_columns || !exprs.iter().any(|expr| has_concat(expr)), CONCAT)?;
    require(can.filter_paths || !exprs.iter().any(|expr| has_path(expr)), PATH)
}

fn has_concat(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) | Expr::Param(_) => false,
        Expr::Arithmetic { left, right, .. } => has_concat(left) || has_concat(right),
        Expr::Call { function, args } => *function == Function::Concat || args.iter().any(has_concat),
    }
}

fn has_path(expr: &Expr) -> bool {
    match expr {
        Expr::Column(path) => Path::as_column(path).is_none(),
        Expr::Param(_) => false,
        Expr::Arithmetic { left, right, .. } => has_path(left) || has_path(right),
        Expr::Call { args, .. } => args.iter().any(has_path),
    }
}
