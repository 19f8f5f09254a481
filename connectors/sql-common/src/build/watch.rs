//! The columns on whose types conditions rely: which ones the dialect says ([`Dialect::is_watched`]).

use connector_api::model::{Expr, Filter, Path, Query};

use crate::dialect::Dialect;

/// Those in these conditions, each once.
pub fn watched<'f>(dialect: &dyn Dialect, conditions: impl IntoIterator<Item = &'f Filter>) -> Vec<&'f Path> {
    let mut found = Vec::new();
    for condition in conditions {
        in_filter(condition, &mut |path| {
            if !found.contains(&path) && dialect.is_watched(path) {
                found.push(path);
            }
        });
    }
    found
}

/// Those of a read that are not wanted anyway: [`query`](super::query) writes a null of the type of each behind what is wanted. Of groups,
/// and of rows that are shown once, there are none.
pub fn watched_beside<'s>(dialect: &dyn Dialect, shape: &'s Query) -> Vec<&'s Path> {
    if shape.distinct || shape.group.is_some() {
        return Vec::new();
    }
    let mut found = watched(dialect, &shape.filter);
    found.retain(|path| !shape.select.contains(path));
    found
}

fn in_filter<'f>(filter: &'f Filter, add: &mut dyn FnMut(&'f Path)) {
    match filter {
        Filter::Always(_) => {}
        Filter::And(members) | Filter::Or(members) => {
            members.iter().for_each(|member| in_filter(member, add))
        }
        Filter::Not(inner) => in_filter(inner, add),
        Filter::Compare { left, right, .. } => [left, right].into_iter().for_each(|side| in_expr(side, add)),
        Filter::In { expr, .. } | Filter::Text { expr, .. } | Filter::IsNull(expr) => in_expr(expr, add),
        Filter::Between { expr, low, high } => {
            [expr, low, high].into_iter().for_each(|side| in_expr(side, add))
        }
        // Its columns are another table's; a connector that watches does not keep such a statement prepared.
        Filter::RelatedExists { .. } => {}
    }
}

fn in_expr<'f>(expr: &'f Expr, add: &mut dyn FnMut(&'f Path)) {
    match expr {
        Expr::Column(path) => add(path),
        Expr::Param(_) => {}
        Expr::Arithmetic { left, right, .. } => {
            [&**left, &**right].into_iter().for_each(|side| in_expr(side, add))
        }
        Expr::Call { args, .. } => args.iter().for_each(|arg| in_expr(arg, add)),
    }
}
