//! Groups, aggregates and distinct rows as shapes.

use connector_api::model::{Column, ColumnType, Query, Value};
use serde_json::{Value as Json, json};

use super::{able, orders, planned, request};
use crate::plan::{Page, page};

fn plan(query: &[(&str, &str)]) -> Page {
    planned(&orders(), &able(), |scope| page(&request(query), scope)).unwrap()
}

fn refused(query: &[(&str, &str)]) -> String {
    planned(&orders(), &able(), |scope| page(&request(query), scope)).unwrap_err().to_string()
}

/// The answer's names with the columns they come from.
fn shown(page: &Page) -> Vec<(&str, &str)> {
    page.read.shown.iter().map(|shown| (&*shown.name, &*shown.column)).collect()
}

/// Group and order of a query.
#[track_caller]
fn check(query: &[(&str, &str)], names: &[&str], group: &Json, order: &Json) {
    let page = plan(query);
    assert_eq!(shown(&page).iter().map(|(name, _)| *name).collect::<Vec<_>>(), names, "{query:?}");
    let Query { group: found, order: found_order, .. } = &page.read.query;
    assert_eq!(&serde_json::to_value(found).unwrap(), group, "{query:?}");
    assert_eq!(&serde_json::to_value(found_order).unwrap(), order, "{query:?}");
}

#[test]
fn aggregates_are_named_for_the_answer_and_apart_from_columns_in_the_query() {
    let group = json!({
        "by": [["country"]],
        "aggregates": [
            { "function": "count", "name": "aggregate_1" },
            { "function": "sum", "of": ["amount"], "name": "aggregate_2" },
        ],
    });
    let order = json!([{ "by": ["country"], "direction": "asc" }]);
    let names = ["country", "COUNT_ALL", "SUM_amount"];
    check(&[("fields", "country,COUNT(*),sum( Amount )"), ("group", "Country")], &names, &group, &order);
    // Without `group` the plain fields are what is grouped by.
    check(&[("fields", "country,count(*),SUM(amount)")], &names, &group, &order);
}

#[test]
fn aggregates_alone_make_one_group_of_all_rows() {
    let aggregates = json!([{ "function": "max", "of": ["placed_at"], "name": "aggregate_1" }]);
    check(
        &[("fields", "MAX(placed_at)")],
        &["MAX_placed_at"],
        &json!({ "aggregates": aggregates }),
        &json!([]),
    );
}

#[test]
fn distinct_aggregates_and_aliases_have_names_of_their_own() {
    let page = plan(&[("fields", "COUNT(DISTINCT country), SUM(amount) AS total, SUM(amount) AS again")]);
    let expected =
        [("COUNT_DISTINCT_country", "aggregate_1"), ("total", "aggregate_2"), ("again", "aggregate_2")];
    assert_eq!(shown(&page), expected);
}

#[test]
fn a_column_with_the_name_of_an_aggregate_does_not_collide() {
    let mut table = orders();
    table.columns.push(Column::new("SUM_amount", ColumnType::Decimal));
    table.columns.push(Column::new("Aggregate_1", ColumnType::Decimal));
    let query = [("fields", "SUM(amount)"), ("group", "SUM_amount"), ("order", "SUM_amount")];
    let page = planned(&table, &able(), |scope| page(&request(&query), scope)).unwrap();
    assert_eq!(shown(&page), [("SUM_amount", "aggregate_1_")]);
    // In an order the grouped column goes before the name of the answer.
    assert_eq!(page.read.query.order.first().and_then(|item| item.by.as_column()), Some("SUM_amount"));
    let twice = [("fields", "SUM_amount,SUM(amount)"), ("group", "SUM_amount")];
    let error = planned(&table, &able(), |scope| super::super::page(&request(&twice), scope)).unwrap_err();
    assert_eq!(error.to_string(), "two fields are called 'SUM_amount'; give one an alias with AS");
}

#[test]
fn a_column_may_be_called_like_an_aggregate_and_then_it_is_the_column() {
    let mut table = orders();
    table.columns.push(Column::new("COUNT(*)", ColumnType::BigInt));
    let page = planned(&table, &able(), |scope| page(&request(&[("fields", "COUNT(*)")]), scope)).unwrap();
    assert_eq!((shown(&page), page.read.query.group.is_none()), (vec![("COUNT(*)", "COUNT(*)")], true));
}

#[test]
fn an_order_names_groups_by_column_answer_or_aggregate() {
    for order in ["SUM(amount) desc", "SUM_amount desc", "sum_AMOUNT desc"] {
        let query = [("fields", "country,SUM(amount)"), ("group", "country"), ("order", order)];
        let expected = json!([
            { "by": ["aggregate_1"], "direction": "desc", "nulls": "last" },
            { "by": ["country"], "direction": "desc" },
        ]);
        assert_eq!(serde_json::to_value(plan(&query).read.query.order).unwrap(), expected, "{order}");
    }
    // What is ordered by need not be shown.
    let page = plan(&[("fields", "country"), ("group", "country"), ("order", "count(*)")]);
    assert_eq!(shown(&page), [("country", "country")]);
    assert_eq!(page.read.query.group.map(|group| group.aggregates.len()), Some(1));
}

#[test]
fn having_is_typed_by_what_it_compares() {
    let having = "COUNT(*) > 3 and SUM(amount) <= 10.50 and total > 5 and country != '5' and MAX(placed_at) is not null";
    let page = plan(&[("fields", "country,MIN(amount) AS total"), ("group", "country"), ("having", having)]);
    let columns: Vec<String> = serde_json::to_value(page.read.query.group.unwrap().having).unwrap()["and"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|part| Some(part.get("compare")?["left"]["column"][0].as_str()?.to_owned()))
        .collect();
    assert_eq!(columns, ["aggregate_2", "aggregate_3", "aggregate_1", "country"]);
    let expected = [
        Value::I64(3),
        Value::Decimal("10.50".to_owned()),
        Value::I64(5),
        Value::Text("5".to_owned()),
        Value::I64(100 + 1),
    ];
    assert_eq!(page.read.params, expected);
}

#[test]
fn values_of_the_filter_stand_before_those_of_having() {
    let query = [("filter", "amount > 1"), ("having", "COUNT(*) > 2"), ("group", "country"), ("limit", "7")];
    assert_eq!(plan(&query).read.params, [Value::I64(1), Value::I64(2), Value::I64(7)]);
}

#[test]
fn distinct_rows_are_ordered_by_what_they_show() {
    let page = plan(&[("distinct", "true"), ("fields", "country,amount"), ("order", "amount desc")]);
    let query = &page.read.query;
    assert!(query.distinct && query.group.is_none());
    let expected = json!([
        { "by": ["amount"], "direction": "desc", "nulls": "last" },
        { "by": ["country"], "direction": "desc" },
    ]);
    assert_eq!(serde_json::to_value(&query.order).unwrap(), expected);
    assert_eq!(
        refused(&[("distinct", "true"), ("fields", "country"), ("order", "amount")]),
        "with 'distinct' the order may name shown fields only; add 'amount' to 'fields'"
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (query, message) in [
        (&[("fields", "nope,COUNT(*)")][..], "Invalid field requested: nope"),
        (&[("fields", "SUM(nope)")], "Invalid field requested: SUM(nope)"),
        (&[("group", "country, nope")], "Invalid or unknown field 'nope' in group by clause."),
        (&[("group", "country"), ("order", "amount")], "Invalid field 'amount' in order by clause."),
        (&[("order", "COUNT(*)")], "Invalid field 'COUNT(*)' in order by clause."),
        (
            &[("group", "country"), ("fields", "country,amount")],
            "field 'amount' must stand in 'group' or in an aggregate",
        ),
        (
            &[("group", "country"), ("having", "amount > 1")],
            "Invalid or unparsable field in filter request: 'amount'",
        ),
        (&[("having", "COUNT(*) > 1")], "'having' needs 'group' or an aggregate in 'fields'"),
        (
            &[("fields", "COUNT(*)"), ("distinct", "true")],
            "'distinct' can't be combined with groups and aggregates",
        ),
        (&[("group", "country"), ("having", "COUNT(*) > x")], "Field 'COUNT(*)' must be a valid integer."),
    ] {
        assert_eq!(refused(query), message, "{query:?}");
    }
}

#[test]
fn a_store_without_the_capability_is_not_asked() {
    let check = |query: &[(&str, &str)], capabilities, message: &str| {
        let error = planned(&orders(), &capabilities, |scope| page(&request(query), scope)).unwrap_err();
        assert_eq!(error.to_string(), message, "{query:?}");
    };
    let without_groups = connector_api::model::Capabilities { aggregates: false, ..able() };
    let message = "group or an aggregate is not supported by this service";
    check(&[("group", "country")], without_groups.clone(), message);
    check(&[("fields", "COUNT(*)")], without_groups, message);
    let without_distinct = connector_api::model::Capabilities { distinct: false, ..able() };
    check(&[("distinct", "true")], without_distinct, "distinct is not supported by this service");
    let without_or = connector_api::model::Capabilities { filter_or: false, ..able() };
    let having = [("group", "country"), ("having", "COUNT(*) > 1 or COUNT(*) < 1")];
    check(&having, without_or, "OR in a filter is not supported by this service");
}
