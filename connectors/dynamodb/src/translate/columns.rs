//! Which attributes a request looks at.

use std::collections::BTreeSet;

use connector_api::author::{Assignment, Expr, Filter, Path};

use super::{MAX_EXPRESSION, Placeholders};

/// Adds the columns that a filter names, each without the way inside it.
pub(crate) fn filter_columns<'f>(filter: &'f Filter, columns: &mut BTreeSet<&'f str>) {
    match filter {
        Filter::Always(_) | Filter::RelatedExists { .. } => {}
        Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|part| filter_columns(part, columns)),
        Filter::Not(part) => filter_columns(part, columns),
        Filter::Compare { left, right, .. } => expr_columns([left, right], columns),
        Filter::In { expr, .. } | Filter::Text { expr, .. } | Filter::IsNull(expr) => {
            expr_columns([expr], columns)
        }
        Filter::Between { expr, low, high } => expr_columns([expr, low, high], columns),
    }
}

/// Adds the columns from which others are computed.
pub(crate) fn computed_columns<'f>(compute: &'f [Assignment], columns: &mut BTreeSet<&'f str>) {
    expr_columns(compute.iter().map(|assignment| &assignment.value), columns);
}

fn expr_columns<'f>(exprs: impl IntoIterator<Item = &'f Expr>, columns: &mut BTreeSet<&'f str>) {
    for expr in exprs {
        match expr {
            Expr::Column(path) => columns.extend(path.segments().first().map(String::as_str)),
            Expr::Param(_) => {}
            Expr::Arithmetic { left, right, .. } => expr_columns([&**left, &**right], columns),
            Expr::Call { args, .. } => expr_columns(args, columns),
        }
    }
}

/// The expression that asks for these columns whole and for these paths; `None`: it would be too long, so all is asked for. The store takes
/// no two paths of which one holds the other.
pub(crate) fn projection(
    whole: &BTreeSet<&str>,
    select: &[Path],
    placeholders: &mut Placeholders,
) -> Option<String> {
    let is_whole = |path: &Path| path.segments().first().is_none_or(|name| whole.contains(name.as_str()));
    let nested: BTreeSet<&[String]> =
        select.iter().filter(|path| !is_whole(path)).map(|path| path.segments()).collect();
    let is_inside = |path: &[String]| {
        (1..path.len()).any(|length| path.get(..length).is_some_and(|outer| nested.contains(outer)))
    };
    let mut parts: Vec<String> = whole.iter().map(|name| placeholders.name(name)).collect();
    let outermost = nested.iter().filter(|path| !is_inside(path));
    parts.extend(
        outermost.filter_map(|path| Path::nested(path.to_vec())).map(|path| placeholders.path(&path)),
    );
    let text = parts.join(", ");
    (text.len() <= MAX_EXPRESSION).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_looks_at_the_columns_that_it_names_anywhere() {
        let filter = json!({"and": [{"not": {"is_null": {"column": ["a", "b"]}}}, {"or": [
            {"compare": {"op": "eq", "left": {"arithmetic": {"op": "add", "left": {"column": ["c"]}, "right": {"param": 0}}},
                "right": {"call": {"function": "abs", "args": [{"column": ["d"]}]}}}}]}]});
        let filter: Filter = serde_json::from_value(filter).unwrap();
        let mut columns = BTreeSet::new();
        filter_columns(&filter, &mut columns);
        assert_eq!(columns, BTreeSet::from(["a", "c", "d"]));
    }

    #[test]
    fn a_projection_has_no_path_inside_of_another() {
        let paths: Vec<Path> =
            serde_json::from_value(json!([["a"], ["a", "x"], ["b", "x", "y"], ["b", "x"], ["c.d", "e"]]))
                .unwrap();
        let mut placeholders = Placeholders::default();
        let text = projection(&BTreeSet::from(["a", "id"]), &paths, &mut placeholders);
        assert_eq!(text.as_deref(), Some("#n0, #n1, #n2.#n3, #n4.#n5"));
        assert_eq!(placeholders.names, ["a", "id", "b", "x", "c.d", "e"]);
    }

    #[test]
    fn a_projection_that_the_store_would_not_take_is_left_out() {
        let names: Vec<String> = (0..1000).map(|number| format!("column_{number}")).collect();
        let whole = names.iter().map(String::as_str).collect();
        assert_eq!(projection(&whole, &[], &mut Placeholders::default()), None);
    }
}
