//! How deep the JSON of a part of a shape is: what makes a request too deep for the library that reads it, whatever the store could do.

use connector_api::model::{Expr, Filter};

/// The most levels of a filter or an expression. Of a whole shape 127 are read (serde_json's bound): this leaves room for the levels of the
/// shape itself, and for the row rules and cursors that are put around a filter.
pub(super) const MAX_LEVELS: usize = 115;

/// The bound, for whoever has passed it.
pub(super) fn bound() -> String {
    format!(
        "at most {MAX_LEVELS} levels are allowed, of which AND, OR and an operator take 2, NOT 1, NOR and a call 3"
    )
}

/// An enum's variant is an object around its content.
const VARIANT: usize = 1;
/// Content that is an object or a list.
const CONTENT: usize = 1;
/// The pairs of columns of a relationship: a list of lists of paths.
const PAIRS: usize = 3;

/// The lists and objects inside each other in the JSON of a filter.
pub(super) fn of_filter(filter: &Filter) -> usize {
    let within = match filter {
        Filter::Always(_) => 0,
        Filter::And(members) | Filter::Or(members) => CONTENT + deepest(members, of_filter),
        Filter::Not(member) => of_filter(member),
        Filter::Compare { left, right, .. } => CONTENT + of_expr(left).max(of_expr(right)),
        Filter::In { expr, .. } | Filter::Text { expr, .. } => CONTENT + of_expr(expr),
        Filter::Between { expr, low, high } => CONTENT + deepest([expr, low, high], of_expr),
        Filter::IsNull(expr) => of_expr(expr),
        Filter::RelatedExists { filter, .. } => CONTENT + of_filter(filter).max(PAIRS),
    };
    VARIANT + within
}

/// The same of an expression.
pub(super) fn of_expr(expr: &Expr) -> usize {
    let within = match expr {
        Expr::Param(_) => 0,
        Expr::Column(_) => CONTENT,
        Expr::Arithmetic { left, right, .. } => CONTENT + of_expr(left).max(of_expr(right)),
        // The list of arguments is a member of the content.
        Expr::Call { args, .. } => CONTENT + CONTENT + deepest(args, of_expr),
    };
    VARIANT + within
}

fn deepest<'p, P: 'p>(parts: impl IntoIterator<Item = &'p P>, levels: impl Fn(&P) -> usize) -> usize {
    parts.into_iter().map(levels).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use connector_api::model::{OnError, Path, Query, Selector, TableRef, Update, UpdateMode};
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::plan::capability::{check_computed, check_filter};
    use crate::plan::tests::able;

    /// Lists and objects inside each other.
    fn depth(json: &Json) -> usize {
        match json {
            Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
            Json::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
            _ => 0,
        }
    }

    fn read<T: DeserializeOwned>(json: Json) -> T {
        serde_json::from_value(json).unwrap()
    }

    /// A filter of that many levels: one way or the other to put a filter into another one, around a comparison.
    fn filter(levels: usize, wrap: fn(Filter) -> Filter) -> Filter {
        let mut filter: Filter = read(json!({"is_null": {"column": ["a"]}}));
        while of_filter(&filter) < levels {
            filter = match of_filter(&wrap(filter.clone())) {
                found if found <= levels => wrap(filter),
                _ => Filter::Not(Box::new(filter)),
            };
        }
        filter
    }

    const WRAPS: [fn(Filter) -> Filter; 3] = [
        |filter| Filter::Not(Box::new(filter)),
        |filter| Filter::And(vec![Filter::Always(true), filter]),
        |filter| Filter::RelatedExists {
            table: TableRef::new("t"),
            on: vec![(Path::column("a"), Path::column("b"))],
            filter: Box::new(filter),
        },
    ];

    #[test]
    fn levels_are_those_of_the_json() {
        let column = json!({"column": ["a", "b"]});
        let sum = json!({"arithmetic": {"op": "add", "left": {"param": 0}, "right": column}});
        let call = json!({"call": {"function": "coalesce", "args": [{"param": 0}, sum]}});
        let now = json!({"call": {"function": "now", "args": []}});
        for expr in [&column, &json!({"param": 0}), &sum, &call, &now] {
            assert_eq!(of_expr(&read(expr.clone())), depth(expr), "{expr}");
            let empty = json!({"is_null": expr});
            for filter in [
                json!({"compare": {"op": "eq", "left": expr, "right": {"param": 0}}}),
                json!({"compare": {"op": "eq", "left": {"param": 0}, "right": expr}}),
                json!({"in": {"expr": expr, "list": 0}}),
                json!({"between": {"expr": {"param": 0}, "low": {"param": 0}, "high": expr}}),
                json!({"text": {"op": "like", "expr": expr, "pattern": 0}}),
                json!({"and": [{"always": true}, empty]}),
                json!({"or": [empty, {"not": {"not": empty}}]}),
                json!({"related_exists": {"table": {"namespace": ["s"], "name": "t"}, "on": [[["a"], ["b"]]], "filter": {"always": true}}}),
                json!({"related_exists": {"table": {"name": "t"}, "on": [[["a"], ["b"]]], "filter": empty}}),
                empty,
            ] {
                assert_eq!(of_filter(&read(filter.clone())), depth(&filter), "{filter}");
            }
        }
    }

    #[test]
    fn a_filter_may_have_as_many_levels_as_fit_and_no_more() {
        let can = connector_api::model::Capabilities { filter_related: true, ..able() };
        for wrap in WRAPS {
            assert_eq!(check_filter(&filter(MAX_LEVELS, wrap), &can), Ok(()));
            let refused = check_filter(&filter(MAX_LEVELS + 1, wrap), &can).unwrap_err().to_string();
            assert!(refused.starts_with("filter is nested too deeply; "), "{refused}");
        }
    }

    #[test]
    fn an_expression_may_have_as_many_levels_as_fit_and_no_more() {
        let can = connector_api::model::Capabilities { write_expressions: true, ..able() };
        let nested = |signs: usize| {
            let add = |expr, _| json!({"arithmetic": {"op": "add", "left": expr, "right": {"param": 0}}});
            read::<Expr>((0..signs).fold(json!({"param": 0}), add))
        };
        let most = (MAX_LEVELS - 1) / 2;
        assert_eq!(of_expr(&nested(most)), MAX_LEVELS);
        assert_eq!(check_computed(&nested(most), &can), Ok(()));
        let refused = check_computed(&nested(most + 1), &can).unwrap_err().to_string();
        assert!(refused.starts_with("an expression is nested too deeply; "), "{refused}");
    }

    /// Whether a connector reads this.
    fn is_read<T: Serialize + DeserializeOwned + PartialEq>(shape: &T) -> bool {
        let bytes = serde_json::to_vec(shape).unwrap();
        serde_json::from_slice::<T>(&bytes).is_ok_and(|read| read == *shape)
    }

    #[test]
    fn what_is_put_around_the_deepest_filter_can_be_read_too() {
        for wrap in WRAPS {
            let deepest = filter(MAX_LEVELS, wrap);
            // A cursor's run, and rows that can't be compared with the last one.
            let twice = Filter::And(vec![Filter::And(vec![deepest.clone(), Filter::Always(true)])]);
            let query =
                Query { filter: Some(twice.clone()), ..Query::new(TableRef::new("t"), Vec::new(), 0) };
            assert!(is_read(&query));
            let update = Update {
                table: TableRef::new("t"),
                rows: Selector::Keys { columns: vec![Path::column("id")], guard: Some(twice.clone()) },
                set: Vec::new(),
                compute: Vec::new(),
                mode: UpdateMode::Merge,
                check: Some(twice),
                on_error: OnError::Stop,
                returning: Vec::new(),
                others: false,
                need: Vec::new(),
            };
            assert!(is_read(&update));
        }
    }
}
