//! Pages by cursor: what is ordered, what is asked behind a row, what is refused.

use connector_api::model::{Capabilities, Column, ColumnType, Table, Value};
use serde_json::{Value as Json, json};

use super::{able, orders, planned, request};
use crate::plan::{Error, Page, page};

/// A first page by cursor.
fn first(table: &Table, capabilities: &Capabilities, query: &[(&str, &str)]) -> Result<Page, Error> {
    let query = [query, &[("page", "cursor"), ("limit", "10")]].concat();
    planned(table, capabilities, |scope| page(&request(&query), scope))
}

fn refused(table: &Table, query: &[(&str, &str)]) -> String {
    first(table, &able(), query).unwrap_err().to_string()
}

/// Filters behind a row with these values, as `column operator value`.
fn behind(query: &[(&str, &str)], last: &[Value]) -> Vec<String> {
    let table = orders();
    let page = first(&table, &able(), query).unwrap();
    let reads = planned(&table, &able(), |scope| page.after(last, scope)).unwrap();
    reads.iter().map(|read| words(&serde_json::to_value(&read.query.filter).unwrap(), &read.params)).collect()
}

fn words(filter: &Json, params: &[Value]) -> String {
    let (kind, inner) = filter.as_object().unwrap().iter().next().unwrap();
    let column = |expr: &Json| expr["column"][0].as_str().unwrap().to_owned();
    match kind.as_str() {
        "and" => {
            let parts: Vec<_> = inner.as_array().unwrap().iter().map(|part| words(part, params)).collect();
            parts.join(" & ")
        }
        "not" => format!("not {}", words(inner, params)),
        "is_null" => format!("{} null", column(inner)),
        "compare" => {
            let value = &params[usize::try_from(inner["right"]["param"].as_u64().unwrap()).unwrap()];
            format!("{} {} {value:?}", column(&inner["left"]), inner["op"].as_str().unwrap())
        }
        other => panic!("{other}"),
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_page_orders_by_the_key_and_asks_for_one_row_more() {
    let page = first(&orders(), &able(), &[("fields", "country"), ("order", "amount desc")]).unwrap();
    assert_eq!(page.keyset.as_ref().unwrap().columns, ["amount", "id"]);
    assert_eq!(page.read.params, [Value::I64(11)]);
    let query = serde_json::to_value(&page.read.query).unwrap();
    assert_eq!(query["select"], json!([["country"], ["amount"], ["id"]]));
    assert_eq!(page.read.shown.len(), 1);
}

#[test]
fn rows_behind_a_key_are_one_range() {
    assert_eq!(behind(&[], &[Value::I64(5)]), ["id gt I64(5)"]);
    assert_eq!(behind(&[("order", "id desc")], &[Value::I64(5)]), ["id lt I64(5)"]);
}

#[test]
fn rows_behind_several_columns_are_runs_in_their_order() {
    let found = behind(&[("order", "country, code desc")], &[text("GB"), text("x"), Value::I64(5)]);
    let expected = [
        r#"country eq Text("GB") & code eq Text("x") & id lt I64(5)"#,
        r#"country eq Text("GB") & code lt Text("x")"#,
        r#"country gt Text("GB")"#,
    ];
    assert_eq!(found, expected);
}

#[test]
fn nulls_are_passed_where_they_stand() {
    let six = Value::I64(6);
    let check = |order: &str, last: Value, expected: &[&str]| {
        assert_eq!(behind(&[("order", order)], &[last, Value::I64(5)]), expected, "{order}");
    };
    check("amount", six.clone(), &["amount eq I64(6) & id gt I64(5)", "amount gt I64(6)"]);
    check("amount", Value::Null, &["amount null & id gt I64(5)", "not amount null"]);
    check(
        "amount desc",
        six.clone(),
        &["amount eq I64(6) & id lt I64(5)", "amount lt I64(6)", "amount null"],
    );
    check("amount desc", Value::Null, &["amount null & id lt I64(5)"]);
    check("amount nulls last", six, &["amount eq I64(6) & id gt I64(5)", "amount gt I64(6)", "amount null"]);
    check("amount desc nulls first", Value::Absent, &["amount null & id lt I64(5)", "not amount null"]);
}

#[test]
fn the_filter_of_the_request_stays() {
    let found = behind(&[("filter", "amount > 1")], &[Value::I64(5)]);
    assert_eq!(found, ["amount gt I64(1) & id gt I64(5)"]);
}

#[test]
fn rows_that_cannot_be_told_apart_have_no_cursor() {
    let keyless = Table { primary_key: Vec::new(), ..orders() };
    let message = "a cursor needs rows that can be told apart, and this table has no primary key: give 'id_field', or an \
                   'order', with all columns of a unique key that has no nulls";
    assert_eq!(refused(&keyless, &[]), message);
    assert_eq!(refused(&keyless, &[("order", "country")]), message);
    // Of nulls a unique key may hold several.
    assert_eq!(refused(&keyless, &[("id_field", "country,amount")]), message);
    for query in [&[("id_field", "code")], &[("order", "code desc")]] {
        assert_eq!(first(&keyless, &able(), query).unwrap().keyset.unwrap().columns, ["code"]);
    }
    // What the request calls identifying need not be unique; the primary key is.
    let page = first(&orders(), &able(), &[("id_field", "country")]).unwrap();
    assert_eq!(page.keyset.unwrap().columns, ["id"]);
}

#[test]
fn what_has_no_place_of_its_own_has_no_cursor() {
    for (query, message) in [
        (
            ("group", "country"),
            "a cursor can't go through groups, aggregates or 'distinct'; page by 'offset'",
        ),
        (
            ("distinct", "true"),
            "a cursor can't go through groups, aggregates or 'distinct'; page by 'offset'",
        ),
        (
            ("order", "data"),
            "a cursor can't go by 'data': its values may be of several kinds; order by another field or page by 'offset'",
        ),
    ] {
        assert_eq!(refused(&orders(), &[query]), message, "{query:?}");
    }
    let mut table = orders();
    table.columns.push(Column::new("any", ColumnType::Other));
    assert!(refused(&table, &[("order", "any")]).starts_with("a cursor can't go by 'any'"));
}

#[test]
fn a_store_is_refused_on_the_first_page_already() {
    let check = |query: &[(&str, &str)], change: fn(&mut Capabilities), feature: &str| {
        let mut can = able();
        change(&mut can);
        let error = first(&orders(), &can, query).unwrap_err();
        assert_eq!(error.to_string(), format!("{feature} is not supported by this service"));
    };
    check(&[], |can| can.order = false, "a cursor");
    check(&[], |can| can.filter_compare = false, "> in a filter");
    let by_amount = &[("order", "amount")];
    check(by_amount, |can| can.filter_null = false, "IS NULL in a filter");
    check(by_amount, |can| can.filter_not = false, "NOT in a filter");
    check(by_amount, |can| can.order_nulls = false, "a cursor by a field that may be null");
    // Nothing but ranges is needed where nothing is null.
    let plain = Capabilities { filter_null: false, filter_not: false, filter_or: false, ..able() };
    assert!(first(&orders(), &plain, &[("order", "country")]).is_ok());
}

#[test]
fn a_position_of_another_order_is_refused() {
    let table = orders();
    let page = first(&table, &able(), &[]).unwrap();
    let error =
        planned(&table, &able(), |scope| page.after(&[Value::I64(1), Value::I64(2)], scope)).unwrap_err();
    assert_eq!(error.to_string(), "the cursor is one of another request");
}

#[test]
fn a_filter_is_refused_on_the_first_page_if_it_is_too_deep_for_the_next() {
    let check = |limit: u32, expected: Option<&str>| {
        let able = Capabilities { max_filter_depth: Some(limit), ..able() };
        let refused = first(&orders(), &able, &[("filter", "id = 1 and (code = 'a' or code = 'b')")]).err();
        assert_eq!(refused.map(|error| error.to_string()).as_deref(), expected, "{limit}");
    };
    check(4, None);
    check(3, Some("the depth of a filter is limited to 3 by this service"));
}
