//! Row rules of a role as a part of the plan: built from their parts, never from text.

use std::cell::Cell;

use connector_api::model::{CompareOp, Expr, Filter, TextOp, Value};
use serde_json::Value as Json;

use super::columns::Columns;
use super::literal::{Place, scalar};
use super::values::Values;
use super::{Error, Scope};
use crate::request::lookup;
use crate::roles::{FilterOp, RowFilter, RowOperator};

const ROLE: &str = "role";

/// The rules that count for this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRules<'a> {
    /// Each `name operator value`. Empty: every row is permitted.
    pub filters: &'a [RowFilter],
    /// How they combine.
    pub op: FilterOp,
}

impl RowRules<'_> {
    /// Whether rows that keep the others keep these, too, as far as the rules alone tell it.
    #[must_use]
    pub fn follow_from(&self, others: Option<RowRules<'_>>) -> bool {
        if self.filters.is_empty() {
            return true;
        }
        let Some(others) = others else { return false };
        let are_same = self.op == others.op && self.filters == others.filters;
        let are_among = self.filters.iter().all(|filter| others.filters.contains(filter));
        are_same || (are_among && [self.op, others.op] == [FilterOp::And; 2])
    }
}

/// The rules as one condition; `None` when there are none.
///
/// A rule that names a lookup which this caller lacks matches nothing, so a missing user can't widen what is seen.
///
/// # Errors
/// [`Error::Rule`] for whatever does not fit: the role is wrong, not the request.
pub(super) fn plan(
    rules: Option<RowRules<'_>>,
    scope: &Scope<'_>,
    values: &mut Values,
) -> Result<Option<Filter>, Error> {
    let Some(rules) = rules.filter(|rules| !rules.filters.is_empty()) else { return Ok(None) };
    let planned = rules.filters.iter().map(|rule| {
        let unfit =
            |error: Error| Error::Rule(format!("the row rule on '{}' does not fit: {error}", rule.name));
        plan_rule(rule, scope, values).map_err(unfit)
    });
    let members = planned.collect::<Result<Vec<_>, _>>()?;
    Ok(Some(match rules.op {
        FilterOp::And => Filter::And(members),
        FilterOp::Or => Filter::Or(members),
    }))
}

fn plan_rule(rule: &RowFilter, scope: &Scope<'_>, values: &mut Values) -> Result<Filter, Error> {
    // The store's names always mean what they have meant, whatever clients call the fields.
    let alias = scope.aliases.and_then(|aliases| aliases.name_of_rule(&rule.name));
    let resolved = Columns::new(scope.table).resolve(alias.as_deref().unwrap_or(&rule.name));
    let resolved = resolved.ok_or_else(|| Error::invalid(ROLE, "the table has no such field"))?;
    if scope.aliases.is_some_and(|aliases| aliases.check_asked(&resolved.path).is_err()) {
        return Err(Error::invalid(ROLE, "the field has a function that does not fit its table"));
    }
    let expr = Expr::Column(resolved.path.clone());
    let not = |filter| Filter::Not(Box::new(filter));
    if rule.operator == RowOperator::IsNull {
        return Ok(Filter::IsNull(expr));
    }
    if rule.operator == RowOperator::IsNotNull {
        return Ok(not(Filter::IsNull(expr)));
    }
    let Some(items) = items(rule, scope)? else { return Ok(Filter::Always(false)) };
    let field = Field { expr, place: resolved.place(&rule.name, ROLE) };
    match rule.operator {
        RowOperator::In => field.in_list(&items, values),
        RowOperator::NotIn => field.in_list(&items, values).map(not),
        RowOperator::StartsWith => field.search(TextOp::StartsWith, &items, scope, values),
        RowOperator::EndsWith => field.search(TextOp::EndsWith, &items, scope, values),
        RowOperator::Contains => field.search(TextOp::Contains, &items, scope, values),
        RowOperator::NotEqual => field.compare(CompareOp::Ne, &items, values),
        RowOperator::Greater => field.compare(CompareOp::Gt, &items, values),
        RowOperator::GreaterOrEqual => field.compare(CompareOp::Ge, &items, values),
        RowOperator::Less => field.compare(CompareOp::Lt, &items, values),
        RowOperator::LessOrEqual => field.compare(CompareOp::Le, &items, values),
        RowOperator::Equal | RowOperator::IsNull | RowOperator::IsNotNull => {
            field.compare(CompareOp::Eq, &items, values)
        }
    }
}

/// The column of a rule.
struct Field<'a> {
    expr: Expr,
    place: Place<'a>,
}

impl Field<'_> {
    fn compare(self, op: CompareOp, items: &[Json], values: &mut Values) -> Result<Filter, Error> {
        let [item] = items else { return Err(needs_one()) };
        let mut compared = typed(self.place, item)?.into_iter().map(|value| Filter::Compare {
            op,
            left: self.expr.clone(),
            right: Expr::Param(values.push(value)),
        });
        let (first, second) = (compared.next(), compared.next());
        match (first, second) {
            // Another kind is another value: it is unequal to both, and greater or less than one at most.
            (Some(first), Some(second)) if op == CompareOp::Ne => Ok(Filter::And(vec![first, second])),
            (Some(first), Some(second)) => Ok(Filter::Or(vec![first, second])),
            (first, _) => first.ok_or_else(needs_one),
        }
    }

    fn search(
        self,
        op: TextOp,
        items: &[Json],
        scope: &Scope<'_>,
        values: &mut Values,
    ) -> Result<Filter, Error> {
        let (place, searched) = self.place.searched(scope.capabilities)?;
        let [item] = items else { return Err(needs_one()) };
        let pattern = place.json(item)?;
        Ok(Filter::Text { op, expr: searched.of(self.expr), pattern: values.push(pattern) })
    }

    fn in_list(self, items: &[Json], values: &mut Values) -> Result<Filter, Error> {
        let items = items.iter().map(|item| typed(self.place, item)).collect::<Result<Vec<_>, _>>()?.concat();
        if items.is_empty() {
            return Ok(Filter::Always(false));
        }
        Ok(Filter::In { expr: self.expr, list: values.push(Value::List(items)) })
    }
}

fn needs_one() -> Error {
    Error::invalid(ROLE, "it needs exactly one value")
}

/// What an item of a rule stands for. Lookups give texts whatever they are of, so where values of any kind may stand, a text means itself
/// and the number or truth value that is written so.
fn typed(place: Place<'_>, item: &Json) -> Result<Vec<Value>, Error> {
    let mut values = vec![place.json(item)?];
    if let Some(other) = item.as_str().filter(|_| place.is_open()).and_then(scalar) {
        values.push(place.json(&other)?);
    }
    Ok(values)
}

/// The values of a rule with their lookups; `None` when one of them is not known. The list of `in` may also be one text with commas, with
/// or without parentheses; one pair of quotes around an item is removed.
fn items(rule: &RowFilter, scope: &Scope<'_>) -> Result<Option<Vec<Json>>, Error> {
    let is_list = matches!(rule.operator, RowOperator::In | RowOperator::NotIn);
    let given = match rule.value.as_ref() {
        Some(Json::Array(items)) => items.clone(),
        Some(Json::String(text)) if is_list => listed(text),
        Some(one) => vec![one.clone()],
        None => return Ok(None),
    };
    given
        .into_iter()
        .map(|item| if let Json::String(text) = &item { substituted(text, scope) } else { Ok(Some(item)) })
        .collect()
}

fn listed(text: &str) -> Vec<Json> {
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(trimmed);
    inner
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| Json::from(unquoted(item)))
        .collect()
}

fn unquoted(item: &str) -> &str {
    let strip = |quote| item.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    strip('\'').or_else(|| strip('"')).unwrap_or(item)
}

fn substituted(text: &str, scope: &Scope<'_>) -> Result<Option<Json>, Error> {
    let is_complete = Cell::new(true);
    let resolve = |name: &str| {
        let value = (scope.lookup)(name);
        is_complete.set(is_complete.get() && value.is_some());
        value
    };
    let text = lookup::substitute(text, &resolve).map_err(|error| Error::invalid(ROLE, error.to_string()))?;
    Ok(is_complete.get().then(|| Json::from(text.into_owned())))
}
