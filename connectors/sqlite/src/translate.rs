//! Where SQLite's SQL differs from the standard.
//!
//! SQLite orders any text above any number and any blob above any text, and converts between text and number where a column's
//! declared type asks for it. In the contract values of different kinds never compare. So each comparison is confined to the
//! parameter's kind: numbers are what is below `''`, blobs what is not below `x''`, texts are between. The confining part has a unary plus,
//! which keeps the comparison itself the only term that an index is searched by, and is null for null, so unknown stays unknown.

mod change;

use std::sync::Arc;

use connector_api::Result;
use connector_api::author::{
    Aggregate, AggregateFunction, ArithmeticOp, CompareOp, Expr, Function, Param, TableRef, TextOp, Value,
};
use connector_sql_common::dialect::{
    Checked, Dialect, LimitStyle, Marker, OnConflict, Returning, aggregate_name, compare_sign,
};
use connector_sql_common::statement::Group;
use connector_sql_common::{Builder, Kind};

/// SQLite's differences.
pub(crate) struct SqliteDialect {
    /// The table has words of its own on conflicts (`UNIQUE ON CONFLICT REPLACE`), which writes have to overrule. For other tables
    /// they must not: what overrules the table also overrules its triggers. <https://www.sqlite.org/lang_conflict.html>
    pub(crate) overrules_table: bool,
    /// What names a row of a table whose triggers may change it once more, behind the statement that writes it.
    pub(crate) checked_later: Option<Arc<[String]>>,
}

/// For statements that do not write.
pub(crate) const DIALECT: SqliteDialect = SqliteDialect { overrules_table: false, checked_later: None };

impl Dialect for SqliteDialect {
    fn kind(&self, value: &Value) -> Kind {
        match value {
            Value::Null | Value::Absent => Kind::Null,
            Value::F32(number) if number.is_nan() => Kind::Null,
            Value::F64(number) if number.is_nan() => Kind::Null,
            Value::Bool(_)
            | Value::I64(_)
            | Value::U64(_)
            | Value::F32(_)
            | Value::F64(_)
            | Value::Decimal(_) => Kind::Number,
            Value::Bytes(_) => Kind::Bytes,
            _ => Kind::Text,
        }
    }

    /// Numbered, so that a list in a condition that is written twice is bound once: SQLite takes 32,766 values.
    fn marker(&self) -> Marker {
        Marker::Shared("?")
    }

    /// Beside `"a" = ?1` SQLite puts the value in the place of every other `"a"`, but not the value of a query.
    /// <https://www.sqlite.org/optoverview.html#constant_propagation>
    fn veil(&self) -> Option<[&'static str; 2]> {
        Some(["(SELECT ", ")"])
    }

    fn limit(&self) -> LimitStyle {
        LimitStyle::LimitOffset
    }

    fn returning(&self) -> Returning {
        Returning::Clause
    }

    fn checked(&self) -> Checked<'_> {
        self.checked_later.as_deref().map_or(Checked::Within, Checked::Later)
    }

    fn on_conflict(&self) -> OnConflict {
        OnConflict::Clause
    }

    fn beside(&self, table: &TableRef) -> Result<(TableRef, &dyn Dialect)> {
        Ok((table.clone(), &DIALECT))
    }

    fn insert_into(&self) -> &'static str {
        if self.overrules_table { "INSERT OR ABORT INTO " } else { "INSERT INTO " }
    }

    fn update(&self) -> &'static str {
        if self.overrules_table { "UPDATE OR ABORT " } else { "UPDATE " }
    }

    /// SQLite's own sums take texts for numbers.
    fn aggregate(&self, to: &mut Builder<'_>, aggregate: &Aggregate) -> Result<()> {
        let name = match aggregate.function {
            AggregateFunction::Sum => "tablegate_sum",
            AggregateFunction::Avg => "tablegate_avg",
            other => aggregate_name(other),
        };
        to.aggregate_call(name, aggregate)
    }

    fn function(&self, function: Function) -> &'static str {
        match function {
            Function::Now => "CURRENT_TIMESTAMP",
            Function::CurrentDate => "CURRENT_DATE",
            Function::Lower => "tablegate_lower",
            Function::Upper => "tablegate_upper",
            Function::Trim => "tablegate_trim",
            Function::Length => "tablegate_length",
            Function::Abs => "tablegate_abs",
            Function::Round => "tablegate_round",
            Function::Coalesce => "tablegate_coalesce",
            Function::Text => "tablegate_text",
            Function::Concat => "CONCAT",
        }
    }

    /// SQLite's own cast cuts a float's digits and gives a whole one a fraction.
    fn text_of(&self, to: &mut Builder<'_>, expr: &Expr) -> Result<()> {
        to.keyword(self.function(Function::Text));
        to.arguments(std::slice::from_ref(expr))
    }

    fn compare(&self, to: &mut Builder<'_>, op: CompareOp, left: &Expr, right: &Expr) -> Result<()> {
        match (left, right) {
            (Expr::Param(_), Expr::Param(_)) => same_kind(to, op, left, right),
            (operand, Expr::Param(param)) => confined(to, op, operand, *param),
            (Expr::Param(param), operand) => confined(to, mirrored(op), operand, *param),
            _ => same_kind(to, op, left, right),
        }
    }

    fn in_items(&self, to: &mut Builder<'_>, expr: &Expr, list: Param, group: Group) -> Result<()> {
        confine(to, expr, CompareOp::Eq, group.kind, |to| {
            to.expr(expr)?;
            to.items(list, group);
            Ok(())
        })
    }

    fn text(&self, to: &mut Builder<'_>, op: TextOp, expr: &Expr, pattern: Param) -> Result<()> {
        let function = match op {
            // SQLite's own folds ASCII letters and has no escape character unless asked. It takes numbers and blobs for texts.
            TextOp::Like | TextOp::Ilike => {
                return confine(to, expr, CompareOp::Ge, to.form().kind(pattern), |to| {
                    to.expr(expr)?;
                    to.keyword(" LIKE ");
                    to.param(pattern);
                    Ok(())
                });
            }
            TextOp::Contains => "tablegate_contains",
            TextOp::StartsWith => "tablegate_starts_with",
            TextOp::EndsWith => "tablegate_ends_with",
        };
        to.keyword(function);
        to.arguments(&[expr.clone(), Expr::Param(pattern)])
    }

    /// SQLite's own operators take texts for numbers and go on with a float after an overflow.
    fn arithmetic(&self, to: &mut Builder<'_>, op: ArithmeticOp, left: &Expr, right: &Expr) -> Result<()> {
        to.keyword(match op {
            ArithmeticOp::Add => "tablegate_add",
            ArithmeticOp::Sub => "tablegate_sub",
            ArithmeticOp::Mul => "tablegate_mul",
            ArithmeticOp::Div => "tablegate_div",
        });
        to.arguments(&[left.clone(), right.clone()])
    }
}

/// The comparison with its sides exchanged.
fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
        same => same,
    }
}

/// An operand against a parameter whose kind is known.
fn confined(to: &mut Builder<'_>, op: CompareOp, operand: &Expr, param: Param) -> Result<()> {
    let kind = to.form().kind(param);
    confine(to, operand, op, kind, |to| {
        to.expr(operand)?;
        to.keyword(compare_sign(op));
        to.param(param);
        Ok(())
    })
}

/// Adds to a comparison what holds for values of the parameter's kind only; nothing where the comparison alone is right.
fn confine(
    to: &mut Builder<'_>,
    operand: &Expr,
    op: CompareOp,
    kind: Kind,
    comparison: impl FnOnce(&mut Builder<'_>) -> Result<()>,
) -> Result<()> {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let (before, after, upper): (_, _, Option<&'static str>) = match (kind, op) {
        // A text in a column of texts would be compared with the number as a text.
        (Kind::Number, Ne) => (" OR +", " >= ''", None),
        (Kind::Number, _) => (" AND +", " < ''", None),
        // A number in a column of numbers would be compared with a text that reads as a number.
        (Kind::Text, Ne) => (" OR +", " < ''", None),
        (Kind::Text, Eq | Lt | Le) => (" AND +", " >= ''", None),
        (Kind::Text, Gt | Ge) => (" AND +", " >= ''", Some(" < x''")),
        (Kind::Bytes, Lt | Le) => (" AND +", " >= x''", None),
        _ => return comparison(to),
    };
    to.keyword("(");
    comparison(to)?;
    to.keyword(before);
    to.expr(operand)?;
    to.keyword(after);
    if let Some(upper) = upper {
        to.keyword(before);
        to.expr(operand)?;
        to.keyword(upper);
    }
    to.keyword(")");
    Ok(())
}

/// Two operands of which neither kind is known: without conversions, and an order only within one kind.
fn same_kind(to: &mut Builder<'_>, op: CompareOp, left: &Expr, right: &Expr) -> Result<()> {
    let mut pair = |before, between, after| {
        to.keyword(before);
        to.expr(left)?;
        to.keyword(between);
        to.keyword("+");
        to.expr(right)?;
        to.keyword(after);
        Result::Ok(())
    };
    if matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return pair("+", compare_sign(op), "");
    }
    pair("(+", compare_sign(op), "")?;
    pair(" AND (+", " < '') = (", " < '')")?;
    pair(" AND (+", " < x'') = (", " < x''))")
}

#[cfg(test)]
mod tests;
