//! Comparisons, lists and searches between values that compare.

use connector_api::Result;
use connector_api::author::{CompareOp, Expr, Param, Path, TextOp};
use connector_sql_common::dialect::compare_sign;
use connector_sql_common::sort::Sort;
use connector_sql_common::statement::Group;
use connector_sql_common::typed::Typed;
use connector_sql_common::{Builder, Kind};

use super::PostgresDialect;
use crate::types::Class;

impl Typed for PostgresDialect<'_> {
    /// Where nothing else has a type, a bare null is a text.
    fn unknown(&self) -> &'static str {
        "NULL::boolean"
    }

    fn compare_sorts(
        &self,
        to: &mut Builder<'_>,
        op: CompareOp,
        left: (&Expr, Sort),
        right: (&Expr, Sort),
    ) -> Result<()> {
        for (expr, sort) in [left, right] {
            if let (Expr::Column(path), Sort::List) = (expr, sort) {
                self.is_comparable(path)?;
            }
        }
        let is_equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
        if !is_equality
            && (self.is_label_beside(to, left.0, right.0)? || self.is_label_beside(to, right.0, left.0)?)
        {
            bare(to, left.0)?;
            to.keyword(compare_sign(op));
            return bare(to, right.0);
        }
        self.side(to, left.0, right)?;
        to.keyword(compare_sign(op));
        self.side(to, right.0, left)
    }

    fn find_in(
        &self,
        to: &mut Builder<'_>,
        (expr, sort): (&Expr, Sort),
        list: Param,
        group: Group,
    ) -> Result<()> {
        if sort == Sort::List {
            let name = match expr {
                Expr::Column(path) => path,
                _ => &Path::column(""),
            };
            return Err(self.refused(name, "which can't be looked for in a list; compare it by = and OR"));
        }
        self.operand(to, expr)?;
        to.keyword(" = ANY(");
        to.array(list, group);
        if sort.is_number() {
            to.keyword(number_type(
                group.kind,
                sort,
                ["::int8[]", "::numeric[]", "::float8[]", "::float4[]"],
            ));
        } else if sort == Sort::Document {
            to.keyword("::jsonb[]");
        }
        to.keyword(")");
        Ok(())
    }

    fn search(&self, to: &mut Builder<'_>, op: TextOp, expr: &Expr, pattern: Param) -> Result<()> {
        self.write_text(to, expr)?;
        to.keyword(if op == TextOp::Ilike { " ILIKE " } else { " LIKE " });
        if matches!(op, TextOp::Like | TextOp::Ilike) {
            to.param(pattern);
            // The server's own escape character is a backslash.
            to.keyword("::text ESCAPE ''");
        } else {
            to.pattern(op, pattern);
        }
        Ok(())
    }
}

impl PostgresDialect<'_> {
    /// Whether a label of the request stands beside an enumeration, whose labels have an order of their own.
    fn is_label_beside(&self, to: &Builder<'_>, label: &Expr, column: &Expr) -> Result<bool> {
        let (Expr::Param(_), Expr::Column(path)) = (label, column) else { return Ok(false) };
        Ok(to.aggregate(path).is_none() && self.class(path)? == Class::Label)
    }

    /// Writes one side of a comparison. A value beside something that has a type takes it; numbers are told theirs.
    fn side(&self, to: &mut Builder<'_>, expr: &Expr, (beside, sort): (&Expr, Sort)) -> Result<()> {
        let Expr::Param(param) = expr else { return self.operand(to, expr) };
        let kind = to.form().kind(*param);
        let is_number = Sort::of_kind(kind).is_number();
        if matches!(beside, Expr::Param(_)) && !is_number {
            return to.expr(expr);
        }
        to.param(*param);
        if is_number && sort.is_number() {
            to.keyword(number_type(kind, sort, ["::int8", "::numeric", "::float8", "::float4"]));
        } else if sort == Sort::Document {
            to.keyword("::jsonb");
        }
        Ok(())
    }
}

/// Writes a column or a value as they are.
fn bare(to: &mut Builder<'_>, expr: &Expr) -> Result<()> {
    match expr {
        Expr::Param(param) => {
            to.param(*param);
            Ok(())
        }
        expr => to.expr(expr),
    }
}

/// The type in which a number of the request compares exactly with what stands beside it, and so that an index serves. A fraction beside
/// a `real` is rounded as the column's own values were: `0.1` is to be found.
fn number_type(
    kind: Kind,
    beside: Sort,
    [integer, numeric, double, real]: [&'static str; 4],
) -> &'static str {
    match (beside, kind) {
        (Sort::Double, _) | (Sort::Real, Kind::Integer) => double,
        (Sort::Real, _) => real,
        (Sort::Integer, Kind::Integer) => integer,
        _ => numeric,
    }
}
