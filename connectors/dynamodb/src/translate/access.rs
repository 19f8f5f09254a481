//! Query or Scan: which keys a filter fixes, and by which index.

use std::collections::BTreeSet;

use connector_api::author::{CompareOp, Direction, Expr, Filter, Order, Path, Value};

use super::filter::{mirrored, search, word};
use super::{Piece, Test};
use crate::schema::{IndexLayout, KeyColumn, KeySchema, Layout};
use crate::types::Attribute;

/// How the items of a table are found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Access<'l> {
    /// The secondary index; `None`: the table itself.
    pub(crate) index: Option<&'l IndexLayout>,
    /// One Query each, in this order. `None`: a Scan.
    pub(crate) keys: Option<Vec<KeyCondition>>,
    /// The items come in the order that was asked for.
    pub(crate) is_ordered: bool,
    /// Against the sort key.
    pub(crate) is_backwards: bool,
}

/// What one Query fixes: a partition key, and perhaps a part of its sort keys.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyCondition {
    hash: Test,
    range: Option<Test>,
    /// The whole key is fixed, so that conditions that differ have no item in common.
    is_point: bool,
}

impl KeyCondition {
    pub(crate) fn test(&self) -> Test {
        Test::all(std::iter::once(self.hash.clone()).chain(self.range.clone()))
    }
}

/// A filter with what it is asked of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'q> {
    pub(crate) filter: Option<&'q Filter>,
    pub(crate) order: &'q [Order],
    pub(crate) params: &'q [Value],
}

impl<'l> Access<'l> {
    /// The cheapest way: by a key if the filter fixes one, in the order that was asked for if an index has it. `columns` are all attributes
    /// that the request looks at; `None`: whole items.
    pub(crate) fn choose(
        layout: &'l Layout,
        question: Question<'_>,
        columns: Option<&BTreeSet<&str>>,
    ) -> Self {
        let scan =
            Self { index: None, keys: None, is_ordered: question.order.is_empty(), is_backwards: false };
        let by_table = Self::by_key(None, &layout.keys, question);
        let by_index = layout.indexes.iter().filter(|index| index.covers(columns)).map(|index| {
            let access = Self::by_key(Some(index), &index.keys, question)?;
            index
                .keys
                .range
                .as_ref()
                .is_none_or(|range| is_surely_there(question.filter, range))
                .then_some(access)
        });
        let candidates = std::iter::once(by_table).chain(by_index).flatten();
        candidates.fold(scan, |best, next| if next.worth() > best.worth() { next } else { best })
    }

    fn worth(&self) -> (bool, bool, bool) {
        let is_narrow = self.keys.iter().flatten().any(|key| key.range.is_some() || key.is_point);
        (self.keys.is_some(), self.is_ordered, is_narrow)
    }

    fn by_key(index: Option<&'l IndexLayout>, schema: &KeySchema, question: Question<'_>) -> Option<Self> {
        let finder = Finder { schema, params: question.params };
        let keys = finder.conditions(question.filter?)?;
        let direction = if keys.len() <= 1 { native_order(index, schema, question.order) } else { None };
        let is_ordered = question.order.is_empty() || direction.is_some();
        Some(Self { index, keys: Some(keys), is_ordered, is_backwards: direction == Some(Direction::Desc) })
    }
}

/// The direction in which a Query of one partition gives this order. In it the partition key is the same everywhere, and behind the sort key
/// of a table no two items are equal; those of an index may be.
fn native_order(index: Option<&IndexLayout>, schema: &KeySchema, order: &[Order]) -> Option<Direction> {
    let mut order = order.iter().filter(|item| item.by.as_column() != Some(&schema.hash.name));
    let (first, range) = (order.next(), schema.range.as_ref());
    let is_range = |item: &&Order| range.is_some_and(|range| item.by.as_column() == Some(&range.name));
    match first {
        None => Some(Direction::Asc),
        Some(_) if index.is_none() && range.is_none() => Some(Direction::Asc),
        Some(first) if is_range(&first) && (index.is_none() || order.next().is_none()) => {
            Some(first.direction)
        }
        Some(_) => None,
    }
}

/// Items without the sort key of an index are not in it: the filter must leave them out anyway.
fn is_surely_there(filter: Option<&Filter>, range: &KeyColumn) -> bool {
    let names = |expr: &Expr| matches!(expr, Expr::Column(path) if path.as_column() == Some(&range.name));
    match filter {
        Some(Filter::And(parts)) => parts.iter().any(|part| is_surely_there(Some(part), range)),
        Some(Filter::Compare { left, right, .. }) => names(left) || names(right),
        Some(Filter::Between { expr, .. } | Filter::In { expr, .. } | Filter::Text { expr, .. }) => {
            names(expr)
        }
        _ => false,
    }
}

/// Looks for the key's columns in a filter.
struct Finder<'q> {
    schema: &'q KeySchema,
    params: &'q [Value],
}

impl Finder<'_> {
    /// The keys of all items that can match; `None` when the filter fixes none.
    fn conditions(&self, filter: &Filter) -> Option<Vec<KeyCondition>> {
        match filter {
            Filter::And(parts) => match parts.iter().find_map(|part| self.hash(part)) {
                Some(hash) => Some(vec![self.key(hash, parts.iter().find_map(|part| self.range(part)))]),
                None => parts.iter().find_map(|part| self.conditions(part)),
            },
            Filter::Or(parts) => {
                let found = parts.iter().map(|part| self.conditions(part)).collect::<Option<Vec<_>>>()?;
                without_overlap(found.into_iter().flatten())
            }
            Filter::In { expr: Expr::Column(path), list }
                if path.as_column() == Some(&self.schema.hash.name) =>
            {
                let Some(Value::List(items)) = self.params.get(*list) else { return None };
                let keys = items.iter().filter_map(|item| exactly(item, &self.schema.hash));
                without_overlap(keys.map(|key| self.key(equal(&self.schema.hash, key), None)))
            }
            filter => self.hash(filter).map(|hash| vec![self.key(hash, None)]),
        }
    }

    fn key(&self, hash: Test, range: Option<(Test, bool)>) -> KeyCondition {
        let is_point = match &range {
            Some((_, is_equal)) => *is_equal,
            None => self.schema.range.is_none(),
        };
        KeyCondition { hash, range: range.map(|(test, _)| test), is_point }
    }

    fn hash(&self, filter: &Filter) -> Option<Test> {
        match self.comparison(filter, &self.schema.hash)? {
            (CompareOp::Eq, value) => Some(equal(&self.schema.hash, value)),
            _ => None,
        }
    }

    /// A test of the sort key, and whether it is for one value.
    fn range(&self, filter: &Filter) -> Option<(Test, bool)> {
        let column = self.schema.range.as_ref()?;
        let path = || Path::column(&column.name);
        match filter {
            Filter::Compare { .. } => match self.comparison(filter, column)? {
                (CompareOp::Ne, _) => None,
                (op, value) => Some((Test::compare(path(), word(op), value), op == CompareOp::Eq)),
            },
            Filter::Between { expr, low, .. } if is_column(expr, column) => {
                Some((Test::compare(path(), word(CompareOp::Ge), self.value(low, column)?), false))
            }
            Filter::Text { op, expr, pattern } if is_column(expr, column) => {
                let Some(Value::Text(pattern)) = self.params.get(*pattern) else { return None };
                let (name, start) = search(*op, pattern).filter(|(name, _)| *name == "begins_with(")?;
                let start = column.accept(&Value::Text(start.to_owned()))?;
                let pieces = [
                    Piece::Word(name),
                    Piece::Path(path()),
                    Piece::Word(", "),
                    Piece::Value(start),
                    Piece::Word(")"),
                ];
                Some((Test::Is(pieces.into()), false))
            }
            _ => None,
        }
    }

    /// The column compared with a value of its type.
    fn comparison(&self, filter: &Filter, column: &KeyColumn) -> Option<(CompareOp, Attribute)> {
        let Filter::Compare { op, left, right } = filter else { return None };
        if is_column(left, column) {
            return Some((*op, self.value(right, column)?));
        }
        is_column(right, column).then_some((mirrored(*op), self.value(left, column)?))
    }

    fn value(&self, expr: &Expr, column: &KeyColumn) -> Option<Attribute> {
        let Expr::Param(param) = expr else { return None };
        exactly(self.params.get(*param)?, column)
    }
}

/// The value as the column has it, if that is all of it: no float that is rounded, no date that only a text could stand for.
fn exactly(value: &Value, column: &KeyColumn) -> Option<Attribute> {
    Attribute::from_scalar(value).and_then(|_| column.accept(value))
}

fn is_column(expr: &Expr, column: &KeyColumn) -> bool {
    matches!(expr, Expr::Column(path) if path.as_column() == Some(&column.name))
}

fn equal(column: &KeyColumn, value: Attribute) -> Test {
    Test::compare(Path::column(&column.name), word(CompareOp::Eq), value)
}

/// Each once; `None` where two might find the same item.
fn without_overlap(conditions: impl Iterator<Item = KeyCondition>) -> Option<Vec<KeyCondition>> {
    let mut kept: Vec<KeyCondition> = Vec::new();
    for condition in conditions {
        if kept.contains(&condition) {
            continue;
        }
        let is_apart =
            |known: &KeyCondition| known.hash != condition.hash || (known.is_point && condition.is_point);
        if !kept.iter().all(is_apart) {
            return None;
        }
        kept.push(condition);
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::schema::tests::layouts;
    use crate::translate::Placeholders;

    fn compare(column: &str, op: &str, param: usize) -> Json {
        json!({"compare": {"op": op, "left": {"column": [column]}, "right": {"param": param}}})
    }

    /// The index and the key conditions, with the values' types in the place of the values; `scan` if there are none.
    fn chosen(table: usize, filter: Json, order: Json, params: &[Value]) -> String {
        let filter: Option<Filter> = serde_json::from_value(filter).unwrap();
        let order: Vec<Order> = serde_json::from_value(order).unwrap();
        let layouts = layouts();
        let question = Question { filter: filter.as_ref(), order: &order, params };
        let access = Access::choose(&layouts[table], question, Some(&BTreeSet::from(["id", "total"])));
        let order = match (access.is_ordered, access.is_backwards) {
            (false, _) => " unordered",
            (true, true) => " backwards",
            (true, false) => "",
        };
        let Some(keys) = &access.keys else { return format!("scan{order}") };
        let index = access.index.map_or("table", |index| &index.name);
        let mut placeholders = Placeholders::default();
        let keys: Vec<_> = keys.iter().map(|key| placeholders.expression(&key.test())).collect();
        format!("{index}: {}{order}", keys.join("; "))
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_partition_key_makes_a_query_and_nothing_else_does() {
        let one = [Value::I64(1)];
        for (filter, expected) in [
            (Json::Null, "scan"),
            (compare("id", "eq", 0), "table: #n0 = :v0"),
            (compare("id", "gt", 0), "scan"),
            (compare("total", "eq", 0), "scan"),
            (json!({"not": compare("id", "eq", 0)}), "scan"),
            (json!({"or": [compare("id", "eq", 0), compare("total", "eq", 0)]}), "scan"),
            (json!({"and": [compare("total", "gt", 0), compare("id", "eq", 0)]}), "table: #n0 = :v0"),
        ] {
            assert_eq!(chosen(0, filter, json!([]), &one), expected);
        }
        assert_eq!(chosen(0, compare("id", "eq", 0), json!([]), &[text("1")]), "scan");
    }

    #[test]
    fn lists_of_keys_are_queries_one_after_the_other() {
        let list = json!({"in": {"expr": {"column": ["id"]}, "list": 0}});
        let items = Value::List(vec![Value::I64(1), Value::I64(2), Value::Null, Value::I64(1), text("x")]);
        assert_eq!(chosen(0, list, json!([]), &[items]), "table: #n0 = :v0; #n0 = :v1");
        let pair = |order, line| json!({"and": [compare("order", "eq", order), compare("line", "eq", line)]});
        let params = [text("a"), Value::I64(1), Value::I64(2)];
        let found = chosen(1, json!({"or": [pair(0, 1), pair(0, 2), pair(0, 1)]}), json!([]), &params);
        assert_eq!(found, "table: #n0 = :v0 AND #n1 = :v1; #n0 = :v0 AND #n1 = :v2");
        let overlapping = json!({"or": [compare("order", "eq", 0), pair(0, 1)]});
        assert_eq!(chosen(1, overlapping, json!([]), &params), "scan");
    }

    #[test]
    fn a_sort_key_narrows_and_orders() {
        let params = [text("a"), Value::I64(1)];
        let both = |op: &str| json!({"and": [compare("order", "eq", 0), compare("line", op, 1)]});
        assert_eq!(chosen(1, both("ge"), json!([]), &params), "table: #n0 = :v0 AND #n1 >= :v1");
        assert_eq!(chosen(1, both("ne"), json!([]), &params), "table: #n0 = :v0");
        let order = |column: &str, direction: &str| json!([{"by": [column], "direction": direction}]);
        let hash = compare("order", "eq", 0);
        assert_eq!(chosen(1, hash.clone(), order("line", "desc"), &params), "table: #n0 = :v0 backwards");
        assert_eq!(chosen(1, hash.clone(), order("line", "asc"), &params), "table: #n0 = :v0");
        assert_eq!(chosen(1, hash, order("total", "asc"), &params), "table: #n0 = :v0 unordered");
        assert_eq!(chosen(1, Json::Null, order("line", "asc"), &params), "scan unordered");
    }

    #[test]
    fn an_index_serves_only_if_every_matching_item_is_in_it_with_all_that_is_wanted() {
        let params = [text("GB"), text("2024")];
        let country = compare("country", "eq", 0);
        // Without the sort key an item is not in the index, though its country is right.
        assert_eq!(chosen(0, country.clone(), json!([]), &params), "scan");
        let both = json!({"and": [country, compare("placed_at", "ge", 1)]});
        assert_eq!(chosen(0, both.clone(), json!([]), &params), "by_country: #n0 = :v0 AND #n1 >= :v1");
        let order = json!([{"by": ["placed_at"], "direction": "desc"}]);
        assert_eq!(chosen(0, both, order, &params), "by_country: #n0 = :v0 AND #n1 >= :v1 backwards");
        // The local index has keys only, and 'total' is wanted.
        let qty = json!({"and": [compare("order", "eq", 0), compare("qty", "eq", 1)]});
        assert_eq!(chosen(1, qty, json!([]), &[text("a"), Value::I64(1)]), "table: #n0 = :v0");
    }
}
