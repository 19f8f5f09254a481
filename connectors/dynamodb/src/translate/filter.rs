//! A filter as a condition of the store's language.
//!
//! The store's own logic has two values: a missing attribute is unequal to everything, and unequal types are, too. The contract's has three.
//! So a filter is translated twice, into the condition under which it is true and the one under which it is false; `not` changes from one
//! to the other, and where neither holds the filter is unknown.
//!
//! What the store can't say makes the condition weaker, never stronger: it then holds for all rows for which the filter does, and perhaps
//! for others, which whoever reads has to leave out. [`Pushed::is_exact`] tells.

use connector_api::author::{CompareOp, Expr, Filter, Path, TextOp, Value};

use super::{Piece, Test};
use crate::types::Attribute;

/// Operands that one `IN` takes.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const MAX_IN: usize = 100;

/// What of a filter the store tests.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pushed {
    /// Holds for all rows that match.
    pub(crate) test: Test,
    /// And for no other.
    pub(crate) is_exact: bool,
}

/// The condition for rows for which the filter is true. Paths that `hidden` names can't be tested there.
pub(crate) fn push(filter: Option<&Filter>, params: &[Value], hidden: &dyn Fn(&str) -> bool) -> Pushed {
    let translator = Translator { params, hidden };
    filter.map_or(Pushed::exact(Test::All), |filter| translator.filter(filter, true))
}

impl Pushed {
    fn exact(test: Test) -> Self {
        Self { test, is_exact: true }
    }

    /// What the store can't test at all.
    fn open() -> Self {
        Self { test: Test::All, is_exact: false }
    }

    fn all(parts: Vec<Self>) -> Self {
        let is_exact = parts.iter().all(|part| part.is_exact);
        let test = Test::all(parts.into_iter().map(|part| part.test));
        // What is weaker than never is never.
        Self { is_exact: is_exact || test == Test::Nothing, test }
    }

    fn any(parts: Vec<Self>) -> Self {
        let is_surely_all = parts.iter().any(|part| part.is_exact && part.test == Test::All);
        let is_exact = is_surely_all || parts.iter().all(|part| part.is_exact);
        Self { test: Test::any(parts.into_iter().map(|part| part.test)), is_exact }
    }
}

struct Translator<'a> {
    params: &'a [Value],
    hidden: &'a dyn Fn(&str) -> bool,
}

impl Translator<'_> {
    /// The condition for rows for which the filter is `wanted`.
    fn filter(&self, filter: &Filter, wanted: bool) -> Pushed {
        let each = |parts: &[Filter]| parts.iter().map(|part| self.filter(part, wanted)).collect();
        match filter {
            Filter::Always(always) => {
                Pushed::exact(if *always == wanted { Test::All } else { Test::Nothing })
            }
            Filter::And(parts) if wanted => Pushed::all(each(parts)),
            Filter::And(parts) => Pushed::any(each(parts)),
            Filter::Or(parts) if wanted => Pushed::any(each(parts)),
            Filter::Or(parts) => Pushed::all(each(parts)),
            Filter::Not(part) => self.filter(part, !wanted),
            Filter::Compare { op, left, right } => self.compare(*op, (left, right), wanted),
            Filter::Between { expr, low, high } => {
                let bounds = vec![
                    self.compare(CompareOp::Ge, (expr, low), wanted),
                    self.compare(CompareOp::Le, (expr, high), wanted),
                ];
                if wanted { Pushed::all(bounds) } else { Pushed::any(bounds) }
            }
            Filter::In { expr, list } => match (self.path(expr), self.params.get(*list)) {
                (Some(path), Some(Value::List(items))) => one_of(path, items, wanted),
                _ => Pushed::open(),
            },
            Filter::Text { op, expr, pattern } => match (self.path(expr), self.params.get(*pattern)) {
                (Some(path), Some(pattern)) => text(*op, path, pattern, wanted),
                _ => Pushed::open(),
            },
            Filter::IsNull(expr) => match self.path(expr) {
                Some(path) if wanted => Pushed::exact(unknown(path)),
                Some(path) => Pushed::exact(known(path)),
                None => Pushed::open(),
            },
            Filter::RelatedExists { .. } => Pushed::open(),
        }
    }

    /// A column that may be tested.
    fn path<'e>(&self, expr: &'e Expr) -> Option<&'e Path> {
        let Expr::Column(path) = expr else { return None };
        path.segments().first().filter(|name| !(self.hidden)(name)).map(|_| path)
    }

    fn compare(&self, op: CompareOp, (left, right): (&Expr, &Expr), wanted: bool) -> Pushed {
        let value = |expr: &Expr| match expr {
            Expr::Param(param) => self.params.get(*param),
            _ => None,
        };
        match (self.path(left), value(right), value(left), self.path(right)) {
            (Some(path), Some(value), ..) => compared(path, op, value, wanted),
            (.., Some(value), Some(path)) => compared(path, mirrored(op), value, wanted),
            _ => Pushed::open(),
        }
    }
}

/// `3 < a` is `a > 3`.
pub(super) fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
        CompareOp::Eq | CompareOp::Ne => op,
    }
}

/// The word of the store's language.
pub(super) fn word(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => " = ",
        CompareOp::Ne => " <> ",
        CompareOp::Lt => " < ",
        CompareOp::Le => " <= ",
        CompareOp::Gt => " > ",
        CompareOp::Ge => " >= ",
    }
}

/// There, and not null.
fn known(path: &Path) -> Test {
    Test::And(vec![Test::exists(path.clone(), true), Test::Not(Box::new(has_type(path, "NULL")))])
}

fn unknown(path: &Path) -> Test {
    Test::Or(vec![Test::exists(path.clone(), false), has_type(path, "NULL")])
}

fn has_type(path: &Path, native_type: &str) -> Test {
    function("attribute_type(", path, Attribute::Text(native_type.to_owned()))
}

fn function(name: &'static str, path: &Path, value: Attribute) -> Test {
    let pieces = [
        Piece::Word(name),
        Piece::Path(path.clone()),
        Piece::Word(", "),
        Piece::Value(value),
        Piece::Word(")"),
    ];
    Test::Is(pieces.into())
}

/// Where `holds` is true, or where the value is known and it is not.
fn decided(path: &Path, holds: Test, wanted: bool) -> Test {
    if wanted { holds } else { Test::all([known(path), holds.negated()]) }
}

fn compared(path: &Path, op: CompareOp, value: &Value, wanted: bool) -> Pushed {
    if matches!(value, Value::Null | Value::Absent) {
        return Pushed::exact(Test::Nothing);
    }
    // Documents are equal or not, and have no order.
    let is_of_equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    let value = if is_of_equality { Attribute::from_exact(value) } else { Attribute::from_scalar(value) };
    let Some(value) = value else { return Pushed::open() };
    let holds = |op, value| Test::compare(path.clone(), word(op), value);
    Pushed::exact(match (op, wanted) {
        (CompareOp::Eq, true) | (CompareOp::Ne, false) => holds(CompareOp::Eq, value),
        (CompareOp::Ne, true) | (CompareOp::Eq, false) => {
            Test::all([known(path), holds(CompareOp::Ne, value)])
        }
        // The store has no order of truth values.
        _ if matches!(value, Attribute::Bool(_)) => return Pushed::open(),
        (op, wanted) => decided(path, holds(op, value), wanted),
    })
}

fn one_of(path: &Path, items: &[Value], wanted: bool) -> Pushed {
    let is_null = |item: &&Value| matches!(item, Value::Null | Value::Absent);
    let has_null = items.iter().any(|item| is_null(&item));
    let values: Option<Vec<_>> =
        items.iter().filter(|item| !is_null(item)).map(Attribute::from_scalar).collect();
    let Some(values) = values else { return Pushed::open() };
    // An item that is null might be the one: no row is surely different.
    if !wanted && has_null {
        return Pushed::exact(Test::Nothing);
    }
    let list = |values: &[Attribute]| {
        let mut pieces = vec![Piece::Path(path.clone()), Piece::Word(" IN (")];
        for (place, value) in values.iter().enumerate() {
            pieces.extend((place > 0).then_some(Piece::Word(", ")));
            pieces.push(Piece::Value(value.clone()));
        }
        pieces.push(Piece::Word(")"));
        Test::Is(pieces)
    };
    Pushed::exact(decided(path, Test::any(values.chunks(MAX_IN).map(list)), wanted))
}

/// The store minds the case of letters, so `like` and the plain text searches do. Without regard to case it can't search.
fn text(op: TextOp, path: &Path, pattern: &Value, wanted: bool) -> Pushed {
    let pattern = match pattern {
        Value::Null | Value::Absent => return Pushed::exact(Test::Nothing),
        Value::Text(pattern) => pattern.as_str(),
        // Nothing but a text is found in a text.
        _ => return Pushed::exact(decided(path, Test::Nothing, wanted)),
    };
    match search(op, pattern) {
        Some((name, part)) => {
            let found = function(name, path, Attribute::Text(part.to_owned()));
            Pushed::exact(decided(path, Test::And(vec![has_type(path, "S"), found]), wanted))
        }
        None if op == TextOp::Like && !pattern.contains(['%', '_']) => {
            let equal = Test::compare(path.clone(), word(CompareOp::Eq), Attribute::Text(pattern.to_owned()));
            Pushed::exact(decided(path, equal, wanted))
        }
        // A text that ends with it contains it.
        None if op == TextOp::EndsWith && wanted => {
            Pushed { test: function("contains(", path, Attribute::Text(pattern.to_owned())), is_exact: false }
        }
        None => Pushed::open(),
    }
}

/// The function that finds just what the search does, with its text.
pub(super) fn search(op: TextOp, pattern: &str) -> Option<(&'static str, &str)> {
    const STARTS: &str = "begins_with(";
    const CONTAINS: &str = "contains(";
    let is_plain = |part: &&str| !part.contains(['%', '_']);
    match op {
        TextOp::StartsWith => Some((STARTS, pattern)),
        TextOp::Contains => Some((CONTAINS, pattern)),
        TextOp::Like => {
            let start = pattern.strip_suffix('%')?;
            match start.strip_prefix('%') {
                Some(inner) => Some((CONTAINS, inner)).filter(|(_, part)| is_plain(part)),
                None => Some((STARTS, start)).filter(|(_, part)| is_plain(part)),
            }
        }
        TextOp::Ilike | TextOp::EndsWith => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::translate::Placeholders;

    /// The condition, with what its placeholders stand for, and whether it is exact.
    fn pushed(filter: serde_json::Value, params: &[Value]) -> (String, bool) {
        let filter: Filter = serde_json::from_value(filter).unwrap();
        let pushed = push(Some(&filter), params, &|name| name == "hidden");
        let mut placeholders = Placeholders::default();
        let mut text = placeholders.expression(&pushed.test);
        if pushed.test == Test::Nothing {
            "never".clone_into(&mut text);
        }
        for (place, name) in placeholders.names.iter().enumerate().rev() {
            text = text.replace(&format!("#n{place}"), name);
        }
        for (place, value) in placeholders.values.iter().enumerate().rev() {
            let shown = match value {
                Attribute::Text(text) => format!("'{text}'"),
                Attribute::Number(digits) => digits.clone(),
                other => format!("{other:?}"),
            };
            text = text.replace(&format!(":v{place}"), &shown);
        }
        (text, pushed.is_exact)
    }

    fn compare(op: &str) -> serde_json::Value {
        json!({"compare": {"op": op, "left": {"column": ["a"]}, "right": {"param": 0}}})
    }

    fn text(op: &str) -> serde_json::Value {
        json!({"text": {"op": op, "expr": {"column": ["a"]}, "pattern": 0}})
    }

    fn not(filter: serde_json::Value) -> serde_json::Value {
        json!({ "not": filter })
    }

    fn words(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    const KNOWN: &str = "attribute_exists(a) AND NOT (attribute_type(a, 'NULL'))";

    #[track_caller]
    fn check(filter: serde_json::Value, params: &[Value], expected: &str) {
        assert_eq!(pushed(filter, params), (expected.replace("KNOWN", KNOWN), true));
    }

    #[test]
    fn a_comparison_is_true_or_false_only_where_the_value_is_known() {
        let three = [Value::I64(3)];
        check(compare("eq"), &three, "a = 3");
        check(not(compare("eq")), &three, "(KNOWN) AND a <> 3");
        check(compare("ne"), &three, "(KNOWN) AND a <> 3");
        check(not(compare("ne")), &three, "a = 3");
        check(compare("lt"), &three, "a < 3");
        check(not(compare("lt")), &three, "(KNOWN) AND NOT (a < 3)");
        check(not(not(compare("lt"))), &three, "a < 3");
    }

    #[test]
    fn a_comparison_with_null_is_never_true_and_never_false() {
        for filter in [compare("eq"), not(compare("eq")), compare("ne"), not(compare("lt"))] {
            check(filter, &[Value::Null], "never");
        }
    }

    #[test]
    fn documents_and_sets_are_compared_by_the_store() {
        let set = Value::Extension("set".to_owned(), Box::new(Value::List(vec![words("x")])));
        let members = vec![("d".to_owned(), Value::Decimal("0.5".to_owned())), ("n".to_owned(), Value::Null)];
        for (value, expected) in [
            (set, r#"Texts(["x"])"#),
            (Value::Object(members), r#"Map({"d": Number("0.5"), "n": Null(true)})"#),
        ] {
            let params = [value];
            check(compare("eq"), &params, &format!("a = {expected}"));
            check(compare("ne"), &params, &format!("(KNOWN) AND a <> {expected}"));
        }
    }

    #[test]
    fn truth_turns_around_inside_of_a_negation() {
        let pair = |word: &str| json!({ word: [compare("eq"), {"is_null": {"column": ["b"]}}] });
        let three = [Value::I64(3)];
        check(pair("and"), &three, "a = 3 AND (attribute_not_exists(b) OR attribute_type(b, 'NULL'))");
        let known_b = KNOWN.replace("(a)", "(b)").replace("(a,", "(b,");
        check(not(pair("and")), &three, &format!("((KNOWN) AND a <> 3) OR ({known_b})"));
        check(not(pair("or")), &three, &format!("((KNOWN) AND a <> 3) AND ({known_b})"));
    }

    #[test]
    fn a_null_item_of_a_list_makes_no_row_surely_different() {
        let list = json!({"in": {"expr": {"column": ["a"]}, "list": 0}});
        let items = |items: &[Value]| [Value::List(items.to_vec())];
        let (one, two) = (Value::I64(1), Value::I64(2));
        check(list.clone(), &items(&[one.clone(), two.clone()]), "a IN (1, 2)");
        check(not(list.clone()), &items(&[one.clone(), two]), "(KNOWN) AND NOT (a IN (1, 2))");
        check(list.clone(), &items(&[one.clone(), Value::Null]), "a IN (1)");
        check(not(list.clone()), &items(&[one, Value::Null]), "never");
        check(list, &items(&[Value::Null]), "never");
    }

    #[test]
    fn a_long_list_is_cut_into_lists_that_the_store_takes() {
        let list = json!({"in": {"expr": {"column": ["a"]}, "list": 0}});
        let (text, is_exact) = pushed(list, &[Value::List((0..201).map(Value::I64).collect())]);
        assert_eq!((text.matches(" IN (").count(), text.matches(" OR ").count(), is_exact), (3, 2, true));
    }

    #[test]
    fn between_is_two_comparisons() {
        let between =
            json!({"between": {"expr": {"column": ["a"]}, "low": {"param": 0}, "high": {"param": 1}}});
        let bounds = [Value::I64(1), Value::I64(3)];
        check(between.clone(), &bounds, "a >= 1 AND a <= 3");
        check(not(between), &bounds, "((KNOWN) AND NOT (a >= 1)) OR ((KNOWN) AND NOT (a <= 3))");
    }

    #[test]
    fn searches_are_pushed_where_the_store_finds_the_same() {
        let is_text = "attribute_type(a, 'S')";
        for (op, pattern, expected) in [
            ("starts_with", "x%", "begins_with(a, 'x%')"),
            ("contains", "x_", "contains(a, 'x_')"),
            ("like", "x%", "begins_with(a, 'x')"),
            ("like", "%x%", "contains(a, 'x')"),
        ] {
            check(text(op), &[words(pattern)], &format!("{is_text} AND {expected}"));
            check(not(text(op)), &[words(pattern)], &format!("(KNOWN) AND NOT ({is_text} AND {expected})"));
        }
        check(text("like"), &[words("x")], "a = 'x'");
        check(text("contains"), &[Value::I64(1)], "never");
        check(not(text("contains")), &[Value::I64(1)], "KNOWN");
    }

    #[test]
    fn what_the_store_can_not_say_is_weaker_and_never_stronger() {
        let lower = json!({"compare": {"op": "eq", "left": {"call": {"function": "lower", "args": [{"column": ["a"]}]}},
            "right": {"param": 0}}});
        let hidden = json!({"is_null": {"column": ["hidden"]}});
        let x = [words("x")];
        for filter in [&lower, &hidden, &text("ilike"), &text("like")] {
            assert_eq!(pushed(filter.clone(), &[words("_x")]), (String::new(), false), "{filter}");
            assert_eq!(pushed(not(filter.clone()), &[words("_x")]), (String::new(), false), "{filter}");
        }
        assert_eq!(pushed(text("ends_with"), &x), ("contains(a, 'x')".to_owned(), false));
        assert_eq!(pushed(json!({"and": [lower, compare("eq")]}), &x), ("a = 'x'".to_owned(), false));
        assert_eq!(pushed(json!({"or": [lower, compare("eq")]}), &x), (String::new(), false));
        assert_eq!(pushed(compare("lt"), &[Value::Bool(true)]), (String::new(), false));
        assert_eq!(pushed(compare("eq"), &[Value::F64(0.1)]), (String::new(), false));
        assert_eq!(pushed(compare("eq"), &[Value::Decimal("1".repeat(39))]), (String::new(), false));
        let rounded = Value::List(vec![Value::F64(0.1)]);
        assert_eq!(pushed(compare("eq"), &[rounded]), (String::new(), false));
        assert_eq!(pushed(compare("lt"), &[Value::List(Vec::new())]), (String::new(), false));
        let never = json!({"and": [lower, {"always": false}]});
        assert_eq!(pushed(never, &x), ("never".to_owned(), true));
    }

    #[test]
    fn no_name_and_no_value_stands_in_an_expression() {
        let nasty = ["a.b", "#n0", ":v0", "size", "x = x OR attribute_exists(y)", "SELECT"];
        for name in nasty {
            let filter =
                json!({"compare": {"op": "eq", "left": {"column": [name, "$gt"]}, "right": {"param": 0}}});
            let filter: Filter = serde_json::from_value(filter).unwrap();
            for value in nasty {
                let mut placeholders = Placeholders::default();
                let pushed = push(Some(&filter), &[words(value)], &|_| false);
                assert_eq!(placeholders.expression(&pushed.test), "#n0.#n1 = :v0");
                assert_eq!(placeholders.names, [name, "$gt"]);
                assert_eq!(placeholders.values, [Attribute::Text(value.to_owned())]);
            }
        }
    }
}
