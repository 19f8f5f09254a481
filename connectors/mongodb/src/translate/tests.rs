//! What filters, orders and groups become. The rules themselves are proven on a running server by the behaviour suite.

use connector_api::author::{
    Aggregate, AggregateFunction, CompareOp, Direction, Expr, Filter, Group, Nulls, Order, Path, TextOp,
    Value,
};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};

use super::*;
use crate::schema::{Found, Layout};

fn layout() -> Layout {
    let properties =
        doc! {"_id": {"bsonType": "objectId"}, "a": {"bsonType": "int"}, "t": {"bsonType": "string"}};
    let validator = doc! {"$jsonSchema": {"properties": properties}};
    let found = Found {
        name: "c".to_owned(),
        is_view: false,
        validator: Some(validator),
        indexes: Vec::new(),
        sample: Vec::new(),
    };
    Layout::new(&found).unwrap()
}

fn rows(filter: &Filter, params: &[Value], truth: bool) -> Option<Document> {
    Filters { layout: &layout(), params }.rows(filter, truth).unwrap()
}

fn column(segments: &[&str]) -> Expr {
    Expr::Column(Path::nested(segments.iter().map(|segment| (*segment).to_owned()).collect()).unwrap())
}

fn compare(segments: &[&str], op: CompareOp) -> Filter {
    Filter::Compare { op, left: column(segments), right: Expr::Param(0) }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

const HEX: &str = "507f1f77bcf86cd799439011";

#[test]
fn a_comparison_is_written_for_the_rows_where_it_holds_and_for_those_where_it_does_not() {
    let (list, filter) = (doc! {"$type": "array"}, compare(&["a"], CompareOp::Eq));
    let holds = doc! {"a": {"$in": [5_i64], "$not": &list}};
    let fails = doc! {"$or": [{"a": {"$not": {"$in": [5_i64]}, "$ne": Bson::Null}}, {"a": list}]};
    let five = [Value::I64(5)];
    assert_eq!(rows(&filter, &five, true), Some(holds.clone()));
    assert_eq!(rows(&filter, &five, false), Some(fails.clone()));
    assert_eq!(rows(&Filter::Not(Box::new(filter)), &five, true), Some(fails));
    assert_eq!(rows(&compare(&["a"], CompareOp::Ne), &five, false), Some(holds));
}

#[test]
fn a_comparison_with_null_matches_nothing_whatever_is_asked() {
    let nothing = Some(doc! {"_id": {"$in": []}});
    for op in [CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Ge] {
        for truth in [true, false] {
            assert_eq!(rows(&compare(&["a"], op), &[Value::Null], truth), nothing, "{op:?}");
        }
    }
}

#[test]
fn a_path_does_not_go_through_lists() {
    let found = rows(&compare(&["p", "q"], CompareOp::Gt), &[Value::I64(1)], true);
    let list = doc! {"$type": "array"};
    assert_eq!(found, Some(doc! {"$and": [{"p": {"$not": &list}}, {"p.q": {"$gt": 1_i64, "$not": &list}}]}));
}

#[test]
fn the_text_of_an_object_id_finds_it() {
    let id = ObjectId::parse_str(HEX).unwrap();
    let values = |column: &str| {
        let found = rows(&compare(&[column], CompareOp::Eq), &[text(HEX)], true).unwrap();
        found.get_document(column).unwrap().get_array("$in").unwrap().clone()
    };
    assert_eq!(values("_id"), [HEX.into(), Bson::ObjectId(id)]);
    assert_eq!(values("undeclared"), [HEX.into(), Bson::ObjectId(id)]);
    assert_eq!(values("t"), [Bson::from(HEX)]);
}

#[test]
fn a_value_that_looks_like_an_operator_is_left_to_the_evaluator_or_stays_a_text() {
    let operator = Value::Object(vec![("$gt".to_owned(), text(""))]);
    assert_eq!(rows(&compare(&["t"], CompareOp::Eq), &[operator], true), None);
    let found = rows(&compare(&["t"], CompareOp::Eq), &[text("{\"$gt\":\"\"}")], true).unwrap();
    assert_eq!(found, doc! {"t": {"$in": ["{\"$gt\":\"\"}"], "$not": {"$type": "array"}}});
}

#[test]
fn a_name_that_could_be_an_operator_never_reaches_the_servers_language() {
    for name in ["$where", "$expr", "a.b", "", "a\0b"] {
        assert_eq!(rows(&compare(&[name], CompareOp::Eq), &[Value::I64(1)], true), None, "{name}");
        assert_eq!(rows(&compare(&["a", name], CompareOp::Eq), &[Value::I64(1)], true), None, "{name}");
        let order = Order { by: Path::column(name), direction: Direction::Asc, nulls: None };
        assert!(sort_stages(&[order]).is_err(), "{name}");
        let group = Group { by: vec![Path::column(name)], ..Group::default() };
        assert_eq!(groups(&group, 1), None, "{name}");
    }
}

#[test]
fn a_pattern_is_anchored_and_every_character_of_it_stands_for_itself() {
    for (op, pattern, regex) in [
        (TextOp::Like, "a%_.", "^a.*.\\x2e(?![\\s\\S])"),
        (TextOp::Ilike, "é\0", "^é\\x00(?![\\s\\S])"),
        (TextOp::Contains, ".*", "\\x2e\\x2a"),
        (TextOp::StartsWith, "%", "^\\x25"),
        (TextOp::EndsWith, "\\Q", "\\x5cQ(?![\\s\\S])"),
    ] {
        let filter = Filter::Text { op, expr: column(&["t"]), pattern: 0 };
        let found = rows(&filter, &[text(pattern)], true).unwrap();
        let found = found.get_document("t").unwrap();
        assert_eq!((found.get_str("$regex").unwrap(), found.get_str("$options").unwrap()), (regex, "is"));
    }
}

#[test]
fn many_equalities_of_one_column_are_one_list() {
    let equal =
        |param| Filter::Compare { op: CompareOp::Eq, left: column(&["a"]), right: Expr::Param(param) };
    let found = rows(&Filter::Or(vec![equal(0), equal(1)]), &[Value::I64(1), Value::I64(2)], true);
    assert_eq!(found, Some(doc! {"a": {"$in": [1_i64, 2_i64], "$not": {"$type": "array"}}}));
}

#[test]
fn nulls_stand_where_the_order_wants_them() {
    let by = |direction, nulls| Order { by: Path::column("a"), direction, nulls };
    let plain = |way: i32| vec![doc! {"$sort": {"a": way}}];
    for (order, expected) in [
        (by(Direction::Asc, None), plain(1)),
        (by(Direction::Asc, Some(Nulls::First)), plain(1)),
        (by(Direction::Desc, Some(Nulls::Last)), plain(-1)),
    ] {
        assert_eq!(sort_stages(&[order]).unwrap(), expected);
    }
    let helped = sort_stages(&[by(Direction::Asc, Some(Nulls::Last))]).unwrap();
    assert_eq!(helped.get(1), Some(&doc! {"$sort": {"__tablegate_nulls_0": 1, "a": 1}}));
}

#[test]
fn sums_of_different_values_are_left_to_the_evaluator() {
    let aggregate = |function, distinct| Aggregate {
        function,
        of: Some(Path::column("a")),
        distinct,
        name: "n".to_owned(),
    };
    let can = |function, distinct| {
        groups(&Group { aggregates: vec![aggregate(function, distinct)], ..Group::default() }, 1).is_some()
    };
    assert!(can(AggregateFunction::Sum, false) && can(AggregateFunction::Count, true));
    assert!(!can(AggregateFunction::Sum, true) && !can(AggregateFunction::Avg, true));
}
