//! Row rules of a role as a part of the plan: built from their parts, never from text.

use std::borrow::Cow;
use std::cell::Cell;

use connector_api::model::{CompareOp, Expr, Filter, TextOp, Value};

use super::columns::Columns;
use super::literal::Place;
use super::values::Values;
use super::{Error, Scope};
use crate::request::lookup;
use crate::roles::{FilterOp, RowFilter, RowOperator};

/// The rules that count for this request.
#[derive(Debug, Clone, Copy)]
pub struct RowRules<'a> {
    /// Each `name operator value`. Empty: every row is permitted.
    pub filters: &'a [RowFilter],
    /// How they combine.
    pub op: FilterOp,
}

/// The rules as one condition; `None` when there are none.
///
/// A rule that names a lookup which this caller lacks matches nothing, so a missing user can't widen what is seen.
pub(super) fn plan(scope: &Scope<'_>, values: &mut Values) -> Result<Option<Filter>, Error> {
    let Some(rules) = scope.rules.filter(|rules| !rules.filters.is_empty()) else { return Ok(None) };
    let members =
        rules.filters.iter().map(|rule| plan_rule(rule, scope, values)).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(match rules.op {
        FilterOp::And => Filter::And(members),
        FilterOp::Or => Filter::Or(members),
    }))
}

fn plan_rule(rule: &RowFilter, scope: &Scope<'_>, values: &mut Values) -> Result<Filter, Error> {
    // The role is wrong, not the request; the caller learns no more than that.
    let resolved = Columns::new(scope.table).resolve(&rule.name).ok_or_else(|| {
        Error::invalid("role", "a row rule of the role names a field that this table does not have")
    })?;
    let place = Place { field: &rule.name, data_type: resolved.data_type(), parameter: "role" };
    let expr = Expr::Column(resolved.path.clone());
    let Some(text) = substituted(&rule.value, scope) else { return Ok(Filter::Always(false)) };
    let not = |filter| Filter::Not(Box::new(filter));
    Ok(match rule.operator {
        RowOperator::IsNull => Filter::IsNull(expr),
        RowOperator::IsNotNull => not(Filter::IsNull(expr)),
        RowOperator::In => in_list(expr, place, &text, values)?,
        RowOperator::NotIn => not(in_list(expr, place, &text, values)?),
        RowOperator::StartsWith => search(TextOp::StartsWith, expr, &text, values),
        RowOperator::EndsWith => search(TextOp::EndsWith, expr, &text, values),
        RowOperator::Contains => search(TextOp::Contains, expr, &text, values),
        RowOperator::Equal => compare(CompareOp::Eq, expr, values.push(place.text(&text, false)?)),
        RowOperator::NotEqual => compare(CompareOp::Ne, expr, values.push(place.text(&text, false)?)),
        RowOperator::Greater => compare(CompareOp::Gt, expr, values.push(place.text(&text, false)?)),
        RowOperator::GreaterOrEqual => compare(CompareOp::Ge, expr, values.push(place.text(&text, false)?)),
        RowOperator::Less => compare(CompareOp::Lt, expr, values.push(place.text(&text, false)?)),
        RowOperator::LessOrEqual => compare(CompareOp::Le, expr, values.push(place.text(&text, false)?)),
    })
}

fn compare(op: CompareOp, left: Expr, value: usize) -> Filter {
    Filter::Compare { op, left, right: Expr::Param(value) }
}

fn search(op: TextOp, expr: Expr, text: &str, values: &mut Values) -> Filter {
    Filter::Text { op, expr, pattern: values.push(Value::Text(text.to_owned())) }
}

/// `a, b` with or without parentheses; one pair of quotes around an item is removed.
fn in_list(expr: Expr, place: Place<'_>, text: &str, values: &mut Values) -> Result<Filter, Error> {
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(trimmed);
    let items = inner.split(',').map(str::trim).filter(|item| !item.is_empty());
    let items = items
        .map(|item| place.text(unquoted(item), item != unquoted(item)))
        .collect::<Result<Vec<_>, _>>()?;
    if items.is_empty() {
        return Ok(Filter::Always(false));
    }
    Ok(Filter::In { expr, list: values.push(Value::List(items)) })
}

fn unquoted(item: &str) -> &str {
    let strip = |quote| item.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    strip('\'').or_else(|| strip('"')).unwrap_or(item)
}

/// The rule's value with its lookups; `None` when one of them is not known.
fn substituted<'t>(text: &'t str, scope: &Scope<'_>) -> Option<Cow<'t, str>> {
    let is_complete = Cell::new(true);
    let resolve = |name: &str| {
        let value = (scope.lookup)(name);
        is_complete.set(is_complete.get() && value.is_some());
        value
    };
    let text = lookup::substitute(text, &resolve);
    is_complete.get().then_some(text)
}
