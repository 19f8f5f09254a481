//! Filters as they are sent: the reference and the generator know a column inside a document by one name, the store by its path.

use connector_api::model::{Expr, Filter, Path};

use super::{Existing, Place};

impl Existing {
    /// Where a column is, by its name in the table of the reference.
    pub(super) fn place(&self, name: &str) -> Option<&Place> {
        let at = self.table.names.iter().position(|known| known == name)?;
        self.places.get(at)
    }

    /// The filter with the path of each column.
    pub(super) fn sent(&self, filter: &Filter) -> Filter {
        let all = |parts: &[Filter]| parts.iter().map(|part| self.sent(part)).collect();
        match filter {
            Filter::And(parts) => Filter::And(all(parts)),
            Filter::Or(parts) => Filter::Or(all(parts)),
            Filter::Not(part) => Filter::Not(Box::new(self.sent(part))),
            Filter::Compare { op, left, right } => {
                Filter::Compare { op: *op, left: self.expr(left), right: self.expr(right) }
            }
            Filter::In { expr, list } => Filter::In { expr: self.expr(expr), list: *list },
            Filter::Between { expr, low, high } => {
                Filter::Between { expr: self.expr(expr), low: self.expr(low), high: self.expr(high) }
            }
            Filter::Text { op, expr, pattern } => {
                Filter::Text { op: *op, expr: self.expr(expr), pattern: *pattern }
            }
            Filter::IsNull(expr) => Filter::IsNull(self.expr(expr)),
            Filter::Always(_) | Filter::RelatedExists { .. } => filter.clone(),
        }
    }

    fn expr(&self, expr: &Expr) -> Expr {
        match expr {
            Expr::Column(path) => Expr::Column(self.path(path)),
            Expr::Param(_) => expr.clone(),
            Expr::Arithmetic { op, left, right } => Expr::Arithmetic {
                op: *op,
                left: Box::new(self.expr(left)),
                right: Box::new(self.expr(right)),
            },
            Expr::Call { function, args } => {
                Expr::Call { function: *function, args: args.iter().map(|arg| self.expr(arg)).collect() }
            }
        }
    }

    fn path(&self, path: &Path) -> Path {
        let place = path.as_column().and_then(|name| self.place(name));
        place.map_or_else(|| path.clone(), |place| place.path.clone())
    }

    /// Whether the filter names a column that no description names.
    pub(super) fn names_others(&self, filter: &Filter) -> bool {
        let is_other = |expr: &Expr| self.has_other(expr);
        match filter {
            Filter::Always(_) | Filter::RelatedExists { .. } => false,
            Filter::And(parts) | Filter::Or(parts) => parts.iter().any(|part| self.names_others(part)),
            Filter::Not(part) => self.names_others(part),
            Filter::Compare { left, right, .. } => is_other(left) || is_other(right),
            Filter::In { expr, .. } | Filter::Text { expr, .. } | Filter::IsNull(expr) => is_other(expr),
            Filter::Between { expr, low, high } => [expr, low, high].into_iter().any(is_other),
        }
    }

    fn has_other(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Column(path) => {
                path.as_column().and_then(|name| self.place(name)).is_some_and(|place| !place.is_described)
            }
            Expr::Param(_) => false,
            Expr::Arithmetic { left, right, .. } => self.has_other(left) || self.has_other(right),
            Expr::Call { args, .. } => args.iter().any(|arg| self.has_other(arg)),
        }
    }
}
